"""The repository itself: its settings, rules, workflows and people."""

from __future__ import annotations

from tests.fake_github.hub import (
    MAINTAINERS,
    REPOSITORY,
    FakeGitHub,
    Refusal,
    Reply,
    Request,
    Route,
)


def repository(fake: FakeGitHub, request: Request) -> Reply:
    known = {
        "full_name": REPOSITORY,
        "default_branch": "main",
        "has_issues": fake.has_issues,
        "archived": fake.is_archived,
    }
    return 200, known | ({"permissions": fake.permissions} if fake.permissions else {})


def actions_setting(fake: FakeGitHub, request: Request) -> Reply:
    if fake.actions_may_open is None:
        raise Refusal(403, "Resource not accessible by integration")
    may = fake.actions_may_open
    return 200, {
        "default_workflow_permissions": "read",
        "can_approve_pull_request_reviews": may,
    }


def branch_rules(fake: FakeGitHub, branch: str, request: Request) -> Reply:
    return 200, [{"type": kind} for kind in fake.rules.get(branch, fake.rules.get("*", []))]


def list_workflows(fake: FakeGitHub, request: Request) -> Reply:
    found = [{"path": path, "state": state} for path, state in fake.workflows.items()]
    return 200, {"total_count": len(found), "workflows": found}


def permission(fake: FakeGitHub, login: str, request: Request) -> Reply:
    return 200, {"permission": "write" if login in MAINTAINERS else "read"}


def combined_status(fake: FakeGitHub, sha: str, request: Request) -> Reply:
    return 200, {"state": "pending", "statuses": []}


def variable(fake: FakeGitHub, name: str, request: Request) -> Reply:
    if name not in fake.variables:
        raise Refusal(404, "Not Found")
    return 200, {"name": name, "value": fake.variables[name]}


ROUTES: tuple[Route, ...] = (
    ("GET", "/commits/([0-9a-f]{40})/status", combined_status),
    ("GET", "/actions/variables/([A-Z_]+)", variable),
    ("GET", "", repository),
    ("GET", "/collaborators/([^/]+)/permission", permission),
    ("GET", "/actions/permissions/workflow", actions_setting),
    ("GET", "/actions/workflows", list_workflows),
    ("GET", "/rules/branches/(.+)", branch_rules),
)
