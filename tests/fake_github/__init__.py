"""A small GitHub on 127.0.0.1 for tests: real HTTP, real git objects, GitHub's own refusals.

Backed by a bare repository, so that trees, merges and diffs are real. It knows what a bot that
opens pull requests needs, answers 404 to all else, and logs every request. What it cannot prove:
GitHub's lag, its permissions per endpoint, and signatures.
"""

from tests.fake_github.faults import (
    BAD_GATEWAY,
    CONFLICT,
    FORBIDDEN_LIMIT,
    LOST_ANSWER,
    LOST_REQUEST,
    NOT_FOUND,
    RATE_LIMIT,
    SECONDARY_LIMIT,
    SERVER_ERROR,
    SERVER_ERROR_AFTER,
    TIMEOUT,
    UNPROCESSABLE,
    Fault,
)
from tests.fake_github.hub import (
    ALICE,
    BODY_LIMIT,
    BOT,
    PERSONAL_TOKEN,
    REPOSITORY,
    STRANGER,
    TOKEN,
    FakeGitHub,
    Issue,
    Refusal,
    Reply,
    Request,
    Route,
)
from tests.fake_github.repository import EPOCH, a_bare_repository, commit_on, git
from tests.fake_github.server import serve_github

__all__ = [
    "ALICE",
    "BAD_GATEWAY",
    "BODY_LIMIT",
    "BOT",
    "CONFLICT",
    "EPOCH",
    "FORBIDDEN_LIMIT",
    "LOST_ANSWER",
    "LOST_REQUEST",
    "NOT_FOUND",
    "PERSONAL_TOKEN",
    "RATE_LIMIT",
    "REPOSITORY",
    "SECONDARY_LIMIT",
    "SERVER_ERROR",
    "SERVER_ERROR_AFTER",
    "STRANGER",
    "TIMEOUT",
    "TOKEN",
    "UNPROCESSABLE",
    "FakeGitHub",
    "Fault",
    "Issue",
    "Refusal",
    "Reply",
    "Request",
    "Route",
    "a_bare_repository",
    "commit_on",
    "git",
    "serve_github",
]
