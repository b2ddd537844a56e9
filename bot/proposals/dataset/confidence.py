"""How sure it is that a person would keep a variant: computed by us, and held against people.

Takes the doubts about a variant and what people said of earlier ones; gives a number from 0 to 1.
The judges' replies are claims among other doubts; none of them says how sure it is. Until
`CALIBRATED_FROM` variants were judged by people the number rests on guesses of ours, and everything
that shows it says so. Pure counting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.figures import count, percent, rate
from bot.proposals.dataset.example import Example
from bot.proposals.dataset.variant_checks import DOUBTED
from bot.proposals.dataset.variants import KINDS, NOTHING, Variant, context_of
from bot.records import RenderedPrompt, Table, short_hash
from bot.rendering import render_prompt
from bot.statistics import failure_rate

SURE = 0.8
"""From here on a variant goes into the set without a person."""
POOR = 0.4
"""Below it is dropped."""
GUESSED = (0.9, 0.65, 0.5, 0.2)
"""Our guess of the share that people keep, by points of doubt: none, one, two, more."""
GUESS_WEIGHT = 6.0
"""Judgements of people that such a guess weighs as much as."""
KIND_WEIGHT = 6.0
"""The same for a kind: how much it takes until one kind is believed to be worse than all."""
BORROWED = 0.25
"""What a judgement of another kind counts: one bad kind must not spoil all."""
CALIBRATED_FROM = 30
"""Variants that people have to judge before the number may be called a rate."""
AUDITED = 0.2
"""Share of the sure ones that people are asked about all the same: else nobody would ever know."""
REJECTIONS = 3
"""So many rejections of one kind are a constraint for whoever writes the next."""

JUDGED: Mapping[str, str] = {
    "variant": "a judge: it differs from its seed in another way than it should",
    "lesson": "a judge: the answer does not keep what the person changed",
    "consistent": "a judge: request and answer do not agree",
    "plausible": "a second judge: no user would write so",
    "supported": "a second judge: the answer states what nothing gives",
    "complete": "a second judge: the answer does not do all that is asked",
    "unjudged": "a judge gave no answer",
}
DOUBTS: Mapping[str, str] = {
    **DOUBTED,
    **JUDGED,
    **{f"{code}?": f"{words} (cannot tell)" for code, words in JUDGED.items()},
}
"""Codes of all doubts, in words. A `?` behind it: the judge could not tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What people said of one variant."""

    id: str
    variant: str
    seed: str
    points: int
    doubts: tuple[str, ...]
    is_kept: bool


def judge_prompts(variant: Variant) -> tuple[RenderedPrompt, RenderedPrompt]:
    """Two judges who do not see each other: one knows the seed, the other only the new example."""
    new, seed = variant.example, variant.seed
    return (
        render_prompt(
            "dataset/judge",
            variant=variant.kind,
            seed_request=seed.question,
            before=seed.rejected or NOTHING,
            after=seed.answer,
            request=new.question,
            answer=new.answer,
        ),
        render_prompt(
            "dataset/blind", context=context_of(new), request=new.question, answer=new.answer
        ),
    )


def doubts_of(told: Mapping[str, Any] | None) -> tuple[str, ...]:
    """What one judge doubts, as codes; `told` is None where there is no reply."""
    if told is None:
        return ("unjudged",)
    no = [name for name, said in told.items() if name in JUDGED and said == "no"]
    unknown = [f"{name}?" for name, said in told.items() if name in JUDGED and said not in _SAID]
    return (*no, *unknown)


_SAID: tuple[Literal["yes", "no"], ...] = ("yes", "no")


def points_of(doubts: Iterable[str]) -> int:
    """A judge's no counts two, all else one."""
    return sum(2 if one in JUDGED else 1 for one in doubts)


def confidence(variant: str, points: int, judged: Sequence[Judged]) -> float:
    """0..1 that a person would keep such a variant.

    The share kept among those with as many points of doubt, shrunk towards `GUESSED`, where other
    kinds count less; times how this kind did beside what was guessed of it, which only lowers it.
    """
    level = min(points, len(GUESSED) - 1)
    kept, weight = GUESS_WEIGHT * GUESSED[level], GUESS_WEIGHT
    for one in judged:
        if min(one.points, len(GUESSED) - 1) == level:
            counts = 1.0 if one.variant == variant else BORROWED
            kept, weight = kept + counts * one.is_kept, weight + counts
    return round(kept / weight * _standing(variant, judged), 2)


def _standing(variant: str, judged: Sequence[Judged]) -> float:
    """How often people kept this kind beside what was guessed of it, at most 1."""
    own = [one for one in judged if one.variant == variant]
    kept = sum(one.is_kept for one in own)
    guessed = sum(GUESSED[min(one.points, len(GUESSED) - 1)] for one in own)
    return min(1.0, (KIND_WEIGHT + kept) / (KIND_WEIGHT + guessed))


def is_audited(example: Example) -> bool:
    """Whether people are asked although we are sure; by the id, so the same in every run."""
    return int(short_hash("audit", example.id), 16) / 16**8 < AUDITED


def resting_kinds(judged: Sequence[Judged]) -> frozenset[str]:
    """Kinds that even without a doubt would be dropped: asking for them is a waste."""
    return frozenset(kind for kind in KINDS if confidence(kind, 0, judged) < POOR)


def rejections_told(
    kind: str, judged: Sequence[Judged], said: Collection[str] = ()
) -> tuple[str, ...]:
    """What a writer is told of a kind that people rejected three times. `said` are their words."""
    own = [one for one in judged if one.variant == kind]
    rejected = [one for one in own if not one.is_kept]
    if len(rejected) < REJECTIONS:
        return ()
    doubts = Counter(doubt for one in rejected for doubt in one.doubts)
    lines = [f"People rejected {len(rejected)} of {count(len(own), 'example')} of this variant."]
    lines += [f"In {n} of them: {DOUBTS[code]}." for code, n in doubts.most_common(3)]
    return (*lines, *(f"A reviewer said: {one[:300]}" for one in said))


def calibration(judged: Sequence[Judged]) -> str:
    """One sentence of how far the confidence may be believed."""
    if len(judged) < CALIBRATED_FROM:
        return (
            f"The confidence is not calibrated: people have judged {len(judged)} of the "
            f"{CALIBRATED_FROM} examples that it takes, so it rests on guesses of ours."
        )
    kept = sum(one.is_kept for one in judged)
    expected = sum(GUESSED[min(one.points, len(GUESSED) - 1)] for one in judged)
    return (
        f"The confidence is counted on {len(judged):,} examples that people judged: they kept "
        f"{percent(kept / len(judged))}, and {percent(expected / len(judged))} were expected "
        "before anybody had looked."
    )


def judged_table(judged: Sequence[Judged]) -> Table:
    """What people kept so far, by kind and by doubt."""
    groups: list[tuple[str, list[Judged]]] = [
        (kind, [one for one in judged if one.variant == kind]) for kind in KINDS
    ]
    levels = ("no doubt", "one point of doubt", "two points", "three or more")
    groups += [
        (name, [one for one in judged if min(one.points, len(levels) - 1) == level])
        for level, name in enumerate(levels)
    ]
    rows = []
    for name, own in groups:
        if own:
            # The same interval as for failures: a share of so many.
            found = failure_rate(sum(one.is_kept for one in own), len(own))
            rows.append((name, f"{len(own):,}", rate(found.rate, found.interval)))
    return Table(
        title="What people kept so far", header=("of", "asked", "kept (95 %)"), rows=tuple(rows)
    )
