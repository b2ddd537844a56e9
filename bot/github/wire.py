"""One call to GitHub at a time: who may, how often it is tried, and what a refusal means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import requests
from github import Github, GithubException, GithubRetry, RateLimitExceededException

from bot.errors import CredentialsError, GitHubError

MAX_PAGES = 100
PER_PAGE = 100
MAX_RATE_LIMIT_WAIT_S = 60
NEEDS = "contents: write, pull-requests: write and issues: write"


class Unprocessable(GitHubError):
    """422: GitHub understood the call and will not do it."""


class NotFound(GitHubError):
    """404: not there, or the token may not see it."""


class NotPermitted(GitHubError):
    """403 that no waiting cures: the token or a setting of the repository does not allow it."""


class TokenLacks(CredentialsError):
    """403: the token is good, and has no permission for this call."""


class RateLimited(GitHubError):
    """The limit is used up for longer than a run may wait."""


Verb = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]


class Wire:
    """Calls under `/repos/OWNER/NAME`."""

    def __init__(
        self,
        repository: str,
        *,
        web_url: str,
        client: Github,
        once: Github,
        token_variable: str,
        read_only: bool,
        signs_commits: bool,
    ) -> None:
        self.repository = repository
        self.signs_commits = signs_commits
        """GitHub signs what this token commits by REST: apps only, GITHUB_TOKEN among them."""
        self.web_url = web_url
        """Where people see the repository."""
        self._requester = client.requester
        self._once = once.requester
        self._token_variable = token_variable
        self._read_only = read_only

    def send(
        self,
        verb: Verb,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        repeatable: bool = True,
    ) -> tuple[dict[str, Any], Any]:
        """One call under `/repos/OWNER/NAME`: (headers, JSON). Tried again only if `repeatable`.

        Raises:
            CredentialsError: the token is not accepted.
            TokenLacks: it may not do this.
            Unprocessable: 422.
            NotPermitted: 403 that says something about this one action.
            RateLimited: the limit is used up for more than `MAX_RATE_LIMIT_WAIT_S`.
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
            return RateLimited(f"{said}; wait for the rate limit and run again")
        if error.status == 403 and "not accessible" in message:
            return TokenLacks(
                f"{said}; the token in {self._token_variable} needs {NEEDS} on {self.repository}"
            )
        if error.status == 403:
            return NotPermitted(said)
        if error.status in (404, 410):  # 410: the repository has its issues turned off.
            return NotFound(f"{said}; it is gone, or the token may not see it (needs {NEEDS})")
        if error.status == 422:
            return Unprocessable(said)
        return GitHubError(f"{said}; run again later")

    def get(self, path: str, /, **parameters: Any) -> Any | None:
        """JSON, or None where GitHub says 404."""
        try:
            return self.send("GET", path, parameters=parameters)[1]
        except NotFound:
            return None

    def mutate(self, name: str, wanted: Mapping[str, Any], answer: str) -> bool:
        """One GraphQL mutation; False where GitHub refuses it or does not know it."""
        if self._read_only:
            raise NotPermitted(f"this client only reads and will not {name}")
        try:
            self._once.graphql_named_mutation(name, dict(wanted), answer)
        except (GithubException, requests.RequestException, RuntimeError, ValueError):
            return False
        return True

    def pages(self, path: str, /, **parameters: Any) -> Iterator[Any]:
        """The items of a list over all its pages, at most `MAX_PAGES`."""
        for page in range(1, MAX_PAGES + 1):
            query = {**parameters, "per_page": PER_PAGE, "page": page}
            headers, items = self.send("GET", path, parameters=query)
            yield from items
            if 'rel="next"' not in headers.get("link", ""):
                return
        raise GitHubError(f"{path} has more than {MAX_PAGES * PER_PAGE} entries; that is too many")


class Patience(GithubRetry):
    """Tries again what passes soon, and gives up at once on what does not.

    PyGithub looks at the time that a limit of the API names, urllib3 at `Retry-After`, of which it
    would wait the first minute of each hour: to no end, three times.
    """

    def increment(
        self, method: str | None = None, url: str | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        response = kwargs.get("response")
        asked = response.headers.get("Retry-After", "") if response is not None else ""
        if response is not None and asked.isdigit() and int(asked) > MAX_RATE_LIMIT_WAIT_S:
            said = {"message": f"it asks to come back in {asked} s"}
            raise RateLimitExceededException(response.status, said, dict(response.headers))
        return super().increment(method, url, *args, **kwargs)


def retry(total: int, pause_s: float) -> Patience:
    """What is tried again, and how long a run waits for it at most."""
    return Patience(
        total=total,
        backoff_factor=pause_s,
        max_rate_limit_wait=MAX_RATE_LIMIT_WAIT_S,
        retry_after_max=MAX_RATE_LIMIT_WAIT_S,
        # PyGithub leaves out 429, which GitHub documents beside 403, and the last three methods,
        # which are safe to repeat as we use them: they set a value or remove a thing.
        status_forcelist=[429, 500, 502, 503, 504],
        allowed_methods=frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"}),
    )
