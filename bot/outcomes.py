"""Outcomes: what came of a conversation, of a user or of an account, as somebody declared it.

Takes conversations, the events of users and accounts, and the settings' rules; gives `Outcome`s.
What an automatic evaluator said is marked `inferred`. Costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
class Rule:
    """When a conversation has outcome `name`, unless it has one of `without`."""

    name: str
    when: frozenset[str] = frozenset()
    """It has `at_least` signals of these kinds; empty where the rule is about silence."""
    at_least: int = 1
    idle: timedelta | None = None
    """The user has been silent for so long."""
    without: frozenset[str] = frozenset()

    def holds(
        self, conversation: Conversation, signals: Sequence[Signal], now: datetime | None
    ) -> bool:
        """Whether the conversation shows it at `now`; without times nobody is known to be idle."""
        if self.when and sum(one.kind in self.when for one in signals) < self.at_least:
            return False
        if self.idle is None:
            return True
        last = _last_user_turn(conversation)
        return last is not None and now is not None and now - last >= self.idle


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeRules:
    """Which outcomes are good or bad (all others are neutral), and how the rest is found."""

    good: frozenset[str] = frozenset(OutcomeSettings().good)
    bad: frozenset[str] = frozenset(OutcomeSettings().bad)
    rules: tuple[Rule, ...] = ()
    within: timedelta = timedelta(days=OutcomeSettings().within_days)
    """How long after a conversation something may happen to its user or account to count for it."""
    account: str = OutcomeSettings().account
    """The segment that names the account."""

    @classmethod
    def from_settings(cls, written: OutcomeSettings) -> OutcomeRules:
        """The section `outcomes` of the settings file."""
        return cls(
            good=frozenset(map(name_of, written.good)),
            bad=frozenset(map(name_of, written.bad)),
            rules=tuple(
                Rule(
                    name=name_of(one.name),
                    when=frozenset(one.when),
                    at_least=one.at_least,
                    idle=None if one.idle_min is None else timedelta(minutes=one.idle_min),
                    without=frozenset(map(name_of, one.without)),
                )
                for one in written.rules
            ),
            within=timedelta(days=written.within_days),
            account=written.account,
        )

    def polarity(self, name: str) -> Polarity:
        if name in self.bad:
            return "bad"
        return "good" if name in self.good else "neutral"


def name_of(text: str) -> str:
    """One spelling of an outcome's name: `Late Hang-up` is `late_hang_up`."""
    return "_".join(text.strip().lower().replace("-", " ").split())


def _last_user_turn(conversation: Conversation) -> datetime | None:
    """When the user last spoke; the conversation's end where messages have no times."""
    spoken = [one.at for one in conversation.messages if one.role == "user" and one.at is not None]
    return max(spoken, default=conversation.ended_at)


def link_outcomes(
    conversation: Conversation,
    signals: Sequence[Signal],
    rules: OutcomeRules,
    *,
    now: datetime | None = None,
) -> tuple[Outcome, ...]:
    """The outcomes of one conversation, each name once for each source; the last event wins.

    Rules about silence are looked at only with `now`.
    """
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
    for rule in rules.rules:
        if rule.name in told or told & rule.without:
            continue
        if rule.holds(conversation, signals, now):
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


@dataclass(frozen=True, kw_only=True, slots=True)
class LaterOutcomes:
    """What happened to users and accounts, outside of any conversation, by their ids."""

    of_users: Mapping[str, tuple[Outcome, ...]] = field(default_factory=dict)
    of_accounts: Mapping[str, tuple[Outcome, ...]] = field(default_factory=dict)


def later_outcomes(events: Iterable[Event], rules: OutcomeRules) -> LaterOutcomes:
    """Read events without a conversation. Repeats count once.

    What names a user happened to the user; what names only an account happened to all of it.
    """
    users: dict[str, dict[str, tuple[Outcome, ...]]] = {}
    accounts: dict[str, dict[str, tuple[Outcome, ...]]] = {}
    for event in events:
        if event.conversation_id is not None:
            continue
        account = event.value(f"segment.{rules.account}")
        whose = users if event.user_id is not None else accounts
        owner = event.user_id if event.user_id is not None else account
        if owner is not None:
            outcomes = tuple(_of_event(event, rules, agent=event.agent or ""))
            whose.setdefault(str(owner), {})[event.id] = outcomes
    return LaterOutcomes(of_users=_flat(users), of_accounts=_flat(accounts))


def _flat(
    found: Mapping[str, Mapping[str, tuple[Outcome, ...]]],
) -> dict[str, tuple[Outcome, ...]]:
    return {
        owner: tuple(outcome for outcomes in by_event.values() for outcome in outcomes)
        for owner, by_event in found.items()
    }


def lags_of(later: LaterOutcomes, rules: OutcomeRules) -> dict[str, timedelta]:
    """How long after a conversation an outcome may still come, by its name.

    What is not here is said of a conversation at its end, or soon after.
    """
    lags = {rule.name: rule.idle for rule in rules.rules if rule.idle is not None}
    happened = (*later.of_users.values(), *later.of_accounts.values())
    return lags | {outcome.name: rules.within for outcomes in happened for outcome in outcomes}


def outcomes_after(
    conversation: Conversation, later: LaterOutcomes, rules: OutcomeRules
) -> tuple[Outcome, ...]:
    """What happened to this conversation's user or account, after it began and soon enough.

    Soon enough is within `rules.within` of its end: what happened before it, or long after it,
    counts for other conversations. Without both times nothing is joined. An outcome happens to a
    user and not to an agent: each agent that the user spoke to in time gets it.
    """
    began = conversation.started_at
    ended = conversation.ended_at or began
    if began is None or ended is None:
        return ()
    account = conversation.segments.get(rules.account)
    happened = (
        *later.of_users.get(conversation.user_id or "", ()),
        *later.of_accounts.get(account or "", ()),
    )
    return tuple(
        replace(outcome, agent=conversation.agent, conversation_id=conversation.conversation_id)
        for outcome in happened
        if outcome.at is not None and began <= outcome.at <= ended + rules.within
    )


def _of_event(event: Event, rules: OutcomeRules, *, agent: str) -> Iterator[Outcome]:
    source: Literal["declared", "inferred"] = "declared"
    if event.name == "debrief.outcome":
        name = _declared_name(event)
    elif event.name == "debrief.review":
        action = _text(event, "action", "review.action")
        name = f"review_{name_of(action)}" if action else None
    elif event.name == "gen_ai.evaluation.result":
        category = _text(event, "feedback.category", "gen_ai.evaluation.category")
        # Who evaluated is not on the wire; results without a category that somebody chose come
        # from models nearly always.
        name = f"feedback_{name_of(category)}" if category else _evaluated_name(event)
        source = "declared" if category else "inferred"
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
