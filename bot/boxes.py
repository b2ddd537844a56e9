"""Boxes in the body of a pull request by which people keep single examples.

A box is a line of ours at the very left that names what it is about. What strangers wrote stands
indented and in code below it, so it can never be one. GitHub lets only the pull request's author
and those who may write to the repository edit its body, so nobody else can tick.
"""

from __future__ import annotations

import re

_BOX = re.compile(r"^- \[([ xX])\] <!-- debrief:keep (x-[a-p]{12}) -->", re.MULTILINE)


def keep_box(id: str) -> str:
    """The beginning of the line of one box, not ticked."""
    return f"- [ ] <!-- debrief:keep {id} -->"


def ticked_in(body: str) -> tuple[str, ...]:
    """Ids of the ticked boxes, each once, in their order."""
    found = (match[2] for match in _BOX.finditer(body) if match[1] in "xX")
    return tuple(dict.fromkeys(found))
