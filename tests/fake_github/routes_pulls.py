"""Pull requests, and what they share with issues."""

from __future__ import annotations

from tests.fake_github.hub import BOT, OWNER, FakeGitHub, Issue, Refusal, Reply, Request, Route


def list_pulls(fake: FakeGitHub, request: Request) -> Reply:
    found = sorted(fake.pulls, key=lambda pull: pull.number, reverse=True)
    head = request.query.get("head", "")
    if ":" in head:  # Without the owner GitHub ignores it silently.
        found = [pull for pull in found if f"{OWNER}:{pull.head}" == head]
    state = request.query.get("state", "open")
    return 200, [fake.pull(pull) for pull in found if state in ("all", pull.state)]


def create_pull(fake: FakeGitHub, request: Request) -> Reply:
    wanted = request.body
    if fake.forbid_pull_requests:
        raise Refusal(403, "GitHub Actions is not permitted to create or approve pull requests.")
    fake.check_body(wanted["body"])
    if wanted.get("draft") and fake.forbid_drafts:
        raise Refusal(422, "Draft pull requests are not supported in this repository.")
    head = fake.sha(f"refs/heads/{wanted['head']}")
    base = fake.sha(f"refs/heads/{wanted['base']}")
    if head is None or base is None:
        raise Refusal(422, "Validation Failed", "The head or base is invalid")
    if not fake.commits(base, head):
        between = f"No commits between {wanted['base']} and {wanted['head']}"
        raise Refusal(422, "Validation Failed", between)
    if any(pull.head == wanted["head"] and pull.state == "open" for pull in fake.pulls):
        exists = f"A pull request already exists for {OWNER}:{wanted['head']}."
        raise Refusal(422, "Validation Failed", exists)
    number = len(fake.issues) + 1
    fake.issues[number] = Issue(
        number=number,
        user=BOT,
        title=wanted["title"],
        body=wanted["body"],
        created_at=fake.now(),
        head=wanted["head"],
        base=wanted["base"],
        is_draft=bool(wanted.get("draft")),
        head_sha=head,
        base_sha=base,
    )
    return 201, fake.pull(fake.issues[number])


def edit_pull(fake: FakeGitHub, number: str, request: Request) -> Reply:
    pull = fake.issue(number)
    if "body" in request.body:
        fake.check_body(request.body["body"])
    pull.title = request.body.get("title", pull.title)
    pull.body = request.body.get("body", pull.body)
    pull.updated_at = fake.now()
    if request.body.get("state") == "closed" and pull.state == "open":
        fake.close(pull.number, BOT)
    return 200, fake.pull(pull)


def get_pull(fake: FakeGitHub, number: str, request: Request) -> Reply:
    return 200, fake.pull(fake.issue(number))


def list_reviews(fake: FakeGitHub, number: str, request: Request) -> Reply:
    return 200, [fake.comment(review) for review in fake.issue(number).reviews]


def list_line_comments(fake: FakeGitHub, number: str, request: Request) -> Reply:
    return 200, [fake.comment(comment) for comment in fake.issue(number).line_comments]


def request_reviewers(fake: FakeGitHub, number: str, request: Request) -> Reply:
    """GitHub asks nobody if one of them cannot be asked."""
    pull = fake.issue(number)
    teams = [f"{OWNER}/{team}" for team in request.body.get("team_reviewers", [])]
    wanted = [*request.body.get("reviewers", []), *teams]
    if pull.user["login"] in wanted:
        raise Refusal(422, "Review cannot be requested from pull request author.")
    if not set(wanted) <= fake.reviewers:
        raise Refusal(422, "Reviews may only be requested from collaborators.")
    pull.requested = list(dict.fromkeys([*pull.requested, *wanted]))
    return 201, fake.pull(pull)


def pull_commits(fake: FakeGitHub, number: str, request: Request) -> Reply:
    pull = fake.issue(number)
    return 200, fake.commits(pull.base_sha, fake.head_sha(pull))


def create_comment(fake: FakeGitHub, number: str, request: Request) -> Reply:
    fake.check_body(request.body["body"])
    fake.say(int(number), BOT, request.body["body"])
    return 201, fake.comment(fake.issue(number).comments[-1])


def add_labels(fake: FakeGitHub, number: str, request: Request) -> Reply:
    if fake.forbid_labels:
        raise Refusal(403, "Resource not accessible by integration")
    issue = fake.issue(number)
    issue.labels = list(dict.fromkeys([*issue.labels, *request.body["labels"]]))
    return 200, [{"name": label} for label in issue.labels]


ROUTES: tuple[Route, ...] = (
    ("GET", "/pulls", list_pulls),
    ("POST", "/pulls", create_pull),
    ("GET", r"/pulls/(\d+)", get_pull),
    ("PATCH", r"/pulls/(\d+)", edit_pull),
    ("GET", r"/pulls/(\d+)/reviews", list_reviews),
    ("GET", r"/pulls/(\d+)/comments", list_line_comments),
    ("POST", r"/pulls/(\d+)/requested_reviewers", request_reviewers),
    ("GET", r"/pulls/(\d+)/commits", pull_commits),
    ("POST", r"/issues/(\d+)/comments", create_comment),
    ("POST", r"/issues/(\d+)/labels", add_labels),
)
