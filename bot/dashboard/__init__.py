"""The one issue that shows where everything stands, and takes a few wishes by its boxes.

Takes records of a cycle; gives the issue's body, and from a body the records and what was ticked.
Pure: who reads and writes the issue is `bot.surface`. Nothing is kept but in the issue itself.
"""

from bot.dashboard.build import dashboard_of, rejection_words, with_published
from bot.dashboard.page import (
    dashboard_page,
    merge_boxes,
    parse_dashboard,
    render_dashboard,
    ticked_boxes,
)
from bot.dashboard.records import AgentView, Box, Dashboard, Quota, Reason, Row

__all__ = [
    "AgentView",
    "Box",
    "Dashboard",
    "Quota",
    "Reason",
    "Row",
    "dashboard_of",
    "dashboard_page",
    "merge_boxes",
    "parse_dashboard",
    "rejection_words",
    "render_dashboard",
    "ticked_boxes",
    "with_published",
]
