"""Everything a person reads besides pull requests and issues: terminal, HTML page, job summary.

Takes records of the run; gives text or rich renderables. Reads and writes nothing.
"""

from bot.report.html import html_page
from bot.report.summary import summary_markdown
from bot.report.terminal import patterns_text, run_text

__all__ = ["html_page", "patterns_text", "run_text", "summary_markdown"]
