"""A repository on GitHub as a target: `github:OWNER/NAME`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
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
    request_reviews,
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

    def occupied(self, commit: str, paths: Sequence[str]) -> tuple[str, ...]:
        return self._github.occupied(commit, paths)

    def branch(
        self, name: str, *, proposal_id: str, base_sha: str, paths: Sequence[str] = ()
    ) -> Branch | None:
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
            is_stale=self._is_stale(found.merge_base_sha, base_sha, paths),
        )

    def _is_stale(self, left_at: str, base_sha: str, paths: Sequence[str]) -> bool:
        if left_at == base_sha:
            return False
        then, now = (self._github.blobs(commit, paths) for commit in (left_at, base_sha))
        return then != now

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
        if not self._github.signs_commits and expected in (None, on):
            made = self._commit_signed(name, files, on=on, message=message, expected=expected)
            if made is not None:
                return made
            expected = on
        sha = self._github.create_commit(files, on=on, parents=parents, message=message)
        if expected is None:
            return self._github.create_branch(name, sha)
        return self._github.advance_branch(name, sha)

    def _commit_signed(
        self, name: str, files: Mapping[str, str], *, on: str, message: str, expected: str | None
    ) -> bool | None:
        """The first commit of a branch, signed by GitHub also for a person's token.

        None where that is not possible: the branch then stands at `on`, ready for another way.
        Commits that bring a branch up to date have two parents, which this way cannot make.
        """
        if expected is None and not self._github.create_branch(name, on):
            return False
        if not self._github.has_plain_modes(on, list(files)):
            return None
        return self._github.commit_signed(name, files, expected=on, message=message)

    def open_pull(
        self, *, branch: str, base: str, title: str, body: str, is_draft: bool = False
    ) -> Pull | Degraded:
        try:
            pull = self._github.create_pull(
                title=title, body=body, branch=branch, base=base, is_draft=is_draft
            )
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

    def edit_pull(self, pull: Pull, *, title: str, body: str) -> bool:
        # A box that a person ticked since we looked would be lost: look again right before.
        now = self._github.pull(self._seen[pull.reference].number)
        if now.state != "open" or now.body != pull.body:
            return False
        self._github.edit_pull(now.number, title=title, body=body)
        return True

    def request_reviews(self, pull: Pull, names: Sequence[str]) -> str | None:
        not_asked = request_reviews(self._github, self._seen[pull.reference], names)
        if not not_asked:
            return None
        return (
            f"{', '.join(not_asked)} could not be asked to review {pull.reference}: unknown here, "
            "without access, or a team that this token may not see"
        )

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
        number, marker = self._seen[pull.reference].number, parse_marker(body)
        try:
            made = self._github.add_comment(number, body)
        except (NotFound, NotPermitted, Unprocessable):
            raise
        except GitHubError:
            # It may be there nevertheless: look before the second and last try.
            if marker in self.comment_markers(pull):
                return
            made = self._github.add_comment(number, body)
        # Another run may have said the same in this moment: the first one stays.
        comments = self._github.comments(self._seen[pull.reference])
        same = [one for one in comments if marker is not None and marker_of(one) == marker]
        for one in same:
            if one.id == made and any(other.id < made for other in same):
                with suppress(NotFound, NotPermitted):
                    self._github.delete_comment(one)

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
            is_review_requested=pull.is_review_requested,
        )

    def _state(self, pull: PullRequest) -> PullState:
        if pull.merged_at is not None:
            return "merged"
        if pull.state == "open":
            return "open"
        by_person = self._github.closed_by_person(pull, self._github.comments(pull))
        return "rejected" if by_person else "closed"
