"""Which agents a repository holds, and which of its files make each of them.

Takes the repository's files and, where a store could be read, the names and system prompts of the
agents that send conversations; gives an `Inventory`. Files are told apart by the package or folder
that they stand in, and inside one by the names of agents in their paths or by what was captured.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from bot.records import SourceFile
from bot.regions import NotParsed
from bot.setup.evidence import Evidence, Kind, evidence_of
from bot.setup.instrumentation import Instrumentation, find_instrumentation, silent_clients
from bot.watched import RESEMBLES, resemblance

KINDS: tuple[Kind, ...] = ("prompts", "harness", "configs", "thresholds")
_MANIFESTS = frozenset(
    ("package.json", "pyproject.toml", "setup.py", "requirements.txt", "deno.json", "go.mod")
)
_PARENTS = frozenset(("agents", "apps", "services", "packages", "bots", "assistants", "examples"))
"""Each folder in one of these is a thing of its own."""
_SHARED = frozenset(("shared", "common", "core", "lib", "libs", "prompts", "config", "tools"))
_QUOTED_NAME = r"""["'`]([A-Za-z0-9][\w .:/-]{0,78}\w|\w)["'`]"""
_TELEMETRY = (
    (re.compile(r"\bOTEL_SERVICE_NAME[\"']?\s*[=:,]\s*[\"']?([A-Za-z0-9][\w.-]{0,79})"),
     "OTEL_SERVICE_NAME"),
    (
        # As Kubernetes and others write a variable.
        re.compile(r"\bname:\s*OTEL_SERVICE_NAME\s+value:\s*[\"']?([A-Za-z0-9][\w.-]{0,79})"),
        "OTEL_SERVICE_NAME",
    ),
    (re.compile(rf"\bservice\.name[\"']?\]?\s*[=:,]\s*{_QUOTED_NAME}"), "service.name"),
    (re.compile(rf"\b(?:ATTR_)?SERVICE_NAME\]?\s*[:,]\s*{_QUOTED_NAME}"), "service.name"),
    (re.compile(rf"\bserviceName\s*:\s*{_QUOTED_NAME}"), "serviceName"),
    (re.compile(rf"\bgen_ai\.agent\.name[\"']?\s*[=:,]\s*{_QUOTED_NAME}"), "gen_ai.agent.name"),
    (re.compile(rf"\bdebrief\.init\(\s*{_QUOTED_NAME}"), "debrief.init"),
    (re.compile(rf"\b(?:app_name\s*=|appName\s*:)\s*{_QUOTED_NAME}"), "the name of the app"),
    (re.compile(rf"\bAgent\w*(?:\[[^\]\n]*\])?\(\s*\{{?\s*name\s*[=:]\s*{_QUOTED_NAME}"),
     "Agent(name)"),
)  # fmt: skip
"""Where code says under which name its telemetry goes out."""
_NO_NAME = re.compile(r"(?:service|telemetry|gen_ai|otel|deployment|http)\.|unknown_service", re.I)
_SAYS_NAMES = re.compile(
    r"^(?!.*(?:^|/)(?:tests?|__tests__|node_modules|docs|bench|\.[^/]+)/)"
    r".*(?:\.(?:py|[mc]?[jt]sx?|ya?ml|toml|env|sh|tf)|\.env[.\w]*|Dockerfile|Makefile|Procfile)$"
)
"""Files that start the agent or are its code."""
MAX_NAMES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundAgent:
    """One agent, and why it is taken for one."""

    name: str
    why: str
    match: tuple[str, ...] = ()
    """Other names that the code gives it."""
    files: tuple[Evidence, ...] = ()

    def of(self, kind: Kind) -> tuple[Evidence, ...]:
        return tuple(one for one in self.files if one.kind == kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """What a repository says about its agents."""

    agents: tuple[FoundAgent, ...]
    instrumentation: tuple[Instrumentation, ...] = ()
    silent_clients: tuple[tuple[str, str], ...] = ()
    """(package, path) of model clients that nothing instruments."""
    unassigned: tuple[Evidence, ...] = ()
    """Files of an agent, in a part of the repository that has none."""
    unreadable: tuple[tuple[str, str], ...] = ()
    """(path, why) of files that look like an agent's and do not parse."""


@dataclass(frozen=True, slots=True)
class _Name:
    name: str
    why: str
    path: str = ""
    is_sent: bool = False
    """Conversations arrive under it."""


def take_inventory(
    files: Mapping[str, SourceFile],
    *,
    repository: str,
    systems: Mapping[str, Sequence[str]] | None = None,
) -> Inventory:
    """`repository`: its name, for an agent that nothing else names. `systems`: agent that sends
    conversations to a few of its captured system prompts; they may be empty."""
    found: list[Evidence] = []
    unreadable: list[tuple[str, str]] = []
    for path in sorted(files):
        try:
            found += evidence_of(path, files[path].text)
        except NotParsed as error:
            unreadable.append((path, str(error)))
    roots = _roots(files)
    roots |= _twins(found, roots)
    names = list(_telemetry_names(files))
    parts: dict[str, list[Evidence]] = {}
    for one in found:
        parts.setdefault(_root_of(one.path, roots), []).append(one)
    parts, unassigned = _with_prompts(parts)
    sent = dict(systems or {})
    agents: list[FoundAgent] = []
    for root, evidence in sorted(parts.items()):
        own = [name for name in names if _root_of(name.path, roots) == root]
        own = _senders(root, evidence, files, sent, alone=len(parts) == 1) or own
        if not own:
            own = [_fallback(root, files, repository)]
        agents += _divided(own, evidence, files, sent)
    known = {agent.name for agent in agents}
    agents += [
        FoundAgent(name=name, why="sends conversations; no file of it was found")
        for name in sorted(sent)
        if name not in known
    ]
    return Inventory(
        agents=_merged(agents),
        instrumentation=find_instrumentation(files),
        silent_clients=silent_clients(files),
        unassigned=unassigned,
        unreadable=tuple(unreadable),
    )


# ---- parts of the repository --------------------------------------------------------------------


def _roots(paths: Iterable[str]) -> frozenset[str]:
    """Folders that are a package or an agent of their own; empty for the repository's root."""
    roots = {""}
    for path in paths:
        *folders, name = PurePosixPath(path).parts
        if name in _MANIFESTS:
            roots.add("/".join(folders))
        for depth, folder in enumerate(folders[:-1]):
            if folder.lower() in _PARENTS:
                roots.add("/".join(folders[: depth + 2]))
    return frozenset(roots)


def _twins(found: Sequence[Evidence], roots: frozenset[str]) -> frozenset[str]:
    """Folders beside one another where at least two have prompts and tools of their own."""
    kinds: dict[str, set[str]] = {}
    for one in found:
        root = _root_of(one.path, roots)
        below = PurePosixPath(one.path).relative_to(root).parts
        if len(below) > 1:
            kinds.setdefault("/".join(filter(None, (root, below[0]))), set()).add(one.kind)
    whole = [folder for folder, has in kinds.items() if {"prompts", "harness"} <= has]
    parents = [PurePosixPath(folder).parent for folder in whole]
    return frozenset(
        folder
        for folder, has in kinds.items()
        if parents.count(PurePosixPath(folder).parent) > 1
        and "prompts" in has
        and PurePosixPath(folder).name.lower() not in _SHARED
    )


def _root_of(path: str, roots: frozenset[str]) -> str:
    """The innermost root around a file."""
    folders = PurePosixPath(path).parts[:-1]
    around = ("/".join(folders[:depth]) for depth in range(len(folders), -1, -1))
    return next(folder for folder in around if folder in roots)


def _with_prompts(
    parts: Mapping[str, list[Evidence]],
) -> tuple[dict[str, list[Evidence]], tuple[Evidence, ...]]:
    """Only parts with prompts are agents: what others hold goes to the nearest one around them, or
    to the only one; else it is left over. Without any prompt all is one part."""
    mains = [root for root, found in parts.items() if any(one.kind == "prompts" for one in found)]
    if not mains:
        whole = [one for found in parts.values() for one in found]
        return ({"": whole} if whole else {}), ()
    kept = {root: list(parts[root]) for root in mains}
    left: list[Evidence] = []
    for root, found in parts.items():
        if root in kept and root in mains:
            continue
        around = [main for main in mains if not main or root.startswith(f"{main}/")]
        home = max(around, key=len) if around else mains[0] if len(mains) == 1 else None
        (left if home is None else kept[home]).extend(found)
    return kept, tuple(left)


# ---- names --------------------------------------------------------------------------------------


def _telemetry_names(files: Mapping[str, SourceFile]) -> Iterator[_Name]:
    """Names under which the code sends, each with where it says so."""
    seen: set[tuple[str, str]] = set()
    for path in sorted(files):
        if not _SAYS_NAMES.match(path):
            continue
        for pattern, where in _TELEMETRY:
            for found in pattern.finditer(files[path].text):
                key = (found[1], str(PurePosixPath(path).parent))
                if key not in seen and len(seen) < MAX_NAMES and not _NO_NAME.match(found[1]):
                    seen.add(key)
                    yield _Name(found[1], f"named by {where} in {path}", path)


def _senders(
    root: str,
    evidence: Sequence[Evidence],
    files: Mapping[str, SourceFile],
    systems: Mapping[str, Sequence[str]],
    *,
    alone: bool,
) -> list[_Name]:
    """Agents of the store that belong to this part: it is the only one, bears their name, or holds
    a prompt that was captured."""
    prompts = [files[one.path].text for one in evidence if one.kind == "prompts"]
    found = []
    for name in sorted(systems):
        if root and _bears(name, root):
            found.append(
                _Name(name, "sends conversations, and the folder bears its name", is_sent=True)
            )
        elif any(resemblance(p, s) >= RESEMBLES for p in prompts for s in systems[name]):
            found.append(_Name(name, "sends conversations with this prompt", is_sent=True))
        elif alone:
            found.append(_Name(name, "sends conversations", is_sent=True))
    return found


def _fallback(root: str, files: Mapping[str, SourceFile], repository: str) -> _Name:
    """The package's name, else the folder's, else the repository's."""
    at = f"{root}/" if root else ""
    for path, read in ((f"{at}package.json", json.loads), (f"{at}pyproject.toml", tomllib.loads)):
        name = _named_in(files[path].text, read) if path in files else None
        if name:
            return _Name(name, f"the package's name in {path}; telemetry may say another")
    if root:
        return _Name(PurePosixPath(root).name, "the folder's name; telemetry may say another")
    return _Name(repository, "the repository's name; telemetry may say another")


def _named_in(text: str, read: Any) -> str | None:
    try:
        document = read(text)
    except (ValueError, RecursionError):
        return None
    tables = document if isinstance(document, dict) else {}
    poetry = (tables.get("tool") or {}).get("poetry") if read is tomllib.loads else None
    for place in (document, tables.get("project"), poetry):
        name = place.get("name") if isinstance(place, dict) else None
        if isinstance(name, str) and name.strip():
            return name.rpartition("/")[2][:80]
    return None


# ---- agents -------------------------------------------------------------------------------------


def _divided(
    names: Sequence[_Name],
    evidence: Sequence[Evidence],
    files: Mapping[str, SourceFile],
    systems: Mapping[str, Sequence[str]],
) -> Iterator[FoundAgent]:
    """A file whose path or text tells whose it is goes to that agent only. Names that nothing tells
    apart are one agent with several names, unless each sends conversations of its own."""
    unique = list({name.name: name for name in reversed(names)}.values())[::-1]
    owners = {one: _owners(one, unique, files, systems) for one in evidence}
    owning = {name for found in owners.values() for name in found}
    alone = [name for name in unique if name.name in owning or name.is_sent]
    others = [name for name in unique if name not in alone]
    if others:
        alone.append(others[0])
    for name in alone:
        own = []
        for one in evidence:
            if name.name in owners[one] or len(alone) == 1:
                own.append(one)
            elif not owners[one] and (
                one.kind != "prompts" or name not in alone[:-1] or not others
            ):
                own.append(replace(one, why=f"{one.why}; whose it is was not clear"))
        match = tuple(other.name for other in others[1:]) if name in others else ()
        yield FoundAgent(name=name.name, why=name.why, match=match, files=tuple(own))


def _owners(
    one: Evidence,
    names: Sequence[_Name],
    files: Mapping[str, SourceFile],
    systems: Mapping[str, Sequence[str]],
) -> set[str]:
    by_path = {name.name for name in names if _bears(name.name, one.path)}
    if by_path or one.kind != "prompts":
        return by_path
    text = files[one.path].text
    return {
        name.name
        for name in names
        if any(resemblance(text, system) >= RESEMBLES for system in systems.get(name.name, ()))
    }


def _bears(name: str, path: str) -> bool:
    """The words of the name, or of most of it, stand in the path."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    plain = re.sub(r"[^a-z0-9]+", "_", path.lower())
    whole = "_".join(words)
    core = "_".join(word for word in words if word not in ("agent", "bot", "assistant", "prod"))
    return f"_{whole}_" in f"_{plain}_" or (bool(core) and f"_{core}_" in f"_{plain}_")


def _merged(agents: Iterable[FoundAgent]) -> tuple[FoundAgent, ...]:
    """Each name once: settings know an agent by it."""
    merged: dict[str, FoundAgent] = {}
    for agent in agents:
        before = merged.get(agent.name)
        files = (*before.files, *agent.files) if before else agent.files
        merged[agent.name] = replace(before or agent, files=tuple(dict.fromkeys(files)))
    return tuple(merged[name] for name in sorted(merged))
