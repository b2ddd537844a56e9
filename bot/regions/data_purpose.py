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
_PROJECT = frozenset(
    "version license author authors apiVersion dependencies nodes edges data tools "  # noqa: SIM905
    "instructions system_prompt systemPrompt".split()
)
"""Keys of what has a name and a description and is no tool: a package, an export, an agent."""
_SHOWN = frozenset({"label", "display_name", "displayName"})
"""Keys of what an editor shows to people."""
_NAMED = (
    ("operationId", "description"),
    ("operationId", "summary"),
    ("name_for_model", "description_for_model"),
)
"""The tool's name and its description, where they are not `name` and `description`."""
_ANSWERS = frozenset({"responses"})
"""Keys of what a tool gives back: it reaches no model before the tool was called."""
_NOTES = re.compile(
    r"sticky_?note|e?mail_?(?:send|out)|send_?e?mail|^(?:note|comment|email)$", re.I
)
"""Values of `type` of entries that are for people."""
_PROJECTS = frozenset({"project", "package", "poetry", "metadata", "info"})
_SCHEMAS = frozenset({"parameters", "input_schema", "inputSchema", "inputs", "input_variables"})
_ARGUMENTS_SCHEMA = frozenset({"parameters", "input_schema", "inputSchema"})
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
    for_people: bool = False
    """It stands in a note or a letter."""

    def entry(self, key: str, tool: str) -> Within:
        name = f"{self.name}.{key}" if self.name else key
        return Within(
            name=name,
            key=key,
            holder=self.key,
            tool="" if key in _ANSWERS else tool,
            for_people=self.for_people,
        )

    def item(self, number: int) -> Within:
        return Within(
            name=f"{self.name}[{number}]",
            holder=self.key,
            tool=self.tool,
            for_people=self.for_people,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Purpose:
    """What the texts of one mapping are for."""

    tool: str
    """The tool that the mapping defines or belongs to; empty where there is none."""
    described: str = ""
    """The anchor of the entry `describing`, where that is of a tool or an argument."""
    describing: str = "description"
    certain: frozenset[str] = frozenset()
    """Entries that are prompts, however short they are."""


def purpose(entries: Mapping[str, str | None], within: Within) -> Purpose:
    """`entries` has each key of a mapping with its text, or None where it has another value."""
    keys = entries.keys()
    certain = [names for needed, names in _CERTAIN if needed <= keys]
    if certain:
        return Purpose(tool=within.tool, certain=frozenset().union(*certain))
    for naming, describing in _NAMED:
        if (own := entries.get(naming)) and entries.get(describing) is not None:
            return Purpose(tool=own, described=own, describing=describing)
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
    if (is_project and not keys & _SCHEMAS) or (keys & _SHOWN and not keys & _ARGUMENTS_SCHEMA):
        return ""
    return name


def is_note(entries: Mapping[str, str | None]) -> bool:
    """A mapping whose texts are for people: a note in an editor, a letter that is sent."""
    kind = (entries.get("type") or "").rpartition(".")[2]
    return _NOTES.search(kind) is not None
