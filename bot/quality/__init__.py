"""Is the agent today what it was? Each metric is held against its own weekly rhythm, day by day.

Takes counts per day (from `Facts`, and from what the judge said of a sample), gives `Alert`s: one
per agent and episode, opened when a metric leaves its rhythm, closed when it is back. No model is
needed; a few tenths of a second per agent. How often it is wrong: bench/quality.py.
"""

from bot.quality.alarm import Watched, watch
from bot.quality.counts import DayCount, day_counts, merged_counts

__all__ = ["DayCount", "Watched", "day_counts", "merged_counts", "watch"]
