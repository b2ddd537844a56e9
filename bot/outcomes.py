"""Outcomes: what came of a conversation or of a user, as somebody declared it.

Takes conversations, the events of users, and the settings' rules; gives `Outcome`s. What an
automatic evaluator said is marked `inferred`. Costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from bot.records import Outcome, Polarity, Signal
from bot.settings import OutcomeSettings
from collector.records import Conversation, Event

OPPOSITE = {"success": "failure", "failure": "success"}
"""What a declared outcome with the value false says."""

_PASSED = frozenset({"pass", "passed", "success", "successful", "complete", "completed", "yes"})
_FAILED = frozenset({"fail", "failed", "failure", "incomplete", "not_completed", "no"})
_TASK_EVALUATIONS = frozenset(
    {"task_completion", "task_completed", "task_success", "goal_completion", "success", "resolved"}
)
"""Evaluation names that ask whether the user got what they came for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalRule:
    """A conversation with signal `when` has outcome `name`, unless it has one of `without`."""

    name: str
    when: str
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeRules:
    """Which outcomes are good or bad (all others are neutral), and which follow from a signal."""

    good: frozenset[str] = frozenset(OutcomeSettings().good)
    bad: frozenset[str] = frozenset(OutcomeSettings().bad)
    rules: tuple[SignalRule, ...] = ()

    @classmethod
    def from_settings(cls, written: OutcomeSettings) -> OutcomeRules:
        """The section `outcomes` of the settings file."""
        rules = (
            SignalRule(name=name_of(one.name), when=one.when, without=frozenset(one.without))
            for one in written.rules
        )
        return cls(
            good=frozenset(map(name_of, written.good)),
            bad=frozenset(map(name_of, written.bad)),
            rules=tuple(rules),
        )

    def polarity(self, name: str) -> Polarity:
        if name in self.bad:
            return "bad"
        return "good" if name in self.good else "neutral"


def name_of(text: str) -> str:
    """One spelling of an outcome's name: `Late Hang-up` is `late_hang_up`."""
    return "_".join(text.strip().lower().replace("-", " ").split())


def link_outcomes(
    conversation: Conversation, signals: Iterable[Signal], rules: OutcomeRules
) -> tuple[Outcome, ...]:
    """The outcomes of one conversation, each name once for each source; the last event wins."""
    declared = [
        outcome
        for event in conversation.events
        for outcome in _of_event(event, rules, agent=conversation.agent)
    ]
    unique: dict[tuple[str, str], Outcome] = {}
    for outcome in declared:
        for name in (outcome.name, OPPOSITE.get(outcome.name)):
            unique.pop((str(name), outcome.source), None)
        unique[outcome.name, outcome.source] = outcome
    told = {outcome.name for outcome in unique.values() if outcome.source == "declared"}
    kinds = {signal.kind for signal in signals}
    for rule in rules.rules:
        if rule.when in kinds and not told & rule.without and rule.name not in told:
            unique.setdefault(
                (rule.name, "rule"),
                Outcome(
                    name=rule.name,
                    polarity=rules.polarity(rule.name),
                    source="rule",
                    agent=conversation.agent,
                    conversation_id=conversation.conversation_id,
                    user_id=conversation.user_id,
                    at=conversation.ended_at,
                ),
            )
    return tuple(unique.values())


def user_outcomes(
    events: Iterable[Event], rules: OutcomeRules
) -> Mapping[str, tuple[Outcome, ...]]:
    """User id to what happened to that user: events without a conversation. Repeats count once."""
    found: dict[str, dict[str, tuple[Outcome, ...]]] = {}
    for event in events:
        if event.user_id is not None and event.conversation_id is None:
            outcomes = tuple(_of_event(event, rules, agent=event.agent or ""))
            found.setdefault(event.user_id, {})[event.id] = outcomes
    return {
        user: tuple(outcome for outcomes in by_event.values() for outcome in outcomes)
        for user, by_event in found.items()
    }


def outcomes_of_user(
    conversation: Conversation,
    user_outcomes: Mapping[str, Sequence[Outcome]],
    within_days: float = 28,
) -> tuple[Outcome, ...]:
    """What happened to this conversation's user after it began and within `within_days` of its end.

    Without both times nothing can be said, so nothing is joined. An outcome happens to a user and
    not to an agent: each agent that the user spoke to in time gets it.
    """
    began = conversation.started_at
    ended = conversation.ended_at or began
    if conversation.user_id is None or began is None or ended is None:
        return ()
    last = ended + timedelta(days=within_days)
    return tuple(
        replace(outcome, agent=conversation.agent, conversation_id=conversation.conversation_id)
        for outcome in user_outcomes.get(conversation.user_id, ())
        if outcome.at is not None and began <= outcome.at <= last
    )


def _of_event(event: Event, rules: OutcomeRules, *, agent: str) -> Iterator[Outcome]:
    source: Literal["declared", "inferred"] = "declared"
    if event.name == "debrief.outcome":
        name = _declared_name(event)
    elif event.name == "debrief.review":
        action = _text(event, "action", "review.action")
        name = f"review_{name_of(action)}" if action else None
    elif event.name == "gen_ai.evaluation.result":
        # Who evaluated is not on the wire; such results come from models nearly always.
        name, source = _evaluated_name(event), "inferred"
    else:
        return
    if name:
        yield Outcome(
            name=name,
            polarity=rules.polarity(name),
            source=source,
            agent=agent,
            conversation_id=event.conversation_id,
            user_id=event.user_id,
            at=_time(event),
            value=event.value("value", "outcome.value"),
        )


def _declared_name(event: Event) -> str | None:
    """The outcome's name; with the value false it is the opposite, or nothing came of it."""
    name = name_of(_text(event, "name", "outcome.name", "outcome") or "")
    if event.value("value", "outcome.value") in (False, "false"):
        return OPPOSITE.get(name)
    return name or None


def _evaluated_name(event: Event) -> str | None:
    name = name_of(_text(event, "gen_ai.evaluation.name", "evaluation.name") or "")
    if name not in _TASK_EVALUATIONS:
        return None
    label = name_of(_text(event, "gen_ai.evaluation.score.label", "score.label") or "")
    if label in _PASSED | _FAILED:
        return "success" if label in _PASSED else "failure"
    score = event.value("gen_ai.evaluation.score.value", "score.value")
    if isinstance(score, int | float) and 0 <= score <= 1:
        return "success" if score >= 0.5 else "failure"
    return None


def _time(event: Event) -> datetime | None:
    """The event's own attribute `at`, where it has one: churn is often reported later."""
    text = _text(event, "at", "outcome.at")
    if text is not None:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return event.at
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    return event.at


def _text(event: Event, *keys: str) -> str | None:
    value = event.value(*keys)
    return value if isinstance(value, str) and value else None
