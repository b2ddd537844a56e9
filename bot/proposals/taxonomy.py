"""A change of the taxonomy as a reviewed file: new, merged and retired intents, and what they move.

Takes the file, the taxonomy before and after, and the label of every conversation under both;
gives one `Proposal`. Refuses a change that moves labels which nobody meant to move (Cohen's kappa
on the anchor set), and a first file that rests on too little. Costs nothing.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
    Key,
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
UNCHANGED = 0.995
"""Kappa of an intent from which nobody needs to look at it."""
SHOWN_MOVES = 40
EXAMPLES = 3
"""Conversations shown for one intent."""
NAMED = 6
"""Intents that a sentence names."""
NO_QUOTES: Mapping[Key, str] = {}

_VERBS = {
    "new": "add",
    "merged": "merge",
    "split": "split",
    "retired": "retire",
    "grouped": "group",
    "reworded": "reword",
}
"""What can happen to an intent."""


def propose_taxonomy(
    before: Taxonomy | None,
    after: Taxonomy,
    labels: Relabelling,
    *,
    file: SourceFile | None,
    text: str,
    cost: ModelCost = ModelCost(),  # noqa: B008 -- frozen
    quotes: Mapping[Key, str] = NO_QUOTES,
) -> Proposal | Skipped:
    """One proposal that makes `file` (None: there is none yet) say `text`, which is `after`.

    `quotes` holds what users wrote, redacted; empty where the settings allow no quotes.
    """
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
    evidence = _evidence(changed, labels, quotes)
    result = _gate(before, labels)
    return Proposal(
        id=id,
        fingerprint=short_hash(id, text, length=16),
        kind="taxonomy",
        agent=AGENT,
        pattern_id=PATTERN,
        remedy=remedy,
        title=title,
        what=_what(before, after, changed),
        why=_why(before, changed, labels),
        risk=_risk(before, labels),
        confidence=_confidence(result, evidence),
        edits=edits,
        evidence=evidence,
        prediction=None,
        gate=result,
        tables=(_new_table(after, changed, labels), _moves_table(before, after, labels)),
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
    known = {intent.id: intent for intent in before.intents} if before else {}
    kinds: dict[str, list[Intent]] = {kind: [] for kind in _VERBS}
    for intent in changed:
        was = known.get(intent.id)
        if was is None:
            kinds["new"].append(intent)
        elif intent.status != "active":
            kinds[intent.status].append(intent)
        else:
            kinds["reworded" if intent.parent == was.parent else "grouped"].append(intent)
    return kinds


def _title(before: Taxonomy | None, changed: Sequence[Intent]) -> str:
    if before is None:
        return f"Begin the taxonomy with {count(len(changed), 'intent')}"
    kinds = _kinds(before, changed)
    said = [f"{_VERBS[kind]} {len(intents)}" for kind, intents in kinds.items() if intents]
    return f"Bring the intents up to date: {', '.join(said)}"


def _what(before: Taxonomy | None, after: Taxonomy, changed: Sequence[Intent]) -> str:
    kinds = _kinds(before, changed)
    names = {intent.id: f"`{intent.name}`" for intent in after.intents}
    into = {
        one.id: " and ".join(names.get(target, target) for target in one.into) for one in changed
    }
    said = []
    for kind in ("new", "reworded"):
        if kinds[kind]:
            said.append(f"{_VERBS[kind]}s {_listed([names[one.id] for one in kinds[kind]])}")
    said += [f"merges {names[one.id]} into {into[one.id]}" for one in kinds["merged"][:NAMED]]
    said += [f"splits {names[one.id]} into {into[one.id]}" for one in kinds["split"][:NAMED]]
    said += [f"retires {names[one.id]}" for one in kinds["retired"][:NAMED]]
    families: dict[str, list[str]] = {}
    for one in kinds["grouped"]:
        families.setdefault(one.parent or "", []).append(names[one.id])
    for parent, children in families.items():
        where = f"under {names.get(parent, parent)}" if parent else "on the first level"
        said.append(f"puts {_listed(children)} {where}")
    how = "Begins" if before is None else "Changes"
    return (
        f"{how} `{PATH}`: {'; '.join(said)}. Merge it if your users do want these things and you "
        "would count them apart; names and definitions may be edited here first. Ids stay for good."
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


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
    if not others:
        return "Low: no agent reads this file, and every conversation that has an intent keeps it."
    return (
        f"Low: no agent reads this file. {count(others, 'conversation')} that had an intent get "
        "another one or none; trends of those intents begin anew."
    )


def _evidence(
    changed: Sequence[Intent], labels: Relabelling, quotes: Mapping[Key, str]
) -> Evidence:
    """What the changed intents rest on, with the few conversations that a reader should see."""
    members: dict[str, list[tuple[float, Key]]] = {intent.id: [] for intent in changed}
    for key, label in labels.after.items():
        for intent_id, confidence in label.intents:
            if intent_id in members:
                members[intent_id].append((-confidence, key))
    items = [
        EvidenceItem(id=key[1], paraphrase=f"is one of `{intent.name}`", quote=quotes.get(key))
        for intent in sorted(changed, key=lambda one: -len(members[one.id]))
        for _, key in sorted(members[intent.id])[:EXAMPLES]
    ]
    cited = {key for key in labels.after if labels.ids_after(key) & members.keys()}
    units = {labels.units[key] for key in cited if key in labels.units}
    known = _are_users_known(cited, labels)
    return Evidence(
        entries=len(cited),
        users=len(units) if known else 0,
        conversation_ids=tuple(sorted({item.id for item in items})),
        items=tuple(items),
        note=None if known or not cited else "No user ids are known.",
    )


def _are_users_known(keys: Iterable[Key], labels: Relabelling) -> bool:
    return any(labels.units.get(key, key[1]) != key[1] for key in keys)


def _gate(before: Taxonomy | None, labels: Relabelling) -> GateResult:
    """Do the conversations that had a label keep it? Only where there was a taxonomy."""
    if before is None:
        return GateResult(
            verdict="inconclusive",
            sentence="This is the first file: no label exists that it could change.",
        )
    found = agreement(labels)
    if found.kappa is None or found.anchors < MIN_ANCHORS:
        return GateResult(
            verdict="inconclusive",
            sentence=f"{count(found.anchors, 'conversation')} had a label before; "
            f"{MIN_ANCHORS} are needed to compare.",
        )
    verdict: Literal["pass", "fail"] = "pass" if found.kappa >= MIN_KAPPA else "fail"
    changed = [(name, kappa) for name, kappa in found.by_intent.items() if kappa < UNCHANGED]
    weakest = sorted(changed, key=lambda one: (one[1], one[0]))[:5]
    names = {intent.id: intent.name for intent in before.intents}
    checks = tuple(
        GateCheck(
            name=f"{names.get(intent_id, intent_id)} keeps its conversations",
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


def _new_table(after: Taxonomy, changed: Sequence[Intent], labels: Relabelling) -> Table:
    """The changed intents with how many conversations each is about, and people where known."""
    names = {intent.id: intent.name for intent in after.intents}
    known = _are_users_known(labels.after, labels)
    conversations: Counter[str] = Counter()
    people: dict[str, set[str]] = {}
    for key in labels.after:
        for intent_id in labels.ids_after(key):
            conversations[intent_id] += 1
            people.setdefault(intent_id, set()).add(labels.units.get(key, key[1]))
    by_size = sorted(changed, key=lambda intent: (-conversations[intent.id], intent.id))
    rows = tuple(
        (
            intent.name,
            _state(intent, names),
            f"{(n := conversations[intent.id]):,} ({percent(n / len(labels.after))})",
            *([f"{len(people.get(intent.id, ())):,}"] if known else []),
            intent.id,
        )
        for intent in by_size[:SHOWN_MOVES]
    )
    header = ("intent", "what it is", "conversations", *(["users"] if known else []), "id")
    return Table(title="The intents that change", header=header, rows=rows)


def _state(intent: Intent, names: Mapping[str, str]) -> str:
    if intent.status != "active":
        into = f" into {' and '.join(names.get(one, one) for one in intent.into)}"
        return f"{intent.status}{into if intent.into else ''}"
    under = f"Under {names.get(intent.parent, intent.parent)}. " if intent.parent else ""
    return f"{under}{intent.definition}"


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
