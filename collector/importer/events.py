"""Flat events, as files and web pages send them, to rows of the table `events`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collector import semconv
from collector.dialects.genai import moment
from collector.errors import ImportRefused
from collector.otlp import Row, event_row
from collector.records import Json
from collector.times import EPOCH, to_ns

SCOPE = "debrief.import"
_PLAIN = (
    "event",
    "at",
    "agent",
    "conversation_id",
    "user_id",
    "response_id",
    "trace_id",
    "span_id",
)
_TIES = ("conversation_id", "user_id", "response_id", "trace_id")
_ACCOUNT = "account_id"
"""As a segment, so that an outcome finds the conversations of the same account."""
_OWN_IDS: Mapping[str, Sequence[str]] = {
    "debrief.decision": ("id", "debrief.decision.id"),
    "debrief.response": ("decision.id", "debrief.response.decision.id"),
}
"""Decisions need no conversation: a response finds its decision by the decision's id."""


def flat_row(flat: Mapping[str, Json], *, received_ns: int) -> Row:
    """Make a row, not yet redacted, of `{"event": "debrief.decision", "id": …, "action": …}`.

    Keys lack the prefix, which is the event's name (for evaluations `gen_ai.evaluation`), and
    `segment.<key>` is context. A key that has its prefix keeps it.

    Raises:
        ImportRefused: the event has no name, no time that can be read, or is tied to nothing.
    """
    name = word(flat, "event")
    if not name:
        raise ImportRefused("the event has no name; put it under the key `event`")
    own_ids = _OWN_IDS.get(name, ())
    if name == semconv.OUTCOME_EVENT:
        flat = _with_account(flat)
        own_ids = tuple(key for key in flat if key.startswith("segment.")) or (_ACCOUNT,)
    if not any(flat.get(key) for key in (*_TIES, *own_ids)):
        *others, last = (*_TIES, *own_ids[:1])
        raise ImportRefused(f"{name} is tied to nothing; it needs {', '.join(others)} or {last}")
    prefix = "gen_ai.evaluation" if name == semconv.EVALUATION_EVENT else name
    attributes: list[tuple[str, Json]] = [
        (key, text)
        for key, text in (
            (semconv.CONVERSATION_ID, word(flat, "conversation_id")),
            (semconv.USER_IDS[0], word(flat, "user_id")),
            (semconv.RESPONSE_ID, word(flat, "response_id")),
            (semconv.AGENT_NAME, word(flat, "agent")),
        )
        if text
    ]
    for key, value in flat.items():
        if key not in _PLAIN and value is not None:
            attributes.append((_full(key, prefix), value))
    return event_row(
        name=name,
        at_ns=nanoseconds(flat.get("at"), "at"),
        received_ns=received_ns,
        attributes=attributes,
        trace_id=_hex(flat, "trace_id", 32),
        span_id=_hex(flat, "span_id", 16),
        resource=[(semconv.SERVICE_NAME, agent)] if (agent := word(flat, "agent")) else [],
        scope=SCOPE,
    )


def _with_account(flat: Mapping[str, Json]) -> Mapping[str, Json]:
    """The same event, with the account as a segment."""
    account = word(flat, _ACCOUNT)
    rest = {key: value for key, value in flat.items() if key != _ACCOUNT}
    return {f"segment.{_ACCOUNT}": account, **rest} if account else rest


def _full(key: str, prefix: str) -> str:
    if key.startswith((semconv.DEBRIEF, "gen_ai.")):
        return key
    return f"{semconv.DEBRIEF if key.startswith('segment.') else f'{prefix}.'}{key}"


def word(flat: Mapping[str, Json], key: str) -> str | None:
    """The text or whole number under `key`; None where there is none.

    Raises:
        ImportRefused: it is something else.
    """
    value = flat.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ImportRefused(f"{key} must be text, not {type(value).__name__}")
    return str(value)


def _hex(flat: Mapping[str, Json], key: str, length: int) -> str | None:
    text = word(flat, key)
    if text is not None and (len(text) != length or set(text.lower()) - set("0123456789abcdef")):
        raise ImportRefused(f"{key} {text[:40]!r} is not {length} hex digits")
    return text.lower() if text else None


def nanoseconds(value: Json, key: str) -> int | None:
    """Nanoseconds since 1970 of a time in a file; None where there is none.

    Raises:
        ImportRefused: it is neither ISO 8601 nor seconds since 1970.
    """
    if value is None or value == "":
        return None
    at = moment(value)
    if at is None or at < EPOCH:
        raise ImportRefused(
            f"{key} {str(value)[:60]!r} is no time; write ISO 8601 (UTC where it names no zone) or "
            "seconds since 1970"
        )
    return to_ns(at)
