"""Data sets, and what a model adds to them: variants, their judges, and people's answers.

Joins corrections, facts and conversations with `bot.proposals.dataset`, as `pipeline` joins all
stages. What is written leaves the store for a repository, so it is redacted here once more,
whatever the collector was set to, and placeholders lose their digest: nobody can tell that two of
them stand for one person. Costs nothing without a model, and a set that is not due asks none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any, cast

import pyarrow as pa

from bot.evaluation import GivenReply, answered, holds
from bot.figures import percent
from bot.proposals.cases import (
    SEEN_IN_ANSWERS,
    Check,
    Turn,
    Without,
    Words,
    length_check,
    letters_hash,
    said,
)
from bot.proposals.dataset import (
    DROPPED,
    EXAMPLES,
    NAMES,
    POOR,
    QUEUE,
    SURE,
    Example,
    Material,
    Review,
    Unsure,
    accepted_example,
    ask_for,
    check_variant,
    confidence,
    corrected_example,
    doubts_of,
    folder_of,
    is_audited,
    judge_prompts,
    keeping_variants,
    mix_of,
    plan_variants,
    points_of,
    propose_dataset,
    propose_queue,
    read_review,
    read_variant,
    rejections_told,
    resting_kinds,
    still_asking,
    written_table,
)
from bot.records import (
    Ask,
    ConversationsOf,
    Correction,
    ModelCost,
    PastProposal,
    Pattern,
    Proposal,
    RenderedPrompt,
    Reply,
    Repository,
    Skipped,
    in_time,
)
from bot.settings import DatasetSettings, Settings
from collector.redaction import Redactor

CORRECTIONS_READ = 200
"""Newest corrections of one agent that a data set is made of."""
ACCEPTED_READ = 600
"""Newest answers that went well, from which those beside them are drawn."""
ACCEPTED = frozenset({"review_accepted", "review_accept", "review_approved"})
"""Outcomes by which a reviewer took an answer as it was."""
PLACEHOLDER = re.compile(r"\[([a-z_0-9-]+):[0-9a-f]{6}\]")
ASKED_PER_ROOM = 2
"""Variants asked for to each place in the set: some are dropped, some wait for a person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Own:
    """What there is of one agent."""

    material: Material
    corrections: Mapping[str, Correction]
    """By id of the example that was made of it."""


def dataset_changes(
    agents: Sequence[str],
    patterns: Sequence[Pattern],
    facts: pa.Table,
    corrections: Sequence[Correction],
    repository: Repository,
    past: Sequence[PastProposal],
    *,
    settings: Settings,
    conversations_of: ConversationsOf,
    ask: Ask | None,
    now: datetime,
) -> Iterator[Proposal | Skipped]:
    """Each agent's data set, and the questions about it; nothing where no folder is set."""
    if settings.dataset.path is None:
        return
    for agent in agents:
        taught = [one for one in corrections if one.agent == agent and is_teaching(one)]
        if taught:
            own = _own(agent, taught, facts, conversations_of)
            checks = _checks_of(agent, own.corrections, patterns)
            yield from _changes(
                agent,
                own.material,
                repository,
                past,
                broken=lambda example, known=checks: _broken(example, known),  # type: ignore[misc]
                settings=settings.dataset,
                ask=ask,
                now=now,
            )


def _changes(
    agent: str,
    material: Material,
    repository: Repository,
    past: Sequence[PastProposal],
    *,
    broken: Callable[[Example], tuple[str, ...]],
    settings: DatasetSettings,
    ask: Ask | None,
    now: datetime,
) -> Iterator[Proposal | Skipped]:
    """The set, with variants where there is room for some, and the questions about the others."""
    path, share = settings.path or "", settings.max_synthetic
    folder = folder_of(path, agent)
    review = read_review(
        agent,
        past,
        examples=_text(repository, f"{folder}/{EXAMPLES}"),
        queue=_text(repository, f"{folder}/{QUEUE}"),
        now=now,
    )
    if share:
        kept = frozenset(one.id for one in review.kept)
        material = replace(material, synthetic=(*review.kept, *review.merged), kept=kept)

    def proposed(found: Material) -> Proposal | Skipped:
        return propose_dataset(
            agent,
            found,
            repository,
            path=path,
            at_least=settings.at_least,
            max_synthetic=share,
        )

    first = proposed(material)
    asking = still_asking(agent, review)
    is_answered = False
    if ask is not None and share and isinstance(first, Proposal):
        written = _written(
            material,
            review,
            broken=broken,
            share=share,
            most=settings.variants_per_run,
            ask=ask,
        )
        material = replace(
            material,
            synthetic=(*material.synthetic, *written.sure),
            written=written_table(written.became),
            cost=written.cost,
        )
        is_answered = not written.unanswered
        first = proposed(material)
        if written.unsure and asking is None:
            yield propose_queue(agent, written.unsure, review, material, repository, folder=folder)
    yield first if is_answered or not share else keeping_variants(first, past)
    if asking is not None:
        yield asking


def _text(repository: Repository, path: str) -> str:
    file = repository.files.get(path)
    return file.text if file is not None else ""


def dataset_globs(settings: Settings) -> tuple[str, ...]:
    """Where a data set may be written; nowhere, unless the settings name a folder."""
    folder = settings.dataset.path
    return () if folder is None else tuple(f"/{folder}/*/{name}" for name in NAMES)


def is_teaching(correction: Correction) -> bool:
    """A reviewer's, and no slip of the pen: strangers must not train the agent."""
    return correction.by == "reviewer" and correction.nature != "noise"


# -- what people taught ----------------------------------------------------------------------------


def _own(
    agent: str,
    corrections: Sequence[Correction],
    facts: pa.Table,
    conversations_of: ConversationsOf,
) -> _Own:
    """Examples of one agent: its newest corrections, and its newest answers that went well."""
    newest = sorted(corrections, key=in_time, reverse=True)[:CORRECTIONS_READ]
    corrected = {one.conversation_id for one in corrections}
    rows = [
        row
        for row in facts.sort_by([("started_at", "descending")]).to_pylist()
        if row["agent"] == agent
        and row["has_text"]
        and not row["bad"]
        and (row["good"] or ACCEPTED & {*row["outcomes"]})
        and row["conversation_id"] not in corrected
    ]
    good = [(agent, row["conversation_id"]) for row in rows[:ACCEPTED_READ]]
    read = conversations_of(
        [*good, *((agent, one.conversation_id) for one in newest if one.conversation_id)]
    )
    left_out: Counter[str] = Counter()
    taught: list[Example] = []
    of: dict[str, Correction] = {}
    for one in newest:
        conversation = read.get((agent, one.conversation_id or ""))
        found: Example | str = "its conversation is not in the store"
        if conversation is not None:
            found = corrected_example(conversation, one, redact=published)
        if isinstance(found, Example):
            taught.append(found)
            of[found.id] = one
        else:
            left_out[found] += 1
    kept = [accepted_example(read[key], redact=published) for key in good if key in read]
    left_out.update(one for one in kept if isinstance(one, str))
    material = Material(
        corrected=tuple(taught),
        accepted=tuple(one for one in kept if isinstance(one, Example)),
        left_out=left_out,
        reviewers=len({one.reviewer_id for one in newest} - {None}),
        ids={letters_hash(*key): key[1] for key in read},
    )
    return _Own(material=material, corrections=of)


def published(text: str) -> str:
    """`text` as it may stand in a repository: secrets and personal data become `[email]`."""
    return PLACEHOLDER.sub(r"[\1]", _redactor().text(text))


@cache
def _redactor() -> Redactor:
    # The digests are cut out at once, so the key keeps nothing secret.
    return Redactor(key=b"published", personal=True)


# -- what a model makes of it ----------------------------------------------------------------------


@dataclass(kw_only=True)
class _Written:
    """What came of asking the model in one run."""

    sure: list[Example] = field(default_factory=list)
    unsure: list[Unsure] = field(default_factory=list)
    became: Counter[str] = field(default_factory=Counter)
    cost: ModelCost = field(default_factory=ModelCost)
    unanswered: int = 0
    is_spent: bool = False

    def asked(self, ask: Ask, prompt: RenderedPrompt) -> Reply | None:
        """The reply, or None; after the budget is spent nobody is asked any more."""
        reply = None if self.is_spent else ask(prompt)
        if isinstance(reply, Reply):
            self.cost += reply.cost
            return reply
        self.unanswered += 1
        self.is_spent = self.is_spent or (reply is not None and reply.code == "budget")
        return None


def _written(
    material: Material,
    review: Review,
    *,
    broken: Callable[[Example], tuple[str, ...]],
    share: float,
    most: int,
    ask: Ask,
) -> _Written:
    """Ask for variants of what goes into the set, check them, have them judged, and sort them."""
    mix = mix_of(material, share)
    seeds = [one for one in mix.examples if one.source == "correction"]
    said = [one.question for one in (*material.corrected, *material.accepted, *material.synthetic)]
    found = _Written()
    pairs = plan_variants(
        seeds,
        known=review.seen,
        resting=resting_kinds(review.judged),
        most=min(most, ASKED_PER_ROOM * mix.room),
    )
    for seed, kind in pairs:
        rejected = rejections_told(kind, review.judged, review.said)
        reply = found.asked(ask, ask_for(seed, kind, rejected=rejected))
        if reply is None:
            found.became["not written: no reply, or the budget is spent"] += 1
            continue
        variant = read_variant(reply, seed, kind)
        if variant is None:
            found.became["not written: the model found none that makes sense"] += 1
            continue
        checked = check_variant(variant, redact=published, broken=broken, others=said)
        if checked.wrong:
            found.became[f"dropped: {DROPPED[checked.wrong[0]]}"] += 1
            continue
        judges = [found.asked(ask, prompt) for prompt in judge_prompts(variant)]
        told = [cast("dict[str, Any]", one.data) if one is not None else None for one in judges]
        doubts = (*checked.doubts, *(code for one in told for code in doubts_of(one)))
        points = points_of(doubts)
        likely = confidence(kind, points, review.judged)
        asked = Unsure(
            variant=variant,
            doubts=doubts,
            points=points,
            confidence=likely,
            said=tuple(one["reason"] for one in told if one is not None and doubts_of(one)),
        )
        if likely < POOR:
            found.became[f"dropped: its confidence is below {percent(POOR)}"] += 1
            continue
        said.append(variant.example.question)
        if likely < SURE or is_audited(variant.example):
            found.unsure.append(asked)
            found.became["people are asked"] += 1
        else:
            found.sure.append(variant.example)
            found.became["in the set, where there is room"] += 1
    return found


def _checks_of(
    agent: str, corrections: Mapping[str, Correction], patterns: Sequence[Pattern]
) -> dict[str, tuple[Check, ...]]:
    """By id of a corrected example, what a program can check of it: as in its regression case."""
    shown: tuple[Check, ...] = (
        Words(),
        *(Without(signal=cast(Any, one)) for one in sorted(SEEN_IN_ANSWERS)),
    )
    own = [one for one in patterns if one.agent == agent and one.kind == "correction"]
    held = {one.id: length_check(pattern) for pattern in own for one in pattern.corrections}
    return {
        id: (*shown, held[one.id]) if one.id in held else shown for id, one in corrections.items()
    }


def _broken(example: Example, checks: Mapping[str, tuple[Check, ...]]) -> tuple[str, ...]:
    """The checks of its seed's case that the example breaks, in words."""
    given = [
        Turn(role=cast(Any, one["role"]), content=str(one["content"]))
        for one in example.prompt
        if one["role"] in ("user", "assistant")
    ]
    answer = answered(given, GivenReply(text=example.answer), agent="")
    own = checks.get(example.seed or example.id, ())
    return tuple(said(check) for check in own if not holds(check, answer))
