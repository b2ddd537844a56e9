"""What a model gains in discovery: the names of the groups that it described, and what that took.

    ANTHROPIC_API_KEY=... python bench/intents_model.py --by WHO [--only DATA ...]

The model is the one that answers at ANTHROPIC_BASE_URL: Anthropic's, or a server that passes on
what a careful reader writes (data: DEBRIEF_SAMPLES). Names move no label. A second look, in which
the model merged and split groups and each change was checked on fresh conversations, changed
nothing in two sets that were answered by hand (tau_airline_gpt4o ARI .689, dstc11_banking .542,
before and after) and was taken out. Writes bench/results/intents_model.md, each section on its own.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from intents import NOW, data_sets

from bot.intents import Document, discover
from bot.model import Model
from bot.records import Ask
from bot.settings import ModelSettings

RESULTS = Path(__file__).parent / "results" / "intents_model.md"
DATA = ("tau_airline_gpt4o", "dstc11_banking")


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
    for name, documents, _ in data_sets():
        if name in asked.only:
            answered = f"Answered by {asked.by}.\n\n"
            text = answered + "\n".join(named(documents, model.ask))
            print(f"## {name}\n\n{text}\n")
            write_section(name, text)


def named(documents: Sequence[Document], ask: Ask) -> Iterator[str]:
    alone = discover(documents, now=NOW)
    found = discover(documents, now=NOW, ask=ask)
    had = {intent.id: intent.name for intent in alone.taxonomy.intents}
    reworded = [one for one in found.taxonomy.intents if one.name != had.get(one.id)]
    tokens = found.cost.input_tokens + found.cost.output_tokens
    yield (
        f"{len(reworded)} of {len(had)} groups among {len(documents)} conversations got a name "
        f"from the model; {found.cost.calls} calls, {tokens:,} tokens.\n"
    )
    yield "| by its words | by the model |\n|---|---|"
    for one in reworded:
        yield f"| {had.get(one.id, '')} | {one.name} |"
    for skipped in found.skipped:
        yield f"- {skipped.what}: {skipped.reason}"


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
