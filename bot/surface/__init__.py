"""What people see on GitHub besides the pull requests, and what they say back.

The dashboard, the answers to `/debrief` commands, the evidence on people's own pull requests and
the check run on ours. Planned without a write token (`plan.py`), read with any (`wishes.py`),
carried out with one (`apply.py`). No model and no store.
"""

from bot.surface.apply import Surface, lift_rejections, show
from bot.surface.plan import SURFACE_OPS, SurfacePlan, plan_surface
from bot.surface.pulls import PullPages
from bot.surface.store import read_map
from bot.surface.wishes import NO_WISHES, Asked, Wishes, dashboard_issue, read_wishes

__all__ = [
    "NO_WISHES",
    "SURFACE_OPS",
    "Asked",
    "PullPages",
    "Surface",
    "SurfacePlan",
    "Wishes",
    "dashboard_issue",
    "lift_rejections",
    "plan_surface",
    "read_map",
    "read_wishes",
    "show",
]
