"""Tool calls, their results in the history, and the runs of the tools: one answer for each call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from collector.assemble.transcript import Line
from collector.dialects.calls import ToolRun
from collector.records import Message, ToolCall

_OF_AN_ITEM = "fc_"
"""OpenAI's responses have two ids for a call; OpenLLMetry sends that of the item in the request and
that of the call, which everything else knows, in the result."""


def answer(lines: Sequence[Line], runs: Iterable[ToolRun]) -> list[Line]:
    """Pair every tool call with its result.

    Ids that are missing, or differ between call and result, are matched by name and position. What
    the history lacks comes from the tool's own span: the result of a call nobody repeated, its
    error.
    """
    if not any(line.message.tool_calls or line.message.role == "tool" for line in lines):
        return list(lines)
    paired = _paired(lines)
    return _with_runs(paired, list(runs))


def _paired(lines: Iterable[Line]) -> list[Line]:
    open_calls: list[ToolCall] = []
    paired: list[Line] = []
    number = 0
    for line in lines:
        message = line.message
        if message.tool_calls:
            named: list[ToolCall] = []
            for call in message.tool_calls:
                number += 1
                named.append(call if call.id else replace(call, id=f"call-{number}"))
            if any(call.id == "" for call in message.tool_calls):
                line = Line(replace(message, tool_calls=tuple(named)), line.at_ns, line.agent)
            open_calls += named
        elif message.role == "tool":
            asked = _asked(open_calls, message)
            if asked is not None:
                open_calls.remove(asked)
                if asked.id.startswith(_OF_AN_ITEM) and message.tool_call_id:
                    _rename(paired, asked, message.tool_call_id)
                    asked = replace(asked, id=message.tool_call_id)
                if message.tool_call_id != asked.id or message.name is None:
                    paired_message = replace(
                        message, tool_call_id=asked.id, name=message.name or asked.name
                    )
                    line = Line(paired_message, line.at_ns, line.agent)
        paired.append(line)
    return paired


def _rename(lines: list[Line], asked: ToolCall, id_: str) -> None:
    """Give a call that was asked for in one of `lines` the id that its result has."""
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number]
        if asked in line.message.tool_calls:
            named = (
                replace(one, id=id_) if one is asked else one for one in line.message.tool_calls
            )
            message = replace(line.message, tool_calls=tuple(named))
            lines[number] = Line(message, line.at_ns, line.agent)
            return


def _asked(open_calls: Sequence[ToolCall], result: Message) -> ToolCall | None:
    """The open call that a result answers: the latest with its id, else the first with its name."""
    for call in reversed(open_calls):
        if call.id == result.tool_call_id:
            return call
    if result.name is None:
        return open_calls[0] if open_calls else None
    return next((call for call in open_calls if call.name == result.name), None)


def _with_runs(lines: Sequence[Line], runs: list[ToolRun]) -> list[Line]:
    answered = {line.message.tool_call_id for line in lines if line.message.role == "tool"}
    calls = {call.id: call for line in lines for call in line.message.tool_calls}
    complete: list[Line] = []
    for line in lines:
        message = line.message
        if message.role == "tool":
            run = _run_of(runs, calls.get(message.tool_call_id or ""), message)
            complete.append(_filled(line, run) if run else line)
            continue
        complete.append(line)
        for call in message.tool_calls:
            run = _run_of(runs, call, None) if call.id not in answered else None
            if run is not None and (run.result is not None or run.error):
                result = Message(
                    role="tool",
                    tool_call_id=call.id,
                    name=call.name,
                    result=run.result,
                    error=run.error,
                )
                complete.append(Line(result, run.end_ns))
    return complete


def _run_of(runs: list[ToolRun], call: ToolCall | None, result: Message | None) -> ToolRun | None:
    """Take the run of a call from `runs`: by id, else by name and arguments, else by result."""
    for run in runs:
        by_id = run.call_id is not None and call is not None and run.call_id == call.id
        by_name = run.call_id is None and call is not None and run.name == call.name
        same = by_name and (
            run.arguments == (call.arguments if call else None)
            or (result is not None and run.result == result.result)
        )
        if by_id or same:
            runs.remove(run)
            return run
    return None


def _filled(line: Line, run: ToolRun) -> Line:
    message = line.message
    result = run.result if message.result is None else message.result
    error = message.error or run.error
    if result is not message.result or error is not message.error:
        message = replace(message, result=result, error=error)
    return Line(message, run.end_ns or line.at_ns, line.agent)
