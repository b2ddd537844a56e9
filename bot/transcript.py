"""A conversation as numbered lines that a model reads and that its quotes are looked up in.

Takes a `Conversation`; gives the text within a budget. Nothing a stranger wrote can pass for
another message: continuation lines are indented, numbers are ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import prompts
from collector.records import Conversation, Json, Message

MAX_CHARS = 24_000
"""About 7,000 tokens: nine of ten conversations of a tool-using agent fit whole."""
MESSAGE_CAPS = (MAX_CHARS, 6_000, 3_000, 1_500)
"""Tried in turn: a search result is cut only where the conversation would not fit otherwise."""
MAX_ERROR_CHARS = 300
MIN_QUOTE_WORDS = 3
MIN_QUOTE_SIGNS = 6
"""Letters that are as telling as three words, in scripts that put no spaces between words."""
_HEAD_SHARE = 0.4
_QUOTE_SIGNS = str.maketrans("‘’“”", "''\"\"")  # noqa: RUF001
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese."""
_NUMBER = re.compile(r"\A\[\d+\] ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcript:
    """What the model gets to see of one conversation."""

    conversation_id: str
    lines: tuple[str, ...]
    """One entry per message that is shown, beginning with its number in brackets."""
    numbers: tuple[int, ...]
    """Index into `Conversation.messages` of each entry."""
    left_out: int
    """Messages in the middle that did not fit."""
    errors: tuple[str, ...] = ()
    """Model calls of the agent that failed for good, in one line each."""

    @property
    def text(self) -> str:
        gap = next((at for at, n in enumerate(self.numbers) if n != at), len(self.lines))
        lines = list(self.lines)
        if self.left_out:
            lines.insert(gap, f"(… {self.left_out} messages left out …)")
        return "\n".join([*lines, *self.errors])

    def find(self, quote: str, number: int) -> int | None:
        """Where the quote stands word for word: in message `number`, else in any; None if nowhere.

        White space and the shape of quotation marks do not count. Fewer than three words prove
        nothing, so they are never found; nor do fewer than six letters where words have no spaces.
        """
        wanted = _folded(quote)
        is_long = len(wanted.split()) >= MIN_QUOTE_WORDS
        if not is_long and len(_UNSPACED.findall(wanted)) < MIN_QUOTE_SIGNS:
            return None
        holding = [
            n
            for n, line in zip(self.numbers, self.lines, strict=True)
            if wanted in _folded(_NUMBER.sub("", line))
        ]
        return number if number in holding else next(iter(holding), None)


def write_transcript(conversation: Conversation, *, max_chars: int = MAX_CHARS) -> Transcript:
    """The conversation in about `max_chars`; nothing is cut where it fits.

    Else the longest messages keep their beginning and end only, and if that is not enough the
    first and last messages stay and the middle goes.
    """
    for cap in MESSAGE_CAPS:
        lines = [_line(n, message, cap) for n, message in enumerate(conversation.messages)]
        if sum(map(len, lines)) <= max_chars:
            break
    kept = _kept([len(line) + 1 for line in lines], max_chars)
    return Transcript(
        conversation_id=conversation.conversation_id,
        lines=tuple(lines[n] for n in kept),
        numbers=tuple(kept),
        left_out=len(lines) - len(kept),
        errors=tuple(
            f"(a model call failed: {error.kind} {error.http_status or ''} "
            f"{_shortened(_one_line(error.message), MAX_ERROR_CHARS)})"
            for error in conversation.errors
        ),
    )


def _kept(sizes: Sequence[int], max_chars: int) -> list[int]:
    if sum(sizes) <= max_chars:
        return list(range(len(sizes)))
    head, room = 0, int(max_chars * _HEAD_SHARE)
    while sizes[head] <= room:
        room -= sizes[head]
        head += 1
    tail, room = len(sizes), max_chars - int(max_chars * _HEAD_SHARE)
    while tail > head and sizes[tail - 1] <= room:
        tail -= 1
        room -= sizes[tail]
    return [*range(head), *range(tail, len(sizes))]


def _line(number: int, message: Message, cap: int) -> str:
    speaker = f"{message.role} {message.name or ''}".strip()
    if message.agent:
        speaker += f" (agent {message.agent})"
    parts = [message.text] if message.text else []
    parts += [f"calls {call.name}({_json(call.arguments)})" for call in message.tool_calls]
    if message.role == "tool" and not message.text and message.result is not None:
        parts.append(_json(message.result))
    if message.finish_reason == "length":
        parts.append("(cut off by the length limit)")
    if message.error and message.error not in parts:
        parts.append(f"failed: {message.error}")
    said = "\n".join(_shortened(part, cap) for part in parts) or "(nothing)"
    return f"[{number}] {_one_line(speaker)}: " + said.replace("\n", "\n    ")


def _one_line(text: str) -> str:
    return " ".join(prompts.show_invisible(text).split())


def _json(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shortened(text: str, cap: int) -> str:
    """The beginning and the end of a long text, cut at the best place near the limit."""
    shown = prompts.show_invisible(text)
    if len(shown) <= cap:
        return shown
    # Half a second to import, and most conversations fit as they are.
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(chunk_size=cap // 2, chunk_overlap=0)
    chunks = splitter.split_text(shown)
    return f"{chunks[0]}\n(… cut …)\n{chunks[-1]}"


def _folded(text: str) -> str:
    shown = prompts.show_invisible(text).replace("&lt;", "<").translate(_QUOTE_SIGNS)
    return " ".join(shown.split())
