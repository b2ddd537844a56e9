"""A repository without GitHub as a target: `git:DIR`.

Branches are branches; a pull request is `refs/debrief/pulls/<key>` (see `bot/local_pulls.py`). The
person's work tree and index stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bot import git, local_pulls
from bot.errors import RepositoryError
from bot.marker import parse_marker
from bot.publish.target import Branch, Pull
from bot.records import SourceFile


class GitTarget:
    """`now` is written as the time of what happens to pull requests."""

    def __init__(self, path: Path, *, now: datetime) -> None:
        git.require_repository(path)
        self._path = path
        self._now = now

    def base(self) -> tuple[str, str]:
        return git.default_branch(self._path)

    def files(self, commit: str, paths: Sequence[str]) -> dict[str, SourceFile]:
        return git.read_files(self._path, commit, paths)

    def occupied(self, commit: str, paths: Sequence[str]) -> tuple[str, ...]:
        return git.occupied(self._path, commit, paths)

    def branch(
        self, name: str, *, proposal_id: str, base_sha: str, paths: Sequence[str] = ()
    ) -> Branch | None:
        sha = git.resolve(self._path, f"refs/heads/{name}")
        if sha is None:
            return None
        commits = git.commits_between(self._path, base_sha, sha)
        return Branch(
            sha=sha,
            is_ours=all(git.is_made_for(commit, proposal_id) for commit in commits),
            fingerprint=git.trailer(commits[0].message, git.FINGERPRINT) if commits else None,
            in_base=not commits,
            contains_base=git.is_ancestor(self._path, base_sha, sha),
            is_stale=self._is_stale(sha, base_sha, paths),
            is_checked_out=git.is_checked_out(self._path, name),
        )

    def _is_stale(self, sha: str, base_sha: str, paths: Sequence[str]) -> bool:
        left = git.merge_base(self._path, base_sha, sha)
        if left is None or left == base_sha:
            return False
        then, now = (git.blobs_of(self._path, commit, paths) for commit in (left, base_sha))
        return then != now

    def pulls(self, branch: str) -> tuple[Pull, ...]:
        return tuple(self._pull(record) for record, _ in reversed(self._records(branch)))

    def comment_markers(self, pull: Pull) -> tuple[Mapping[str, Any], ...]:
        record, _ = self._record(pull)
        return tuple(filter(None, (parse_marker(comment) for comment in record.comments)))

    def put_branch(
        self,
        name: str,
        files: Mapping[str, str],
        *,
        on: str,
        parents: Sequence[str],
        message: str,
        expected: str | None,
    ) -> bool:
        sha = git.commit_files(self._path, files, on=on, parents=parents, message=message)
        return git.move_ref(self._path, f"refs/heads/{name}", sha, expected=expected)

    def open_pull(
        self, *, branch: str, base: str, title: str, body: str, is_draft: bool = False
    ) -> Pull:
        """Without GitHub there are no drafts: the body says what has to be answered first."""
        earlier = self._records(branch)
        for record, _ in earlier:
            if self._pull(record).state == "open":
                return self._pull(record)
        _, base_sha = self.base()
        head_sha = git.resolve(self._path, f"refs/heads/{branch}")
        if head_sha is None:
            raise RepositoryError(f"{branch} vanished from {self._path}; run publish again")
        proposal_id = branch.removeprefix("debrief/")
        number = f"-{len(earlier) + 1}" if earlier else ""
        record = local_pulls.LocalPull(
            key=f"{proposal_id}{number}",
            id=proposal_id,
            branch=branch,
            base_branch=base,
            base_sha=git.merge_base(self._path, base_sha, head_sha) or base_sha,
            head_sha=head_sha,
            title=title,
            body=body,
            state="open",
            opened_at=self._now,
        )
        self._write(record, expected=None)
        return self._pull(record)

    def edit_pull(self, pull: Pull, *, title: str, body: str) -> bool:
        record, sha = self._record(pull)
        if record.state != "open" or record.body != pull.body:
            return False
        head_sha = git.resolve(self._path, f"refs/heads/{record.branch}") or record.head_sha
        _, base_sha = self.base()
        changed = replace(
            record,
            title=title,
            body=body,
            head_sha=head_sha,
            base_sha=git.merge_base(self._path, base_sha, head_sha) or record.base_sha,
        )
        self._write(changed, expected=sha)
        return True

    def request_reviews(self, pull: Pull, names: Sequence[str]) -> str | None:
        return None  # There is nobody to ask.

    def add_labels(self, pull: Pull, labels: Sequence[str]) -> str | None:
        record, sha = self._record(pull)
        merged = tuple(dict.fromkeys([*record.labels, *labels]))
        self._write(replace(record, labels=merged), expected=sha)
        return None

    def comment(self, pull: Pull, body: str) -> None:
        record, sha = self._record(pull)
        self._write(replace(record, comments=(*record.comments, body)), expected=sha)

    def close(self, pull: Pull) -> None:
        record, sha = self._record(pull)
        self._write(replace(record, state="closed", closed_at=self._now), expected=sha)

    def _records(self, branch: str) -> list[tuple[local_pulls.LocalPull, str]]:
        return [pair for pair in local_pulls.read_pulls(self._path) if pair[0].branch == branch]

    def _record(self, pull: Pull) -> tuple[local_pulls.LocalPull, str]:
        """The stored state behind `pull`, read again, and the commit that holds it."""
        for record, sha in local_pulls.read_pulls(self._path):
            if record.reference == pull.reference:
                return record, sha
        raise RepositoryError(f"{pull.reference} vanished from {self._path}; run publish again")

    def _write(self, record: local_pulls.LocalPull, *, expected: str | None) -> None:
        if local_pulls.write_pull(self._path, record, expected=expected, at=self._now) is None:
            raise RepositoryError(
                f"somebody else changed {local_pulls.PULLS}{record.key} in {self._path} meanwhile; "
                "run publish again: what is done will not be done twice"
            )

    def _pull(self, record: local_pulls.LocalPull) -> Pull:
        return Pull(
            reference=record.reference,
            url=None,
            state=local_pulls.state_of(self._path, record)[0],
            title=record.title,
            body=record.body,
            labels=record.labels,
        )
