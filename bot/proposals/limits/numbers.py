"""Which number in the repository is the limit that production shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from bot.proposals.limits.observed import LimitKind, Observed
from bot.proposals.scalars import Scalar, find_number, numbers_called
from bot.records import Skipped, SourceFile

NAMES: dict[LimitKind, frozenset[str]] = {
    "answer": frozenset(
        "maxtokens maxoutputtokens maxcompletiontokens maxnewtokens maxtokenstosample "  # noqa: SIM905
        "numpredict maxresponsetokens maxlength".split()
    ),
    "steps": frozenset(
        "maxsteps maxiterations maxturns recursionlimit maxtoolcalls maxtoolroundtrips "  # noqa: SIM905
        "maxiter maxiters maxloops maxrounds steplimit maxagentsteps stepcountis "
        "requestlimit toolcalllimit".split()
    ),
    "tool_time": frozenset(
        "timeout timeouts timeoutseconds timeoutsec timeoutsecs timeoutms requesttimeout "  # noqa: SIM905
        "tooltimeout tooltimeouts tooltimeoutms tooltimeoutseconds readtimeout".split()
    ),
}
"""Last names of keys, in lower case and without `_` and `-`."""
_LIMITED = NAMES["answer"] | NAMES["steps"]
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_]+")
WORDS: dict[LimitKind, str] = {
    "answer": "the limit on the length of answers",
    "steps": "the limit on steps",
    "tool_time": "the time that a tool may take",
}
_MEASURES: dict[LimitKind, str] = {
    "answer": "answers stop at about {:,.0f} characters",
    "steps": "conversations stop at {:,.0f} calls of the model",
    "tool_time": "calls stop after about {:,.1f} seconds",
}
_TOKENS_PER_CHAR = (Decimal("0.12"), Decimal("1.5"))
"""Between code in English and text in Chinese."""


def find_limit(files: Sequence[SourceFile], observed: Observed) -> Scalar | Skipped:
    """The one number whose name is that of such a limit and whose value fits what was stopped.

    Of several, those that stand under the tool's name.
    """
    stopped = Decimal(str(_median([one.size for one in observed.stopped])))

    def is_limit(key: str, value: Decimal) -> bool:
        if last_name(key) not in NAMES[observed.kind] or value <= 0:
            return False
        return _fits(observed.kind, value, stopped)

    def find(is_wanted: Callable[[str, Decimal], bool]) -> Scalar | Skipped:
        missing = "No number has the name of such a limit"
        return find_number(files, WORDS[observed.kind], is_wanted, missing=missing)

    found = find(is_limit)
    if not isinstance(found, Skipped):
        return found
    if found.code == "ambiguous" and observed.tool:
        own = observed.tool.lower()
        return find(lambda key, value: own in key.lower() and is_limit(key, value))
    if found.code == "no_file":
        return _differs(files, observed.kind, stopped) or found
    return found


def _differs(files: Sequence[SourceFile], kind: LimitKind, stopped: Decimal) -> Skipped | None:
    """The number that has the name and is not what production runs with; None where none has it."""
    named = numbers_called(files, lambda key: last_name(key) in NAMES[kind])
    if not named:
        return None
    path, name, value = named[0]
    return Skipped(
        what=WORDS[kind],
        code="production_differs",
        reason=f"{name} in {path!r} is {value}, and in production "
        f"{_MEASURES[kind].format(stopped)}; deploy it, or name under `agents:` the file "
        "in use.",
    )


def last_name(key: str) -> str:
    """`tools.search.timeout_s.value` is `timeouts`, and `DESK_MAX_TURNS` is `maxturns`."""
    parts = key.split(".")
    if len(parts) > 1 and parts[-1] in {"value", "default", "defaultValue"}:
        parts.pop()
    words = [one.lower() for one in _WORD.findall(parts[-1])]
    whole = "".join(words)
    # Variables of the environment begin with the program's name. A time has many meanings: it
    # belongs to a tool where nothing else stands before it.
    ends = ("".join(words[start:]) for start in range(1, len(words) - 1))
    return next((one for one in ends if one in _LIMITED), whole)


def _fits(kind: LimitKind, value: Decimal, stopped: Decimal) -> bool:
    """Production was stopped at about this value."""
    if kind == "answer":
        low, high = _TOKENS_PER_CHAR
        return low <= value / stopped <= high
    if kind == "steps":
        return abs(value - stopped) <= 1
    return any(Decimal("0.7") <= value / unit / stopped <= Decimal("1.1") for unit in (1, 1000))


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
