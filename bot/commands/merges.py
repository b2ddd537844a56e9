"""What merges of ours did to their files, read from the checkout: what may be undone or retired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from bot import git
from bot.proposals.undoing import undone
from bot.records import RETIREMENT, ROLLBACK, PastProposal, Proposal, SourceFile, Verdict


def merged_texts(repo: str, past: PastProposal) -> tuple[dict[str, str], dict[str, str]] | None:
    """(before, after) of the files that the merge changed; None where it is not in this checkout.

    A path that is missing on one side did not exist there.
    """
    path = Path(repo)
    merge = git.resolve(path, past.merge_sha) if past.merge_sha else None
    parent = git.resolve(path, f"{merge}^1") if merge else None
    if merge is None or parent is None:
        return None
    changed = git.changed_paths(path, parent, merge)
    before, after = (git.read_files(path, sha, changed) for sha in (parent, merge))
    return (
        {name: file.text for name, file in before.items()},
        {name: file.text for name, file in after.items()},
    )


def texts_of_merge(repo: str, past: PastProposal) -> dict[str, tuple[str, str]] | None:
    """(before, after) by path; None also where the merge made a file or removed one."""
    texts = merged_texts(repo, past)
    if texts is None or texts[0].keys() != texts[1].keys():
        return None
    return {name: (text, texts[1][name]) for name, text in texts[0].items()}


def with_verdicts(
    past: Iterable[PastProposal], verdicts: Iterable[Verdict]
) -> tuple[PastProposal, ...]:
    """The past as the next run will find it: what a verdict asks for is proposed together with it,
    so that the same run again has nothing to add."""
    final = {one.proposal_id: one.result for one in verdicts if one.is_final}
    return tuple(
        replace(one, verdict=final[one.id])
        if one.id in final and one.state == "merged" and one.verdict is None
        else one
        for one in past
    )


def taken_out_by(proposals: Iterable[Proposal]) -> dict[str, Proposal]:
    """The proposals that take a merged one out again, by its id."""
    return {
        one.remedy.removeprefix(RETIREMENT).removeprefix(ROLLBACK): one
        for one in proposals
        if one.remedy.startswith((RETIREMENT, ROLLBACK))
    }


def is_restored(
    after: Mapping[str, str],
    now: Mapping[str, str],
    *,
    before_merge: Mapping[str, SourceFile],
    merged: Mapping[str, SourceFile],
) -> bool:
    """`after` is what was there before a merge, or what is there now without what it brought."""
    return all(
        path in before_merge
        and text in (before_merge[path].text, _without(path, before_merge, merged, now))
        for path, text in after.items()
    )


def _without(
    path: str,
    before: Mapping[str, SourceFile],
    merged: Mapping[str, SourceFile],
    now: Mapping[str, str],
) -> str | None:
    if path not in merged or path not in now:
        return None
    return undone(before[path].text, merged[path].text, now[path])
