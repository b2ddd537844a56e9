"""Which parts of a repository's text redaction would have taken out of a captured one."""

from __future__ import annotations

import re

PLACEHOLDER = re.compile(r"\[[a-z_]{2,16}:[0-9a-f]{6}\]")
"""What the collector puts in the place of secrets and personal data."""


def hidden_spans(text: str, redacted: str) -> list[tuple[int, int]]:
    """Where `text` differs from what redaction made of it, in order."""
    spans: list[tuple[int, int]] = []
    at = 0
    kept = PLACEHOLDER.split(redacted)
    for number, part in enumerate(kept):
        is_last = number == len(kept) - 1
        start = text.find(part, at) if part or not is_last else len(text)
        if start < 0:
            return spans
        if is_last and text.endswith(part):
            start = len(text) - len(part)
        if start > at and number:
            spans.append((at, start))
        at = start + len(part)
    return spans
