"""Pure: what markers, labels and words say of a proposal's past."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast, get_args

from bot.errors import Refused
from bot.markdown import plain
from bot.records import CloseReason, ProposalKind, Rejection, ReviewerEdit

PREFIX = "debrief/"
REASON_LIMIT = 2_000
EDITED_CHARS = 100_000
"""Files of more characters are not compared."""
LABELS: Mapping[str, Rejection] = {
    "debrief:not-a-problem": "not_a_problem",
    "debrief:wrong-fix": "wrong_fix",
    "debrief:later": "later",
}
_EFFECT = re.compile(r"[+\u2212]?[\d.]{1,6} points(?: \([\d.\u2212\u2013 \u2026]{1,24}\))?")
_SAID = re.compile(r"\s*(not[ _-]a[ _-]problem|wrong[ _-]fix|later)\b[\s:.,;-]*", re.IGNORECASE)


def parse_reason(text: str) -> tuple[Rejection | None, str | None]:
    """Category and words of "wrong fix: keep the greeting"; either may be missing."""
    text = text.strip()[:REASON_LIMIT]
    found = _SAID.match(text)
    if found is None:
        return None, text or None
    category = re.sub(r"[ -]", "_", found[1].lower())
    return cast(Rejection, category), text[found.end() :].strip() or None


def from_marker(proposal_id: str, marker: Mapping[str, Any]) -> dict[str, Any]:
    """What the marker says, with the branch's id: people can edit a body, so nothing is sure."""
    kind = marker.get("kind")
    evidence = marker.get("evidence")
    entries = evidence.get("entries") if isinstance(evidence, Mapping) else None
    return {
        "id": proposal_id,
        "fingerprint": str(marker.get("fingerprint", "")),
        "kind": kind if kind in get_args(ProposalKind) else "prompt",
        "agent": str(marker.get("agent", "")),
        "pattern_id": str(marker.get("pattern_id", "")),
        "evidence_entries": entries if isinstance(entries, int) else 0,
        "marker": marker,
    }


def verdict_of(markers: Sequence[Mapping[str, Any]]) -> str | None:
    """Result of the newest verdict that was posted."""
    verdicts = [marker for marker in markers if marker.get("comment") == "verdict"]
    return str(verdicts[-1].get("result")) if verdicts else None


def effect_of(markers: Sequence[Mapping[str, Any]]) -> str:
    """The difference that the newest verdict gave, as it is shown; empty where it gave none."""
    verdicts = [marker for marker in markers if marker.get("comment") == "verdict"]
    effect = str(verdicts[-1].get("effect", "")) if verdicts else ""
    return effect if _EFFECT.fullmatch(effect) else ""


def close_reason_of(markers: Sequence[Mapping[str, Any]]) -> CloseReason | None:
    """Why Debrief closed it, by its own comment."""
    reasons = [marker.get("why") for marker in markers if marker.get("comment") == "close"]
    known = [reason for reason in reasons if reason in get_args(CloseReason)]
    return cast(CloseReason, known[-1]) if known else None


def is_answered(markers: Iterable[Mapping[str, Any]]) -> bool:
    """Remarks were answered once; a second answer would be the start of an argument."""
    return any(marker.get("comment") == "answer" for marker in markers)


def says_reverted(messages: Iterable[str], shas: Iterable[str], number: int | None = None) -> bool:
    """Some commit says that it takes back one of `shas`, or the pull request of that number.

    `git revert` writes "This reverts commit SHA."; GitHub's button "Reverts OWNER/NAME#N" into the
    body and, where commits are squashed, into the message, under a title of `Revert "…"`.
    """
    known = [sha for sha in shas if sha]
    for message in messages:
        for named in re.findall(r"\breverts commit ([0-9a-f]{7,64})", message, re.IGNORECASE):
            if any(sha.startswith(named.lower()) for sha in known):
                return True
        if number is not None and re.search(rf"^Reverts \S*#{number}\b", message, re.MULTILINE):
            return True
    return False


def is_taken_back(
    before: Mapping[str, str], now: Mapping[str, str], paths: Sequence[str], *, changed: bool
) -> bool:
    """All the files read again as they did before the merge, after somebody `changed` them."""
    return changed and bool(paths) and all(before.get(path) == now.get(path) for path in paths)


def reviewer_edits(
    proposed: Mapping[str, str], edited: Mapping[str, str]
) -> tuple[ReviewerEdit, ...]:
    """What a person made of each file that we had proposed."""
    return tuple(
        ReviewerEdit(path=path, proposed=text, edited=edited[path])
        for path, text in sorted(proposed.items())
        if path in edited
        and edited[path] != text
        and max(len(text), len(edited[path])) <= EDITED_CHARS
    )


def nothing_open(proposal_id: str) -> Refused:
    return Refused(
        f"there is no open proposal {plain(proposal_id, 80)!r}; "
        "`debrief report` lists those that there are"
    )
