"""Actions: runs of workflows, names of secrets and variables."""

from __future__ import annotations

from tests.fake_github.hub import FakeGitHub, Refusal, Reply, Request, Route


def workflow_runs(fake: FakeGitHub, workflow: str, request: Request) -> Reply:
    found = [run for run in fake.runs if run["path"].endswith(f"/{workflow}")]
    return 200, {"total_count": len(found), "workflow_runs": found}


def names(fake: FakeGitHub, kind: str, request: Request) -> Reply:
    if fake.secrets is None:
        raise Refusal(403, "Resource not accessible by integration")
    known = fake.secrets if kind == "secrets" else set(fake.variables)
    return 200, {"total_count": len(known), kind: [{"name": name} for name in sorted(known)]}


def shared_names(fake: FakeGitHub, kind: str, request: Request) -> Reply:
    return 200, {"total_count": 0, kind: []}


ROUTES: tuple[Route, ...] = (
    ("GET", r"/actions/workflows/([^/]+)/runs", workflow_runs),
    ("GET", "/actions/(secrets|variables)", names),
    ("GET", "/actions/organization-(secrets|variables)", shared_names),
)
