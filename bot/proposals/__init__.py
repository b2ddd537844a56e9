"""Pattern and repository become one small, reviewable change, or a sentence that says why not.

Takes a `Pattern`, the repository's files and its past proposals; gives `Proposal`s whose edits
apply exactly once and break no guardrail. Refuses with `Skipped`: too little evidence, no file, a
remedy that was rejected. Rules and thresholds cost nothing; no model is asked for them.
"""

from bot.proposals.arguments import propose_arguments
from bot.proposals.caps import (
    already_decided,
    constraints,
    pattern_decided,
    slots_left,
    within_caps,
)
from bot.proposals.edits import apply_edits, check_diff, render_diff
from bot.proposals.guardrails import check_edits
from bot.proposals.learning import (
    known_ways,
    learning_sentence,
    ranked_patterns,
    taught,
    with_learning,
)
from bot.proposals.limits import propose_limits
from bot.proposals.prompt import propose_prompt
from bot.proposals.retirement import propose_retirements
from bot.proposals.rule import propose_rule
from bot.proposals.threshold import propose_threshold

__all__ = [
    "already_decided",
    "apply_edits",
    "check_diff",
    "check_edits",
    "constraints",
    "known_ways",
    "learning_sentence",
    "pattern_decided",
    "propose_arguments",
    "propose_limits",
    "propose_prompt",
    "propose_retirements",
    "propose_rule",
    "propose_threshold",
    "ranked_patterns",
    "render_diff",
    "slots_left",
    "taught",
    "with_learning",
    "within_caps",
]
