"""Does an answer keep what a regression case demands? Checks by rules first, then one question.

Takes a `Case` and an answer, as recorded or as given by somebody's agent; gives what is broken, in
words. Refuses nothing: an answer without text simply breaks what asks for some. Checks cost
nothing; the criterion costs one call of the judge.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import jsonschema
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from bot.proposals.cases import (
    Answer,
    Case,
    Check,
    FollowsSchema,
    Matches,
    ToolCalled,
    ToolNotCalled,
    Turn,
    Without,
    Words,
    said,
    stands,
)
from bot.records import Ask, ModelCost, Skipped
from bot.rendering import render_prompt
from bot.signals import find_signals
from collector.records import Completeness, Conversation, Json, Message, ToolCall

MAX_ANSWER_CHARS = 100_000
PROMPT = "cases/judge"
_ALL = Completeness(text=True, system=False, tool_results=True, times=False)
_WORD = re.compile(r"\w+(?:['’-]\w+)*")  # noqa: RUF001
_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n\s*```\s*\Z", re.DOTALL)


class Call(BaseModel):
    """One call of a tool, as an agent under test reports it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    arguments: JsonValue = None


class GivenReply(BaseModel):
    """What the agent under test did with one case."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str = ""
    """Of the case; may be left out where a command answers one case at a time."""
    text: str = Field(default="", max_length=MAX_ANSWER_CHARS)
    tool_calls: tuple[Call, ...] = ()
    finish_reason: str = "stop"
    """`length` where a limit of tokens cut the answer off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResult:
    """What became of one case."""

    id: str
    agent: str
    was: Literal["failure", "success"]
    split: str
    user: str
    verdict: Literal["pass", "fail", "undecided"]
    """`undecided`: the checks hold, and nobody answered the criterion; or there is no answer."""
    broken: tuple[str, ...] = ()
    """Checks that do not hold, in words."""
    note: str = ""
    """Why it is undecided, or the judge's reason."""
    cost: ModelCost = field(default_factory=ModelCost)


def holds(check: Check, answer: Answer) -> bool:
    """Whether the check holds of the answer."""
    match check:
        case ToolCalled():
            return any(_is_call(check, call, answer.asked) for call in answer.calls)
        case ToolNotCalled():
            return all(call.name != check.tool for call in answer.calls)
        case Matches():
            found = re.search(check.pattern, answer.text[:MAX_ANSWER_CHARS]) is not None
            return found is not check.absent
        case FollowsSchema():
            return _follows(answer.text, check.follows)
        case Words():
            words = len(_WORD.findall(answer.text))
            most = check.at_most
            return words >= check.at_least and (most is None or words <= most)
        case Without():
            return not _shows(check.signal, answer)


def answered(given: Sequence[Turn], reply: GivenReply, *, agent: str) -> Answer:
    """The reply of an agent under test as the answer of a conversation."""
    before = tuple(Message(role=one.role, text=one.content) for one in given)
    calls = tuple(
        ToolCall(id=f"call_{number}", name=one.name, arguments=_value(one.arguments))
        for number, one in enumerate(reply.tool_calls)
    )
    called = (Message(role="assistant", tool_calls=calls, finish_reason="tool_calls"),)
    spoken = Message(role="assistant", text=reply.text, finish_reason=reply.finish_reason)
    # An agent that only called tools has not had its last word: the results are not here.
    messages = (
        *before,
        *(called if calls else ()),
        *((spoken,) if reply.text or not calls else ()),
    )
    conversation = Conversation(
        conversation_id="under-test", agent=agent, messages=messages, completeness=_ALL
    )
    return Answer(conversation=conversation, before=len(before), end=len(messages))


def evaluate(case: Case, answer: Answer | None, *, ask: Ask | None) -> CaseResult:
    """The verdict on one case; the judge is asked only where all checks hold.

    Raises:
        DebriefError: what `ask` raises: the model's service or the key failed for good.
    """
    if answer is None:
        return _result(case, "undecided", note="there is no reply to this case")
    broken = tuple(said(check) for check in case.checks if not holds(check, answer))
    if broken:
        return _result(case, "fail", broken=broken)
    if not case.criterion:
        return _result(case, "pass")
    if ask is None:
        return _result(case, "undecided", note="the criterion needs a model key")
    reply = ask(
        render_prompt(
            PROMPT,
            criterion=case.criterion,
            given="\n\n".join(f"{one.role}: {one.text}" for one in answer.given if one.text),
            answer=_shown(answer),
        )
    )
    if isinstance(reply, Skipped):
        return _result(case, "undecided", note=reply.reason)
    told = cast("dict[str, Any]", reply.data)
    verdict = {"yes": "pass", "no": "fail", "cannot_tell": "undecided"}[told["verdict"]]
    broken = (case.criterion,) if verdict == "fail" else ()
    return _result(case, verdict, broken=broken, note=told["reason"][:300], cost=reply.cost)


def _result(case: Case, verdict: Any, **more: Any) -> CaseResult:
    return CaseResult(
        id=case.id,
        agent=case.agent,
        was=case.was,
        split=case.split,
        user=case.user,
        verdict=verdict,
        **more,
    )


def _shown(answer: Answer) -> str:
    calls = [f"calls {one.name}({json.dumps(one.arguments)})" for one in answer.calls]
    return "\n".join([*calls, answer.text])[:MAX_ANSWER_CHARS]


def _is_call(check: ToolCalled, call: ToolCall, asked: str) -> bool:
    if call.name != check.tool:
        return False
    fits = jsonschema.Draft202012Validator(check.arguments).is_valid(call.arguments)
    return fits and all(stands(asked, call.arguments, key) for key in check.from_user)


def _follows(text: str, schema: Mapping[str, JsonValue]) -> bool:
    fenced = _FENCED.match(text)
    try:
        value = json.loads(fenced[1] if fenced else text)
    except (json.JSONDecodeError, RecursionError):
        return False
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


def _shows(signal: str, answer: Answer) -> bool:
    """Whether the answer shows the signal; what came before it is not its fault."""
    conversation = answer.conversation
    whole = Conversation(
        conversation_id=conversation.conversation_id,
        agent=conversation.agent,
        messages=conversation.messages[: answer.end],
        completeness=conversation.completeness,
    )
    found = find_signals(whole)
    return any(one.kind == signal and one.message_index >= answer.before for one in found)


def _value(arguments: JsonValue) -> Json:
    """Arguments as a value, where they come as JSON in a string."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return cast("Json", json.loads(arguments))
    except json.JSONDecodeError:
        return arguments
