"""Corrections and accepted answers become a data set, for people who train their own models.

Takes one agent's corrected and accepted examples; gives one `Proposal` of three files in the folder
that the settings name, or why not. Only corrections of reviewers count: what a stranger suggests
would let strangers train the agent. Costs nothing; no model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.figures import count, percent
from bot.proposals.dataset.example import Example
from bot.proposals.dataset.files import (
    CONFIG,
    EXAMPLES,
    PAIRS,
    config_file,
    examples_file,
    folder_of,
    ids_in,
    pairs_file,
)
from bot.proposals.dataset.mix import MAX_EXAMPLES, MAX_SYNTHETIC, RETENTION, Mix, mixed
from bot.proposals.edits import edit_to
from bot.proposals.guardrails import check_edits
from bot.proposals.identity import fingerprint
from bot.proposals.refusals import guardrail
from bot.records import (
    Edit,
    Evidence,
    GateResult,
    ModelCost,
    PastProposal,
    Proposal,
    Repository,
    Skipped,
    Table,
    short_hash,
)

NO_COST = ModelCost()
MAX_BYTES = 900_000
"""Of one file: of larger ones than a megabyte `git` reads nothing back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """All that is known of one agent that may be learned from."""

    corrected: tuple[Example, ...]
    """The newest first."""
    accepted: tuple[Example, ...]
    synthetic: tuple[Example, ...] = ()
    """Made by a model: those that people kept first, then those that we are sure of."""
    kept: frozenset[str] = frozenset()
    """Ids of those that people kept: they do not wait until there is more that is new."""
    written: Table | None = None
    """What became of what the model wrote in this run."""
    left_out: Mapping[str, int]
    """Why something is no example, to how often."""
    reviewers: int = 0
    """Distinct reviewers behind the corrections; 0 where no ids are known."""
    ids: Mapping[str, str]
    """Hash of a conversation to its id."""
    cost: ModelCost = NO_COST


def propose_dataset(
    agent: str,
    material: Material,
    repository: Repository,
    *,
    path: str,
    at_least: int,
    max_synthetic: float = MAX_SYNTHETIC,
) -> Proposal | Skipped:
    """One set of one agent, in `path`, from at least so many corrections."""
    what = f"a data set of {agent}"
    if len(material.corrected) < at_least:
        return _skipped(
            what,
            "evidence_floor",
            f"{count(len(material.corrected), 'correction')} can be learned from; {at_least} are "
            f"needed (dataset.at_least){_left_out(material)}.",
        )
    mix = mix_of(material, max_synthetic)
    if mix.number("correction") < at_least <= _mixed(material, max_synthetic).number("correction"):
        return _skipped(
            what,
            "too_large",
            f"{count(at_least, 'correction')} with {RETENTION} accepted answers to each are more "
            f"than {MAX_BYTES:,} bytes, which the next run could not read; set "
            f"dataset.at_least to {mix.number('correction')} or less.",
        )
    if mix.number("correction") < at_least:
        return _skipped(
            what,
            "retention",
            f"{count(len(material.accepted), 'accepted answer')} for "
            f"{count(len(material.corrected), 'correction')}: each needs {RETENTION}, spread over "
            "users; send reviews or outcomes of answers that went well.",
        )
    folder = folder_of(path, agent)
    files = {
        f"{folder}/{EXAMPLES}": examples_file(mix.examples),
        f"{folder}/{PAIRS}": pairs_file(mix.examples),
        f"{folder}/{CONFIG}": config_file(),
    }
    there = repository.files.get(f"{folder}/{EXAMPLES}")
    known = ids_in(there.text) if there is not None else frozenset()
    fresh = {one.id for one in mix.examples if one.source == "correction"} - known
    was_kept = material.kept & {one.id for one in mix.examples} - known
    if there is not None and len(fresh) < at_least and not was_kept:
        return _skipped(
            what,
            "unchanged",
            f"{count(len(fresh), 'correction')} came since {folder!r} was written; {at_least} are "
            "needed.",
        )
    # What people set in the configuration is theirs.
    files = {
        name: text
        for name, text in files.items()
        if not (name.endswith(CONFIG) and name in repository.files)
    }
    edits = edits_of(files, repository)
    before = {name: repository.files[name].text for name in files if name in repository.files}
    broken = check_edits(before, files, kind="dataset", allowed=list(files))
    if broken:
        return guardrail(what, broken)
    everything = _mixed(material, max_synthetic, len(material.corrected) * (RETENTION + 1))
    crowded_out = max(0, everything.number("correction") - mix.number("correction"))
    blob = there.blob if there else "new"
    return _proposal(agent, folder, material, mix, edits, blob, crowded_out)


def keeping_variants(found: Proposal | Skipped, past: Sequence[PastProposal]) -> Proposal | Skipped:
    """`found` of a run whose model did not answer, unless the open set has more variants."""
    if isinstance(found, Skipped):
        return found
    opened = [one for one in past if one.id == found.id and one.state == "open"]
    held = opened[-1].marker.get("variants") if opened else None
    if not isinstance(held, int) or held <= found.variants:
        return found
    return _skipped(
        f"a data set of {found.agent}",
        "waiting",
        f"{opened[-1].reference} holds {count(held, 'variant')} that a model wrote, and no model "
        "answered in this run; merge it, or run with a model key.",
    )


def mix_of(material: Material, max_synthetic: float) -> Mix:
    """The largest set whose files the next run can read back."""
    most = MAX_EXAMPLES
    while True:
        mix = _mixed(material, max_synthetic, most)
        size_bytes = max(len(file(mix.examples)) for file in (examples_file, pairs_file))
        if size_bytes <= MAX_BYTES:
            return mix
        # At least one new example less, so it ends.
        fits = int(len(mix.examples) * MAX_BYTES / size_bytes)
        most = min(fits, len(mix.examples) - RETENTION - 1)


def _mixed(material: Material, share: float, most: int = MAX_EXAMPLES) -> Mix:
    return mixed(material.corrected, material.accepted, material.synthetic, share=share, most=most)


def edits_of(files: Mapping[str, str], repository: Repository) -> tuple[Edit, ...]:
    """New files, and changes of those that are there; nothing for what is equal."""
    edits = []
    for name, text in files.items():
        file = repository.files.get(name)
        if file is None:
            edits.append(Edit(path=name, base_blob=None, old="", new=text))
        elif file.text != text:
            edits.append(edit_to(file, text))
    return tuple(edits)


def dataset_id(agent: str, remedy: str) -> str:
    """As `proposal_id`, for what rests on an agent and no single pattern."""
    return f"p-{short_hash(agent, 'dataset', remedy)}"


def _proposal(
    agent: str,
    folder: str,
    material: Material,
    mix: Mix,
    edits: tuple[Edit, ...],
    blob: str,
    crowded_out: int,
) -> Proposal:
    """`crowded_out`: corrections that would be in the set if it might be larger."""
    evidence = _evidence(mix, material)
    # A set that grows after it was merged is another change; the same one keeps its id.
    remedy = f"{folder}: examples after {blob}"
    id = dataset_id(agent, remedy)
    new, made = mix.number("correction"), mix.number("synthetic")
    pairs = sum(one.rejected is not None for one in mix.examples)
    synthetic = f" and {count(made, 'variant')} that a model wrote (marked)" if made else ""
    return Proposal(
        id=id,
        fingerprint=fingerprint(id, edits, evidence),
        kind="dataset",
        agent=agent,
        pattern_id=f"dataset-{short_hash(agent)}",
        remedy=remedy,
        title=f"Add {count(len(mix.examples), 'training example')}, {new} of them corrected",
        what=f"Writes `{folder}`: {count(new, 'corrected answer')}{synthetic} with "
        f"{count(mix.number('accepted'), 'accepted one')}, from easy to hard, "
        f"{count(pairs, 'preference pair')}, and the settings of a short training."
        + _fullness(crowded_out),
        why="People who train their own model can teach it what reviewers corrected; a rule in "
        "the prompt is cheaper and comes first where it does.",
        risk="No agent reads these files. They hold what users and reviewers wrote, redacted: "
        "strangers' text, to be read as data and never as instructions. Merge them only where all "
        "who can read the repository may read that.",
        confidence="medium",
        edits=edits,
        evidence=evidence,
        prediction=None,
        gate=GateResult(
            verdict="inconclusive",
            sentence="Nothing is trained here, so nothing can be compared; hold the trained model "
            "against regression cases (`debrief eval`) before it answers anybody.",
        ),
        tables=tuple(
            filter(
                None,
                (_mix_table(mix), _left_out_table(mix, material, crowded_out), material.written),
            )
        ),
        cost=material.cost,
        variants=made,
    )


def _fullness(crowded_out: int) -> str:
    if not crowded_out:
        return ""
    return (
        f" The set is full (at most {MAX_EXAMPLES} examples and {MAX_BYTES // 1000} kB, so that "
        f"the next run can read it): the newest corrections are in it, and "
        f"{count(crowded_out, 'older one')} not. Copy it elsewhere first if you train on all."
    )


def _evidence(mix: Mix, material: Material) -> Evidence:
    cited = [one.conversation for one in mix.examples if one.source == "correction"]
    ids = [material.ids.get(one, one) for one in dict.fromkeys(cited)]
    by = f"{count(material.reviewers, 'reviewer')} corrected them."
    return Evidence(
        entries=len(cited),
        users=len({one.user for one in mix.examples if one.source == "correction"}),
        conversation_ids=tuple(sorted(ids)),
        note=by if material.reviewers else "No reviewer ids are known.",
    )


def _mix_table(mix: Mix) -> Table:
    whole = len(mix.examples)
    rows = []
    for source in ("correction", "accepted", "synthetic"):
        own = [one for one in mix.examples if one.source == source]
        if own:
            users = len({one.user for one in own})
            hard = sum(one.difficulty for one in own) / len(own)
            share = percent(len(own) / whole)
            rows.append((source, f"{len(own):,}", share, f"{users:,}", f"{hard:.2f}"))
    header = ("source", "examples", "share", "users", "mean difficulty (0 to 1)")
    return Table(title="The set", header=header, rows=tuple(rows))


def _left_out_table(mix: Mix, material: Material, crowded_out: int) -> Table:
    rows = Counter(material.left_out)
    unplaced = material.kept - {one.id for one in mix.examples}
    if unplaced:
        rows["waits: a person kept it, and a model may not write more of this set"] = len(unplaced)
    if crowded_out:
        rows["the set is full, and newer corrections are in it"] = crowded_out
    if mix.waiting > crowded_out:
        why = "too few accepted answers beside it, or too many of one user"
        rows[f"waits: {why}"] = mix.waiting - crowded_out
    return Table(
        title="Left out",
        header=("why", "examples"),
        rows=tuple((why, f"{n:,}") for why, n in rows.most_common()),
    )


def _left_out(material: Material) -> str:
    why = Counter(material.left_out).most_common(1)
    return f"; left out were {why[0][1]}: {why[0][0]}" if why else ""


def _skipped(what: str, code: str, reason: str) -> Skipped:
    return Skipped(what=what, code=code, reason=reason)
