"""What a text in a data file is for, by the keys around it: a prompt, a tool, an argument."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass

BY_NAME = frozenset({"tools", "functions", "flows", "actions", "skills", "commands"})
"""Keys of mappings that give each tool by its name."""
_ARGUMENTS = frozenset(
    "parameters params properties arguments args inputs input_variables fields slots".split()  # noqa: SIM905
)
"""Keys of lists and mappings of a tool's arguments."""
_CERTAIN = (
    (frozenset({"role", "goal"}), frozenset({"role", "goal", "backstory"})),
    (frozenset({"description", "expected_output"}),) * 2,
)
"""Keys that stand together where a framework makes prompts of them, and which: CrewAI's agents and
tasks."""
_PROJECT = frozenset({"version", "license", "author", "authors", "apiVersion", "dependencies"})
_PROJECTS = frozenset({"project", "package", "poetry", "metadata", "info"})
_SCHEMAS = frozenset({"parameters", "input_schema", "inputSchema", "inputs", "input_variables"})
_IDENTIFIER = re.compile(r"[\w.:/-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Within:
    """Where a mapping, a list or a text stands in the file."""

    name: str = ""
    """The path of keys: `tools[0].parameters.date`."""
    key: str = ""
    """The last key; empty for an item of a list."""
    holder: str = ""
    """The key of the mapping or the list around it."""
    tool: str = ""
    """The tool in whose definition it stands."""

    def entry(self, key: str, tool: str) -> Within:
        name = f"{self.name}.{key}" if self.name else key
        return Within(name=name, key=key, holder=self.key, tool=tool)

    def item(self, number: int) -> Within:
        return Within(name=f"{self.name}[{number}]", holder=self.key, tool=self.tool)


@dataclass(frozen=True, kw_only=True, slots=True)
class Purpose:
    """What the texts of one mapping are for."""

    tool: str
    """The tool that the mapping defines or belongs to; empty where there is none."""
    described: str = ""
    """The anchor of the entry `description`, where that is of a tool or an argument."""
    certain: frozenset[str] = frozenset()
    """Entries that are prompts, however short they are."""


def purpose(entries: Mapping[str, str | None], within: Within) -> Purpose:
    """`entries` has each key of a mapping with its text, or None where it has another value."""
    keys = entries.keys()
    certain = [names for needed, names in _CERTAIN if needed <= keys]
    if certain:
        return Purpose(tool=within.tool, certain=frozenset().union(*certain))
    name, has_description = entries.get("name") or "", entries.get("description") is not None
    if not has_description:
        return Purpose(tool=within.tool)
    argument = entries.get("collect") or ""
    if within.holder in _ARGUMENTS or argument:
        argument = argument or (name if not within.key else within.key)
        if within.tool:
            return Purpose(tool=within.tool, described=f"{within.tool}({argument})")
        return Purpose(tool="", certain=frozenset({"description"}))
    if not name and "execution_settings" in keys:  # a function of Semantic Kernel
        return Purpose(tool=within.tool, certain=frozenset({"description"}))
    own = _own_name(name, keys, within)
    inner = f"{within.tool}({within.key})" if within.tool else ""
    return Purpose(tool=own or within.tool, described=own or inner)


def _own_name(name: str, keys: Set[str], within: Within) -> str:
    """What the tool that a mapping defines is called; empty where it defines none."""
    is_listed = within.holder in BY_NAME and bool(within.key)
    if is_listed and not (name and _IDENTIFIER.fullmatch(name)):
        return within.key
    is_project = within.key in _PROJECTS or bool(keys & _PROJECT)
    return "" if is_project and not keys & _SCHEMAS else name
