"""How good the changes are that Debrief proposes: places, values, words, bytes, tokens, attacks.

    python bench/changes.py [--only faults|replies|harness|strangers|places|edits|proposers|tokens|
                                      redteam]

Each section is a module `bench/changes_<section>.py` with `measure()`, the lines of its Markdown.
The result is bench/results/changes.md; sections that did not run keep their lines.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results" / "changes.md"
SECTIONS = {
    "faults": "Planted faults",
    "replies": "Careful replies",
    "harness": "Harness, careful replies",
    "strangers": "Careful replies by somebody who had not planted the faults",
    "places": "Places of known lines",
    "edits": "Random edits",
    "proposers": "Edits by the proposers that need no model",
    "tokens": "Tokens and dollars of one proposal",
    "redteam": "Hostile input",
}
HEAD = "# How good changes are\n\n2 cores, Python 3.11. Everything simulated is called so.\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", choices=tuple(SECTIONS))
    only = parser.parse_args().only
    kept = _kept()
    for name in SECTIONS:
        if only in (None, name) and (ROOT / "bench" / f"changes_{name}.py").exists():
            kept[name] = "\n".join(importlib.import_module(f"bench.changes_{name}").measure())
            print(f"## {SECTIONS[name]}\n\n{kept[name]}\n", flush=True)
    parts = [f"## {SECTIONS[name]}\n\n{kept[name].strip()}\n" for name in SECTIONS if name in kept]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join([HEAD, *parts]), encoding="utf-8")


def _kept() -> dict[str, str]:
    """The lines of each section as they were written last."""
    if not RESULTS.exists():
        return {}
    names = {title: name for name, title in SECTIONS.items()}
    found = re.split(r"^## (.+)$", RESULTS.read_text("utf-8"), flags=re.M)[1:]
    return {names[title]: body for title, body in zip(found[::2], found[1::2], strict=True)}


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
