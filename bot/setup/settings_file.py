"""What was found, as `.github/debrief.yml`: only what is there, each line with its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from bot.figures import count
from bot.setup.evidence import Evidence
from bot.setup.inventory import KINDS, FoundAgent, Inventory
from prompts import show_invisible

MANY = 3
"""So many files of one kind, all that have their suffix in a folder, become one glob."""
MOST_LINES = 30
"""Of one list; who has more files than that will want globs of their own."""
_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@+*-]*")
_WORDS_OF_YAML = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"))
_SPECIAL = re.compile(r"([*?\[\]\\])|(\A[!#])|( \Z)")


def settings_text(
    inventory: Inventory,
    paths: Iterable[str],
    *,
    store: str | None,
    schema_url: str | None,
) -> str:
    """The file's text; it follows the schema. `paths`: all files of the repository, for globs."""
    lines = [f"# yaml-language-server: $schema={schema_url}"] if schema_url else []
    lines += [
        "# Written by `debrief init` from what stands in this repository; each line says why it is",
        "# here. Correct what is wrong: `debrief config check` tells of mistakes, and",
        "# `debrief config schema` of all that may stand here.",
        "version: 1",
    ]
    if store is not None:
        lines += ["", "# Where the conversations are.", f"store: {_scalar(store)}"]
    if inventory.agents:
        lines += ["", *_agents(inventory, list(paths))]
    else:
        lines += [
            "",
            "# No prompt was found, in files or in code. Name the files of your agent:",
            "# agents:",
            "#   - name: the name under which its telemetry arrives",
            "#     prompts: [path/to/prompt.md]",
        ]
    lines += _notes(inventory)
    return "\n".join(lines) + "\n"


def _agents(inventory: Inventory, paths: Sequence[str]) -> Iterator[str]:
    yield "# Two lines are worth writing by hand for each agent: `task`, what it is for, and"
    yield "# `done_when`, when a conversation has reached its end."
    yield "agents:"
    for number, agent in enumerate(inventory.agents):
        if number:
            yield ""
        yield f"  # {_comment(agent.why[:1].upper() + agent.why[1:])}."
        yield f"  - name: {_scalar(agent.name)}"
        if agent.match:
            yield f"    match: [{', '.join(map(_scalar, agent.match))}] # other names in the code"
        for kind in KINDS:
            yield from _files(kind, agent, paths)


def _files(kind: str, agent: FoundAgent, paths: Sequence[str]) -> Iterator[str]:
    globs = list(_globs([one for one in agent.files if one.kind == kind], paths))
    if globs:
        yield f"    {kind}:"
    for glob, why in globs[:MOST_LINES]:
        yield f"      - {_scalar(glob)} # {_comment(why)}"
    if len(globs) > MOST_LINES:
        yield f"      # and {len(globs) - MOST_LINES} more: a glob would be shorter"


def _globs(found: Sequence[Evidence], paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Globs that match the files found and no other, with their reasons."""
    folders: dict[tuple[str, str], list[Evidence]] = {}
    for one in found:
        path = PurePosixPath(one.path)
        folders.setdefault((str(path.parent), path.suffix), []).append(one)
    for (folder, suffix), inside in folders.items():
        siblings = [path for path in map(PurePosixPath, paths) if str(path.parent) == folder]
        whole = sum(path.suffix == suffix for path in siblings) == len(inside)
        if len(inside) >= MANY and whole and suffix:
            reasons = {one.why for one in inside}
            why = reasons.pop() if len(reasons) == 1 else "prompts, tools or settings in each"
            place = "" if folder == "." else _escaped(folder)
            yield f"{place}/*{_escaped(suffix)}", f"{count(len(inside), 'file')}: {why}"
        else:
            yield from ((_glob(one.path), one.why) for one in inside)


def _glob(path: str) -> str:
    """A glob that matches this path alone: without a slash it would match in any folder."""
    return _escaped(path) if "/" in path else f"/{_escaped(path)}"


def _escaped(path: str) -> str:
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", path)


def _notes(inventory: Inventory) -> Iterator[str]:
    """What else was seen, as comments."""
    if inventory.unassigned:
        yield ""
        yield "# Found in parts of the repository that have no prompts; add them where they belong:"
        yield from (
            f"# - {_comment(one.path)}: {one.why}" for one in inventory.unassigned[:MOST_LINES]
        )
    if inventory.unreadable:
        yield ""
        yield "# Not read, because they do not parse:"
        yield from (f"# - {_comment(f'{path}: {why}')}" for path, why in inventory.unreadable[:10])
    if inventory.instrumentation or inventory.silent_clients:
        yield ""
        yield "# Instrumentation:"
    for one in inventory.instrumentation:
        switch = one.switch or "sends texts by itself"
        yield f"# - {_comment(f'{one.package} ({one.path})')}: {switch}"
    for package, path in inventory.silent_clients:
        yield (
            f"# - {_comment(f'{package} ({path})')} is called and nothing instruments it: "
            "see docs/dialects.md of Debrief"
        )


def _scalar(text: str) -> str:
    """A YAML string, quoted where it has to be."""
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML
    return text if is_plain and not re.fullmatch(r"[\d.eE+-]+", text) else json.dumps(text)


def _comment(text: str) -> str:
    """One line, so that nothing of it can become a setting."""
    return show_invisible(" ".join(text.split()))[:160]
