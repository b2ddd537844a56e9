"""Which instrumentation a repository uses, by its lists of dependencies, and what turns text on.

Takes the repository's files; gives one `Instrumentation` for each package that is known. What each
sends was seen in the captures of docs/dialects.md.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from bot.records import SourceFile
from collector.dialects.switches import switch_for

_BY_DEFAULT = ""
"""Sends texts without being asked."""
_KNOWN = (
    # (beginning of the distribution's name, scope whose switch it has, or that it needs none)
    ("opentelemetry-instrumentation-genai-", "opentelemetry.instrumentation.genai"),
    ("opentelemetry-instrumentation-openai-v2", "opentelemetry.instrumentation.openai_v2"),
    ("opentelemetry-instrumentation-openai", _BY_DEFAULT),
    ("opentelemetry-instrumentation-anthropic", _BY_DEFAULT),
    ("opentelemetry-instrumentation-bedrock", _BY_DEFAULT),
    ("opentelemetry-instrumentation-langchain", _BY_DEFAULT),
    ("opentelemetry-instrumentation-google-genai", "opentelemetry.instrumentation.google_genai"),
    ("opentelemetry-instrumentation-vertexai", "opentelemetry.instrumentation.vertexai"),
    ("opentelemetry-instrumentation-botocore", "opentelemetry.instrumentation.botocore"),
    ("traceloop-sdk", _BY_DEFAULT),
    ("@traceloop/node-server-sdk", _BY_DEFAULT),
    ("@traceloop/instrumentation-", _BY_DEFAULT),
    ("openinference-instrumentation-crewai", "openinference.instrumentation.crewai"),
    ("openinference-instrumentation-haystack", "openinference.instrumentation.haystack"),
    ("openinference-instrumentation", _BY_DEFAULT),
    ("@arizeai/openinference-", _BY_DEFAULT),
    ("arize-phoenix-otel", _BY_DEFAULT),
    ("langfuse", _BY_DEFAULT),
    ("@langfuse/", _BY_DEFAULT),
    ("langsmith", _BY_DEFAULT),
    ("logfire", _BY_DEFAULT),
    ("pydantic-ai", _BY_DEFAULT),
    ("mlflow", _BY_DEFAULT),
    ("openlit", _BY_DEFAULT),
    ("strands-agents", _BY_DEFAULT),
    ("google-adk", "gcp.vertex.agent"),
    ("semantic-kernel", "semantic_kernel"),
    ("agent-framework", "agent_framework"),
    ("litellm", _BY_DEFAULT),
    ("@opentelemetry/instrumentation-openai", "opentelemetry.instrumentation.openai_v2"),
    ("@ai-sdk/otel", _BY_DEFAULT),
    ("agent-debrief-sdk", _BY_DEFAULT),
)
_NEEDS_A_CALL = {
    "ai": "pass `experimental_telemetry: { isEnabled: true }` in every call of the Vercel AI SDK",
    "pydantic-ai": "call `Agent.instrument_all()` or use Logfire",
    "litellm": 'set `litellm.callbacks = ["otel"]`',
    "langsmith": "set LANGSMITH_OTEL_ENABLED=true and LANGSMITH_TRACING=true where the agent runs",
    "mlflow": "set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and call `mlflow.<library>.autolog()`",
}
"""Libraries that send nothing until they are told to."""
_CLIENTS = ("openai", "anthropic", "google-genai", "@anthropic-ai/sdk", "@google/genai", "boto3")
_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
MAX_FOUND = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Instrumentation:
    """One package that sends, or could send, what the agent says."""

    package: str
    path: str
    """The list of dependencies that names it."""
    switch: str | None
    """What has to be set so that texts come; None where they come by themselves."""


def find_instrumentation(files: Mapping[str, SourceFile]) -> tuple[Instrumentation, ...]:
    """All known packages that the repository depends on, each once, at most `MAX_FOUND`."""
    found: dict[str, Instrumentation] = {}
    for path, package in _dependencies(files):
        known = _known(package)
        if known is not None and package not in found:
            found[package] = Instrumentation(package=package, path=path, switch=known or None)
    return tuple(found[name] for name in sorted(found)[:MAX_FOUND])


def silent_clients(files: Mapping[str, SourceFile]) -> tuple[tuple[str, str], ...]:
    """(package, path) of model clients in a repository without any instrumentation."""
    dependencies = list(_dependencies(files))
    if any(_known(package) is not None for _, package in dependencies):
        return ()
    clients = {package: path for path, package in dependencies if package in _CLIENTS}
    return tuple(sorted(clients.items()))


def _known(package: str) -> str | None:
    """The switch of a known package, empty where it needs none; None for all others."""
    if package in _NEEDS_A_CALL:
        return _NEEDS_A_CALL[package]
    for start, scope in _KNOWN:
        if package.startswith(start):
            return switch_for(scope) if scope else ""
    return None


def _dependencies(files: Mapping[str, SourceFile]) -> Iterator[tuple[str, str]]:
    """(path of the list, package); a list that does not parse names nothing."""
    for path in sorted(files):
        text, name = files[path].text, PurePosixPath(path).name.lower()
        if "node_modules" in path:
            continue
        if name == "package.json":
            yield from ((path, package) for package in _of_package_json(text))
        elif name == "pyproject.toml":
            yield from ((path, package) for package in _of_pyproject(text))
        elif name.startswith("requirements") and name.endswith((".txt", ".in")):
            yield from ((path, package) for package in _names(text.splitlines()))


def _of_package_json(text: str) -> Iterator[str]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    for section in ("dependencies", "devDependencies", "peerDependencies"):
        listed = document.get(section) if isinstance(document, dict) else None
        yield from listed if isinstance(listed, dict) else ()


def _of_pyproject(text: str) -> Iterator[str]:
    """Dependencies of PEP 621, of dependency groups (PEP 735) and of Poetry."""
    try:
        document: Any = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    project, poetry = _table(document, "project"), _table(document, "tool", "poetry")
    optional = _table(project, "optional-dependencies").values()
    for listed in (
        project.get("dependencies"),
        *optional,
        *_table(document, "dependency-groups").values(),
    ):
        yield from _names(line for line in listed or () if isinstance(line, str))
    groups = [_table(group, "dependencies") for group in _table(poetry, "group").values()]
    for table in (_table(poetry, "dependencies"), *groups):
        yield from _names(table)


def _table(value: Any, *keys: str) -> Mapping[str, Any]:
    """What stands under `keys`; empty where there is no table."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _names(lines: Iterable[str]) -> Iterator[str]:
    """Distribution names, normalised as PEP 503 wants."""
    for line in lines:
        if found := _NAME.match(line):
            yield re.sub(r"[-_.]+", "-", found[1]).lower()
