"""Where in the repository a tool stands: what describes it to the model, and its function.

Takes an agent's files; gives the places that a name or the message of an error leads to, or a
sentence that says why there are none.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.proposals.code import is_code, words_of
from bot.proposals.harness.functions import Function, functions_of
from bot.proposals.refusals import nothing_found
from bot.records import AgentFiles, Repository, Skipped, SourceFile
from bot.regions import NotParsed, Region, find_regions

MAX_FUNCTION_CHARS = 12_000
"""A longer function is not shown to a writer: no small edit of it can be judged."""
MIN_MESSAGE_CHARS = 12
"""A shorter text of the code may stand in an error by chance."""
_CALLS_A_MODEL = re.compile(
    r"\.messages\.(?:create|stream|parse)\(|\.completions\.(?:create|parse)\("
    r"|\.responses\.(?:create|parse|stream)\(|\b(?:generate|stream)(?:Text|Object)\("
    r"|\.generate_?[cC]ontent\(|\.converse(?:_stream)?\(|\blitellm\.a?completion\("
    r"|\b(?:llm|model|chat|agent)\.a?(?:invoke|stream|call)\("
)
"""How the clients of models are called: Anthropic, OpenAI, AI SDK, Gemini, Bedrock, LiteLLM,
LangChain."""
_ERRORS = frozenset(
    name
    for name, what in vars(builtins).items()
    if isinstance(what, type) and issubclass(what, Exception)
)
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,59}")
_NEVER = re.compile(r"(?:^|/)(?:tests?|node_modules|vendor|dist|build)/|\.d\.ts$|[._]test\.|test_")


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """What a model reads of one tool, or of one of its arguments."""

    file: SourceFile
    region: Region

    @property
    def text(self) -> str:
        return self.region.text

    @property
    def tool(self) -> str:
        return self.region.anchor.partition("(")[0]

    @property
    def argument(self) -> str:
        """Empty where it describes the tool itself."""
        return self.region.anchor.partition("(")[2].removesuffix(")")


Place = Description | Function


def find_places(
    tool: str,
    messages: Sequence[str],
    files: AgentFiles,
    repository: Repository,
    *,
    function_first: bool,
) -> tuple[Place, ...] | Skipped:
    """Both halves of a tool, as far as they are among the agent's files.

    Its function says in a docstring, and its description to the model, what the other one does; so
    where one half is not there the other one may do.
    """
    described = find_definition(tool, files, repository)
    function = find_function(tool, messages, files, repository)
    said = () if isinstance(described, Skipped) else described
    done = () if isinstance(function, Skipped) else (function,)
    if said or done:
        return (*done, *said) if function_first else (*said, *done)
    missing = [one for one in (described, function) if isinstance(one, Skipped)]
    # What was found and may not change says more than that nothing was found.
    return min(missing, key=lambda one: one.code == "no_file")


def find_definition(
    tool: str, files: AgentFiles, repository: Repository
) -> tuple[Description, ...] | Skipped:
    """The only description of a tool among the agent's files, then those of its arguments."""
    found: list[Description] = []
    unread: list[str] = []
    for file in own_files(files, repository):
        try:
            regions = find_regions(file.path, file.text)
        except NotParsed as error:
            unread.append(f"{file.path!r} does not parse ({error}).")
            continue
        described = [Description(file=file, region=one) for one in regions if one.kind == "tool"]
        found += [one for one in described if _same(one.tool, tool)]
    whole = [one for one in found if not one.argument]
    places = {one.file.path for one in found}
    what = f"the description of {_named(tool)} of {files.agent}"
    if len(whole) > 1 or len(places) > 1:
        listed = ", ".join(sorted(map(repr, places)))
        number = max(len(whole), len(places))
        reason = f"{number} places describe it ({listed}); name one of the files in the settings."
        return Skipped(what=what, code="ambiguous", reason=reason)
    if not found:
        return _nowhere(what, "No file of this agent describes it", files, unread)
    return tuple(sorted(found, key=lambda one: bool(one.argument)))


def find_function(
    tool: str, messages: Sequence[str], files: AgentFiles, repository: Repository
) -> Function | Skipped:
    """The function of a tool: by its name, else by the text of an error that it raises, else the
    one that answers calls of that name.

    `messages` are what tools said of their errors: they are looked up and go nowhere.
    """
    what = f"the function of {_named(tool)} of {files.agent}"
    unread: list[str] = []
    own = [file for file in own_files(files, repository) if is_code(file.path)]
    known = list(_functions(own, unread))
    found = (
        [one for one in known if any(_same(name, tool) for name in one.names)]
        or [one for one in known if messages_of(one, messages)]
        or [one for one in known if tool in one.answers]
    )
    found = [one for one in found if not any(_holds(other, one) for other in found)]
    if len(found) == 1:
        if len(found[0].text) > MAX_FUNCTION_CHARS:
            reason = (
                f"It has {len(found[0].text):,} characters in {found[0].file.path!r}; a model is "
                f"shown {MAX_FUNCTION_CHARS:,} at most; split it, or mend it by hand."
            )
            return Skipped(what=what, code="too_long", reason=reason)
        return found[0]
    if found:
        places = ", ".join(sorted({repr(one.file.path) for one in found}))
        reason = (
            f"{len(found)} functions may be meant ({places}); name one of the files in the "
            "settings."
        )
        return Skipped(what=what, code="ambiguous", reason=reason)
    outside = _outside(tool, own, repository)
    if outside is not None:
        reason = (
            f"It stands in {outside!r}, which is not among the files that may change; "
            "add it to `harness` of the agent in .github/debrief.yml."
        )
        return Skipped(what=what, code="not_allowed", reason=reason)
    return _nowhere(what, "No file of this agent has it", files, unread)


def find_runner(files: AgentFiles, repository: Repository) -> Function | None:
    """The function around the model: the only one of the agent's that calls a model's client."""
    own = [file for file in own_files(files, repository) if is_code(file.path)]
    found = [one for one in _functions(own, []) if _CALLS_A_MODEL.search(one.text)]
    found = [one for one in found if not any(_holds(one, other) for other in found)]
    fits = len(found) == 1 and len(found[0].text) <= MAX_FUNCTION_CHARS
    return found[0] if fits else None


def messages_of(function: Function, messages: Sequence[str]) -> list[str]:
    """The texts of the function's own code that stand in `messages`: nobody else's words."""
    said = [" ".join(message.split()) for message in messages]
    texts = dict.fromkeys(_texts(function.text))
    return [text for text in texts if any(text in message for message in said)]


def error_kinds(messages: Sequence[str]) -> list[str]:
    """The kinds of errors that `messages` begin with, of those that Python itself has: a list that
    nobody else's words can get into."""
    first = (message.split(":")[0].strip() for message in messages)
    return [kind for kind in dict.fromkeys(first) if kind in _ERRORS]


def own_files(files: AgentFiles, repository: Repository) -> Iterator[SourceFile]:
    """The agent's files that are there, code first."""
    for path in dict.fromkeys((*files.harness, *files.prompts, *files.configs)):
        if path in repository.files:
            yield repository.files[path]


def _functions(files: Iterable[SourceFile], unread: list[str]) -> Iterator[Function]:
    for file in files:
        try:
            yield from functions_of(file)
        except NotParsed as error:
            unread.append(f"{file.path!r} does not parse ({error}).")


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
    return nothing_found(what, why, paths, unread=unread)


def _named(tool: str) -> str:
    """The tool in a sentence; a name out of a conversation that is more than a name stays out."""
    return f"the tool `{tool}`" if _NAME.fullmatch(tool) else "a tool"


def _same(one: str, other: str) -> bool:
    return bool(one) and words_of(one) == words_of(other)


def _holds(one: Function, other: Function) -> bool:
    """`other` is a part of `one`."""
    within = one.start <= other.start and other.end <= one.end
    return within and one.file.path == other.file.path and one != other


_TEXT = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`")
_FILLED = re.compile(r"\$?\{[^{}]*\}")


def _texts(code: str) -> Iterator[str]:
    """The fixed parts of the texts in some code that are long enough to be known again."""
    for match in _TEXT.finditer(code):
        for part in _FILLED.split(next(filter(None, match.groups()), "")):
            text = " ".join(part.split())
            if len(text) >= MIN_MESSAGE_CHARS:
                yield text
