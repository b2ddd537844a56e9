"""Everything a person reads besides pull requests: terminal, HTML page, job summary, dashboard.

Takes a `Cycle`; gives text or rich renderables. Reads and writes nothing.
"""

from bot.report.content import Cycle

__all__ = ["Cycle"]
