"""One check and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem", "not_checked"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    sentence: str
    fix: str | None = None
    """What to do, in one sentence; always there for a warning and a problem."""


def ok(name: str, sentence: str) -> Check:
    return Check(name=name, state="ok", sentence=sentence)


def warning(name: str, sentence: str, fix: str) -> Check:
    return Check(name=name, state="warning", sentence=sentence, fix=fix)


def problem(name: str, sentence: str, fix: str) -> Check:
    return Check(name=name, state="problem", sentence=sentence, fix=fix)


def not_checked(name: str, sentence: str, fix: str | None = None) -> Check:
    return Check(name=name, state="not_checked", sentence=sentence, fix=fix)
