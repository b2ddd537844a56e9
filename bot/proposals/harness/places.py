"""Where in the repository's code a tool stands: its description and its function.

Takes an agent's files; gives the one place that a name or a message of an error leads to, or a
sentence that says why there is none. A function's place holds its decorators and all of its lines.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.proposals.code import is_code, words_of
from bot.proposals.code.script import FUNCTIONS, function_name, said, walk
from bot.records import AgentFiles, Repository, Skipped, SourceFile
from bot.regions import NotParsed, Region, find_regions
from bot.regions.python import line_starts
from bot.regions.script import Node, offsets, parse_script

MAX_FUNCTION_CHARS = 12_000
"""A longer function is not shown to a writer: no small edit of it can be judged."""
MIN_MESSAGE_CHARS = 12
"""A shorter text of the code may stand in an error by chance."""
_NAMES = ("name", "toolName")
_NEVER = re.compile(r"(?:^|/)(?:tests?|node_modules|vendor|dist|build)/|\.d\.ts$|[._]test\.|test_")


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """One function of a file."""

    file: SourceFile
    name: str
    names: tuple[str, ...]
    """What it or the tool that it is a part of is called."""
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.file.text[self.start : self.end]


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """What a model reads of one tool."""

    file: SourceFile
    region: Region

    @property
    def text(self) -> str:
        return self.region.text


def find_description(tool: str, files: AgentFiles, repository: Repository) -> Description | Skipped:
    """The only description of a tool among the agent's files."""
    found: list[Description] = []
    unread: list[str] = []
    for file in own_files(files, repository):
        try:
            regions = find_regions(file.path, file.text)
        except NotParsed as error:
            unread.append(f"{file.path!r} does not parse ({error}).")
            continue
        found += [
            Description(file=file, region=region)
            for region in regions
            if region.kind == "tool" and _same(region.anchor, tool)
        ]
    if len(found) == 1:
        return found[0]
    what = f"the description of a tool of {files.agent}"
    if found:
        places = ", ".join(sorted({repr(one.file.path) for one in found}))
        reason = f"{len(found)} places describe the tool ({places}); name one file in the settings."
        return Skipped(what=what, code="ambiguous", reason=reason)
    return _nowhere(what, "No file of this agent describes the tool", files, unread)


def find_function(
    tool: str, messages: Sequence[str], files: AgentFiles, repository: Repository
) -> Function | Skipped:
    """The function of a tool, by its name, else by the text of an error that it raises.

    `messages` are what tools said of their errors: they are looked up and go nowhere.
    """
    what = f"a function of {files.agent}'s program"
    unread: list[str] = []
    own = [file for file in own_files(files, repository) if is_code(file.path)]
    known = list(_functions(own, unread))
    found = [one for one in known if any(_same(name, tool) for name in one.names)]
    found = found or [one for one in known if _says(one, messages)]
    found = [one for one in found if not any(_holds(other, one) for other in found)]
    if len(found) == 1:
        if len(found[0].text) > MAX_FUNCTION_CHARS:
            reason = f"The function in {found[0].file.path!r} is too long for a small edit."
            return Skipped(what=what, code="too_long", reason=reason)
        return found[0]
    if found:
        places = ", ".join(sorted({repr(one.file.path) for one in found}))
        reason = f"{len(found)} functions may be meant ({places}); name one file in the settings."
        return Skipped(what=what, code="ambiguous", reason=reason)
    outside = _outside(tool, own, repository)
    if outside is not None:
        reason = (
            f"The function stands in {outside!r}, which is not among the files that may change; "
            "add it to `harness` of the agent in .github/debrief.yml."
        )
        return Skipped(what=what, code="not_allowed", reason=reason)
    return _nowhere(what, "No function of this agent's files is the tool's", files, unread)


def messages_of(function: Function, messages: Sequence[str]) -> list[str]:
    """The texts of the function's own code that stand in `messages`: nobody else's words."""
    said = [" ".join(message.split()) for message in messages]
    texts = dict.fromkeys(_texts(function.text))
    return [text for text in texts if any(text in message for message in said)]


def own_files(files: AgentFiles, repository: Repository) -> Iterator[SourceFile]:
    """The agent's files that are there, code first."""
    for path in dict.fromkeys((*files.harness, *files.prompts, *files.configs)):
        if path in repository.files:
            yield repository.files[path]


def _outside(tool: str, own: Sequence[SourceFile], repository: Repository) -> str | None:
    """Path of the only other file that has a function of that name, tests left out."""
    known = {file.path for file in own}
    word = re.compile(rf"\b{re.escape(tool)}\b")
    others = (
        file
        for path, file in repository.files.items()
        if is_code(path)
        and path not in known
        and not _NEVER.search(path)
        and word.search(file.text)
    )
    found = {
        one.file.path
        for one in _functions(others, [])
        if any(_same(name, tool) for name in one.names)
    }
    return found.pop() if len(found) == 1 else None


def _nowhere(what: str, why: str, files: AgentFiles, unread: Sequence[str]) -> Skipped:
    paths = [*files.harness, *files.prompts, *files.configs]
    searched = ", ".join(map(repr, paths[:6])) or "no file of this agent is known"
    reason = " ".join([f"{why}; searched: {searched}.", *unread])
    return Skipped(what=what, code="no_file", reason=reason)


def _same(one: str, other: str) -> bool:
    return bool(one) and words_of(one) == words_of(other)


def _holds(one: Function, other: Function) -> bool:
    """`other` is a part of `one`."""
    within = one.start <= other.start and other.end <= one.end
    return within and one.file.path == other.file.path and one != other


def _says(function: Function, messages: Sequence[str]) -> bool:
    return bool(messages_of(function, messages))


_TEXT = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`")
_FILLED = re.compile(r"\$?\{[^{}]*\}")


def _texts(code: str) -> Iterator[str]:
    """The fixed parts of the texts in some code that are long enough to be known again."""
    for match in _TEXT.finditer(code):
        for part in _FILLED.split(next(filter(None, match.groups()), "")):
            text = " ".join(part.split())
            if len(text) >= MIN_MESSAGE_CHARS:
                yield text


# -- functions of a file -------------------------------------------------------------------------


def _functions(files: Iterable[SourceFile], unread: list[str]) -> Iterator[Function]:
    for file in files:
        try:
            yield from _python(file) if file.path.endswith(".py") else _script(file)
        except NotParsed as error:
            unread.append(f"{file.path!r} does not parse ({error}).")


def _python(file: SourceFile) -> Iterator[Function]:
    try:
        tree = ast.parse(file.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotParsed(f"{type(error).__name__}: {str(error).splitlines()[0]}") from error
    lines = [*line_starts(file.text), len(file.text)]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min(one.lineno for one in (node, *node.decorator_list))
            yield Function(
                file=file,
                name=node.name,
                names=(node.name, *_decorated(node)),
                start=lines[first - 1],
                end=lines[node.end_lineno or node.lineno],
            )


def _decorated(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Names that decorators give: `@tool("find_order")`, `@tool(name="find_order")`."""
    for one in node.decorator_list:
        if isinstance(one, ast.Call):
            values = [*one.args[:1], *(key.value for key in one.keywords if key.arg in _NAMES)]
            for value in values:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.value


def _script(file: SourceFile) -> Iterator[Function]:
    place = offsets(file.text)
    for node in walk(parse_script(file.text)):
        if node.type in FUNCTIONS:
            names = tuple(_script_names(node))
            yield Function(
                file=file,
                name=next(iter(names), ""),
                names=names,
                start=place[node.start_byte],
                end=place[node.end_byte],
            )


def _script_names(node: Node) -> Iterator[str]:
    """The function's own name, then those of the definitions that it is a part of."""
    if own := function_name(node):
        yield own
    at = node.parent
    while at is not None and at.type not in FUNCTIONS:
        if at.type in {"variable_declarator", "pair"}:
            yield said(at.named_children[0]).strip("\"'")
        elif at.type == "object":
            for pair in at.named_children:
                key = said(pair.named_children[0]).strip("\"'") if pair.named_children else ""
                if pair.type == "pair" and key in _NAMES:
                    yield said(pair.named_children[-1]).strip("\"'`")
        elif at.type == "call_expression":
            for one in at.named_children[-1].named_children[:1]:
                if one.type == "string":
                    yield said(one).strip("\"'")
        at = at.parent
