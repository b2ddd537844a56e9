"""Why did these conversations fail? A reader says it for each, our code believes what it can check.

Takes failing conversations and the agent's prompt; gives verified diagnoses and the causes that
they share, with counts made here. A diagnosis without a passage that stands in its transcript is
dropped and counted. Costs three or four calls for up to 20 conversations and one to group them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import prompts
from bot.proposals.excerpt import excerpt, groups_apart, side_by_side
from bot.proposals.text_checks import words
from bot.records import Ask, ModelCost, Reply, RootCause, Skipped
from bot.rendering import render_prompt
from bot.transcript import Transcript
from collector.records import Conversation

MAX_CAUSES = 3
MISSING_FACT = "missing_fact"
"""Kind of a diagnosis: only the agent's owner knows what was not said."""
MAX_FIELD_CHARS = 400
PARAPHRASE_WORDS = 5
"""A paraphrase that shares this many words in a row with its conversation is a quote."""
MIN_CALLS, MAX_CALLS = 3, 4
"""Requests that share no user: whoever misleads the reader of one speaks for no more than that one,
and a cause counts where `MIN_CALLS` gave it (`enough_calls`)."""
PER_CALL = 5
"""Conversations in one request, where a longer prompt of the agent does not ask for more."""
LONG_PROMPT_CHARS = 12_000
"""From here on as few requests as may be: each one repeats it."""
READING_CHARS = 60_000
"""Of all transcripts together: about 15,000 tokens, so that three rounds of writing fit into what
one proposal may cost."""
MIN_EXCERPT_CHARS, MAX_EXCERPT_CHARS = 2_000, 12_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """One reader's claim whose proof was found in the transcript."""

    conversation: Conversation
    locus: RootCause
    kind: str
    """missing_rule, unclear_rule, conflicting_rules, rule_not_followed, missing_fact, none; or
    done_otherwise, where no rule was broken (`bot.proposals.compare`)."""
    rule: str
    """The reader's words, short and made visible; it may have been misled: data, not truth."""
    message_index: int
    paraphrase: str | None
    """Checked; None where it said too much."""
    call: int = 0
    """Number of the request that it came from; two requests share no user."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What came of reading the failing conversations."""

    diagnoses: tuple[Diagnosis, ...]
    read: int
    blameless: tuple[Conversation, ...]
    """Read, and the reader saw no mistake."""
    unverified: int
    """No quote of the diagnosis was in the transcript."""
    skipped: tuple[Skipped, ...]
    """Calls without a usable reply."""
    cost: ModelCost

    @property
    def absent(self) -> int:
        return len(self.blameless)

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


def diagnose(
    conversations: Sequence[Conversation],
    *,
    agent_prompt: str,
    agent_tools: str,
    problem: str,
    ask: Ask,
) -> Reading:
    """Ask the reader about some conversations at a time; stop asking when the budget is spent.

    `agent_tools` is what `bot.proposals.tools` shows.

    A request without a usable reply is asked again in halves: one conversation that makes the model
    refuse does not take the others with it.
    """
    repeated = len(agent_prompt) + len(agent_tools)
    long = repeated > LONG_PROMPT_CHARS
    wanted = MIN_CALLS if long else -(-len(conversations) // PER_CALL)
    groups = groups_apart(conversations, max(MIN_CALLS, min(MAX_CALLS, wanted)))
    room = max(READING_CHARS - 8 * max(0, repeated - LONG_PROMPT_CHARS // 2), 0)
    each = room // max(1, len(conversations))
    reader = _Reader(
        agent_prompt=agent_prompt,
        agent_tools=agent_tools,
        problem=problem,
        max_chars=max(MIN_EXCERPT_CHARS, min(MAX_EXCERPT_CHARS, each)),
        ask=ask,
    )
    for call, group in enumerate(groups):
        if not reader.read(group, call):
            break
    return Reading(
        diagnoses=tuple(reader.diagnoses),
        read=len(reader.diagnoses) + len(reader.blameless) + reader.unverified,
        blameless=tuple(reader.blameless),
        unverified=reader.unverified,
        skipped=tuple(reader.skipped),
        cost=reader.cost,
    )


@dataclass(kw_only=True, slots=True)
class _Reader:
    """What came of the requests so far."""

    agent_prompt: str
    agent_tools: str
    problem: str
    max_chars: int
    ask: Ask
    diagnoses: list[Diagnosis] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    blameless: list[Conversation] = field(default_factory=list)
    unverified: int = 0
    cost: ModelCost = field(default_factory=ModelCost)

    def read(self, group: Sequence[Conversation], call: int) -> bool:
        """Take in what the reader says of `group`; False where the budget is spent."""
        transcripts = [excerpt(conversation, self.max_chars) for conversation in group]
        reply = self.ask(
            render_prompt(
                "proposals/diagnose",
                agent_prompt=self.agent_prompt,
                agent_tools=self.agent_tools,
                problem=self.problem,
                conversations=side_by_side(transcripts),
            )
        )
        if isinstance(reply, Skipped):
            if reply.code != "budget" and len(group) > 1:
                half = len(group) // 2
                return self.read(group[:half], call) and self.read(group[half:], call)
            self.skipped += [reply] * len(group)
            return reply.code != "budget"
        self.cost += reply.cost
        claims = dict(by_number(as_object(reply)["findings"], len(group)))
        for number, (one, transcript) in enumerate(zip(group, transcripts, strict=True), start=1):
            if number in claims:
                self._take(one, transcript, claims[number], call, transcripts)
            else:
                reason = "The reader said nothing about this conversation."
                what = "model call proposals/diagnose"
                self.skipped.append(Skipped(what=what, code="bad_reply", reason=reason))
        return True

    def _take(
        self,
        conversation: Conversation,
        transcript: Transcript,
        claim: Mapping[str, Any],
        call: int,
        shown: Sequence[Transcript],
    ) -> None:
        if not claim["present"]:
            self.blameless.append(conversation)
            return
        at = _proof(claim["quotes"], transcript)
        if at is None:
            self.unverified += 1
            return
        self.diagnoses.append(
            Diagnosis(
                conversation=conversation,
                locus=claim["locus"],
                kind=claim["kind"],
                rule=short(claim["rule"]),
                message_index=at,
                paraphrase=checked_paraphrase(claim["paraphrase"], shown),
                call=call,
            )
        )


def by_number(
    claims: Sequence[Mapping[str, Any]], shown: int
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The first claim about each of the conversations 1 to `shown`; invented numbers go."""
    seen: set[int] = set()
    for claim in claims:
        number = claim["conversation"]
        if 1 <= number <= shown and number not in seen:
            seen.add(number)
            yield number, claim


def enough_calls(diagnoses: Sequence[Diagnosis]) -> bool:
    """Whether so many requests that share no user gave them that no single user could have."""
    return len({found.call for found in diagnoses}) >= MIN_CALLS


def _proof(quotes: Sequence[Mapping[str, Any]], transcript: Transcript) -> int | None:
    """Number of the message that a quote was found in."""
    found = (transcript.find(quote["text"], quote["turn"]) for quote in quotes)
    return next((at for at in found if at is not None), None)


def checked_paraphrase(text: str, shown: Sequence[Transcript]) -> str | None:
    """The reader's paraphrase where it gives nothing away, else None.

    `shown` is all that the reader saw: what one conversation says may come up in what is told of
    another. Refused: five words in a row from any of them, all of it where it is shorter, and any
    word with a digit or `@` or a link in it: ids, addresses, amounts, dates.
    """
    paraphrase = short(text)
    row = words(paraphrase)
    size = min(PARAPHRASE_WORDS, len(row))
    own = {tuple(row[at : at + size]) for at in range(len(row) - size + 1)}
    lifted = any(not own.isdisjoint(_runs(one, size)) for one in shown)
    telling = any(ch.isdigit() or ch in "@<>`" for ch in paraphrase) or "://" in paraphrase
    return None if not row or lifted or telling else paraphrase


def _runs(transcript: Transcript, size: int) -> Iterator[tuple[str, ...]]:
    said = words(transcript.text)
    return (tuple(said[at : at + size]) for at in range(len(said) - size + 1))


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
    for group in as_object(reply)["causes"][:MAX_CAUSES]:
        # An invented or repeated number finds nothing: it cannot raise a count.
        members = [left.pop(n) for n in dict.fromkeys(group["findings"]) if n in left]
        if members:
            causes.append(Cause(rule=short(group["rule"]), members=tuple(members)))
    causes.sort(key=lambda cause: -len(cause.members))
    return tuple(causes), reply.cost


def as_object(reply: Reply) -> dict[str, Any]:
    """The reply's value: an object, because the schema was checked before."""
    return cast("dict[str, Any]", reply.data)


def short(text: str) -> str:
    """A model's field as one visible line of bounded length."""
    return " ".join(prompts.show_invisible(text).split())[:MAX_FIELD_CHARS]
