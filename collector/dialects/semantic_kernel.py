"""Semantic Kernel: log records of single messages, whose body is JSON text.

Their place in the request is an attribute, for they are written within one tick of the clock.
"""

from __future__ import annotations

from dataclasses import replace

from collector.dialects import calls, genai, genai_older
from collector.dialects.calls import Call
from collector.dialects.histories import Histories
from collector.dialects.spans import Row, Span

_INDEX = "CHAT_MESSAGE_INDEX"

kind = genai_older.kind
read_tool = genai.read_tool


def speaks(span: Span) -> bool:
    return _INDEX in span and genai_older.speaks(span)


def read_call(span: Span, histories: Histories) -> Call:
    in_order = Span(span.row, sorted(span.logs, key=_index))
    call = genai_older.read_call(in_order, histories)
    word = calls.finish_reason(span.value("gen_ai.response.finish_reason"))
    if word is None or not call.output or call.output[-1].finish_reason:
        return call
    last = replace(call.output[-1], finish_reason=word)
    return replace(call, output=(*call.output[:-1], last))


def _index(log: Row) -> int:
    """Answers have no index and come last."""
    value = dict(log["attributes"] or ()).get(_INDEX)
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else 2**31
