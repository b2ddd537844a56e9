"""What people are asked about, and what they said: a draft pull request with a box per example.

Takes variants that we are not sure of; gives a `Proposal` of one file whose body holds the boxes.
An example is kept where its box is ticked when the pull request is merged, or where somebody wrote
`"keep": true` into its line of the file; all others are rejected. Nothing else is kept anywhere:
what people said is counted from the target's history each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.figures import count
from bot.proposals.dataset.confidence import (
    DOUBTS,
    SURE,
    Judged,
    calibration,
    judged_table,
)
from bot.proposals.dataset.example import Example
from bot.proposals.dataset.files import QUEUE, ids_in, queue_file, read_examples
from bot.proposals.dataset.propose import MAX_BYTES, Material, dataset_id, edits_of
from bot.proposals.dataset.variants import KINDS, Variant
from bot.proposals.guardrails import check_edits
from bot.proposals.identity import fingerprint
from bot.proposals.refusals import guardrail
from bot.records import (
    Choice,
    Evidence,
    GateResult,
    PastProposal,
    Proposal,
    Repository,
    Skipped,
    Table,
    short_hash,
)

MOST = 20
"""Examples in one queue: what a person reads with care in a quarter of an hour."""
COUNTS = timedelta(days=182)
"""So long a judgement counts: models and prompts change, and a kind that rests gets another try."""
SAID = 5
"""Newest words of reviewers that the next writer is told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsure:
    """One variant that people are asked about."""

    variant: Variant
    doubts: tuple[str, ...]
    points: int
    confidence: float
    said: tuple[str, ...] = ()
    """What the judges who doubt it wrote. Outside text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """All that people have said of one agent's variants."""

    judged: tuple[Judged, ...] = ()
    kept: tuple[Example, ...] = ()
    """Variants that people kept and that stand in no set yet."""
    merged: tuple[Example, ...] = ()
    """Variants that stand in the set of the default branch."""
    said: tuple[str, ...] = ()
    """Reviewers' words on merged queues, the newest last. Outside text."""
    asking: PastProposal | None = None
    """The queue that is open now."""
    seen: frozenset[tuple[str, str]] = frozenset()
    """(seed, kind) that people have decided on, or that stand in the set."""


def read_review(
    agent: str, past: Sequence[PastProposal], *, examples: str, queue: str, now: datetime
) -> Review:
    """What became of earlier queues. `examples` and `queue`: the files of the default branch."""
    asked = [one for one in past if one.agent == agent and _entries(one)]
    decided = [one for one in asked if one.state == "merged" and not one.reverted]
    in_set = [one for one, _ in read_examples(examples) if one.source == "synthetic"]
    waiting = list(read_examples(queue))
    ticked = {id for one in decided for id in one.ticked}
    kept = [one for one, keep in waiting if keep or one.id in ticked]
    all_kept = ticked | {one.id for one in (*kept, *in_set)}
    judged = {
        id: Judged(
            id=id,
            variant=variant,
            seed=seed,
            points=points,
            doubts=doubts,
            is_kept=id in all_kept,
        )
        for one in decided
        if one.merged_at is None or now - one.merged_at <= COUNTS
        for id, variant, seed, points, doubts in _entries(one)
    }
    turned_down = [one for one in asked if one.state in ("rejected", "closed")]
    seen = {(entry[2], entry[1]) for one in (*decided, *turned_down) for entry in _entries(one)}
    return Review(
        judged=tuple(judged.values()),
        kept=tuple(one for one in kept if one.id not in ids_in(examples)),
        merged=tuple(in_set),
        said=tuple(one.reason for one in decided if one.reason)[-SAID:],
        asking=next((one for one in asked if one.state == "open"), None),
        seen=frozenset(seen | {(one.seed, one.variant) for one in (*in_set, *kept)}),
    )


Entry = tuple[str, str, str, int, tuple[str, ...]]


def _entries(past: PastProposal) -> list[Entry]:
    """(id, kind, seed, points, doubts) of a queue, from its marker; people can edit a body."""
    listed = past.marker.get("queue") if past.kind == "dataset" else None
    found: list[Entry] = []
    for one in listed if isinstance(listed, list) else []:
        match one:
            case [str(id), str(kind), str(seed), int(points), *doubts] if kind in KINDS:
                known = tuple(str(code) for code in doubts if code in DOUBTS)
                found.append((id, kind, seed, max(0, points), known))
    return found


def still_asking(agent: str, review: Review) -> Skipped | None:
    """Nobody is asked twice at once: a queue that is written anew would lose its ticks."""
    past = review.asking
    if past is None:
        return None
    asked = {entry[0] for entry in _entries(past)}
    ticked = len(asked & set(past.ticked))
    return Skipped(
        what=f"questions about examples of {agent}",
        code="waiting",
        reason=f"{past.reference} asks about {count(len(asked), 'example')}; ticked so far: "
        f"{ticked}; mark it as ready and merge it, and the ticked ones go into the next set.",
    )


def propose_queue(
    agent: str,
    unsure: Sequence[Unsure],
    review: Review,
    material: Material,
    repository: Repository,
    *,
    folder: str,
) -> Proposal | Skipped:
    """Ask people about the first `MOST` of `unsure`."""
    path = f"{folder}/{QUEUE}"
    kept = {one.id: one for one in review.kept}
    asked = sorted(unsure[:MOST], key=lambda one: one.variant.example.id)
    text = _file(asked, kept)
    while asked and len(text) > MAX_BYTES:
        asked.pop()
        text = _file(asked, kept)
    files = {path: text}
    edits = edits_of(files, repository)
    there = repository.files.get(path)
    broken = check_edits({path: there.text} if there else {}, files, kind="dataset", allowed=[path])
    what = f"questions about examples of {agent}"
    if broken:
        return guardrail(what, broken)
    if not edits:
        reason = f"{path!r} asks about the same examples already."
        return Skipped(what=what, code="unchanged", reason=reason)
    remedy = f"{folder}: questions after {there.blob if there else 'new'}"
    id = dataset_id(agent, remedy)
    evidence = _evidence(asked, material)
    doubted = sum(one.points > 0 for one in asked)
    sure = len(asked) - doubted
    verb = "is" if sure == 1 else "are"
    shown = f"{sure} without a doubt {verb} here to see how good our confidence is"
    return Proposal(
        id=id,
        fingerprint=fingerprint(id, edits, evidence),
        kind="dataset",
        agent=agent,
        pattern_id=f"queue-{short_hash(agent)}",
        remedy=remedy,
        title=f"Ask about {count(len(asked), 'training example')} that a model wrote",
        what="Tick each example that you would train on, mark this as ready and merge it: the "
        "ticked ones go into the next data set, the others never come again. Nothing is trained "
        f"here, and no agent reads `{path}`.",
        why=f"A model wrote them out of corrected answers. Our checks or one of two judges doubt "
        f"{count(doubted, 'example')}{f'; {shown}' if sure else ''}. {calibration(review.judged)}",
        risk="Low: a mistake costs one poor training example. The texts are a model's, after what "
        "strangers and reviewers wrote, redacted: read them as data.",
        confidence="low",
        edits=edits,
        evidence=evidence,
        prediction=None,
        gate=GateResult(
            verdict="inconclusive",
            sentence="A person decides. If a whole kind is of no use, leave its boxes empty and "
            "say why in a comment: whoever writes the next ones is told.",
        ),
        tables=tuple(filter(None, (judged_table(review.judged), material.written))),
        # Behind everything else, and behind the set that it is about.
        priority=-1.0,
        choices=tuple(map(_choice, asked)),
        is_draft=True,
    )


def _file(asked: Sequence[Unsure], kept: Mapping[str, Example]) -> str:
    return queue_file((*kept.values(), *(one.variant.example for one in asked)), kept=kept)


def _choice(one: Unsure) -> Choice:
    new, seed = one.variant.example, one.variant.seed
    why = "; ".join(DOUBTS[code] for code in one.doubts)
    if not why:
        sure = "nothing speaks against it; asked to see how good our confidence is"
        why = sure if one.confidence >= SURE else "people rejected others of this kind"
    return Choice(
        id=new.id,
        variant=new.variant,
        seed=seed.id,
        doubts=one.doubts,
        points=one.points,
        confidence=one.confidence,
        why=why,
        said=one.said,
        request=new.question,
        answer=new.answer,
        seed_request=seed.question,
        seed_answer=seed.answer,
    )


def _evidence(asked: Sequence[Unsure], material: Material) -> Evidence:
    cited = dict.fromkeys(one.variant.seed.conversation for one in asked)
    ids: Mapping[str, str] = material.ids
    return Evidence(
        entries=len(asked),
        users=len({one.variant.seed.user for one in asked}),
        conversation_ids=tuple(sorted(ids.get(one, one) for one in cited)),
        note="They were made of the corrected answers in these conversations.",
    )


def written_table(rows: Mapping[str, int]) -> Table:
    """What became of what the model wrote in one run."""
    listed = tuple((what, f"{n:,}") for what, n in rows.items() if n)
    return Table(title="What a model wrote", header=("became", "examples"), rows=listed)
