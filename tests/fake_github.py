"""A small GitHub on 127.0.0.1 for tests: real HTTP, real git objects, GitHub's own refusals.

Backed by a bare repository, so that trees, merges and diffs are real. It knows what a bot that
opens pull requests needs, answers 404 to all else, and logs every request. What it cannot prove:
GitHub's lag, its permissions per endpoint, and signatures.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

OWNER, NAME = "acme", "agent"
REPOSITORY = f"{OWNER}/{NAME}"
TOKEN = "ghs_token_of_the_fake"
BOT = {"login": "debrief[bot]", "type": "Bot"}
ALICE = {"login": "alice", "type": "User"}
STRANGER = {"login": "mallory", "type": "User"}
MAINTAINERS = frozenset({"alice"})
BODY_LIMIT = 65_536
EPOCH = 1_760_000_000

Json = Any
Reply = tuple[int, Json]


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
    head: str | None = None
    head_repository: str = REPOSITORY
    base: str = "main"
    head_sha: str = ""
    base_sha: str = ""
    state: str = "open"
    closed_at: str | None = None
    closed_by: Mapping[str, str] | None = None
    merged_at: str | None = None
    merge_sha: str | None = None
    labels: list[str] = field(default_factory=list)
    comments: list[dict[str, Json]] = field(default_factory=list)


def git(repository: Path, *args: str, stdin: bytes = b"", env: Mapping[str, str] = {}) -> str:
    """Run git for a test; fixed identity and time unless `env` says otherwise."""
    identity = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "Alice",
        "GIT_AUTHOR_EMAIL": "alice@example.com",
        "GIT_AUTHOR_DATE": f"{EPOCH} +0000",
        "GIT_COMMITTER_NAME": "Alice",
        "GIT_COMMITTER_EMAIL": "alice@example.com",
        "GIT_COMMITTER_DATE": f"{EPOCH} +0000",
    }
    done = subprocess.run(
        ["git", "-C", str(repository), *args],
        input=stdin,
        capture_output=True,
        env={"PATH": os.environ["PATH"], **identity, **env},
        check=False,
    )
    if done.returncode:
        raise subprocess.CalledProcessError(
            done.returncode, done.args, done.stdout, done.stderr.decode("utf-8", "replace")
        )
    return done.stdout.decode("utf-8", "replace").strip()


def commit_on(
    repository: Path,
    branch: str,
    files: Mapping[str, str],
    *,
    message: str = "change",
    env: Mapping[str, str] = {},
) -> str:
    """Somebody commits files to a branch (made where it is missing) without any work tree."""
    date = env.get("GIT_COMMITTER_DATE", f"{EPOCH} +0000")
    lines = [
        f"commit refs/heads/{branch}",
        "mark :1",
        f"committer Alice <alice@example.com> {date}",
    ]
    lines += [f"data {len(message.encode())}", message]
    if git(repository, "for-each-ref", f"refs/heads/{branch}"):
        lines.append(f"from refs/heads/{branch}^0")
    for path, text in files.items():
        lines += [f"M 100644 inline {path}", f"data {len(text.encode())}", text]
    script = "\n".join([*lines, "get-mark :1", ""]).encode()
    return git(repository, "fast-import", "--quiet", stdin=script, env=env)


def a_bare_repository(path: Path, files: Mapping[str, str]) -> Path:
    """A bare repository with one commit on `main`."""
    path.mkdir(parents=True)
    git(path, "init", "-q", "--bare", "-b", "main")
    commit_on(path, "main", files, message="first")
    return path


class FakeGitHub:
    """The state behind the server. Change it directly to play a person."""

    def __init__(self, repository: Path) -> None:
        self.git = repository
        self.issues: dict[int, Issue] = {}
        self.requests: list[Request] = []
        self.forbid_pull_requests = False
        self.forbid_labels = False
        self.login = BOT["login"]
        self.permissions: dict[str, bool] | None = {"pull": True, "push": True, "admin": False}
        self.actions_may_open: bool | None = True
        """None: the token is no administrator's."""
        self.rules: dict[str, list[str]] = {"main": ["pull_request"]}
        """Branch to the types of its rules; `*` for all others."""
        self.workflows: dict[str, str] = {".github/workflows/debrief.yml": "active"}
        self.url = ""
        self._clock = 0
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

    def now(self) -> str:
        """A clock that moves a minute at every look."""
        self._clock += 1
        return f"2026-11-21T{self._clock // 60:02}:{self._clock % 60:02}:00Z"

    def say(self, number: int, user: Mapping[str, str], body: str) -> None:
        self.issues[number].comments.append({"user": user, "body": body, "created_at": self.now()})

    def close(self, number: int, user: Mapping[str, str]) -> None:
        issue = self.issues[number]
        issue.state, issue.closed_at, issue.closed_by = "closed", self.now(), user

    def merge(self, number: int) -> str:
        """A person merges a pull request, as GitHub's button does."""
        pull = self.issues[number]
        assert pull.head is not None
        tree = git(self.git, "merge-tree", "--write-tree", pull.base, pull.head)
        parents = ["-p", pull.base, "-p", pull.head]
        sha = git(self.git, "commit-tree", tree, *parents, stdin=b"Merge pull request")
        git(self.git, "update-ref", f"refs/heads/{pull.base}", sha)
        self.close(number, ALICE)
        pull.merged_at, pull.merge_sha = pull.closed_at, sha
        return sha

    def sha(self, ref: str) -> str | None:
        try:
            return git(self.git, "rev-parse", "-q", "--verify", f"{ref}^{{commit}}")
        except subprocess.CalledProcessError:
            return None

    # -- the routes --------------------------------------------------------------------------------

    def answer(self, request: Request, query: Mapping[str, str]) -> Reply:
        if (request.method, request.path) == ("POST", "/graphql"):
            return 200, {"data": {"viewer": {"login": self.login}}}
        for method, pattern, handler in ROUTES:
            found = re.fullmatch(f"/repos/{OWNER}/{NAME}{pattern}", request.path)
            if found and method == request.method:
                return handler(self, *(unquote(part) for part in found.groups()), request, query)
        raise Refusal(404, "Not Found")

    def repository(self, request: Request, query: Mapping[str, str]) -> Reply:
        known = {"full_name": REPOSITORY, "default_branch": "main"}
        return 200, known | ({"permissions": self.permissions} if self.permissions else {})

    def actions_setting(self, request: Request, query: Mapping[str, str]) -> Reply:
        if self.actions_may_open is None:
            raise Refusal(403, "Resource not accessible by integration")
        may = self.actions_may_open
        return 200, {
            "default_workflow_permissions": "read",
            "can_approve_pull_request_reviews": may,
        }

    def branch_rules(self, branch: str, request: Request, query: Mapping[str, str]) -> Reply:
        return 200, [{"type": kind} for kind in self.rules.get(branch, self.rules.get("*", []))]

    def list_workflows(self, request: Request, query: Mapping[str, str]) -> Reply:
        found = [{"path": path, "state": state} for path, state in self.workflows.items()]
        return 200, {"total_count": len(found), "workflows": found}

    def get_ref(self, branch: str, request: Request, query: Mapping[str, str]) -> Reply:
        sha = self.sha(f"refs/heads/{branch}")
        if sha is None:
            raise Refusal(404, "Not Found")
        return 200, self._ref(branch, sha)

    def create_ref(self, request: Request, query: Mapping[str, str]) -> Reply:
        ref, sha = request.body["ref"], request.body["sha"]
        if self.sha(sha) is None:
            raise Refusal(422, "Object does not exist")
        if self.sha(ref) is not None:
            raise Refusal(422, "Reference already exists")
        git(self.git, "update-ref", ref, sha)
        return 201, self._ref(ref.removeprefix("refs/heads/"), sha)

    def move_ref(self, branch: str, request: Request, query: Mapping[str, str]) -> Reply:
        old, new = self.sha(f"refs/heads/{branch}"), request.body["sha"]
        if old is None:
            raise Refusal(422, "Reference does not exist")
        if not request.body.get("force") and git(self.git, "merge-base", old, new) != old:
            raise Refusal(422, "Update is not a fast forward")
        git(self.git, "update-ref", f"refs/heads/{branch}", new)
        return 200, self._ref(branch, new)

    def get_tree(self, sha: str, request: Request, query: Mapping[str, str]) -> Reply:
        entries = []
        for line in filter(None, git(self.git, "ls-tree", "-l", sha).splitlines()):
            facts, path = line.split("\t")
            mode, kind, blob, size = facts.split()
            entry = {"path": path, "mode": mode, "type": kind, "sha": blob}
            entries.append({**entry, **({"size": int(size)} if size != "-" else {})})
        return 200, {"sha": sha, "tree": entries, "truncated": False}

    def get_blob(self, sha: str, request: Request, query: Mapping[str, str]) -> Reply:
        raw = subprocess.run(
            ["git", "-C", str(self.git), "cat-file", "blob", sha], capture_output=True, check=True
        ).stdout
        return 200, {
            "sha": sha,
            "encoding": "base64",
            "content": base64.encodebytes(raw).decode(),
        }

    def get_commit(self, sha: str, request: Request, query: Mapping[str, str]) -> Reply:
        tree = git(self.git, "rev-parse", f"{sha}^{{tree}}")
        return 200, {"sha": sha, "tree": {"sha": tree}}

    def create_tree(self, request: Request, query: Mapping[str, str]) -> Reply:
        index = {"GIT_INDEX_FILE": str(self.git / "fake-index")}
        git(self.git, "read-tree", request.body["base_tree"], env=index)
        for item in request.body["tree"]:
            content = item["content"].encode()
            blob = git(self.git, "hash-object", "-w", "--stdin", stdin=content)
            entry = f"{item['mode']},{blob},{item['path']}"
            git(self.git, "update-index", "--add", "--cacheinfo", entry, env=index)
        return 201, {"sha": git(self.git, "write-tree", env=index)}

    def create_commit(self, request: Request, query: Mapping[str, str]) -> Reply:
        flags = [flag for parent in request.body["parents"] for flag in ("-p", parent)]
        # GitHub signs what an app commits through the API, and is its committer.
        identity = {
            "GIT_AUTHOR_NAME": BOT["login"],
            "GIT_AUTHOR_EMAIL": "bot@users.noreply.github.com",
            "GIT_COMMITTER_NAME": "GitHub",
            "GIT_COMMITTER_EMAIL": "noreply@github.com",
        }
        message = request.body["message"].encode()
        tree = request.body["tree"]
        sha = git(self.git, "commit-tree", tree, *flags, stdin=message, env=identity)
        return 201, {"sha": sha, "tree": {"sha": tree}}

    def compare(self, base: str, head: str, request: Request, query: Mapping[str, str]) -> Reply:
        try:
            merge_base = git(self.git, "merge-base", base, head)
        except subprocess.CalledProcessError:
            raise Refusal(404, f"No common ancestor between {base} and {head}.") from None
        ahead, behind = merge_base != head, merge_base != base
        status = {
            (True, True): "diverged",
            (True, False): "ahead",
            (False, True): "behind",
            (False, False): "identical",
        }[ahead, behind]
        return 200, {
            "status": status,
            "merge_base_commit": {"sha": merge_base},
            "commits": self._commits(base, head),
        }

    def list_pulls(self, request: Request, query: Mapping[str, str]) -> Reply:
        found = sorted(self.pulls, key=lambda pull: pull.number, reverse=True)
        head = query.get("head", "")
        if ":" in head:  # Without the owner GitHub ignores it silently.
            found = [pull for pull in found if f"{OWNER}:{pull.head}" == head]
        state = query.get("state", "open")
        return 200, [self._pull(pull) for pull in found if state in ("all", pull.state)]

    def create_pull(self, request: Request, query: Mapping[str, str]) -> Reply:
        wanted = request.body
        if self.forbid_pull_requests:
            raise Refusal(
                403, "GitHub Actions is not permitted to create or approve pull requests."
            )
        self._check_body(wanted["body"])
        head = self.sha(f"refs/heads/{wanted['head']}")
        base = self.sha(f"refs/heads/{wanted['base']}")
        if head is None or base is None:
            raise Refusal(422, "Validation Failed", "The head or base is invalid")
        if not self._commits(base, head):
            between = f"No commits between {wanted['base']} and {wanted['head']}"
            raise Refusal(422, "Validation Failed", between)
        if any(pull.head == wanted["head"] and pull.state == "open" for pull in self.pulls):
            exists = f"A pull request already exists for {OWNER}:{wanted['head']}."
            raise Refusal(422, "Validation Failed", exists)
        number = len(self.issues) + 1
        self.issues[number] = Issue(
            number=number,
            user=BOT,
            title=wanted["title"],
            body=wanted["body"],
            created_at=self.now(),
            head=wanted["head"],
            base=wanted["base"],
            head_sha=head,
            base_sha=base,
        )
        return 201, self._pull(self.issues[number])

    def edit_pull(self, number: str, request: Request, query: Mapping[str, str]) -> Reply:
        pull = self._issue(number)
        if "body" in request.body:
            self._check_body(request.body["body"])
        pull.title = request.body.get("title", pull.title)
        pull.body = request.body.get("body", pull.body)
        if request.body.get("state") == "closed" and pull.state == "open":
            self.close(pull.number, BOT)
        return 200, self._pull(pull)

    def pull_commits(self, number: str, request: Request, query: Mapping[str, str]) -> Reply:
        pull = self._issue(number)
        return 200, self._commits(pull.base_sha, self._head_sha(pull))

    def get_issue(self, number: str, request: Request, query: Mapping[str, str]) -> Reply:
        issue = self._issue(number)
        return 200, {"number": issue.number, "state": issue.state, "closed_by": issue.closed_by}

    def list_comments(self, number: str, request: Request, query: Mapping[str, str]) -> Reply:
        return 200, [self._comment(comment) for comment in self._issue(number).comments]

    def create_comment(self, number: str, request: Request, query: Mapping[str, str]) -> Reply:
        self._check_body(request.body["body"])
        self.say(int(number), BOT, request.body["body"])
        return 201, self._comment(self._issue(number).comments[-1])

    def add_labels(self, number: str, request: Request, query: Mapping[str, str]) -> Reply:
        if self.forbid_labels:
            raise Refusal(403, "Resource not accessible by integration")
        issue = self._issue(number)
        issue.labels = list(dict.fromkeys([*issue.labels, *request.body["labels"]]))
        return 200, [{"name": label} for label in issue.labels]

    def permission(self, login: str, request: Request, query: Mapping[str, str]) -> Reply:
        return 200, {"permission": "write" if login in MAINTAINERS else "read"}

    # -- shapes ------------------------------------------------------------------------------------

    def _issue(self, number: str) -> Issue:
        issue = self.issues.get(int(number))
        if issue is None:
            raise Refusal(404, "Not Found")
        return issue

    def _check_body(self, body: str) -> None:
        if len(body) > BODY_LIMIT:
            long = f"body is too long (maximum is {BODY_LIMIT} characters)"
            raise Refusal(422, "Validation Failed", long)

    def _ref(self, branch: str, sha: str) -> Json:
        url = f"{self.url}/repos/{REPOSITORY}/git/refs/heads/{branch}"
        return {"ref": f"refs/heads/{branch}", "url": url, "object": {"type": "commit", "sha": sha}}

    def _head_sha(self, pull: Issue) -> str:
        """The head follows its branch as long as the pull request is open."""
        if pull.state == "open":
            pull.head_sha = self.sha(f"refs/heads/{pull.head}") or pull.head_sha
        return pull.head_sha

    def _pull(self, pull: Issue) -> Json:
        return {
            "number": pull.number,
            "url": f"{self.url}/repos/{REPOSITORY}/pulls/{pull.number}",
            "html_url": f"https://github.example/{REPOSITORY}/pull/{pull.number}",
            "state": pull.state,
            "title": pull.title,
            "body": pull.body,
            "user": pull.user,
            "labels": [{"name": label} for label in pull.labels],
            "created_at": pull.created_at,
            "closed_at": pull.closed_at,
            "merged_at": pull.merged_at,
            "merge_commit_sha": pull.merge_sha,
            "head": {
                "ref": pull.head,
                "sha": self._head_sha(pull),
                "repo": {"full_name": pull.head_repository},
            },
            "base": {"ref": pull.base, "sha": pull.base_sha, "repo": {"full_name": REPOSITORY}},
        }

    def _comment(self, comment: Mapping[str, Json]) -> Json:
        member = comment["user"]["login"] in MAINTAINERS
        return {**comment, "author_association": "MEMBER" if member else "NONE"}

    def _commits(self, base: str, head: str) -> list[Json]:
        form = "%H%x00%an%x00%ae%x00%cn%x00%ce%x00%B%x01"
        listing = git(self.git, "log", "--reverse", f"--format={form}", f"{base}..{head}")
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


ROUTES: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
    ("GET", "", FakeGitHub.repository),
    ("GET", "/git/ref/heads/(.+)", FakeGitHub.get_ref),
    ("POST", "/git/refs", FakeGitHub.create_ref),
    ("PATCH", "/git/refs/heads/(.+)", FakeGitHub.move_ref),
    ("GET", "/git/trees/([0-9a-f]+)", FakeGitHub.get_tree),
    ("GET", "/git/blobs/([0-9a-f]+)", FakeGitHub.get_blob),
    ("GET", "/git/commits/([0-9a-f]+)", FakeGitHub.get_commit),
    ("POST", "/git/trees", FakeGitHub.create_tree),
    ("POST", "/git/commits", FakeGitHub.create_commit),
    ("GET", r"/compare/([0-9a-f]+)\.\.\.([0-9a-f]+)", FakeGitHub.compare),
    ("GET", "/pulls", FakeGitHub.list_pulls),
    ("POST", "/pulls", FakeGitHub.create_pull),
    ("PATCH", r"/pulls/(\d+)", FakeGitHub.edit_pull),
    ("GET", r"/pulls/(\d+)/commits", FakeGitHub.pull_commits),
    ("GET", r"/issues/(\d+)", FakeGitHub.get_issue),
    ("GET", r"/issues/(\d+)/comments", FakeGitHub.list_comments),
    ("POST", r"/issues/(\d+)/comments", FakeGitHub.create_comment),
    ("POST", r"/issues/(\d+)/labels", FakeGitHub.add_labels),
    ("GET", "/collaborators/([^/]+)/permission", FakeGitHub.permission),
    ("GET", "/actions/permissions/workflow", FakeGitHub.actions_setting),
    ("GET", "/actions/workflows", FakeGitHub.list_workflows),
    ("GET", "/rules/branches/(.+)", FakeGitHub.branch_rules),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What happens to a request instead of, or after, its answer."""

    name: str
    status: int | None = None
    """None: the connection closes without an answer."""
    message: str = "fault"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_carried_out: bool = False
    """The request does its work first, as if only the answer were lost."""
    then: Callable[[], object] | None = None
    """Done before the connection closes; it may kill the client."""


LOST_REQUEST = Fault(name="lost request")
LOST_ANSWER = Fault(name="lost answer", is_carried_out=True)
SERVER_ERROR = Fault(name="server error", status=500)
SERVER_ERROR_AFTER = Fault(name="server error after the work", status=502, is_carried_out=True)
CONFLICT = Fault(name="conflict", status=409, message="Git Repository is busy.")
RATE_LIMIT = Fault(
    name="rate limit",
    status=403,
    message="API rate limit exceeded for installation.",
    headers={"X-RateLimit-Reset": "4000000000", "X-RateLimit-Remaining": "0"},
)
SECONDARY_LIMIT = Fault(
    name="secondary limit",
    status=429,
    message="You have exceeded a secondary rate limit.",
)


class _Handler(BaseHTTPRequestHandler):
    fake: FakeGitHub
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # One packet per answer: two would wait for each other.

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        url = urlparse(self.path)
        request = Request(
            method=self.command,
            path=url.path,
            body=body,
            authorization=self.headers.get("Authorization") or "",
        )
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        with self.fake._lock:
            self._serve(request, query)

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def _serve(self, request: Request, query: Mapping[str, str]) -> None:
        fake = self.fake
        fake.requests.append(request)
        fake._calls += 1
        fault = None
        if fake._fault is not None:
            first, planned = fake._fault
            if first <= fake._calls < first + fake._fault_calls:
                fault = planned
        if fault is None or fault.is_carried_out:
            status, body, headers = self._answer(request, query)
        if fault is not None:
            if fault.then is not None:
                fault.then()
            if fault.status is None:
                self.close_connection = True
                return
            status, body, headers = fault.status, {"message": fault.message}, dict(fault.headers)
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _answer(
        self, request: Request, query: Mapping[str, str]
    ) -> tuple[int, Json, dict[str, str]]:
        if request.authorization != f"token {TOKEN}":
            return 401, {"message": "Bad credentials"}, {}
        try:
            status, body = self.fake.answer(request, query)
        except Refusal as refusal:
            return refusal.status, refusal.body, {}
        if not isinstance(body, list) or request.method != "GET":
            return status, body, {}
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        headers = {}
        if len(body) > size * page:
            following = f"{self.fake.url}{request.path}?page={page + 1}&per_page={size}"
            headers["Link"] = f'<{following}>; rel="next"'
        return status, body[size * (page - 1) : size * page], headers

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: `FakeGitHub.requests` is the log."""


@contextmanager
def serve_github(repository: Path) -> Iterator[FakeGitHub]:
    """Serve a fake on a free port; `fake.url` is the `base_url` for the client."""
    fake = FakeGitHub(repository)
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    fake.url = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
