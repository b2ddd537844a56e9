"""After the merge: did the change work? Only before and after the merge so far."""

from bot.measure.verdict import measure, rate_lately

__all__ = ["measure", "rate_lately"]
