"""debrief blame: for each line of a prompt the proposal behind it; people's lines stay blank."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from rich.text import Text

from bot import git
from bot.blame import Origin, Share, origins_of, shares_of
from bot.commands.shell import Shell
from bot.errors import UsageError
from bot.figures import count
from bot.history import read_history
from bot.records import PastProposal
from prompts import show_invisible

_COLUMNS = ("proposal", "verdict", "evidence", "tokens", "line")


def blame(shell: Shell, given: argparse.Namespace) -> int:
    """Show which proposal each line is from, with evidence, verdict and tokens.

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
    origins = origins_of(
        path,
        file.text,
        git.line_commits(repo, sha, path),
        past,
        lines_before=lambda undone: _lines_before(repo, undone, path),
    )
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
    shell.say(_headline(path, origins, shares))
    shell.say("")
    for row in _rows(origins):
        _print(shell, row)
    for one in shares:
        shell.say("")
        for line in _told(one):
            shell.say(line)
    return 0


def _inside(repo: Path, name: str) -> str:
    """The path in the repository, whether it was given from there or from the current folder."""
    given = Path(name)
    root = repo.resolve()
    for tried in [given] if given.is_absolute() else [root / given, Path.cwd() / given]:
        if tried.exists() and tried.resolve().is_relative_to(root):
            return tried.resolve().relative_to(root).as_posix()
    return PurePosixPath(name).as_posix()


def _lines_before(repo: Path, sha: str, path: str) -> Sequence[git.LineCommit]:
    parent = git.resolve(repo, f"{sha}^1")
    if parent is None or not git.read_files(repo, parent, [path]):
        return ()
    return git.line_commits(repo, parent, path)


# -- for people ------------------------------------------------------------------------------------


def _headline(path: str, origins: Sequence[Origin], shares: Sequence[Share]) -> str:
    tokens = sum(one.tokens for one in origins)
    said = f"{path}: {count(len(origins), 'line')}, about {count(tokens, 'token')} in each call."
    if not shares:
        return f"{said} None of it comes from a merged proposal of Debrief."
    ours = sum(one.tokens for one in shares)
    lines = count(sum(one.lines for one in shares), "line")
    return f"{said} Of Debrief: {lines}, about {count(ours, 'token')}."


def _rows(origins: Sequence[Origin]) -> Iterator[str]:
    """A heading and one row a line, as wide as they are."""
    cells = [(*_COLUMNS, "text")]
    cells += [(*_behind(one), str(one.line.number), one.line.text) for one in origins]
    shown = [[show_invisible(cell).replace("\t", "  ") for cell in row] for row in cells]
    wide = [max(len(row[at]) for row in shown) for at in range(len(_COLUMNS))]
    for who, verdict, evidence, tokens, line, text in shown:
        yield (
            f"{who:{wide[0]}}  {verdict:{wide[1]}}  {evidence:>{wide[2]}}  "
            f"{tokens:>{wide[3]}}  {line:>{wide[4]}}  {text}"
        ).rstrip()


def _print(shell: Shell, row: str) -> None:
    """On a terminal a row is one line, cut at its edge; a pipe has no width."""
    if shell.out.is_terminal:
        line = Text(row)
        line.truncate(shell.out.width, overflow="ellipsis")
        row = line.plain
    shell.say(row)


def _behind(one: Origin) -> tuple[str, str, str, str]:
    past = one.proposal
    if past is None:
        return "", "", "", ""
    return _name(past), _verdict(past), str(past.evidence_entries), str(one.tokens)


def _name(past: PastProposal) -> str:
    """`#212`; where there is no GitHub, the id that `debrief rollback` takes."""
    return past.reference.removeprefix("debrief/")


def _verdict(past: PastProposal) -> str:
    if past.verdict is not None:
        return past.verdict.replace("_", " ")
    return "measuring" if past.is_measured else "not measured"


def _told(share: Share) -> Iterator[str]:
    past = share.proposal
    when = f", merged {past.merged_at:%Y-%m-%d}" if past.merged_at else ""
    edited = ", changed by a reviewer first" if past.reviewer_edits else ""
    yield f"{_name(past)}  {past.title}"
    yield (
        f"    {past.kind}{when}{edited}; evidence: {past.evidence_entries}; "
        f"verdict: {_verdict(past)}"
    )
    yield f"    {count(share.lines, 'line')}, about {count(share.tokens, 'token')} in each call"
    if past.url:
        yield f"    {past.url}"


# -- for programs ----------------------------------------------------------------------------------


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
