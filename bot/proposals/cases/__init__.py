"""Regression cases: what failed and what must stay as it is, as files that a program can run.

Takes a `Pattern` and answers of its conversations; gives a `Proposal` of one new file. Refuses
what is below the evidence floors and what nothing can check. Costs nothing without a model.
"""

from bot.proposals.cases.answers import MIN_GOOD, Answer, answer_at, stands
from bot.proposals.cases.case import (
    FOLDER,
    Case,
    Check,
    FollowsSchema,
    Matches,
    ToolCalled,
    ToolNotCalled,
    Turn,
    Without,
    Words,
    letters_hash,
    read_cases,
    said,
    write_cases,
)
from bot.proposals.cases.propose import PREFIX, SEEN_IN_ANSWERS, length_check, propose_cases

__all__ = [
    "FOLDER",
    "MIN_GOOD",
    "PREFIX",
    "SEEN_IN_ANSWERS",
    "Answer",
    "Case",
    "Check",
    "FollowsSchema",
    "Matches",
    "ToolCalled",
    "ToolNotCalled",
    "Turn",
    "Without",
    "Words",
    "answer_at",
    "length_check",
    "letters_hash",
    "propose_cases",
    "read_cases",
    "said",
    "stands",
    "write_cases",
]
