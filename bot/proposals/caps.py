"""What the past forbids: rejected remedies, changes under measurement, more than people can read.

Takes proposals and the `PastProposal`s that the target remembers; gives what may be opened and why
the rest may not. The target is the only memory: nothing here is stored.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.figures import count, day
from bot.limits import WEEK, room_of, slots_left, successor_of
from bot.markdown import plain
from bot.pattern_name import pattern_name
from bot.proposals.learning import own_rules
from bot.records import (
    RETIREMENT,
    PastProposal,
    Pattern,
    Proposal,
    Remark,
    ReviewerEdit,
    Skipped,
)
from bot.settings import PublishSettings

__all__ = [
    "already_decided",
    "constraints",
    "pattern_decided",
    "slots_left",
    "within_caps",
]

LATER = timedelta(days=28)
"""How long "later" keeps a pattern quiet."""
OTHER_REMEDIES = 1
"""Different remedies that may follow a rejected one."""
REJECTIONS_OF_A_KIND = 3
"""So many rejections of one kind are a constraint for the next."""
REASONS_TOLD = 5
"""Of each kind; people repeat themselves."""
REASON_CHARS = 500
QUARTER = timedelta(days=91)
EDIT_CHARS = 1_500
NO_LIMITS = PublishSettings()
WHAT_CHARS = 120
_NO_PROBLEM = "was closed as not a problem, so nothing more is proposed against it."
MAX_DRIFT = 0.5
"""Furthest that one threshold may get from where it stood a quarter ago, as a share."""


def pattern_decided(
    pattern: Pattern, past: Sequence[PastProposal], *, now: datetime, window_days: int = 28
) -> Skipped | None:
    """Why nothing at all is proposed for `pattern`, or None. Asked before any work is done.

    "Not a problem" is for good; "later" is for 28 days; after two rejected remedies nobody wants a
    third; and while a merged change is being measured a second one would spoil the measurement.
    For `window_days` after a merge that worked, what patterns are found in still holds failures
    from before it.
    """
    window = timedelta(days=window_days)
    ours = [one for one in past if one.pattern_id == pattern.id and one.agent == pattern.agent]
    what = f"a change of {pattern.agent} against {plain(pattern_name(pattern), WHAT_CHARS)}"
    for one in ours:
        if one.rejection == "not_a_problem":
            return _skipped(what, "rejected_before", f"{one.reference} {_NO_PROBLEM}")
        if one.rejection == "later" and one.closed_at and now - one.closed_at < LATER:
            back = day(one.closed_at + LATER)
            reason = f"{one.reference} was closed as “later”, so it waits until {back}."
            return _skipped(what, "rejected_before", reason)
        is_waiting = one.state == "merged" and one.verdict is None and one.is_measured
        if is_waiting and not one.reverted:
            return _skipped(what, "measuring", f"{one.reference} is merged and still measured.")
        if one.verdict == "worked" and one.merged_at and now - one.merged_at < window:
            reason = f"{one.reference} worked; most of these failures are from before its merge."
            return _skipped(what, "measuring", reason)
    rejected = {one.id: one.reference for one in ours if _is_turned_down(one)}
    if len(rejected) > OTHER_REMEDIES:
        listed = ", ".join(rejected.values())
        reason = f"People turned down different changes against it ({listed}); no other is tried."
        return _skipped(what, "rejected_before", reason)
    return None


def constraints(pattern: Pattern, past: Sequence[PastProposal]) -> list[str]:
    """What the past asks of the next writer: rejections, remarks, and how reviewers edit.

    The reason given for this pattern; any kind of change that was rejected three times, with its
    reasons; and what reviewers did alike to three proposals. People's words are outside text and
    stay inside the tags of the prompt.
    """
    said = [
        f"An earlier change was rejected as the wrong fix: {one.reason}"
        for one in past
        if one.pattern_id == pattern.id and one.rejection == "wrong_fix" and one.reason
    ]
    own = [one for one in past if one.pattern_id == pattern.id and one.agent == pattern.agent]
    for one in own:
        said += [_remark_sentence(remark) for remark in one.remarks]
        said += [_edit_sentence(edit) for edit in one.reviewer_edits]
    return [*said, *_rejected_kinds(pattern.agent, past), *own_rules(past)]


def _rejected_kinds(agent: str, past: Sequence[PastProposal]) -> list[str]:
    """Each kind that was rejected `REJECTIONS_OF_A_KIND` times, and why, the newest reasons."""
    rejected: dict[str, list[str]] = defaultdict(list)
    for one in past:
        if one.agent == agent and _is_turned_down(one) and one.rejection != "later":
            rejected[one.kind].append(one.reason or "")
    said = []
    for kind, reasons in sorted(rejected.items()):
        if len(reasons) < REJECTIONS_OF_A_KIND:
            continue
        told = list(dict.fromkeys(reason for reason in reasons if reason))[-REASONS_TOLD:]
        why = "" if told else " No reason was given."
        said.append(f"People rejected {len(reasons)} changes of kind {kind}.{why}")
        said += [f"Rejected before: {reason[:REASON_CHARS]}" for reason in told]
    return said


def _remark_sentence(remark: Remark) -> str:
    if remark.kind == "check":
        return f"The check {remark.author} fails on the open change: {remark.text}"
    about = f" about {remark.path}" if remark.path else ""
    return f"A reviewer said{about} of the open change: {remark.text}"


def _edit_sentence(edit: ReviewerEdit) -> str:
    """Only what the reviewer changed: the rest of the file is known."""
    lines = difflib.ndiff(edit.proposed.splitlines(), edit.edited.splitlines())
    changed = "\n".join(line for line in lines if line.startswith(("- ", "+ ")))
    return f"A reviewer changed what we proposed for {edit.path}:\n{changed[:EDIT_CHARS]}"


def _is_turned_down(one: PastProposal) -> bool:
    """Closed by a person, or merged and taken back."""
    return one.state == "rejected" or one.reverted


def already_decided(proposal: Proposal, past: Sequence[PastProposal]) -> Skipped | None:
    """Why this proposal is not opened or updated, or None.

    The same remedy in other words has the same id. A rejected one comes back only when its
    evidence has doubled; an open one that a person committed to is that person's.
    """
    for one in past:
        if one.agent != proposal.agent:
            continue
        same = one.id == proposal.id or one.marker.get("remedy") == proposal.remedy
        if one.pattern_id == proposal.pattern_id and one.rejection == "not_a_problem":
            return _skipped(proposal.title, "rejected_before", f"{one.reference} {_NO_PROBLEM}")
        if same and (reason := _same_remedy(proposal, one)) is not None:
            return _skipped(proposal.title, *reason)
        is_retired = one.state == "merged" and one.remedy == f"{RETIREMENT}{proposal.id}"
        if is_retired and one.verdict in (None, "harmed"):
            waits = (
                f"{one.reference} took the same out and is still measured; if it was missed, it "
                "is brought back as it was."
            )
            return _skipped(proposal.title, "measuring", waits)
    return None


def _same_remedy(proposal: Proposal, one: PastProposal) -> tuple[str, str] | None:
    """(code, reason) that the same remedy is not proposed, or None."""
    entries = proposal.evidence.entries
    turned_down = _is_turned_down(one) or one.close_reason == "expired"
    if turned_down and not _doubled(entries, one.evidence_entries):
        became = "was closed by a person"
        if one.reverted:
            became = "was merged and taken back"
        elif one.close_reason == "expired":
            became = "was looked at by nobody"
        return (
            "rejected_before",
            f"{one.reference} proposed the same and {became} with "
            f"{count(one.evidence_entries, 'entry').replace('entrys', 'entries')}; now there are "
            f"{entries}, and it comes back only when they have doubled.",
        )
    if one.reverted:
        return None
    if one.state == "merged" and one.verdict is None:
        return "measuring", f"{one.reference} did the same; it is merged and still measured."
    if one.state == "merged" and one.verdict in {"harmed", "no_effect"}:
        return "failed_before", f"{one.reference} did the same and the verdict was {one.verdict}."
    if one.state == "open" and one.touched:
        return "hands_off", f"A person has committed to {one.reference}; it is theirs now."
    is_same = one.fingerprint == proposal.fingerprint and not one.stale_paths
    if one.state == "open" and is_same:
        return "unchanged", f"{one.reference} says the same; nothing is new."
    return None


def _doubled(now: int, then: int) -> bool:
    return then > 0 and now >= 2 * then


def within_caps(
    proposals: Iterable[Proposal],
    past: Sequence[PastProposal],
    *,
    now: datetime,
    per_week: int = 3,
    limits: PublishSettings = NO_LIMITS,
) -> tuple[tuple[Proposal, ...], tuple[Skipped, ...]]:
    """(what may go out, what waits), the highest priority first.

    At most `per_week` new proposals in any seven days, counted from the history, whatever became
    of them; so many at once as `limits` say; one open for each intent or threshold and for each
    place in the files; one move of a threshold in seven days, and half its value in a quarter.
    Updates of open proposals are not new and always kept. One that takes the place of an open one
    does not wait for it.
    """
    proposals = list(proposals)
    room = room_of(past, per_week=per_week, limits=limits, now=now)
    open_ids = {(one.agent, one.id) for one in past if one.state == "open"}
    heirs = {heir.id for one in past if (heir := successor_of(one, proposals)) is not None}
    opened = [one for one in past if one.state == "open" and not successor_of(one, proposals)]
    busy = {place: one.reference for one in opened for place in _places_of_past(one)}
    kept: list[Proposal] = []
    skipped: list[Skipped] = []
    for proposal in sorted(proposals, key=lambda one: (-one.priority, one.id)):
        if (proposal.agent, proposal.id) in open_ids:
            kept.append(proposal)
            continue
        reason = _threshold_cap(proposal, past, now=now)
        first = next((busy[place] for place in _places(proposal) if place in busy), None)
        if reason is None and first is not None:
            reason = f"One at a time for each intent, threshold and place: {first} comes first."
        replaces = proposal.id in heirs
        full = room.hindrance(proposal.agent, replaces=replaces)
        if reason is None and full is not None:
            full = full.removesuffix(".")
            reason = f"{full}; it waits with priority {proposal.priority:.2f}."
        if reason is not None:
            skipped.append(_skipped(proposal.title, "cap", reason))
            continue
        kept.append(proposal)
        busy |= dict.fromkeys(_places(proposal), proposal.title)
        room.take(proposal.agent, replaces=replaces)
    return tuple(kept), tuple(skipped)


def _places(proposal: Proposal) -> tuple[tuple[str, str], ...]:
    """What only one open proposal may be about: an intent, else the pattern; and a remedy.

    Two patterns can have one cause, and two edits of one place cannot both be merged.
    """
    intent = proposal.prediction.intent_id if proposal.prediction else None
    return (proposal.agent, intent or proposal.pattern_id), (proposal.agent, proposal.remedy)


def _places_of_past(one: PastProposal) -> tuple[tuple[str, str], ...]:
    prediction = one.marker.get("prediction")
    intent = prediction.get("intent_id") if isinstance(prediction, dict) else None
    about = intent if isinstance(intent, str) and intent else one.pattern_id
    return (one.agent, about), (one.agent, str(one.marker.get("remedy", "")))


def _threshold_cap(
    proposal: Proposal, past: Sequence[PastProposal], *, now: datetime
) -> str | None:
    """Why the threshold must rest, or None. Opened and merged moves both count."""
    move = proposal.threshold
    if move is None:
        return None
    for one in past:
        name, old = _past_move(one)
        if one.agent != proposal.agent or name != move.name or one.opened_at is None:
            continue
        if now - one.opened_at < WEEK:
            return f"{one.reference} moved {move.name} within the last seven days."
        drifts = old is not None and abs(move.new - old) > MAX_DRIFT * abs(old)
        if one.state == "merged" and now - one.opened_at < QUARTER and old and drifts:
            return (
                f"{move.name} stood at {old:g} within the last quarter; {move.new:g} would be "
                f"more than half away from it."
            )
    return None


def _past_move(one: PastProposal) -> tuple[str | None, float | None]:
    """(name, value before) of a past threshold proposal, from its marker."""
    threshold = one.marker.get("threshold")
    if not isinstance(threshold, dict):
        return None, None
    name, old = threshold.get("name"), threshold.get("from")
    return (
        name if isinstance(name, str) else None,
        float(old) if isinstance(old, int | float) and not isinstance(old, bool) else None,
    )


def _skipped(what: str, code: str, reason: str) -> Skipped:
    return Skipped(what=what, code=code, reason=reason)
