"""Outcomes that nobody declared: the model reads a sample, a small local classifier the rest.

Only for agents whose settings say what their task is or when it is done, and of which no good or
bad outcome is declared. Everything is marked `inferred` and never mixed with what was declared.
The classifier is believed where it agrees with the model on conversations that it was not taught;
else it is refused and only what was read counts. Costs one call for each conversation that is read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

from bot.figures import count
from bot.intents.embedding import Embedder, embed_texts
from bot.records import (
    FACTS_SCHEMA,
    Ask,
    ConversationsOf,
    Finding,
    Interval,
    Key,
    Pattern,
    PatternReport,
    RenderedPrompt,
    Signal,
    SignalKind,
    Skipped,
    short_hash,
)
from bot.rendering import render_prompt
from bot.settings import AgentSettings
from bot.statistics import Z_95
from bot.transcript import write_transcript
from collector.records import Conversation

Ended: TypeAlias = Literal["success", "failure"]
Numbers: TypeAlias = npt.NDArray[np.float64]

FAILED = "inferred:failure"
"""Name of the outcome in patterns: nobody shall take it for a declared one."""
READ = 150
"""Conversations of one agent that the model reads: those with the lowest hash, so that tomorrow
they are mostly the same ones and cost nothing."""
MIN_READ = 60
MIN_EACH = 15
"""Read successes, and failures, from which a classifier is taught."""
MIN_AUC = 0.65
"""Lower end of the interval of the area under the curve, on conversations not taught."""
MIN_KAPPA = 0.4
"""Agreement beyond chance with the model, on conversations not taught."""
FOLDS = 5
ENDING_CHARS = 400
MAX_PROMPT_CHARS = 16_000
_KINDS: tuple[SignalKind, ...] = (
    *("reformulation", "repeated_query", "quick_correction", "error_pointed_out", "abandonment"),
    *("quick_abandonment", "escalation_request", "negative_rating", "tool_error", "tool_loop"),
    *("repeated_clarification", "promise_without_action", "refusal", "empty_answer"),
    *("cut_off_answer", "broken_format"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """What the local classifier sees of one conversation."""

    unit: str
    last_user: str
    last_answer: str
    numbers: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Distilled:
    """How well the classifier says what the model said, on conversations that it was not taught."""

    agent: str
    read: int
    failed: int
    auc: float
    auc_interval: Interval
    kappa: float

    @property
    def is_usable(self) -> bool:
        return self.auc_interval.low >= MIN_AUC and self.kappa >= MIN_KAPPA


@dataclass(frozen=True, kw_only=True, slots=True)
class Inferred:
    """Outcomes of conversations of which none was declared."""

    read: Mapping[Key, Ended] = field(default_factory=dict)
    """By the model."""
    guessed: Mapping[Key, float] = field(default_factory=dict)
    """By the classifier, of all conversations of agents where it is usable: chance of failure."""
    distilled: tuple[Distilled, ...] = ()
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def ended(self, key: Key) -> Ended | None:
        """The model's word where it read the conversation, else the classifier's."""
        if key in self.read:
            return self.read[key]
        chance = self.guessed.get(key)
        return None if chance is None else "failure" if chance >= 0.5 else "success"


NOTHING_INFERRED = Inferred()


def ending_of(conversation: Conversation, signals: Iterable[Signal]) -> Ending:
    """The little that is kept of every conversation of an agent whose outcomes are inferred."""
    messages = conversation.messages
    kinds = {signal.kind for signal in signals}
    spoken = [one for one in messages if one.text]
    last = {one.role: one.text or "" for one in spoken}
    calls = sum(len(one.tool_calls) for one in messages)
    errors = sum(bool(one.error) for one in messages)
    return Ending(
        unit=conversation.unit,
        last_user=last.get("user", "")[-ENDING_CHARS:],
        last_answer=last.get("assistant", "")[-ENDING_CHARS:],
        numbers=(
            math.log1p(conversation.turns),
            math.log1p(calls),
            math.log1p(errors),
            float(bool(spoken) and spoken[-1].role == "user"),
            *(float(kind in kinds) for kind in _KINDS),
        ),
    )


def outcome_prompt(conversation: Conversation, agent: AgentSettings) -> RenderedPrompt:
    """What the model is asked of one conversation."""
    task = [f"The agent's task: {agent.task}"] if agent.task else []
    task += [f"It is done when: {agent.done_when}"] if agent.done_when else []
    return render_prompt(
        "outcomes/judge",
        task="\n".join(task),
        agent_prompt=(conversation.system or "(not known)")[:MAX_PROMPT_CHARS],
        conversation=write_transcript(conversation).text,
    )


def read_outcome(
    conversation: Conversation, agent: AgentSettings, *, ask: Ask
) -> Ended | Skipped | None:
    """What the model says of one conversation; None where it cannot tell, or has no proof.

    That all went well is proven by what was done or answered, never by a user's word: a user can
    say anything, also to a judge.
    """
    reply = ask(outcome_prompt(conversation, agent))
    if isinstance(reply, Skipped):
        return reply
    said = cast("dict[str, Any]", reply.data)
    if said["outcome"] == "unclear":
        return None
    found = write_transcript(conversation).find(said["quote"], said["turn"])
    if found is None:
        return None
    if said["outcome"] == "success" and conversation.messages[found].role == "user":
        return None
    return cast("Ended", said["outcome"])


def infer(
    endings: Mapping[Key, Ending],
    *,
    agent_of: Callable[[str], AgentSettings],
    conversations_of: ConversationsOf,
    ask: Ask,
    embed: Embedder = embed_texts,
) -> Inferred:
    """Read a sample of each agent's conversations and teach a classifier the rest.

    `endings` are those of agents without a declared outcome.

    Raises:
        DebriefError: what `ask` raises: the model's service or the key failed for good.
    """
    read: dict[Key, Ended] = {}
    guessed: dict[Key, float] = {}
    distilled: list[Distilled] = []
    findings: list[Finding] = []
    skipped: list[Skipped] = []
    for agent in sorted({agent for agent, _ in endings}):
        keys = sorted((key for key in endings if key[0] == agent), key=lambda k: short_hash(*k))
        own, stopped = _read(keys[:READ], agent_of(agent), conversations_of, ask)
        read |= own
        skipped += stopped
        found = distil({key: endings[key] for key in keys}, own, agent=agent, embed=embed)
        if isinstance(found, Skipped):
            skipped.append(found)
            findings += [_only_read(agent, own, found)] if own else []
            continue
        numbers, chances = found
        distilled.append(numbers)
        guessed |= chances
        findings.append(_finding(numbers, len(keys)))
    return Inferred(
        read=read,
        guessed=guessed,
        distilled=tuple(distilled),
        findings=tuple(findings),
        skipped=tuple(skipped),
    )


def _read(
    keys: Sequence[Key],
    agent: AgentSettings,
    conversations_of: ConversationsOf,
    ask: Ask,
) -> tuple[dict[Key, Ended], list[Skipped]]:
    read: dict[Key, Ended] = {}
    stopped: dict[tuple[str, str], int] = {}
    conversations = conversations_of(keys)
    for key in keys:
        if key not in conversations:
            continue
        said = read_outcome(conversations[key], agent, ask=ask)
        if isinstance(said, Skipped):
            stopped[said.code, said.reason] = stopped.get((said.code, said.reason), 0) + 1
            if said.code == "budget":
                break
        elif said is not None:
            read[key] = said
    return read, [
        Skipped(what=f"the outcome of {count(n, 'conversation')}", code=code, reason=reason)
        for (code, reason), n in stopped.items()
    ]


# -- the classifier --------------------------------------------------------------------------------


def distil(
    endings: Mapping[Key, Ending],
    read: Mapping[Key, Ended],
    *,
    agent: str,
    embed: Embedder = embed_texts,
) -> tuple[Distilled, dict[Key, float]] | Skipped:
    """Teach a classifier what the model said of `read`; each conversation's chance of failure.

    `Skipped` where too few were read, or where it is no good on folds that it was not taught.
    """
    what = f"outcomes of {agent} beyond those that were read"
    taught = [key for key in endings if key in read]
    failed = np.array([read[key] == "failure" for key in taught], dtype=np.int64)
    fewest = int(min(failed.sum(), len(failed) - failed.sum())) if len(failed) else 0
    if len(taught) < MIN_READ or fewest < MIN_EACH:
        reason = (
            f"{len(taught)} conversations were read with a clear outcome, {int(failed.sum())} of "
            f"them failures; {MIN_READ} are needed, and {MIN_EACH} of each kind."
        )
        return Skipped(what=what, code="too_few_read", reason=reason)
    keys = list(endings)
    rows = _features([endings[key] for key in keys], embed)
    at = {key: number for number, key in enumerate(keys)}
    known = rows[[at[key] for key in taught]]
    units = [endings[key].unit for key in taught]
    held = _held_back(known, failed, units)
    numbers = _compared(agent, failed, held)
    if not numbers.is_usable:
        reason = (
            f"A local classifier ranks {numbers.auc:.2f} of pairs rightly "
            f"({numbers.auc_interval.low:.2f} to {numbers.auc_interval.high:.2f}), kappa "
            f"{numbers.kappa:.2f}; {MIN_AUC} for the lower bound and {MIN_KAPPA} are needed."
        )
        return Skipped(what=what, code="not_distilled", reason=reason)
    scale, model = _fit(known, failed)
    # Chances are set right on folds that were not taught (Platt 1999).
    platt = LogisticRegression().fit(held[:, None], failed)
    chances = platt.predict_proba(model.decision_function(scale.transform(rows))[:, None])[:, 1]
    told = dict(zip(keys, (float(one) for one in chances), strict=True))
    # Of what was taught, the word of the fold that did not know it: else PPI would see no error.
    told |= {
        key: float(one)
        for key, one in zip(taught, platt.predict_proba(held[:, None])[:, 1], strict=True)
    }
    return numbers, told


def _features(endings: Sequence[Ending], embed: Embedder) -> Numbers:
    user = embed([one.last_user for one in endings])
    answer = embed([one.last_answer for one in endings])
    # A text's dimensions are of length 1 together; a number's alone: the scale makes them alike.
    return np.hstack([user, answer, np.array([one.numbers for one in endings])]).astype(np.float64)


def _fit(rows: Numbers, failed: npt.NDArray[np.int64]) -> tuple[Any, Any]:
    scale = StandardScaler(with_std=False).fit(rows)
    model = LogisticRegression(C=1.0, max_iter=500).fit(scale.transform(rows), failed)
    return scale, model


def _held_back(rows: Numbers, failed: npt.NDArray[np.int64], units: Sequence[str]) -> Numbers:
    """Score of each row by a classifier that knew neither it nor its user."""
    scores = np.zeros(len(rows))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    for taught, held in folds.split(rows, failed, groups=units):
        if len(set(failed[taught])) < 2:
            continue
        scale, model = _fit(rows[taught], failed[taught])
        scores[held] = model.decision_function(scale.transform(rows[held]))
    return scores


def _compared(agent: str, failed: npt.NDArray[np.int64], held: Numbers) -> Distilled:
    bad, good = held[failed == 1], held[failed == 0]
    auc = float(stats.mannwhitneyu(bad, good).statistic) / (len(bad) * len(good))
    # Hanley and McNeil (1982).
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (len(bad) - 1) * (q1 - auc**2) + (len(good) - 1) * (q2 - auc**2)
    half = Z_95 * math.sqrt(max(0.0, variance) / (len(bad) * len(good)))
    said = held >= 0
    agreed = float((said == (failed == 1)).mean())
    chance = said.mean() * failed.mean() + (1 - said.mean()) * (1 - failed.mean())
    return Distilled(
        agent=agent,
        read=len(failed),
        failed=int(failed.sum()),
        auc=auc,
        auc_interval=Interval(low=max(0.0, auc - half), high=min(1.0, auc + half)),
        kappa=float((agreed - chance) / (1 - chance)) if chance < 1 else 0.0,
    )


def _finding(numbers: Distilled, total: int) -> Finding:
    return Finding(
        kind="inferred_outcomes",
        agent=numbers.agent,
        sentence=(
            f"No outcome is declared, so they are inferred: a model read {numbers.read} of "
            f"{count(total, 'conversation')} ({numbers.failed} failures), a classifier the others "
            f"(kappa {numbers.kappa:.2f} with the model on what it was not taught). Declare "
            f"outcomes to replace them."
        ),
    )


def _only_read(agent: str, read: Mapping[Key, Ended], why: Skipped) -> Finding:
    failed = sum(one == "failure" for one in read.values())
    return Finding(
        kind="inferred_outcomes",
        agent=agent,
        sentence=(
            f"No outcome is declared. A model read {count(len(read), 'conversation')} and saw "
            f"{count(failed, 'failure')}; the others have none. {why.reason}"
        ),
    )


# -- into facts and patterns -----------------------------------------------------------------------


def with_inferred(facts: pa.Table, inferred: Inferred) -> pa.Table:
    """`facts` with the column `inferred` of these conversations; nothing else changes."""
    if not (inferred.read or inferred.guessed):
        return facts
    rows = facts.select(["agent", "conversation_id", "inferred"]).to_pylist()
    values = []
    for row in rows:
        ended = inferred.ended((row["agent"], row["conversation_id"]))
        values.append(sorted({*row["inferred"], ended}) if ended else row["inferred"])
    at = facts.schema.get_field_index("inferred")
    column = pa.array(values, pa.list_(pa.string()))
    return facts.set_column(at, FACTS_SCHEMA.field("inferred"), column)


def in_place_of_declared(facts: pa.Table, inferred: Inferred) -> pa.Table:
    """`facts` for finding patterns: outcomes that are inferred stand under a name of their own.

    Of agents with inferred outcomes only conversations that have one are in it.
    """
    agents = {agent for agent, _ in (*inferred.read, *inferred.guessed)}
    if not agents:
        return facts
    rows = []
    for row in facts.to_pylist():
        if row["agent"] in agents:
            ended = inferred.ended((row["agent"], row["conversation_id"]))
            if ended is None:
                continue
            row["bad"] = [FAILED] if ended == "failure" else []
            row["good"] = [] if ended == "failure" else ["inferred:success"]
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=facts.schema)


def adjusted(report: PatternReport, facts: pa.Table, inferred: Inferred) -> PatternReport:
    """Patterns on inferred outcomes with the classifier's mistakes taken out; the rest untouched.

    Prediction-powered inference (Angelopoulos 2023): the classifier's mean over the group, set
    right by its mean error where the model read. A pattern whose difference could be none after
    that does not stand.
    """
    if not inferred.guessed:
        return report
    rows = facts.to_pylist()
    kept: list[Pattern] = []
    for pattern in report.patterns:
        if pattern.outcome != FAILED or not any(a == pattern.agent for a, _ in inferred.guessed):
            kept.append(pattern)
            continue
        own = [one for one in rows if one["agent"] == pattern.agent]
        better = _adjusted(pattern, own, inferred)
        if better is not None:
            kept.append(better)
    return replace(report, patterns=tuple(kept))


def _adjusted(
    pattern: Pattern, rows: Sequence[Mapping[str, Any]], inferred: Inferred
) -> Pattern | None:
    inside = [one for one in rows if _is_member(pattern, one)]
    outside = [one for one in rows if not _is_member(pattern, one)]
    group, others = ppi_rate(_keys(inside), inferred), ppi_rate(_keys(outside), inferred)
    if group is None or others is None:
        return None
    difference = group[0] - others[0]
    half = Z_95 * math.hypot(group[1], others[1])
    if difference - half <= 0:
        return None
    return replace(
        pattern,
        rate=group[0],
        rate_interval=_around(group),
        baseline_rate=others[0],
        risk_difference=difference,
        interval=Interval(low=difference - half, high=min(1.0, difference + half)),
        risk_ratio=None,
        risk_ratio_interval=None,
    )


def ppi_rate(keys: Sequence[Key], inferred: Inferred) -> tuple[float, float] | None:
    """(rate of failure, its standard error) of these conversations; None where none was read."""
    told = [inferred.guessed[key] for key in keys if key in inferred.guessed]
    guesses = np.array([float(chance >= 0.5) for chance in told])
    errors = np.array(
        [
            float(inferred.read[key] == "failure") - float(inferred.guessed[key] >= 0.5)
            for key in keys
            if key in inferred.read and key in inferred.guessed
        ]
    )
    if len(guesses) < 2 or len(errors) < 2:
        return None
    rate = float(guesses.mean() + errors.mean())
    # One error more of each kind: few read conversations without an error prove no perfection.
    spread = float(np.append(errors, [1.0, -1.0]).var())
    variance = float(guesses.var()) / len(guesses) + spread / len(errors)
    return min(1.0, max(0.0, rate)), math.sqrt(variance)


def _around(estimate: tuple[float, float]) -> Interval:
    rate, error = estimate
    return Interval(low=max(0.0, rate - Z_95 * error), high=min(1.0, rate + Z_95 * error))


def _keys(rows: Iterable[Mapping[str, Any]]) -> list[Key]:
    return [(one["agent"], one["conversation_id"]) for one in rows]


def _is_member(pattern: Pattern, row: Mapping[str, Any]) -> bool:
    """Whether the pattern's group holds this conversation."""
    if pattern.intent_id is not None and pattern.intent_id not in row["intents"]:
        return False
    segments = dict(row["segments"])
    for key, value in pattern.segment.items():
        own = {"version": row["version"], "variant": row["variant"]}.get(key, segments.get(key))
        if key == "signal":
            own = value if value in row["signals"] else None
        if own != value:
            return False
    return True
