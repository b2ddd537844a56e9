"""A change of the taxonomy as a reviewed file: new, merged and retired intents, and what they move.

Takes the file, the taxonomy before and after, and the label of every conversation under both;
gives one `Proposal`. Refuses a change that moves labels which nobody meant to move (Cohen's kappa
on the anchor set), and a first file that rests on too little. Costs nothing.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from bot.figures import count, percent
from bot.proposals.edits import apply_edits, edit_between, split_lines
from bot.proposals.guardrails import check_edits
from bot.proposals.relabelling import Relabelling, agreement, moves_between
from bot.records import (
    Edit,
    Evidence,
    EvidenceItem,
    GateCheck,
    GateResult,
    Intent,
    ModelCost,
    Proposal,
    Skipped,
    SourceFile,
    Table,
    Taxonomy,
    short_hash,
)

PATH = ".debrief/intents.yml"
AGENT = "all agents"
"""A taxonomy is one file for all agents of a repository."""
PATTERN = "taxonomy"
FIRST_INTENTS = 2
FIRST_CONVERSATIONS = 50
"""Fewer give a file that the next weeks would turn upside down."""
MIN_ANCHORS = 20
MIN_KAPPA = 0.8
"""Macro average over the intents (loop facts 2.3)."""
SHOWN_MOVES = 40
EXAMPLES = 3
"""Conversations shown for one intent."""
EXAMPLE_INTENTS = 15


def propose_taxonomy(
    before: Taxonomy | None,
    after: Taxonomy,
    labels: Relabelling,
    *,
    file: SourceFile | None,
    text: str,
    cost: ModelCost = ModelCost(),  # noqa: B008 -- frozen
) -> Proposal | Skipped:
    """One proposal that makes `file` (None: there is none yet) say `text`, which is `after`."""
    known = {intent.id: intent for intent in before.intents} if before else {}
    changed = [intent for intent in after.intents if known.get(intent.id) != intent]
    title = _title(before, changed)
    if not changed or (file is not None and file.text == text):
        return Skipped(what=PATTERN, code="healthy", reason="Every intent that is seen is known.")
    if before is None and (refused := _too_little(after, labels)) is not None:
        return refused
    edits = _edits(file, text)
    files = {PATH: file} if file else {}
    broken = check_edits(
        {PATH: file.text} if file else {}, {PATH: text}, kind="taxonomy", allowed=(PATH,)
    )
    if broken:
        return Skipped(what=title, code="guardrail", reason=" ".join(broken[:3]))
    if isinstance(applied := apply_edits(files, edits), Skipped):
        return applied
    # One pull request for one state of the file: until it is merged it grows with what is found.
    remedy = f"taxonomy:{before.version}" if before else "taxonomy:first"
    id = f"p-{short_hash(AGENT, 'taxonomy', PATTERN, remedy)}"
    evidence = _evidence(changed, labels)
    result = _gate(before, labels)
    return Proposal(
        id=id,
        fingerprint=short_hash(id, text, length=16),
        kind="taxonomy",
        agent=AGENT,
        pattern_id=PATTERN,
        remedy=remedy,
        title=title,
        what=_what(before, changed),
        why=_why(before, changed, labels),
        risk=_risk(before, labels),
        confidence=_confidence(result, evidence),
        edits=edits,
        evidence=evidence,
        prediction=None,
        gate=result,
        tables=(_new_table(changed, labels), _moves_table(before, after, labels)),
        alternatives=(),
        cost=cost,
    )


def _too_little(after: Taxonomy, labels: Relabelling) -> Skipped | None:
    read = len(labels.after)
    intents = sum(intent.status == "active" for intent in after.intents)
    if read >= FIRST_CONVERSATIONS and intents >= FIRST_INTENTS:
        return None
    return Skipped(
        what="the first taxonomy",
        code="evidence_floor",
        reason=f"{count(intents, 'intent')} in {count(read, 'conversation')}; "
        f"{FIRST_INTENTS} in {FIRST_CONVERSATIONS} are needed.",
    )


def _edits(file: SourceFile | None, text: str) -> tuple[Edit, ...]:
    """One edit per place that changes, so that a hand edit elsewhere meanwhile does no harm."""
    if file is None:
        return (Edit(path=PATH, base_blob=None, old="", new=text),)
    old, new = split_lines(file.text), split_lines(text)
    offsets = [0]
    for line in old:
        offsets.append(offsets[-1] + len(line))
    edits = tuple(
        edit_between(file, offsets[low], offsets[high], "".join(new[start:end]))
        for tag, low, high, start, end in difflib.SequenceMatcher(
            None, old, new, autojunk=False
        ).get_opcodes()
        if tag != "equal"
    )
    # Two places that share their surroundings are changed together.
    if apply_edits({PATH: file}, edits) == {PATH: text}:
        return edits
    return (Edit(path=PATH, base_blob=file.blob, old=file.text, new=text),)


# -- in words ------------------------------------------------------------------------------------


def _kinds(before: Taxonomy | None, changed: Iterable[Intent]) -> dict[str, list[Intent]]:
    """The changed intents by what happens to them."""
    known = {intent.id for intent in before.intents} if before else set()
    kinds: dict[str, list[Intent]] = {"new": [], "merged": [], "split": [], "retired": []}
    for intent in changed:
        if intent.id not in known:
            kinds["new"].append(intent)
        elif intent.status in kinds:
            kinds[intent.status].append(intent)
    return kinds


def _title(before: Taxonomy | None, changed: Sequence[Intent]) -> str:
    if before is None:
        return f"Begin the taxonomy of intents with {count(len(changed), 'intent')}"
    kinds = _kinds(before, changed)
    verbs = {"new": "add", "merged": "merge", "split": "split", "retired": "retire"}
    said = [f"{verbs[kind]} {len(intents)}" for kind, intents in kinds.items() if intents]
    return f"Bring the intents up to date: {', '.join(said) or 'reword'}"


def _what(before: Taxonomy | None, changed: Sequence[Intent]) -> str:
    kinds = _kinds(before, changed)
    said = []
    if kinds["new"]:
        names = ", ".join(f"`{one.name}`" for one in kinds["new"][:6])
        more = f" and {len(kinds['new']) - 6} more" if len(kinds["new"]) > 6 else ""
        said.append(f"adds {names}{more}")
    said += [f"merges `{one.name}` into {_targets(one)}" for one in kinds["merged"][:4]]
    said += [f"splits `{one.name}` into {_targets(one)}" for one in kinds["split"][:4]]
    said += [f"retires `{one.name}`" for one in kinds["retired"][:4]]
    how = "Makes" if before is None else "Changes"
    return f"{how} `{PATH}`: {'; '.join(said)}. Ids stay for good; rename and reword as you like."


def _targets(intent: Intent) -> str:
    return ", ".join(f"`{target}`" for target in intent.into)


def _why(before: Taxonomy | None, changed: Sequence[Intent], labels: Relabelling) -> str:
    read = len(labels.after)
    told = sum(bool(labels.ids_after(key)) for key in labels.after)
    share = percent(told / read) if read else "none"
    if before is None:
        return (
            f"There is no taxonomy yet. These intents were found in {count(read, 'conversation')}, "
            f"of which {told:,} ({share}) get one."
        )
    had = sum(bool(labels.ids_before(key)) for key in labels.after)
    new = {intent.id for intent in changed} - {intent.id for intent in before.intents}
    fresh = sum(bool(labels.ids_after(key) & new) for key in labels.after)
    return (
        f"Of {count(read, 'conversation')} {had:,} have an intent now; with this change {told:,} "
        f"({share}), {fresh:,} of them a new one."
    )


def _risk(before: Taxonomy | None, labels: Relabelling) -> str:
    if before is None:
        return (
            "Low: no agent reads this file. Labels in reports follow it from the merge on, and "
            "names that do not suit can be edited here or later."
        )
    others = sum(bool(labels.ids_before(key)) for key in labels.moved())
    return (
        f"Low: no agent reads this file. {count(others, 'conversation')} that had an intent get "
        "another one or none; trends of those intents begin anew."
    )


def _evidence(changed: Sequence[Intent], labels: Relabelling) -> Evidence:
    """What the changed intents rest on: conversations by id, in our words, no quotes."""
    members: dict[str, list[tuple[float, str]]] = {intent.id: [] for intent in changed}
    for (_, conversation_id), label in labels.after.items():
        for intent_id, confidence in label.intents:
            if intent_id in members:
                members[intent_id].append((-confidence, conversation_id))
    items = []
    by_size = sorted(changed, key=lambda intent: -len(members[intent.id]))
    for intent in by_size[:EXAMPLE_INTENTS]:
        for minus, conversation_id in sorted(members[intent.id])[:EXAMPLES]:
            said = f"labelled {intent.name}, confidence {-minus:.2f}"
            items.append(EvidenceItem(id=conversation_id, paraphrase=said))
    cited = {key for key in labels.after if labels.ids_after(key) & members.keys()}
    units = {labels.units[key] for key in cited if key in labels.units}
    ids = {conversation_id for _, conversation_id in cited}
    known = any(labels.units.get(key) != key[1] for key in cited)
    return Evidence(
        entries=len(cited),
        users=len(units) if known else 0,
        conversation_ids=tuple(sorted(ids)),
        items=tuple(items),
        note=None if known or not cited else "No user ids are known.",
    )


def _gate(before: Taxonomy | None, labels: Relabelling) -> GateResult:
    """Do the conversations that had a label keep it? Only where there was a taxonomy."""
    if before is None:
        return GateResult(
            verdict="inconclusive",
            sentence="There is no taxonomy before this one that labels could be compared with.",
        )
    found = agreement(labels)
    if found.kappa is None or found.anchors < MIN_ANCHORS:
        return GateResult(
            verdict="inconclusive",
            sentence=f"{count(found.anchors, 'conversation')} had a label before; "
            f"{MIN_ANCHORS} are needed to compare.",
        )
    verdict: Literal["pass", "fail"] = "pass" if found.kappa >= MIN_KAPPA else "fail"
    weakest = sorted(found.by_intent.items(), key=lambda one: (one[1], one[0]))[:5]
    names = {intent.id: intent.name for intent in before.intents}
    checks = tuple(
        GateCheck(
            name=f"keeps {names.get(intent_id, intent_id)}",
            verdict="pass" if kappa >= MIN_KAPPA else "inconclusive",
            sentence=f"kappa {kappa:.2f}",
            n=found.anchors,
            estimate=kappa,
        )
        for intent_id, kappa in weakest
    )
    return GateResult(
        verdict=verdict,
        sentence=f"{count(found.anchors, 'conversation')} with a label before were labelled again: "
        f"Cohen's kappa {found.kappa:.2f} (at least {MIN_KAPPA}).",
        checks=checks,
    )


def _confidence(result: GateResult, evidence: Evidence) -> Literal["low", "medium", "high"]:
    if result.verdict == "pass":
        return "high" if evidence.entries >= FIRST_CONVERSATIONS else "medium"
    return "medium" if evidence.entries >= 2 * FIRST_CONVERSATIONS else "low"


def _new_table(changed: Sequence[Intent], labels: Relabelling) -> Table:
    """The changed intents with how many conversations and people each is about."""
    conversations: Counter[str] = Counter()
    people: dict[str, set[str]] = {}
    for key in labels.after:
        for intent_id in labels.ids_after(key):
            conversations[intent_id] += 1
            people.setdefault(intent_id, set()).add(labels.units.get(key, key[1]))
    by_size = sorted(changed, key=lambda intent: (-conversations[intent.id], intent.id))
    rows = tuple(
        (
            intent.id,
            intent.name,
            _state(intent),
            f"{conversations[intent.id]:,}",
            f"{len(people.get(intent.id, ())):,}",
        )
        for intent in by_size[:SHOWN_MOVES]
    )
    header = ("id", "intent", "definition", "conversations", "users")
    return Table(title="The intents", header=header, rows=rows)


def _state(intent: Intent) -> str:
    if intent.status == "active":
        return intent.definition
    into = f" into {', '.join(intent.into)}" if intent.into else ""
    return f"{intent.status}{into}"


def _moves_table(before: Taxonomy | None, after: Taxonomy, labels: Relabelling) -> Table:
    """How many conversations each known intent gives and takes; empty for a first file."""
    if before is None:
        return Table(title="What moves", header=(), rows=())
    moves = moves_between(labels)
    names = {intent.id: intent.name for intent in (*before.intents, *after.intents)}
    rows = tuple(
        (names.get(move.source, move.source), names.get(move.target, move.target), f"{move.n:,}")
        for move in moves[:SHOWN_MOVES]
    )
    return Table(title="What moves", header=("from", "to", "conversations"), rows=rows)
