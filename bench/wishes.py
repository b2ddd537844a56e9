"""Two wishes in one conversation: how often both intents are given, and one too many.

Simulated: utterances with gold intents (BANKING77, CC BY 4.0; DSTC11 track 2, CDLA-Permissive-2.0)
joined into conversations of several turns. 15 % hold utterances of two intents, the others of one,
a sixth of these two of the same; between them stands what users of tau-bench's retail agent (MIT)
wrote in the middle of conversations. Twelve conversations of each intent have a label, the rest is
labelled by what these teach. A further intent is right where the conversation holds it.

    python -m bench.wishes
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from bench.intents import made, read
from bot.intents import Document, to_document
from bot.intents.embedding import embed_texts
from bot.intents.label import Intents, decide, guess, learn
from bot.intents.wishes import learn_wishes, with_further
from bot.records import Intent, Label
from collector.records import Message

RESULTS = Path(__file__).parent / "results" / "wishes.md"
SETS = ("dstc11_banking", "dstc11_insurance", "banking77.train")
INTENTS, TAUGHT, SINGLE, DOUBLE, SEEDS = 18, 12, 510, 90, 3
Drawn: TypeAlias = tuple[tuple[str, ...], list[str]]
"""Intents, and what the user writes, message by message."""
NO_ANSWER = ("cancel", "exchange", "return", "change", "modify", "also", "want", "address")


def main() -> None:
    lines = [
        "# Two wishes in one conversation (simulated)",
        "",
        (__doc__ or "").split("\n\n")[1].replace("\n", " "),
        "",
        "| set | draw | first right | further right | both of two found | one with a further |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in SETS:
        for seed in range(SEEDS):
            lines.append(f"| {name} | {seed} | {measured(name, seed)} |")
            print(lines[-1], flush=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def measured(name: str, seed: int) -> str:
    """One draw's figures, as cells of the table."""
    taught, asked = drawn(name, random.Random(seed))  # noqa: S311 - a simulation
    examples = [a_document(f"t{n}", texts) for n, (_, texts) in enumerate(taught)]
    documents = [a_document(f"c{n}", texts) for n, (_, texts) in enumerate(asked)]
    intents = [Intent(id=one, name=one) for one in sorted({own[0] for own, _ in taught})]
    told = [a_label(one, own[0]) for one, (own, _) in zip(examples, taught, strict=True)]
    classifier = learn(examples, intents, examples=told)
    firsts = decide(guess(documents, classifier))
    known: list[Intents] = [one.intents for one in told]
    wishes = learn_wishes([*examples, *documents], [*known, *firsts], embed_texts)
    found = with_further(documents, firsts, wishes, intents, embed_texts)
    golds = [{*gold} for gold, _ in asked]
    ids = [[intent_id for intent_id, _ in one] for one in found]
    right = [own[0] in gold for own, gold in zip(ids, golds, strict=True) if own]
    further = [one in gold for own, gold in zip(ids, golds, strict=True) for one in own[1:]]
    both = [gold <= {*own} for own, gold in zip(ids, golds, strict=True) if len(gold) > 1]
    many = [len(own) > 1 for own, gold in zip(ids, golds, strict=True) if len(gold) == 1]
    share = sum(further) / max(1, len(further))
    return (
        f"{sum(right) / len(right):.3f} | {sum(further)} of {len(further)} ({share:.2f}) | "
        f"{sum(both) / len(both):.3f} | {sum(many) / len(many):.3f}"
    )


def drawn(name: str, rng: random.Random) -> tuple[list[Drawn], list[Drawn]]:
    """Conversations with their intents: those that teach, and those that are asked."""
    said: dict[str, list[str]] = defaultdict(list)
    for row in read(f"intents/{name}.jsonl.gz"):
        said[row["intent"]].append(" ".join(row["text"].split()))
    names = sorted(one for one, texts in said.items() if len(texts) >= TAUGHT)
    names = sorted(rng.sample(names, min(INTENTS, len(names))))
    answers = [*answered()]
    taught, pool = list[Drawn](), dict[str, list[str]]()
    for one in names:
        rng.shuffle(said[one])
        kept = min(TAUGHT, len(said[one]) // 3)
        taught += [((one,), talk([text], answers, rng)) for text in said[one][:kept]]
        pool[one] = said[one][kept:]
    asked = list[Drawn]()
    for number in range(SINGLE):
        one = rng.choice(names)
        asked.append(((one,), talk(rng.sample(pool[one], 1 + (number % 6 == 0)), answers, rng)))
    for number in range(DOUBLE):
        own = tuple(rng.sample(names, 2))
        texts = [rng.choice(pool[one]) for one in own]
        asked.append((own, talk([" ".join(texts)] if number % 4 == 0 else texts, answers, rng)))
    rng.shuffle(asked)
    return taught, asked


def talk(wishes: list[str], answers: list[str], rng: random.Random) -> list[str]:
    """Each wish with one to four answers to the agent behind it, a message each."""
    return [line for wish in wishes for line in (wish, *rng.sample(answers, rng.randint(1, 4)))]


def answered() -> Iterator[str]:
    """What retail users wrote from the third message on and that says no wish."""
    for row in read("conversations/tau_retail_variants.jsonl.gz"):
        texts = [one["content"] or "" for one in row["messages"] if one["role"] == "user"]
        for text in texts[2:]:
            line = " ".join(text.split())
            if 10 < len(line) < 160 and not any(word in line.lower() for word in NO_ANSWER):
                yield line


def a_document(conversation_id: str, texts: list[str]) -> Document:
    document = to_document(made(conversation_id, [Message(role="user", text=one) for one in texts]))
    assert isinstance(document, Document)
    return document


def a_label(document: Document, intent_id: str) -> Label:
    return Label(
        agent=document.agent,
        conversation_id=document.conversation_id,
        intents=((intent_id, 1.0),),
        source="person",
        taxonomy_version="",
    )


if __name__ == "__main__":
    main()
