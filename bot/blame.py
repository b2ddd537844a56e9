"""Who wrote each line of a prompt: a proposal, with what speaks for it, or a person.

Takes the lines with their commits and what the target remembers of proposals; gives one `Origin` a
line. A line is a proposal's where its commit carries the proposal's trailer or is its merge, and
the target knows that proposal as merged: a trailer alone proves nothing. What an undoing brought
back is with whom it had come from. Pure; costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot import git
from bot.records import RETIREMENT, ROLLBACK, PastProposal
from bot.regions import NotParsed, find_regions

CHARS_PER_TOKEN = 4
TRACED = 8
"""Undoings that are looked behind, one after the other: an undone undoing of an undoing."""
_REVERTS = re.compile(r"^This reverts commit ([0-9a-f]{40,64})\b", re.MULTILINE)


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


LinesBefore = Callable[[str], Sequence[git.LineCommit]]
"""The lines of the file as they were before a commit; none where there was no such file."""


def origins_of(
    path: str,
    text: str,
    lines: Iterable[git.LineCommit],
    past: Sequence[PastProposal],
    *,
    lines_before: LinesBefore,
) -> tuple[Origin, ...]:
    """One for each line of the file, in order."""
    makers = _Makers.of(past)
    regions = _regions(path, text)
    earlier: dict[str, Mapping[str, git.LineCommit]] = {}
    origins = []
    for given in lines:
        line = given
        for _ in range(TRACED):
            undone = makers.undone_by(line)
            if undone is None:
                break
            if undone not in earlier:
                earlier[undone] = {one.text: one for one in lines_before(undone)}
            if line.text not in earlier[undone]:
                break
            line = replace(earlier[undone][line.text], number=given.number)
        region = regions.get(line.number)
        origins.append(Origin(line=line, proposal=makers.maker_of(line), region=region))
    return tuple(origins)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Makers:
    """Merged proposals, by what tells that a commit is theirs."""

    by_id: Mapping[str, PastProposal]
    by_merge: Mapping[str, PastProposal]

    @classmethod
    def of(cls, past: Sequence[PastProposal]) -> _Makers:
        merged = [one for one in past if one.state == "merged"]
        return cls(
            by_id={one.id: one for one in merged},
            by_merge={one.merge_sha: one for one in merged if one.merge_sha},
        )

    def maker_of(self, line: git.LineCommit) -> PastProposal | None:
        """The proposal whose commit it is; None for a person's."""
        named = git.trailer(line.message, git.PROPOSAL) or ""
        return self.by_id.get(named) or self.by_merge.get(line.sha)

    def undone_by(self, line: git.LineCommit) -> str | None:
        """The commit that the line's own one takes back, whoever did it; None for all others."""
        maker = self.maker_of(line)
        if maker is None:
            found = _REVERTS.search(line.message)
            return found[1] if found else None
        if not maker.remedy.startswith((RETIREMENT, ROLLBACK)):
            return None
        earlier = self.by_id.get(maker.remedy.removeprefix(RETIREMENT).removeprefix(ROLLBACK))
        return earlier.merge_sha if earlier else None


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
