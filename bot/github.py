"""The only `import github`: what Debrief reads and writes on GitHub, as values.

Every call goes through PyGithub's requester (authentication, retries, pacing, proxies, GitHub
Enterprise Server), not through its objects: those fetch what is missing on their own, and here
each call is counted, mapped to one of our errors, and refused if the client only reads.
Takes a token; gives records; an expected absence is None. Conversations play no part here.
"""

from __future__ import annotations

import base64
import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

import requests
from github import Auth, Github, GithubException, GithubRetry, RateLimitExceededException

from bot.errors import CredentialsError, GitHubError
from bot.marker import parse_marker
from bot.records import Rejection, SourceFile

MAX_PAGES = 100
PER_PAGE = 100
MAX_RATE_LIMIT_WAIT_S = 60
TIMEOUT_S = 30
MAX_FILE_BYTES = 1_000_000
PLAIN_FILE_MODES = frozenset({"100644", "100755"})
NEEDS = "contents: write, pull-requests: write and issues: write"
_TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_TICKED = re.compile(r"^\s*[-*] \[[xX]\] (not a problem|wrong fix|later)\b", re.MULTILINE)


class Unprocessable(GitHubError):
    """422: GitHub understood the call and will not do it."""


class NotFound(GitHubError):
    """404: not there, or the token may not see it."""


class NotPermitted(GitHubError):
    """403 that no waiting cures: the token or a setting of the repository does not allow it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    login: str
    is_person: bool
    """Of type User; apps are of type Bot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comment:
    author: Account
    is_trusted: bool
    """Written by the pull request's author, an app, or somebody who belongs to the repository.

    Anybody can comment on a public pull request, so only these can carry our markers. Apps can,
    because an app must be installed by an administrator and the token may change its identity.
    """
    body: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequest:
    number: int
    url: str
    state: Literal["open", "closed"]
    title: str
    body: str
    branch: str
    head_sha: str
    base_sha: str
    author: Account
    labels: tuple[str, ...]
    created_at: datetime
    closed_at: datetime | None
    merged_at: datetime | None
    merge_sha: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    sha: str
    author: str
    """Name and e-mail address: outside text."""
    committer: str
    message: str

    @property
    def is_as_made(self) -> bool:
        """Nobody amended or rebased it: that would make him the committer.

        Commits made through the API have GitHub itself as the committer.
        """
        return self.committer == self.author or self.committer.endswith("<noreply@github.com>")


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A branch against a base."""

    head_sha: str
    in_base: bool
    """The base has all of the branch."""
    contains_base: bool
    commits: tuple[Commit, ...]
    """What the branch has and the base has not, at most 250."""


def connect(
    repository: str,
    *,
    token: str,
    token_variable: str = "GITHUB_TOKEN",  # noqa: S107  (the variable's name, not a token)
    base_url: str = "https://api.github.com",
    pause_s: float = 1.0,
    retries: int = 3,
    read_only: bool = False,
) -> GitHub:
    """Client for `owner/name`.

    `pause_s` lies between writes: GitHub asks for at least one second (secondary rate limits).
    On GitHub Enterprise Server `base_url` is `https://HOST/api/v3`, as in `GITHUB_API_URL`.

    Raises:
        CredentialsError: no token, or `repository` is not `owner/name`.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise CredentialsError(f"{repository[:100]!r} is not OWNER/NAME; give github:OWNER/NAME")
    if not token:
        raise CredentialsError(f"{token_variable} is not set; set it to a token with {NEEDS}")
    client = partial(
        Github,
        base_url=base_url.rstrip("/"),
        auth=Auth.Token(token),
        timeout=TIMEOUT_S,
        per_page=PER_PAGE,
        seconds_between_requests=min(pause_s, 0.1),
        seconds_between_writes=pause_s,
        user_agent="debrief",
    )
    # On GitHub Enterprise Server the pages are on the host of the API.
    host = base_url.rstrip("/").removesuffix("/api/v3").replace("//api.github.com", "//github.com")
    return GitHub(
        repository,
        web_url=f"{host}/{repository}",
        client=client(retry=_retry(retries, pause_s)),
        once=client(retry=_retry(0, pause_s)),
        token_variable=token_variable,
        read_only=read_only,
    )


def _retry(total: int, pause_s: float) -> GithubRetry:
    return GithubRetry(
        total=total,
        backoff_factor=pause_s,
        max_rate_limit_wait=MAX_RATE_LIMIT_WAIT_S,
        retry_after_max=MAX_RATE_LIMIT_WAIT_S,
        # PyGithub leaves out 429, which GitHub documents beside 403, and PATCH, which is safe to
        # repeat as we use it: it sets a value.
        status_forcelist=[429, 500, 502, 503, 504],
        allowed_methods=frozenset({"GET", "POST", "PATCH"}),
    )


class GitHub:
    """One repository on GitHub. Get it from `connect`."""

    def __init__(
        self,
        repository: str,
        *,
        web_url: str,
        client: Github,
        once: Github,
        token_variable: str,
        read_only: bool,
    ) -> None:
        self.repository = repository
        self.web_url = web_url
        """Where people see the repository."""
        self._requester = client.requester
        self._once = once.requester
        self._token_variable = token_variable
        self._read_only = read_only
        self._folders: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}

    # -- the wire --------------------------------------------------------------------------------

    def _send(
        self,
        verb: Literal["GET", "POST", "PATCH"],
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        repeatable: bool = True,
    ) -> tuple[dict[str, Any], Any]:
        """One call under `/repos/OWNER/NAME`: (headers, JSON). Tried again only if `repeatable`.

        Raises:
            CredentialsError: the token is not accepted, or may not do this.
            Unprocessable: 422.
            NotPermitted: 403 that says something about this one action.
            GitHubError: anything else, after retries.
        """
        if self._read_only and verb != "GET":
            raise NotPermitted(f"this client only reads and will not {verb} {path}")
        try:
            requester = self._requester if repeatable else self._once
            return requester.requestJsonAndCheck(
                verb,
                f"/repos/{self.repository}{path}",
                parameters=dict(parameters or {}),
                input=body,
            )
        except GithubException as error:
            raise self._translated(error, f"{verb} {path}") from error
        except (requests.RequestException, RuntimeError, ValueError) as error:
            # The text of these can hold the URL but never the headers, where the token is.
            failed = (
                "kept failing"
                if isinstance(error, requests.exceptions.RetryError)
                else "was not reached"
            )
            raise GitHubError(
                f"GitHub {failed} at {verb} {path} ({type(error).__name__}); "
                "check the network and run again later: what is done will not be done twice"
            ) from error

    def _translated(self, error: GithubException, call: str) -> Exception:
        """Our error for one of PyGithub's."""
        data = error.data if isinstance(error.data, dict) else {}
        details = [
            str(item.get("message", "")) for item in data.get("errors") or [] if type(item) is dict
        ]
        message = "; ".join(filter(None, [str(data.get("message") or "no message"), *details]))
        said = f"GitHub answered {error.status} to {call}: {' '.join(message.split())[:300]}"
        if error.status == 401:
            return CredentialsError(
                f"GitHub did not accept the token in {self._token_variable} (401); "
                f"set it to a valid token with {NEEDS} on {self.repository}"
            )
        if isinstance(error, RateLimitExceededException) or error.status == 429:
            return GitHubError(f"{said}; wait for the rate limit and run again")
        if error.status == 403 and "not accessible" in message:
            return CredentialsError(
                f"{said}; the token in {self._token_variable} needs {NEEDS} on {self.repository}"
            )
        if error.status == 403:
            return NotPermitted(said)
        if error.status == 404:
            return NotFound(f"{said}; it is gone, or the token may not see it (needs {NEEDS})")
        if error.status == 422:
            return Unprocessable(said)
        return GitHubError(f"{said}; run again later")

    def _get(self, path: str, **parameters: Any) -> Any | None:
        """JSON, or None where GitHub says 404."""
        try:
            return self._send("GET", path, parameters=parameters)[1]
        except NotFound:
            return None

    def _pages(self, path: str, **parameters: Any) -> Iterator[Any]:
        """The items of a list over all its pages, at most `MAX_PAGES`."""
        for page in range(1, MAX_PAGES + 1):
            query = {**parameters, "per_page": PER_PAGE, "page": page}
            headers, items = self._send("GET", path, parameters=query)
            yield from items
            if 'rel="next"' not in headers.get("link", ""):
                return
        raise GitHubError(f"{path} has more than {MAX_PAGES * PER_PAGE} entries; that is too many")

    # -- reading ---------------------------------------------------------------------------------

    def base(self) -> tuple[str, str]:
        """Name and head commit of the default branch.

        Raises:
            CredentialsError: the repository does not exist, or the token cannot see it.
            GitHubError: it has no commit.
        """
        facts = self._get("")
        if facts is None:
            raise self._unknown_repository()
        name = facts["default_branch"]
        sha = self.branch_sha(name)
        if sha is None:
            raise GitHubError(f"{self.repository} has no commit on {name}; commit something first")
        return name, sha

    def branch_sha(self, branch: str) -> str | None:
        ref = self._get(f"/git/ref/heads/{urllib.parse.quote(branch)}")
        return None if ref is None else str(ref["object"]["sha"])

    def compare(self, base_sha: str, branch_sha: str) -> Comparison | None:
        """What `branch_sha` has that `base_sha` has not; None where they share no history."""
        found = self._get(f"/compare/{base_sha}...{branch_sha}")
        if found is None:
            return None
        return Comparison(
            head_sha=branch_sha,
            in_base=found["status"] in ("behind", "identical"),
            contains_base=found["status"] in ("ahead", "identical"),
            commits=tuple(_commit(item) for item in found["commits"]),
        )

    def files(self, commit: str, paths: Sequence[str]) -> dict[str, SourceFile]:
        """Those of `paths` that are UTF-8 text files of at most 1 MB in `commit`."""
        found = {}
        for path, entry in self._entries(commit, paths).items():
            if entry.get("size", 0) > MAX_FILE_BYTES:
                continue
            blob = self._send("GET", f"/git/blobs/{entry['sha']}")[1]
            raw = base64.b64decode(blob["content"])
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError:
                continue
            if "\0" not in text:
                found[path] = SourceFile(path=path, blob=entry["sha"], text=text)
        return found

    def _entries(self, commit: str, paths: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Tree entries of plain files."""
        entries = {}
        for path in paths:
            parent, _, last = path.rpartition("/")
            entry = self._folder(commit, parent).get(last)
            if entry is not None and entry["mode"] in PLAIN_FILE_MODES:
                entries[path] = entry
        return entries

    def _folder(self, commit: str, name: str) -> dict[str, dict[str, Any]]:
        """Entries of one folder by name; none where there is no such folder.

        Walked folder by folder, since a whole tree may come truncated; kept, since the tree of a
        commit never changes.
        """
        if (commit, name) not in self._folders:
            parent, _, last = name.rpartition("/")
            sha = self._folder(commit, parent).get(last, {}).get("sha") if name else commit
            tree = self._get(f"/git/trees/{sha}") if sha else None
            entries = {item["path"]: item for item in tree["tree"]} if tree else {}
            self._folders[commit, name] = entries
        return self._folders[commit, name]

    def pulls(self, *, branch: str | None = None) -> Iterator[PullRequest]:
        """Pull requests from branches of this repository, newest first; of one branch or of all.

        The list endpoint, not search: search lags. Those of forks are left out, since a stranger
        can name a fork's branch and write its body as he likes.
        """
        query = {"state": "all", "sort": "created", "direction": "desc"}
        if branch is not None:
            query["head"] = f"{self.repository.split('/')[0]}:{branch}"
        for item in self._pull_requests(query):
            home = (item["head"].get("repo") or {}).get("full_name", "")
            # Spelling of the name may differ in case; a deleted fork has no repository.
            if home.lower() == self.repository.lower():
                yield _pull(item)

    def _pull_requests(self, query: Mapping[str, str]) -> Iterator[Any]:
        try:
            yield from self._pages("/pulls", **query)
        except NotFound:
            raise self._unknown_repository() from None

    def _unknown_repository(self) -> CredentialsError:
        return CredentialsError(
            f"GitHub knows no repository {self.repository} that the token in "
            f"{self._token_variable} may read; check the name and the token's repositories"
        )

    def comments(self, pull: PullRequest) -> tuple[Comment, ...]:
        """The conversation of a pull request, oldest first."""
        items = self._pages(f"/issues/{pull.number}/comments")
        return tuple(_comment(item, pull) for item in items)

    def commits(self, pull: PullRequest) -> tuple[Commit, ...]:
        """The commits of a pull request, oldest first, at most 250."""
        return tuple(_commit(item) for item in self._pages(f"/pulls/{pull.number}/commits"))

    def closed_by_person(self, pull: PullRequest, comments: Sequence[Comment]) -> bool:
        """A person closed it: neither Debrief, which says so in a comment, nor another bot."""
        said = {str((marker_of(comment) or {}).get("comment")) for comment in comments}
        if said & {"close", "reject"}:
            # `debrief reject` closes with our token what a person does not want.
            return "reject" in said
        issue = self._send("GET", f"/issues/{pull.number}")[1]
        closer = issue.get("closed_by")
        return closer is None or _account(closer).is_person

    def can_write(self, login: str) -> bool | None:
        """Whether a person may write to the repository; None where the token may not ask."""
        quoted = urllib.parse.quote(login, safe="")
        try:
            found = self._get(f"/collaborators/{quoted}/permission")
        except (NotPermitted, CredentialsError):
            return None
        return found is not None and found["permission"] in ("admin", "maintain", "write")

    def login(self) -> str | None:
        """Whose token it is; None where GitHub does not say. GITHUB_TOKEN of Actions is
        `github-actions[bot]`."""
        try:
            _, answer = self._requester.graphql_query("{viewer{login}}", {})
            return str(answer["data"]["viewer"]["login"])
        except (GithubException, requests.RequestException, RuntimeError, LookupError, TypeError):
            return None

    def access(self) -> tuple[bool | None, tuple[str, ...] | None]:
        """Whether the token may push, where GitHub says so, and the scopes of a classic token.

        Raises:
            CredentialsError: the repository does not exist, or the token cannot see it.
        """
        try:
            headers, facts = self._send("GET", "")
        except NotFound:
            raise self._unknown_repository() from None
        scopes = headers.get("x-oauth-scopes")
        return (
            (facts.get("permissions") or {}).get("push"),
            None if scopes is None else tuple(filter(None, map(str.strip, scopes.split(",")))),
        )

    def actions_may_open_pulls(self) -> bool | None:
        """The setting of the repository; None where the token may not see it."""
        found = self._visible("/actions/permissions/workflow")
        return None if found is None else bool(found.get("can_approve_pull_request_reviews"))

    def rules(self, branch: str) -> tuple[str, ...] | None:
        """Types of the rules that hold for a branch of this name, whether it exists or not; None
        where the token may not see them."""
        found = self._visible(f"/rules/branches/{urllib.parse.quote(branch, safe='')}")
        return None if found is None else tuple(str(rule["type"]) for rule in found)

    def workflows(self) -> tuple[tuple[str, str], ...] | None:
        """Path and state of at most 100 workflows; None where the token may not see them."""
        found = self._visible("/actions/workflows", per_page=PER_PAGE)
        if found is None:
            return None
        return tuple((str(one["path"]), str(one["state"])) for one in found["workflows"])

    def _visible(self, path: str, **parameters: Any) -> Any | None:
        """JSON, or None where the token may not look or there is nothing."""
        try:
            return self._get(path, **parameters)
        except (NotPermitted, CredentialsError):
            return None

    # -- writing ---------------------------------------------------------------------------------

    def create_commit(
        self, files: Mapping[str, str], *, on: str, parents: Sequence[str], message: str
    ) -> str:
        """A commit of the tree of `on` with these files changed; no branch moves yet.

        Without author and date, so that GitHub signs it where the token belongs to an app.
        """
        entries = self._entries(on, list(files))
        tree = [
            {
                "path": path,
                "mode": entries[path]["mode"] if path in entries else "100644",
                "type": "blob",
                "content": text,
            }
            for path, text in files.items()
        ]
        base_tree = self._send("GET", f"/git/commits/{on}")[1]["tree"]["sha"]
        made = self._send("POST", "/git/trees", body={"base_tree": base_tree, "tree": tree})[1]
        body = {"message": message, "tree": made["sha"], "parents": list(parents)}
        return str(self._send("POST", "/git/commits", body=body)[1]["sha"])

    def create_branch(self, branch: str, sha: str) -> bool:
        """False where the branch exists already and is somewhere else."""
        try:
            self._send("POST", "/git/refs", body={"ref": f"refs/heads/{branch}", "sha": sha})
        except Unprocessable:
            # "Reference already exists": perhaps made by an earlier try of this very call.
            found = self.branch_sha(branch)
            if found is None:
                raise
            return found == sha
        return True

    def advance_branch(self, branch: str, sha: str) -> bool:
        """Move the branch forward; False where it has commits that `sha` does not contain."""
        path = f"/git/refs/heads/{urllib.parse.quote(branch)}"
        try:
            self._send("PATCH", path, body={"sha": sha, "force": False})
        except Unprocessable:
            return False
        return True

    def create_pull(self, *, title: str, body: str, branch: str, base: str) -> PullRequest:
        """Open a pull request, or give the open one that the branch has already.

        Raises:
            NotPermitted: the repository does not let this token open pull requests.
        """
        wanted = {"title": title, "body": body, "head": branch, "base": base}
        try:
            return _pull(self._send("POST", "/pulls", body=wanted)[1])
        except Unprocessable as error:
            # A try that seemed to fail may have worked, and PyGithub repeats a POST: look it up.
            if "already exists" in str(error):
                for pull in self.pulls(branch=branch):
                    if pull.state == "open":
                        return pull
            raise

    def edit_pull(self, number: int, **changes: str) -> None:
        """Set `title`, `body` or `state`."""
        self._send("PATCH", f"/pulls/{number}", body=changes)

    def add_labels(self, number: int, labels: Sequence[str]) -> None:
        self._send("POST", f"/issues/{number}/labels", body={"labels": list(labels)})

    def add_comment(self, number: int, body: str) -> None:
        """Not tried again by itself: a try that seemed to fail may have worked, and shows twice."""
        path = f"/issues/{number}/comments"
        self._send("POST", path, body={"body": body}, repeatable=False)


def marker_of(comment: Comment) -> dict[str, Any] | None:
    """Our marker in a comment; None where there is none or a stranger wrote it."""
    return parse_marker(comment.body) if comment.is_trusted else None


def ticked_rejection(body: str) -> Rejection | None:
    """The reason that a person ticked in a pull request's body."""
    found = _TICKED.search(body)
    if found is None:
        return None
    reasons: dict[str, Rejection] = {
        "not a problem": "not_a_problem",
        "wrong fix": "wrong_fix",
        "later": "later",
    }
    return reasons[found[1]]


def _account(item: Mapping[str, Any] | None) -> Account:
    # GitHub gives null for a deleted account.
    item = item or {"login": "ghost", "type": "User"}
    return Account(login=item["login"], is_person=item.get("type") == "User")


def _comment(item: Mapping[str, Any], pull: PullRequest) -> Comment:
    author = _account(item.get("user"))
    trusted = item.get("author_association") in _TRUSTED or not author.is_person
    return Comment(
        author=author,
        is_trusted=trusted or author.login == pull.author.login,
        body=_newlines(item.get("body")),
        created_at=datetime.fromisoformat(item["created_at"]),
    )


def _commit(item: Mapping[str, Any]) -> Commit:
    commit = item["commit"]
    return Commit(
        sha=item["sha"],
        author=_signature(commit["author"]),
        committer=_signature(commit["committer"]),
        message=commit["message"],
    )


def _signature(person: Mapping[str, Any] | None) -> str:
    person = person or {}
    return f"{person.get('name')} <{person.get('email')}>"


def _newlines(text: str | None) -> str:
    # A form on GitHub's pages sends CRLF.
    return (text or "").replace("\r\n", "\n")


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _pull(item: Mapping[str, Any]) -> PullRequest:
    return PullRequest(
        number=item["number"],
        url=item["html_url"],
        state=item["state"],
        title=item["title"],
        body=_newlines(item.get("body")),
        branch=item["head"]["ref"],
        head_sha=item["head"]["sha"],
        base_sha=item["base"]["sha"],
        author=_account(item.get("user")),
        labels=tuple(label["name"] for label in item["labels"]),
        created_at=datetime.fromisoformat(item["created_at"]),
        closed_at=_time(item["closed_at"]),
        merged_at=_time(item["merged_at"]),
        merge_sha=item.get("merge_commit_sha") if item["merged_at"] else None,
    )
