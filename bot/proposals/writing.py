"""A writer proposes small edits of one prompt file, our checks decide which one may stand.

Takes the file, a cause in other people's words, and constraints; gives the smallest edit that
breaks no guardrail, or why there is none. The writer sees no conversation and has no tools. Costs
one call, two where the first brings nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from bot.proposals.diagnosis import sum_costs
from bot.proposals.edits import (
    apply_edits,
    check_diff,
    newline_of,
    occurs_once,
    render_diff,
    split_lines,
)
from bot.proposals.guardrails import changed_lines, check_edits
from bot.proposals.text_checks import words
from bot.records import Ask, Edit, ModelCost, Skipped, SourceFile
from bot.rendering import render_prompt

MAX_CANDIDATES = 3
ALREADY_SAID = 0.85
"""A sentence of the file that holds this share of an added sentence's words says it already."""
MIN_SAID_WORDS = 5
_NEAR = 0.6
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One edit that passed every check."""

    kind: str
    """add_rule, sharpen or merge."""
    edit: Edit
    text: str
    """The whole file after it."""
    added: str
    """What is new in the file: the rule as a reader of the diff sees it."""
    changed_lines: int
    growth_tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The smallest candidate that stands, and what became of the others."""

    candidate: Candidate
    dropped: tuple[str, ...]
    cost: ModelCost


def write_edit(
    file: SourceFile,
    cause: str,
    *,
    constraints: Sequence[str],
    sources: Sequence[tuple[str, str]],
    ask: Ask,
) -> Written | Skipped:
    """`sources` are (who wrote it, text) of the conversations: nothing may be lifted from them."""
    dropped: list[str] = []
    reasons: list[str] = []
    costs: list[ModelCost] = []
    for _ in range(2):
        reply = ask(
            render_prompt(
                "proposals/write",
                agent_prompt=file.text,
                cause=cause,
                constraints="\n".join(f"- {c}" for c in constraints) or "(none)",
                rejected="\n".join(f"- {reason}" for reason in reasons) or "(none)",
            )
        )
        if isinstance(reply, Skipped):
            return reply
        costs.append(reply.cost)
        standing: list[Candidate] = []
        for claim in cast("dict[str, Any]", reply.data)["candidates"][:MAX_CANDIDATES]:
            found = check_candidate(file, claim, sources=sources)
            if isinstance(found, Candidate):
                standing.append(found)
            else:
                reasons += found
                dropped.append(f"One {claim['kind']} was refused: {' '.join(found)}")
        if standing:
            standing.sort(key=lambda c: c.changed_lines)  # of equals the writer's first
            for other in standing[1:]:
                dropped.append(
                    f"One {other.kind} was not smaller: {other.changed_lines} changed lines, about "
                    f"{other.growth_tokens} tokens more."
                )
            return Written(candidate=standing[0], dropped=tuple(dropped), cost=sum_costs(costs))
    return Skipped(
        what=f"an edit of {file.path}",
        code="guardrail",
        reason=f"No edit of two attempts could stand: {' '.join(dict.fromkeys(reasons))[:600]}",
    )


def check_candidate(
    file: SourceFile, claim: dict[str, Any], *, sources: Sequence[tuple[str, str]]
) -> Candidate | list[str]:
    """The candidate, or the reasons why it cannot stand."""
    newline = newline_of(file.text)
    old, new = (claim[key].replace("\n", newline) for key in ("old", "new"))
    if not old.strip() or not occurs_once(file.text, old):
        return [_not_found(file.text, old)]
    if claim["kind"] == "add_rule" and old.strip() not in new:
        return ["An add_rule has to keep `old` unchanged inside `new`."]
    edit = Edit(path=file.path, base_blob=file.blob, old=old, new=new)
    after = apply_edits({file.path: file}, [edit])
    if isinstance(after, Skipped):
        return [after.reason]
    added = _added(file.text, after[file.path])
    problems = [
        *_invented_numbers(file.text, added),
        *_said_already(file.text, old, claim["kind"], added),
        *check_edits(
            {file.path: file.text},
            after,
            kind="prompt",
            allowed=[file.path],
            sources=sources,
        ),
        *check_diff(
            render_diff(file.text, after[file.path], file.path), {file.path: file.text}, after
        ),
    ]
    if problems:
        return problems
    return Candidate(
        kind=claim["kind"],
        edit=edit,
        text=after[file.path],
        added=added,
        changed_lines=changed_lines(file.text, after[file.path]),
        growth_tokens=(len(after[file.path]) - len(file.text)) // 4,
    )


def _added(before: str, after: str) -> str:
    """The words of the added and changed lines that were not there, in their order."""
    old, new = _pieces(before), _pieces(after)
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    fresh = ["".join(new[b:e]) for tag, _, _, b, e in matcher.get_opcodes() if tag != "equal"]
    return " ".join(" ".join("".join(fresh).split()).lstrip("-*•# ").split())


def _pieces(text: str) -> list[str]:
    """Sentences and line ends: small enough to show what is new, large enough to be read."""
    return re.findall(r"[^\n]*?[.!?](?=\s)[ \t]*|[^\n]+|\n", text)


def _not_found(text: str, old: str) -> str:
    first = next((line.strip() for line in old.splitlines() if line.strip()), "")
    lines = [line.strip() for line in split_lines(text) if line.strip()]
    near = difflib.get_close_matches(first, lines, n=2, cutoff=_NEAR)
    hint = f" The nearest lines are: {near}" if near else ""
    found = text.count(old) if old.strip() else 0
    return f"`old` stands {found} times in the file and must stand once.{hint}"


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
