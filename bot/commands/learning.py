"""What intents learned, in the store: people's and the model's labels, and each agent's classifier.

Labels by people and by the model cost something and stay (`model_labels`, `ledger`); classifiers
are derived from them and may be deleted: the next run trains new ones.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from zipfile import BadZipFile

import numpy as np

from bot.commands.derived import cached_labels, replace_file
from bot.commands.ledger import remember
from bot.intents.asking import KnownLabel
from bot.intents.classifier import from_bytes, to_bytes
from bot.intents.embedding import ToolWeights
from bot.intents.examples import Example, Learned
from bot.labelling import Learning, Memory
from bot.records import Degraded, short_hash
from collector.store import Store
from collector.times import EPOCH, time_of, to_ns

log = logging.getLogger(__name__)

LEARNED = "derived/learned"


def memory_of(store: Store, *, discovered: bool = False) -> Memory:
    """What earlier runs learned; empty in a store that has none.

    `discovered`: for a run without a taxonomy file, with the labels of the last such run.
    """
    folder = store.root / LEARNED
    found = (read_learned(path.read_bytes()) for path in sorted(folder.glob("*.npz")))
    return Memory(
        learned=dict(one for one in found if one is not None),
        known=known_labels(store),
        cached=cached_labels(store, discovered=discovered),
    )


def keep_learning(store: Store, learning: Learning, *, now: datetime) -> Degraded | None:
    """Write down labels of the model, trainings and classifiers."""
    for agent, learned in learning.learned.items():
        path = store.root / LEARNED / f"{short_hash(agent, length=16)}.npz"
        data = write_learned(agent, learned)
        replace_file(path, lambda draft, data=data: draft.write_bytes(data))  # type: ignore[misc]
    if learning.read:
        store.append("model_labels", [_row(one) for one in learning.read], now=now)
    entries = [("training", one.agent, asdict(one)) for one in learning.trainings]
    return remember(store, entries, (), now=now) if entries else None


def correct(store: Store, label: KnownLabel) -> None:
    """Write down what a person says about one conversation.

    Raises:
        StoreError: the store cannot be written.
    """
    store.append("model_labels", [_row(label)], now=label.at)


def known_labels(store: Store) -> tuple[KnownLabel, ...]:
    """The latest word on each conversation; a person's before the model's."""
    latest: dict[tuple[str, str], KnownLabel] = {}
    for row in store.scan("model_labels").to_pylist():
        said = json.loads(row["entry"])
        one = KnownLabel(
            agent=said["agent"],
            conversation_id=row["subject"],
            intent_ids=tuple(said["intent_ids"]),
            source="person" if row["action"] == "person" else "model",
            at=time_of(row["at_ns"]) or EPOCH,
            content=said["content"],
            taxonomy_version=said["taxonomy_version"],
            prompt_sha256=said["prompt_sha256"],
            none_fits=said["none_fits"],
            tokens=said["tokens"],
        )
        key = (one.agent, one.conversation_id)
        before = latest.get(key)
        if before is None or (one.source == "person", one.at) >= (
            before.source == "person",
            before.at,
        ):
            latest[key] = one
    return tuple(latest.values())


def _row(label: KnownLabel) -> dict[str, Any]:
    said = {
        "agent": label.agent,
        "intent_ids": list(label.intent_ids),
        "content": label.content,
        "taxonomy_version": label.taxonomy_version,
        "prompt_sha256": label.prompt_sha256,
        "none_fits": label.none_fits,
        "tokens": label.tokens,
    }
    entry = json.dumps(said, sort_keys=True)
    return {
        "entry_id": short_hash(label.source, label.conversation_id, entry, length=32),
        "at_ns": to_ns(label.at),
        "action": label.source,
        "subject": label.conversation_id,
        "entry": entry,
    }


def write_learned(agent: str, learned: Learned) -> bytes:
    """One agent's examples and classifier as a file."""
    said = {
        "agent": agent,
        "examples": [asdict(one) for one in learned.examples],
        "taxonomy_version": learned.taxonomy_version,
        "trained_at": learned.trained_at,
        "unsure_rate": learned.unsure_rate,
        "answers": learned.answers,
        "tools": asdict(learned.tools),
    }
    classifier = b"" if learned.classifier is None else to_bytes(learned.classifier)
    vectors = np.zeros((0, 0)) if learned.vectors is None else learned.vectors
    file = io.BytesIO()
    np.savez(
        file,
        said=np.array(json.dumps(said, default=datetime.isoformat)),
        vectors=vectors.astype(np.float16),
        classifier=np.frombuffer(classifier, dtype=np.uint8),
    )
    return file.getvalue()


def read_learned(data: bytes) -> tuple[str, Learned] | None:
    """The agent and what it learned; None where the file is damaged or of another version."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            said: Mapping[str, Any] = json.loads(str(file["said"]))
            classifier = file["classifier"].tobytes()
            learned = Learned(
                examples=_examples(said["examples"]),
                vectors=file["vectors"].astype(np.float32) if len(file["vectors"]) else None,
                taxonomy_version=said["taxonomy_version"],
                unsure_rate=said["unsure_rate"],
                answers=said["answers"],
                tools=ToolWeights(
                    names=tuple(said["tools"]["names"]), weights=tuple(said["tools"]["weights"])
                ),
            )
        trained_at = said["trained_at"]
        return said["agent"], replace(
            learned,
            classifier=from_bytes(classifier) if classifier else None,
            trained_at=datetime.fromisoformat(trained_at) if trained_at else None,
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        log.warning("what an agent's classifier learned cannot be read: %s", type(error).__name__)
        return None


def _examples(rows: Sequence[Mapping[str, Any]]) -> tuple[Example, ...]:
    return tuple(
        Example(
            sha=row["sha"],
            intent_ids=tuple(row["intent_ids"]),
            source=row["source"],
            at=datetime.fromisoformat(row["at"]),
        )
        for row in rows
    )
