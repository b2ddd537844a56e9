"""A writer proposes small edits of a tool's descriptions or function; our checks pick one.

Takes the places and a cause in our words; gives the smallest edit that breaks no guardrail and
against which a judge has nothing. The writer sees no conversation and has no tools. Costs two
calls, up to eight where edits are refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from bot.figures import count
from bot.proposals.diagnosis import short
from bot.proposals.edits import check_diff, edit_to, newline_of, occurs_once, render_diff
from bot.proposals.guardrails import changed_lines, check_edits
from bot.proposals.harness.functions import Function
from bot.proposals.harness.places import Description, Place
from bot.proposals.refusals import no_edit_stands
from bot.proposals.writing import not_once
from bot.records import Ask, Edit, ModelCost, Skipped
from bot.regions import write_region
from bot.rendering import render_prompt

MAX_EDITS = 3
MAX_LINES = 20
"""Added and removed lines of one edit."""
ALIKE_LINES = 5
"""Edits that differ from the smallest by fewer lines are read in the same time: which of them is
better, the writer says."""
MAX_WIDTH = 100
"""Characters of a new line of code, unless the file has wider ones: most formatters refuse more."""
MAX_WORDS = 60
"""Added to a description."""
SMALL_NUMBERS = frozenset({"0", "1", "2", "3"})
"""Numbers that may be new in code: an index, one more try. Others are limits of somebody."""
_ONE_REFUSED = "One edit was refused: "
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_OBJECTIONS = {
    "breaks": "it breaks a call that works",
    "loosens": "it allows what was refused before",
    "untrue": "it says what the tool does not do",
    "misses": "the calls that fail would fail as before",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One edit that passed every check."""

    place: Place
    edit: Edit
    text: str
    """The description or function after it."""
    added: str
    """Of a description, what is new."""
    changed_lines: int
    growth_tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The candidate that stands, and what became of the others."""

    candidate: Candidate
    dropped: tuple[str, ...]
    cost: ModelCost


@dataclass(frozen=True, kw_only=True, slots=True)
class NotHere:
    """The writer says that no small edit of this text can help."""

    cost: ModelCost


@dataclass(kw_only=True, slots=True)
class _Notes:
    dropped: list[str] = field(default_factory=list)
    """For people, in our words."""
    reasons: list[str] = field(default_factory=list)
    """For the writer's second attempt; a judge's words among them."""
    cost: ModelCost = field(default_factory=ModelCost)

    def refuse(self, sentence: str, reasons: Sequence[str]) -> None:
        self.dropped.append(f"{_ONE_REFUSED}{sentence}")
        self.reasons += reasons

    def told(self) -> list[str]:
        """Every refusal, those for the same reason as one sentence that counts them."""
        return [
            one if times == 1 else one.replace(_ONE_REFUSED, f"{times} edits were refused: ", 1)
            for one, times in Counter(self.dropped).items()
        ]


def write_edit(
    places: Sequence[Place],
    cause: str,
    *,
    around: str,
    constraints: Sequence[str],
    sources: Sequence[tuple[str, str]],
    ask: Ask,
) -> Written | NotHere | Skipped:
    """`cause` is ours and goes to writer and judge; `around` is code of the same repository.

    Any of `places` may change, one of them in one edit.

    `sources` are (who wrote it, text) of the conversations: nothing may be lifted from them.
    """
    what = f"an edit of {places[0].file.path}"
    notes = _Notes()
    for _ in range(2):
        reply = ask(
            render_prompt(
                "harness/write",
                parts=parts_of(places),
                around=around or "(nothing)",
                cause=cause,
                constraints="\n".join(f"- {one}" for one in constraints) or "(none)",
                rejected="\n".join(f"- {one}" for one in notes.reasons) or "(none)",
            )
        )
        if isinstance(reply, Skipped):
            return replace(reply, what=what)
        notes.cost += reply.cost
        claims = cast("dict[str, Any]", reply.data)["edits"][:MAX_EDITS]
        if not claims:
            return NotHere(cost=notes.cost)
        standing = _standing(places, claims, around, sources, notes)
        found = _first_sound(standing, cause, around, notes, ask)
        if isinstance(found, Skipped):
            return replace(found, what=what)
        if found is not None:
            return Written(candidate=found, dropped=tuple(notes.dropped), cost=notes.cost)
    return no_edit_stands(what, "guardrail", "two attempts", notes.told())


def parts_of(places: Sequence[Place]) -> str:
    """Each part that may change, under its number."""
    return "\n".join(
        f"=== part {number}: {part_of(one)} ===\n{one.text}"
        for number, one in enumerate(places, start=1)
    )


def part_of(place: Place) -> str:
    """What writer and judge are told that a part is."""
    if isinstance(place, Function):
        return f"the function {place.name} in {place.file.path}, whole"
    whose = f"the tool {place.tool}"
    if place.argument:
        whose = f"the argument {place.argument} of {whose}"
    return f"the description of {whose} in {place.file.path}"


def _standing(
    places: Sequence[Place],
    claims: Sequence[dict[str, Any]],
    around: str,
    sources: Sequence[tuple[str, str]],
    notes: _Notes,
) -> list[Candidate]:
    """Those that break no guardrail, the smaller first, of those much alike the writer's first."""
    standing: list[Candidate] = []
    for claim in claims:
        found = check_candidate(places, claim, around=around, sources=sources)
        if isinstance(found, Candidate):
            standing.append(found)
        else:
            notes.refuse(" ".join(found), found)
    least = min((one.changed_lines for one in standing), default=0)
    return sorted(standing, key=lambda one: (one.changed_lines - least) // ALIKE_LINES)


def _first_sound(
    standing: Sequence[Candidate], cause: str, around: str, notes: _Notes, ask: Ask
) -> Candidate | Skipped | None:
    """The first that the judge has nothing against."""
    for at, candidate in enumerate(standing):
        reply = ask(
            render_prompt(
                "harness/review",
                part=part_of(candidate.place),
                before=candidate.place.text,
                after=candidate.text,
                around=around or "(nothing)",
                cause=cause,
            )
        )
        if isinstance(reply, Skipped):
            return reply
        notes.cost += reply.cost
        problems = cast("dict[str, Any]", reply.data)["problems"]
        if not problems:
            notes.dropped += [
                f"Another edit would do as well: {part_of(other.place)}, "
                f"{count(other.changed_lines, 'changed line')}."
                for other in standing[at + 1 :]
            ]
            return candidate
        kinds = dict.fromkeys(_OBJECTIONS[one["kind"]] for one in problems)
        notes.refuse(
            f"A judge says that {' and that '.join(kinds)}.",
            [
                f"{_OBJECTIONS[p['kind']]}: {short(p['call'])}: {short(p['reason'])}"
                for p in problems
            ],
        )
    return None


def check_candidate(
    places: Sequence[Place],
    claim: dict[str, Any],
    *,
    around: str,
    sources: Sequence[tuple[str, str]],
) -> Candidate | list[str]:
    """The candidate, or the reasons why it cannot stand."""
    if not 1 <= claim["part"] <= len(places):
        return [f"There is no part {claim['part']}."]
    place = places[claim["part"] - 1]
    file = place.file
    text = place.text.replace("\r\n", "\n")
    old, new = (claim[key].replace("\r\n", "\n") for key in ("old", "new"))
    if not old.strip() or not occurs_once(text, old):
        return [not_once(text, old)]
    if old == new:
        return ["The edit changes nothing."]
    changed = text.replace(old, new, 1)
    after = _written(place, changed)
    if isinstance(after, Skipped):
        return [after.reason]
    lines = changed_lines(file.text, after)
    before_texts, after_texts = {file.path: file.text}, {file.path: after}
    problems = [
        *_too_much(place, text, changed, lines),
        *_invented_numbers(place, around, old, new),
        *check_edits(
            before_texts, after_texts, kind="harness", allowed=[file.path], sources=sources
        ),
        *check_diff(render_diff(file.text, after, file.path), before_texts, after_texts),
    ]
    if problems:
        return problems
    return Candidate(
        place=place,
        edit=edit_to(file, after),
        text=changed,
        added=_added(old, new),
        changed_lines=lines,
        growth_tokens=-((len(text) - len(changed)) // 4),
    )


def _written(place: Place, changed: str) -> str | Skipped:
    """The whole file with the place's new text."""
    file = place.file
    if isinstance(place, Description):
        return write_region(file, place.region, changed)
    written = changed.replace("\n", newline_of(file.text))
    return file.text[: place.start] + written + file.text[place.end :]


def _too_much(place: Place, text: str, changed: str, lines: int) -> list[str]:
    if isinstance(place, Description):
        words = len(changed.split()) - len(text.split())
        return [f"It adds {words} words; {MAX_WORDS} are allowed."] if words > MAX_WORDS else []
    if lines > MAX_LINES:
        return [f"It changes {lines} lines; {MAX_LINES} are allowed."]
    allowed = max(MAX_WIDTH, *map(len, place.file.text.splitlines()))
    widest = max(map(len, changed.splitlines()), default=0)
    return (
        [f"It writes a line of {widest} characters; {allowed} are allowed."]
        if widest > allowed
        else []
    )


def _invented_numbers(place: Place, around: str, old: str, new: str) -> list[str]:
    known = {number for text in (place.file.text, around, old) for number in _NUMBER.findall(text)}
    if isinstance(place, Function):
        known |= SMALL_NUMBERS
    invented = [number for number in _NUMBER.findall(new) if number not in known]
    return ["The edit has a number that is not in the tool's files."] if invented else []


def _added(old: str, new: str) -> str:
    """What `new` says between what it shares with `old` at both ends, in whole words."""
    before, after = old.split(), new.split()
    first = 0
    while first < min(len(before), len(after)) and before[first] == after[first]:
        first += 1
    last = 0
    while last < min(len(before), len(after)) - first and before[-1 - last] == after[-1 - last]:
        last += 1
    return " ".join(after[first : len(after) - last])
