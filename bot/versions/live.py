"""When a merge went live, and which version each conversation ran on, by what was captured."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from bot.records import FileHistory, Live, VersionMatch


def seen_live(matches: Iterable[VersionMatch], sha: str, history: FileHistory) -> Live:
    """`matches` are those of one agent; `sha` is a step of the default branch's own line.

    A commit that is not in the history is not visible, nor is one that brought an earlier text back
    which serves now: since when, it cannot be told from the text. A branch that was deployed before
    its merge is seen before its merge.
    """
    numbers = {commit.sha: number for number, commit in enumerate(history.commits)}
    found = list(matches)
    last_at = max((one.captured.last_at for one in found if one.captured.last_at), default=None)
    if sha not in numbers:
        return Live(is_visible=False, at=None, last_at=last_at)
    paths = {path for one in found for part in one.parts for path in (part.path, *part.also_in)}
    seen = [
        one.captured.first_at
        for one in found
        if one.result == "exact"
        and one.captured.first_at is not None
        and all(numbers[each.first_sha] >= numbers[sha] for each in one.ranges)
    ]
    changed = history.commits[numbers[sha]].files
    is_visible = bool(seen) or not paths.isdisjoint(changed)
    if not seen and _serves_again(found, numbers[sha], changed, numbers):
        is_visible = False
    return Live(is_visible=is_visible, at=min(seen, default=None), last_at=last_at)


def _serves_again(
    matches: Iterable[VersionMatch],
    number: int,
    changed: Collection[str],
    numbers: Mapping[str, int],
) -> bool:
    """The newest text of what a commit changed is one that was in force before, and is since it."""
    dated = [
        (one.captured.last_at, one)
        for one in matches
        if one.captured.last_at is not None
        and any(path in changed for part in one.parts for path in (part.path, *part.also_in))
    ]
    if not dated:
        return False
    _, newest = max(dated, key=lambda pair: pair[0])
    again = any(numbers[each.first_sha] >= number for each in newest.ranges)
    return newest.result == "exact" and again


def version_names(matches: Iterable[VersionMatch]) -> dict[tuple[str, str], str]:
    """(agent, system prompt) to a name for its version, for conversations that carry none.

    Only of prompts that are a commit's to the letter; two commits that render alike have one name.
    """
    return {
        (one.captured.agent, one.captured.text): one.version
        for one in matches
        if one.captured.kind == "system" and one.version is not None
    }
