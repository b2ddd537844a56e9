"""Where pull requests live, as people name it: `github:OWNER/NAME`, or `git:DIR` without GitHub."""

from __future__ import annotations

from typing import Literal

from bot.errors import UsageError


def parse_target(text: str) -> tuple[Literal["git", "github"], str]:
    """(kind, folder or OWNER/NAME); whether it exists is not looked at.

    Raises:
        UsageError: it is neither `git:DIR` nor `github:OWNER/NAME`.
    """
    kind, _, place = text.partition(":")
    if place and kind == "git":
        return "git", place
    if place and kind == "github":
        return "github", place
    raise UsageError(f"{text[:100]!r} is no target; give github:OWNER/NAME or git:DIR")
