"""debrief blame: for each line of a prompt the proposal behind it, or the person's commit."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from bot import git
from bot.blame import Origin, Share, origins_of, shares_of
from bot.commands.shell import Shell
from bot.errors import UsageError
from bot.figures import count
from bot.history import read_history
from bot.records import PastProposal
from prompts import show_invisible

NAME_CHARS = 20


def blame(shell: Shell, given: argparse.Namespace) -> int:
    """Show whose each line is, with evidence, verdict and tokens.

    Raises:
        UsageError: there is no such file in the newest commit of the default branch.
    """
    repo = Path(given.repo)
    git.require_repository(repo)
    _, sha = git.default_branch(repo)
    path = _inside(repo, given.file)
    file = git.read_files(repo, sha, [path]).get(path)
    if file is None:
        raise UsageError(
            f"the default branch of {given.repo} has no text file {path!r}; name one that is "
            "committed, by its path in the repository"
        )
    past = read_history(given.history or f"git:{given.repo}", connect=shell.reader)
    origins = origins_of(path, file.text, git.line_commits(repo, sha, path), past)
    shares = shares_of(origins)
    if shell.json:
        shell.emit(
            {
                "path": path,
                "sha": sha,
                "tokens": sum(one.tokens for one in origins),
                "lines": [_line_json(one) for one in origins],
                "proposals": [_share_json(one) for one in shares],
            }
        )
        return 0
    for row in _rows(origins):
        shell.say(row)
    for one in shares:
        shell.say(_sentence(one))
    if not shares:
        shell.say(f"No line of {path} comes from a merged proposal of Debrief.")
    return 0


def _inside(repo: Path, name: str) -> str:
    """The path in the repository, whether it was given from there or from the current folder."""
    given = Path(name)
    root = repo.resolve()
    for tried in [given] if given.is_absolute() else [root / given, Path.cwd() / given]:
        if tried.exists() and tried.resolve().is_relative_to(root):
            return tried.resolve().relative_to(root).as_posix()
    return PurePosixPath(name).as_posix()


def _rows(origins: tuple[Origin, ...]) -> Iterator[str]:
    """A heading and one row a line, as wide as they are: a pipe has no width."""
    cells = [("from", "verdict", "evidence", "tokens", "line", "text")]
    cells += [
        (*_behind(one), str(one.tokens or ""), str(one.line.number), one.line.text)
        for one in origins
    ]
    shown = [[show_invisible(cell) for cell in row] for row in cells]
    wide = [max(len(row[at]) for row in shown) for at in range(5)]
    for who, verdict, evidence, tokens, line, text in shown:
        yield (
            f"{who:{wide[0]}}  {verdict:{wide[1]}}  {evidence:>{wide[2]}}  "
            f"{tokens:>{wide[3]}}  {line:>{wide[4]}}  {text}"
        ).rstrip()


def _behind(one: Origin) -> tuple[str, str, str]:
    past = one.proposal
    if past is None:
        return f"{one.line.sha[:8]} {one.line.author[:NAME_CHARS]}", "", ""
    return past.reference, _verdict(past), str(past.evidence_entries)


def _verdict(past: PastProposal) -> str:
    return (past.verdict or "measuring").replace("_", " ")


def _sentence(share: Share) -> str:
    past = share.proposal
    when = f", merged {past.merged_at:%Y-%m-%d}" if past.merged_at else ""
    edited = "; a reviewer changed it first" if past.reviewer_edits else ""
    return (
        f"{past.reference} ({past.kind}{when}): {past.title}. "
        f"{count(share.lines, 'line')}, about {count(share.tokens, 'token')} in each call; "
        f"evidence {past.evidence_entries}; verdict: {_verdict(past)}{edited}."
    )


def _line_json(one: Origin) -> dict[str, Any]:
    past = one.proposal
    return {
        "line": one.line.number,
        "text": one.line.text,
        "region": one.region,
        "tokens": one.tokens,
        "commit": {
            "sha": one.line.sha,
            "at": one.line.at,
            "author": one.line.author,
            "summary": one.line.summary,
        },
        "proposal": past.id if past else None,
    }


def _share_json(share: Share) -> dict[str, Any]:
    past = share.proposal
    return {
        "id": past.id,
        "reference": past.reference,
        "url": past.url,
        "kind": past.kind,
        "title": past.title,
        "agent": past.agent,
        "pattern_id": past.pattern_id,
        "merged_at": past.merged_at,
        "evidence": past.evidence_entries,
        "verdict": past.verdict,
        "edited_by_reviewer": bool(past.reviewer_edits),
        "lines": share.lines,
        "tokens": share.tokens,
    }
