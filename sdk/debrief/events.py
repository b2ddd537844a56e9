"""What people said and did about the agent's work, as OTLP log records (docs/conventions.md).

Every function returns at once and never raises; before `debrief.init` they do nothing. All belong
to the conversation around the call unless `conversation_id` (or `response_id`) says another one.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from time import time_ns
from typing import Literal

from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

from debrief.guard import never_raises, warn_once
from debrief.scope import AGENT, Around, current, merged, text

Value = str | bool | int | float | Sequence[str] | None

_NO_TRACE = set_span_in_context(INVALID_SPAN, Context())


class Events:
    """Where events go; empty until `init`."""

    def __init__(self) -> None:
        self.logger: Logger | None = None
        self.agent: str | None = None


events = Events()


@never_raises(None)
def feedback(
    score: float | bool | None = None,
    *,
    label: str | None = None,
    category: str | None = None,
    comment: str | None = None,
    suggestion: str | None = None,
    name: str = "user_feedback",
    conversation_id: object = None,
    response_id: str | None = None,
    user: object = None,
    **segments: object,
) -> None:
    """A rating by a user: `score` from 0 (bad) to 1 (good), or a `label` such as thumbs_down.

    `category` is what the user chose from a list (wrong_information, too_slow), `suggestion` the
    answer that the user would have wanted. `response_id` is the provider's id of the answer that
    is rated, where you have it.
    """
    attributes: dict[str, Value] = {
        "gen_ai.evaluation.name": name,
        "gen_ai.evaluation.score.value": None if score is None else float(score),
        "gen_ai.evaluation.score.label": label,
        "gen_ai.evaluation.explanation": comment,
        "debrief.feedback.category": category,
        "debrief.feedback.suggestion": suggestion,
        "gen_ai.response.id": response_id,
    }
    _send("gen_ai.evaluation.result", attributes, conversation_id, user, segments)


@never_raises(None)
def correction(
    original: str,
    corrected: str,
    *,
    type: str | None = None,
    note: str | None = None,
    reviewer: object = None,
    conversation_id: object = None,
    user: object = None,
    **segments: object,
) -> None:
    """A person changed what the agent wrote. Without a `type` it is told from the edit."""
    attributes: dict[str, Value] = {
        "debrief.correction.original": original,
        "debrief.correction.corrected": corrected,
        "debrief.correction.type": type,
        "debrief.correction.note": note,
        "debrief.correction.reviewer.id": text(reviewer),
    }
    _send("debrief.correction", attributes, conversation_id, user, segments)


@never_raises(None)
def review(
    action: Literal["accepted", "edited", "rejected", "escalated"],
    *,
    usable: bool | None = None,
    note: str | None = None,
    conversation_id: object = None,
    user: object = None,
    **segments: object,
) -> None:
    """What a reviewer did with a draft; `usable` where you ask for it."""
    attributes: dict[str, Value] = {
        "debrief.review.action": action,
        "debrief.review.usable": usable,
        "debrief.review.note": note,
    }
    _send("debrief.review", attributes, conversation_id, user, segments)


def decision(
    action: str,
    *,
    id: object = None,
    confidence: float | None = None,
    threshold: str | None = None,
    threshold_value: float | None = None,
    reasoning: str | None = None,
    input_hash: str | None = None,
    features: Mapping[str, float] | None = None,
    rules: Sequence[str] = (),
    conversation_id: object = None,
    user: object = None,
    **segments: object,
) -> str:
    """The agent chose an action, at a threshold or by rules. Gives the id for `respond`.

    `threshold` is the dotted path of the number in your config that decided, for example
    `alerts.fraud.min_score`, and `threshold_value` what it was then; `features` are the numbers
    that were looked at.
    """
    decision_id = _id_of(id)
    attributes: dict[str, Value] = {
        "debrief.decision.id": decision_id,
        "debrief.decision.action": action,
        "debrief.decision.confidence": confidence,
        "debrief.decision.threshold.name": threshold,
        "debrief.decision.threshold.value": threshold_value,
        "debrief.decision.reasoning": reasoning,
        "debrief.decision.input.hash": input_hash,
    }
    _decide(attributes, features, rules, conversation_id, user, segments)
    return decision_id


@never_raises(None)
def _decide(
    attributes: dict[str, Value],
    features: Mapping[str, float] | None,
    rules: Sequence[str],
    conversation_id: object,
    user: object,
    segments: Mapping[str, object],
) -> None:
    for name, value in (features or {}).items():
        attributes[f"debrief.decision.feature.{name}"] = _number(value)
    if rules:
        attributes["debrief.decision.rules"] = [str(rule) for rule in rules]
    _send("debrief.decision", attributes, conversation_id, user, segments)


@never_raises(None)
def respond(
    decision_id: object,
    action: Literal["approve", "dismiss", "modify", "escalate"],
    *,
    responder: object = None,
    modified_action: str | None = None,
    note: str | None = None,
    time_to_respond_s: float | None = None,
    conversation_id: object = None,
    user: object = None,
    **segments: object,
) -> None:
    """What a person did with a decision."""
    attributes: dict[str, Value] = {
        "debrief.response.decision.id": text(decision_id),
        "debrief.response.action": action,
        "debrief.response.responder.id": text(responder),
        "debrief.response.modified_action": modified_action,
        "debrief.response.note": note,
        "debrief.response.time_to_respond_s": time_to_respond_s,
    }
    _send("debrief.response", attributes, conversation_id, user, segments)


@never_raises(None)
def outcome(
    name: str,
    value: str | bool | float | None = None,
    *,
    at: datetime | None = None,
    conversation_id: object = None,
    user: object = None,
    **segments: object,
) -> None:
    """What came of it: of a conversation (resolved, refunded), a user (upgraded) or an account.

    An outcome of a user alone is sent outside of any conversation, and so is that of an account,
    which a segment names (`account_id="acme"`). `at` is now where it is not
    given; without a zone it is UTC.
    """
    moment = at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
    attributes: dict[str, Value] = {
        "debrief.outcome.name": name,
        "debrief.outcome.value": value,
        "debrief.outcome.at": moment.isoformat() if moment else None,
    }
    _send("debrief.outcome", attributes, conversation_id, user, segments)


def _send(
    name: str,
    attributes: Mapping[str, Value],
    conversation_id: object,
    user: object,
    segments: Mapping[str, object],
) -> None:
    """Emit one event. Segments, user and conversation come from around, unless given."""
    if events.logger is None:
        warn_once("no init", "debrief: %s before debrief.init is not sent", name)
        return
    outer = current()
    around = merged(
        outer.around if outer else Around(agent=events.agent), conversation_id, user, None, segments
    )
    given = {key: value for key, value in attributes.items() if value is not None}
    ties = around.attributes()
    agent = ties.pop(AGENT, events.agent)
    named = {"gen_ai.agent.name": agent} if agent else {}
    is_tied = (
        around.conversation_id
        or around.user_id
        or "gen_ai.response.id" in given
        or (name == "debrief.outcome" and "account_id" in segments)
    )
    now_ns = time_ns()
    events.logger.emit(
        LogRecord(
            timestamp=now_ns,
            observed_timestamp=now_ns,
            # The trace of the request that brought the feedback is not that of the conversation.
            context=_NO_TRACE if is_tied else None,
            severity_number=SeverityNumber.INFO,
            event_name=name,
            attributes={**named, **ties, **given, "debrief.event.id": uuid.uuid4().hex},
        )
    )


def _id_of(value: object) -> str:
    return never_raises(None)(text)(value) or uuid.uuid4().hex


def _number(value: object) -> float | None:
    """A finite number; what is none is left out."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        warn_once("feature", "debrief: features are numbers; another value was left out")
        return None
    return number if math.isfinite(number) else None
