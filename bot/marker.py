"""The versioned marker at the top of every body of ours: state that no truncation can eat.

`<!-- debrief:1 {json} -->` on a line of its own. It carries what `history` needs to rebuild a
`PastProposal`: id, fingerprint, kind, agent, pattern_id, remedy, title, base_sha, evidence
{entries, users}, prediction, and what a kind needs to be measured later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from collector.records import Json

VERSION = 1
HOLD = "debrief:hold"
"""A pull request with this label is a person's, as if he had committed to it."""
_LINE = re.compile(r"^<!-- debrief:(\d+) (\{.*\}) -->$")


def render_marker(values: Mapping[str, Json]) -> str:
    """One line of HTML comment; nothing inside can end the comment."""
    text = json.dumps(values, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    # None of the signs can stand outside a JSON string, so the value stays the same.
    text = text.replace("--", "-\\u002d").replace(">", "\\u003e")
    text = text.replace("@", "\\u0040")  # bots of other people read the raw text
    return f"<!-- debrief:{VERSION} {text} -->"


def parse_marker(body: str) -> dict[str, Json] | None:
    """The marker's values, or None where the first line is no marker of a version that we know.

    Only the first line counts: a marker further down was written by somebody else.
    """
    first = body.split("\n", 1)[0].rstrip("\r")
    found = _LINE.match(first)
    if found is None or int(found[1]) != VERSION:
        return None
    try:
        values = json.loads(found[2])
    except ValueError:
        return None
    return values if isinstance(values, dict) else None
