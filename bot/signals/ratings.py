"""What people said of the answers: ratings and reviews."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.records import Signal
from collector.records import Conversation, Event, Message

_FEEDBACK_NAMES = re.compile(
    r"feedback|thumb|rating|csat|satisfaction|\bstars?\b|\blikes?\b|helpful", re.I
)
_STARS = re.compile(r"star|csat|rating", re.I)
_NEGATIVE_LABELS = frozenset(
    {
        *("negative", "bad", "poor", "down", "thumbs_down", "thumbs-down", "thumbsdown"),
        *("dislike", "disliked", "unhelpful", "not_helpful", "unsatisfied", "dissatisfied", "no"),
    }
)


def of_ratings(conversation: Conversation) -> Iterator[Signal]:
    """Negative ratings, at the answer that they can be about."""
    for event in conversation.events:
        why = _negative(event)
        if why:
            index = _message_before(conversation.messages, event)
            yield Signal(kind="negative_rating", message_index=index, evidence=why)


def _negative(event: Event) -> str | None:
    if event.name == "debrief.review":
        action = event.value("action", "review.action")
        usable = event.value("usable", "review.usable")
        if action == "rejected":
            return "a reviewer rejected the answer"
        return "a reviewer called the answer not usable" if usable is False else None
    if event.name != "gen_ai.evaluation.result":
        return None
    name = str(event.value("gen_ai.evaluation.name", "evaluation.name", "name") or "")
    if not _FEEDBACK_NAMES.search(name):
        return None  # an evaluator's score: its scale and direction are not known here
    if event.value("feedback.suggestion", "gen_ai.evaluation.suggestion"):
        return "the user suggested another answer"
    label = event.value("gen_ai.evaluation.score.label", "score.label", "label")
    if isinstance(label, str):
        return "a negative rating by label" if label.strip().lower() in _NEGATIVE_LABELS else None
    value = event.value("gen_ai.evaluation.score.value", "score.value", "value")
    if isinstance(value, bool):
        return None if value else "a negative rating"
    if isinstance(value, int | float):
        stars = _STARS.search(name) and value >= 1 and "thumb" not in name.lower()
        if value < 0.5 or (stars and value in (1, 2)):
            return f"a negative rating: {value:g}"
    return None


def _message_before(messages: Sequence[Message], event: Event) -> int:
    """The last answer that the rating can be about."""
    for index in range(len(messages) - 1, -1, -1):
        at = messages[index].at
        if messages[index].role == "assistant" and (
            at is None or event.at is None or at <= event.at
        ):
            return index
    return max(0, len(messages) - 1)
