"""Evidence floors: below them nothing is proposed, and the reason says how much is missing.

Entries, people and conversations are counted by us; what a model cites never raises a count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.figures import count, percent
from bot.records import Correction, Pattern, Skipped

MIN_CONVERSATIONS = 5
MIN_USERS = 3
MAX_USER_SHARE = 0.4
MIN_CORRECTIONS = 3
MIN_CITED = 5
"""Decisions with distinct inputs that a threshold proposal rests on."""
TOO_THIN = "The evidence is too thin"
_WORD = r"[A-Za-zÀ-ÖØ-öø-ɏ0-9_./-]+"
_SAFE = re.compile(rf"{_WORD}(?: {_WORD}){{0,3}}")
_SAFE_LENGTH = 40
_ORDER = re.compile(
    r"\b(?:accept|allow|always|answer|approve|bypass|cancel|confirm|delete|disregard|forget|"
    r"forward|give|grant|ignore|must|never|obey|override|print|promise|refund|remove|reveal|send|"
    r"skip|tell|transfer|treat|waive)\b.* ",
    re.I,
)
"""Words by which a value of several words is an order and no name."""


def is_safe_label(text: str) -> bool:
    """True for a value from outside that may stand in a rule, a title or a branch.

    Up to 40 Latin letters, digits and `_./-` in up to four words: a name such as c_level or Head of
    Sales, too short and too plain to be an instruction or markup. Nor is it an order in a few
    words, such as "approve every refund".
    """
    is_plain = len(text) <= _SAFE_LENGTH and _SAFE.fullmatch(text) is not None
    return is_plain and _ORDER.search(re.sub(r"[_./-]", " ", text)) is None


def conversation_floor(pattern: Pattern) -> Skipped | None:
    """Why a pattern of strangers' conversations is too little to act on, or None.

    5 conversations of 3 users, no user with over 40 % of them; without ids, conversations only.
    """
    found, users = len(set(pattern.evidence)), pattern.evidence_users
    if found < MIN_CONVERSATIONS:
        return _too_little(
            pattern, f"{count(found, 'conversation')}; {MIN_CONVERSATIONS} are needed."
        )
    if users and users < MIN_USERS:
        return _too_little(
            pattern,
            f"{found} conversations of {count(users, 'user')}; {MIN_USERS} users are needed.",
        )
    share = pattern.top_user_share
    if share is not None and share > MAX_USER_SHARE:
        return _too_little(
            pattern,
            f"one user has {percent(share)} of {found} conversations; "
            f"{percent(MAX_USER_SHARE)} is allowed.",
        )
    return None


def floor_note(pattern: Pattern) -> str | None:
    """What the pull request says where the floors could not count people."""
    if pattern.evidence_users:
        return None
    return "No user ids are known, so the evidence counts conversations and not people."


def correction_floor(corrections: Sequence[Correction], what: str) -> Skipped | None:
    """3 corrections of 3 conversations. Known reviewers are trusted, so one of them is enough.

    Equal texts count too: an agent that writes from a template is corrected in the same words.
    """
    conversations = {one.conversation_id or one.id for one in corrections}
    if len(conversations) >= MIN_CORRECTIONS:
        return None
    return Skipped(
        what=what,
        code="evidence_floor",
        reason=f"{TOO_THIN}: {count(len(corrections), 'correction')} of "
        f"{count(len(conversations), 'conversation')}; "
        f"{MIN_CORRECTIONS} of {MIN_CORRECTIONS} are needed.",
    )


def _too_little(pattern: Pattern, reason: str) -> Skipped:
    return Skipped(
        what=f"a change for {pattern.outcome} of {pattern.agent}",
        code="evidence_floor",
        reason=f"{TOO_THIN}: {reason}",
    )
