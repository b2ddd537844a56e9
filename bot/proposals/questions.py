"""What only a person can say: a fact that nobody wrote down, or whether a rule is meant so.

Takes causes that readers agree on; gives findings in our words. Of a model's words only the few
that name the fact or the difference go in, and only where they give nothing away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bot.figures import count
from bot.markdown import plain
from bot.proposals.compare import Comparison
from bot.proposals.diagnosis import Cause, checked_paraphrase
from bot.proposals.text_checks import new_number_words, words
from bot.records import Finding, Pattern
from bot.transcript import write_transcript
from bot.unsafe_text import added_things
from collector.records import Conversation

MAX_FACT_WORDS, MAX_RULE_WORDS = 20, 45
ORDER_CHARS = 200
_WHOLE = 10**9


def state_the_fact(
    pattern: Pattern, path: str, cause: Cause, *, read: int, shown: Sequence[Conversation]
) -> Finding:
    """The owner is asked to state a fact; nobody makes one up.

    `shown` is all that readers may have seen: the words of one may stand in what is told of others.
    """
    members = [found.conversation for found in cause.members]
    fact = told(cause.rule, shown, MAX_FACT_WORDS)
    named = f": {fact.rstrip('.')}" if fact else ""
    return Finding(
        kind="missing_fact",
        agent=pattern.agent,
        sentence=(
            f"`{path}` does not state a fact that users ask for{named}. In {len(members)} of "
            f"{count(read, 'failing conversation')} that {_were(read)} read{_of_users(members)} "
            "the agent made it up or could not say it. Only you know it: state it there."
        ),
        evidence=tuple(one.conversation_id for one in members),
    )


def choose_one(
    pattern: Pattern, path: str, cause: Cause, *, read: int, shown: Sequence[Conversation]
) -> Finding:
    """The owner is asked which of two sentences holds; nothing else shows it. `shown` as above."""
    members = [found.conversation for found in cause.members]
    rule = told(cause.rule, shown, MAX_RULE_WORDS)
    helpful = f" What would have helped: {rule.rstrip('.')}." if rule else ""
    return Finding(
        kind="undecided",
        agent=pattern.agent,
        sentence=(
            f"A person has to decide. In {len(members)} of "
            f"{count(read, 'failing conversation')} that {_were(read)} read{_of_users(members)} "
            f"two sentences of `{path}` order different things, and nothing shows which one "
            f"holds.{helpful} Take out the one that does not hold."
        ),
        evidence=tuple(one.conversation_id for one in members),
    )


def decide(
    pattern: Pattern,
    path: str,
    cause: Cause,
    compared: Comparison,
    *,
    shown: Sequence[Conversation],
) -> Finding | None:
    """The owner is asked whether a sentence is meant so; None where no sentence was named.

    Most of the cause's conversations have to name a sentence of the prompt. `shown` as above, with
    those that went well.
    """
    members = [found.conversation for found in cause.members]
    orders = compared.orders or {}
    named = Counter(orders[one.conversation_id] for one in members if one.conversation_id in orders)
    if 2 * named.total() <= len(members):
        return None
    order = plain(named.most_common(1)[0][0], ORDER_CHARS)
    rule = told(cause.rule, shown, MAX_RULE_WORDS)
    otherwise = f" did otherwise: {rule.rstrip('.')}." if rule else " acted otherwise."
    return Finding(
        kind="undecided",
        agent=pattern.agent,
        sentence=(
            f"A person has to decide. In {len(members)} of "
            f"{count(compared.read, 'failing conversation')} that {_were(compared.read)} "
            f"compared{_of_users(members)} the agent kept to its instructions; where it went well "
            f"it{otherwise} `{path}` says: “{order}” If this is not meant for such requests, "
            "change that sentence."
        ),
        evidence=tuple(one.conversation_id for one in members),
    )


def told(text: str, shown: Sequence[Conversation], max_words: int) -> str:
    """A model's words about these conversations where a person may be shown them; else empty."""
    line = plain(text, 400)
    transcripts = [write_transcript(one, max_chars=_WHOLE) for one in shown]
    unsafe = (
        len(words(line)) > max_words
        or any(added_things("", line))
        or new_number_words("", line)
        or checked_paraphrase(line, transcripts) is None
    )
    return "" if unsafe else line


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _of_users(conversations: Sequence[Conversation]) -> str:
    users = {one.user_id for one in conversations if one.user_id}
    return f", of {count(len(users), 'user')}," if users else ""
