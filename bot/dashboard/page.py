"""The dashboard as Markdown, and back: its marker holds the records, its boxes what people want.

A body is written by Debrief and ticked by people, perhaps at the same moment. So a writer reads the
body again right before it writes, and keeps every tick that the run has not acted on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bot.dashboard.records import AgentView, Box, Dashboard, Quota, Reason, Row
from bot.figures import count, rate
from bot.markdown import Live, code_span, plain, prose, table
from bot.marker import parse_marker, render_marker
from bot.records import Interval
from collector.records import Json

TITLE = "Debrief dashboard"
BUDGET = 60_000
_LINE = 300
_CELL = 160
_HEALTH = {
    "healthy": "healthy",
    "needs_attention": "needs attention",
    "degraded": "degraded",
    "not_enough_data": "not enough data",
}
_STATES = {
    "candidate": "candidate",
    "waiting": "waiting",
    "open": "open",
    "measuring": "merged, measuring",
    "merged": "merged",
    "worked": "**worked**",
    "no_effect": "no effect",
    "harmed": "**harmed**",
    "unknown": "merged, no verdict",
    "rejected": "rejected",
    "closed": "closed",
}
_OVER = ("worked", "no_effect", "unknown", "merged", "rejected", "closed")
_BOX = re.compile(
    r"^[ ]{0,3}[-*] \[(?P<tick>[ xX])\] <!-- debrief:box "
    r"(?P<key>pause|(?:create|evaluate|lift)=[a-z0-9][a-z0-9._-]{0,63}) -->",
    re.MULTILINE,
)
_DASHBOARD = TypeAdapter(Dashboard)


def render_dashboard(dashboard: Dashboard, *, ticked: Collection[str] = ()) -> str:
    """The issue's body. `ticked`: keys of boxes that stay ticked, where there still are such boxes.

    At most `BUDGET` code points: the oldest proposals go first.
    """
    while True:
        body = _render(dashboard, ticked)
        if len(body) <= BUDGET or not dashboard.rows:
            return body
        dashboard = replace(dashboard, rows=dashboard.rows[: len(dashboard.rows) * 3 // 4])


def parse_dashboard(body: str) -> Dashboard | None:
    """The records that a body was rendered from; None where it is no dashboard of ours."""
    marker = parse_marker(body) or {}
    if marker.get("issue") != "dashboard":
        return None
    try:
        return _DASHBOARD.validate_python(marker.get("dashboard"), strict=False)
    except ValidationError:
        return None


def ticked_boxes(body: str) -> frozenset[str]:
    """Keys of the boxes that are ticked in a body."""
    return frozenset(found["key"] for found in _BOX.finditer(body) if found["tick"] in "xX")


def merge_boxes(dashboard: Dashboard, current: str, *, pause: bool | None = None) -> str:
    """The body to write over `current`: ticks that the run has not seen stay for the next one.

    `pause` turns the switch on or off; else it stays as people left it. So does a tick of which the
    page has no box now: the next run looks at it.
    """
    ticked = ticked_boxes(current) - (set(dashboard.honoured) - {"pause"})
    if pause is None:
        pause = "pause" in ticked or (not current and dashboard.paused)
    paused = pause
    return render_dashboard(replace(dashboard, paused=paused), ticked=ticked)


def same_page(new: str, current: str) -> bool:
    """Nothing but the time of the run differs, and that by no day: then there is no write.

    What the last run did about ticks stays on the page until something else changes.
    """
    one, other = parse_dashboard(new), parse_dashboard(current)
    if one is None or other is None or ticked_boxes(new) != ticked_boxes(current):
        return False
    if one.at.date() != other.at.date() or one.notes:
        return new == current
    same = replace(one, at=other.at, cost_usd=other.cost_usd, notes=other.notes)
    same = replace(same, honoured=other.honoured, rows=_undated(same.rows))
    return same == replace(other, rows=_undated(other.rows))


def _undated(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Our clock and GitHub's may lie on two sides of midnight, and that is no news."""
    return tuple(replace(row, since=None) for row in rows)


# -- the page --------------------------------------------------------------------------------------


def dashboard_page(dashboard: Dashboard) -> str:
    """The same to pass on as a file: no marker, and no boxes that nobody would read."""
    return "\n\n".join([f"# {TITLE}", *_parts(dashboard)]) + "\n"


def _render(dashboard: Dashboard, ticked: Collection[str]) -> str:
    values: dict[str, Json] = {"issue": "dashboard", "dashboard": _values(dashboard)}
    headline, *rest = _parts(dashboard)
    parts = [f"{render_marker(values)}\n{headline}", *rest, *_wishes(dashboard, ticked)]
    return "\n\n".join(parts) + "\n"


def _parts(dashboard: Dashboard) -> list[str]:
    """What both say: the line of the last run first."""
    parts = [_headline(dashboard)]
    if dashboard.paused:
        parts.append("> [!IMPORTANT]\n> **Paused.** Nothing new is opened until the box is empty.")
    if dashboard.problems:
        lines = [f"> - {prose(one, _LINE)}" for one in dashboard.problems[:10]]
        parts.append("> [!WARNING]\n" + "\n".join(lines))
    for agent in dashboard.agents:
        parts += _agent(agent)
    if not dashboard.agents:
        parts.append("No conversations were received in this window: there is nothing to say yet.")
    parts += _proposals(dashboard.rows)
    return [*parts, *_numbers(dashboard)]


def _headline(dashboard: Dashboard) -> str:
    said = [f"Last run **{dashboard.at:%Y-%m-%d}**"]
    if dashboard.cost_usd:
        said.append(f"${dashboard.cost_usd:.2f}")
    if dashboard.quota is not None:
        said.append(_opened(dashboard.quota))
    waiting = sum(row.state == "open" for row in dashboard.rows)
    said.append(f"{waiting} for you to decide" if waiting else "nothing for you to decide")
    return " · ".join(said)


def _opened(quota: Quota) -> str:
    if quota.opened <= quota.per_week:
        return f"{quota.opened} of {quota.per_week} new pull requests this week"
    new = count(quota.opened, "new pull request")
    return f"{new} this week, {quota.opened - quota.per_week} beyond the limit because asked for"


def _agent(agent: AgentView) -> list[str]:
    parts = [f"### {plain(agent.agent, 80)} · {_HEALTH.get(agent.health, 'unknown')}"]
    if agent.reasons:
        rows = [
            [str(number), one.name[:_CELL], *_reason(one), one.trend]
            for number, one in enumerate(agent.reasons, 1)
        ]
        parts.append(table(["", "why users fail", "rate (95 %)", "of", "trend"], rows))
    else:
        parts.append(prose(agent.why, _LINE))
    return parts


def _reason(one: Reason) -> tuple[str, str]:
    return rate(one.rate, Interval(low=one.low, high=one.high)), count(one.number, one.unit)


def _proposals(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    now = [row for row in rows if row.state not in _OVER]
    over = [row for row in rows if row.state in _OVER]
    parts = ["### Proposals", _table(now) if now else "Nothing is under way."]
    if over:
        worked = sum(row.state == "worked" for row in over)
        title = f"Settled ({len(over)}, {worked} worked)"
        parts.append(f"<details><summary>{title}</summary>\n\n{_table(over)}\n\n</details>")
    return parts


def _table(rows: Sequence[Row]) -> str:
    header = ["", "proposal", "kind", "state", "since", ""]
    return table(header, [_row(row) for row in rows])


def _row(row: Row) -> list[str]:
    where = row.reference or ""
    if re.fullmatch(r"#\d{1,9}", where):
        where = Live(where)
    elif where:
        where = Live(code_span(where[:80]))
    state = Live(_STATES[row.state])
    # GitHub breaks a date at its hyphens where the column is narrow.
    since = Live((row.since or "").replace("-", "\u2011"))
    return [where, plain(row.title, 100), row.kind, state, since, row.detail[:_CELL]]


def _numbers(dashboard: Dashboard) -> list[str]:
    said = []
    if dashboard.settled:
        said.append(f"Worked: {dashboard.worked} of {count(dashboard.settled, 'settled verdict')}.")
    if dashboard.days_to_fix is not None:
        said.append(
            f"From the first conversation that shows a pattern to its merged fix: median "
            f"{_days(dashboard.days_to_fix)}."
        )
    if dashboard.days_to_merge is not None:
        said.append(f"From pull request to merge: median {_days(dashboard.days_to_merge)}.")
    return [" ".join(said)] if said else []


def _days(days: float) -> str:
    return f"{days:g} day{'' if days == 1 else 's'}"


def _wishes(dashboard: Dashboard, ticked: Collection[str]) -> list[str]:
    rows = {row.id: row for row in dashboard.rows}
    lines = []
    for box in dashboard.boxes():
        on = dashboard.paused if box.kind == "pause" else box.key in ticked
        words = _words(box, rows)
        lines.append(f"- [{'x' if on else ' '}] <!-- debrief:box {box.key} -->{words}")
    # Ticks without a box of this run's: shown, so that they are not lost.
    known = {box.key for box in dashboard.boxes()}
    for key in sorted(set(ticked) - known):
        lines.append(f"- [x] <!-- debrief:box {key} -->{_asked(key)}")
    text = "### Tick what the next run shall do\n\n" + "\n".join(lines)
    if dashboard.notes:
        notes = "\n".join(f"- {prose(one, _LINE)}" for one in dashboard.notes[:10])
        text += f"\n\nDone as ticked:\n\n{notes}"
    return [text]


def _words(box: Box, rows: Mapping[str, Row]) -> str:
    if box.kind == "pause":
        return "pause: open nothing new; verdicts still come"
    row = rows[box.id]
    title, where = plain(row.title, 100), row.reference or ""
    named = f"{where} {title}" if re.fullmatch(r"#\d{1,9}", where) else title
    return {
        "create": f"open now, beyond the week's limit: {named}",
        "evaluate": f"look again at {named}",
        "lift": f"take back the rejection of {named}",
    }[box.kind]


def _asked(key: str) -> str:
    kind, _, id = key.partition("=")
    return f"{kind} {code_span(id)}: asked for, not yet looked at"


def _values(dashboard: Dashboard) -> dict[str, Any]:
    """JSON values for the marker; every text bounded."""
    return {key: _bounded(value) for key, value in asdict(dashboard).items()}


def _bounded(value: Any) -> Any:
    if isinstance(value, str):
        return value[:_LINE]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_bounded(one) for one in value]
    if isinstance(value, dict):
        return {key: _bounded(one) for key, one in value.items()}
    return value
