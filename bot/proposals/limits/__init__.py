"""A limit that stops what should have gone on is raised, as far as production says and not further.

Takes an agent's conversations and its files; gives a `Proposal` of kind `config` that changes one
number, or the reason why not. Counts only: no model. At most twice the value, and never a number
that production does not run on.
"""

from bot.proposals.limits.limit import propose_limits

__all__ = ["propose_limits"]
