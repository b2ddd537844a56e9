"""The state of the fake: change it directly to play a person."""

from __future__ import annotations

import copy
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fake_github.faults import Fault
from tests.fake_github.repository import git, git_known

OWNER, NAME = "acme", "agent"
REPOSITORY = f"{OWNER}/{NAME}"
TOKEN = "ghs_token_of_the_fake"
PERSONAL_TOKEN = "ghp_token_of_a_person"
BOT = {"login": "debrief[bot]", "type": "Bot"}
ALICE = {"login": "alice", "type": "User"}
STRANGER = {"login": "mallory", "type": "User"}
MAINTAINERS = frozenset({"alice"})
BODY_LIMIT = 65_536

Json = Any
Reply = tuple[int, Json]
Route = tuple[str, str, Callable[..., Reply]]
"""Method, pattern of the path under the repository, and function(fake, *parts, request)."""


class Refusal(Exception):
    """GitHub says no."""

    def __init__(self, status: int, message: str, *errors: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Json] = {"message": message}
        if errors:
            self.body["errors"] = [{"message": error} for error in errors]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    body: Json
    authorization: str


@dataclass(kw_only=True, slots=True)
class Issue:
    """An issue; a pull request where it has a head."""

    number: int
    user: Mapping[str, str]
    title: str
    body: str
    created_at: str
    updated_at: str = ""
    head: str | None = None
    head_repository: str = REPOSITORY
    base: str = "main"
    head_sha: str = ""
    base_sha: str = ""
    is_draft: bool = False
    state: str = "open"
    closed_at: str | None = None
    closed_by: Mapping[str, str] | None = None
    merged_at: str | None = None
    merge_sha: str | None = None
    labels: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    """Logins, and teams as `acme/prompts`, who were asked for a review."""
    reviews: list[dict[str, Json]] = field(default_factory=list)
    line_comments: list[dict[str, Json]] = field(default_factory=list)
    comments: list[dict[str, Json]] = field(default_factory=list)


REF_FORMAT = "--format=%(refname) %(objectname)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """What the fake looked like at one moment."""

    refs: Mapping[str, str]
    issues: dict[int, Issue]
    checks: list[dict[str, Json]]
    clock: int


class FakeGitHub:
    """The state behind the server. Change it directly to play a person."""

    def __init__(self, repository: Path) -> None:
        self.git = repository
        self.issues: dict[int, Issue] = {}
        self.requests: list[Request] = []
        self.violations: list[str] = []
        """Of GitHub's official description, by the requests so far; none at the end of a test."""
        self.forbid_pull_requests = False
        self.forbid_labels = False
        self.forbid_drafts = False
        self.forbid_pushes = False
        self.login = BOT["login"]
        self.permissions: dict[str, bool] | None = {"pull": True, "push": True, "admin": False}
        self.actions_may_open: bool | None = True
        """None: the token is no administrator's."""
        self.rules: dict[str, list[str]] = {"main": ["pull_request"]}
        """Branch to the types of its rules; `*` for all others."""
        self.workflows: dict[str, str] = {".github/workflows/debrief.yml": "active"}
        self.runs: list[dict[str, Json]] = []
        """Runs of workflows, newest first: path, conclusion, created_at, html_url."""
        self.secrets: set[str] | None = {"ANTHROPIC_API_KEY"}
        """Names; None: the token may not look."""
        self.is_archived = False
        self.may_write_workflows = True
        self.has_issues = True
        self.forbid_issues = False
        """The token has no permission for issues."""
        self.checks: list[dict[str, Json]] = []
        self.statuses: list[dict[str, Json]] = []
        self.forbid_checks = False
        """The token is a person's: it may write no check runs."""
        self.forbid_statuses = False
        self.url = ""
        self.signed: list[str] = []
        """Commits made by GraphQL, which GitHub signs whoever asks."""
        self.has_graphql = True
        self.prefix = ""
        """`/api/v3` on GitHub Enterprise Server."""
        self.interjections: list[tuple[str, str, Callable[[], object]]] = []
        """(method, end of the path, what somebody does in the moment before that is answered)."""
        self.variables: dict[str, str] = {}
        self.reviewers = {"alice", "bob", "acme/prompts"}
        """Who can be asked for a review."""
        self.today = "2026-11-21"
        """The day on which things happen; the clock moves within it."""
        self._clock = 0
        self._comments = 0
        self._fault: tuple[int, Fault] | None = None
        self._calls = 0
        self._lock = threading.Lock()

    # -- what tests ask and do -------------------------------------------------------------------

    @property
    def writes(self) -> list[Request]:
        """Requests that change something."""
        return [request for request in self.requests if request.method != "GET"]

    @property
    def pulls(self) -> list[Issue]:
        return [issue for issue in self.issues.values() if issue.head is not None]

    def break_from(self, call: int, fault: Fault, *, calls: int = 1_000_000) -> None:
        """From the `call`-th request on (1 is the next), `calls` requests meet `fault`."""
        self._calls = 0
        self._fault = (call, fault)
        self._fault_calls = calls

    def mend(self) -> None:
        self._fault = None

    def snapshot(self) -> Snapshot:
        """All that a later `restore` needs; objects of git stay anyway."""
        refs = dict(line.split() for line in git(self.git, "for-each-ref", REF_FORMAT).splitlines())
        issues, checks = copy.deepcopy((self.issues, self.checks))
        return Snapshot(refs=refs, issues=issues, checks=checks, clock=self._clock)

    def restore(self, kept: Snapshot) -> None:
        self.mend()
        listing = git(self.git, "for-each-ref", "--format=%(refname)").split()
        lines = [f"delete {ref}" for ref in listing if ref not in kept.refs]
        lines += [f"update {ref} {sha}" for ref, sha in kept.refs.items()]
        git(self.git, "update-ref", "--stdin", stdin="\n".join([*lines, ""]).encode())
        self.issues, self.checks = copy.deepcopy((kept.issues, kept.checks))
        self._clock = kept.clock

    def now(self) -> str:
        """A clock that moves a minute at every look."""
        self._clock += 1
        return f"{self.today}T{self._clock // 60:02}:{self._clock % 60:02}:00Z"

    def say(self, number: int, user: Mapping[str, str], body: str) -> None:
        self._comments += 1
        self.issues[number].updated_at = at = self.now()
        comment = {"id": self._comments, "user": user, "body": body, "created_at": at}
        self.issues[number].comments.append(comment)

    def fail_check(self, number: int, name: str, said: str) -> None:
        """Somebody's check of a pull request's head turns red."""
        head = self.head_sha(self.issues[number])
        run = {"id": len(self.checks) + 1, "name": name, "head_sha": head}
        self.checks.append({**run, "conclusion": "failure", "output": {"title": said}})

    def review(self, number: int, user: Mapping[str, str], body: str, *, path: str = "") -> None:
        """A review that asks for changes; with a path a comment on a line of it."""
        if path:
            self.issues[number].line_comments.append({"user": user, "body": body, "path": path})
        else:
            review = {"user": user, "body": body, "state": "CHANGES_REQUESTED"}
            self.issues[number].reviews.append(review)

    def close(self, number: int, user: Mapping[str, str]) -> None:
        issue = self.issues[number]
        issue.state, issue.closed_at, issue.closed_by = "closed", self.now(), user

    def merge(self, number: int) -> str:
        """A person merges a pull request, as GitHub's button does."""
        pull = self.issues[number]
        assert pull.head is not None
        self.head_sha(pull)
        tree = git(self.git, "merge-tree", "--write-tree", pull.base, pull.head)
        parents = ["-p", pull.base, "-p", pull.head]
        self.close(number, ALICE)
        dates = {
            "GIT_AUTHOR_DATE": pull.closed_at or "",
            "GIT_COMMITTER_DATE": pull.closed_at or "",
        }
        message = f"Merge pull request #{number}\n\n{pull.title}".encode()
        sha = git(self.git, "commit-tree", tree, *parents, stdin=message, env=dates)
        git(self.git, "update-ref", f"refs/heads/{pull.base}", sha)
        pull.merged_at, pull.merge_sha = pull.closed_at, sha
        return sha

    def sha(self, ref: str) -> str | None:
        """Commit that a full name of a ref, or an object id, names."""
        loose = self.git / ref
        if ref.startswith("refs/") and loose.is_file():
            return loose.read_text().strip()
        try:
            return git(self.git, "rev-parse", "-q", "--verify", f"{ref}^{{commit}}")
        except subprocess.CalledProcessError:
            return None

    def issue(self, number: str) -> Issue:
        issue = self.issues.get(int(number))
        if issue is None:
            raise Refusal(404, "Not Found")
        return issue

    def check_body(self, body: str) -> None:
        if len(body) > BODY_LIMIT:
            long = f"body is too long (maximum is {BODY_LIMIT} characters)"
            raise Refusal(422, "Validation Failed", long)

    def ref(self, branch: str, sha: str) -> Json:
        url = f"{self.url}/repos/{REPOSITORY}/git/refs/heads/{branch}"
        return {"ref": f"refs/heads/{branch}", "url": url, "object": {"type": "commit", "sha": sha}}

    def head_sha(self, pull: Issue) -> str:
        """The head follows its branch as long as the pull request is open."""
        if pull.state == "open":
            pull.head_sha = self.sha(f"refs/heads/{pull.head}") or pull.head_sha
        return pull.head_sha

    def pull(self, pull: Issue) -> Json:
        return {
            "number": pull.number,
            "url": f"{self.url}/repos/{REPOSITORY}/pulls/{pull.number}",
            "html_url": f"https://github.example/{REPOSITORY}/pull/{pull.number}",
            "state": pull.state,
            "draft": pull.is_draft,
            "title": pull.title,
            "body": pull.body,
            "user": pull.user,
            "labels": [{"name": label} for label in pull.labels],
            "requested_reviewers": [{"login": one} for one in pull.requested if "/" not in one],
            "requested_teams": [
                {"slug": one.split("/")[1]} for one in pull.requested if "/" in one
            ],
            "created_at": pull.created_at,
            "updated_at": pull.updated_at or pull.created_at,
            "closed_at": pull.closed_at,
            "merged_at": pull.merged_at,
            "merge_commit_sha": pull.merge_sha,
            "head": {
                "ref": pull.head,
                "sha": self.head_sha(pull),
                "repo": {"full_name": pull.head_repository},
            },
            "base": {"ref": pull.base, "sha": pull.base_sha, "repo": {"full_name": REPOSITORY}},
        }

    def comment(self, comment: Mapping[str, Json]) -> Json:
        member = comment["user"]["login"] in MAINTAINERS
        return {**comment, "author_association": "MEMBER" if member else "NONE"}

    def commits(self, base: str, head: str) -> list[Json]:
        form = "%H%x00%an%x00%ae%x00%cn%x00%ce%x00%B%x01"
        listing = git_known(self.git, "log", "--reverse", f"--format={form}", f"{base}..{head}")
        found = []
        for block in filter(None, (part.strip("\n") for part in listing.split("\x01"))):
            sha, author, author_email, committer, committer_email, message = block.split("\0")
            commit = {
                "author": {"name": author, "email": author_email},
                "committer": {"name": committer, "email": committer_email},
                "message": message,
            }
            found.append({"sha": sha, "commit": commit})
        return found
