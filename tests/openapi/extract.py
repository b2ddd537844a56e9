"""Makes the JSON files beside it from GitHub's official OpenAPI descriptions. Run by hand:

    npm pack @octokit/openapi@23.0.2
    python -m tests.openapi.extract octokit-openapi-23.0.2.tgz

The package (28 MB, MIT licence, © Octokit contributors) holds the description of every version of
GitHub. Kept here is only what a client may send under /repos/{owner}/{repo}, in the areas that we
use: parameters and bodies, without the texts. `github.json` is github.com's, `ghes.json` that of
the oldest GitHub Enterprise Server in the package.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path
from typing import Any

SOURCES = {"github": "api.github.com.json", "ghes": "ghes-3.17.json"}
ROOT = "/repos/{owner}/{repo}"
AREAS = (
    "actions/permissions",
    "actions/secrets",
    "actions/organization",
    "actions/variables",
    "actions/workflows",
    "check-runs",
    "collaborators",
    "commits",
    "compare",
    "contents",
    "git",
    "issues",
    "labels",
    "pulls",
    "rules",
    "statuses",
)
TEXTS = frozenset({"description", "example", "examples", "title", "externalDocs", "summary"})
METHODS = frozenset({"get", "post", "put", "patch", "delete"})
DEPTH = 12
"""References are written out; none of those that we use goes deeper."""


def extract(document: dict[str, Any]) -> dict[str, Any]:
    """{path below the repository: {METHOD: {query: {name: schema}, required: [name], body}}}."""
    found: dict[str, Any] = {}
    for path, operations in sorted(document["paths"].items()):
        below = path.removeprefix(ROOT).lstrip("/")
        if not path.startswith(ROOT) or not (below == "" or below.startswith(AREAS)):
            continue
        for method, operation in operations.items():
            if method in METHODS:
                found.setdefault(path.removeprefix(ROOT), {})[method.upper()] = _asked(
                    operation, document
                )
    return found


def _asked(operation: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    parameters = [_whole(one, document, depth=0) for one in operation.get("parameters", [])]
    query = [one for one in parameters if one["in"] == "query"]
    asked: dict[str, Any] = {"query": {one["name"]: one["schema"] for one in query}}
    if required := [one["name"] for one in query if one.get("required")]:
        asked["required"] = required
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        asked["body"] = _whole(body["schema"], document, depth=0)
    return asked


def _whole(value: Any, document: dict[str, Any], *, depth: int) -> Any:
    """Without texts, with references written out, and as JSON Schema says that null is allowed."""
    if depth > DEPTH:
        return {}
    if isinstance(value, list):
        return [_whole(one, document, depth=depth) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        target: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return _whole(target, document, depth=depth + 1)
    kept = {
        key: _properties(one, document, depth) if key == "properties" else one
        for key, one in value.items()
        if key not in TEXTS and not key.startswith("x-")
    }
    kept = {
        key: one if key == "properties" else _whole(one, document, depth=depth)
        for key, one in kept.items()
    }
    if kept.pop("nullable", False) and isinstance(kept.get("type"), str):
        kept["type"] = [kept["type"], "null"]
        if "enum" in kept and None not in kept["enum"]:
            kept["enum"] = [*kept["enum"], None]
    return kept


def _properties(properties: dict[str, Any], document: dict[str, Any], depth: int) -> Any:
    """Their names may be those of texts: a body has a `title` and a `description`."""
    return {name: _whole(one, document, depth=depth) for name, one in properties.items()}


def main(package: str) -> None:
    with tarfile.open(package) as archive:
        for name, source in SOURCES.items():
            member = archive.extractfile(f"package/generated/{source}")
            assert member is not None, source
            document = json.load(member)
            kept = {"version": document["info"]["version"], "paths": extract(document)}
            text = json.dumps(kept, indent=None, separators=(",", ":"), sort_keys=True)
            Path(__file__).with_name(f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
