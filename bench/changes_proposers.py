"""What the proposers that need no model do to files: one place, nothing else, and back again.

Each file is a random variation of those that people write: other order, comments, line ends,
indentation. The real proposers make the change from simulated evidence; a change counts where it
applies, where all but its place reads as before, and where taking it back gives the same bytes.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from bench.changes_edits import back_and_forth, values_of
from bench.changes_faults import LIMITS, THRESHOLDS, TOOLS
from bench.simulated_faults import (
    ARGUMENTS,
    answers,
    argument_calls,
    repository_of,
    threshold_pattern,
)
from bot.intent_cycle import change_taxonomy
from bot.intents import discover, label, read_taxonomy, taxonomy_version, write_taxonomy
from bot.labelling import Memory, label_again
from bot.proposals import propose_arguments, propose_limits, propose_rule, propose_threshold
from bot.proposals.edits import apply_edits
from bot.proposals.taxonomy import PATH
from bot.records import AgentFiles, Edit, Finding, Proposal, Skipped, SourceFile, Taxonomy
from bot.regions import find_regions
from tests.bot.builders import NOW
from tests.bot.intents_built import a_document, some_documents
from tests.bot.test_rule import a_correction_pattern, corrections

EACH = {"rule": 400, "threshold": 60, "config": 12, "harness": 200, "taxonomy": 12}
_COMMENT = {".py": "#", ".yml": "#", ".yaml": "#", ".toml": "#", ".ts": "//", ".md": None}
_WORDS = ("kept", "siehe oben", "値は確認済み", "why: see the wiki", "do not sort", "é ü ß 🙂")


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """One file and what a proposer made of it."""

    path: str
    text: str
    result: Proposal | Skipped | Finding | None


def measure() -> list[str]:
    """The table's lines; raises AssertionError at the first change that touches anything else."""
    lines = [
        "| proposer of | files | changes | refused | outside changed | not taken back |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    refused: list[str] = []
    for kind, (make, check) in KINDS.items():
        rng = random.Random(kind)  # noqa: S311 - drawn files, no secret
        changed = 0
        reasons: Counter[str] = Counter()
        for number in range(EACH[kind]):
            made = make(rng, number)
            if isinstance(made.result, Proposal):
                changed += 1
                _hold(made, made.result, check)
            else:
                reasons[_why_not(made.result)] += 1
        lines.append(f"| {kind} | {EACH[kind]} | {changed} | {EACH[kind] - changed} | 0 | 0 |")
        refused += [f"- {kind}, {n}x: {reason}" for reason, n in reasons.most_common()]
    return [*lines, "", "Refused:" if refused else "None was refused.", "", *refused]


def _why_not(result: Skipped | Finding | None) -> str:
    said = (
        result.reason if isinstance(result, Skipped) else result.sentence if result else "nothing"
    )
    return re.sub(r"\d[\d.,]*", "N", said)[:160]


def _hold(made: Made, proposal: Proposal, check: Callable[[Made, str], None]) -> None:
    after = apply_edits({made.path: _file(made.path, made.text)}, proposal.edits)
    assert isinstance(after, dict), after
    assert set(after) == {made.path}
    check(made, after[made.path])
    back_and_forth(made.path, made.text, after[made.path], *proposal.edits)
    undone = [
        Edit(path=edit.path, base_blob=edit.base_blob, old=edit.new, new=edit.old)
        for edit in reversed(proposal.edits)
    ]
    again = apply_edits({made.path: _file(made.path, after[made.path])}, undone)
    assert again == {made.path: made.text}, (made.path, again)


def _file(path: str, text: str) -> SourceFile:
    return SourceFile(path=path, blob="0" * 40, text=text)


# -- files as people write them ------------------------------------------------------------------


def _varied(path: str, text: str, rng: random.Random) -> str:
    """Comments on lines of their own, other line ends, perhaps no end of the last line."""
    mark = _COMMENT.get(path[path.rfind(".") :])
    if mark and text.count("\n") > 1:
        lines = text.split("\n")
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(lines))
            if not lines[at][:1].isspace():
                lines.insert(at, f"{mark} {rng.choice(_WORDS)}")
        text = "\n".join(lines)
    if rng.random() < 0.3:
        text = text.rstrip("\n")
    return text.replace("\n", "\r\n") if rng.random() < 0.5 else text


def _prompt(rng: random.Random) -> str:
    """A prompt with sections in any order, some of them about style."""
    bullet = rng.choice(["-", "*", "•", "1."])
    gap = rng.choice(["\n", "\n\n"])
    heads = ["Tone", "Email style", "Openings", "Escalation", "Facts", "Format of replies"]
    rng.shuffle(heads)
    parts = [rng.choice(["", "---\nmodel: some\n---\n"]) + "# Sales\n\nYou write e-mails."]
    for head in heads[: rng.randrange(1, 6)]:
        rules = gap.join(f"{bullet} {rng.choice(_WORDS)} {n}" for n in range(rng.randrange(4)))
        fence = rng.choice(["", "", "\n\n```\n# no heading\n```"])
        opened = f"<{head.replace(' ', '_').lower()}>" if rng.random() < 0.2 else f"## {head}"
        parts.append(f"{opened}\n\n{rules or 'See the wiki.'}{fence}")
    return "\n\n".join(parts) + "\n"


# -- proposers ------------------------------------------------------------------------------------


def _rule(rng: random.Random, number: int) -> Made:
    segment = rng.choice([{}, {"contact_level": "c_level"}, {"industry": "banking"}])
    path = rng.choice(["prompts/sales.md", "prompts/sales.j2", "prompts/sales.txt"])
    text = _varied(".md", _prompt(rng), rng)
    pattern = a_correction_pattern(
        corrections(3 + number % 6, segments=segment), segment=segment or {}
    )
    files = AgentFiles(agent="sales", prompts=(path,))
    result = propose_rule(pattern, repository_of({path: text}), files, now=NOW)
    return Made(path=path, text=text, result=result)


def _one_insertion(made: Made, after: str) -> None:
    start = next((n for n, (a, b) in enumerate(zip(made.text, after, strict=False)) if a != b), 0)
    start = min(start or len(made.text), len(made.text))
    grown = len(after) - len(made.text)
    assert 0 < grown < 300, made.path
    held = [at for at in range(start + 1) if after[:at] + after[at + grown :] == made.text]
    assert held, made.path


def _threshold(rng: random.Random, number: int) -> Made:
    path, template = rng.choice(list(THRESHOLDS.values()))
    at = round(rng.uniform(0.4, 0.7), rng.choice([2, 3]))
    text = _varied(path, template.format(v=at), rng)
    pattern = threshold_pattern(at, at * rng.uniform(1.08, 1.18), seed=str(number))
    files = AgentFiles(agent="fraud-desk", thresholds=(path,))
    result = propose_threshold(pattern, repository_of({path: text}), files, now=NOW)
    return Made(path=path, text=text, result=result)


def _config(rng: random.Random, number: int) -> Made:
    path, template = rng.choice(list(LIMITS.values()))
    tokens = rng.randrange(300, 500)
    text = template.format(steps=rng.randrange(5, 30), tokens=tokens, time=30, ms=30_000)
    text = _varied(path, text, rng)
    files = AgentFiles(agent="agent", harness=(path,))
    cut = answers(tokens, seed=str(number), number=120)
    found = propose_limits("agent", repository_of({path: text}), files, cut, rates={})
    return Made(path=path, text=text, result=_first(found))


def _one_number(made: Made, after: str) -> None:
    before, now = (values_of(made.path, one) for one in (made.text, after))
    assert before.keys() == now.keys(), made.path
    assert sum(before[key] != now[key] for key in before) == 1, made.path
    assert "".join(ch for ch in made.text if not ch.isdigit() and ch != ".") == "".join(
        ch for ch in after if not ch.isdigit() and ch != "."
    ), made.path


def _description(rng: random.Random, number: int) -> Made:
    one = ARGUMENTS[number % len(ARGUMENTS)]
    path, template = rng.choice(list(TOOLS.values()))
    source = template.format(tool=one.tool, does=one.does, argument=one.name, said=one.said)
    text = _varied(path, source, rng)
    files = AgentFiles(agent="agent", harness=(path,))
    repository = repository_of({path: text})
    found = propose_arguments("agent", repository, files, argument_calls(one), rates={})
    return Made(path=path, text=text, result=_first(found))


def _one_text(made: Made, after: str) -> None:
    before, now = (
        {one.anchor: one.text for one in find_regions(made.path, text)}
        for text in (made.text, after)
    )
    assert before.keys() == now.keys(), made.path
    changed = [name for name in before if before[name] != now[name]]
    assert len(changed) == 1, (made.path, changed)
    assert now[changed[0]].startswith(before[changed[0]].rstrip(".")), made.path


def _first(found: Iterator[Proposal | Skipped]) -> Proposal | Skipped | None:
    results = list(found)
    made = next((one for one in results if isinstance(one, Proposal)), None)
    return made or next(iter(results), None)


@cache
def _known(without: str) -> tuple[tuple[object, ...], Mapping[object, object], Taxonomy]:
    """Documents, labels, and a taxonomy that does not know one kind of wish."""
    documents = [a_document(one.text, number) for number, one in enumerate(some_documents(each=20))]
    found = discover(documents, now=NOW)
    intents = tuple(
        replace(one, terms=())
        for one in found.taxonomy.intents
        if without not in " ".join(one.terms)
    )
    taxonomy = Taxonomy(intents=intents, version=taxonomy_version(intents), source="repository")
    labels = {}
    for one, given in zip(documents, label(documents, taxonomy), strict=True):
        is_new = without in one.text
        labels[(one.agent, one.conversation_id)] = replace(given, intents=()) if is_new else given
    return tuple(documents), labels, taxonomy


def _taxonomy(rng: random.Random, number: int) -> Made:
    documents, labels, taxonomy = _known(("parcel", "password", "cancel")[number % 3])
    text = _varied(PATH, "# ours\n" + write_taxonomy(taxonomy), rng)
    result = change_taxonomy(
        documents,  # type: ignore[arg-type]
        labels,  # type: ignore[arg-type]
        taxonomy,
        file=_file(PATH, text),
        started=dict.fromkeys(labels, NOW),
        relabel=lambda after: label_again(documents, after, Memory(), now=NOW),  # type: ignore[arg-type]
        ask=None,
        now=NOW,
    )
    return Made(path=PATH, text=text, result=result)


def _other_intents_stay(made: Made, after: str) -> None:
    before = {one.id: one for one in read_taxonomy(made.text).intents}
    now = {one.id: one for one in read_taxonomy(after).intents}
    assert all(now[id] == one for id, one in before.items()), made.path
    assert all(line in after for line in made.text.splitlines()), made.path


KINDS: Mapping[str, tuple[Callable[[random.Random, int], Made], Callable[[Made, str], None]]] = {
    "rule": (_rule, _one_insertion),
    "threshold": (_threshold, _one_number),
    "config": (_config, _one_number),
    "harness": (_description, _one_text),
    "taxonomy": (_taxonomy, _other_intents_stay),
}

if __name__ == "__main__":
    print("\n".join(measure()))
