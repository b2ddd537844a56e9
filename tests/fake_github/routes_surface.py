"""Issues, comments with reactions, check runs, statuses and the files of a pull request."""

from __future__ import annotations

import re

from tests.fake_github.hub import (
    BOT,
    MAINTAINERS,
    FakeGitHub,
    Issue,
    Json,
    Refusal,
    Reply,
    Request,
    Route,
)
from tests.fake_github.repository import git

ANNOTATIONS_OF_A_REQUEST = 50


def list_issues(fake: FakeGitHub, request: Request) -> Reply:
    """Pull requests are issues here, as on GitHub."""
    if fake.forbid_issues:
        raise Refusal(403, "Resource not accessible by integration")
    _need_issues(fake)
    query = request.query
    found = sorted(fake.issues.values(), key=lambda one: one.number, reverse=True)
    state = query.get("state", "open")
    found = [one for one in found if state in ("all", one.state)]
    if "labels" in query:
        wanted = set(query["labels"].split(","))
        found = [one for one in found if wanted <= set(one.labels)]
    if "creator" in query:
        found = [one for one in found if one.user["login"] == query["creator"]]
    return 200, [shape(fake, one) for one in found]


def get_issue(fake: FakeGitHub, number: str, request: Request) -> Reply:
    return 200, shape(fake, fake.issue(number))


def create_issue(fake: FakeGitHub, request: Request) -> Reply:
    _need_issues(fake)
    fake.check_body(request.body["body"])
    number = len(fake.issues) + 1
    fake.issues[number] = Issue(
        number=number,
        user=BOT,
        title=request.body["title"],
        body=request.body["body"],
        created_at=fake.now(),
        labels=list(request.body.get("labels", [])),
    )
    return 201, shape(fake, fake.issues[number])


def edit_issue(fake: FakeGitHub, number: str, request: Request) -> Reply:
    issue = fake.issue(number)
    if "body" in request.body:
        fake.check_body(request.body["body"])
    issue.title = request.body.get("title", issue.title)
    issue.body = request.body.get("body", issue.body)
    if request.body.get("state") == "closed" and issue.state == "open":
        fake.close(issue.number, BOT)
    return 200, shape(fake, issue)


def all_comments(fake: FakeGitHub, request: Request) -> Reply:
    found = [
        _comment(fake, issue, comment)
        for issue in fake.issues.values()
        for comment in issue.comments
        if comment["created_at"] >= request.query.get("since", "")
    ]
    newest_first = request.query.get("direction") == "desc"
    return 200, sorted(found, key=lambda one: one["created_at"], reverse=newest_first)


def list_comments(fake: FakeGitHub, number: str, request: Request) -> Reply:
    issue = fake.issue(number)
    return 200, [_comment(fake, issue, comment) for comment in issue.comments]


def get_comment(fake: FakeGitHub, comment_id: str, request: Request) -> Reply:
    return 200, _comment(fake, *_find(fake, comment_id))


def edit_comment(fake: FakeGitHub, comment_id: str, request: Request) -> Reply:
    issue, comment = _find(fake, comment_id)
    comment["body"], comment["updated_at"] = request.body["body"], fake.now()
    return 200, _comment(fake, issue, comment)


def delete_comment(fake: FakeGitHub, comment_id: str, request: Request) -> Reply:
    issue, comment = _find(fake, comment_id)
    issue.comments.remove(comment)
    return 204, None


def list_reactions(fake: FakeGitHub, comment_id: str, request: Request) -> Reply:
    return 200, _find(fake, comment_id)[1].get("reacted", [])


def react(fake: FakeGitHub, comment_id: str, request: Request) -> Reply:
    _, comment = _find(fake, comment_id)
    given = {"content": request.body["content"], "user": BOT}
    known = comment.setdefault("reacted", [])
    if given in known:
        return 200, given
    known.append(given)
    return 201, given


def pull_files(fake: FakeGitHub, number: str, request: Request) -> Reply:
    pull = fake.issue(number)
    # Of a merged one: what its branch had changed by then.
    into = pull.base_sha if pull.merged_at else pull.base
    base = git(fake.git, "merge-base", into, fake.head_sha(pull))
    found = []
    for line in git(fake.git, "diff", "--name-status", base, fake.head_sha(pull)).splitlines():
        status, path = line.split("\t")[0], line.split("\t")[-1]
        patch = git(fake.git, "diff", base, fake.head_sha(pull), "--", path)
        hunks = re.search(r"^@@.*", patch, re.MULTILINE | re.DOTALL)
        named = {"A": "added", "D": "removed"}.get(status, "modified")
        shown = {"patch": hunks[0]} if hunks else {}
        head = fake.head_sha(pull)
        blob = {} if status == "D" else {"sha": git(fake.git, "rev-parse", f"{head}:{path}")}
        found.append({"filename": path, "status": named, **blob, **shown})
    return 200, found


def list_checks(fake: FakeGitHub, sha: str, request: Request) -> Reply:
    _need_checks(fake)
    name = request.query.get("check_name")
    found = [run for run in fake.checks if run["head_sha"] == sha and name in (None, run["name"])]
    return 200, {"total_count": len(found), "check_runs": found}


def create_check(fake: FakeGitHub, request: Request) -> Reply:
    _need_checks(fake)
    run = {"id": len(fake.checks) + 1, "annotations": [], **request.body}
    fake.checks.append(run)
    return 201, _annotated(run, request.body)


def edit_check(fake: FakeGitHub, check_id: str, request: Request) -> Reply:
    run = fake.checks[int(check_id) - 1]
    run |= {key: value for key, value in request.body.items() if key != "output"}
    return 200, _annotated(run, request.body)


def list_statuses(fake: FakeGitHub, sha: str, request: Request) -> Reply:
    return 200, [one for one in reversed(fake.statuses) if one["sha"] == sha]


def create_status(fake: FakeGitHub, sha: str, request: Request) -> Reply:
    if fake.forbid_statuses:
        raise Refusal(403, "Resource not accessible by personal access token")
    if len(request.body["description"]) > 140:
        raise Refusal(422, "Validation Failed", "description is too long (maximum is 140)")
    fake.statuses.append({"sha": sha, **request.body})
    return 201, fake.statuses[-1]


def get_other_ref(fake: FakeGitHub, name: str, request: Request) -> Reply:
    sha = fake.sha(f"refs/{name}")
    if sha is None:
        raise Refusal(404, "Not Found")
    return 200, {"ref": f"refs/{name}", "object": {"type": "commit", "sha": sha}}


def move_other_ref(fake: FakeGitHub, name: str, request: Request) -> Reply:
    old, new = fake.sha(f"refs/{name}"), request.body["sha"]
    if old is None:
        raise Refusal(422, "Reference does not exist")
    if git(fake.git, "merge-base", old, new) != old:
        raise Refusal(422, "Update is not a fast forward")
    git(fake.git, "update-ref", f"refs/{name}", new)
    return 200, {"ref": f"refs/{name}", "object": {"type": "commit", "sha": new}}


# -- shapes ----------------------------------------------------------------------------------------


def shape(fake: FakeGitHub, issue: Issue) -> Json:
    member = issue.user["login"] in MAINTAINERS
    pull = {"pull_request": {"url": ""}} if issue.head is not None else {}
    return {
        "number": issue.number,
        "html_url": f"https://github.example/acme/agent/issues/{issue.number}",
        "state": issue.state,
        "title": issue.title,
        "body": issue.body,
        "user": issue.user,
        "author_association": "MEMBER" if member else "NONE",
        "labels": [{"name": label} for label in issue.labels],
        "created_at": issue.created_at,
        "closed_by": issue.closed_by,
        **pull,
    }


def _comment(fake: FakeGitHub, issue: Issue, comment: dict[str, Json]) -> Json:
    shown = {key: value for key, value in fake.comment(comment).items() if key != "reacted"}
    return {
        "updated_at": comment["created_at"],
        **shown,
        "issue_url": f"{fake.url}/repos/acme/agent/issues/{issue.number}",
        "reactions": {"total_count": len(comment.get("reacted", []))},
    }


def _find(fake: FakeGitHub, comment_id: str) -> tuple[Issue, dict[str, Json]]:
    for issue in fake.issues.values():
        for comment in issue.comments:
            if comment["id"] == int(comment_id):
                return issue, comment
    raise Refusal(404, "Not Found")


def _annotated(run: dict[str, Json], body: Json) -> Json:
    output = body.get("output", {})
    annotations = output.get("annotations", [])
    if len(annotations) > ANNOTATIONS_OF_A_REQUEST:
        raise Refusal(422, "Validation Failed", "annotations exceeds a maximum of 50")
    if len(output.get("summary", "")) > 65_535:
        raise Refusal(422, "Validation Failed", "summary is too long")
    run["annotations"] = [*run["annotations"], *annotations]
    return run


def _need_issues(fake: FakeGitHub) -> None:
    if not fake.has_issues:
        raise Refusal(410, "Issues has been disabled in this repository.")


def _need_checks(fake: FakeGitHub) -> None:
    if fake.forbid_checks:
        raise Refusal(403, "Resource not accessible by personal access token")


ROUTES: tuple[Route, ...] = (
    ("GET", "/issues", list_issues),
    ("POST", "/issues", create_issue),
    ("GET", r"/issues/(\d+)", get_issue),
    ("PATCH", r"/issues/(\d+)", edit_issue),
    ("GET", "/issues/comments", all_comments),
    ("GET", r"/issues/(\d+)/comments", list_comments),
    ("GET", r"/issues/comments/(\d+)", get_comment),
    ("PATCH", r"/issues/comments/(\d+)", edit_comment),
    ("DELETE", r"/issues/comments/(\d+)", delete_comment),
    ("GET", r"/issues/comments/(\d+)/reactions", list_reactions),
    ("POST", r"/issues/comments/(\d+)/reactions", react),
    ("GET", r"/pulls/(\d+)/files", pull_files),
    ("GET", "/commits/([0-9a-f]+)/check-runs", list_checks),
    ("POST", "/check-runs", create_check),
    ("PATCH", r"/check-runs/(\d+)", edit_check),
    ("GET", "/commits/([0-9a-f]+)/statuses", list_statuses),
    ("POST", "/statuses/([0-9a-f]+)", create_status),
    ("GET", "/git/ref/(debrief/.+)", get_other_ref),
    ("PATCH", "/git/refs/(debrief/.+)", move_other_ref),
)
