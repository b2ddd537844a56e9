"""An agent that is not as it was, as one issue per episode."""

from __future__ import annotations

from bot.figures import count, percent
from bot.markdown import code_span, plain, prose, table
from bot.marker import render_marker
from bot.records import Alert, Departure

TITLE_CHARS = 120


def alert_title(alert: Alert) -> str:
    return plain(f"{alert.agent} is not as it was since {alert.since.isoformat()}", TITLE_CHARS)


def alert_body(alert: Alert) -> str:
    """The issue's body; its marker names the episode, so that there is one issue for it."""
    marker = {"issue": "alert", "id": alert.id, "state": alert.state}
    rows = [_departure(one) for one in alert.departures[:20]]
    parts = [
        f"{render_marker(marker)}\n**{_headline(alert)}**",
        prose(alert.sentence, 600),
        table(["what", "now", "of", "usual on such days (99 %)"], rows),
    ]
    if alert.evidence:
        shown = ", ".join(code_span(one[:80]) for one in alert.evidence[:12])
        parts.append(
            f"Newest conversations that show it: {shown}. Read one with `debrief show ID`."
        )
    parts.append(
        "Nobody has to close this: it is closed when the numbers are back in their rhythm, or when "
        "they have stayed for four weeks and are the rhythm."
    )
    return "\n\n".join(parts) + "\n"


def recovery_comment(alert_id: str, state: str, body: str) -> str:
    """What is said once before the issue is closed. `body` is the alert's newest."""
    marker = {"comment": "recovered", "id": alert_id, "state": state}
    said = {
        "recovered": "Back in its rhythm, so Debrief closes this.",
        "settled": "It has stayed like this for four weeks: that is the rhythm now.",
    }.get(state, "Closed.")
    numbers = "\n\n".join(body.split("\n\n")[1:3])
    return f"{render_marker(marker)}\n{said}\n\n{numbers}\n"


def _headline(alert: Alert) -> str:
    words = {
        "open": "not as it was",
        "recovered": "back in its rhythm",
        "settled": "this is the rhythm now",
    }
    return f"{plain(alert.agent, 80)}: {words[alert.state]}"


def _departure(one: Departure) -> list[str]:
    name = one.metric.rpartition(":")[2].replace("_", " ")
    if one.metric == "volume":
        usual = f"{one.expected:,.0f} ({one.band.low:,.0f} to {one.band.high:,.0f})"
        return ["conversations a day", f"{one.value:,.0f}", count(one.total, "day"), usual]
    usual = f"{percent(one.expected)} ({percent(one.band.low)} to {percent(one.band.high)})"
    return [name, percent(one.value), count(one.total, "conversation"), usual]
