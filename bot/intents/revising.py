"""The model looks over new groups: it says which are one and which are two, and we try that out.

Takes what discovery found, gives it changed or as it was: the better of the two by a check on
conversations that the model was not shown before. It reads them with nothing but the definitions,
once by each list of intents, and the list counts whose intents its answers tell more about. Groups
are merged whole and split by nearness to examples; the model decides nobody's membership. Costs one
call, one per changed group, and two for each eight conversations of the check.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from sklearn.metrics import mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

from bot.figures import count
from bot.intents.describing import Description, describe_group
from bot.intents.discover import EXEMPLARS, Discovery
from bot.intents.embedding import (
    Embedder,
    Matrix,
    embed_documents,
    embed_texts,
    normalise,
    weigh_tools,
)
from bot.intents.label import label
from bot.intents.naming import proper_nouns
from bot.intents.reading import intent_lines, read_labels
from bot.intents.taxonomy import taxonomy_version
from bot.intents.text import Document
from bot.records import (
    Ask,
    Intent,
    ModelCost,
    RenderedPrompt,
    Reply,
    Skipped,
    Taxonomy,
    short_hash,
)
from bot.rendering import render_prompt

SHOWN_EXAMPLES = 6
SHOWN_CHARS = 200
"""Of one example."""
SHOWN_GROUPS = 60
"""Of one agent, the largest first."""
CHECKED = 48
"""Conversations that the two lists are compared on, as many of each group as of the others."""
MIN_GAIN_BITS = 0.02
"""A list that tells no more than this is not worth the change."""
MAX_WISHES = 3

NOTHING = "nothing fits"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """How the two lists of one agent's intents compare."""

    agent: str
    bits_before: float
    """What the model's answers tell about the intents, beyond chance."""
    bits_after: float
    conversations: int
    merged: int
    split: int
    kept: bool
    """The changed list is the better one."""

    @property
    def sentence(self) -> str:
        """Of numbers of ours; nothing that the model wrote."""
        tried = f"merging {count(self.merged, 'group')} and splitting {self.split:,}"
        verdict = "is kept" if self.kept else "gains nothing and is dropped"
        return (
            f"What the model proposed ({tried}) {verdict}: its answers to "
            f"{count(self.conversations, 'conversation')} tell {self.bits_after:.2f} bits about "
            f"the intents, {self.bits_before:.2f} before."
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _List:
    """The new intents of one agent, and which of its documents each has."""

    intents: Mapping[str, Intent]
    rows: Mapping[str, list[int]]


@dataclass(kw_only=True, slots=True)
class _Counted:
    """An `Ask` that adds up what it cost."""

    ask: Ask
    cost: ModelCost = ModelCost()  # noqa: RUF009 -- frozen

    def __call__(self, prompt: RenderedPrompt) -> Reply | Skipped:
        reply = self.ask(prompt)
        if isinstance(reply, Reply):
            self.cost += reply.cost
        return reply

    def many(self, asked: Sequence[RenderedPrompt]) -> list[Reply | Skipped]:
        return [self(prompt) for prompt in asked]


def revise(
    documents: Sequence[Document],
    found: Discovery,
    *,
    ask: Ask,
    known: Taxonomy | None = None,
    embed: Embedder = embed_texts,
    min_users: int = 5,
    min_conversations: int = 8,
) -> tuple[Discovery, tuple[Check, ...]]:
    """Try the model's changes of the groups that `found` has and `known` has not.

    Ids stay: a merged group has that of its largest part, and the largest part of a split one too.
    A change that did not prove better is `Skipped` with the code no_gain.
    """
    old = {intent.id for intent in known.intents} if known else set()
    of_agent: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        of_agent[document.agent].append(document)
    counted, checks = _Counted(ask=ask), list[Check]()
    taken = {intent.name for intent in found.taxonomy.intents}
    for agent, own in sorted(of_agent.items()):
        before = _list_of(own, found, old)
        if len(before.rows) < 2:
            continue
        trial = _Trial(
            agent=agent,
            documents=own,
            ask=counted,
            embed=embed,
            is_enough=_enough(own, min_users, min_conversations),
            taken=frozenset(taken),
        )
        result = trial.run(before)
        if isinstance(result, Skipped):
            found = replace(found, skipped=(*found.skipped, result))
            continue
        after, check = result
        checks.append(check)
        if check.kept:
            found = _with(documents, own, found, before, after, embed)
        else:
            told = Skipped(what=f"intents of {agent}", code="no_gain", reason=check.sentence)
            found = replace(found, skipped=(*found.skipped, told))
    return replace(found, cost=found.cost + counted.cost), tuple(checks)


def _list_of(documents: Sequence[Document], found: Discovery, old: Collection[str]) -> _List:
    """The intents of one agent that were found just now, with the members of their clusters."""
    labels = {(one.agent, one.conversation_id): one for one in found.labels}
    rows: dict[str, list[int]] = defaultdict(list)
    for row, document in enumerate(documents):
        one = labels[document.agent, document.conversation_id]
        if one.source == "cluster" and one.intents and one.intents[0][0] not in old:
            rows[one.intents[0][0]].append(row)
    intents = {intent.id: intent for intent in found.taxonomy.intents if intent.id in rows}
    return _List(intents=intents, rows=rows)


def _enough(
    documents: Sequence[Document], min_users: int, min_conversations: int
) -> Callable[[Sequence[int]], bool]:
    def is_enough(rows: Sequence[int]) -> bool:
        users = {documents[row].unit for row in rows}
        return len(rows) >= min_conversations and len(users) >= min_users

    return is_enough


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trial:
    """One agent's groups, looked over once."""

    agent: str
    documents: Sequence[Document]
    ask: _Counted
    embed: Embedder
    is_enough: Callable[[Sequence[int]], bool]
    taken: frozenset[str]

    def run(self, before: _List) -> tuple[_List, Check] | Skipped:
        vectors = embed_documents(self.documents, self.embed, tools=weigh_tools(self.documents))
        ordered = {one: _typical_first(rows, vectors) for one, rows in before.rows.items()}
        largest = sorted(ordered, key=lambda one: (-len(ordered[one]), one))[:SHOWN_GROUPS]
        shown = {one: _spread(ordered[one], SHOWN_EXAMPLES) for one in largest}
        reply = self.ask(render_prompt("intents/revise", groups=self._shown(before, shown)))
        if isinstance(reply, Skipped):
            return replace(reply, what=f"a second look at the intents of {self.agent}")
        merges, splits = read_changes(cast("dict[str, Any]", reply.data), shown)
        changed = self._changed(ordered, vectors, merges, splits)
        if not changed:
            return Skipped(
                what=f"a second look at the intents of {self.agent}",
                code="healthy",
                reason="The model sees no group that should be merged or split.",
            )
        after = self._named(before, ordered, changed)
        return self._checked(before, after, shown, len(merges), len(splits))

    def _shown(self, before: _List, shown: Mapping[str, Sequence[int]]) -> str:
        blocks = []
        for intent_id, rows in shown.items():
            intent = before.intents[intent_id]
            said = (" / ".join(self.documents[row].text.splitlines()) for row in rows)
            examples = (f"  [{n}] {text[:SHOWN_CHARS]}" for n, text in enumerate(said, start=1))
            blocks.append("\n".join([intent_lines(intent), *examples]))
        return "\n".join(blocks)

    def _changed(
        self,
        ordered: Mapping[str, list[int]],
        vectors: Matrix,
        merges: Sequence[Sequence[str]],
        splits: Mapping[str, Sequence[Sequence[int]]],
    ) -> dict[str, tuple[str, list[int]]]:
        """New groups: key to the id of what each was, the largest, and its rows."""
        changed: dict[str, tuple[str, list[int]]] = {}
        for group in merges:
            first = max(group, key=lambda one: (len(ordered[one]), one))
            rows = [row for one in group for row in ordered[one]]
            changed |= {one: (first, []) for one in group}
            changed[first] = (first, _typical_first(rows, vectors))
        for one, seeds in splits.items():
            parts = _parts(ordered[one], seeds, vectors)
            if all(self.is_enough(part) for part in parts):
                parts.sort(key=lambda part: -len(part))
                changed |= {
                    one if number == 0 else f"{one}-{number}": (one, part)
                    for number, part in enumerate(parts)
                }
        return changed

    def _named(
        self,
        before: _List,
        ordered: Mapping[str, list[int]],
        changed: Mapping[str, tuple[str, list[int]]],
    ) -> _List:
        """The changed list with a name for each changed group; a nameless part ends its split."""
        rows = {one: ordered[one] for one in ordered if one not in changed}
        intents = {one: before.intents[one] for one in rows}
        proper = proper_nouns(document.text for document in self.documents)
        taken = set(self.taken)
        for key, (origin, own) in changed.items():
            if not own:
                continue
            # The names of what is merged here are free again.
            members = set(own)
            taken -= {
                before.intents[one].name for one, had in ordered.items() if members & set(had)
            }
            others = [row for one in ordered.values() for row in one[:1] if row not in members]
            result, _ = describe_group(
                [self.documents[row] for row in own],
                [self.documents[row] for row in others],
                called=before.intents[origin].name,
                taken=taken,
                proper=proper,
                ask=self.ask,
            )
            intent = before.intents[origin]
            new_id = intent.id if key == origin else f"i-{short_hash(intent.id, key, length=6)}"
            if isinstance(result, Description):
                intent = replace(
                    intent,
                    name=result.name,
                    definition=result.definition,
                    include=result.include,
                    exclude=result.exclude,
                )
            elif key != origin:
                rows[origin] = [*rows.get(origin, ()), *own]
                continue
            taken.add(intent.name)
            exemplars = tuple(self.documents[row].sha for row in _spread(own, EXEMPLARS))
            intents[new_id] = replace(intent, id=new_id, exemplars=exemplars)
            rows[new_id] = own
        return _List(intents=intents, rows=rows)

    def _checked(
        self, before: _List, after: _List, shown: Mapping[str, list[int]], merged: int, split: int
    ) -> tuple[_List, Check] | Skipped:
        """Which list the model's own answers, from definitions alone, tell more about."""
        seen = {row for rows in shown.values() for row in rows}
        each = max(1, CHECKED // len(before.rows))
        fresh = [
            row
            for one in sorted(before.rows)
            for row in [row for row in sorted(before.rows[one]) if row not in seen][:each]
        ]
        bits = []
        for one in (before, after):
            told = self._bits(one, fresh)
            if isinstance(told, Skipped):
                return told
            bits.append(told)
        check = Check(
            agent=self.agent,
            bits_before=bits[0],
            bits_after=bits[1],
            conversations=len(fresh),
            merged=merged,
            split=split,
            kept=bits[1] >= bits[0] + MIN_GAIN_BITS,
        )
        return after, check

    def _bits(self, one: _List, rows: Sequence[int]) -> float | Skipped:
        intents = tuple(one.intents.values())
        taxonomy = Taxonomy(intents=intents, version=taxonomy_version(intents), source="discovered")
        sample = [self.documents[row] for row in rows]
        reading = read_labels(sample, taxonomy, ask_many=self.ask.many)
        out_of_budget = [skip for skip in reading.skipped if skip.code not in ("unproven",)]
        if out_of_budget:
            return replace(out_of_budget[0], what=f"a second look at the intents of {self.agent}")
        said = {label.document.sha: label.intent_ids[:1] for label in reading.labels}
        group_of = {row: group for group, members in one.rows.items() for row in members}
        truth = [group_of[row] for row in rows]
        answers = ["".join(said.get(document.sha, ())) or NOTHING for document in sample]
        return information_bits(truth, answers)


def read_changes(
    data: Mapping[str, Any], shown: Mapping[str, Sequence[int]]
) -> tuple[list[list[str]], dict[str, list[list[int]]]]:
    """Merges as ids, splits as rows of examples: those of known groups, each in one change only."""
    used: set[str] = set()
    merges = []
    for group in data["merge"]:
        ids = list(dict.fromkeys(one for one in group if one in shown))
        if len(ids) > 1 and not used & set(ids):
            used |= set(ids)
            merges.append(ids)
    splits: dict[str, list[list[int]]] = {}
    for one in data["split"]:
        rows = shown.get(one["group"], ())
        numbers = [number for wish in one["wishes"] for number in wish]
        wishes = [[rows[n - 1] for n in wish if 0 < n <= len(rows)] for wish in one["wishes"]]
        is_clear = len(numbers) == len(set(numbers)) and min(map(len, wishes), default=0) > 1
        if is_clear and 1 < len(wishes) <= MAX_WISHES and one["group"] not in used:
            used.add(one["group"])
            splits[one["group"]] = wishes
    return merges, splits


def information_bits(one: Sequence[str], other: Sequence[str]) -> float:
    """Mutual information in bits, less what chance would give; 0 for lists that tell nothing.

    Not divided by entropy: two intents that can be told apart are worth more than one, and two that
    cannot are worth no more (Vinh, Epps and Bailey 2010, "Information theoretic measures for
    clusterings comparison", whose expectation this takes off).
    """
    table = contingency_matrix(one, other, sparse=True)
    expected = expected_mutual_information(table, len(one))
    found = mutual_info_score(None, None, contingency=table)
    return float((found - expected) / math.log(2))


def _typical_first(rows: Sequence[int], vectors: Matrix) -> list[int]:
    own = vectors[list(rows)]
    likeness = own @ normalise(own.mean(axis=0, keepdims=True))[0]
    return [rows[int(at)] for at in np.argsort(-likeness, kind="stable")]


def _spread(rows: Sequence[int], at_most: int) -> list[int]:
    """From the first to the last: the most typical alone would hide that a group is two."""
    picked = np.unique(np.linspace(0, len(rows) - 1, min(at_most, len(rows))).astype(int))
    return [rows[int(at)] for at in picked]


def _parts(rows: Sequence[int], seeds: Sequence[Sequence[int]], vectors: Matrix) -> list[list[int]]:
    """Each row with the wish whose examples it is most like."""
    means = normalise(np.array([vectors[list(one)].mean(axis=0) for one in seeds]))
    nearest = (vectors[list(rows)] @ means.T).argmax(axis=1)
    return [
        [row for row, at in zip(rows, nearest, strict=True) if at == n] for n in range(len(seeds))
    ]


def _with(
    documents: Sequence[Document],
    own: Sequence[Document],
    found: Discovery,
    before: _List,
    after: _List,
    embed: Embedder,
) -> Discovery:
    """The discovery with one agent's changed list, and labels by it."""
    others = [one for one in found.taxonomy.intents if one.id not in before.intents]
    intents = (*others, *after.intents.values())
    version = taxonomy_version(intents)
    taxonomy = Taxonomy(intents=intents, version=version, source="discovered")
    group_of = {own[row].sha: group for group, rows in after.rows.items() for row in rows}
    labels = {(one.agent, one.conversation_id): one for one in found.labels}
    keys = [(one.agent, one.conversation_id) for one in own]
    for key, document in zip(keys, own, strict=True):
        if document.sha in group_of:
            labels[key] = replace(labels[key], intents=((group_of[document.sha], 1.0),))
    shas = {document.sha for document in own}
    offered = tuple(one for one in intents if not shas.isdisjoint(one.exemplars))
    members = [
        labels[key] for key, document in zip(keys, own, strict=True) if document.sha in group_of
    ]
    read = label(own, replace(taxonomy, intents=offered), examples=members, embed=embed)
    for key, one in zip(keys, read, strict=True):
        had = {intent_id for intent_id, _ in labels[key].intents}
        if not had or had & before.intents.keys():
            labels[key] = one
    return replace(
        found,
        taxonomy=taxonomy,
        labels=tuple(
            replace(labels[one.agent, one.conversation_id], taxonomy_version=version)
            for one in documents
        ),
    )
