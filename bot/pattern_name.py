"""What a pattern is called wherever people read of it."""

from __future__ import annotations

from bot.records import Pattern


def pattern_name(pattern: Pattern) -> str:
    """Whom it concerns and what goes wrong, in a few words. Carries text from outside."""
    whom = ", ".join(
        [*filter(None, [pattern.intent_name or pattern.intent_id]), *segment_words(pattern)]
    )
    if pattern.kind == "correction":
        kind = pattern.outcome.removeprefix("correction:").replace("_", " ")
        by_users = bool(pattern.corrections) and all(c.by == "user" for c in pattern.corrections)
        who = "users" if by_users else "reviewers"
        return f"{who} correct: {kind}" + (f" ({whom})" if whom else "")
    if pattern.kind == "threshold":
        return f"{pattern.threshold_name or 'threshold'}: shown and dismissed"
    what = pattern.outcome.removeprefix("signal:").replace("_", " ")
    return f"{whom}: {what}" if whom else what


def segment_words(pattern: Pattern) -> tuple[str, ...]:
    """Each condition of its segment in words. Carries text from outside."""
    return tuple(_words(key, value) for key, value in sorted(pattern.segment.items()))


def _words(key: str, value: str) -> str:
    told = {
        "signal": f"after {value.replace('_', ' ')}",
        "first_session": "first conversation of a user",
        "last_tool": f"ends after {value}",
        "last_question": f"left at a question about “{value}”",
        "wording": f"worded “{value}”",
    }
    return told.get(key, f"{key}={value}")
