"""What Debrief answers to a command, in a comment that says it once."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.figures import count, percent, points, rate
from bot.markdown import code_span, prose
from bot.marker import render_marker
from bot.records import Operation, PastProposal, Pattern, Proposal, Skipped
from bot.slash import VERBS, Command
from collector.records import Json

_CASES = 10
_ON_HOLD = (
    "On hold: while the label `debrief:hold` is here, Debrief neither updates nor closes this pull "
    "request. Take the label off to let it go on."
)
_PAUSED = (
    "Paused: nothing new is opened in this repository. Empty the box `pause` on the dashboard, or "
    "run `debrief resume`, to go on."
)


def answer(
    command: Command,
    past: PastProposal,
    *,
    comment_id: int,
    pattern: Pattern | None,
    operations: Sequence[Operation],
    rollback: Proposal | Skipped | None = None,
) -> str:
    """The comment that answers `command` on the pull request of `past`."""
    match command.verb:
        case "explain":
            said = _explained(past, pattern)
        case "reject":
            said = "Rejected as asked."  # the comment that closes it says more
        case "retry":
            said = _retried(past, [one.id for one in operations])
        case "rollback":
            said = _rolled_back(past, rollback)
        case "hold":
            said = _ON_HOLD
        case "pause":
            said = _PAUSED
    marker: dict[str, Json] = {
        "comment": "answer",
        "to": comment_id,
        "verb": command.verb,
        "id": past.id[:120],
    }
    return f"{render_marker(marker)}\n{said}\n"


def verbs_sentence() -> str:
    """The commands that there are, for the end of a body."""
    return ", ".join(f"`/debrief {verb}`" for verb in VERBS)


def _explained(past: PastProposal, pattern: Pattern | None) -> str:
    if pattern is None:
        return (
            "The pattern that this rests on does not stand in the newest window. The numbers in "
            "the description are of the day on which it was written."
        )
    unit = pattern.unit
    lines = [
        f"- The group: {count(pattern.users, unit)} of {prose(pattern.agent, 80)}"
        + (f", intent {prose(pattern.intent_name, 120)}" if pattern.intent_name else "")
        + "".join(
            f", {prose(f'{key} {value}', 120)}" for key, value in sorted(pattern.segment.items())
        )
        + ".",
        f"- What goes wrong: {prose(pattern.outcome.replace('_', ' '), 120)}, "
        f"{rate(pattern.rate, pattern.rate_interval)} of them.",
    ]
    if pattern.baseline_rate is not None and pattern.risk_difference is not None:
        lines.append(
            f"- The same agent's others: {percent(pattern.baseline_rate)}. Difference "
            f"{points(pattern.risk_difference, pattern.interval)}."
        )
    if pattern.q_value is not None:
        lines.append(
            f"- Chance alone: q = {pattern.q_value:.2g} after correction for everything that was "
            "tested in the cycle (Benjamini-Hochberg)."
        )
    else:
        lines.append("- Nothing is tested here: it stands because enough people said the same.")
    if pattern.cause is not None:
        lines.append(f"- Root cause, by {pattern.cause.by}: {prose(pattern.cause.sentence, 400)}")
    shown = ", ".join(code_span(one[:80]) for one in pattern.evidence[-_CASES:])
    lines.append(f"- Newest of {count(len(pattern.evidence), 'case')}: {shown}.")
    return "How this came about, on the newest conversations:\n\n" + "\n".join(lines)


def _retried(past: PastProposal, planned: Collection[str]) -> str:
    if past.id in planned:
        return "Looked at again on the newest conversations: see the new description."
    return "Looked at again on the newest conversations: nothing changes."


def _rolled_back(past: PastProposal, rollback: Proposal | Skipped | None) -> str:
    if isinstance(rollback, Proposal):
        branch = code_span(f"debrief/{rollback.id}")
        return f"A pull request that takes this back comes on the branch {branch}."
    if past.state != "merged":
        return "This is not merged, so there is nothing to take back. Close it if it is not wanted."
    why = rollback.reason if isinstance(rollback, Skipped) else "the merge is not known here"
    return f"It could not be taken back by itself: {prose(why, 400)}"
