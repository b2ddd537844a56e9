"""A repository on GitHub as a target: `github:OWNER/NAME`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from bot import git
from bot.errors import CredentialsError, GitHubError
from bot.github import (
    GitHub,
    NotFound,
    NotPermitted,
    PullRequest,
    Unprocessable,
    marker_of,
    ticked_rejection,
)
from bot.marker import parse_marker
from bot.publish.target import Branch, Pull
from bot.records import Degraded, PullState, SourceFile

LABEL_TRIES = 3


class GitHubTarget:
    """`lag_s` is how long to wait for a new pull request to be seen by GitHub's other servers."""

    def __init__(self, github: GitHub, *, lag_s: float) -> None:
        self._github = github
        self._lag_s = lag_s
        self._seen: dict[str, PullRequest] = {}

    def base(self) -> tuple[str, str]:
        return self._github.base()

    def files(self, commit: str, paths: Sequence[str]) -> dict[str, SourceFile]:
        return self._github.files(commit, paths)

    def branch(self, name: str, *, proposal_id: str, base_sha: str) -> Branch | None:
        sha = self._github.branch_sha(name)
        if sha is None:
            return None
        found = self._github.compare(base_sha, sha)
        if found is None:
            return Branch(
                sha=sha, is_ours=False, fingerprint=None, in_base=False, contains_base=False
            )
        newest = next((commit for commit in found.commits if commit.sha == sha), None)
        return Branch(
            sha=sha,
            is_ours=all(
                git.trailer(commit.message, git.PROPOSAL) == proposal_id and commit.is_as_made
                for commit in found.commits
            ),
            fingerprint=git.trailer(newest.message, git.FINGERPRINT) if newest else None,
            in_base=found.in_base,
            contains_base=found.contains_base,
        )

    def pulls(self, branch: str) -> tuple[Pull, ...]:
        return tuple(self._pull(pull) for pull in self._github.pulls(branch=branch))

    def comment_markers(self, pull: Pull) -> tuple[Mapping[str, Any], ...]:
        comments = self._github.comments(self._seen[pull.reference])
        return tuple(filter(None, (marker_of(comment) for comment in comments)))

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
        sha = self._github.create_commit(files, on=on, parents=parents, message=message)
        if expected is None:
            return self._github.create_branch(name, sha)
        return self._github.advance_branch(name, sha)

    def open_pull(self, *, branch: str, base: str, title: str, body: str) -> Pull | Degraded:
        try:
            pull = self._github.create_pull(title=title, body=body, branch=branch, base=base)
        except NotPermitted as error:
            if "not permitted to create" not in str(error):
                raise
            link = f"{self._github.web_url}/compare/{base}...{branch}"
            return Degraded(
                code="pull_request_forbidden",
                sentence="GitHub Actions may not open pull requests here: turn on Settings > "
                'Actions > General > "Allow GitHub Actions to create and approve pull requests", '
                "or use the token of an app. The branch is there; open it by hand: "
                f"{link}?expand=1",
            )
        return self._pull(pull)

    def edit_pull(self, pull: Pull, *, title: str, body: str) -> None:
        self._github.edit_pull(self._seen[pull.reference].number, title=title, body=body)

    def add_labels(self, pull: Pull, labels: Sequence[str]) -> str | None:
        # A new pull request is unknown to some of GitHub's servers for a second.
        for tries_left in reversed(range(LABEL_TRIES)):
            try:
                self._github.add_labels(self._seen[pull.reference].number, labels)
                return None
            except CredentialsError as error:
                return f"{pull.reference} has no labels: {error}"
            except (NotFound, Unprocessable) as error:
                if not tries_left:
                    return f"{pull.reference} has no labels: {error}"
                time.sleep(self._lag_s)
        return None

    def comment(self, pull: Pull, body: str) -> None:
        number = self._seen[pull.reference].number
        try:
            self._github.add_comment(number, body)
        except (NotFound, NotPermitted, Unprocessable):
            raise
        except GitHubError:
            # It may be there nevertheless: look before the second and last try.
            if parse_marker(body) not in self.comment_markers(pull):
                self._github.add_comment(number, body)

    def close(self, pull: Pull) -> None:
        self._github.edit_pull(self._seen[pull.reference].number, state="closed")

    def _pull(self, pull: PullRequest) -> Pull:
        reference = f"#{pull.number}"
        self._seen[reference] = pull
        return Pull(
            reference=reference,
            url=pull.url,
            state=self._state(pull),
            title=pull.title,
            body=pull.body,
            labels=pull.labels,
            is_ticked=ticked_rejection(pull.body) is not None,
        )

    def _state(self, pull: PullRequest) -> PullState:
        if pull.merged_at is not None:
            return "merged"
        if pull.state == "open":
            return "open"
        by_person = self._github.closed_by_person(pull, self._github.comments(pull))
        return "rejected" if by_person else "closed"
