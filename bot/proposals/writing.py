"""A writer proposes small edits of one prompt, our checks decide which one may stand.

Takes the prompt, a cause in other people's words, and constraints; gives the smallest edit that
breaks no guardrail, that a judge finds better than no change and in conflict with no sentence of
the file, and that spoils no success. The writer sees no conversation and has no tools. At most
three rounds: the writer gets the reasons against what it wrote. Costs two calls and a trial, up to
three times that and a judge's call for each further edit.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

from bot.figures import count
from bot.proposals.diagnosis import short
from bot.proposals.edits import (
    check_diff,
    edit_to,
    occurs_once,
    render_diff,
    split_lines,
)
from bot.proposals.guardrails import check_edits
from bot.proposals.prompt_file import PromptFile
from bot.proposals.refusals import no_edit_stands
from bot.proposals.text_checks import words
from bot.records import Ask, Edit, ModelCost, Skipped
from bot.regions import write_region
from bot.rendering import render_prompt

MAX_CANDIDATES = 4
NO_EDIT = "no_edit"
"""Code of what is skipped where the writer, asked for the first time, proposes nothing."""
MAX_ROUNDS = 3
MAX_JUDGED = 2
"""Of a round's edits that stand, the smallest so many are put before the judge."""
MAX_REPLACED = 3
"""Sentences of the file that one edit may replace: more would be a rewrite."""
ALREADY_SAID = 0.85
"""A sentence of the file that holds this share of an added sentence's words says it already."""
MIN_SAID_WORDS = 5
_NEAR = 0.6
_OBJECTIONS = {
    "contradicts": "it contradicts a sentence of the file",
    "grants": "it gives users more than the file does",
    "takes_away": "it takes from users what the file gives them",
    "impossible": "it asks for what the agent cannot do",
    "misses": "it leaves out a part of the rule that it is meant to bring",
    "no_gain": "no change at all would do as well",
}
_KINDS = {
    "add_rule": "new rule",
    "sharpen": "rewording",
    "merge": "merger of two rules",
    "delete": "removal",
    "structural": "rearrangement",
}
"""As people read of them."""
_NEED_NO_SENTENCE = ("grants", "impossible", "misses", "no_gain")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])|\n+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One edit that passed every check."""

    kind: str
    """add_rule, sharpen, merge, delete or structural."""
    edit: Edit
    text: str
    """The whole prompt after it."""
    at: int
    """Where in the prompt it is."""
    added: str
    """What is new: the rule as a reader of the diff sees it."""
    removed: str
    """What is gone, in the same way."""
    size: int
    """Lines of the prompt that are new, or gone where those are more: a sharpened one is one."""
    growth_tokens: int
    sentences: tuple[str, ...] = ()
    """What `added` is made of."""

    @property
    def change(self) -> str:
        """What it does, for whoever judges it."""
        gone = f"(taken out) {self.removed}" if self.removed else ""
        return "\n".join(part for part in (self.added, gone) if part)


Trial: TypeAlias = Callable[[Candidate], Skipped | None]
"""Why a candidate does more harm than good, with a reason for the writer; None where it does not.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The smallest candidate that stands, and what became of the others."""

    candidate: Candidate
    dropped: tuple[str, ...]
    cost: ModelCost


@dataclass(kw_only=True, slots=True)
class _Notes:
    """What came up on the way."""

    dropped: list[str] = field(default_factory=list)
    """For people, in our words."""
    reasons: list[str] = field(default_factory=list)
    """For the writer's second attempt; a judge's words among them."""
    cost: ModelCost = field(default_factory=ModelCost)
    is_needed: bool = False
    """Something else than that it is not needed was said against one of the edits."""

    def refuse(
        self, kind: str, sentence: str, reasons: Sequence[str], *, is_needed: bool = True
    ) -> None:
        self.dropped.append(f"One {_KINDS[kind]} was refused: {sentence}")
        self.reasons += reasons
        self.is_needed |= is_needed


def write_edit(
    prompt: PromptFile,
    cause: str,
    *,
    rule: str,
    agent_tools: str,
    constraints: Sequence[str],
    sources: Sequence[tuple[str, str]],
    is_conflict: bool,
    trial: Trial,
    ask: Ask,
    rounds: int = MAX_ROUNDS,
) -> Written | Skipped:
    """`cause` is for the writer and holds `rule`, the sentence that a judge wants to see covered.

    `agent_tools` is what `bot.proposals.tools` shows: outside text that several people's
    conversations agree on, or a file of the repository.
    `sources` are (who wrote it, text) of the conversations: nothing may be lifted from them.
    `is_conflict` says that readers saw two rules of the file in conflict: only then may a sentence
    go.
    """
    what = f"an edit of {prompt.file.path}"
    notes = _Notes()
    harm: Skipped | None = None
    for _ in range(rounds):
        reply = ask(
            render_prompt(
                "proposals/write",
                agent_prompt=prompt.text,
                agent_tools=agent_tools,
                cause=cause,
                constraints="\n".join(f"- {c}" for c in constraints) or "(none)",
                rejected="\n".join(f"- {reason}" for reason in notes.reasons) or "(none)",
            )
        )
        if isinstance(reply, Skipped):
            return replace(reply, what=what)
        notes.cost += reply.cost
        claims = cast("dict[str, Any]", reply.data)["candidates"][:MAX_CANDIDATES]
        if not claims and not notes.reasons:  # To ask the same again would give the same.
            reason = "The model proposes no edit: no small one would mend what readers saw."
            return Skipped(what=what, code=NO_EDIT, reason=reason)
        standing = _standing(prompt, claims, sources, notes, is_conflict=is_conflict)
        found = _first_sound(standing, rule, notes, ask)
        if isinstance(found, Skipped):
            return replace(found, what=what)
        if found is None:
            continue
        harm = trial(found)
        if harm is None:
            return Written(candidate=found, dropped=tuple(notes.dropped), cost=notes.cost)
        notes.refuse(found.kind, harm.reason, [harm.reason])
    code = "no_change" if notes.dropped and not notes.is_needed else "guardrail"
    return harm or no_edit_stands(what, code, count(rounds, "attempt"), notes.dropped)


def _standing(
    prompt: PromptFile,
    claims: Sequence[dict[str, Any]],
    sources: Sequence[tuple[str, str]],
    notes: _Notes,
    *,
    is_conflict: bool,
) -> list[Candidate]:
    """Those that break no guardrail, the smallest first, of equals the writer's first."""
    standing: list[Candidate] = []
    for claim in claims:
        found = check_candidate(prompt, claim, sources=sources, is_conflict=is_conflict)
        if isinstance(found, Candidate):
            standing.append(found)
        else:
            notes.refuse(claim["kind"], " ".join(found), found)
    return sorted(standing, key=lambda one: one.size)


def _first_sound(
    standing: Sequence[Candidate], rule: str, notes: _Notes, ask: Ask
) -> Candidate | Skipped | None:
    """The first that the judge has nothing against."""
    for at, candidate in enumerate(standing[:MAX_JUDGED]):
        objection = _objection(candidate, rule, ask)
        if isinstance(objection, Skipped):
            return objection
        notes.cost += objection.cost
        if objection.reasons:
            needed = not objection.is_needless
            notes.refuse(candidate.kind, objection.sentence, objection.reasons, is_needed=needed)
            continue
        notes.dropped += [_not_taken(other) for other in standing[at + 1 :]]
        return candidate
    return None


def _not_taken(other: Candidate) -> str:
    return (
        f"One {_KINDS[other.kind]} was no better: {count(other.size, 'line')}, about "
        f"{count(other.growth_tokens, 'token')} more."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Objection:
    """What a judge has against a candidate; nothing where `reasons` is empty."""

    reasons: list[str]
    """For the writer: the judge's words."""
    sentence: str
    """For people: ours."""
    is_needless: bool
    """Nothing else is said than that no change would do as well."""
    cost: ModelCost


def _objection(candidate: Candidate, rule: str, ask: Ask) -> _Objection | Skipped:
    """Does it collide with the rest of the file, or bring less than the evidence is counted for?

    A collision needs a sentence of the file, or the one that is taken out.
    """
    reply = ask(
        render_prompt(
            "proposals/review", agent_prompt=candidate.text, rule=rule, added=candidate.change
        )
    )
    if isinstance(reply, Skipped):
        return reply
    text = " ".join(f"{candidate.text} {candidate.removed}".split())
    proven = [
        problem
        for problem in cast("dict[str, Any]", reply.data)["problems"]
        if problem["kind"] in _NEED_NO_SENTENCE
        or (problem["sentence"].strip() and " ".join(problem["sentence"].split()) in text)
    ]
    kinds = list(dict.fromkeys(problem["kind"] for problem in proven))
    return _Objection(
        reasons=[f"{_OBJECTIONS[p['kind']]}: {short(p['reason'])}" for p in proven],
        sentence=f"A judge says that {' and that '.join(_OBJECTIONS[kind] for kind in kinds)}.",
        is_needless=kinds == ["no_gain"],
        cost=reply.cost,
    )


def check_candidate(
    prompt: PromptFile,
    claim: dict[str, Any],
    *,
    sources: Sequence[tuple[str, str]],
    is_conflict: bool = False,
) -> Candidate | list[str]:
    """The candidate, or the reasons why it cannot stand."""
    file, text = prompt.file, prompt.text
    old, new = (claim[key].replace("\r\n", "\n") for key in ("old", "new"))
    if "&lt;" not in text:
        # A tag of the file that our own prompt has too was shown to the writer like this.
        old, new = old.replace("&lt;", "<"), new.replace("&lt;", "<")
    if not old.strip() or not occurs_once(text, old):
        return [_not_found(text, old)]
    if claim["kind"] == "add_rule" and old.strip() not in new:
        return ["A new rule has to leave the line that it follows as it is (`old` inside `new`)."]
    if old == new:
        return ["The edit changes nothing."]
    at = text.index(old)
    changed = text.replace(old, new, 1)
    written = write_region(file, prompt.region, changed)
    if isinstance(written, Skipped):
        return [written.reason]
    before, after = {file.path: file.text}, {file.path: written}
    added, removed = (" ".join(_fresh(*pair)) for pair in ((text, changed), (changed, text)))
    problems = [
        *_invented_numbers(text, added),
        *_lost_rules(text, changed, is_conflict=is_conflict),
        *_said_already(text, old, claim["kind"], added),
        *check_edits(before, after, kind="prompt", allowed=[file.path], sources=sources),
        *check_diff(render_diff(file.text, written, file.path), before, after),
    ]
    if problems:
        return problems
    return Candidate(
        kind=claim["kind"],
        edit=edit_to(file, written),
        text=changed,
        at=at,
        added=added.lstrip("-*•# "),
        removed=removed.lstrip("-*•# "),
        size=_size(text, changed),
        growth_tokens=-((len(text) - len(changed)) // 4),
        sentences=tuple(_fresh(text, changed)),
    )


def _size(before: str, after: str) -> int:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    signs = Counter(line[0] for line in list(lines)[2:] if line[1:].strip())
    return max(signs["+"], signs["-"])


def _lost_rules(text: str, changed: str, *, is_conflict: bool) -> list[str]:
    """Sentences may be replaced one by one; that there are fewer needs a conflict of two rules."""
    gone, fresh = _fresh(changed, text), _fresh(text, changed)
    if len(gone) > MAX_REPLACED:
        return [f"The edit replaces {len(gone)} sentences; {MAX_REPLACED} are allowed."]
    if len(gone) > len(fresh) and not is_conflict:
        return ["A sentence is taken out only where readers saw two rules in conflict."]
    return []


def _fresh(before: str, after: str) -> list[str]:
    """The sentences of `after` that `before` does not have, in their order."""
    old, new = _pieces(before), _pieces(after)
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    return [
        piece
        for tag, _, _, first, last in matcher.get_opcodes()
        if tag != "equal"
        for piece in new[first:last]
    ]


def _pieces(text: str) -> list[str]:
    """Sentences: small enough to show what is new, large enough to be read."""
    found = re.findall(r"[^\n]*?(?:[.!?](?=\s)|[\u3002\uff01\uff1f])|[^\n]+", text)
    return [piece for piece in (" ".join(part.split()) for part in found) if piece]


def _not_found(text: str, old: str) -> str:
    first = next((line.strip() for line in old.splitlines() if line.strip()), "")
    lines = [line.strip() for line in split_lines(text) if line.strip()]
    near = difflib.get_close_matches(first, lines, n=2, cutoff=_NEAR)
    hint = f" The nearest lines are: {' and '.join(f'“{line}”' for line in near)}" if near else ""
    return f"{not_once(text, old)}{hint}"


def not_once(text: str, old: str) -> str:
    """Why `old` cannot be replaced in `text`."""
    found = text.count(old) if old.strip() else 0
    return f"What it would replace (`old`) stands {found} times in the text and must stand once."


def _invented_numbers(text: str, added: str) -> list[str]:
    known = set(_NUMBER.findall(text))
    invented = [number for number in _NUMBER.findall(added) if number not in known]
    return ["The edit has a number that is not in the file."] if invented else []


def _said_already(text: str, old: str, kind: str, added: str) -> list[str]:
    """Only where something is added: to sharpen a sentence is to say it again."""
    if kind != "add_rule":
        return []
    known = [set(words(sentence)) for sentence in _SENTENCE.split(text)]
    for sentence in _SENTENCE.split(added):
        said = set(words(sentence))
        if len(said) >= MIN_SAID_WORDS and any(
            len(said & other) / len(said) >= ALREADY_SAID for other in known
        ):
            return ["The file says this already, in nearly the same words."]
    return []
