"""The taxonomy's life: what one cycle would change in `.debrief/intents.yml`.

Joins the intent stage with the proposals, as `pipeline` joins all of them. Takes the labelled
conversations of one window; gives a proposal or the reason for none. Costs what naming new intents
costs, with a model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from bot.figures import count, percent
from bot.intents import Document, discover, taxonomy_version, write_taxonomy
from bot.intents.embedding import Embedder, embed_texts
from bot.intents.emerging import find_emerging
from bot.intents.entries import MAX_LEVELS
from bot.intents.structure import Split, find_splits, propose_parents
from bot.intents.taxonomy import level_of, now_called
from bot.proposals.relabelling import Relabelling
from bot.proposals.taxonomy import propose_taxonomy
from bot.records import (
    Ask,
    Intent,
    Key,
    Label,
    ModelCost,
    Proposal,
    Skipped,
    SourceFile,
    Taxonomy,
)

SAMPLE = 5_000
"""Conversations that are labelled once more to see what moves."""
RESIDUE = 20
RESIDUE_SHARE = 0.02
"""Fewer conversations without an intent than these are no ground for a new one (loop facts 2.2)."""
READ_RESIDUE = 8
"""Of which a person or the model says that no intent fits; what the classifier is unsure of may be
an odd wording, and this is none."""
UNUSED = timedelta(days=56)
"""So long in the file and not seen in a whole window: retired."""
UNUSED_IN = 1_000
"""Conversations that must have been read before an intent counts as unused."""
OVERLAP = 0.7
"""Shared conversations, as a share of the smaller intent, from which two are one (2.3)."""
OVERLAP_IN = 8
"""Conversations that the smaller intent must have in each half of the window."""


def sample_of(documents: Sequence[Document]) -> tuple[Document, ...]:
    """At most `SAMPLE` documents, mostly the same ones from run to run."""
    drawn = sorted(documents, key=lambda one: one.sha)[:SAMPLE]
    return tuple(drawn)


def change_taxonomy(
    documents: Sequence[Document],
    labels: Mapping[Key, Label],
    taxonomy: Taxonomy,
    *,
    file: SourceFile | None,
    started: Mapping[Key, datetime | None],
    relabel: Callable[[Taxonomy], Mapping[Key, Label]],
    ask: Ask | None,
    now: datetime,
    embed: Embedder = embed_texts,
    quotes: bool = False,
) -> Proposal | Skipped:
    """Propose the first taxonomy, or what has to change in the one that there is.

    `documents` are a sample of the window, `labels` those of `taxonomy`, which is the repository's
    or, where `file` is None, the discovered one. `started` says when each conversation began;
    `relabel` gives the labels of `documents` under another taxonomy as the next run will, with all
    that was learned, so that what moves is what the change moves; with `quotes` the proposal shows
    what some users wrote.
    """
    cost, skipped = ModelCost(), ""
    parts: dict[str, str] = {}
    if file is None:
        seen = {intent_id for one in labels.values() for intent_id, _ in one.intents}
        changed = [intent for intent in taxonomy.intents if intent.id in seen]
        before = None
    else:
        before = taxonomy
        gone = [*_unused(taxonomy, labels, now), *_overlapping(taxonomy, labels, started)]
        new, members, cost, skipped = _new_intents(documents, labels, taxonomy, ask, now, embed)
        left = _with(before, [*gone, *new])
        told = {(one.agent, one.conversation_id) for one in members}
        rest = [one for one in documents if _key(one) not in told]
        emerged, _, more = find_emerging(
            rest, labels, left, started=started, ask=ask, now=now, embed=embed
        )
        new, cost = [*new, *emerged], cost + more
        left = _with(left, emerged)
        splits = find_splits(documents, labels, left, started=started, now=now, embed=embed)
        divided, parts = _divided(splits, left)
        changed = [*gone, *new, *divided]
    after = _with(before, changed)
    relabelled = {_key(one): labels[_key(one)] for one in documents}
    if changed:
        relabelled = dict(relabel(after))
    families = propose_parents(documents, relabelled, after, now=now, embed=embed)
    after = _with(after, families)
    changed = list({one.id: one for one in (*changed, *families)}.values())
    if not changed:
        reason = skipped or "Every intent that is seen is known."
        return Skipped(what="the taxonomy", code="healthy", reason=reason)
    return propose_taxonomy(
        before,
        after,
        Relabelling(
            before={_key(one): labels[_key(one)] for one in documents} if before else {},
            after=relabelled,
            now_called=now_called(after),
            units={_key(one): one.unit for one in documents},
            parts=parts,
        ),
        file=file,
        text=write_taxonomy(replace(after, intents=tuple(changed)), file.text if file else ""),
        cost=cost,
        quotes={_key(one): one.text for one in documents} if quotes else {},
    )


def _new_intents(
    documents: Sequence[Document],
    labels: Mapping[Key, Label],
    known: Taxonomy,
    ask: Ask | None,
    now: datetime,
    embed: Embedder,
) -> tuple[list[Intent], list[Label], ModelCost, str]:
    """Intents in what fits no known one, and their members; else a sentence that says why none.

    Those of `documents` that fit one are given along, to be told apart from.
    """
    without = [own for one in documents if not (own := labels[_key(one)]).intents]
    residue, read = len(without), sum(one.source in ("person", "model") for one in without)
    if residue < max(RESIDUE, RESIDUE_SHARE * len(documents)) and read < READ_RESIDUE:
        share = percent(residue / len(documents)) if documents else "none"
        sentence = f"{count(residue, 'conversation')} ({share}) fit no intent: too few."
        return [], [], ModelCost(), sentence
    found = discover(documents, ask=ask, known=known, now=now, embed=embed, given=labels)
    before = {intent.id for intent in known.intents}
    new = [intent for intent in found.taxonomy.intents if intent.id not in before]
    ids = {intent.id for intent in new}
    members = [
        one
        for one in found.labels
        if one.source == "cluster" and any(intent_id in ids for intent_id, _ in one.intents)
    ]
    sentence = f"No group among {count(residue, 'conversation')} that fit no intent is new."
    return new, members, found.cost, sentence


def _divided(splits: Sequence[Split], taxonomy: Taxonomy) -> tuple[list[Intent], dict[str, str]]:
    """The intents that fell apart with their parts, and what each part was part of.

    The parts go below their intent, so that its trend goes on; where that is too deep already they
    take its place.
    """
    changed, parts = list[Intent](), dict[str, str]()
    for split in splits:
        parts |= {part.id: split.intent.id for part in split.parts}
        if level_of(split.intent, taxonomy) < MAX_LEVELS:
            changed += [replace(part, parent=split.intent.id) for part in split.parts]
            continue
        into = tuple(part.id for part in split.parts)
        changed.append(replace(split.intent, status="split", into=into))
        changed += [replace(part, parent=split.intent.parent) for part in split.parts]
    return changed, parts


def _unused(taxonomy: Taxonomy, labels: Mapping[Key, Label], now: datetime) -> list[Intent]:
    """Active intents that nobody had for a whole window, retired."""
    if len(labels) < UNUSED_IN:
        return []
    seen = {intent_id for one in labels.values() for intent_id, _ in one.intents}
    parents = {intent.parent for intent in taxonomy.intents if intent.status == "active"}
    return [
        replace(intent, status="retired")
        for intent in taxonomy.intents
        if intent.status == "active"
        and intent.id not in seen | parents
        and _is_old(intent.introduced, now)
    ]


def _is_old(introduced: str | None, now: datetime) -> bool:
    """False also where nobody wrote when: a person added it, and a person may retire it."""
    try:
        return introduced is not None and now.date() - date.fromisoformat(introduced) > UNUSED
    except ValueError:
        return False


def _overlapping(
    taxonomy: Taxonomy, labels: Mapping[Key, Label], started: Mapping[Key, datetime | None]
) -> list[Intent]:
    """Intents that are nearly always given together, in both halves of the window: merged.

    The one that stands first in the file survives, for it is the older one.
    """
    times = sorted(at for at in started.values() if at is not None)
    if not times:
        return []
    middle = times[len(times) // 2]
    halves: tuple[dict[str, set[Key]], ...] = (defaultdict(set), defaultdict(set))
    for key, one in labels.items():
        at = started.get(key)
        if at is not None:
            for intent_id, _ in one.intents:
                halves[at >= middle][intent_id].add(key)
    active = [one for one in taxonomy.intents if one.status == "active"]
    parents = {intent.parent for intent in active}
    merged: dict[str, Intent] = {}
    for number, older in enumerate(active):
        for younger in active[number + 1 :]:
            free = (
                younger.id not in {*merged, *parents, older.parent} and younger.parent != older.id
            )
            if free and older.id not in merged and _is_one(older.id, younger.id, halves):
                merged[younger.id] = replace(younger, status="merged", into=(older.id,))
    return list(merged.values())


def _is_one(one: str, other: str, halves: Sequence[Mapping[str, set[Key]]]) -> bool:
    for half in halves:
        mine, theirs = half.get(one, set()), half.get(other, set())
        smaller = min(len(mine), len(theirs))
        if smaller < OVERLAP_IN or len(mine & theirs) < OVERLAP * smaller:
            return False
    return True


def _with(before: Taxonomy | None, changed: Sequence[Intent]) -> Taxonomy:
    by_id = {intent.id: intent for intent in before.intents} if before else {}
    by_id |= {intent.id: intent for intent in changed}
    intents = tuple(by_id.values())
    return Taxonomy(intents=intents, version=taxonomy_version(intents), source="repository")


def _key(document: Document) -> Key:
    return document.agent, document.conversation_id
