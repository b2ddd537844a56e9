"""The nouns that pass between stages. Whoever reads this file knows the pipeline.

The nouns of a conversation are in `collector/records.py`. Rates are 0..1, times aware UTC,
identifiers opaque strings. A stage takes and gives these and knows no other stage.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal, TypeAlias

import pyarrow as pa

from collector.records import Conversation, Event, Json

Key: TypeAlias = tuple[str, str]
"""A conversation: (agent, conversation id)."""
ConversationsOf: TypeAlias = Callable[[Collection[Key]], Mapping[Key, Conversation]]
"""Reads some conversations again, whole; what is gone by now is missing."""

# -- what the conversations show ------------------------------------------------------------

SignalKind = Literal[
    "reformulation",
    "repeated_query",
    "quick_correction",
    "error_pointed_out",
    "abandonment",
    "quick_abandonment",
    "escalation_request",
    "negative_rating",
    "tool_error",
    "tool_loop",
    "repeated_clarification",
    "promise_without_action",
    "refusal",
    "empty_answer",
    "cut_off_answer",
    "broken_format",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """Something that the conversation itself shows, found without a model."""

    kind: SignalKind
    message_index: int
    """Into `Conversation.messages`."""
    evidence: str
    """Why we say so, in our words and numbers: "similarity 0.91 with message 2"."""


Polarity = Literal["good", "bad", "neutral"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a conversation or of a user."""

    name: str
    polarity: Polarity
    source: Literal["declared", "rule", "inferred"]
    """`inferred` is a model's word and never mixed with the others."""
    agent: str
    conversation_id: str | None = None
    user_id: str | None = None
    at: datetime | None = None
    value: Json = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Intent:
    """What users try to do: one entry of `.debrief/intents.yml`."""

    id: str
    """Opaque, never reused."""
    name: str
    definition: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    parent: str | None = None
    status: Literal["active", "retired", "merged", "split"] = "active"
    into: tuple[str, ...] = ()
    introduced: str | None = None
    exemplars: tuple[str, ...] = ()
    """Hashes of conversations, never their text."""
    terms: tuple[str, ...] = ()
    """Telling terms, most telling first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taxonomy:
    """All intents of the repository; `version` is a hash of the set."""

    intents: tuple[Intent, ...]
    version: str
    source: Literal["repository", "discovered"]
    removed: tuple[Intent, ...] = ()
    """Once in the repository's file, and taken out by a person: not proposed again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """Which intents one conversation has; none where nothing fits."""

    agent: str
    conversation_id: str
    intents: tuple[tuple[str, float], ...]
    """(intent id, confidence 0..1), most confident first."""
    source: Literal["person", "model", "classifier", "cluster"]
    taxonomy_version: str


FACTS_SCHEMA = pa.schema(
    [
        ("agent", pa.string()),
        ("conversation_id", pa.string()),
        ("unit", pa.string()),  # user id, else conversation id
        ("has_user", pa.bool_()),
        ("version", pa.string()),
        ("variant", pa.string()),
        ("started_at", pa.timestamp("us", "UTC")),  # null where the source had no times
        ("ended_at", pa.timestamp("us", "UTC")),
        ("turns", pa.int32()),
        ("has_text", pa.bool_()),
        ("signals", pa.list_(pa.string())),  # distinct kinds
        ("outcomes", pa.list_(pa.string())),  # declared and by rule
        ("good", pa.list_(pa.string())),  # the outcomes of these that are good
        ("bad", pa.list_(pa.string())),
        ("inferred", pa.list_(pa.string())),  # a model's word, kept apart
        ("intents", pa.list_(pa.string())),  # intent ids
        ("segments", pa.map_(pa.string(), pa.string())),
    ]
)
"""One row per conversation: what `patterns` takes."""


# -- statistics ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A 95 % interval unless `level` says otherwise."""

    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class RateEstimate:
    """`failed` of `total` units, with the Wilson score interval."""

    failed: int
    total: int
    rate: float
    interval: Interval


# -- people's feedback -------------------------------------------------------------------------


CorrectionNature = Literal["error", "preference", "noise"]
"""A fact was wrong; people want it otherwise; or nothing follows from it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """A person changed what the agent wrote."""

    id: str
    agent: str
    conversation_id: str | None
    reviewer_id: str | None
    types: tuple[str, ...]
    """Fine types such as opening_removed, most telling first; never just "edited"."""
    type_source: Literal["declared", "edit"]
    segments: Mapping[str, str]
    original: str
    corrected: str
    note: str | None
    at: datetime | None
    by: Literal["reviewer", "user"] = "reviewer"
    """A reviewer is known and trusted; a user is a stranger, named by `reviewer_id` if at all."""
    nature: CorrectionNature = "preference"
    """What it says of the agent, see `bot/correction_natures.py`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The agent chose an action by a score or by rules; `response` is what a reviewer did."""

    id: str
    agent: str
    conversation_id: str | None
    user_id: str | None
    at: datetime | None
    action: str
    confidence: float | None
    threshold_name: str | None
    threshold_value: float | None
    input_hash: str | None
    features: Mapping[str, float] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    segments: Mapping[str, str] = field(default_factory=dict)
    response: Literal["approve", "dismiss", "modify", "escalate"] | None = None

    @property
    def fired(self) -> bool:
        """The score reached the threshold, so a person saw the action."""
        return (
            self.confidence is not None
            and self.threshold_value is not None
            and self.confidence >= self.threshold_value
        )


# -- patterns ----------------------------------------------------------------------------------

RootCause = Literal[
    "prompt",
    "tool_definition",
    "harness",
    "config",
    "threshold",
    "knowledge",
    "handoff",
    "data",
    "user",
    "model",
    "unknown",
]
PatternKind = Literal["outcome", "correction", "threshold"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pointer:
    """Where something stands, without saying what: no text leaves the store with it."""

    conversation_id: str
    message_index: int
    """Into `Conversation.messages`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Why a pattern's conversations failed, with what speaks for it and against it."""

    cause: RootCause
    by: Literal["rule", "model"]
    kind: str
    """What was seen, for example `tool_timeouts`; the reader's majority for `model`."""
    sentence: str
    """Ours; names of tools and files may stand in it, nothing that a user wrote."""
    support: int
    """Failing conversations that show it."""
    contradicting: int
    """Failing conversations that were looked at and do not."""
    elsewhere: RateEstimate | None = None
    """How often those that did not fail show it; None where they were not looked at."""
    quotes: tuple[Pointer, ...] = ()
    """Where it is to be seen, some of the supporting conversations."""
    is_fixable: bool = True
    """A change of a file can mend it; else it is a finding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeekRate:
    """One ISO week of a pattern's history."""

    week: str
    """For example 2026-W47."""
    failed: int
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """A group whose bad outcome is more frequent than in the same agent's other units."""

    id: str
    """Stable over runs: a hash of agent, kind, intent, segment and outcome."""
    kind: PatternKind
    agent: str
    outcome: str
    """The bad outcome, `signal:<kind>`, `correction:<type>` or `dismissed`."""
    unit: Literal["user", "conversation", "decision"]
    rate: float
    rate_interval: Interval
    users: int
    """Distinct units in the group."""
    conversations: int
    """Conversations in the group (decisions, for a threshold)."""
    evidence: tuple[str, ...]
    """Ids of the failing conversations (decisions, for a threshold), oldest first."""
    evidence_users: int
    """Distinct users behind the evidence; 0 where no user ids are known."""
    exemplars: tuple[str, ...] = ()
    """Up to three ids of the evidence, a typical one first, then such as are unlike it."""
    share_explained: float | None = None
    """Of all failures by this outcome, the share that would not be there at the others' rate: the
    population attributable fraction. None where nothing is compared."""
    top_user_share: float | None = None
    """Share of the evidence that the most frequent user has; None without user ids."""
    intent_id: str | None = None
    intent_name: str | None = None
    segment: Mapping[str, str] = field(default_factory=dict)
    baseline_rate: float | None = None
    """The same agent's other units; None where there are none."""
    risk_difference: float | None = None
    interval: Interval | None = None
    """Of the difference."""
    risk_ratio: float | None = None
    risk_ratio_interval: Interval | None = None
    q_value: float | None = None
    """After Benjamini-Hochberg over all that was tested in the cycle; None where nothing is tested
    (corrections and thresholds stand on their evidence floor)."""
    trend: Literal["new", "growing", "steady", "shrinking", "unknown"] = "unknown"
    weeks: tuple[WeekRate, ...] = ()
    severity: float = 1.0
    priority: float = 0.0
    root_cause: RootCause = "unknown"
    cause: Cause | None = None
    """What `root_cause` rests on; None where nothing is known, and where the kind says it all."""
    corrections: tuple[Correction, ...] = ()
    """Kind `correction`: the group, oldest first."""
    decisions: tuple[Decision, ...] = ()
    """Kind `threshold`: all its decisions in the window, answered or not, oldest first."""
    threshold_name: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Worth a person's eye without statistics, or not fixable by a diff."""

    kind: str
    agent: str
    sentence: str
    evidence: tuple[str, ...] = ()
    pattern_id: str | None = None
    """The pattern that it answers; None where it is about no pattern."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Declined:
    """What a stage would not say or do, and why; printed as `refused: [{what, reason}]`."""

    what: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionRates:
    """What people did with one threshold's decisions, or one agent's without a threshold."""

    agent: str
    threshold_name: str | None
    waiting: int
    """Younger than 48 hours: people may still answer, so they count nowhere below."""
    response: RateEstimate
    """Answered, of those that people saw."""
    dismissed: RateEstimate | None = None
    """Of the answered, as the next three; None where none was answered."""
    approved: RateEstimate | None = None
    modified: RateEstimate | None = None
    escalated: RateEstimate | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gone:
    """A pattern that stood in an earlier run and does not now."""

    pattern: Pattern
    """As it was, without its evidence."""
    last_stood: datetime
    now: RateEstimate | None
    """Its group's rate in this window; None where it is too small to be compared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentHealth:
    agent: str
    health: Literal["healthy", "needs_attention", "degraded", "not_enough_data"]
    why: str
    conversations: int
    users: int
    """Distinct users with an id; 0 where none is known."""
    complete_share: float
    """Share of conversations that came with text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalRate:
    """How often one signal occurs in one group of an agent's conversations."""

    agent: str
    signal: str
    by: Literal["all", "intent", "version"]
    value: str
    """The intent's name or the version; empty for all."""
    rate: RateEstimate
    """Of conversations, in which it occurs at least once."""
    users: int
    """Distinct users (conversations, where no ids are known) in whose conversations it occurs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workflow:
    """How the reviewed work of one agent went in one span of jobs or time."""

    agent: str
    span: str
    """`last 100 jobs`, `last 1,000 jobs` or `month`."""
    jobs: int
    since: datetime | None
    completion: RateEstimate | None
    """Jobs that were done, of those of which anybody said; None where nobody did. So are the
    others, each of those that it was asked of."""
    override: RateEstimate | None
    """Jobs in which a person changed, corrected or rejected the result, of those reviewed."""
    usable: RateEstimate | None
    """Results that were usable in the next step."""
    exceptions: RateEstimate
    """Jobs that left the usual path: escalated, refused, unusable answer, tool failed."""
    exception_kinds: Mapping[str, int] = field(default_factory=dict)
    corrections: Mapping[str, int] = field(default_factory=dict)
    """Type of correction to their number, most frequent first."""
    before: Workflow | None = None
    """The same of as many jobs, or as much time, before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PatternReport:
    """What `patterns` found, ranked by priority, and what it declined to say."""

    agents: tuple[AgentHealth, ...]
    tested: int
    patterns: tuple[Pattern, ...]
    findings: tuple[Finding, ...]
    refused: tuple[Declined, ...]
    signal_rates: tuple[SignalRate, ...] = ()
    workflows: tuple[Workflow, ...] = ()
    """Only of agents about whose work anybody said anything."""
    decisions: tuple[DecisionRates, ...] = ()
    gone: tuple[Gone, ...] = ()
    compared: Mapping[str, RateEstimate] = field(default_factory=dict, repr=False)
    """Id of each pattern that was or could have been found to its group's rate."""


# -- when something changes --------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Departure:
    """One metric of an agent that has left its own weekly rhythm."""

    metric: str
    """`outcome:failed`, `signal:<kind>`, `judged:<criterion>` or `volume` (conversations a day)."""
    since: date
    """First day of it, in UTC."""
    failed: int
    """Since then; conversations, for `volume`."""
    total: int
    """Since then; days, for `volume`."""
    expected: float
    """By the same weekdays before: a rate, or conversations a day for `volume`."""
    band: Interval
    """Where 99 % of such spans lie when nothing has changed."""

    @property
    def value(self) -> float:
        """The rate since then, or conversations a day for `volume`."""
        return self.failed / self.total if self.total else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """An agent is not as it was: one episode, from the first day to the recovery."""

    id: str
    """`al-` and 8 hex digits of agent and first day: the same in every run of one episode."""
    agent: str
    state: Literal["open", "recovered", "settled"]
    """`settled`: it stayed for four weeks, so it is the rhythm now."""
    since: date
    last_day: date
    """The last whole day that was looked at."""
    departures: tuple[Departure, ...]
    """The furthest from its rhythm first; at least one."""
    sentence: str
    """Ours: names of metrics, numbers and the agent's name."""
    evidence: tuple[str, ...] = ()
    """The newest conversations that show it, at most a dozen ids."""


# -- the repository and the past ---------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    path: str
    """Relative to the repository's root, with forward slashes."""
    blob: str
    """Git object id of the content."""
    text: str
    """Decoded UTF-8, newlines as they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """The files of one commit that may matter, read once."""

    base_sha: str
    base_branch: str
    files: Mapping[str, SourceFile]


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentFiles:
    """Which files of the repository belong to one agent, after settings and discovery."""

    agent: str
    task: str = ""
    done_when: str = ""
    prompts: tuple[str, ...] = ()
    harness: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    thresholds: tuple[str, ...] = ()


ProposalKind = Literal[
    "rule", "threshold", "prompt", "harness", "config", "taxonomy", "cases", "dataset"
]
UNMEASURED: frozenset[ProposalKind] = frozenset({"taxonomy", "cases", "dataset"})
"""Kinds that change no agent: they move no rate, so no verdict ever comes."""


PullState = Literal["open", "merged", "rejected", "closed"]
"""`rejected`: closed by a person. `closed`: closed by Debrief itself, or by another bot."""
Rejection = Literal["not_a_problem", "wrong_fix", "later"]


CloseReason = Literal["obsolete", "done", "superseded", "expired"]
"""Why Debrief closed a pull request of its own; `done`: people made the change themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """A red check, or a reviewer's words, on an open pull request: input for one revision."""

    kind: Literal["check", "review"]
    author: str
    """Name of the check, or login of the reviewer. Outside text."""
    text: str
    """At most 2,000 characters. Outside text."""
    path: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewerEdit:
    """What a person made of a file that we proposed: a correction of Debrief itself."""

    path: str
    proposed: str
    """The file as our last commit had it."""
    edited: str
    """The file as the person left it. Outside text."""


ROLLBACK = "rollback of "
RETIREMENT = "retire "
"""How the remedies begin of what takes a merged change of ours out again; its id follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PastProposal:
    """One proposal as the target remembers it: from the marker in its body and its state."""

    id: str
    fingerprint: str
    kind: ProposalKind
    agent: str
    pattern_id: str
    branch: str
    title: str
    state: PullState
    reference: str
    """How people name it: `#212`, or the branch where there is no GitHub."""
    url: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merge_sha: str | None = None
    head_sha: str | None = None
    base_sha: str | None = None
    rejection: Rejection | None = None
    reason: str | None = None
    """The person's words, where they gave some. Outside text: never trusted."""
    evidence_entries: int = 0
    touched: bool = False
    """A person committed to the branch: hands off."""
    verdict: str | None = None
    """The verdict's result, where one was posted."""
    effect: str = ""
    """The difference that it gave, as it is shown, with its interval."""
    active_at: datetime | None = None
    """When anybody last did something to it, as far as the target says."""
    paths: tuple[str, ...] = ()
    """Files that it changes; not known of those that were closed."""
    has_labels: bool = True
    """Of an open one: labels are on it, ours or people's."""
    stale_paths: tuple[str, ...] = ()
    """Of an open one: those of `paths` that the default branch has changed since."""
    is_done: bool = False
    """Of an open one: the default branch has come to say the same without it."""
    reverted: bool = False
    """Merged, and taken back by people since: as good as a rejection."""
    close_reason: CloseReason | None = None
    """Of a closed one, where Debrief said why."""
    remarks: tuple[Remark, ...] = ()
    """Of an open one that nobody touched: what has not been answered by a revision yet."""
    reviewer_edits: tuple[ReviewerEdit, ...] = ()
    """What people changed in it on its branch, whether it was merged or not."""
    marker: Mapping[str, Json] = field(default_factory=dict)
    """The versioned marker of the body, as parsed: prediction, evidence and scope among it."""
    ticked: tuple[str, ...] = ()
    """Ids of the `Choice`s whose boxes are ticked in the body. Only who may write to the repository
    can tick there."""

    @property
    def remedy(self) -> str:
        """The remedy's identity, as the marker says."""
        return str(self.marker.get("remedy", ""))

    @property
    def is_measured(self) -> bool:
        """It predicts something, so a verdict comes after the merge."""
        return self.marker.get("prediction", True) is not None


# -- which version served it -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryCommit:
    """One step of the default branch's own line; a merged branch is one step."""

    sha: str
    at: datetime
    """When it was committed. A fast-forward may have reached the branch later."""
    files: Mapping[str, str | None]
    """Watched path to its blob, for what this step changed; None where it was deleted. All watched
    files, for the oldest step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileHistory:
    """The watched files of the default branch through its commits."""

    branch: str
    commits: tuple[HistoryCommit, ...]
    """Oldest first; at least one."""
    texts: Mapping[str, str]
    """Text by blob; a blob that is no text is not there."""
    is_whole: bool
    """The line goes back to its first commit: it was neither cut off nor fetched in part."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CapturedText:
    """A text that was sent to the model, the same one in all these conversations."""

    agent: str
    kind: Literal["system", "tool"]
    name: str
    """The tool's; empty for a system prompt."""
    text: str
    conversations: int
    first_at: datetime | None
    last_at: datetime | None
    """Starts of the first and the last of them; None where no time is known."""
    is_cut: bool = False
    """The sender says that it cut content."""

    @property
    def sha(self) -> str:
        """Identifies the text: 16 hex digits."""
        return short_hash(self.kind, self.name, self.text, length=16)


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchedPart:
    """A text of the repository that is a part of a captured one, or all of it."""

    path: str
    region: str
    """Empty for the whole file; else a heading, a path of keys, a variable or a function."""
    coverage: float
    """Share of the text's own characters that were found, in order."""
    share: float
    """Share of the captured text that it is, without what was filled in."""
    also_in: tuple[str, ...] = ()
    """Other files that hold the same text."""
    missing: tuple[str, ...] = ()
    """What the repository's text has and the captured one has not, at most ten pieces."""
    added: tuple[str, ...] = ()
    """What the captured text has in its midst and the repository's has not. Outside text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitRange:
    """Commits in which a text was in force, without a gap."""

    first_sha: str
    first_at: datetime
    last_sha: str
    until: datetime | None
    """When it was replaced; None where it is in force at the newest commit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionMatch:
    """Where a captured text comes from."""

    captured: CapturedText
    result: Literal["exact", "edited", "none"]
    """`edited`: no commit has this text, but it is close to one's: see the parts."""
    parts: tuple[MatchedPart, ...]
    """The largest first. For `none` the nearest, which is too far to say more."""
    ranges: tuple[CommitRange, ...]
    """Oldest first; several where a change was taken back later. For `edited` of what is nearest;
    empty for `none`, and where the parts were never in force together."""
    served: CommitRange | None
    """The one of `ranges` that fits the times of the conversations best."""
    explained: float
    """Share of the captured text that the parts and what was filled in there make up."""
    why: str

    @property
    def version(self) -> str | None:
        """A name for the version: the first commit that had it, 12 hex digits."""
        return self.served.first_sha[:12] if self.served and self.result == "exact" else None


# -- proposals ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """What the captured texts of one agent say about one commit."""

    is_visible: bool
    """The commit changed a file that captured texts are made of, so they can show it at all."""
    at: datetime | None
    """Start of the first conversation on a text that only this commit or later ones have."""
    last_at: datetime | None
    """Start of the newest conversation of which a text was captured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """Replace `old`, which must occur exactly once. A new file has base_blob None and old ''."""

    path: str
    base_blob: str | None
    old: str
    new: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceItem:
    """One conversation or decision behind a proposal, in our words."""

    id: str
    paraphrase: str
    """Made by us or checked; no quote unless the settings allow quotes."""
    quote: str | None = None
    """What the user wrote, redacted, where the settings allow quotes. Shown as code only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    entries: int
    """Cited entries: corrections, decisions with distinct inputs, or conversations."""
    users: int
    """Distinct users (reviewers, for corrections); 0 where no ids are known."""
    conversation_ids: tuple[str, ...]
    """All of them: ids of conversations (decisions, for a threshold)."""
    items: tuple[EvidenceItem, ...] = ()
    """The few that a reader should look at."""
    first_at: datetime | None = None
    last_at: datetime | None = None
    note: str | None = None
    """For example that no user ids are known, so that the floors count conversations."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """What should be seen after the merge; scored later."""

    metric: str
    """The pattern's outcome."""
    population: str
    """Whom it is about, in words."""
    baseline_rate: float
    expected: Interval
    """80 % interval of the rate after the change."""
    days: int
    """Days after it is live on which it is checked."""
    intent_id: str | None = None
    segment: Mapping[str, str] = field(default_factory=dict)
    margin: float | None = None
    """Of what is taken out: the rate shall not fall but rise by less than this, 0..1."""


GateVerdict = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, kw_only=True, slots=True)
class GateCheck:
    name: str
    verdict: GateVerdict
    sentence: str
    n: int = 0
    estimate: float | None = None
    interval: Interval | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GateResult:
    verdict: GateVerdict
    sentence: str
    checks: tuple[GateCheck, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A small table for the body: numbers that a reviewer decides by."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCost:
    """What model calls cost us, computed by us from their usage."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: ModelCost) -> ModelCost:
        return ModelCost(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            usd=self.usd + other.usd,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One example that a person keeps by ticking its box, or leaves out."""

    id: str
    """`x-` and letters, as in `bot/boxes.py`."""
    variant: str
    """How it differs from its seed: `paraphrase`, `harder` and so on."""
    seed: str
    """Id of the example that it was made of."""
    doubts: tuple[str, ...]
    """Codes of ours: what speaks against it."""
    points: int
    """Of doubt; 0 is none."""
    confidence: float
    """0..1 that a person would keep it."""
    why: str
    """Why people are asked, in our words."""
    said: tuple[str, ...]
    """What the judges who doubt it wrote. Outside text."""
    request: str
    """Outside text, redacted, as `answer` and the two of the seed are."""
    answer: str
    seed_request: str
    seed_answer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ThresholdMove:
    """What a proposal of kind `threshold` does to its number."""

    name: str
    """As the decisions in the log name it."""
    old: float
    new: float


CheckState = Literal["passed", "failed", "timed_out", "fails_anyway", "times_out_anyway", "not_run"]
"""`fails_anyway` and `times_out_anyway`: the default branch without the change does so too, so that
it does not count. `not_run`: no copy of the repository could be made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckRun:
    """What the repository's own check command said of a candidate."""

    state: CheckState
    command: str
    """As the settings have it."""
    elapsed_s: float
    is_offline: bool
    """It ran without a network; where the system cannot do that, with one."""
    last_lines: tuple[str, ...] = ()
    """The end of its output. Outside text."""


TITLE_CHARS = 72
"""What git and GitHub show of a title in one line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """A small, reviewable change with its evidence, its prediction and its risk."""

    id: str
    """`p-` and 8 hex digits of (agent, kind, pattern, remedy): the same for the same remedy in
    other words or with another value."""
    fingerprint: str
    """Of id, edits and evidence: equal means nothing new, so nothing is written."""
    kind: ProposalKind
    agent: str
    pattern_id: str
    remedy: str
    """The remedy's identity, free of wording: path, what is done, and for whom."""
    title: str
    """Imperative, at most `TITLE_CHARS`, ours: no text from conversations."""
    what: str
    why: str
    risk: str
    confidence: Literal["low", "medium", "high"]
    edits: tuple[Edit, ...]
    evidence: Evidence
    prediction: Prediction | None
    gate: GateResult = GateResult(verdict="inconclusive", sentence="Not put through the gate yet.")
    root_cause: RootCause = "unknown"
    priority: float = 0.0
    tables: tuple[Table, ...] = ()
    weeks: tuple[WeekRate, ...] = ()
    losing: tuple[EvidenceItem, ...] = ()
    """Cases that the change makes worse, or that contradict it."""
    alternatives: tuple[str, ...] = ()
    """What was tried and dropped, with the reason."""
    cost: ModelCost = ModelCost()
    threshold: ThresholdMove | None = None
    """Kind `threshold` only: what the gate replays and the marker keeps."""
    check: CheckRun | None = None
    """Of the repository's own check command; None where none is set or the kind needs none."""
    undoes: str = ""
    """Reference of the merged pull request that it takes out again; empty for all others."""
    learned: tuple[str, ...] = ()
    """How reviewers of this repository taught Debrief to write; it was written so."""
    choices: tuple[Choice, ...] = ()
    """Kind `dataset`: what people are asked about, one box each."""
    is_draft: bool = False
    """Opened as a draft: somebody has to answer before it can be merged."""
    variants: int = 0
    """Kind `dataset`: examples in the set that a model wrote."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """Something that a run did not propose or do, and why. Counted and shown, never lost."""

    what: str
    code: str
    """For example evidence_floor, rejected_before, cap, no_file, no_key, guardrail, healthy."""
    reason: str
    """One sentence with the numbers."""
    pattern_id: str | None = None
    """The pattern that it answers; None where it is about no pattern, or about many."""
    detail: str = ""
    """What else is known, for `--json`: files that were searched, edits that were refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Degraded:
    """A run went on without something; it ends with exit code 3."""

    code: str
    sentence: str


# -- after the merge ---------------------------------------------------------------------------


LAST_LOOK_DAYS = 28.0
"""Before, more data may still settle an unknown verdict."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Did one merged change work?"""

    proposal_id: str
    agent: str
    reference: str
    result: Literal["worked", "no_effect", "harmed", "unknown"]
    strength: Literal["strong", "weak"]
    method: Literal["randomised", "difference_in_differences", "before_after"]
    metric: str
    unit: Literal["user", "conversation", "decision", "correction"]
    before: RateEstimate | None
    after: RateEstimate | None
    difference: float | None
    interval: Interval | None
    live_at: datetime
    days: float
    """Days of traffic after it went live that were counted."""
    prediction_hit: bool | None
    sentence: str
    is_beyond: bool = False
    """The rate fell further than predicted, so that the prediction was missed on the good side."""
    confounders: tuple[str, ...] = ()
    margin: float | None = None
    """Of a removal: it worked where the rate rose by less than this. None where it should fall."""
    needed: int | None = None
    """How many more units would settle an `unknown`; None where that cannot be said."""

    @property
    def is_final(self) -> bool:
        """It is said: an unknown one only when its four weeks are over, or nobody ever came."""
        return self.result != "unknown" or not 0 < self.days < LAST_LOOK_DAYS


# -- what publish carries out --------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One thing that publish does. `body_file` is relative to the bundle."""

    op: Literal[
        "open", "update", "label", "close", "comment", "verdict", "issue", "answer", "evidence"
    ]
    """The last three are what `bot.surface` shows: an issue of ours, the answer to a command, and
    the map of evidence for people's own pull requests."""
    id: str
    kind: str
    branch: str
    title: str
    body_file: str
    labels: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    evidence: Mapping[str, Json] = field(default_factory=dict)
    prediction: Mapping[str, Json] | None = None
    fingerprint: str = ""
    pattern_id: str = ""
    agent: str = ""
    reference: str | None = None
    """The pull request that this is about, where there is one already."""
    superseded_by: str = ""
    """Of a close: the proposal whose pull request has to be open before this one is closed."""
    request: Mapping[str, Json] = field(default_factory=dict)
    """What a person asked for: {comment_id, verb} of an `answer`; {rollback: id} of an `open`."""
    is_draft: bool = False
    """Of an `open`: as a draft, where the repository has drafts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """plan.json of a bundle."""

    schema: int
    target: str
    base_sha: str
    base_branch: str
    settings_sha: str
    operations: tuple[Operation, ...]
    left_out: tuple[Skipped, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """One operation that changed something, or in a dry run would."""

    op: str
    id: str
    steps: tuple[str, ...]
    """What was done: branch, pull_request, body, labels, comment, close."""
    reference: str | None
    url: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishReport:
    """What became of a bundle."""

    done: tuple[Done, ...]
    unchanged: int
    """Operations that were carried out before."""
    refused: tuple[Skipped, ...]
    degraded: tuple[Degraded, ...]
    writes: int
    """Steps carried out; 0 in a dry run."""


# -- the model ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderedPrompt:
    """A prompt ready to send. What strangers wrote stands inside tags that it cannot close."""

    name: str
    sha256: str
    role: Literal["reader", "writer", "judge"]
    system: str
    user: str
    max_tokens: int
    schema: Mapping[str, Json] | None
    """JSON Schema that the reply must follow."""
    cached: str = ""
    """Comes before `user` and repeats from call to call, so that the service may cache it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What came back: a claim until our code has checked it."""

    text: str
    data: Json
    """The JSON value, checked against the schema; None where the prompt had none."""
    model: str
    stop_reason: str
    cost: ModelCost
    paid_before: ModelCost = ModelCost()
    """What an answer that was kept had cost when it was given; nothing for a new one."""


Ask: TypeAlias = Callable[[RenderedPrompt], Reply | Skipped]
"""One model call, with retries, budget and schema check behind it. `Skipped` where the budget is
spent, the model refused, or two replies in a row did not follow the schema."""


def in_time(one: Correction | Decision | Event) -> tuple[datetime, str]:
    """Sort key: oldest first, those without a time before all; the id makes equal times stable."""
    return one.at or datetime.min.replace(tzinfo=UTC), one.id


def short_hash(*parts: object, length: int = 8) -> str:
    """`length` hex digits that identify `parts`, which must be JSON values."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]
