"""From what conversations were served with to where it comes from, for all of them at once."""

from __future__ import annotations

from collections.abc import Sequence

from bot.records import CapturedText, FileHistory, VersionMatch
from bot.versions.index import build_index
from bot.versions.instances import match_texts
from bot.versions.redacted import PLACEHOLDER, hidden_spans
from bot.versions.serving import Gathered
from collector.redaction import KEY_BYTES, Redactor

SAMPLES = 60
"""Captured texts of one agent that say which files are worth reading."""


def find_matches(gathered: Gathered, history: FileHistory) -> tuple[VersionMatch, ...]:
    """Each distinct text that was captured with where it comes from."""
    texts = list(gathered.texts())
    samples = _samples(texts)
    hidden = _hidden if any(PLACEHOLDER.search(sample) for sample in samples) else None
    index = build_index(history, about=samples, hidden=hidden)
    return tuple(match_texts(texts, index))


def _hidden(text: str) -> list[tuple[int, int]]:
    """Any key will do: only the places count."""
    return hidden_spans(text, Redactor(key=bytes(KEY_BYTES)).text(text))


def _samples(texts: Sequence[CapturedText]) -> list[str]:
    """Some texts of each agent, kind and tool: all others are the same with other values."""
    kept: dict[tuple[str, str, str], list[str]] = {}
    for text in texts:
        group = kept.setdefault((text.agent, text.kind, text.name), [])
        if len(group) < SAMPLES:
            group.append(text.text)
    return [text for group in kept.values() for text in group]
