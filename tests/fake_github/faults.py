"""What can happen to a request instead of its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What happens to a request instead of, or after, its answer."""

    name: str
    status: int | None = None
    """None: the connection closes without an answer."""
    message: str = "fault"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_carried_out: bool = False
    """The request does its work first, as if only the answer were lost."""
    delay_s: float = 0.0
    """The answer comes so much later."""
    then: Callable[[], object] | None = None
    """Done before the connection closes; it may kill the client."""


LOST_REQUEST = Fault(name="lost request")
LOST_ANSWER = Fault(name="lost answer", is_carried_out=True)
TIMEOUT = Fault(name="timeout", delay_s=1.2)
NOT_FOUND = Fault(name="not found", status=404, message="Not Found")
UNPROCESSABLE = Fault(name="unprocessable", status=422, message="Validation Failed")
FORBIDDEN_LIMIT = Fault(
    name="secondary limit as 403",
    status=403,
    message="You have exceeded a secondary rate limit.",
)
BAD_GATEWAY = Fault(name="bad gateway", status=502)
SERVER_ERROR = Fault(name="server error", status=500)
SERVER_ERROR_AFTER = Fault(name="server error after the work", status=502, is_carried_out=True)
CONFLICT = Fault(name="conflict", status=409, message="Git Repository is busy.")
RATE_LIMIT = Fault(
    name="rate limit",
    status=403,
    message="API rate limit exceeded for installation.",
    headers={"X-RateLimit-Reset": "4000000000", "X-RateLimit-Remaining": "0"},
)
SECONDARY_LIMIT = Fault(
    name="secondary limit",
    status=429,
    message="You have exceeded a secondary rate limit.",
)
