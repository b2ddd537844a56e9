"""The model reads what the classifier could not place; each answer is checked before it counts.

Takes documents without a label and the taxonomy, gives what the model said of each. Refuses what
would take more than its share of the tokens, and words that the user never wrote. Costs one model
call for eight conversations.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from bot.figures import count
from bot.intents.describing import what_is_wrong_with_a_name
from bot.intents.text import Document
from bot.records import Intent, ModelCost, RenderedPrompt, Reply, Skipped, Taxonomy, short_hash
from bot.rendering import render_prompt

AskMany: TypeAlias = Callable[[Sequence[RenderedPrompt]], Sequence[Reply | Skipped]]
"""A reply per prompt, in their order; `Skipped` has the code pending where one comes later."""

PROMPT = "intents/label"
IN_ONE_CALL = 8
SHOWN_CHARS = 1_000
"""Of one conversation."""
MAX_INTENTS = 3
READ_SHARE = 0.05
"""Tokens that labels may cost in all, as a share of reading each conversation with the model."""
FIRST_TOKENS = 50_000
"""What may be read in any case of what has no intent: the share of 1,000 conversations of 1,000
tokens. A twentieth of a hundred conversations is ten answers, which teach nothing."""
CHARS_PER_TOKEN = 3.5
REPLY_TOKENS = 60
"""Of one conversation's answer, roughly."""
FREE = ModelCost()


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadLabel:
    """What the model said of one conversation, after the checks."""

    document: Document
    intent_ids: tuple[str, ...]
    none_fits: str
    """What the user wants instead, in the model's words; empty where an intent fits."""
    tokens: int
    """This conversation's part of what its call took."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What one run of the model over some conversations gave."""

    labels: tuple[ReadLabel, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    cost: ModelCost = FREE


def content_hash(document: Document) -> str:
    """16 hex digits of what the model and the classifier see: the label's key in every cache."""
    return short_hash(document.text, list(document.tools), length=16)


def to_read(
    documents: Sequence[Document], taxonomy: Taxonomy, *, tokens: int
) -> tuple[Document, ...]:
    """The first documents that fit into `tokens`, equal ones once."""
    different: dict[str, Document] = {}
    for one in documents:
        different.setdefault(content_hash(one), one)
    empty = label_prompt((), _offered(taxonomy))
    every_call = _tokens(empty.system + empty.cached + empty.user + str(empty.schema))
    left = tokens
    chosen: list[Document] = []
    for one in different.values():
        if len(chosen) % IN_ONE_CALL == 0:
            left -= every_call
        left -= _tokens(_shown(one)) + REPLY_TOKENS
        if left < 0:
            break
        chosen.append(one)
    return tuple(chosen)


def read_labels(documents: Sequence[Document], taxonomy: Taxonomy, *, ask_many: AskMany) -> Reading:
    """Ask about all `documents`, eight at a time; what cannot be believed is skipped."""
    groups = [documents[at : at + IN_ONE_CALL] for at in range(0, len(documents), IN_ONE_CALL)]
    offered = _offered(taxonomy)
    replies = ask_many([label_prompt(group, offered) for group in groups])
    labels: list[ReadLabel] = []
    unanswered, reasons = Counter[str](), dict[str, str]()
    unproven, cost = 0, ModelCost()
    for group, reply in zip(groups, replies, strict=True):
        if isinstance(reply, Skipped):
            reasons.setdefault(reply.code, reply.reason)
            unanswered[reply.code] += len(group)
            continue
        cost += reply.cost
        found = _believed(group, reply, taxonomy)
        labels += found
        unproven += len(group) - len(found)
    skipped = [
        Skipped(what=f"labels of {count(n, 'conversation')}", code=code, reason=reasons[code])
        for code, n in unanswered.items()
    ]
    if unproven:
        sentence = "The model gave no answer, or none with words that the user wrote."
        what = f"labels of {count(unproven, 'conversation')}"
        skipped.append(Skipped(what=what, code="unproven", reason=sentence))
    return Reading(labels=tuple(labels), skipped=tuple(skipped), cost=cost)


def label_prompt(documents: Sequence[Document], offered: str) -> RenderedPrompt:
    """One call's prompt. `offered` comes first and is the same in each, so that it is cached."""
    numbered = (f"[{number}] {_shown(one)}" for number, one in enumerate(documents, start=1))
    return render_prompt(PROMPT, taxonomy=offered, conversations="\n".join(numbered))


def _offered(taxonomy: Taxonomy) -> str:
    """The active intents, in the order of the file, so that the same file gives the same bytes."""
    return "\n".join(intent_lines(one) for one in taxonomy.intents if one.status == "active")


def intent_lines(intent: Intent) -> str:
    """One intent as the model sees it: id, name, definition, and tests of what belongs."""
    lines = [f"{intent.id}: {intent.name}. {intent.definition}".strip()]
    if intent.parent:
        lines.append(f"  under: {intent.parent}")
    lines += [f"  belongs: {test}" for test in intent.include]
    lines += [f"  does not: {test}" for test in intent.exclude]
    return "\n".join(lines)


def _believed(documents: Sequence[Document], reply: Reply, taxonomy: Taxonomy) -> list[ReadLabel]:
    """The answers that hold: known ids, and quotes that stand in that conversation."""
    offered = {one.id for one in taxonomy.intents if one.status == "active"}
    answers: dict[int, Mapping[str, Any]] = {}
    for one in cast("dict[str, Any]", reply.data)["labels"]:
        answers.setdefault(one["conversation"], one)
    spent = (reply.cost.input_tokens + reply.cost.output_tokens) // max(1, len(documents))
    found = []
    for number, document in enumerate(documents, start=1):
        answer = answers.get(number)
        if answer is None:
            continue
        said = _folded(document.text)
        ids = [
            one["id"]
            for one in answer["intents"]
            if one["id"] in offered and (quote := _folded(one["quote"])) and quote in said
        ]
        if answer["intents"] and not ids:
            continue
        found.append(
            ReadLabel(
                document=document,
                intent_ids=tuple(dict.fromkeys(ids))[:MAX_INTENTS],
                none_fits="" if ids else _phrase(answer["none_fits"], document),
                tokens=spent,
            )
        )
    return found


def _phrase(text: str, document: Document) -> str:
    """The model's words for a new wish, or nothing where they might tell who said it."""
    text = text.strip().rstrip(".")
    return "" if what_is_wrong_with_a_name(text, [document]) else text


def _shown(document: Document) -> str:
    return " / ".join(document.text.splitlines())[:SHOWN_CHARS]


_JOINTS = re.compile(r"[\s/]+")


def _folded(text: str) -> str:
    """Case, blanks and the mark between two messages make no difference to a quote."""
    return _JOINTS.sub(" ", text.casefold().replace("’", "'")).strip()  # noqa: RUF001


def _tokens(text: str) -> int:
    return int(len(text) / CHARS_PER_TOKEN) + 1
