"""What labels cost in model tokens, once the taxonomy is known.

    python bench/intent_tokens.py      (about a minute; the data is found by DEBRIEF_SAMPLES)

BANKING77 (CC BY 4.0): the taxonomy cites 20 train questions of each of the 77 intents; then 1,000
test questions come in, each the opening of a simulated conversation of 1,000 tokens. The real
client talks to a counting server on loopback, which takes four characters for a token and answers
with the gold intent and words of the user (a simulated reader that is always right). Beside it:
reading every conversation whole. Writes bench/results/intent_tokens.md.
"""

from __future__ import annotations

import gzip
import json
import os
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.intents import Document, taxonomy_version, to_document
from bot.labelling import Learning, Memory, label_conversations
from bot.model import Model
from bot.records import Intent, Label, Skipped, Taxonomy
from collector.records import Completeness, Conversation, Message
from tests.messages_server import KEY, Answer, Asked, messages_server, says

ROOT = Path(__file__).parent.parent
SAMPLES = Path(os.environ.get("DEBRIEF_SAMPLES", ROOT / ".." / "shared" / "data"))
RESULTS = ROOT / "bench" / "results" / "intent_tokens.md"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
CITED = 20
CONVERSATIONS = 1_000
CONVERSATION_TOKENS = 1_000
CHARS_PER_TOKEN = 4

Key = tuple[str, str]


def main() -> None:
    taught, coming = rows("train"), rows("test")
    taught = cited(taught)
    coming = coming[:: len(coming) // CONVERSATIONS][:CONVERSATIONS]
    taxonomy = taxonomy_of(taught)
    gold = {as_document(one).text: intent_id(one) for one in coming}
    _, learned = label_conversations(
        [as_document(one) for one in taught],
        taxonomy,
        Memory(),
        ask_many=None,
        tokens=0,
        now=NOW,
    )
    lines = [
        "# Model tokens of labels in steady state",
        "",
        (__doc__ or "").split("\n\n")[2].replace("\n", " "),
        "",
        "| | calls | tokens in and out | per 1,000 conversations of 1,000 tokens "
        "| share of reading all | labelled | right of the labelled |",
        "|---|---:|---:|---:|---:|---:|---:|",
        row("without a model", *run(coming, taxonomy, learned, gold, asks=False)),
        row("with the model on the unsure", *run(coming, taxonomy, learned, gold, asks=True)),
    ]
    whole = CONVERSATIONS * CONVERSATION_TOKENS
    lines.append(
        f"| reading each with the model | {CONVERSATIONS} | {whole:,} | {whole:,} | 1 | | |"
    )
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def run(
    coming: list[dict[str, Any]],
    taxonomy: Taxonomy,
    learned: Learning,
    gold: dict[str, str],
    *,
    asks: bool,
) -> tuple[int, int, dict[Key, Label], dict[Key, str]]:
    """Calls, tokens that the server counted, labels and the true intents."""
    documents = [as_document(one) for one in coming]

    def reader(asked: Asked) -> Answer:
        told = []
        for line in asked.between("conversations").splitlines():
            number, text = line[1:].split("] ", 1)
            quote = " ".join(text.split()[:6])
            true = next(value for said, value in gold.items() if said.startswith(text))
            intents = [{"id": true, "quote": quote}]
            told.append({"conversation": int(number), "intents": intents, "none_fits": ""})
        return says({"labels": told})

    with messages_server(reader) as server:
        model = Model(api_key=KEY, base_url=server.url, budget_usd=100.0)
        labels, learning = label_conversations(
            documents,
            taxonomy,
            Memory(learned=learned.learned),
            ask_many=(lambda prompts: [model.ask(one) for one in prompts]) if asks else None,
            tokens=CONVERSATIONS * CONVERSATION_TOKENS,
            now=NOW + timedelta(days=7),
            may_train=False,
        )
    for one in learning.skipped:
        print(f"left out: {one.what}: {one.reason}")
    spent = model.cost.input_tokens + model.cost.output_tokens
    true = {(one.agent, one.conversation_id): gold[one.text] for one in documents}
    return model.cost.calls, spent, labels, true


def row(name: str, calls: int, spent: int, labels: dict[Key, Label], true: dict[Key, str]) -> str:
    told = {key: one.intents[0][0] for key, one in labels.items() if one.intents}
    right = sum(true[key] == one for key, one in told.items()) / max(1, len(told))
    per = spent * 1_000 / len(labels)
    share = spent / (len(labels) * CONVERSATION_TOKENS)
    return (
        f"| {name} | {calls} | {spent:,} | {per:,.0f} | {share:.3f} "
        f"| {len(told) / len(labels):.3f} | {right:.3f} |"
    )


def rows(part: str) -> list[dict[str, Any]]:
    with gzip.open(SAMPLES / "intents" / f"banking77.{part}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def cited(taught: list[dict[str, Any]]) -> list[dict[str, Any]]:
    of_intent: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in taught:
        of_intent[one["intent"]].append(one)
    return [one for own in of_intent.values() for one in own[:CITED]]


def intent_id(one: dict[str, Any]) -> str:
    return f"i-{one['intent'].lower().strip('?')}"


def taxonomy_of(taught: list[dict[str, Any]]) -> Taxonomy:
    exemplars: dict[str, list[str]] = defaultdict(list)
    names: dict[str, str] = {}
    for one in taught:
        exemplars[intent_id(one)].append(as_document(one).sha)
        names[intent_id(one)] = one["intent"].replace("_", " ").lower().strip("?")
    intents = tuple(
        Intent(
            id=name,
            name=words,
            definition=f"The user has a question or a wish about: {words}.",
            exemplars=tuple(exemplars[name]),
        )
        for name, words in names.items()
    )
    return Taxonomy(intents=intents, version=taxonomy_version(intents), source="repository")


def as_document(one: dict[str, Any]) -> Document:
    filler = "Let me look into this for you. " * (CONVERSATION_TOKENS * CHARS_PER_TOKEN // 31)
    document = to_document(
        Conversation(
            conversation_id=one["id"],
            agent="bank",
            messages=(
                Message(role="user", text=one["text"]),
                Message(role="assistant", text=filler),
            ),
            completeness=Completeness(text=True, system=False, tool_results=True, times=False),
        )
    )
    assert not isinstance(document, Skipped), document
    return document


if __name__ == "__main__":
    main()
