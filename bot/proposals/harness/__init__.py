"""A failure whose cause lies in a tool's definition or in the program around the model.

Takes the pattern, the files and the failing conversations; gives one small edit of a description or
of one function, with its evidence, or a sentence that says why not.
"""

from bot.proposals.harness.checked import RunCheck, with_checks
from bot.proposals.harness.propose import propose_harness
from bot.proposals.harness.routing import routed_cause

__all__ = ["RunCheck", "propose_harness", "routed_cause", "with_checks"]
