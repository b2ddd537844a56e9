"""Can the bot work on GitHub: its token, the repository's settings, its branches, its schedule.

Facts and their sources: GitHub's REST documentation (2026-11), "Automatic token authentication",
"Get default workflow permissions", "Get rules for a branch", "List repository workflows".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
    schedules: Sequence[tuple[str, str]] | None = None
    """Workflows that run Debrief: path and state, `active` or why not."""

    @property
    def is_actions_token(self) -> bool:
        return self.login == ACTIONS_BOT


def check_github(facts: GitHubFacts) -> Iterator[Check]:
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
    yield from _schedule(facts)


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
    blocking = [rule for rule in facts.branch_rules if rule in _BLOCKING]
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


def _schedule(facts: GitHubFacts) -> Iterator[Check]:
    name = "schedule"
    if facts.schedules is None:
        yield not_checked(
            name, "Workflows cannot be listed with this token.", "It would need actions: read."
        )
    elif not facts.schedules:
        yield warning(
            name,
            "No workflow of the repository is called Debrief.",
            "Copy .github/copy/debrief.yml to .github/workflows/, or run `debrief run` elsewhere.",
        )
    for path, state in facts.schedules or ():
        if state == "active":
            yield ok(name, f"{path} is active.")
        elif state == "disabled_inactivity":
            yield problem(
                name,
                f"{path} was disabled: GitHub does that after 60 days without activity in a "
                "public repository.",
                f"Enable it again: `gh workflow enable {path.rpartition('/')[2]}`.",
            )
        else:
            yield problem(
                name,
                f"{path} is {state.replace('_', ' ')}.",
                f"Enable it again: `gh workflow enable {path.rpartition('/')[2]}`.",
            )
