"""Why did these conversations fail? A reader says it for each, our code believes what it can check.

Takes failing conversations and the agent's prompt; gives verified diagnoses and the causes that
they share, with counts made here. A diagnosis without a passage that stands in its transcript is
dropped and counted. Costs one call per conversation and one to group them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import prompts
from bot.proposals.text_checks import words
from bot.records import Ask, EvidenceItem, ModelCost, Reply, RootCause, Skipped
from bot.rendering import render_prompt
from bot.transcript import Transcript, write_transcript
from collector.records import Conversation

MAX_CAUSES = 3
MAX_FIELD_CHARS = 400
PARAPHRASE_WORDS = 5
"""A paraphrase that shares this many words in a row with its conversation is a quote."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """One reader's claim whose proof was found in the transcript."""

    conversation: Conversation
    locus: RootCause
    kind: str
    """missing_rule, unclear_rule, conflicting_rules, rule_not_followed or none."""
    rule: str
    """The reader's words, short and made visible; it may have been misled: data, not truth."""
    message_index: int
    paraphrase: str | None
    """Checked; None where it said too much."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What came of reading the failing conversations."""

    diagnoses: tuple[Diagnosis, ...]
    read: int
    absent: int
    """Read, and the reader saw no failure."""
    unverified: int
    """No quote of the diagnosis was in the transcript."""
    skipped: tuple[Skipped, ...]
    """Calls without a usable reply."""
    cost: ModelCost

    @property
    def loci(self) -> Counter[RootCause]:
        return Counter(diagnosis.locus for diagnosis in self.diagnoses)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Diagnoses that one sentence in the prompt would have prevented."""

    rule: str
    """A model's sentence over readers' sentences: data for the writer."""
    members: tuple[Diagnosis, ...]


def pick_conversations(conversations: Sequence[Conversation], limit: int) -> list[Conversation]:
    """The newest, one of each user before a second of any, so that nobody dominates."""
    newest = sorted(
        conversations,
        key=lambda c: (c.started_at.timestamp() if c.started_at else 0.0, c.conversation_id),
        reverse=True,
    )
    seen: Counter[str] = Counter()
    ranked: list[tuple[int, int, Conversation]] = []
    for at, conversation in enumerate(newest):
        ranked.append((seen[conversation.unit], at, conversation))
        seen[conversation.unit] += 1
    return [conversation for _, _, conversation in sorted(ranked, key=lambda r: r[:2])][:limit]


def pick_alike(
    passing: Sequence[Conversation], failing: Sequence[Conversation], limit: int
) -> list[Conversation]:
    """Those of `passing` that call the tools which set `failing` apart from them, most alike first.

    A rule can only do harm where its situation comes up, and what the agent called is the cheapest
    sign of that. Where no tool tells them apart it is `pick_conversations`.
    """
    used, usual = _tool_shares(failing), _tool_shares(passing)
    telling = {tool: max(0.0, share - usual.get(tool, 0.0)) for tool, share in used.items()}
    ranked = pick_conversations(passing, len(passing))
    ranked.sort(key=lambda c: -sum(telling.get(tool, 0.0) for tool in _tools_of(c)))
    return ranked[:limit]


def _tool_shares(conversations: Sequence[Conversation]) -> dict[str, float]:
    """Tool to the share of conversations, 0..1, in which it was called."""
    called = Counter(tool for one in conversations for tool in _tools_of(one))
    return {tool: n / len(conversations) for tool, n in called.items()}


def _tools_of(conversation: Conversation) -> set[str]:
    return {call.name for message in conversation.messages for call in message.tool_calls}


def diagnose(
    conversations: Sequence[Conversation], *, agent_prompt: str, problem: str, ask: Ask
) -> Reading:
    """Ask the reader about each conversation; stop asking when the budget is spent."""
    diagnoses: list[Diagnosis] = []
    skipped: list[Skipped] = []
    cost = ModelCost()
    absent = unverified = 0
    for conversation in conversations:
        transcript = write_transcript(conversation)
        reply = ask(
            render_prompt(
                "proposals/diagnose",
                agent_prompt=agent_prompt,
                problem=problem,
                conversation=transcript.text,
            )
        )
        if isinstance(reply, Skipped):
            skipped.append(reply)
            if reply.code == "budget":
                break
            continue
        cost += reply.cost
        claim = _object(reply)
        if not claim["present"]:
            absent += 1
            continue
        at = _proof(claim["quotes"], transcript)
        if at is None:
            unverified += 1
            continue
        diagnoses.append(_diagnosis(conversation, claim, at, transcript))
    return Reading(
        diagnoses=tuple(diagnoses),
        read=len(diagnoses) + absent + unverified,
        absent=absent,
        unverified=unverified,
        skipped=tuple(skipped),
        cost=cost,
    )


def _proof(quotes: Sequence[Mapping[str, Any]], transcript: Transcript) -> int | None:
    """Number of the message that a quote was found in."""
    found = (transcript.find(quote["text"], quote["turn"]) for quote in quotes)
    return next((at for at in found if at is not None), None)


def _diagnosis(
    conversation: Conversation, claim: Mapping[str, Any], at: int, transcript: Transcript
) -> Diagnosis:
    return Diagnosis(
        conversation=conversation,
        locus=claim["locus"],
        kind=claim["kind"],
        rule=short(claim["rule"]),
        message_index=at,
        paraphrase=checked_paraphrase(claim["paraphrase"], transcript),
    )


def checked_paraphrase(text: str, transcript: Transcript) -> str | None:
    """The reader's paraphrase where it gives nothing away, else None.

    Refused: five words in a row from the conversation, and any word with a digit or `@` or a link
    in it: ids, addresses, amounts, dates.
    """
    paraphrase = short(text)
    row = words(paraphrase)
    said = words(transcript.text)
    size = PARAPHRASE_WORDS
    grams = {tuple(said[at : at + size]) for at in range(len(said) - size + 1)}
    lifted = any(tuple(row[at : at + size]) in grams for at in range(len(row) - size + 1))
    telling = any(ch.isdigit() or ch in "@<>`" for ch in paraphrase) or "://" in paraphrase
    return None if lifted or telling or not row else paraphrase


def group_causes(
    diagnoses: Sequence[Diagnosis], *, agent_prompt: str, ask: Ask
) -> tuple[tuple[Cause, ...], ModelCost] | Skipped:
    """The shared causes, the one with most conversations first; counted here, not by the model."""
    listed = "\n".join(
        f"{n}. ({found.kind}) Rule: {found.rule}\n   Seen: {found.paraphrase or '(not told)'}"
        for n, found in enumerate(diagnoses)
    )
    reply = ask(render_prompt("proposals/consolidate", agent_prompt=agent_prompt, findings=listed))
    if isinstance(reply, Skipped):
        return reply
    left = dict(enumerate(diagnoses))
    causes: list[Cause] = []
    for group in _object(reply)["causes"][:MAX_CAUSES]:
        # An invented or repeated number finds nothing: it cannot raise a count.
        members = [left.pop(n) for n in dict.fromkeys(group["findings"]) if n in left]
        if members:
            causes.append(Cause(rule=short(group["rule"]), members=tuple(members)))
    causes.sort(key=lambda cause: -len(cause.members))
    return tuple(causes), reply.cost


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """A rule held against conversations that ended well without it."""

    read: int
    effects: Mapping[str, int]
    """does_not_apply, already_followed, better, worse."""
    worse: tuple[EvidenceItem, ...]
    cost: ModelCost

    @property
    def applies(self) -> int:
        return self.read - self.effects.get("does_not_apply", 0)


def contrast(
    rule: str, conversations: Sequence[Conversation], *, agent_prompt: str, ask: Ask
) -> Contrast:
    """Would the rule have changed what went well? One call per conversation."""
    effects: Counter[str] = Counter()
    worse: list[EvidenceItem] = []
    cost = ModelCost()
    for conversation in conversations:
        transcript = write_transcript(conversation)
        reply = ask(
            render_prompt(
                "proposals/contrast",
                agent_prompt=agent_prompt,
                rule=rule,
                conversation=transcript.text,
            )
        )
        if isinstance(reply, Skipped):
            if reply.code == "budget":
                break
            continue
        cost += reply.cost
        effect = cast("str", _object(reply)["effect"])
        effects[effect] += 1
        if effect == "worse":
            said = checked_paraphrase(_object(reply)["reason"], transcript)
            worse.append(
                EvidenceItem(
                    id=conversation.conversation_id,
                    paraphrase=said or "The rule would have made this conversation worse.",
                )
            )
    return Contrast(read=effects.total(), effects=effects, worse=tuple(worse), cost=cost)


def _object(reply: Reply) -> dict[str, Any]:
    """The reply's value: an object, because the schema was checked before."""
    return cast("dict[str, Any]", reply.data)


def short(text: str) -> str:
    """A model's field as one visible line of bounded length."""
    return " ".join(prompts.show_invisible(text).split())[:MAX_FIELD_CHARS]
