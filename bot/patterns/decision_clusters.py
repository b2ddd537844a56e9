"""Dismissed or escalated decisions that are alike: by their features, or by the rules that fired.

Counted are distinct inputs. Escalations need fewer and less alike ones: a missed case costs more
than a false alarm. A cluster is a finding that says where to look; no rate is claimed for it, since
it was chosen by the responses. Rules are tested, each against the agent's other decisions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.stats import binomtest, rankdata

from bot.figures import count, percent, rate
from bot.records import Decision, Finding, in_time
from bot.statistics import failure_rate, q_values, two_rates_p_value

MOST = 1_500
"""Decisions that are compared with each other, the newest."""
SHOWN_FEATURES = 3
Q = 0.05
MIN_OF_A_RULE = 5
UNUSUAL = 0.001
"""Chance of so many such responses among decisions like these at the rate of all. Far under 5 %,
because the cluster was drawn around them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kind:
    response: str
    did: str
    size: int
    similarity: float


_KINDS = (
    _Kind(response="dismiss", did="dismissed", size=5, similarity=0.8),
    _Kind(response="escalate", did="escalated", size=3, similarity=0.7),
)


def decision_clusters(agent: str, answered: Sequence[Decision]) -> Iterator[Finding]:
    """Findings of one agent's answered decisions, the largest cluster of each kind first."""
    distinct = list({input_of(one): one for one in sorted(answered, key=in_time)}.values())
    by_rules = [one for one in distinct if one.rules]
    by_features = [one for one in distinct if one.features and not one.rules]
    for kind in _KINDS:
        yield from _alike(agent, kind, by_features)
        yield from _rules(agent, kind, by_rules)


def input_of(decision: Decision) -> str:
    """What was decided on: the same input twice is one piece of evidence."""
    if decision.input_hash is not None:
        return decision.input_hash
    if decision.features:
        return repr(sorted(decision.features.items()))
    return decision.conversation_id or decision.id


# -- features -------------------------------------------------------------------------------------


def _alike(agent: str, kind: _Kind, decisions: Sequence[Decision]) -> Iterator[Finding]:
    chosen = [at for at, one in enumerate(decisions) if one.response == kind.response][-MOST:]
    if len(chosen) < kind.size:
        return
    names = sorted({name for one in decisions for name in one.features})
    places = _places(decisions, names)
    # Complete linkage: every pair of a cluster is at least so alike.
    steps = linkage(places[chosen], method="complete", metric="cityblock")
    found = fcluster(steps, t=(1 - kind.similarity) * len(names), criterion="distance")
    sizes = np.bincount(found)
    for number in np.argsort(-sizes, kind="stable")[:3]:
        members = [chosen[at] for at in np.flatnonzero(found == number)]
        if len(members) < kind.size:
            return
        inside = _near(places, members)
        share = len([at for at in inside if decisions[at].response == kind.response])
        # Where as many of all respond so, or nearly, the likeness says nothing.
        usual = sum(one.response == kind.response for one in decisions) / len(decisions)
        if binomtest(share, len(inside), usual, alternative="greater").pvalue > UNUSUAL:
            continue
        where = _ranges([decisions[at] for at in members], names, places, members)
        yield Finding(
            kind=f"{kind.response}_cluster",
            agent=agent,
            sentence=f"{count(len(members), 'decision')} that people {kind.did} are alike "
            f"(similarity {kind.similarity:g} or more, distinct inputs): {where}; of "
            f"{count(len(inside), 'answered decision')} like these {share} were {kind.did}.",
            evidence=tuple(decisions[at].id for at in members),
        )


def _places(decisions: Sequence[Decision], names: Sequence[str]) -> npt.NDArray[np.float64]:
    """Each feature as its place 0..1 among all decisions, so that units and outliers say nothing;
    what is missing stands in the middle. Similarity is 1 less the mean difference of places."""
    columns = []
    for name in names:
        values = np.array([one.features.get(name, np.nan) for one in decisions], dtype=np.float64)
        column = np.full(len(values), 0.5)
        known = ~np.isnan(values)
        if known.sum() > 1:
            column[known] = (rankdata(values[known]) - 1) / (known.sum() - 1)
        columns.append(column)
    return np.column_stack(columns)


def _near(places: npt.NDArray[np.float64], members: Sequence[int]) -> list[int]:
    """All that are as close to the most typical member as the furthest member is. A box around the
    members would fit them too well: with six features it holds hardly anything else."""
    own = places[members]
    distances = np.abs(own[:, None, :] - own[None, :, :]).sum(axis=2)
    typical = int(distances.sum(axis=1).argmin())
    near = np.abs(places - own[typical]).sum(axis=1) <= distances[typical].max() + 1e-12
    return [int(at) for at in np.flatnonzero(near)]


def _ranges(
    decisions: Sequence[Decision],
    names: Sequence[str],
    places: npt.NDArray[np.float64],
    members: Sequence[int],
) -> str:
    """The features that the members share most closely, with their ranges."""
    widths = np.ptp(places[members], axis=0)
    told = []
    for at in np.argsort(widths, kind="stable")[:SHOWN_FEATURES]:
        name = names[int(at)]
        values = [one.features[name] for one in decisions if name in one.features]
        if values:
            told.append(f"{name[:40]} {_span(min(values), max(values))}")
    return ", ".join(told)


def _span(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


# -- rules ----------------------------------------------------------------------------------------


def _rules(agent: str, kind: _Kind, decisions: Sequence[Decision]) -> Iterator[Finding]:
    """Rules after which people respond so more often than after the agent's others."""
    by_rule: dict[str, list[Decision]] = {}
    for one in decisions:
        for rule in dict.fromkeys(one.rules):
            by_rule.setdefault(rule, []).append(one)
    tested: list[tuple[str, list[Decision], Mapping[str, float], float]] = []
    for rule, own in sorted(by_rule.items()):
        others = [one for one in decisions if rule not in one.rules]
        if min(len(own), len(others)) < MIN_OF_A_RULE:
            continue
        inside = failure_rate(sum(one.response == kind.response for one in own), len(own))
        outside = failure_rate(sum(one.response == kind.response for one in others), len(others))
        worse = {"rate": inside.rate, "others": outside.rate}
        tested.append((rule, own, worse, two_rates_p_value(inside, outside)))
    q = q_values([p for *_, p in tested])
    for (rule, own, rates, _), value in zip(tested, q, strict=True):
        responded = [one for one in own if one.response == kind.response]
        if value > Q or rates["rate"] <= rates["others"] or len(responded) < kind.size:
            continue
        share = failure_rate(len(responded), len(own))
        yield Finding(
            kind=f"{kind.response}_rule",
            agent=agent,
            sentence=f"After rule {rule[:60]} people {kind.did} {len(responded)} of "
            f"{count(len(own), 'answered decision')}, {rate(share.rate, share.interval)}; after "
            f"the others {percent(rates['others'])}.",
            evidence=tuple(one.id for one in responded),
        )
