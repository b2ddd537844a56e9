"""What became of earlier proposals decides which of the next ones come first.

Takes what the target remembers; gives candidates in a new order, and what reviewers' own edits say
of how Debrief writes. Nothing is stored: it is counted from the history each time, so it is the
same for everybody who reads the same repository. Refuses nothing; costs nothing.

Each way of helping (a kind of change for a root cause) has a Beta posterior of being of use. What
counts is a bound that it exceeds with 80 % probability, as a ratio to the bound of a way that was
never tried. So one lucky merge moves little, and a way that nobody tried is neither good nor bad.
What is known is told with its interval, and where nothing is known, that is said.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import cast, get_args

from scipy.stats import beta

from bot.edit_types import edit_types
from bot.figures import count, percent, rate
from bot.proposals.text_checks import words
from bot.records import (
    RETIREMENT,
    ROLLBACK,
    UNMEASURED,
    Interval,
    PastProposal,
    Pattern,
    Proposal,
    ProposalKind,
    ReviewerEdit,
    RootCause,
    Table,
)

PRIOR = 3.0
"""Successes, and as many failures, that every way of helping begins with."""
BOUND = 0.2
"""Quantile of the posterior that a way is ranked by."""
BORROWED = 0.25
"""What a result of the same kind for another root cause counts."""
LEAST, MOST = 0.5, 2.0
"""How far the past may move a priority: what fails users most still comes first."""
LEVEL = 0.8
"""Of the interval that is told: it ends where the ranking looks, and as far above."""
SHOWN_WAYS = 3
ALIKE = 3
"""Reviewers' edits of one type, in as many proposals, that become a rule for Debrief itself."""
WRITTEN_BY_THE_MODEL = ("prompt", "harness")
_EDITED_SHARE = 0.5
"""What a success counts that a person had to mend first."""

_OWN_RULES = {
    "shortened": "say it in fewer words",
    "lengthened": "say more than the bare rule",
    "tone_less_formal": "write less formally",
    "tone_more_formal": "write more formally",
    "list_removed": "write no lists",
    "list_added": "write a list of points",
    "emphasis_removed": "use no bold text or headings for emphasis",
    "emphasis_added": "set off what matters as the file does",
    "hedging_removed": "leave out perhaps, might and the like",
    "hedging_added": "leave room where the rule has exceptions",
    "opening_removed": "leave out the words that lead up to the rule",
    "opening_shortened": "come to the rule sooner",
    "opening_added": "say when the rule holds before what it asks for",
    "closing_removed": "stop behind the rule itself",
    "closing_added": "end with what to do when the rule cannot be kept",
    "closing_shortened": "end sooner",
    "term_replaced": "use the words that the file uses already",
    "facts_removed": "name no numbers",
    "reordered": "put the sentences in another order: the condition first",
}
"""What follows for our own writing from one type of edit: our sentences, whatever people wrote."""
_OPPOSITES = (("removed", "added"), ("shortened", "lengthened"), ("less_formal", "more_formal"))


NOTHING_KNOWN = Interval(low=0.0, high=1.0, level=LEVEL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What became of one way of helping: a kind of change for a root cause."""

    kind: ProposalKind
    root_cause: str
    worked: int = 0
    failed: int = 0
    """No effect, harm, or taken back by people."""
    rejected: int = 0
    waiting: int = 0
    """Merged, and no verdict says yet what it did."""
    edited: int = 0
    """Merged only after a person had changed it."""
    expected: float = 0.5
    """Mean of the posterior that such a change is of use, 0..1."""
    interval: Interval = NOTHING_KNOWN
    factor: float = 1.0
    """`LEAST` … `MOST`; 1 where nothing is known."""

    @property
    def decided(self) -> int:
        """Proposals that people or a verdict decided about."""
        return self.worked + self.failed + self.rejected + self.waiting


def standing_of(
    kind: ProposalKind, root_cause: RootCause, past: Iterable[PastProposal]
) -> Standing:
    """Counts of this way of helping, and what they do to a priority."""
    successes, failures = PRIOR, PRIOR
    counts: dict[str, int] = defaultdict(int)
    for one in past:
        if one.kind != kind or not (result := _result(one)):
            continue
        name, success, failure = result
        is_same = _cause(one) == root_cause
        share = 1.0 if is_same else BORROWED
        successes += share * success
        failures += share * failure
        if is_same:
            counts[name] += 1
            counts["edited"] += one.state == "merged" and bool(one.reviewer_edits)
    known = float(beta.ppf(BOUND, successes, failures))
    factor = known / float(beta.ppf(BOUND, PRIOR, PRIOR))
    low, high = (float(bound) for bound in beta.interval(LEVEL, successes, failures))
    return Standing(
        kind=kind,
        root_cause=root_cause,
        expected=successes / (successes + failures),
        interval=Interval(low=low, high=high, level=LEVEL),
        factor=min(MOST, max(LEAST, factor)),
        **counts,
    )


def _cause(one: PastProposal) -> RootCause:
    """People can edit a body, so a cause that is none of ours is unknown."""
    named = one.marker.get("root_cause")
    return cast(RootCause, named) if named in get_args(RootCause) else "unknown"


def _result(one: PastProposal) -> tuple[str, float, float] | None:
    """(name, successes, failures) of one past proposal; None while nobody decided.

    What takes a change of ours back is no try to help. A merge says that a person wanted it, which
    is half of what a verdict says. Harm counts twice. A "later" is about the time and not about
    the change.
    """
    if one.remedy.startswith((ROLLBACK, RETIREMENT)):
        return None
    if one.reverted or (one.state == "merged" and one.verdict == "no_effect"):
        return "failed", 0.0, 1.0
    if one.state == "merged" and one.verdict == "harmed":
        return "failed", 0.0, 2.0
    share = _EDITED_SHARE if one.reviewer_edits else 1.0
    if one.state == "merged" and one.verdict == "worked":
        return "worked", share, 0.0
    if one.state == "merged":
        return "waiting", 0.5 * share, 0.0
    if one.state == "rejected" and one.rejection != "later":
        return "rejected", 0.0, 1.0
    return None


def with_learning(proposals: Iterable[Proposal], past: Sequence[PastProposal]) -> list[Proposal]:
    """The proposals with priorities moved by what became of their like, and a table of that.

    What a model wrote was written by the rules of `own_rules`; the proposal says so.
    """
    rules = tuple(own_rules(past))
    told = [
        replace(one, learned=rules) if one.kind in WRITTEN_BY_THE_MODEL and one.cost.calls else one
        for one in proposals
    ]
    return [_learned(one, standing_of(one.kind, one.root_cause, past)) for one in told]


def _learned(proposal: Proposal, standing: Standing) -> Proposal:
    if proposal.remedy.startswith((RETIREMENT, ROLLBACK)):
        return proposal
    tables = (*proposal.tables, _table(standing)) if standing.decided else proposal.tables
    return replace(proposal, priority=proposal.priority * standing.factor, tables=tables)


def known_ways(past: Sequence[PastProposal]) -> list[Standing]:
    """Every way of helping that people or a verdict decided about, the most tried first."""
    tried = {
        (one.kind, _cause(one)) for one in past if not one.remedy.startswith((RETIREMENT, ROLLBACK))
    }
    found = [standing_of(kind, cause, past) for kind, cause in sorted(tried)]
    return sorted(
        (one for one in found if one.decided),
        key=lambda one: (-one.decided, one.kind, one.root_cause),
    )


def learning_sentence(past: Sequence[PastProposal]) -> str:
    """What the past says of the next changes, and what reviewers taught; honest where it is little.

    Ours: names of kinds and causes, and numbers.
    """
    ways = known_ways(past)
    if not ways:
        return (
            "Nothing is known yet of what helps here: no proposal was merged or rejected so far, "
            "so the evidence alone ranks them."
        )
    told = [f"{_helped(one)}, ranked {_moved(one.factor)}" for one in ways[:SHOWN_WAYS]]
    more = f"; {count(len(ways) - SHOWN_WAYS, 'more way')}" if len(ways) > SHOWN_WAYS else ""
    decided = count(sum(one.decided for one in ways), "decided proposal")
    rules = own_rules(past)
    wrote = f" Reviewers' edits taught {count(len(rules), 'writing rule')}." if rules else ""
    has_rates = any(one.kind not in UNMEASURED for one in ways[:SHOWN_WAYS])
    intervals = f" ({percent(LEVEL)} intervals)" if has_rates else ""
    return f"Learned from {decided}: {'; '.join(told)}{more}{intervals}.{wrote}"


def _helped(way: Standing) -> str:
    if way.kind in UNMEASURED:
        merged = way.decided - way.rejected
        return f"of {count(way.decided, f'{way.kind} change')} people merged {merged}"
    cause = _words(way.root_cause)
    return f"{way.kind} changes (cause: {cause}) help in {rate(way.expected, way.interval)}"


def _table(standing: Standing) -> Table:
    waiting = "merged" if standing.kind in UNMEASURED else "merged, no verdict yet"
    counted = (
        ("worked", standing.worked),
        ("had no effect, did harm or was taken back", standing.failed),
        (waiting, standing.waiting),
        ("changed by a reviewer before the merge", standing.edited),
        ("rejected", standing.rejected),
    )
    helps = f"{rate(standing.expected, standing.interval)}, {percent(LEVEL)} interval"
    rows = [(name, str(number)) for name, number in counted if number]
    title = f"Earlier {standing.kind} proposals"
    if standing.kind not in UNMEASURED:
        title += f" for the root cause {_words(standing.root_cause)}"
        rows.append((f"so such a change helps in ({percent(0.5)} before any was tried)", helps))
    return Table(
        title=title,
        header=("what became of them", "proposals"),
        rows=(*rows, ("so this one is ranked", _moved(standing.factor))),
    )


def _moved(factor: float) -> str:
    """`12 % higher` than by its evidence alone."""
    if percent(factor - 1).startswith("0"):
        return "as by its evidence alone"
    return f"{percent(abs(factor - 1))} {'higher' if factor > 1 else 'lower'}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def ranked_patterns(
    patterns: Sequence[Pattern], kind: ProposalKind, past: Sequence[PastProposal]
) -> list[Pattern]:
    """The patterns that may be read with the model, those where `kind` helped before first.

    Equal ones stay in their order.
    """
    return sorted(
        patterns, key=lambda one: -one.priority * standing_of(kind, one.root_cause, past).factor
    )


# -- corrections of Debrief itself ----------------------------------------------------------------


def own_rules(past: Iterable[PastProposal]) -> list[str]:
    """Rules for Debrief's own writing in this repository, as sentences for the next writer."""
    return list(taught(past).values())


def taught(past: Iterable[PastProposal]) -> dict[str, str]:
    """Type of edit to a rule for Debrief's own writing, from what reviewers did to its texts.

    A type of edit counts once in a proposal and needs `ALIKE` proposals, and fewer in which people
    did the opposite. The sentences are ours: no word of a reviewer is in them.
    """
    seen: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for one in past:
        found: dict[str, tuple[int, int]] = {}
        for edit in one.reviewer_edits:
            original, corrected = _changed_words(edit)
            if original and corrected:
                sizes = len(words(original)), len(words(corrected))
                found |= dict.fromkeys(edit_types(original, corrected), sizes)
        for type, sizes in found.items():
            seen[type].append(sizes)
    return {
        type: _own_rule(type, sizes)
        for type, sizes in sorted(seen.items())
        if type in _OWN_RULES
        and len(sizes) >= ALIKE
        and len(sizes) > len(seen.get(_opposite(type), ()))
    }


def _own_rule(type: str, sizes: Sequence[tuple[int, int]]) -> str:
    before, after = (round(median(pair[at] for pair in sizes)) for at in (0, 1))
    lengths = (
        f" (usually {after} words where {before} were proposed)" if type == "shortened" else ""
    )
    return (
        f"Reviewers of this repository changed {count(len(sizes), 'proposal')} in the same way: "
        f"{_OWN_RULES[type]}{lengths}."
    )


def _opposite(type: str) -> str:
    for one, other in _OPPOSITES:
        for this, that in ((one, other), (other, one)):
            if type.endswith(this):
                return type.removesuffix(this) + that
    return ""


def _changed_words(edit: ReviewerEdit) -> tuple[str, str]:
    """The lines that the reviewer touched, as we had proposed them and as he left them."""
    old, new = edit.proposed.splitlines(), edit.edited.splitlines()
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    runs = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    return (
        "\n".join(line for _, low, high, _, _ in runs for line in old[low:high]),
        "\n".join(line for _, _, _, low, high in runs for line in new[low:high]),
    )
