"""A failure whose cause lies in a tool's definition or in the program around the model.

Takes the pattern, the files and the failing conversations; gives one small edit of a description or
of one function, with its evidence, or a sentence that says why not.
"""

from bot.proposals.harness.checked import RunCheck, with_checks

__all__ = ["RunCheck", "with_checks"]
