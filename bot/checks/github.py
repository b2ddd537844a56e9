"""Can the bot work on GitHub: its token, the repository's settings, its branches.

Facts and their sources: GitHub's REST documentation (2026-11), "Automatic token authentication",
"Get default workflow permissions", "Get rules for a branch", "Create a check run".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.checks.check import Check, not_checked, ok, problem, warning

ACTIONS_BOT = "github-actions[bot]"
_SETTING = (
    'Settings, Actions, General: turn on "Allow GitHub Actions to create and approve pull requests"'
)
_BLOCKING = {
    "creation": "forbids to create it",
    "update": "forbids to change it",
    "required_signatures": "wants signed commits",
    "commit_message_pattern": "wants commit messages of a certain form",
    "branch_name_pattern": "wants branch names of a certain form",
}
SKEW = timedelta(seconds=60)
"""Beyond it GitHub refuses what an app signs, and clouds an identity of OpenID Connect."""
_PERSONAL = ("ghp_", "github_pat_", "gho_")
_KINDS = {
    "ghs_": "an app's token",
    "ghp_": "a classic personal token",
    "github_pat_": "a fine-grained personal token",
    "gho_": "a token of an OAuth app",
    "ghu_": "a person's token of an app",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class GitHubFacts:
    """What GitHub said. None where it did not say, or not to this token."""

    repository: str
    token: str
    """Only its kind is looked at."""
    is_github_com: bool
    refused: str | None = None
    """Why the repository could not be read at all."""
    login: str | None = None
    """Who the token is."""
    scopes: Sequence[str] | None = None
    """Of a classic personal token."""
    can_push: bool | None = None
    actions_may_open: bool | None = None
    """The setting for pull requests of GITHUB_TOKEN."""
    base: str = "main"
    base_rules: Sequence[str] | None = None
    """Types of the rules on the default branch."""
    branch_rules: Sequence[str] | None = None
    """Types of the rules on branches as the bot makes them."""
    is_archived: bool = False
    has_issues: bool = True
    server_at: datetime | None = None
    """GitHub's clock, where it can be compared."""

    @property
    def is_actions_token(self) -> bool:
        return self.login == ACTIONS_BOT


def check_github(facts: GitHubFacts, *, now: datetime) -> Iterator[Check]:
    """From the token to the first pull request."""
    if facts.refused:
        yield problem(
            "github_token",
            facts.refused,
            "Set GITHUB_TOKEN to a token that may read the repository.",
        )
        return
    yield _token(facts)
    yield _permissions(facts)
    yield _may_open(facts)
    yield from _rules(facts)
    yield _ci(facts)
    yield _check_runs(facts)
    yield from _repository(facts)
    if facts.server_at is not None:
        yield _clock(facts.server_at, now)


def kind_of(token: str) -> str | None:
    """What a token is, by its beginning; None for one of another form."""
    return next((kind for start, kind in _KINDS.items() if token.startswith(start)), None)


def _token(facts: GitHubFacts) -> Check:
    kind = kind_of(facts.token) or "a token of a form that is not known"
    who = f" of {facts.login}" if facts.login else ""
    told = f"GITHUB_TOKEN is {kind}{who} and may read {facts.repository}."
    if facts.token.startswith("ghp_"):
        return warning(
            "github_token",
            told,
            "Use a fine-grained token or an app: a classic token opens all your repositories, and "
            "you could not approve the bot's pull requests.",
        )
    return ok("github_token", told)


def _permissions(facts: GitHubFacts) -> Check:
    needs = "contents: write and pull-requests: write"
    if facts.scopes is not None and not {"repo", "public_repo"} & set(facts.scopes):
        return problem(
            "github_permissions", "The token lacks the scope repo.", f"Make one with {needs}."
        )
    if facts.can_push is False:
        return problem(
            "github_permissions",
            f"The token may not write to {facts.repository}.",
            f"Give it {needs}, or run without it: `debrief propose` needs to read only.",
        )
    if facts.can_push is None:
        return not_checked(
            "github_permissions",
            "GitHub does not say what this token may write.",
            f"It needs {needs}.",
        )
    return ok("github_permissions", f"The token may write to {facts.repository}.")


def _may_open(facts: GitHubFacts) -> Check:
    name = "github_pull_requests"
    if facts.login and not facts.is_actions_token:
        return ok(name, "The token is no GITHUB_TOKEN of Actions, so it may open pull requests.")
    if facts.actions_may_open is None:
        return not_checked(
            name,
            "Only an administrator's token can see whether Actions may create pull requests.",
            f"Look once: {_SETTING}.",
        )
    if facts.actions_may_open:
        return ok(name, "Actions may create pull requests.")
    return problem(
        name,
        "Actions may not create pull requests: the bot would push branches and show links.",
        f"{_SETTING}; in an organisation it may have to be turned on there first.",
    )


def _rules(facts: GitHubFacts) -> Iterator[Check]:
    if facts.branch_rules is None:
        yield not_checked("branch_rules", "The rules of branches cannot be read with this token.")
        return
    # What an app or GITHUB_TOKEN commits through the API is signed by GitHub itself.
    signed = {"required_signatures"} if facts.token.startswith("ghs_") else set()
    blocking = [rule for rule in facts.branch_rules if rule in _BLOCKING.keys() - signed]
    if blocking:
        why = " and ".join(_BLOCKING[rule] for rule in blocking)
        yield warning(
            "branch_rules",
            f"A rule on branches such as debrief/x {why}.",
            "Exempt `debrief/**` in Settings, Rules, Rulesets, or use an app and add it to the "
            "bypass list.",
        )
    else:
        yield ok("branch_rules", "No rule stands against the bot's branches.")
    if "pull_request" not in (facts.base_rules or ()):
        yield warning(
            "review",
            f"No rule asks for a pull request on {facts.base}.",
            f"Require a review on {facts.base}: what the bot proposes should pass a person's eyes.",
        )
    else:
        yield ok("review", f"A change of {facts.base} needs a pull request.")


def _ci(facts: GitHubFacts) -> Check:
    name = "ci_on_pull_requests"
    if facts.login is None:
        return not_checked(
            name,
            "Whose token it is cannot be seen, so neither whether workflows will run.",
            "With GITHUB_TOKEN of Actions they wait for a person; with an app's token they run.",
        )
    if not facts.is_actions_token:
        return ok(name, f"Workflows run on pull requests of {facts.login}.")
    if facts.is_github_com:
        return warning(
            name,
            "On pull requests of GITHUB_TOKEN workflows wait until somebody with write access "
            "starts them in the merge box.",
            "Click there, or use the token of an app: then they run by themselves.",
        )
    return warning(
        name,
        "On pull requests of GITHUB_TOKEN no workflow runs on this server.",
        "Use the token of an app, or close and reopen the pull request by hand.",
    )


def _check_runs(facts: GitHubFacts) -> Check:
    name = "check_runs"
    if facts.token.startswith(_PERSONAL):
        return warning(
            name,
            "A personal token cannot write check runs: evidence is shown in comments only.",
            "Use GITHUB_TOKEN of Actions or the token of an app, with checks: write.",
        )
    return ok(name, "Tokens of this kind can write check runs, where checks: write is granted.")


def _repository(facts: GitHubFacts) -> Iterator[Check]:
    name = "repository"
    if facts.is_archived:
        yield problem(
            name,
            f"{facts.repository} is archived: nothing can be written to it.",
            "Unarchive it in Settings, or point --to at the repository that is in use.",
        )
    elif not facts.has_issues:
        yield warning(
            name,
            "Issues are turned off, so there is no place for the dashboard.",
            "Turn them on in Settings, General, Features.",
        )
    else:
        yield ok(name, f"{facts.repository} can be written to and has issues.")


def _clock(server_at: datetime, now: datetime) -> Check:
    name = "clock_and_github"
    by = abs(now - server_at)
    if by > SKEW:
        return warning(
            name,
            f"This machine's clock and GitHub's differ by {by.total_seconds():.0f} seconds.",
            "Set this machine's clock by NTP: tokens of apps and of OpenID Connect fail beyond a "
            "minute.",
        )
    return ok(name, "This machine's clock and GitHub's agree.")
