"""What the user was trying to do, as text that can be compared.

Takes a `Conversation`, gives a `Document`: the user's own messages without greetings and ids, and
the tools that the agent used. Refuses conversations in which the user says nothing. Costs nothing.

All messages count alike. On 68 real airline and 177 retail conversations with known actions, all
user messages beat the first one, two or three, and beat weights that decay with the turn.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from bot.records import Skipped, short_hash
from collector.records import Conversation

MESSAGE_CHARS = 600
"""Of one message; what follows is mostly something pasted."""
DOCUMENT_CHARS = 4_000

_URL = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
# Order numbers, dates, e-mail addresses, handles, user ids, ###STOP###: they tell users apart, not
# intents.
_ID = re.compile(r"\S*[\d@#_]\S*")
_COURTESY = re.compile(
    r"\b(?:hi there|hi|hello|hey|good (?:morning|afternoon|evening|day)|thank you(?: so much)?"
    r"|thanks(?: a lot)?|please|bye|goodbye)\b[,.!]*",
    re.IGNORECASE,
)
# "Sure, my name is": only where it opens a sentence, since "I'm not sure" says something.
_OPENING = re.compile(
    r"(?:(?<=[.!?])|^)\s*(?:(?:sure|great|okay|ok|yes|yeah|of course)\b[,.!]*\s*)+", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One conversation as the intent stage sees it."""

    agent: str
    conversation_id: str
    unit: str
    """The user where there is an id, else the conversation: who is counted."""
    text: str
    """The user's words, a line per message, at most 4,000 characters. Written by a stranger."""
    tools: tuple[str, ...]
    """Names of the tools that the agent called, without repeats, in order of first use."""
    sha: str
    """16 hex digits of agent and conversation id: what a taxonomy cites as an exemplar. Not of the
    text, which grows with each turn and could be guessed from its hash."""


def to_document(
    conversation: Conversation, *, leave_out: Collection[int] = ()
) -> Document | Skipped:
    """The user's side of `conversation`. `Skipped` has the code no_text.

    `leave_out` are indexes of messages that say how it went and not what was wanted ("that was the
    wrong one"): with them, failures would become intents of their own.
    """
    said: list[str] = []
    tools: dict[str, None] = {}
    for index, message in enumerate(conversation.messages):
        if message.parent_tool_call_id is not None:
            continue  # what one agent says to another is not the user's wish
        if message.role == "user" and message.text and index not in leave_out:
            said.append(_user_words(message.text))
        tools.update((call.name, None) for call in message.tool_calls)
    text = "\n".join(part for part in said if part)[:DOCUMENT_CHARS].strip()
    if not _WORD.search(text):
        given = conversation.completeness.text
        missing = "no words of the user" if given else "its text was not sent"
        return Skipped(
            what=conversation.conversation_id,
            code="no_text",
            reason=f"There is nothing to read an intent from: {missing}.",
        )
    return Document(
        agent=conversation.agent,
        conversation_id=conversation.conversation_id,
        unit=conversation.unit,
        text=text,
        tools=tuple(tools),
        sha=short_hash(conversation.agent, conversation.conversation_id, length=16),
    )


def _user_words(text: str) -> str:
    words = _ID.sub(" ", _URL.sub(" ", text[: 2 * MESSAGE_CHARS]))
    words = _OPENING.sub(" ", " ".join(_COURTESY.sub(" ", words).split()))
    return " ".join(words.split()).lstrip(" ,.!")[:MESSAGE_CHARS]


def script_of(text: str) -> str:
    """The script of most letters, by the first word of their Unicode names: LATIN, ARABIC, GREEK.

    Japanese mixes three and is HIRAGANA where there is any; Chinese is CJK. Empty without letters.
    """
    if text.isascii():
        return "LATIN" if _WORD.search(text) else ""
    letters = Counter(_script_of_letter(letter) for letter in text if letter.isalpha())
    if letters["HIRAGANA"] or letters["KATAKANA"]:
        letters["HIRAGANA"] += letters.pop("KATAKANA", 0) + letters.pop("CJK", 0)
    return letters.most_common(1)[0][0] if letters else ""


@functools.lru_cache(maxsize=4_096)
def _script_of_letter(letter: str) -> str:
    plain = unicodedata.normalize("NFKC", letter)[0]  # half-width katakana, full-width Latin
    return re.split("[ -]", unicodedata.name(plain, ""))[0]
