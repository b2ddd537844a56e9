"""A distilled table as a file, and when it no longer speaks the language of the traffic.

Pure. What a table says of a text rests on the words that it was fitted to: products and campaigns
come and go, and with them the words that users say.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from zipfile import BadZipFile

import numpy as np

from bot.intents.embedding import Embedder, embed_texts
from bot.intents.sentences import DistilledTable

STALE_FROM = 0.15
"""Share of what users say, by occurrence, in words that the table was not fitted to."""
SAID_BY = 3
"""Texts that a word must be in to count: slips and names of one user are no change of traffic."""

_WORD = re.compile(r"\w+")


def table_to_bytes(table: DistilledTable, *, teacher: str) -> bytes:
    """The table as a file; `teacher` names the model that it imitates."""
    said = {"name": table.name, "teacher": teacher, "base": table.base.name, "words": table.words}
    file = io.BytesIO()
    np.savez(
        file,
        said=np.array(json.dumps(said)),
        projection=table.projection.astype(np.float16),
        table=table.table.astype(np.float16),
    )
    return file.getvalue()


def table_from_bytes(
    data: bytes, *, teacher: str, base: Embedder = embed_texts
) -> DistilledTable | None:
    """None where the file is damaged, or imitates another model, or stands on another base."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            said = json.loads(str(file["said"]))
            if (said["teacher"], said["base"]) != (teacher, base.name):
                return None
            return DistilledTable(
                name=said["name"],
                base=base,
                projection=file["projection"].astype(np.float32),
                words=tuple(said["words"]),
                table=file["table"].astype(np.float32),
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile):
        return None


def unknown_share(texts: Sequence[str], table: DistilledTable) -> float:
    """Of all words in `texts` that several of them hold, the share that the table does not know."""
    used = Counter(word for text in texts for word in set(_WORD.findall(text.lower())))
    common = {word: n for word, n in used.items() if n >= SAID_BY}
    known = set(table.words)
    total = sum(common.values())
    return sum(n for word, n in common.items() if word not in known) / total if total else 0.0
