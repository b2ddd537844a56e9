"""Intents where no repository has them: found by the way, and the labels that were given stay.

Takes documents, the intents that an earlier run found and what it labelled; gives the intents, a
label for every document and what to keep for the next run. A conversation that did not change keeps
its label as long as its intents are there, so that two equal runs say the same; only a group that
is new takes conversations away from what they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.intents import Discovery, Document, discover, label
from bot.intents.embedding import Embedder
from bot.intents.reading import content_hash
from bot.labelling import Learning, Memory, corrected
from bot.records import Ask, Key, Label, ModelCost, Taxonomy, short_hash


def discover_and_label(
    documents: Sequence[Document],
    *,
    known: Taxonomy | None,
    memory: Memory,
    ask: Ask | None,
    embed: Embedder,
    now: datetime,
) -> tuple[Taxonomy, dict[Key, Label], Learning]:
    """The intents, the label of each document, and what the next run has to know.

    `known` are the intents that an earlier run found, `memory.cached` its labels.
    """
    contents = {_key(one): content_hash(one) for one in documents}
    version = short_hash("discovered", embed.name)
    kept = _kept(contents, known, memory, version)
    found = _discovery(documents, known, kept, ask, embed, now)
    new = {intent.id for intent in found.taxonomy.intents}
    new -= {intent.id for intent in known.intents} if known else set()
    labels = {
        key: own if key not in kept or not new.isdisjoint(dict(own.intents)) else kept[key]
        for key, own in ((_label_key(one), one) for one in found.labels)
    }
    of_version = found.taxonomy.version
    labels = {key: replace(own, taxonomy_version=of_version) for key, own in labels.items()}
    return (
        found.taxonomy,
        corrected(labels.values(), found.taxonomy, memory),
        Learning(
            skipped=found.skipped,
            contents=contents,
            versions=dict.fromkeys((one.agent for one in documents), version),
        ),
    )


def _kept(
    contents: Mapping[Key, str], known: Taxonomy | None, memory: Memory, version: str
) -> dict[Key, Label]:
    """Labels of the last run, of what did not change since and has intents that are still there."""
    ids = {one.id for one in known.intents if one.status == "active"} if known else set()
    return {
        key: memory.cached[key].label
        for key, content in contents.items()
        if key in memory.cached
        and memory.cached[key].content == content
        and memory.cached[key].versions == version
        and ids.issuperset(dict(memory.cached[key].label.intents))
    }


def _discovery(
    documents: Sequence[Document],
    known: Taxonomy | None,
    kept: Mapping[Key, Label],
    ask: Ask | None,
    embed: Embedder,
    now: datetime,
) -> Discovery:
    """What is new among all documents; nothing is looked for where each has its label already."""
    if known is None or not kept:
        return discover(documents, ask=ask, known=known, now=now, embed=embed)
    fresh = [one for one in documents if _key(one) not in kept]
    wordless = any(one.status == "active" and not one.include for one in known.intents)
    if not fresh and (ask is None or not wordless):
        return Discovery(
            taxonomy=replace(known, source="discovered"),
            labels=tuple(kept[_key(one)] for one in documents),
            skipped=(),
            cost=ModelCost(),
        )
    by_known = label(documents, known, examples=kept.values(), embed=embed)
    given = {_label_key(one): one for one in by_known}
    return discover(documents, ask=ask, known=known, now=now, embed=embed, given=given)


def _key(document: Document) -> Key:
    return document.agent, document.conversation_id


def _label_key(one: Label) -> Key:
    return one.agent, one.conversation_id
