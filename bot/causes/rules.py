"""Causes by rule: what most failing conversations show and the others seldom do.

A trait is a cause where at least half of the failing conversations have it, twice as many as of the
others, and not by chance. The share that does not have it is told with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.causes.traits import Trait
from bot.figures import count, percent
from bot.records import Cause, Pattern, Pointer, RateEstimate, RootCause
from bot.statistics import failure_rate, two_rates_p_value

MIN_FAILING = 5
MIN_SHARE = 0.5
"""Of the failing conversations: what fewer show is one cause among others."""
MIN_TIMES = 2.0
"""As often as in conversations that did not fail."""
ALPHA = 0.01
"""Divided by the number of traits that are compared."""
SHOWN = 5
"""Places that a cause points to."""
UNFIXABLE: frozenset[RootCause] = frozenset({"knowledge", "data", "user", "model", "unknown"})
"""No change of a prompt, a tool's description, the harness or a configuration mends these."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """What a kind of trait says."""

    cause: RootCause
    words: str
    """After "N of M failing conversations"; `{tool}` is the tool's name."""


CAUSES: Mapping[str, Rule] = {
    "cut_off": Rule(cause="config", words="have an answer that stopped at the token limit"),
    "content_filter": Rule(cause="config", words="have an answer that a content filter stopped"),
    "tool_denied": Rule(cause="config", words="have {tool} refused for want of a permission"),
    "context_too_long": Rule(cause="harness", words="grew too long for the model"),
    "call_timeout": Rule(cause="harness", words="have a model call that ran out of time"),
    "call_failed": Rule(cause="harness", words="have a model call that failed for good"),
    "tool_unavailable": Rule(
        cause="harness", words="have {tool} time out or fail for a passing reason"
    ),
    "empty_answer": Rule(cause="harness", words="have an empty answer"),
    "broken_format": Rule(cause="harness", words="have an answer in a format for machines"),
    "tool_loop": Rule(cause="harness", words="call one tool again and again with equal arguments"),
    "slow_answer": Rule(cause="harness", words="let the user wait for a minute or more"),
    "tool_arguments": Rule(
        cause="tool_definition", words="have {tool} reject the arguments that it was given"
    ),
    "tool_unknown": Rule(cause="tool_definition", words="call a tool that does not exist"),
    "tool_failed": Rule(cause="tool_definition", words="have {tool} fail"),
    "person_not_reached": Rule(
        cause="handoff", words="have a user who asks for a person and gets none"
    ),
    "handed_over": Rule(cause="handoff", words="were handed over to a person"),
    "empty_lookup": Rule(cause="knowledge", words="have {tool} find nothing"),
    "tool_not_found": Rule(cause="data", words="have {tool} miss the record that it was asked for"),
    "refusal": Rule(cause="prompt", words="have an answer that refuses"),
    "asks_again": Rule(cause="prompt", words="have the agent ask what the user had answered"),
    "promise": Rule(cause="prompt", words="have a promise that nothing follows"),
}
"""In the order of preference where two are equally telling: the surest first."""
_OF_SIGNAL = {
    "cut_off_answer": ("cut_off",),
    "empty_answer": ("empty_answer",),
    "broken_format": ("broken_format",),
    "tool_loop": ("tool_loop",),
    "repeated_clarification": ("asks_again",),
    "promise_without_action": ("promise",),
    "refusal": ("refusal", "content_filter"),
    "escalation_request": ("person_not_reached", "handed_over"),
    "tool_error": tuple(kind for kind in CAUSES if kind.startswith("tool_")),
}
"""Traits that a pattern on this signal has by its very name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What some conversations showed."""

    conversation_ids: Sequence[str]
    traits: Mapping[str, tuple[Trait, ...]]
    """By conversation id; those without any may be left out."""

    def counts(self) -> Counter[tuple[str, str]]:
        """(kind, tool) to its conversations; the tool is empty for all tools together."""
        found: Counter[tuple[str, str]] = Counter()
        for conversation_id in self.conversation_ids:
            own = self.traits.get(conversation_id, ())
            found.update({(one.kind, one.detail) for one in own} | {(one.kind, "") for one in own})
        return found


def cause_by_rules(pattern: Pattern, failing: Shown, others: Shown) -> Cause | None:
    """The most telling trait of the failing conversations; None where none is telling.

    `others` did not fail; they come from the same group where it has enough of them. What the
    pattern's own signal says is no news, so of that it is enough that most failing ones have it.
    """
    total = len(failing.conversation_ids)
    if total < MIN_FAILING:
        return None
    having, elsewhere = failing.counts(), others.counts()
    candidates = [key for key in having if key[0] in CAUSES]
    signal = pattern.segment.get("signal", pattern.outcome.removeprefix("signal:"))
    own = _OF_SIGNAL.get(signal, ())
    order = {kind: number for number, kind in enumerate(CAUSES)}
    telling: list[tuple[float, int, tuple[str, str], RateEstimate | None]] = []
    for key in candidates:
        inside = failure_rate(having[key], total)
        outside = _rate(elsewhere[key], len(others.conversation_ids))
        if inside.rate < MIN_SHARE:
            continue
        if key[0] not in own and not _stands_out(inside, outside, len(candidates)):
            continue
        difference = inside.rate - (outside.rate if outside else 0.0)
        # One tool tells more than all tools together; where both are as frequent it is the one.
        specific = difference + (1e-6 if key[1] else 0.0)
        telling.append((-specific, order[key[0]], key, outside))
    if not telling:
        return None
    _, _, key, outside = min(telling, key=lambda one: (one[0], one[1], one[2]))
    is_its_name = own == (key[0],) and having[key] == total
    return _cause(key, having[key], total, outside, failing, is_its_name=is_its_name)


def _stands_out(inside: RateEstimate, outside: RateEstimate | None, compared: int) -> bool:
    return (
        outside is not None
        and inside.rate >= MIN_TIMES * outside.rate
        and two_rates_p_value(inside, outside) < ALPHA / compared
    )


def _rate(having: int, total: int) -> RateEstimate | None:
    return failure_rate(having, total) if total else None


def _cause(
    key: tuple[str, str],
    support: int,
    total: int,
    outside: RateEstimate | None,
    failing: Shown,
    *,
    is_its_name: bool,
) -> Cause:
    """`is_its_name`: the group was made of what shows it, so that all have it is no evidence."""
    kind, tool = key
    rule = CAUSES[kind]
    against = total - support
    words = rule.words.format(tool=f"`{tool}`" if tool else "a tool")
    if is_its_name:
        also = f"; so do {percent(outside.rate)} of those that did not fail" if outside else ""
        sentence = f"All {words}: that makes the group{also}."
    else:
        compared = f", {percent(outside.rate)} of those that did not fail" if outside else ""
        without = f"; {against} {'does' if against == 1 else 'do'} not" if against else ""
        told = f"{support} of {count(total, 'failing conversation')}"
        sentence = f"{told} {words}{compared}{without}."
    return Cause(
        cause=rule.cause,
        by="rule",
        kind=kind,
        sentence=sentence,
        support=support,
        contradicting=against,
        elsewhere=outside,
        quotes=_places(key, failing),
        is_fixable=rule.cause not in UNFIXABLE,
    )


def _places(key: tuple[str, str], failing: Shown) -> tuple[Pointer, ...]:
    kind, tool = key
    found = (
        Pointer(conversation_id=conversation_id, message_index=trait.message_index)
        for conversation_id in reversed(failing.conversation_ids)
        for trait in failing.traits.get(conversation_id, ())
        if trait.kind == kind and tool in ("", trait.detail)
    )
    return tuple(place for place, _ in zip(found, range(SHOWN), strict=False))
