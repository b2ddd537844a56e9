"""What a run keeps in STORE/derived for the next one: intents, labels, what the model answered.

Derived data: whoever deletes it loses nothing but time and money, and the ids of intents that stand
in no repository. A store that may only be read is no fault, the next run starts from nothing then.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bot.errors import SettingsError
from bot.intents.taxonomy import read_taxonomy, write_taxonomy
from bot.labelling import CachedLabel, Learning
from bot.records import (
    Ask,
    Key,
    Label,
    ModelCost,
    RenderedPrompt,
    Reply,
    Skipped,
    Taxonomy,
    short_hash,
)
from collector.store import Store

log = logging.getLogger(__name__)

INTENTS = "derived/intents.yml"
LABELS = "derived/labels.parquet"
DISCOVERED_LABELS = "derived/discovered.parquet"
"""Of the last run without a file: a run with one has other labels, and these hold for the next."""
REPLIES = "derived/replies"
_LABELS_SCHEMA = pa.schema(
    [
        ("agent", pa.string()),
        ("conversation_id", pa.string()),
        ("intent", pa.string()),
        ("name", pa.string()),
        ("confidence", pa.float64()),
        ("source", pa.string()),
        ("taxonomy_version", pa.string()),
        ("content", pa.string()),  # hash of what was labelled
        ("versions", pa.string()),  # hash of taxonomy and classifier; null where none is trained
    ]
)
"""A row per conversation and intent; one without `intent` where nothing fits."""


def discovered_before(store: Store) -> Taxonomy | None:
    """The intents that an earlier run discovered; None where there are none, or none to read."""
    path = store.root / INTENTS
    try:
        return read_taxonomy(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, SettingsError) as error:
        log.warning("the discovered intents in %s cannot be read: %s", path, error)
        return None


def keep(
    store: Store,
    taxonomy: Taxonomy,
    labels: Mapping[Key, Label],
    *,
    discovered: bool,
    learning: Learning | None = None,
    add: bool = False,
) -> None:
    """Write down the labels, and the intents where no repository has them.

    With `add`, labels of other conversations stay as they are.
    """
    if not labels:
        return
    names = {intent.id: intent.name for intent in taxonomy.intents}
    rows = [row for label in labels.values() for row in _rows(label, names, learning)]
    table = pa.Table.from_pylist(rows, schema=_LABELS_SCHEMA)
    if add:
        ids = {conversation_id for _, conversation_id in labels}
        before = _read_labels(store)
        others = pc.invert(pc.is_in(before["conversation_id"], pa.array(sorted(ids), pa.string())))
        table = pa.concat_tables([before.filter(others), table])
    replace_file(store.root / LABELS, lambda path: pq.write_table(table, path))
    if discovered:
        replace_file(store.root / DISCOVERED_LABELS, lambda path: pq.write_table(table, path))
        text = write_taxonomy(taxonomy)
        replace_file(store.root / INTENTS, lambda path: path.write_text(text, encoding="utf-8"))


def _rows(
    label: Label, names: Mapping[str, str], learning: Learning | None
) -> list[dict[str, Any]]:
    key = (label.agent, label.conversation_id)
    own = {
        "agent": label.agent,
        "conversation_id": label.conversation_id,
        "source": label.source,
        "taxonomy_version": label.taxonomy_version,
        "content": learning.contents.get(key) if learning else None,
        "versions": learning.versions.get(label.agent) if learning else None,
    }
    intents: Sequence[tuple[str | None, float | None]] = label.intents or ((None, None),)
    return [
        {**own, "intent": intent, "name": names.get(intent or "", ""), "confidence": confidence}
        for intent, confidence in intents
    ]


def _read_labels(store: Store, path: str = LABELS) -> pa.Table:
    """What the last runs wrote; empty where nothing did, or another version of Debrief."""
    try:
        return pq.read_table(store.root / path).select(_LABELS_SCHEMA.names)
    except (OSError, pa.ArrowInvalid, KeyError):
        return _LABELS_SCHEMA.empty_table()


def labels_of(store: Store, agent: str, conversation_id: str) -> list[dict[str, object]]:
    """`{id, name, confidence}` of one conversation's intents, as the last run labelled it."""
    table = _read_labels(store)
    own = pc.and_(
        pc.and_(
            pc.equal(table["agent"], agent), pc.equal(table["conversation_id"], conversation_id)
        ),
        pc.is_valid(table["intent"]),
    )
    return [
        {"id": row["intent"], "name": row["name"], "confidence": row["confidence"]}
        for row in table.filter(own).to_pylist()
    ]


def cached_labels(store: Store, *, discovered: bool = False) -> dict[Key, CachedLabel]:
    """What trained classifiers said in earlier runs, or discovery, and of what."""
    table = _read_labels(store, DISCOVERED_LABELS if discovered else LABELS)
    ours = pc.is_in(table["source"], pa.array(["classifier", "cluster"]))
    said = pc.and_(ours, pc.is_valid(table["versions"]))
    cached: dict[Key, CachedLabel] = {}
    for row in table.filter(said).to_pylist():
        key = (row["agent"], row["conversation_id"])
        before = cached[key].label.intents if key in cached else ()
        intents = ((row["intent"], row["confidence"]),) if row["intent"] else ()
        cached[key] = CachedLabel(
            label=Label(
                agent=row["agent"],
                conversation_id=row["conversation_id"],
                intents=(*before, *intents),
                source=row["source"],
                taxonomy_version=row["taxonomy_version"],
            ),
            content=row["content"],
            versions=row["versions"],
        )
    return cached


def remembering(ask: Ask, store: Store, models: Sequence[str]) -> Ask:
    """`ask`, but a request that was answered before is answered the same way, at no cost.

    The key is all that the model would see, and `models`, the ids that the roles stand for.
    """

    def ask_once(prompt: RenderedPrompt) -> Reply | Skipped:
        key = reply_key(prompt, models)
        if (kept := kept_reply(store, key)) is not None:
            return kept
        reply = ask(prompt)
        if isinstance(reply, Reply):
            keep_reply(store, key, reply)
        return reply

    return ask_once


def recalling(store: Store, models: Sequence[str]) -> Ask:
    """What was answered before, and nothing else: asks nobody and costs nothing."""

    def recall(prompt: RenderedPrompt) -> Reply | Skipped:
        kept = kept_reply(store, reply_key(prompt, models))
        if kept is not None:
            return kept
        return Skipped(what=prompt.name, code="not_asked", reason="No run has asked this yet.")

    return recall


def reply_key(prompt: RenderedPrompt, models: Sequence[str]) -> str:
    """32 hex digits of all that the model would see."""
    return short_hash(asdict(prompt), list(models), length=32)


def kept_reply(store: Store, key: str) -> Reply | None:
    """What was answered before, at no cost."""
    with suppress(OSError, ValueError, TypeError):
        said = json.loads((store.root / REPLIES / f"{key}.json").read_bytes())
        paid = ModelCost(**said.pop("paid", {}))
        return Reply(**said, cost=ModelCost(), paid_before=paid)
    return None


def keep_reply(store: Store, key: str, reply: Reply) -> None:
    """Write an answer down for the next time."""
    costs = ("cost", "paid_before")
    said = {name: value for name, value in asdict(reply).items() if name not in costs}
    said["paid"] = asdict(reply.cost)
    path = store.root / REPLIES / f"{key}.json"
    replace_file(path, lambda draft: draft.write_text(json.dumps(said), encoding="utf-8"))


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Put a new file in place of the old one, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(draft)
        draft.replace(path)
    except OSError as error:
        log.info("%s was not kept, the store is only read: %s", path, error)
