"""Comments of ours on pull requests. Each begins with its own marker, so that it is said once."""

from __future__ import annotations

from bot.figures import count, day, points, rate
from bot.markdown import code_span, prose, table
from bot.marker import render_marker
from bot.records import RateEstimate, Verdict
from collector.records import Json

_WORDS = {
    "worked": "The rate fell after the merge",
    "no_effect": "No effect that matters",
    "harmed": "The rate rose after the merge",
    "unknown": "No verdict",
}
_METHODS = {
    "before_after": "before against after",
    "difference_in_differences": "difference in differences",
    "randomised": "randomised",
}
_COUNTED = {"correction": "corrected", "dismissed": "dismissed"}
_WORDS_OF_REMOVALS = {
    **_WORDS,
    "worked": "Nothing got worse without it",
    "harmed": "It was missed: the rate rose after the merge",
}


def verdict_comment(verdict: Verdict) -> str:
    """Say what was measured before and after the merge, how sure that is, and what else changed."""
    words = _WORDS if verdict.margin is None else _WORDS_OF_REMOVALS
    said = f"**{words[verdict.result]}**"
    if verdict.result != "unknown":
        said += f" · {verdict.result.replace('_', ' ')} · "
        said += f"{verdict.strength} evidence ({_METHODS[verdict.method]})"
    lines = [
        render_marker(_marker(verdict)),
        said,
        "",
        prose(verdict.sentence),
        "",
    ]
    if verdict.before is not None or verdict.after is not None:
        counted = _COUNTED.get(verdict.metric.partition(":")[0], "failing")
        lines += [table(["", counted, "of", "rate (95 %)"], _rows(verdict)), ""]
        lines.append(
            f"- Counted: {code_span(verdict.metric[:120])} by {verdict.unit}, in the "
            f"{verdict.days:g} days from {day(verdict.live_at)} on and in the days before."
        )
    if verdict.difference is not None and verdict.interval is not None:
        level = f"{100 * verdict.interval.level:.4g} % interval"
        looks = (
            ", wider than 95 % as there are several looks" if verdict.interval.level > 0.95 else ""
        )
        shown = points(verdict.difference, verdict.interval)
        lines.append(f"- Difference {shown}, {level}{looks}.")
    if verdict.prediction_hit is not None:
        missed = "did not hold: better than predicted" if verdict.is_beyond else "did not hold"
        held = "held" if verdict.prediction_hit else missed
        lines.append(f"- The prediction {held}.")
    if verdict.result == "harmed":
        lines.append(
            "- Debrief proposes to undo it, where its lines still stand as they were merged."
        )
    if verdict.needed:
        lines.append(f"- About {count(verdict.needed, f'more {verdict.unit}')} would settle it.")
    lines += [f"- May also explain it: {prose(one)}" for one in verdict.confounders[:20]]
    return "\n".join(lines) + "\n"


def _marker(verdict: Verdict) -> dict[str, Json]:
    """The difference goes along, so that the dashboard can show it for good."""
    marker: dict[str, Json] = {
        "comment": "verdict",
        "id": verdict.proposal_id[:120],
        "result": verdict.result,
    }
    if verdict.difference is not None and verdict.result != "unknown":
        marker["effect"] = points(verdict.difference, verdict.interval)
    return marker


def _rows(verdict: Verdict) -> list[list[str]]:
    return [_row("before", verdict.before), _row("after", verdict.after)]


def _row(name: str, estimate: RateEstimate | None) -> list[str]:
    if estimate is None:
        return [name, "", "0", "no data"]
    shown = rate(estimate.rate, estimate.interval)
    return [name, f"{estimate.failed:,}", f"{estimate.total:,}", shown]
