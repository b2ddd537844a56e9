"""Which conversations the model is asked about, and what it said of them.

A share of reading every conversation may be spent, and in any case a first amount: on what has no
intent, and on some of each intent where nobody has read an agent's conversations yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from bot.figures import count, percent
from bot.intents.reading import (
    FIRST_TOKENS,
    READ_SHARE,
    AskMany,
    label_prompt,
    read_labels,
    to_read,
)
from bot.intents.text import Document
from bot.records import Key, Label, Skipped, Taxonomy

SURE_FROM = 0.5
"""Probability from which the classifier's word stands without the model's."""
PROVED_BY = 20
"""Conversations of each intent that are read the first time that a model reads an agent's, while
the first tokens last: what learned from groups alone is as sure of what lies there by mistake."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownLabel:
    """What a person or the model said about one conversation."""

    agent: str
    conversation_id: str
    intent_ids: tuple[str, ...]
    """Empty: none of those that there were fits."""
    source: Literal["person", "model"]
    at: datetime
    content: str
    """`content_hash` of what was read; a person's word holds whatever comes after."""
    taxonomy_version: str
    prompt_sha256: str = ""
    none_fits: str = ""
    tokens: int = 0


def ask_about(
    documents: Sequence[Document],
    labels: Mapping[Key, Label],
    taxonomy: Taxonomy,
    *,
    known: Sequence[KnownLabel],
    contents: Mapping[Key, str],
    tokens: int,
    ask_many: AskMany | None,
    now: datetime,
) -> tuple[list[KnownLabel], tuple[Skipped, ...]]:
    """What the model says of conversations whose `labels` are not sure, and what was left.

    `known` is what it said before; `contents` are the hashes of what it reads; `tokens` is what
    reading all documents would take. It is asked once about equal ones: its word on one is its
    word on the others.
    """
    if ask_many is None or not any(taxonomy.intents):
        return [], ()
    prompt_sha256 = label_prompt((), "").sha256
    told = {
        one.content: one
        for one in known
        if one.source == "model"
        and (one.taxonomy_version, one.prompt_sha256) == (taxonomy.version, prompt_sha256)
    }
    by_sureness = sorted(
        (one for one in documents if labels[_key(one)].source == "classifier"),
        key=lambda one: (_sureness(labels[_key(one)]), contents[_key(one)]),
    )
    in_window = {(one.agent, one.conversation_id) for one in documents}
    spent = sum(one.tokens for one in known if (one.agent, one.conversation_id) in in_window)
    asked = [one for one in by_sureness if contents[_key(one)] not in told]
    chosen = _within_budget(asked, labels, taxonomy, tokens, spent)
    reading = read_labels(chosen, taxonomy, ask_many=ask_many)
    read = [
        KnownLabel(
            agent=one.document.agent,
            conversation_id=one.document.conversation_id,
            intent_ids=one.intent_ids,
            source="model",
            at=now,
            content=contents[_key(one.document)],
            taxonomy_version=taxonomy.version,
            prompt_sha256=prompt_sha256,
            none_fits=one.none_fits,
            tokens=one.tokens,
        )
        for one in reading.labels
    ]
    told |= {one.content: one for one in read}
    done = {(one.agent, one.conversation_id) for one in read}
    read += [
        replace(told[contents[key]], agent=one.agent, conversation_id=key[1], at=now, tokens=0)
        for one in by_sureness
        if (key := _key(one)) not in done and contents[key] in told
    ]
    seen = {contents[_key(one)] for one in chosen}
    left = [_key(one) for one in asked if contents[_key(one)] not in seen]
    skipped = _left(sum(not labels[key].intents for key in left), tokens, spent)
    return read, (*skipped, *reading.skipped)


def _within_budget(
    asked: Sequence[Document],
    labels: Mapping[Key, Label],
    taxonomy: Taxonomy,
    tokens: int,
    spent: int,
) -> tuple[Document, ...]:
    """The least sure first, within the share; within the first tokens what has no intent, too, and
    some of what has one.
    """
    unsure = [one for one in asked if _sureness(labels[_key(one)]) < SURE_FROM]
    wordless = [one for one in unsure if not labels[_key(one)].intents]
    return max(
        to_read(unsure, taxonomy, tokens=int(READ_SHARE * tokens) - spent),
        to_read([*wordless, *_unproven(asked, labels)], taxonomy, tokens=FIRST_TOKENS - spent),
        key=len,
    )


def _unproven(asked: Sequence[Document], labels: Mapping[Key, Label]) -> Iterator[Document]:
    """`PROVED_BY` of each intent, the least sure first, of agents of which nobody read any."""
    read = {one.agent for one in labels.values() if one.source in ("person", "model")}
    chosen = Counter[tuple[str, str]]()
    for document in asked:
        intents = labels[_key(document)].intents
        if intents and document.agent not in read:
            chosen[document.agent, intents[0][0]] += 1
            if chosen[document.agent, intents[0][0]] <= PROVED_BY:
                yield document


def _left(without: int, tokens: int, spent: int) -> Iterator[Skipped]:
    if without:
        most = max(FIRST_TOKENS, int(READ_SHARE * tokens))
        sentence = (
            f"The model may take {percent(READ_SHARE)} of the tokens of reading all conversations, "
            f"and {FIRST_TOKENS:,} in any case; {spent:,} of {most:,} were spent before."
        )
        what = f"the model's word on {count(without, 'conversation')} without an intent"
        yield Skipped(what=what, code="share", reason=sentence)


def _sureness(label: Label) -> float:
    """0 without an intent, 1 where somebody read it, else the classifier's probability."""
    if label.source != "classifier":
        return 1.0
    return max((confidence for _, confidence in label.intents), default=0.0)


def _key(document: Document) -> Key:
    return document.agent, document.conversation_id
