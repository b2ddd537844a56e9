"""The nouns of the evidence that a person's own pull request gets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """One thing that may move: an intent, a correction that people make, or a threshold."""

    id: str
    """Of the intent, or of the pattern where there is none."""
    agent: str
    name: str
    failed: int
    total: int
    """Units with a known outcome; 0 where no outcome is known."""
    unit: str
    conversations: int
    stands: bool = False
    """A pattern stands on it: it fails more often than the agent's others."""
    trend: str = ""
    cases: tuple[str, ...] = ()
    """Ids of failing conversations, a few: what to look at after the change."""
    words: tuple[str, ...] = ()
    """By which a section of a file is known to be about it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchedFile:
    """A file that makes an agent what it is."""

    path: str
    agent: str
    kind: Literal["prompt", "harness", "config", "threshold"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceMap:
    """What one cycle knows about the watched files."""

    at: datetime
    window_days: int
    base_sha: str
    files: tuple[WatchedFile, ...]
    watches: tuple[Watch, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Touched:
    """One section of a watched file that a pull request changes."""

    path: str
    section: str
    """Heading, key or variable; empty for the whole file."""
    first_line: int
    last_line: int
    """Of the changed lines in the new file, from 1 on."""
    named: tuple[Watch, ...]
    """What the section is about, by its words."""
    others: tuple[Watch, ...]
    """The rest of what depends on the file, or on the agent that it makes."""
