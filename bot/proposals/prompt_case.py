"""The case that a proposal of a prompt edit makes: what, why, risk, prediction, tables.

Takes what readers, writer and judge left after our checks; gives the `Proposal`. All sentences are
ours and all numbers are counted here; of a model's words only the new rule itself and checked
paraphrases go in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from bot.figures import MINUS, count, percent, rate
from bot.markdown import plain
from bot.proposals.compare import DONE_OTHERWISE
from bot.proposals.contrast import Contrast
from bot.proposals.diagnosis import Cause, Diagnosis, Reading
from bot.proposals.floors import MIN_USERS, floor_note
from bot.proposals.identity import fingerprint, proposal_id
from bot.proposals.prompt_file import PromptFile
from bot.proposals.sections import sections
from bot.proposals.spending import CHARS_PER_TOKEN
from bot.proposals.writing import Candidate, Written
from bot.records import (
    TITLE_CHARS,
    Evidence,
    EvidenceItem,
    Interval,
    ModelCost,
    Pattern,
    Prediction,
    Proposal,
    Table,
)
from bot.statistics import failure_rate

FIXED_SHARE = (0.25, 0.75)
"""Assumption behind the prediction: a rule that is in the prompt prevents between a quarter and
three quarters of the failures that show its cause. Scored after every merge."""
PREDICTION_DAYS = 28
LINE_CHARS = 80
"""Of an added sentence in the table of prices; the diff has all of it."""
PRICE_TITLE = "What the change costs"
ITEMS_SHOWN = 20
"""As many as are read at most: each is a reason, and an id alone tells a reviewer nothing."""

_DOINGS = {
    "add_rule": "Adds a rule to",
    "sharpen": "Rewords a rule in",
    "merge": "Merges rules in",
    "delete": "Takes a rule out of",
    "structural": "Rearranges a rule in",
}
PLACES = {
    "prompt": "the prompt",
    "tool_definition": "a tool's definition",
    "harness": "the program around the model",
    "config": "a limit in the configuration",
    "knowledge": "the facts that the agent was given",
    "handoff": "the handoff",
    "data": "the records behind the tools",
    "user": "what the user said",
    "model": "the model itself",
    "unknown": "nobody can tell",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """How often the agent's prompt is sent."""

    conversations_per_month: float
    calls_per_conversation: float

    @property
    def calls_per_month(self) -> float:
        return self.conversations_per_month * self.calls_per_conversation


def build_proposal(
    pattern: Pattern,
    prompt: PromptFile,
    reading: Reading,
    causes: Sequence[Cause],
    written: Written,
    checked: Contrast,
    *,
    cost: ModelCost,
    traffic: Traffic | None,
    now: datetime,
) -> Proposal:
    """`causes` has at least one; the edit is for the first."""
    cause, candidate = causes[0], written.candidate
    path = prompt.file.path
    section = section_of(prompt.text, candidate.at)
    where = f"{path} {prompt.region.anchor}".rstrip()
    remedy = f"{where} § {section or 'top'}"
    id = proposal_id("prompt", pattern, remedy)
    evidence = _evidence(pattern, cause)
    return Proposal(
        id=id,
        fingerprint=fingerprint(id, [candidate.edit], evidence),
        kind="prompt",
        agent=pattern.agent,
        pattern_id=pattern.id,
        remedy=remedy,
        title=_title(candidate, prompt),
        what=_what_changes(candidate, prompt, section),
        why=_why(pattern, reading, cause, evidence, now),
        risk=_risk(candidate, prompt, checked, traffic),
        confidence=_confidence(pattern, cause, evidence),
        edits=(candidate.edit,),
        evidence=evidence,
        prediction=predicted(
            pattern, having=len(cause.members), read=reading.read, fixed=FIXED_SHARE
        ),
        root_cause="prompt",
        priority=pattern.priority,
        tables=tuple(
            one
            for one in (
                _reading_table(reading),
                _contrast_table(checked),
                _price_table(candidate, traffic),
            )
            if len(one.rows) > 1  # one row says what a sentence above says
        ),
        weeks=pattern.weeks,
        losing=checked.worse,
        alternatives=(*written.dropped, *_other_causes(causes, reading)),
        cost=cost,
    )


def _evidence(pattern: Pattern, cause: Cause) -> Evidence:
    conversations = [found.conversation for found in cause.members]
    times = sorted(c.started_at for c in conversations if c.started_at)
    users = {c.user_id for c in conversations if c.user_id}
    return Evidence(
        entries=len(conversations),
        users=len(users),
        conversation_ids=tuple(sorted(c.conversation_id for c in conversations)),
        items=tuple(
            EvidenceItem(id=found.conversation.conversation_id, paraphrase=seen_there(found))
            for found in cause.members[:ITEMS_SHOWN]
        ),
        first_at=times[0] if times else None,
        last_at=times[-1] if times else None,
        note=floor_note(replace(pattern, evidence_users=len(users))),
    )


def seen_there(found: Diagnosis) -> str:
    """What the reader of one conversation saw, as the table of evidence says it."""
    return found.paraphrase or f"The reader's proof is in message {found.message_index}."


def _title(candidate: Candidate, prompt: PromptFile) -> str:
    """The file's name and how its new sentence begins, or the one that goes: in a list, titles have
    to tell apart."""
    name = prompt.file.path.rsplit("/", 1)[-1]
    said = candidate.added or f"Take out “{candidate.removed}”"
    return plain(f"{name}: {said}", TITLE_CHARS)


def _what_changes(candidate: Candidate, prompt: PromptFile, section: str) -> str:
    doing = _DOINGS[candidate.kind]
    place = f"`{prompt.file.path}`" + "".join(
        f", {what} `{name}`"
        for what, name in (("text", prompt.region.anchor), ("section", section))
        if name
    )
    if not candidate.added:
        return f"{doing} {place}: `{candidate.removed.replace('`', chr(39))}`"
    return f"{doing} {place}: `{candidate.added.replace('`', chr(39))}`"


def _why(
    pattern: Pattern,
    reading: Reading,
    cause: Cause,
    evidence: Evidence,
    now: datetime,
) -> str:
    parts = [
        f"Of {count(pattern.users, pattern.unit)}{about(pattern)}, "
        f"{rate(pattern.rate, pattern.rate_interval)} end with `{pattern.outcome}`."
    ]
    if cause.members[0].kind == DONE_OTHERWISE:
        parts.append(_otherwise(reading, cause))
    else:
        parts.append(
            f"Of {reading.read} failing conversations that were read, {len(cause.members)} share "
            "this cause; for each the passage that the reader cites stands word for word in the "
            "transcript."
        )
    if reading.unverified:
        dropped = "1 diagnosis" if reading.unverified == 1 else f"{reading.unverified} diagnoses"
        parts.append(f"Left out for want of such a passage: {dropped}.")
    if evidence.last_at:
        days = max(0, (now - evidence.last_at).days)
        parts.append(
            f"The newest is {count(days, 'day')} old." if days else "The newest is of today."
        )
    return " ".join(parts)


def _otherwise(reading: Reading, cause: Cause) -> str:
    """A difference is told as one: it was seen, and nobody knows that it is the cause."""
    return (
        f"No rule was broken in {reading.absent} of {reading.read} failing conversations that were "
        f"read. Compared with others that went well, in {len(cause.members)} the agent left out "
        "what it did there; both passages stand word for word in the transcripts. That is a "
        "difference, not a proven cause: whether the agent should do it is for you to say."
    )


def about(pattern: Pattern) -> str:
    """Which of the agent's conversations: a rate without this is read as that of all of them."""
    intent = f' about "{plain(pattern.intent_name, 80)}"' if pattern.intent_name else ""
    told = " and ".join(_told(key, value) for key, value in sorted(pattern.segment.items()))
    return intent + (f" {told}" if told else "")


def _told(key: str, value: str) -> str:
    if key == "signal":
        return f"with the signal {value.replace('_', ' ')}"
    if key == "last_tool":
        return f"whose last tool was {plain(value, 40)}"
    return f"with {plain(key, 40)} {plain(value, 40)}"


def _risk(
    candidate: Candidate, prompt: PromptFile, checked: Contrast, traffic: Traffic | None
) -> str:
    parts = [_growth(candidate, traffic)]
    if candidate.kind == "delete" or not candidate.added:
        parts.append(
            "It takes a sentence out that contradicts another one: which of the two is meant is "
            "for you to say."
        )
    read = count(checked.read, "conversation")
    if checked.applies:
        parts.append(
            f"Of {read} that went well, the rule is about {checked.applies} "
            f"and would have made {len(checked.worse) or 'none'} worse, by a model's reading."
        )
    elif checked.read:
        parts.append(
            f"Not known to be harmless: in none of {read} that went well and were read does the "
            "situation come up that the rule is about."
        )
    else:
        parts.append("It was not held against conversations that went well.")
    if prompt.match is None:
        parts.append("No system prompt was captured: that this file is live is taken on trust.")
    elif prompt.match < 0.98:
        parts.append(
            f"Production differs from the file: {percent(prompt.match)} of its text was in the "
            "captured system prompts."
        )
    return " ".join(parts)


def _growth(candidate: Candidate, traffic: Traffic | None) -> str:
    tokens = candidate.growth_tokens
    if tokens <= 0:
        return "No call gets longer."
    told = f"Every call gets about {count(tokens, 'token')} longer"
    if traffic is None:
        return f"{told}."
    month = round(tokens * traffic.calls_per_month)
    return f"{told}, about {month:,} tokens a month."


def _price_table(candidate: Candidate, traffic: Traffic | None) -> Table:
    """What each new sentence costs, at four characters a token, and the change as a whole."""
    rows = [(plain(one, LINE_CHARS), _tokens(one)) for one in candidate.sentences]
    if len(rows) == 1 and not candidate.removed:
        rows = []
    elif candidate.removed:  # what rounding leaves goes here, so that the column adds up
        rows.append(("less what goes", candidate.growth_tokens - sum(n for _, n in rows)))
    rows.append(("all of it", candidate.growth_tokens))
    header = ("added", "tokens in each call")
    if traffic is None:
        return Table(
            title=PRICE_TITLE, header=header, rows=tuple((line, _signed(n)) for line, n in rows)
        )
    calls = traffic.calls_per_month
    return Table(
        title=f"{PRICE_TITLE}, at about {round(calls):,} calls a month",
        header=(*header, "tokens a month"),
        rows=tuple((line, _signed(n), _signed(round(n * calls))) for line, n in rows),
    )


def _signed(number: int) -> str:
    return f"{number:,}".replace("-", MINUS)


def _tokens(text: str) -> int:
    return -(-len(text) // CHARS_PER_TOKEN)


def _confidence(
    pattern: Pattern, cause: Cause, evidence: Evidence
) -> Literal["low", "medium", "high"]:
    """From counts and the test, never from a model's opinion of itself."""
    if cause.members[0].kind == DONE_OTHERWISE:
        return "low"
    tested = pattern.q_value is not None and pattern.q_value <= 0.05
    if tested and evidence.users >= 10:
        return "high"
    return "medium" if tested and evidence.users >= MIN_USERS else "low"


def predicted(
    pattern: Pattern, *, having: int, read: int, fixed: tuple[float, float]
) -> Prediction:
    """The rate after a change that ends a cause: `having` of `read` failing conversations show it.

    `fixed` is the least and the most of those that the change is assumed to mend, each 0..1.
    """
    share = failure_rate(having, max(having, read), level=0.8).interval
    least, most = fixed
    return Prediction(
        metric=pattern.outcome,
        population=f"{pattern.unit}s of {pattern.agent}{about(pattern)}",
        baseline_rate=pattern.rate,
        expected=Interval(
            low=pattern.rate * (1 - most * share.high),
            high=pattern.rate * (1 - least * share.low),
            level=0.8,
        ),
        days=PREDICTION_DAYS,
        intent_id=pattern.intent_id,
        segment=pattern.segment,
    )


def _reading_table(reading: Reading) -> Table:
    rows = [(PLACES[place], str(n)) for place, n in reading.loci.most_common()]
    others = {
        "no mistake seen": reading.absent,
        "diagnosis without proof, dropped": reading.unverified,
        "no usable reply": len(reading.skipped),
    }
    rows += [(place, str(n)) for place, n in others.items() if n]
    return Table(
        title="Where the readers saw the mistake",
        header=("place", "failing conversations"),
        rows=tuple(rows),
    )


def _contrast_table(checked: Contrast) -> Table:
    names = {
        "already_followed": "the agent did what the rule says",
        "better": "the agent did not, and it would have done no harm",
        "worse": "following it would have made things worse",
        "does_not_apply": "the rule is about something else",
    }
    return Table(
        title="The rule held against conversations that went well",
        header=("what was found", "conversations"),
        rows=tuple(
            (text, str(n)) for key, text in names.items() if (n := checked.effects.get(key))
        ),
    )


def _other_causes(causes: Sequence[Cause], reading: Reading) -> tuple[str, ...]:
    return tuple(
        f"Another cause in {len(cause.members)} of {reading.read} conversations was left for later."
        for cause in causes[1:]
    )


def section_of(text: str, at: int) -> str:
    """The heading above position `at`; empty before any and under the title of the whole file."""
    found = sections(text)
    here = [section for section in found if section.start <= at][-1]
    is_title = here.level == 1 and sum(section.level == 1 for section in found) == 1
    return "" if is_title else plain(here.heading, 60)
