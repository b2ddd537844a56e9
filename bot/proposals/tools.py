"""What the agent could call, as readers and writers of changes are shown it.

Takes conversations and the agent's files; gives a text within a budget of characters: signatures
with the values that an argument takes, descriptions of the tools that were called. A captured
definition is outside text: it counts where several people's conversations have it, word for word,
else the repository is asked. No I/O, milliseconds.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import prompts
from bot.proposals.floors import MIN_USERS
from bot.records import AgentFiles, Repository
from bot.regions import NotParsed, find_regions
from bot.regions.structure import parse
from collector.records import Conversation, Json, ToolDefinition

MAX_CHARS = 6_000
"""About 1,500 tokens; they are sent with each request to a reader and to a writer."""
UNKNOWN = "(not known)"
DESCRIPTION_CHARS, BRIEF_CHARS, ARGUMENT_CHARS = 600, 120, 160
MAX_ARGUMENTS, MAX_VALUES = 12, 8
"""Of one tool, and of one argument that takes a few values only."""
_SCHEMAS = ("parameters", "input_schema", "inputSchema")
_DATA = (".json", ".yaml", ".yml", ".toml")
_DEEPEST = 8


def tools_shown(
    conversations: Sequence[Conversation],
    files: AgentFiles,
    repository: Repository | None,
    *,
    max_chars: int = MAX_CHARS,
) -> str:
    """The tools, those that most of `conversations` call first and in full, the others in brief.

    `UNKNOWN` where no definition was captured and none is in the repository.
    """
    known = _captured(conversations) or (_kept(files, repository) if repository else {})
    if not known:
        return UNKNOWN
    called = Counter(
        name
        for one in conversations
        for name in {call.name for message in one.messages for call in message.tool_calls}
    )
    ranked = sorted(known.values(), key=lambda tool: (-called[tool.name], tool.name))
    shown = [_brief(tool) for tool in ranked]
    kept = _fitting(shown, max_chars)
    shown = shown[:kept]
    left = max_chars - sum(len(one) + 1 for one in shown)
    for at, tool in enumerate(ranked[:kept]):
        more = len(whole := _whole(tool)) - len(shown[at])
        if called[tool.name] and more <= left:
            shown[at], left = whole, left - more
    if kept < len(ranked):
        shown.append(f"(and {len(ranked) - kept} more)")
    return "\n".join(shown)


def _fitting(texts: Sequence[str], max_chars: int) -> int:
    """How many of them fit, in their order."""
    room = max_chars
    for number, text in enumerate(texts):
        room -= len(text) + 1
        if room < 0:
            return number
    return len(texts)


# -- where definitions come from -----------------------------------------------------------------


def _captured(conversations: Sequence[Conversation]) -> dict[str, ToolDefinition]:
    """Of each name the definition that most people's conversations have, `MIN_USERS` at least."""
    seen: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    meant: dict[str, ToolDefinition] = {}
    for conversation in conversations:
        for tool in conversation.tool_definitions:
            text = _whole(tool)
            seen[tool.name][text].add(conversation.unit)
            meant[text] = tool
    found: dict[str, ToolDefinition] = {}
    for name, texts in seen.items():
        text, units = max(texts.items(), key=lambda item: (len(item[1]), item[0]))
        if len(units) >= MIN_USERS:
            found[name] = meant[text]
    return found


def _kept(files: AgentFiles, repository: Repository) -> dict[str, ToolDefinition]:
    """Those of the agent's files; a file that does not parse has none."""
    found: dict[str, ToolDefinition] = {}
    for path in dict.fromkeys((*files.harness, *files.prompts, *files.configs)):
        file = repository.files.get(path)
        if file is None:
            continue
        try:
            if path.endswith(_DATA):
                own = _in_data(parse(path, file.text))
            else:
                own = _in_code(path, file.text)
            found = {tool.name: tool for tool in own} | found
        except NotParsed:
            continue
    return found


def _in_data(value: Json, depth: int = 0) -> Iterator[ToolDefinition]:
    """Objects with a name and a schema of arguments."""
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        name, description = value.get("name"), value.get("description")
        schema = next((value[key] for key in _SCHEMAS if isinstance(value.get(key), dict)), None)
        said = description if isinstance(description, str) else None
        # A whole file with a name and a description may be a package as well.
        if isinstance(name, str) and (schema is not None or (depth and said)):
            yield ToolDefinition(name=name, description=said, parameters=schema)
            return
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from _in_data(one, depth + 1)


def _in_code(path: str, text: str) -> Iterator[ToolDefinition]:
    """By the texts that describe a tool and its arguments."""
    described: dict[str, str] = {}
    arguments: dict[str, dict[str, Json]] = defaultdict(dict)
    for region in find_regions(path, text):
        if region.kind == "tool":
            name, _, argument = region.anchor.rstrip(")").partition("(")
            if argument:
                arguments[name][argument] = {"description": region.text}
            else:
                described[name] = region.text
    for name in dict.fromkeys((*described, *arguments)):
        schema: Json = {"properties": arguments[name]} if name in arguments else None
        yield ToolDefinition(name=name, description=described.get(name), parameters=schema)


# -- how one is shown ----------------------------------------------------------------------------


def _brief(tool: ToolDefinition) -> str:
    said = _line(tool.description or "", BRIEF_CHARS)
    return f"- {_signature(tool)}" + (f": {said}" if said else "")


def _whole(tool: ToolDefinition) -> str:
    said = _line(tool.description or "", DESCRIPTION_CHARS)
    lines = [f"- {_signature(tool)}" + (f": {said}" if said else "")]
    for name, schema in _arguments(tool):
        told = schema.get("description")
        if isinstance(told, str) and told.strip():
            lines.append(f"    {name}: {_line(told, ARGUMENT_CHARS)}")
    return "\n".join(lines)


def _signature(tool: ToolDefinition) -> str:
    """`cancel(order_id: string, reason?: "late" | "a mistake")`; `?`: it may be left out."""
    required = tool.parameters.get("required") if isinstance(tool.parameters, dict) else None
    must = set(map(str, required)) if isinstance(required, list) else None
    parts = []
    for name, schema in _arguments(tool):
        mark = "?" if must is not None and name not in must else ""
        takes = _takes(schema)
        parts.append(f"{name}{mark}" + (f": {takes}" if takes else ""))
    return f"{_line(tool.name, 80)}({', '.join(parts)})"


def _arguments(tool: ToolDefinition) -> Iterator[tuple[str, Mapping[str, Json]]]:
    found = tool.parameters.get("properties") if isinstance(tool.parameters, dict) else None
    if isinstance(found, dict):
        for name, schema in list(found.items())[:MAX_ARGUMENTS]:
            yield _line(name, 60), schema if isinstance(schema, dict) else {}


def _takes(schema: Mapping[str, Json]) -> str:
    """The values of a short list, else the type."""
    values = schema.get("enum")
    if isinstance(values, list) and values:
        listed = [_line(json.dumps(one, ensure_ascii=False), 60) for one in values[:MAX_VALUES]]
        return " | ".join([*listed, *(["…"] if len(values) > MAX_VALUES else [])])
    kind = schema.get("type")
    items = schema.get("items")
    if kind == "array" and isinstance(items, dict):
        inner = _takes(items)
        return f"list of {inner}" if inner else "list"
    return " or ".join(_names(kind))


def _names(kind: Json) -> Iterable[str]:
    return [_line(str(one), 20) for one in (kind if isinstance(kind, list) else [kind]) if one]


def _line(text: str, max_chars: int) -> str:
    """One visible line of bounded length."""
    line = " ".join(prompts.show_invisible(text).split())
    return line if len(line) <= max_chars else f"{line[: max_chars - 1]}…"
