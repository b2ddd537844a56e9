"""The one sentence that joins the stages: understand, propose, measure.

Takes what the shell has read (conversations, repository, history) and gives what the shell writes
(reports, bundles). No I/O here: a model is an `Ask`, conversations are an iterator, time is a
parameter.
"""

from bot.pipeline.changes import Changes, propose
from bot.pipeline.understanding import FEEDBACK_EVENTS, Understanding, explain, understand
from bot.pipeline.verdicts import measure

__all__ = [
    "FEEDBACK_EVENTS",
    "Changes",
    "Understanding",
    "explain",
    "measure",
    "propose",
    "understand",
]
