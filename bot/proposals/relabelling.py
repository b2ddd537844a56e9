"""What a change of the taxonomy does to labels: who moves where, and how much stays as it was.

Pure counting over the labels of the same conversations before and after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sklearn.metrics import cohen_kappa_score

from bot.records import Key, Label, short_hash

ANCHORS = 200
NONE = "no intent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Relabelling:
    """Every conversation that was read, labelled under the taxonomy before and after a change."""

    before: Mapping[Key, Label]
    """Empty where there was no taxonomy."""
    after: Mapping[Key, Label]
    now_called: Mapping[str, str]
    """Ids before to ids after: an intent that was merged is no disagreement."""
    units: Mapping[Key, str]
    """Who is counted: the user, else the conversation."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """New ids to the id of the intent that fell apart into them: to go there is no disagreement."""

    def ids_before(self, key: Key) -> frozenset[str]:
        return frozenset(self.now_called.get(one, one) for one in _ids(self.before.get(key)))

    def ids_after(self, key: Key) -> frozenset[str]:
        return frozenset(_ids(self.after.get(key)))

    def as_before(self, key: Key) -> frozenset[str]:
        """The ids after, with the whole in place of its parts."""
        return frozenset(self.parts.get(one, one) for one in _ids(self.after.get(key)))

    def moved(self) -> list[Key]:
        """Conversations whose intents are others than before."""
        return [key for key in self.after if self.ids_before(key) != self.ids_after(key)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How alike two labellings of the anchor set are, each intent on its own."""

    anchors: int
    """Conversations that had a label before, at most 200, the same ones from run to run."""
    kappa: float | None
    """Cohen's kappa, mean over the intents; None where nothing was labelled before."""
    by_intent: Mapping[str, float]


def agreement(labels: Relabelling) -> Agreement:
    """Cohen's kappa between the labels before and after, on the conversations labelled before."""
    told = sorted(
        (key for key in labels.before if labels.ids_before(key) and key in labels.after),
        key=lambda key: short_hash(*key, length=16),
    )[:ANCHORS]
    before = [labels.ids_before(key) for key in told]
    after = [labels.as_before(key) for key in told]
    kappas = {
        intent_id: _kappa([intent_id in one for one in before], [intent_id in one for one in after])
        for intent_id in sorted(frozenset().union(*before))
    }
    macro = sum(kappas.values()) / len(kappas) if kappas else None
    return Agreement(anchors=len(told), kappa=macro, by_intent=kappas)


def _kappa(one: Sequence[bool], other: Sequence[bool]) -> float:
    """1 where both say the same of all, also where only one class is there (0/0)."""
    return 1.0 if list(one) == list(other) else float(cohen_kappa_score(one, other))


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """Conversations that leave one intent for another; `NONE` stands for no intent."""

    source: str
    target: str
    n: int


def moves_between(labels: Relabelling) -> list[Move]:
    """Where conversations go whose intents change, the largest moves first."""
    moves: Counter[tuple[str, str]] = Counter()
    for key in labels.moved():
        left = labels.ids_before(key) - labels.ids_after(key)
        joined = labels.ids_after(key) - labels.ids_before(key)
        for source in sorted(left) or [NONE]:
            for target in sorted(joined) or [NONE]:
                moves[source, target] += 1
    return [
        Move(source=source, target=target, n=n)
        for (source, target), n in sorted(moves.items(), key=lambda one: (-one[1], one[0]))
    ]


def _ids(label: Label | None) -> list[str]:
    return [intent_id for intent_id, _ in label.intents] if label else []
