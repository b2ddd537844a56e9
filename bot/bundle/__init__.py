"""A cycle's operations as files: what a person, and later publish, can look at before any write.

Takes proposals, verdicts and the past; gives a folder with plan.json, bodies and patches. Costs no
model call and reads nothing but the bundle itself.
"""

from bot.bundle.body import render_body
from bot.bundle.comments import verdict_comment
from bot.bundle.files import read_body, read_bundle, write_bundle
from bot.bundle.operations import Operations, operations_for

__all__ = [
    "Operations",
    "operations_for",
    "read_body",
    "read_bundle",
    "render_body",
    "verdict_comment",
    "write_bundle",
]
