"""Who wrote each line of a prompt: a proposal, with what speaks for it, or a person.

Takes the lines with their commits and what the target remembers of proposals; gives one `Origin` a
line. A line is a proposal's where its commit carries the proposal's trailer or is its merge, and
the target knows that proposal as merged: a trailer alone proves nothing. Pure; costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot import git
from bot.records import PastProposal
from bot.regions import NotParsed, find_regions

CHARS_PER_TOKEN = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """One line, and where it comes from."""

    line: git.LineCommit
    proposal: PastProposal | None
    """None: a person wrote it."""
    region: str | None
    """Anchor of the prompt or tool that it is a part of, empty for a whole file; None outside."""

    @property
    def tokens(self) -> int:
        """What it costs in each call of the model, at four characters a token; 0 outside a text."""
        return 0 if self.region is None else -(-len(self.line.text.strip()) // CHARS_PER_TOKEN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """All lines of one proposal in the file."""

    proposal: PastProposal
    lines: int
    tokens: int


def origins_of(
    path: str, text: str, lines: Iterable[git.LineCommit], past: Sequence[PastProposal]
) -> tuple[Origin, ...]:
    """One for each line of the file, in order."""
    merged = [one for one in past if one.state == "merged"]
    by_id = {one.id: one for one in merged}
    by_merge = {one.merge_sha: one for one in merged if one.merge_sha}
    regions = _regions(path, text)
    return tuple(
        Origin(
            line=line,
            proposal=by_id.get(git.trailer(line.message, git.PROPOSAL) or "")
            or by_merge.get(line.sha),
            region=regions.get(line.number),
        )
        for line in lines
    )


def shares_of(origins: Sequence[Origin]) -> tuple[Share, ...]:
    """The proposals that have lines in the file, those with most tokens first."""
    found: dict[str, list[Origin]] = {}
    for one in origins:
        if one.proposal is not None:
            found.setdefault(one.proposal.id, []).append(one)
    shares = [
        Share(
            proposal=own[0].proposal,
            lines=len(own),
            tokens=sum(one.tokens for one in own),
        )
        for own in found.values()
        if own[0].proposal is not None
    ]
    return tuple(sorted(shares, key=lambda one: (-one.tokens, one.proposal.id)))


def _regions(path: str, text: str) -> Mapping[int, str]:
    """Anchor by line number; a file that cannot be read has none."""
    try:
        regions = find_regions(path, text)
    except NotParsed:
        return {}
    found: dict[int, str] = {}
    for region in regions:
        for start, end in region.places:
            first = text.count("\n", 0, start) + 1
            last = first + text[start:end].removesuffix("\n").count("\n")
            found |= dict.fromkeys(range(first, last + 1), region.anchor)
    return found
