"""One repository on GitHub: its files, branches and pull requests."""

from __future__ import annotations

import base64
import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import requests
from github import Auth, Github, GithubException

from bot.errors import CredentialsError, GitHubError
from bot.github.records import (
    Comment,
    Commit,
    Comparison,
    PullRequest,
    marker_of,
    to_account,
    to_comment,
    to_commit,
    to_pull,
)
from bot.github.wire import NEEDS, PER_PAGE, NotFound, NotPermitted, Unprocessable, Wire, retry
from bot.records import SourceFile

TIMEOUT_S = 30
MAX_FILE_BYTES = 1_000_000
PLAIN_FILE_MODES = frozenset({"100644", "100755"})
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")


def connect(
    repository: str,
    *,
    token: str,
    token_variable: str = "GITHUB_TOKEN",  # noqa: S107  (the variable's name, not a token)
    base_url: str = "https://api.github.com",
    pause_s: float = 1.0,
    retries: int = 3,
    timeout_s: int = TIMEOUT_S,
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
        timeout=timeout_s,
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
        client=client(retry=retry(retries, pause_s)),
        once=client(retry=retry(0, pause_s)),
        token_variable=token_variable,
        read_only=read_only,
        signs_commits=token.startswith("ghs_"),
    )


class GitHub(Wire):
    """One repository on GitHub. Get it from `connect`."""

    def __init__(self, repository: str, **wire: Any) -> None:
        super().__init__(repository, **wire)
        self._folders: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}

    # -- reading ---------------------------------------------------------------------------------

    def base(self) -> tuple[str, str]:
        """Name and head commit of the default branch.

        Raises:
            CredentialsError: the repository does not exist, or the token cannot see it.
            GitHubError: it has no commit.
        """
        facts = self.get("")
        if facts is None:
            raise self._unknown_repository()
        name = facts["default_branch"]
        sha = self.branch_sha(name)
        if sha is None:
            raise GitHubError(f"{self.repository} has no commit on {name}; commit something first")
        return name, sha

    def branch_sha(self, branch: str) -> str | None:
        ref = self.get(f"/git/ref/heads/{urllib.parse.quote(branch)}")
        return None if ref is None else str(ref["object"]["sha"])

    def compare(self, base_sha: str, branch_sha: str) -> Comparison | None:
        """What `branch_sha` has that `base_sha` has not; None where they share no history."""
        try:
            found = self.send("GET", f"/compare/{base_sha}...{branch_sha}")[1]
        except NotFound as error:
            # Any other 404 is a fault, and says nothing about who made the branch.
            if "common ancestor" in str(error):
                return None
            raise
        return Comparison(
            head_sha=branch_sha,
            merge_base_sha=str(found["merge_base_commit"]["sha"]),
            in_base=found["status"] in ("behind", "identical"),
            contains_base=found["status"] in ("ahead", "identical"),
            commits=tuple(to_commit(item) for item in found["commits"]),
            blobs={item["filename"]: item["sha"] for item in found.get("files") or []},
        )

    def messages_on(self, path: str, *, since: datetime) -> tuple[str, ...]:
        """Messages of the default branch's commits that changed a file, newest first."""
        query = {"path": path, "since": since.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return tuple(str(item["commit"]["message"]) for item in self.pages("/commits", **query))

    def parent_of(self, sha: str) -> str | None:
        """First parent of a commit; None of the first commit, or where there is none such."""
        found = self.get(f"/git/commits/{sha}")
        parents = found["parents"] if found else []
        return str(parents[0]["sha"]) if parents else None

    def files(self, commit: str, paths: Sequence[str]) -> dict[str, SourceFile]:
        """Those of `paths` that are UTF-8 text files of at most 1 MB in `commit`."""
        found = {}
        for path, entry in self._entries(commit, paths).items():
            if entry.get("size", 0) > MAX_FILE_BYTES:
                continue
            blob = self.send("GET", f"/git/blobs/{entry['sha']}")[1]
            raw = base64.b64decode(blob["content"])
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError:
                continue
            if "\0" not in text:
                found[path] = SourceFile(path=path, blob=entry["sha"], text=text)
        return found

    def blobs(self, commit: str, paths: Sequence[str]) -> dict[str, str]:
        """Object ids of those of `paths` that are plain files in `commit`."""
        return {path: str(entry["sha"]) for path, entry in self._entries(commit, paths).items()}

    def occupied(self, commit: str, paths: Sequence[str]) -> tuple[str, ...]:
        """Those of `paths` where something stands that is no plain file, or that lead through it.

        A symbolic link, a submodule or a folder: writing there would replace it.
        """
        return tuple(path for path in paths if self._is_occupied(commit, path))

    def _is_occupied(self, commit: str, path: str) -> bool:
        parent, _, last = path.rpartition("/")
        found = self._folder(commit, parent).get(last)
        if found is not None and found["mode"] not in PLAIN_FILE_MODES:
            return True
        while parent:
            above, _, last = parent.rpartition("/")
            entry = self._folder(commit, above).get(last)
            if entry is not None and entry["type"] != "tree":
                return True
            parent = above
        return False

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
            entry = self._folder(commit, parent).get(last, {}) if name else {"type": "tree"}
            sha = entry.get("sha", commit) if entry.get("type") == "tree" else None
            tree = self.get(f"/git/trees/{sha}") if sha else None
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
                yield to_pull(item)

    def _pull_requests(self, query: Mapping[str, str]) -> Iterator[Any]:
        try:
            yield from self.pages("/pulls", **query)
        except NotFound:
            raise self._unknown_repository() from None

    def _unknown_repository(self) -> CredentialsError:
        return CredentialsError(
            f"GitHub knows no repository {self.repository} that the token in "
            f"{self._token_variable} may read; check the name and the token's repositories"
        )

    def pull(self, number: int) -> PullRequest:
        """One pull request as it is now."""
        return to_pull(self.send("GET", f"/pulls/{number}")[1])

    def changed_paths(self, pull: PullRequest) -> tuple[str, ...]:
        """Files that a pull request changes, merged or not."""
        return tuple(str(item["filename"]) for item in self.pages(f"/pulls/{pull.number}/files"))

    def comments(self, pull: PullRequest) -> tuple[Comment, ...]:
        """The conversation of a pull request, oldest first."""
        items = self.pages(f"/issues/{pull.number}/comments")
        return tuple(to_comment(item, pull) for item in items)

    def commits(self, pull: PullRequest) -> tuple[Commit, ...]:
        """The commits of a pull request, oldest first, at most 250."""
        return tuple(to_commit(item) for item in self.pages(f"/pulls/{pull.number}/commits"))

    def closed_by_person(self, pull: PullRequest, comments: Sequence[Comment]) -> bool:
        """A person closed it: neither Debrief, which says so in a comment, nor another bot.

        Not if a person took the rejection back since, which leaves a comment of ours too.
        """
        closed_at = pull.closed_at or pull.created_at
        for comment in comments:
            marker = marker_of(comment) or {}
            if marker.get("comment") == "lift" and comment.created_at >= closed_at:
                return False
        said = {str((marker_of(comment) or {}).get("comment")) for comment in comments}
        if said & {"close", "reject"}:
            # `debrief reject` closes with our token what a person does not want.
            return "reject" in said
        issue = self.send("GET", f"/issues/{pull.number}")[1]
        closer = issue.get("closed_by")
        return closer is None or to_account(closer).is_person

    def can_write(self, login: str) -> bool | None:
        """Whether a person may write to the repository; None where the token may not ask."""
        quoted = urllib.parse.quote(login, safe="")
        try:
            found = self.get(f"/collaborators/{quoted}/permission")
        except (NotPermitted, CredentialsError):
            return None
        return found is not None and found["permission"] in ("admin", "maintain", "write")

    def is_labelled(self, label: str) -> bool:
        """Some open issue or pull request carries the label."""
        if "," in label:  # GitHub would read two labels.
            return False
        return bool(self.get("/issues", labels=label, per_page=1))

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
            headers, facts = self.send("GET", "")
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
            return self.get(path, **parameters)
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
        base_tree = self.send("GET", f"/git/commits/{on}")[1]["tree"]["sha"]
        made = self.send("POST", "/git/trees", body={"base_tree": base_tree, "tree": tree})[1]
        body = {"message": message, "tree": made["sha"], "parents": list(parents)}
        return str(self.send("POST", "/git/commits", body=body)[1]["sha"])

    def has_plain_modes(self, commit: str, paths: Sequence[str]) -> bool:
        """None of the files is executable, so `commit_signed` can write them."""
        return all(entry["mode"] == "100644" for entry in self._entries(commit, paths).values())

    def commit_signed(
        self, branch: str, files: Mapping[str, str], *, expected: str, message: str
    ) -> bool | None:
        """Commit on top of a branch so that GitHub signs it, whoever owns the token.

        False where the branch is no longer at `expected`; None where this GitHub does not do it.
        """
        headline, _, body = message.partition("\n\n")
        additions = [
            {"path": path, "contents": base64.b64encode(text.encode()).decode()}
            for path, text in files.items()
        ]
        wanted = {
            "branch": {"repositoryNameWithOwner": self.repository, "branchName": branch},
            "message": {"headline": headline, "body": body},
            "fileChanges": {"additions": additions},
            "expectedHeadOid": expected,
        }
        if self.mutate("createCommitOnBranch", wanted, "commit{oid}"):
            return True
        return False if self.branch_sha(branch) != expected else None

    def create_branch(self, branch: str, sha: str) -> bool:
        """False where the branch exists already and is somewhere else."""
        try:
            self.send("POST", "/git/refs", body={"ref": f"refs/heads/{branch}", "sha": sha})
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
            self.send("PATCH", path, body={"sha": sha, "force": False})
        except Unprocessable:
            return False
        return True

    def create_pull(
        self, *, title: str, body: str, branch: str, base: str, is_draft: bool = False
    ) -> PullRequest:
        """Open a pull request, or give the open one that the branch has already.

        `is_draft` is a wish: private repositories of some plans have no drafts.

        Raises:
            NotPermitted: the repository does not let this token open pull requests.
        """
        wanted: dict[str, Any] = {"title": title, "body": body, "head": branch, "base": base}
        if is_draft:
            try:
                return to_pull(self.send("POST", "/pulls", body={**wanted, "draft": True})[1])
            except Unprocessable as error:
                # "Draft pull requests are not supported in this repository."
                if "draft" not in str(error).lower():
                    return self._opened_before(branch, error)
        try:
            return to_pull(self.send("POST", "/pulls", body=wanted)[1])
        except Unprocessable as error:
            return self._opened_before(branch, error)

    def _opened_before(self, branch: str, error: Unprocessable) -> PullRequest:
        """The open pull request, where a try that seemed to fail had worked.

        PyGithub repeats a POST, so it may be there already.
        """
        if "already exists" in str(error):
            for pull in self.pulls(branch=branch):
                if pull.state == "open":
                    return pull
        raise error

    def edit_pull(self, number: int, **changes: str) -> None:
        """Set `title`, `body` or `state`."""
        self.send("PATCH", f"/pulls/{number}", body=changes)

    def add_labels(self, number: int, labels: Sequence[str]) -> None:
        self.send("POST", f"/issues/{number}/labels", body={"labels": list(labels)})

    def add_comment(self, number: int, body: str) -> int:
        """Give the comment's id.

        Not tried again by itself: a try that seemed to fail may have worked, and shows twice.
        """
        path = f"/issues/{number}/comments"
        return int(self.send("POST", path, body={"body": body}, repeatable=False)[1]["id"])

    def delete_comment(self, comment: Comment) -> None:
        self.send("DELETE", f"/issues/comments/{comment.id}")
