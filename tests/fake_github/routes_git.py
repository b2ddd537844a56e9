"""Refs, objects and comparisons, on the real repository behind the fake."""

from __future__ import annotations

import base64
import subprocess

from tests.fake_github.hub import BOT, FakeGitHub, Json, Refusal, Reply, Request, Route
from tests.fake_github.repository import git, git_known


def get_ref(fake: FakeGitHub, branch: str, request: Request) -> Reply:
    sha = fake.sha(f"refs/heads/{branch}")
    if sha is None:
        raise Refusal(404, "Not Found")
    return 200, fake.ref(branch, sha)


def create_ref(fake: FakeGitHub, request: Request) -> Reply:
    ref, sha = request.body["ref"], request.body["sha"]
    if fake.sha(sha) is None:
        raise Refusal(422, "Object does not exist")
    if fake.sha(ref) is not None:
        raise Refusal(422, "Reference already exists")
    git(fake.git, "update-ref", ref, sha)
    return 201, fake.ref(ref.removeprefix("refs/heads/"), sha)


def move_ref(fake: FakeGitHub, branch: str, request: Request) -> Reply:
    old, new = fake.sha(f"refs/heads/{branch}"), request.body["sha"]
    if old is None:
        raise Refusal(422, "Reference does not exist")
    if not request.body.get("force") and git(fake.git, "merge-base", old, new) != old:
        raise Refusal(422, "Update is not a fast forward")
    git(fake.git, "update-ref", f"refs/heads/{branch}", new)
    return 200, fake.ref(branch, new)


def get_tree(fake: FakeGitHub, sha: str, request: Request) -> Reply:
    entries = []
    for line in filter(None, git_known(fake.git, "ls-tree", "-l", sha).splitlines()):
        facts, path = line.split("\t")
        mode, kind, blob, size = facts.split()
        entry = {"path": path, "mode": mode, "type": kind, "sha": blob}
        entries.append({**entry, **({"size": int(size)} if size != "-" else {})})
    return 200, {"sha": sha, "tree": entries, "truncated": False}


def get_blob(fake: FakeGitHub, sha: str, request: Request) -> Reply:
    raw = subprocess.run(
        ["git", "-C", str(fake.git), "cat-file", "blob", sha], capture_output=True, check=True
    ).stdout
    return 200, {
        "sha": sha,
        "encoding": "base64",
        "content": base64.encodebytes(raw).decode(),
    }


def get_commit(fake: FakeGitHub, sha: str, request: Request) -> Reply:
    tree, *parents = git_known(fake.git, "show", "-s", "--format=%T %P", sha).split()
    return 200, {
        "sha": sha,
        "tree": {"sha": tree},
        "parents": [{"sha": parent} for parent in parents],
    }


def create_tree(fake: FakeGitHub, request: Request) -> Reply:
    if fake.forbid_pushes:
        raise Refusal(403, "Resource not accessible by integration")
    index = {"GIT_INDEX_FILE": str(fake.git / "fake-index")}
    base = request.body.get("base_tree")
    git(fake.git, "read-tree", *([base] if base else ["--empty"]), env=index)
    for item in request.body["tree"]:
        if item["path"].startswith(".github/workflows/") and not fake.may_write_workflows:
            raise Refusal(403, "Resource not accessible by integration")
        content = item["content"].encode()
        blob = git(fake.git, "hash-object", "-w", "--stdin", stdin=content)
        entry = f"{item['mode']},{blob},{item['path']}"
        git(fake.git, "update-index", "--add", "--cacheinfo", entry, env=index)
    return 201, {"sha": git(fake.git, "write-tree", env=index)}


def create_commit(fake: FakeGitHub, request: Request) -> Reply:
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
    sha = git(fake.git, "commit-tree", tree, *flags, stdin=message, env=identity)
    return 201, {"sha": sha, "tree": {"sha": tree}}


def create_signed_commit(fake: FakeGitHub, wanted: Json) -> str | None:
    """GraphQL's createCommitOnBranch: None where the branch is not at `expectedHeadOid`."""
    ref = f"refs/heads/{wanted['branch']['branchName']}"
    head = fake.sha(ref)
    if head is None or head != wanted["expectedHeadOid"]:
        return None
    tree = [
        {
            "path": one["path"],
            "mode": "100644",
            "content": base64.b64decode(one["contents"]).decode(),
        }
        for one in wanted["fileChanges"]["additions"]
    ]
    made = create_tree(fake, _asking({"base_tree": f"{head}^{{tree}}", "tree": tree}))[1]["sha"]
    message = f"{wanted['message']['headline']}\n\n{wanted['message']['body']}"
    commit = {"message": message, "tree": made, "parents": [head]}
    sha = str(create_commit(fake, _asking(commit))[1]["sha"])
    git(fake.git, "update-ref", ref, sha)
    fake.signed.append(sha)
    return sha


def _asking(body: Json) -> Request:
    return Request(method="POST", path="", query={}, body=body, authorization="")


def compare(fake: FakeGitHub, base: str, head: str, request: Request) -> Reply:
    try:
        merge_base = git_known(fake.git, "merge-base", base, head)
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
        "commits": fake.commits(base, head),
        "files": _files(fake, merge_base, head),
    }


def _files(fake: FakeGitHub, base: str, head: str) -> list[Json]:
    words = {"A": "added", "D": "removed"}
    found = []
    for line in filter(
        None, git_known(fake.git, "diff", "--raw", "--no-abbrev", base, head).split("\n")
    ):
        facts, path = line.split("\t")
        _, _, old, new, status = facts.split()
        sha = old if status == "D" else new
        found.append({"filename": path, "status": words.get(status, "modified"), "sha": sha})
    return found


def list_commits(fake: FakeGitHub, request: Request) -> Reply:
    """Of the default branch on one path. Commits have fixed times here: `since` says nothing."""
    path = ["--", request.query["path"]] if "path" in request.query else []
    shas = git(fake.git, "log", "--format=%H", "-m", "--first-parent", "main", *path).split()
    messages = [git_known(fake.git, "show", "-s", "--format=%B", sha) for sha in shas]
    return 200, [
        {"sha": sha, "commit": {"message": message}}
        for sha, message in zip(shas, messages, strict=True)
    ]


ROUTES: tuple[Route, ...] = (
    ("GET", "/git/ref/heads/(.+)", get_ref),
    ("POST", "/git/refs", create_ref),
    ("PATCH", "/git/refs/heads/(.+)", move_ref),
    ("GET", "/git/trees/([0-9a-f]+)", get_tree),
    ("GET", "/git/blobs/([0-9a-f]+)", get_blob),
    ("GET", "/git/commits/([0-9a-f]+)", get_commit),
    ("GET", "/commits", list_commits),
    ("POST", "/git/trees", create_tree),
    ("POST", "/git/commits", create_commit),
    ("GET", r"/compare/([0-9a-f]+)\.\.\.([0-9a-f]+)", compare),
)
