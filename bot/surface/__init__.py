"""What people see on GitHub besides the pull requests, and what they say back.

The dashboard, the answers to `/debrief` commands, the evidence on people's own pull requests and
the check run on ours. Planned without a write token (`plan.py`), read with any (`wishes.py`),
carried out with one (`apply.py`). No model and no store.
"""

from bot.surface.apply import Surface, lift_rejections, show
from bot.surface.plan import SURFACE_OPS, SurfacePlan, plan_surface
from bot.surface.wishes import Asked, Wishes, read_wishes, wish_is_paused

__all__ = [
    "SURFACE_OPS",
    "Asked",
    "Surface",
    "SurfacePlan",
    "Wishes",
    "lift_rejections",
    "plan_surface",
    "read_wishes",
    "show",
    "wish_is_paused",
]
