"""Pure: what is to be done for one operation, given what is there now.

Takes an `Operation`, its body and what the target shows; gives the steps that are still missing.
Nothing missing means no steps: that makes a second run, and a run after a crash, safe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

from bot.markdown import plain
from bot.marker import HOLD, parse_marker, render_marker
from bot.publish.target import Branch, Pull
from bot.records import CloseReason, Operation, Skipped, short_hash

TITLE_LIMIT = 120
BODY_LIMIT = 65_536
"""Code points; GitHub refuses longer bodies."""
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_LABEL = re.compile(r"debrief|(?:kind|confidence|intent)/[\w.-]{1,43}")
"""Ours. Others, such as one that merges by itself, are no bundle's to set."""
_FINGERPRINT = re.compile(r"[A-Za-z0-9]{1,64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PutBranch:
    """Commit the files and point the branch there, if it is still where we saw it."""

    branch: str
    files: Mapping[str, str]
    on: str
    parents: tuple[str, ...]
    message: str
    expected: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenPull:
    branch: str
    title: str
    body: str
    is_draft: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class EditPull:
    title: str
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestReviews:
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AddLabels:
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AddComment:
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosePull:
    pass


Step: TypeAlias = (
    PutBranch | OpenPull | EditPull | RequestReviews | AddLabels | AddComment | ClosePull
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the target shows about one operation."""

    base_sha: str
    branch: Branch | None = None
    pull: Pull | None = None
    """The one that the operation is about: the open one, else the newest."""
    markers: tuple[Mapping[str, Any], ...] = ()
    """Of our comments on it."""
    successor: Pull | None = None
    """Of a close that another proposal supersedes: the open pull request of that one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The steps that are missing; `skipped` says why the operation itself is not done."""

    steps: tuple[Step, ...] = ()
    skipped: Skipped | None = None


def check_operation(operation: Operation, body: str) -> Skipped | None:
    """Refuse what publish must never write, however it came into the bundle."""
    wrong = None
    if operation.op not in ("open", "update", "label", "close", "comment", "verdict"):
        wrong = f"this version does not carry out {operation.op!r} yet"
    elif not _ID.fullmatch(operation.id):
        wrong = "its id is not made of lower-case letters, digits and hyphens"
    elif operation.branch != f"debrief/{operation.id}":
        wrong = f"its branch is not debrief/{operation.id}, and Debrief writes to no other"
    elif not body.strip():
        wrong = "its body is empty"
    elif len(body) > BODY_LIMIT:
        wrong = f"its body has {len(body)} characters and GitHub takes {BODY_LIMIT}"
    elif operation.op in ("open", "update"):
        if not _FINGERPRINT.fullmatch(operation.fingerprint):
            wrong = "its fingerprint is not made of letters and digits"
        elif not operation.edits:
            wrong = "it has no edits"
        elif (parse_marker(body) or {}).get("fingerprint") != operation.fingerprint:
            wrong = "its body does not begin with a marker of the same fingerprint"
    return None if wrong is None else _skipped(operation, "malformed", f"Not carried out: {wrong}.")


def choose_pull(operation: Operation, pulls: Sequence[Pull]) -> Pull | None:
    """The pull request of the branch that the operation is about."""
    if operation.reference is not None and operation.op not in ("open", "update"):
        return next((pull for pull in pulls if pull.reference == operation.reference), None)
    opened = [pull for pull in pulls if pull.state == "open"]
    return next(iter([*opened, *pulls]), None)


def needs_branch(operation: Operation, seen: Seen) -> bool:
    """The edits still have to come to the branch.

    The body is written after the branch, so a current body means that the branch was done; what
    a person did to it since stays.
    """
    branch = seen.branch
    if _is_current(operation, seen):
        return False
    is_there = branch is not None and not branch.in_base
    same = branch is not None and branch.fingerprint == operation.fingerprint
    return not is_there or not same or _is_stale(operation, seen)


def decide_change(
    operation: Operation,
    body: str,
    seen: Seen,
    *,
    files: Mapping[str, str] | Skipped,
    reviewers: tuple[str, ...] = (),
) -> Decision:
    """Steps for `open` and `update`: both mean one open pull request with this fingerprint.

    `files` are the new texts on the current base, where the branch needs them. What a person did
    (closed it, ticked a reason, committed to the branch) is respected.
    """
    opened = _opened(seen)
    if opened is None and seen.pull is not None:
        settled = _settled(operation, seen.pull)
        if settled is not None:
            return settled
    if operation.op == "update" and opened is None:
        return _no(operation, "not_open", "There is no open pull request to update.")
    steps: list[Step] = []
    if not _is_current(operation, seen):
        hindered = _hindered(operation, seen)
        if hindered is not None:
            return hindered
        if needs_branch(operation, seen):
            if isinstance(files, Skipped):
                return Decision(skipped=files)
            steps.append(_put_branch(operation, files, seen))
        title = plain(operation.title, TITLE_LIMIT)
        if opened is None:
            steps.append(
                OpenPull(
                    branch=operation.branch, title=title, body=body, is_draft=operation.is_draft
                )
            )
        else:
            named = (parse_marker(opened.body) or {}).get("title", opened.title)
            # A person's own words for it stay.
            is_renamed = plain(str(named), TITLE_LIMIT) != opened.title
            steps.append(EditPull(title=opened.title if is_renamed else title, body=body))
    # Labels come in one call, so one of them means that it was made; what a person takes off
    # stays off as long as he leaves one.
    labels = tuple(filter(_LABEL.fullmatch, operation.labels))
    if labels and not set(labels) & set(opened.labels if opened else ()):
        # Before the labels: where they are missing, a run may have died before it asked anybody.
        if reviewers and not (opened and opened.is_review_requested):
            steps.append(RequestReviews(names=reviewers))
        steps.append(AddLabels(labels=labels))
    return Decision(steps=tuple(steps))


def _put_branch(operation: Operation, files: Mapping[str, str], seen: Seen) -> PutBranch:
    """The step that brings the edits, applied on the current base, to the branch.

    The branch only ever moves forward, so a person's commit that we have not seen cannot be lost:
    GitHub and git both refuse. Where the base has moved, it becomes the second parent, so that the
    pull request still shows our edits and nothing else.
    """
    parents = [seen.base_sha]
    if seen.branch is not None and not seen.branch.in_base:
        parents = [seen.branch.sha] + ([] if seen.branch.contains_base else [seen.base_sha])
    return PutBranch(
        branch=operation.branch,
        files=files,
        on=seen.base_sha,
        parents=tuple(parents),
        message=commit_message(operation),
        expected=seen.branch.sha if seen.branch is not None else None,
    )


def commit_message(operation: Operation) -> str:
    """Title and the trailers by which history knows our commits."""
    title = plain(operation.title, TITLE_LIMIT)
    return (
        f"{title}\n\nDebrief-Proposal: {operation.id}\n"
        f"Debrief-Fingerprint: {operation.fingerprint}\n"
    )


def decide_labels(operation: Operation, seen: Seen) -> Decision:
    """The labels of an open pull request that has none at all."""
    labels = tuple(filter(_LABEL.fullmatch, operation.labels))
    opened = _opened(seen)
    return Decision(steps=(AddLabels(labels=labels),) if opened and not opened.labels else ())


def decide_close(operation: Operation, body: str, seen: Seen) -> Decision:
    """Say why, then close: the comment tells a later run that no person closed it."""
    if seen.pull is None or seen.pull.state != "open":
        return Decision()
    if seen.branch is not None and not seen.branch.is_ours:
        return _no(operation, "hands_off", "A person committed to the branch, so it stays open.")
    if HOLD in seen.pull.labels:
        return _no(operation, "hands_off", f"It carries the label {HOLD}, so it stays open.")
    if operation.superseded_by and seen.successor is None:
        reason = f"debrief/{operation.superseded_by}, which takes its place, is not open yet."
        return _no(operation, "no_successor", reason)
    steps: list[Step] = []
    if not any(marker.get("comment") == "close" for marker in seen.markers):
        why = (parse_marker(body) or {}).get("why")
        marker = {"comment": "close", "id": operation.id}
        if why in get_args(CloseReason):
            marker["why"] = str(why)
        text = _without_marker(body)
        if seen.successor is not None:
            text = f"{text.rstrip()} It is superseded by {seen.successor.reference}.\n"
        steps.append(AddComment(body=_with_marker(marker, text)))
    return Decision(steps=(*steps, ClosePull()))


def decide_comment(operation: Operation, body: str, seen: Seen) -> Decision:
    """Steps for `comment` and `verdict`: once only, known by the marker."""
    if seen.pull is None:
        return _no(operation, "no_pull", f"There is no pull request of {operation.branch}.")
    marker = parse_marker(body)
    if marker is None:
        marker = {"comment": operation.op, "id": operation.id, "text": short_hash(body)}
        body = _with_marker(marker, body)
    if any(dict(found) == marker for found in seen.markers):
        return Decision()
    return Decision(steps=(AddComment(body=body),))


def _opened(seen: Seen) -> Pull | None:
    return seen.pull if seen.pull is not None and seen.pull.state == "open" else None


def _is_current(operation: Operation, seen: Seen) -> bool:
    """The pull request is open and says what the operation says, of the base as it is now."""
    opened = _opened(seen)
    if opened is None or _fingerprint(opened.body) != operation.fingerprint:
        return False
    return not _is_stale(operation, seen)


def _is_stale(operation: Operation, seen: Seen) -> bool:
    """Only an update brings it up to date: an old bundle's `open` was carried out before."""
    return operation.op == "update" and seen.branch is not None and seen.branch.is_stale


def _settled(operation: Operation, pull: Pull) -> Decision | None:
    """The latest pull request of the branch, no longer open, forbids another."""
    is_lifted = operation.request.get("lift") is True and pull.state == "closed"
    same = _fingerprint(pull.body) == operation.fingerprint
    if same and pull.state != "rejected" and not is_lifted:
        return Decision()
    if pull.state == "rejected" and _entries(operation.evidence) < 2 * _past_entries(pull.body):
        return _no(
            operation,
            "rejected_before",
            f"{pull.reference} was closed by a person; it comes again only if its evidence "
            f"doubles from {_past_entries(pull.body)} entries.",
        )
    return None


def _hindered(operation: Operation, seen: Seen) -> Decision | None:
    """A person has the branch or the body in hand."""
    opened = _opened(seen)
    if opened is not None and opened.is_ticked:
        return _no(
            operation, "rejected_before", f"A person ticked a reason against {opened.reference}."
        )
    if opened is not None and HOLD in opened.labels:
        return _no(operation, "hands_off", f"{opened.reference} carries the label {HOLD}.")
    if seen.branch is None or seen.branch.in_base:
        return None
    if seen.branch.is_checked_out:
        return _no(
            operation,
            "checked_out",
            f"A work tree stands on {operation.branch}; check out another branch there.",
        )
    if seen.branch.is_ours:
        return None
    steps: tuple[Step, ...] = ()
    if opened is not None and not any(m.get("comment") == "hands_off" for m in seen.markers):
        marker = {"comment": "hands_off", "id": operation.id}
        text = (
            "There is newer evidence for this change. A person committed to this branch, so "
            "Debrief leaves it as it is. Close the pull request if the change is not wanted."
        )
        steps = (AddComment(body=_with_marker(marker, text)),)
    reason = f"A person committed to {operation.branch}; Debrief leaves it as it is."
    return Decision(steps=steps, skipped=_skipped(operation, "hands_off", reason))


def _no(operation: Operation, code: str, reason: str) -> Decision:
    return Decision(skipped=_skipped(operation, code, reason))


def _skipped(operation: Operation, code: str, reason: str) -> Skipped:
    return Skipped(what=f"{operation.op} {plain(operation.id, 80)}", code=code, reason=reason)


def _fingerprint(body: str) -> object:
    return (parse_marker(body) or {}).get("fingerprint")


def _entries(evidence: object) -> int:
    entries = evidence.get("entries") if isinstance(evidence, Mapping) else None
    return entries if isinstance(entries, int) else 0


def _past_entries(body: str) -> int:
    """Of the marker; at least 1, so that no evidence is never twice no evidence."""
    return max(1, _entries((parse_marker(body) or {}).get("evidence")))


def _with_marker(marker: Mapping[str, Any], body: str) -> str:
    return f"{render_marker(marker)}\n{body}"


def _without_marker(body: str) -> str:
    return body if parse_marker(body) is None else body.partition("\n")[2]
