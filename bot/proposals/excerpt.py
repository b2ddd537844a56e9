"""Many conversations in few requests: what of each is shown, and how they are kept apart.

Takes conversations; gives transcripts within a budget of characters and groups of them for one
request each. A group shares no user with another one, so that whoever misleads the reader of one
request speaks for one group only. No I/O, milliseconds.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from bot.transcript import Transcript, write_transcript
from collector.records import Conversation, Message

_WHOLE = 10**9
_CAPS = ((1_500, 800), (900, 450), (500, 250), (300, 120))
"""Characters of a message and of a tool's result, tried in turn until the conversation fits."""
_AROUND = 40
"""Characters shown on both sides of a value that the conversation speaks of."""
_VALUE = re.compile(r"[\w.@#+-]{3,}")
_CUT = " (…) "


def excerpt(conversation: Conversation, max_chars: int) -> Transcript:
    """The conversation in about `max_chars`; whole where it fits.

    Else results of tools keep what the conversation speaks of, long messages their beginning and
    end; then messages in the middle go, but none that failed or was cut off. What is shown of a
    message is copied from it word for word.
    """
    shown = write_transcript(conversation, max_chars=_WHOLE)
    if len(shown.text) <= max_chars:
        return shown
    spoken = _spoken(conversation)
    for text_chars, result_chars in _CAPS:
        short = replace(
            conversation,
            messages=tuple(
                _shortened(message, spoken, text_chars, result_chars)
                for message in conversation.messages
            ),
        )
        shown = write_transcript(short, max_chars=_WHOLE)
        if len(shown.text) <= max_chars:
            return shown
    kept = _without_middle(short, len(shown.text) - max_chars)
    return write_transcript(kept, max_chars=max_chars)


def side_by_side(transcripts: Sequence[Transcript]) -> str:
    """The transcripts under numbers from 1 on.

    No message can imitate a heading: its first line begins with its own number in brackets, and all
    others are indented.
    """
    return "\n\n".join(
        f"=== conversation {number} ===\n{transcript.text}"
        for number, transcript in enumerate(transcripts, start=1)
    )


def groups_apart(conversations: Sequence[Conversation], number: int) -> list[list[Conversation]]:
    """At most `number` groups of about the same size; nobody is in two of them."""
    by_unit: dict[str, list[Conversation]] = defaultdict(list)
    for conversation in conversations:
        by_unit[conversation.unit].append(conversation)
    groups: list[list[Conversation]] = [[] for _ in range(number)]
    for own in sorted(by_unit.values(), key=len, reverse=True):
        min(groups, key=len).extend(own)
    return [group for group in groups if group]


def _spoken(conversation: Conversation) -> set[str]:
    """Words and values that user and agent use, arguments of calls included."""
    said = [message.text or "" for message in conversation.messages if message.role != "tool"]
    said += [
        json.dumps(call.arguments, ensure_ascii=False)
        for message in conversation.messages
        for call in message.tool_calls
    ]
    return {word.casefold() for text in said for word in _VALUE.findall(text)}


def _shortened(message: Message, spoken: set[str], text_chars: int, result_chars: int) -> Message:
    if message.role != "tool":
        return replace(message, text=_ends(message.text, text_chars))
    if message.text:
        return replace(message, text=_telling(message.text, spoken, result_chars))
    if message.result is None:
        return message
    result = message.result
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    return replace(message, result=_telling(text, spoken, result_chars))


def _ends(text: str | None, max_chars: int) -> str | None:
    if text is None or len(text) <= max_chars:
        return text
    first = max_chars * 2 // 3
    return f"{text[:first]}{_CUT}{text[first - max_chars :]}"


def _telling(text: str, spoken: set[str], max_chars: int) -> str:
    """Parts of a tool's result around what is spoken of; figures and ids before mere words."""
    if len(text) <= max_chars:
        return text
    found = [match for match in _VALUE.finditer(text) if match[0].casefold() in spoken]
    found.sort(key=lambda match: not any(sign.isdigit() for sign in match[0]))
    shown = bytearray(len(text))
    left = max_chars
    for start, end in [(0, _AROUND), *(match.span() for match in found)]:
        first, last = max(0, start - _AROUND), min(len(text), end + _AROUND)
        fresh = last - first - sum(shown[first:last])
        if fresh <= left:
            shown[first:last] = b"\1" * (last - first)
            left -= fresh
    runs = re.finditer(b"\x01+", bytes(shown))
    return _CUT.join(text[run.start() : run.end()] for run in runs)


def _without_middle(conversation: Conversation, excess: int) -> Conversation:
    """Messages go from the middle outwards until `excess` characters are gone; faults stay."""
    messages = list(conversation.messages)
    middle = len(messages) / 2
    for at in sorted(range(1, len(messages) - 2), key=lambda at: abs(at - middle)):
        message = messages[at]
        if excess <= 0:
            break
        if message.error or message.finish_reason == "length":
            continue
        bare = Message(role=message.role, name=message.name, text="(left out)")
        whole = replace(conversation, messages=(message,))
        excess -= len(write_transcript(whole, max_chars=_WHOLE).text) - len("[00] tool: (left out)")
        messages[at] = bare
    return replace(conversation, messages=tuple(messages))
