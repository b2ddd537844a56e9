"""How well intents are found: our method, which is told nothing, beside peers on the same vectors.

    python bench/intents.py        (about half a minute; the data is found by DEBRIEF_SAMPLES)

Utterances with gold intents (BANKING77 test, CC BY 4.0; DSTC11 track 2, CDLA-Permissive-2.0), and
whole conversations whose first gold write action stands for the intent (tau-bench, MIT). k-means is
told the true number of intents; HDBSCAN's noise goes to the nearest cluster. ACC is the best
one-to-one match, NMI arithmetic. Writes bench/results/intents.md.
"""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from bot.intents import Document, to_document
from bot.intents.clusters import find_clusters
from bot.intents.embedding import Matrix, embed_documents, normalise
from collector.records import Completeness, Conversation, Message, ToolCall

ROOT = Path(__file__).parent.parent
SAMPLES = Path(os.environ.get("DEBRIEF_SAMPLES", ROOT / ".." / "shared" / "data"))
RESULTS = ROOT / "bench" / "results" / "intents.md"

UTTERANCES = ("banking77.test", "dstc11_insurance", "dstc11_banking")
CONVERSATIONS = ("tau_airline_gpt4o", "tau2_airline", "tau_retail_variants")
WRITES = ("book", "cancel", "exchange", "modify", "return", "send", "transfer", "update")


def main() -> None:
    lines = [
        "# Finding intents",
        "",
        (__doc__ or "").split("\n\n")[2].replace("\n", " "),
        "",
        "| data | texts | intents | method | k | ACC | NMI | ARI | s |",
        "|---|---:|---:|---|---:|---:|---:|---:|---:|",
    ]
    for name, documents, gold in data_sets():
        vectors = embed_documents(documents)
        for method, clusters, seconds in methods(vectors, int(gold.max()) + 1):
            lines.append(
                f"| {name} | {len(gold)} | {gold.max() + 1} | {method} | {clusters.max() + 1} "
                f"| {accuracy(gold, clusters):.3f} "
                f"| {normalized_mutual_info_score(gold, clusters):.3f} "
                f"| {adjusted_rand_score(gold, clusters):.3f} | {seconds:.1f} |"
            )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def data_sets() -> Iterator[tuple[str, list[Document], NDArray[np.int64]]]:
    """Name, documents and the number of the gold intent of each."""
    for name in UTTERANCES:
        rows = read(f"intents/{name}.jsonl.gz")
        yield name, *documents_of([(said(row["id"], row["text"]), row["intent"]) for row in rows])
    for name in CONVERSATIONS:
        rows = read(f"conversations/{name}.jsonl.gz")
        pairs = [(conversation(row), gold_action(row)) for row in rows]
        yield name, *documents_of([(one, gold) for one, gold in pairs if gold])


def methods(vectors: Matrix, k: int) -> Iterator[tuple[str, NDArray[np.int64], float]]:
    started = time.perf_counter()
    yield "Debrief", find_clusters(vectors, seed=0), time.perf_counter() - started
    started = time.perf_counter()
    told = KMeans(k, n_init=10, random_state=0).fit_predict(vectors)
    yield "k-means, told k", told, time.perf_counter() - started
    started = time.perf_counter()
    found = HDBSCAN(min_cluster_size=5, cluster_selection_method="leaf", copy=True).fit_predict(
        vectors
    )
    yield "HDBSCAN", noise_to_nearest(vectors, found), time.perf_counter() - started


def noise_to_nearest(vectors: Matrix, clusters: NDArray[np.int64]) -> NDArray[np.int64]:
    if clusters.max() < 0:
        return np.zeros(len(clusters), dtype=np.int64)
    means = [vectors[clusters == number].mean(axis=0) for number in range(clusters.max() + 1)]
    nearest = (vectors @ normalise(np.array(means)).T).argmax(axis=1)
    return np.where(clusters < 0, nearest, clusters)


def accuracy(gold: NDArray[np.int64], clusters: NDArray[np.int64]) -> float:
    table = np.zeros((clusters.max() + 1, gold.max() + 1))
    np.add.at(table, (clusters, gold), 1)
    return float(table[linear_sum_assignment(-table)].sum() / len(gold))


def read(name: str) -> list[dict]:
    with gzip.open(SAMPLES / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def documents_of(pairs: list) -> tuple[list[Document], NDArray[np.int64]]:
    made = [(to_document(one), gold) for one, gold in pairs]
    kept = [(document, gold) for document, gold in made if isinstance(document, Document)]
    return [document for document, _ in kept], np.unique(
        [gold for _, gold in kept], return_inverse=True
    )[1]


def said(conversation_id: str, text: str) -> Conversation:
    return made(conversation_id, [Message(role="user", text=text)])


def conversation(row: dict) -> Conversation:
    return made(
        row["id"],
        [
            Message(
                role=message["role"],
                text=message.get("content"),
                tool_calls=tuple(
                    ToolCall(id="", name=call["name"], arguments=None)
                    for call in message.get("tool_calls") or ()
                ),
            )
            for message in row["messages"]
            if message["role"] in ("user", "assistant") and message.get("requestor") != "user"
        ],
    )


def made(conversation_id: str, messages: list[Message]) -> Conversation:
    return Conversation(
        conversation_id=conversation_id,
        agent="bench",
        messages=tuple(messages),
        completeness=Completeness(text=True, system=False, tool_results=True, times=False),
    )


def gold_action(row: dict) -> str | None:
    actions = [action["name"] for action in row["labels"].get("gold_actions") or ()]
    return next((name for name in actions if name.startswith(WRITES)), None)


if __name__ == "__main__":
    main()
