"""What a model gains in discovery: groups by statistics alone, and after its second look.

    ANTHROPIC_API_KEY=... python bench/intents_model.py --by WHO [--only DATA ...]

The model is the one that answers at ANTHROPIC_BASE_URL: Anthropic's, or a server that passes on
what a careful reader writes (data: DEBRIEF_SAMPLES). Scores are those of bench/intents.md with the
default vectors, against gold labels that no prompt shows. Names move no label: only the second look
(bot/intents/revising.py) can change a score. Other groups give other questions, so that answers by
hand serve one version only. Writes bench/results/intents_model.md, each section on its own.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from intents import NOW, data_sets, quality
from numpy.typing import NDArray

from bot.intents import Document, discover
from bot.intents.discover import Discovery
from bot.intents.revising import revise
from bot.model import Model
from bot.records import Ask
from bot.settings import ModelSettings

RESULTS = Path(__file__).parent / "results" / "intents_model.md"
DATA = ("tau_airline_gpt4o", "dstc11_banking")
HEADER = "| | k | ACC | NMI | ARI |\n|---|---:|---:|---:|---:|"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--by", required=True, help="who answers; stands in the results")
    parser.add_argument("--only", nargs="+", choices=DATA, default=DATA)
    asked = parser.parse_args()
    models = ModelSettings()
    model = Model(
        api_key=os.environ["ANTHROPIC_API_KEY"],
        base_url=os.environ.get("ANTHROPIC_BASE_URL"),
        budget_usd=models.budget_usd,
        reader=models.reader,
        writer=models.writer,
        judge=models.judge,
    )
    for name, documents, gold in data_sets():
        if name in asked.only:
            answered = f"Answered by {asked.by}.\n\n"
            text = answered + "\n".join(compared(documents, gold, model.ask))
            print(f"## {name}\n\n{text}\n")
            write_section(name, text)


def compared(documents: Sequence[Document], gold: NDArray[np.int64], ask: Ask) -> Iterator[str]:
    alone = discover(documents, now=NOW)
    named = discover(documents, now=NOW, ask=ask)
    revised, checks = revise(documents, named, ask=ask)
    yield f"{len(documents)} conversations, {gold.max() + 1} gold intents.\n"
    yield HEADER
    for what, found in (("statistics alone", alone), ("after the second look", revised)):
        k, acc, nmi, ari = quality(gold, groups_of(documents, found))
        yield f"| {what} | {k:.0f} | {acc:.3f} | {nmi:.3f} | {ari:.3f} |"
    had = {intent.id: intent.name for intent in alone.taxonomy.intents}
    reworded = sum(intent.name != had.get(intent.id) for intent in named.taxonomy.intents)
    yield (
        f"\n{reworded} of {len(had)} groups got a name from the model; "
        f"{revised.cost.calls} calls in all."
    )
    for check in checks:
        yield f"- {check.sentence}"
    for skipped in revised.skipped:
        if skipped.code not in ("no_gain",):
            yield f"- {skipped.what}: {skipped.reason}"


def groups_of(documents: Sequence[Document], found: Discovery) -> NDArray[np.int64]:
    """The first intent of each; those without one are a group of their own."""
    labels = {one.conversation_id: one.intents for one in found.labels}
    first = [labels[one.conversation_id][:1] for one in documents]
    return np.unique([one[0][0] if one else "" for one in first], return_inverse=True)[1]


def write_section(name: str, text: str) -> None:
    found = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    sections = dict(
        re.findall(r"^## (\S+)\n\n(.*?)\n*(?=^## |\Z)", found, re.MULTILINE | re.DOTALL)
    )
    sections[name] = text
    about = " ".join((__doc__ or "").split("\n\n")[2].split())
    parts = [f"## {one}\n\n{sections[one]}\n" for one in DATA if one in sections]
    RESULTS.write_text(f"# What a model gains in discovery\n\n{about}\n\n" + "\n".join(parts))


if __name__ == "__main__":
    main()
