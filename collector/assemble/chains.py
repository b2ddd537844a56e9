"""Calls that continue a response by its id: the provider keeps the history, so spans do not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from collector.assemble.sources import Source
from collector.records import Message

_LONGEST = 1000
"""Messages of a history that is put back. A longer one is left to the order of time, which costs
nothing where a chain has thousands of links."""


def follow_responses(sources: Iterable[Source]) -> None:
    """Put the history before the input of calls that name the response before them.

    Only within one service and one user. Where the sender put the history there already, or the
    call that is named is not here, nothing changes.
    """
    answered: dict[tuple[str, str], Source] = {}
    for source in sorted(sources, key=lambda source: source.order):
        call, service = source.call, str(source.node.span.row["service"])
        before = answered.get((service, call.previous_response_id or ""))
        if before is not None and _is_same_user(source, before):
            history = before.call.input + before.call.output
            if len(history) <= _LONGEST and call.input[: len(history)] != history:
                source.call = replace(call, input=history + call.input)
        if call.response_id:
            answered[(service, call.response_id)] = source


def restore_requests(sources: Iterable[Source]) -> None:
    """Put back the assistant's requests that a sender leaves out of histories: those without text.

    A result that nobody asked for in its history is put behind the answer that asked for it, if all
    before it is what that answer was given. Only within one service and one user.
    """
    asked: dict[tuple[str, str], Source] = {}
    for source in sorted(sources, key=lambda source: source.order):
        call, service = source.call, str(source.node.span.row["service"])
        said = list(call.input)
        known: set[str] = set()
        position = 0
        while position < len(said):
            message = said[position]
            known.update(one.id for one in message.tool_calls)
            id_ = message.tool_call_id or ""
            before = asked.get((service, id_)) if id_ and id_ not in known else None
            if before is not None and _answers(said[:position], before, source):
                said[position:position] = before.call.output
            else:
                position += 1
        if len(said) > len(call.input):
            source.call = replace(call, input=tuple(said))
        for message in call.output:
            asked.update({(service, one.id): source for one in message.tool_calls if one.id})


def _answers(history: list[Message], before: Source, source: Source) -> bool:
    is_same = len(history) <= _LONGEST and history == list(before.call.input)
    return is_same and before.call.end_ns <= source.call.end_ns and _is_same_user(source, before)


def _is_same_user(one: Source, other: Source) -> bool:
    return None in (users := (one.node.user_id, other.node.user_id)) or users[0] == users[1]
