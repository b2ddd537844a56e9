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

import numpy as np

from bot.figures import count, percent
from bot.intents import Document, discover, taxonomy_version, write_taxonomy
from bot.intents.embedding import Embedder, embed_texts
from bot.intents.emerging import chance_of_late, find_emerging
from bot.intents.entries import MAX_LEVELS
from bot.intents.structure import Split, find_splits, is_wide, propose_parents
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
LATE = 0.001
"""p-value from which one of the few groups that fit nothing came within the window."""
CITED_AGAIN = 3
"""Exemplars that a new intent shares with one that was taken out, from which it is that one."""
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
        emerged, theirs, cost = find_emerging(
            documents, labels, _with(before, gone), started=started, ask=ask, now=now, embed=embed
        )
        left = _with(before, [*gone, *emerged])
        rest = [one for one in documents if _key(one) not in theirs]
        found, more, skipped = _missing(rest, labels, left, started, ask, now, embed)
        cost += more
        new, again = _never_removed([*emerged, *found], taxonomy)
        skipped = again or skipped
        left = _with(_with(before, gone), new)
        splits = find_splits(documents, labels, left, started=started, now=now, embed=embed)
        divided, parts = _divided(splits, left)
        changed = [*gone, *new, *divided]
    after = _with(before, changed)
    relabelled = {_key(one): labels[_key(one)] for one in documents}
    if changed:
        relabelled = dict(relabel(after))
    families, _ = _never_removed(
        propose_parents(documents, relabelled, after, now=now, embed=embed), taxonomy
    )
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


def _missing(
    documents: Sequence[Document],
    labels: Mapping[Key, Label],
    known: Taxonomy,
    started: Mapping[Key, datetime | None],
    ask: Ask | None,
    now: datetime,
    embed: Embedder,
) -> tuple[list[Intent], ModelCost, str]:
    """Intents that were there all the time and fit no known one; else a sentence why not.

    Those of `documents` that fit one are given along, to be told apart from. Odd wordings of known
    wishes gather for weeks until they are eight: eight are enough where somebody has read them and
    said that nothing fits, or where they came lately; else as many must be there in each half of
    the window.
    """
    without = [own for one in documents if not (own := labels[_key(one)]).intents]
    residue, read = len(without), sum(one.source in ("person", "model") for one in without)
    if residue < max(RESIDUE, RESIDUE_SHARE * len(documents)) and read < READ_RESIDUE:
        share = percent(residue / len(documents)) if documents else "none"
        sentence = f"{count(residue, 'conversation')} ({share}) fit no intent: too few."
        return [], ModelCost(), sentence
    times = sorted(at for one in documents if (at := started.get(_key(one))) is not None)

    def is_ground(own: Sequence[Document]) -> bool:
        told = [one for one in own if labels[_key(one)].source in ("person", "model")]
        return (
            is_wide(told)
            or _came_lately(own, times, started)
            or all(is_wide(half) for half in _halves(own, times, started))
        )

    found = discover(
        documents, ask=ask, known=known, now=now, embed=embed, given=labels, is_ground=is_ground
    )
    before = {intent.id for intent in known.intents}
    new = [intent for intent in found.taxonomy.intents if intent.id not in before]
    sentence = f"No group among {count(residue, 'conversation')} that fit no intent is new."
    return new, found.cost, sentence


def _came_lately(
    own: Sequence[Document], times: Sequence[datetime], started: Mapping[Key, datetime | None]
) -> bool:
    moments = [at.timestamp() for one in own if (at := started.get(_key(one))) is not None]
    every = np.array([at.timestamp() for at in times])
    return bool(moments) and chance_of_late(np.array(moments), every)[0] < LATE


def _halves(
    own: Sequence[Document], times: Sequence[datetime], started: Mapping[Key, datetime | None]
) -> tuple[list[Document], list[Document]]:
    """Those of the first half of the window, which `times` fill in order, and of the second.

    They are dealt out where the window is one moment: nothing tells the halves then.
    """
    later = next((at for at in times if at > times[0]), None)
    if later is None:
        return [*own[::2]], [*own[1::2]]
    middle = max(times[len(times) // 2], later)
    timed = [(at, one) for one in own if (at := started.get(_key(one))) is not None]
    return [one for at, one in timed if at < middle], [one for at, one in timed if at >= middle]


def _never_removed(found: Sequence[Intent], known: Taxonomy) -> tuple[list[Intent], str]:
    """Those that no person has taken out of the file, nor are below one; a sentence where some are.

    The same group has the same name and so the same id, or cites the same conversations.
    """
    ids = {intent.id for intent in known.removed}
    names = {intent.name.casefold() for intent in known.removed}
    cited = {sha for intent in known.removed for sha in intent.exemplars}
    had = {intent.id for intent in known.intents}
    out = {
        one.id
        for one in found
        if one.id not in had
        and (
            one.id in ids
            or one.name.casefold() in names
            or len(cited.intersection(one.exemplars)) >= CITED_AGAIN
        )
    }
    kept = [one for one in found if one.id not in out and one.parent not in out]
    said = ", ".join(f"`{one.name}`" for one in found if one.id in out)
    return kept, f"A person took {said} out of the file: not proposed again." if said else ""


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
