"""What a merged change did to a text, taken out of the text as it is now."""

from __future__ import annotations

from difflib import SequenceMatcher

CONTEXT_LINES = 3
"""Around a change, at most, to find its place where the file has changed elsewhere."""


def undone(before: str, after: str, now: str) -> str | None:
    """`now` without the change from `before` to `after`; None where a place is not unique.

    Every changed line has to stand in `now` exactly as the change left it.
    """
    if now == after:
        return before
    old, new = after.splitlines(keepends=True), before.splitlines(keepends=True)
    matcher = SequenceMatcher(a=old, b=new, autojunk=False)
    for tag, first, last, low, high in matcher.get_opcodes():
        if tag == "equal":
            continue
        found = _replaced(now, old, (first, last), "".join(new[low:high]))
        if found is None:
            return None
        now = found
    return now


def _replaced(now: str, old: list[str], place: tuple[int, int], new: str) -> str | None:
    """With as few lines around the place as make it unique."""
    first, last = place
    for around in range(CONTEXT_LINES + 1):
        head = "".join(old[max(0, first - around) : first])
        tail = "".join(old[last : last + around])
        wanted = head + "".join(old[first:last]) + tail
        if wanted and now.count(wanted) == 1:
            return now.replace(wanted, head + new + tail)
    return None
