"""Pattern and repository become one small, reviewable change, or a sentence that says why not.

Takes a `Pattern`, the repository's files and its past proposals; gives `Proposal`s whose edits
apply exactly once and break no guardrail. Refuses with `Skipped`: too little evidence, no file, a
remedy that was rejected. Rules and thresholds cost nothing; no model is asked for them.
"""

from bot.proposals.edits import apply_edits, render_diff
from bot.proposals.guardrails import check_edits

__all__ = ["apply_edits", "check_edits", "render_diff"]
