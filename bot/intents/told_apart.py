"""Does a reader tell groups apart? The check behind each change that the model proposes.

Takes what it answered for a sample of each group, by definitions alone; gives a verdict that leans
to no change where the sample is small. Costs nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.figures import count
from bot.statistics import failure_rate


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """How well the model's answers, by definitions alone, tell the groups of one change apart."""

    agent: str
    kind: Literal["merge", "split"]
    groups: int
    right: int
    """Conversations that it gave to the group that they lie in: of a merge, of the two that it
    tells apart best."""
    conversations: int
    kept: bool

    @property
    def sentence(self) -> str:
        """Of numbers of ours; nothing that the model wrote."""
        what = f"merging {count(self.groups, 'group')}"
        if self.kind == "split":
            what = f"splitting a group into {self.groups}"
        return (
            f"What the model proposed, {what}, {'is kept' if self.kept else 'is dropped'}: of "
            f"{count(self.conversations, 'conversation')} that it read by the definitions alone it "
            f"told {self.right:,} apart as they lie."
        )


def judge_change(
    kind: Literal["merge", "split"], answers: Mapping[str, Sequence[str]], agent: str
) -> Check:
    """Does the model tell these groups apart? `answers` gives what it said of each one's sample.

    A split is kept where the Wilson interval of its right answers lies above the middle between
    chance and always right, a merge where that of each two groups lies below. Answers outside count
    against a split and say nothing of a merge.
    """
    if kind == "split":
        told = [(group, said) for group, own in answers.items() for said in own]
        right, n, low, _ = _right(told)
        kept = low > (1 + 1 / len(answers)) / 2
    else:
        worst = max(
            (_right(_of_pair(answers, pair)) for pair in itertools.combinations(answers, 2)),
            key=lambda found: found[3],
        )
        right, n, _, high = worst
        kept = high < (1 + 1 / 2) / 2
    return Check(
        agent=agent, kind=kind, groups=len(answers), right=right, conversations=n, kept=kept
    )


def _of_pair(answers: Mapping[str, Sequence[str]], pair: tuple[str, str]) -> list[tuple[str, str]]:
    """As many of each group: else one that is always named would be more often right than not."""
    inside = [[said for said in answers[group] if said in pair] for group in pair]
    each = min(map(len, inside))
    return [(group, said) for group, own in zip(pair, inside, strict=True) for said in own[:each]]


def _right(told: Sequence[tuple[str, str]]) -> tuple[int, int, float, float]:
    """Right answers, all, and the bounds of their rate: no bounds where there are none."""
    right = sum(group == said for group, said in told)
    if not told:
        return 0, 0, 0.0, 1.0
    interval = failure_rate(right, len(told)).interval
    return right, len(told), interval.low, interval.high
