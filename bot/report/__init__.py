"""Everything a person reads besides pull requests: terminal, HTML page, job summary, dashboard.

Takes records of the run; gives text or rich renderables. Reads and writes nothing.
"""

from bot.report.html import html_page
from bot.report.summary import dashboard_markdown, summary_markdown
from bot.report.terminal import patterns_text, run_text

__all__ = ["dashboard_markdown", "html_page", "patterns_text", "run_text", "summary_markdown"]
