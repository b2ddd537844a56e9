"""What is seen in conversations beside what senders declare: segments, severe cases, exemplars.

Takes conversations one by one, then documents and facts; gives facts with more segments, and a
report with findings and exemplars. The vectors are always those of the base install: a first line
needs no better ones, and there may be many.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from bot.intents import Document
from bot.intents.embedding import embed_texts
from bot.patterns.segments import (
    LAST_QUESTION,
    LAST_TOOL,
    WORDING,
    last_question,
    last_tool,
    with_first_sessions,
    with_segments,
)
from bot.patterns.severe import SevereCases
from bot.patterns.wordings import name_wordings, typical_and_different
from bot.records import Key, Pattern, PatternReport, Signal
from collector.records import Conversation

MOST_TEXTS = 20_000
"""Of one run: the newest. Reading more takes seconds and would name the same wordings."""
MOST_OF_ONE = 2_000
"""Of one intent or agent."""
LINE_CHARS = 200
EXEMPLAR_CHARS = 600
EXEMPLARS_FROM = 200
"""Failing conversations of a pattern among which its exemplars are looked for, the newest."""


@dataclass(kw_only=True, slots=True)
class Observed:
    """Gathers while conversations are read; of their text only the agent's last questions."""

    _tools: dict[Key, str] = field(default_factory=dict)
    _questions: dict[Key, str] = field(default_factory=dict)
    _severe: SevereCases = field(default_factory=SevereCases)

    def take(self, conversation: Conversation, signals: Sequence[Signal]) -> None:
        key = (conversation.agent, conversation.conversation_id)
        if (tool := last_tool(conversation)) is not None:
            self._tools[key] = sys.intern(tool)
        if (question := last_question(conversation)) is not None:
            self._questions[key] = question
        self._severe.take(conversation, signals)

    def with_segments(self, facts: pa.Table, documents: Sequence[Document]) -> pa.Table:
        """`facts` with the segments first_session, last_tool, last_question and wording (of the
        first line, within the first intent). What is beyond the caps has no wording."""
        lines = {(one.agent, one.conversation_id): one.text.split("\n", 1)[0] for one in documents}
        ids = facts["conversation_id"].to_pylist()
        keys = list(zip(facts["agent"].to_pylist(), ids, strict=True))
        by_intent: dict[tuple[str, str], list[int]] = defaultdict(list)
        by_agent: dict[tuple[str, str], list[int]] = defaultdict(list)
        added: dict[int, dict[str, str]] = defaultdict(dict)
        for row, (key, intents) in enumerate(zip(keys, facts["intents"].to_pylist(), strict=True)):
            if key in lines and intents:
                by_intent[key[0], intents[0]].append(row)
            if key in self._questions:
                by_agent[key[0], ""].append(row)
            if key in self._tools:
                added[row][LAST_TOOL] = self._tools[key]
        for segment, groups, texts in (
            (WORDING, by_intent, lines),
            (LAST_QUESTION, by_agent, self._questions),
        ):
            for rows in _capped(groups).values():
                said = [texts[keys[row]][:LINE_CHARS] for row in rows]
                for row, name in zip(rows, name_wordings(said, embed_texts(said)), strict=True):
                    if name is not None:
                        added[row][segment] = name
        return with_segments(with_first_sessions(facts), added)

    def complete(self, report: PatternReport, documents: Sequence[Document]) -> PatternReport:
        """The report with severe cases, first among its findings, and its patterns' exemplars."""
        return replace(
            report,
            patterns=with_exemplars(report.patterns, documents),
            findings=(*self._severe.findings(), *report.findings),
        )


def _capped(groups: Mapping[tuple[str, str], list[int]]) -> dict[tuple[str, str], list[int]]:
    """The last rows of each group, so that all together are few enough."""
    each = min(MOST_OF_ONE, MOST_TEXTS // max(1, len(groups)))
    return {name: groups[name][-each:] for name in sorted(groups)}


def with_exemplars(
    patterns: Sequence[Pattern], documents: Sequence[Document]
) -> tuple[Pattern, ...]:
    """The patterns with ids of failing conversations that are typical, and unlike each other."""
    evidence = {(one.agent, failing) for one in patterns for failing in one.evidence}
    texts = {
        key: one.text[:EXEMPLAR_CHARS]
        for one in documents
        if (key := (one.agent, one.conversation_id)) in evidence
    }
    return tuple(
        replace(one, exemplars=_exemplars(one, texts)) if one.kind == "outcome" else one
        for one in patterns
    )


def _exemplars(pattern: Pattern, texts: Mapping[Key, str]) -> tuple[str, ...]:
    failing = [one for one in pattern.evidence if (pattern.agent, one) in texts][-EXEMPLARS_FROM:]
    if not failing:
        return pattern.evidence[-1:]
    vectors = embed_texts([texts[pattern.agent, one] for one in failing])
    return tuple(failing[at] for at in typical_and_different(vectors))
