"""The description is worth something only if it finds what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.openapi.contract import violations

PULL = {"title": "t", "body": "b", "head": "debrief/p-1", "base": "main"}


@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        pytest.param("GET", "", {}, None, id="the-repository"),
        pytest.param("GET", "/git/ref/heads/debrief/p-1", {}, None, id="a-ref-with-slashes"),
        pytest.param("GET", "/pulls", {"per_page": "100", "state": "all"}, None, id="query"),
        pytest.param("POST", "/pulls", {}, PULL, id="body"),
        pytest.param("DELETE", "/issues/comments/7", {}, None, id="the-longer-path-first"),
    ],
)
def test_what_github_takes_is_in_order(
    method: str, path: str, query: dict[str, str], body: Any
) -> None:
    assert violations(method, path, query, body) == []


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "said"),
    [
        pytest.param("GET", "/pull", {}, None, "no such operation", id="no-path"),
        pytest.param("PUT", "/pulls", {}, PULL, "no such operation", id="no-method"),
        pytest.param("GET", "/pulls", {"status": "all"}, None, "'status'", id="no-parameter"),
        pytest.param("GET", "/pulls", {"state": "merged"}, None, "merged", id="no-value"),
        pytest.param("POST", "/pulls", {}, {"title": "t", "base": "m"}, "head", id="missing"),
        pytest.param("POST", "/pulls", {}, {**PULL, "draft": "no"}, "draft", id="another-type"),
        pytest.param("POST", "/pulls", {}, {**PULL, "lables": []}, "lables", id="misspelt"),
    ],
)
def test_what_github_does_not_take_is_said_of_both_descriptions(
    method: str, path: str, query: dict[str, str], body: Any, said: str
) -> None:
    found = violations(method, path, query, body)

    assert [one.rsplit(" ", 1)[1] for one in found] == ["(github)", "(ghes)"]
    assert all(said in one for one in found)
