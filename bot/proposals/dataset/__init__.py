"""Data sets: corrected answers and preference pairs beside what people accepted.

Takes `Example`s made of conversations and corrections; gives a `Proposal` of files. Where there is
a model it writes variants, which are checked by us, judged twice, and where we are not sure put
before people. Refuses what is below the floors and what would be forgotten over the new. Costs
nothing without a model; with one, three calls for each variant.
"""

from bot.proposals.dataset.confidence import (
    POOR,
    SURE,
    confidence,
    doubts_of,
    is_audited,
    judge_prompts,
    points_of,
    rejections_told,
    resting_kinds,
)
from bot.proposals.dataset.example import Example, accepted_example, corrected_example
from bot.proposals.dataset.files import EXAMPLES, NAMES, QUEUE, folder_of
from bot.proposals.dataset.mix import Mix, mixed
from bot.proposals.dataset.propose import (
    Material,
    keeping_variants,
    mix_of,
    propose_dataset,
)
from bot.proposals.dataset.queue import (
    Review,
    Unsure,
    propose_queue,
    read_review,
    still_asking,
    written_table,
)
from bot.proposals.dataset.variant_checks import DROPPED, check_variant
from bot.proposals.dataset.variants import ask_for, plan_variants, read_variant

__all__ = [
    "DROPPED",
    "EXAMPLES",
    "NAMES",
    "POOR",
    "QUEUE",
    "SURE",
    "Example",
    "Material",
    "Mix",
    "Review",
    "Unsure",
    "accepted_example",
    "ask_for",
    "check_variant",
    "confidence",
    "corrected_example",
    "doubts_of",
    "folder_of",
    "is_audited",
    "judge_prompts",
    "keeping_variants",
    "mix_of",
    "mixed",
    "plan_variants",
    "points_of",
    "propose_dataset",
    "propose_queue",
    "read_review",
    "read_variant",
    "rejections_told",
    "resting_kinds",
    "still_asking",
    "written_table",
]
