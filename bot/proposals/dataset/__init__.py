"""Data sets: corrected answers and preference pairs beside what people accepted.

Takes `Example`s made of conversations, corrections and, where the team wants them, a model's
variants; gives a `Proposal` of files. Refuses what is below the floors and what would be forgotten
over the new. Costs nothing without a model.
"""

from bot.proposals.dataset.example import Example, accepted_example, corrected_example
from bot.proposals.dataset.files import NAMES, folder_of
from bot.proposals.dataset.mix import Mix, mixed
from bot.proposals.dataset.propose import Material, propose_dataset

__all__ = [
    "NAMES",
    "Example",
    "Material",
    "Mix",
    "accepted_example",
    "corrected_example",
    "folder_of",
    "mixed",
    "propose_dataset",
]
