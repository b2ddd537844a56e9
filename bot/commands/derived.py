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

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bot.errors import SettingsError
from bot.intents.taxonomy import read_taxonomy, write_taxonomy
from bot.records import (
    Ask,
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
REPLIES = "derived/replies"
_LABELS_SCHEMA = pa.schema(
    [
        ("agent", pa.string()),
        ("conversation_id", pa.string()),
        ("intent", pa.string()),
        ("name", pa.string()),
        ("confidence", pa.float64()),
    ]
)


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
    store: Store, taxonomy: Taxonomy, labels: Mapping[tuple[str, str], Label], *, discovered: bool
) -> None:
    """Write down the labels, and the intents where no repository has them."""
    if not labels:
        return
    names = {intent.id: intent.name for intent in taxonomy.intents}
    rows = [
        {
            "agent": label.agent,
            "conversation_id": label.conversation_id,
            "intent": intent,
            "name": names.get(intent, ""),
            "confidence": confidence,
        }
        for label in labels.values()
        for intent, confidence in label.intents
    ]
    table = pa.Table.from_pylist(rows, schema=_LABELS_SCHEMA)
    _replace(store.root / LABELS, lambda path: pq.write_table(table, path))
    if discovered:
        text = write_taxonomy(taxonomy)
        _replace(store.root / INTENTS, lambda path: path.write_text(text, encoding="utf-8"))


def labels_of(store: Store, agent: str, conversation_id: str) -> list[dict[str, object]]:
    """`{id, name, confidence}` of one conversation's intents, as the last run labelled it."""
    try:
        table = pq.read_table(store.root / LABELS, schema=_LABELS_SCHEMA)
    except (OSError, pa.ArrowInvalid):
        return []
    own = pc.and_(
        pc.equal(table["agent"], agent), pc.equal(table["conversation_id"], conversation_id)
    )
    found: list[dict[str, object]] = table.filter(own).to_pylist()
    return [
        {"id": row["intent"], "name": row["name"], "confidence": row["confidence"]} for row in found
    ]


def remembering(ask: Ask, store: Store, models: Sequence[str]) -> Ask:
    """`ask`, but a request that was answered before is answered the same way, at no cost.

    The key is all that the model would see, and `models`, the ids that the roles stand for.
    """

    def ask_once(prompt: RenderedPrompt) -> Reply | Skipped:
        key = short_hash(asdict(prompt), list(models), length=32)
        path = store.root / REPLIES / f"{key}.json"
        with suppress(OSError, ValueError, TypeError):
            return Reply(**json.loads(path.read_bytes()), cost=ModelCost())
        reply = ask(prompt)
        if isinstance(reply, Reply):
            said = {name: value for name, value in asdict(reply).items() if name != "cost"}
            _replace(path, lambda draft: draft.write_text(json.dumps(said), encoding="utf-8"))
        return reply

    return ask_once


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Put a new file in place of the old one, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(draft)
        draft.replace(path)
    except OSError as error:
        log.info("%s was not kept, the store is only read: %s", path, error)
