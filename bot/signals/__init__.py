"""Signals: what a conversation itself shows about how it went, found without a model.

Takes one `Conversation`, gives `Signal`s; refuses nothing; costs under a millisecond. Words are
looked for in few languages and only where structure says too little; evidence is in our words, so
no text of a stranger travels on.
"""

from __future__ import annotations

from datetime import datetime

from bot.records import Signal
from bot.signals.answers import asked_again, cut_off, of_answers, of_tools, says_the_same
from bot.signals.ending import of_the_end
from bot.signals.ratings import of_ratings
from bot.signals.turns import reactions, same_again, user_turns
from collector.records import Conversation

__all__ = ["find_signals"]


def find_signals(conversation: Conversation, *, now: datetime | None = None) -> tuple[Signal, ...]:
    """All signals of one conversation, by message. The same conversation gives the same signals.

    With `now`, a conversation in which something was said in the last half hour is taken to go on:
    nobody has abandoned it yet.
    """
    messages = conversation.messages
    found = [*of_tools(messages), *of_ratings(conversation)]
    if conversation.completeness.text:
        turns = user_turns(messages)
        found += [
            *same_again(turns, messages),
            *reactions(turns, messages),
            *of_answers(messages),
            *asked_again(messages),
            *says_the_same(messages),
            *of_the_end(conversation, now),
        ]
    else:
        found += cut_off(messages)
    return tuple(sorted(found, key=lambda signal: (signal.message_index, signal.kind)))
