"""Scripted replies of readers that see several conversations in one request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.messages_server import Asked

Said = Mapping[str, Any] | Callable[[str], Mapping[str, Any]]
"""What is said of each conversation, or a function of its transcript."""


def transcripts(asked: Asked) -> list[str]:
    """The conversations of a request, in the order of their numbers."""
    parts = re.split(r"^=== conversation \d+ ===\n", asked.between("conversations"), flags=re.M)
    return [part.rstrip("\n") for part in parts[1:]]


def findings_for(asked: Asked, said: Said) -> dict[str, Any]:
    """A reply of `proposals/diagnose`."""
    return {"findings": _each(asked, said)}


def effects_for(asked: Asked, said: Said) -> dict[str, Any]:
    """A reply of `proposals/contrast`."""
    return {"effects": _each(asked, said)}


def _each(asked: Asked, said: Said) -> list[dict[str, Any]]:
    return [
        {"conversation": number, **(said(text) if callable(said) else said)}
        for number, text in enumerate(transcripts(asked), start=1)
    ]
