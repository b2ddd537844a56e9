"""One line of a file of regression cases: what is given to the agent, and what its answer must do.

People edit these files, so they are read with care: a line that is wrong is named, with the reason.
Checks that a program decides come first; the criterion, a question for a judge, comes last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Annotated, Literal, TypeAlias

import jsonschema
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

from bot.errors import UsageError
from bot.records import SignalKind, short_hash

FOLDER = ".debrief/cases"
MAX_TEXT_CHARS = 8_000
MAX_PATTERN_CHARS = 500
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ToolCalled(_Part):
    """The answer calls this tool, and one of its calls is as `arguments` and `from_user` say."""

    type: Literal["tool_called"] = "tool_called"
    tool: str = Field(min_length=1, max_length=200)
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """JSON Schema of the arguments; empty where any will do."""
    from_user: tuple[str, ...] = ()
    """Arguments whose value has to stand in what the user wrote, letter by letter."""

    @field_validator("arguments")
    @classmethod
    def _is_schema(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        return _checked_schema(value)


class ToolNotCalled(_Part):
    """The answer does not call this tool."""

    type: Literal["tool_not_called"] = "tool_not_called"
    tool: str = Field(min_length=1, max_length=200)


class Matches(_Part):
    """The text holds what the regular expression finds; with `absent`, it does not."""

    type: Literal["regex"] = "regex"
    pattern: str = Field(min_length=1, max_length=MAX_PATTERN_CHARS)
    absent: bool = False

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value!r:.80} is no regular expression: {error}") from None
        return value


class FollowsSchema(_Part):
    """The text is JSON that follows the schema."""

    type: Literal["json_schema"] = "json_schema"
    follows: dict[str, JsonValue]

    @field_validator("follows")
    @classmethod
    def _is_schema(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        return _checked_schema(value)


class Words(_Part):
    """The text has so many words."""

    type: Literal["words"] = "words"
    at_least: int = Field(default=1, ge=0)
    at_most: int | None = Field(default=None, ge=1)


class Without(_Part):
    """The answer shows no such signal: a class of text that is not wanted, found by rules."""

    type: Literal["without"] = "without"
    signal: SignalKind


Check: TypeAlias = Annotated[
    ToolCalled | ToolNotCalled | Matches | FollowsSchema | Words | Without,
    Field(discriminator="type"),
]


class Turn(_Part):
    """One message that the agent is given."""

    role: Literal["user", "assistant"]
    content: str


class Case(_Part):
    """One regression case."""

    id: str = Field(pattern=r"^[\w.-]{1,60}$")
    agent: str = Field(max_length=200)
    intent: str | None = None
    """Id of the intent; None where the pattern is about no single one."""
    outcome: str = Field(max_length=200)
    """What the conversation failed by, or did not."""
    was: Literal["failure", "success"]
    """What production gave: a failure is to be mended, a success to be kept."""
    split: Literal["tune", "holdout"]
    """By the hash of the user: nobody's conversations stand on both sides."""
    user: str
    """Hash of the user, else of the conversation: cases of one user are not independent."""
    conversation: str
    """Hash of agent and conversation id."""
    before: int = Field(ge=0)
    """Messages of the conversation that come before the answer in question."""
    words_of: Literal["store", "quoted", "paraphrased", "written"]
    """Where `input` comes from; `store`: it is empty, and read from the store by the hash."""
    input: tuple[Turn, ...] = ()
    checks: tuple[Check, ...] = ()
    """All have to hold."""
    criterion: str = Field(default="", max_length=400)
    """A question about the answer that a judge answers by yes or no; yes is wanted."""

    @model_validator(mode="after")
    def _decides(self) -> Case:
        if not self.checks and not self.criterion:
            raise ValueError("a case needs a check or a criterion")
        if (self.words_of == "store") != (not self.input):
            raise ValueError("`input` is empty where words_of is store, and only there")
        return self


def _checked_schema(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        jsonschema.Draft202012Validator.check_schema(value)
    except jsonschema.SchemaError as error:
        raise ValueError(f"no JSON Schema: {error.message:.200}") from None
    return value


def letters_hash(*parts: object, length: int = 12) -> str:
    """Identifies `parts` by letters alone: digits in a row would pass for somebody's number."""
    return short_hash(*parts, length=length).translate(_LETTERS)


def write_cases(cases: Iterable[Case]) -> str:
    """The file: one case a line, in ASCII, so that nothing in it is hidden or turns the line."""
    lines = (json.dumps(one.model_dump(mode="json"), ensure_ascii=True) for one in cases)
    return "".join(f"{line}\n" for line in lines)


def read_cases(text: str, *, name: str) -> tuple[Case, ...]:
    """The cases of one file; `name` is for the message.

    Raises:
        UsageError: a line is no case, or an id is there twice; with its number and the reason.
    """
    cases: dict[str, Case] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            case = Case.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise UsageError(
                f"{name}, line {number}: {place or 'case'}: {first['msg']}; mend or remove the line"
            ) from None
        if case.id in cases:
            raise UsageError(f"{name}, line {number}: id {case.id!r} is there twice; rename one")
        cases[case.id] = case
    return tuple(cases.values())


def said(check: Check) -> str:
    """The check as a person reads it."""
    match check:
        case ToolCalled():
            required = check.arguments.get("required")
            names = ", ".join(map(str, required)) if isinstance(required, list) else ""
            copied = ", ".join(check.from_user)
            return (
                f"calls `{check.tool}`"
                + (f" with {names}" if names else "")
                + (f"; {copied} as the user wrote it" if copied else "")
            )
        case ToolNotCalled():
            return f"does not call `{check.tool}`"
        case Matches():
            return f"{'does not match' if check.absent else 'matches'} `{check.pattern}`"
        case FollowsSchema():
            return "is JSON that follows the schema"
        case Words():
            most = "" if check.at_most is None else f" and at most {check.at_most}"
            return f"has at least {check.at_least} words{most}".replace("1 words", "1 word")
        case Without():
            return f"shows no {check.signal.replace('_', ' ')}"
