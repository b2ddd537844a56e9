"""The model looks over new groups: it says which are one and which are two, and we try that out.

Takes what discovery found, gives it with those changes that proved right, each by itself, on
conversations that the model was not shown before. It reads them with nothing but the definitions:
groups that it tells apart stay two, and a group becomes two only where it tells the parts apart.
What is not clear stays as it was, as in most small groups. Groups are merged whole and split by
nearness to examples; the model decides nobody's membership. Costs one call, one for each new name,
and three for each group that a change touches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np

from bot.intents.describing import Description, describe_group
from bot.intents.discover import Discovery
from bot.intents.embedding import (
    Embedder,
    Matrix,
    embed_documents,
    embed_texts,
    normalise,
    weigh_tools,
)
from bot.intents.groups import EXEMPLARS
from bot.intents.label import label
from bot.intents.naming import proper_nouns
from bot.intents.reading import intent_lines, read_labels
from bot.intents.taxonomy import taxonomy_version
from bot.intents.text import Document
from bot.intents.told_apart import Check, judge_change
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
CHECKED_EACH = 24
"""Conversations of each group that a change is tried on. Less than ten prove nothing by the
intervals below, and a group with so few stays."""
CHECKED_GROUPS = 8
"""That changes are tried on, in the order in which the model names them."""
MAX_WISHES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class _List:
    """The new intents of one agent, and which of its documents each has."""

    intents: Mapping[str, Intent]
    rows: Mapping[str, list[int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Change:
    kind: Literal["merge", "split"]
    origin: str
    """The group whose id stays."""
    rows: Mapping[str, list[int]]
    """Of the groups that become one, or of the parts that one becomes; the most typical first."""


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
    A change that did not prove right is `Skipped` with the code no_gain.
    """
    old = {intent.id for intent in known.intents} if known else set()
    of_agent: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        of_agent[document.agent].append(document)
    counted, checks = _Counted(ask=ask), list[Check]()
    for agent, own in sorted(of_agent.items()):
        before = _list_of(own, found, old)
        if len(before.rows) < 2:
            continue
        trial = _Trial(
            agent=agent,
            documents=own,
            ask=counted,
            vectors=embed_documents(own, embed, tools=weigh_tools(own)),
            is_enough=_enough(own, min_users, min_conversations),
            taken=frozenset(intent.name for intent in found.taxonomy.intents),
        )
        result = trial.run(before)
        if isinstance(result, Skipped):
            found = replace(found, skipped=(*found.skipped, result))
            continue
        after, tried = result
        checks += tried
        told = [
            Skipped(what=f"intents of {agent}", code="no_gain", reason=check.sentence)
            for check in tried
            if not check.kept
        ]
        found = replace(found, skipped=(*found.skipped, *told))
        if any(check.kept for check in tried):
            found = _with(documents, own, found, before, after, embed)
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
    vectors: Matrix
    is_enough: Callable[[Sequence[int]], bool]
    taken: frozenset[str]

    @property
    def what(self) -> str:
        return f"a second look at the intents of {self.agent}"

    def run(self, before: _List) -> tuple[_List, tuple[Check, ...]] | Skipped:
        ordered = {one: _typical_first(rows, self.vectors) for one, rows in before.rows.items()}
        before = replace(before, rows=ordered)
        largest = sorted(ordered, key=lambda one: (-len(ordered[one]), one))[:SHOWN_GROUPS]
        shown = {one: _spread(ordered[one], SHOWN_EXAMPLES) for one in largest}
        reply = self.ask(render_prompt("intents/revise", groups=self._shown(before, shown)))
        if isinstance(reply, Skipped):
            return replace(reply, what=self.what)
        merges, splits = read_changes(cast("dict[str, Any]", reply.data), shown)
        changes, parts = self._changes(before, merges, splits)
        if not changes:
            return Skipped(
                what=self.what,
                code="healthy",
                reason="The model sees no groups that are one, and none that is two large ones.",
            )
        seen = {row for rows in shown.values() for row in rows}
        checks = self._checked(changes, {**before.intents, **parts}, seen)
        if isinstance(checks, Skipped):
            return checks
        kept = [one for one, check in zip(changes, checks, strict=True) if check.kept]
        return self._with(before, kept, parts), checks

    def _shown(self, before: _List, shown: Mapping[str, Sequence[int]]) -> str:
        blocks = []
        for intent_id, rows in shown.items():
            intent = before.intents[intent_id]
            said = (" / ".join(self.documents[row].text.splitlines()) for row in rows)
            examples = (f"  [{n}] {text[:SHOWN_CHARS]}" for n, text in enumerate(said, start=1))
            blocks.append("\n".join([intent_lines(intent), *examples]))
        return "\n".join(blocks)

    def _changes(
        self,
        before: _List,
        merges: Sequence[Sequence[str]],
        splits: Mapping[str, Sequence[Sequence[int]]],
    ) -> tuple[list[_Change], dict[str, Intent]]:
        """What is tried, and the parts of splits with a name: one without ends its split."""
        changes, parts, room = list[_Change](), dict[str, Intent](), CHECKED_GROUPS
        for group in merges:
            rows = {one: before.rows[one] for one in group}
            first = max(group, key=lambda one: (len(rows[one]), one))
            if (room := room - len(group)) >= 0:
                changes.append(_Change(kind="merge", origin=first, rows=rows))
        for one, seeds in splits.items():
            divided = _parts(before.rows[one], seeds, self.vectors)
            divided.sort(key=lambda part: -len(part))
            if not all(self.is_enough(part) for part in divided) or len(divided) > room:
                continue
            room -= len(divided)
            own = {_part_id(one, n): part for n, part in enumerate(divided)}
            taken = {*self.taken, *(intent.name for intent in parts.values())}
            named = dict[str, Intent]()
            for part_id, part in own.items():
                intent = self._named(before, before.intents[one], part, [one], taken)
                if intent is None:
                    break
                named[part_id] = replace(intent, id=part_id)
                taken.add(intent.name)
            else:
                parts |= named
                changes.append(_Change(kind="split", origin=one, rows=own))
        return changes, parts

    def _named(
        self,
        before: _List,
        intent: Intent,
        rows: Sequence[int],
        of: Collection[str],
        taken: Collection[str],
    ) -> Intent | None:
        """`intent` with a name for `rows`, which are from the groups `of`; None without one."""
        others = [before.rows[one][0] for one in before.rows if one not in of]
        # The names of what it is made of are free again.
        result, _ = describe_group(
            [self.documents[row] for row in rows],
            [self.documents[row] for row in others],
            called=intent.name,
            taken=set(taken) - {before.intents[one].name for one in of},
            proper=proper_nouns(document.text for document in self.documents),
            ask=self.ask,
        )
        if not isinstance(result, Description):
            return None
        return replace(
            intent,
            name=result.name,
            definition=result.definition,
            include=result.include,
            exclude=result.exclude,
            exemplars=tuple(self.documents[row].sha for row in _spread(rows, EXEMPLARS)),
        )

    def _checked(
        self, changes: Sequence[_Change], intents: Mapping[str, Intent], seen: Collection[int]
    ) -> tuple[Check, ...] | Skipped:
        """The model reads fresh conversations of each group by the definitions alone."""
        fresh = {
            group: [row for row in sorted(rows) if row not in seen][:CHECKED_EACH]
            for change in changes
            for group, rows in change.rows.items()
        }
        sample = [self.documents[row] for rows in fresh.values() for row in rows]
        offered = tuple(intents.values())
        taxonomy = Taxonomy(intents=offered, version=taxonomy_version(offered), source="discovered")
        reading = read_labels(sample, taxonomy, ask_many=self.ask.many)
        if gone := [skip for skip in reading.skipped if skip.code != "unproven"]:
            return replace(gone[0], what=self.what)
        said = {one.document.sha: "".join(one.intent_ids[:1]) for one in reading.labels}
        answers = {
            group: [said.get(self.documents[row].sha, "") for row in rows]
            for group, rows in fresh.items()
        }
        return tuple(
            judge_change(change.kind, {group: answers[group] for group in change.rows}, self.agent)
            for change in changes
        )

    def _with(self, before: _List, kept: Sequence[_Change], parts: Mapping[str, Intent]) -> _List:
        rows, intents = dict(before.rows), dict(before.intents)
        taken = {*self.taken, *(intent.name for intent in parts.values())}
        for change in kept:
            if change.kind == "split":
                rows |= change.rows
                intents |= {one: parts[one] for one in change.rows}
                continue
            for one in change.rows:
                del rows[one], intents[one]
            own = [row for part in change.rows.values() for row in part]
            rows[change.origin] = own = _typical_first(own, self.vectors)
            was = before.intents[change.origin]
            intent = self._named(before, was, own, tuple(change.rows), taken) or was
            intents[change.origin] = intent
            taken.add(intent.name)
        return _List(intents=intents, rows=rows)


def _part_id(origin: str, number: int) -> str:
    """The largest part keeps the id."""
    return origin if number == 0 else f"i-{short_hash(origin, str(number), length=6)}"


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
