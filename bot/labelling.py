"""Every conversation gets its label, and the classifier learns from what people and the model say.

Joins what the intent stage can do: takes documents, the repository's taxonomy and what earlier
cycles learned (`Memory`); gives labels and what to keep (`Learning`), which the shell writes down.
Costs, with a model, a bounded share of reading every conversation with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from bot.intents import Document, label
from bot.intents.asking import KnownLabel, ask_about
from bot.intents.embedding import Embedder, Matrix, embed_documents, embed_texts, weigh_tools
from bot.intents.examples import ANSWERS, Example, ExampleSource, Learned, with_examples
from bot.intents.label import CHUNK, describe, offered
from bot.intents.reading import AskMany, content_hash
from bot.intents.taxonomy import now_called
from bot.intents.training import Training, train, why_train
from bot.intents.wishes import Wishes, learn_further, with_further_intents
from bot.records import Key, Label, Skipped, Taxonomy, short_hash


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedLabel:
    """What an earlier run's classifier said, and of what."""

    label: Label
    content: str
    versions: str
    """`Learning.versions` of that run: another taxonomy or classifier, another label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """What earlier cycles learned; empty in the first one."""

    learned: Mapping[str, Learned] = field(default_factory=dict)
    """By agent."""
    known: tuple[KnownLabel, ...] = ()
    """One per conversation, the latest; people's before the model's."""
    cached: Mapping[Key, CachedLabel] = field(default_factory=dict)
    wishes: Mapping[str, Wishes | None] = field(default_factory=dict)
    """By agent, where they are not learned from the documents at hand: those may be few."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Learning:
    """What this cycle learned, for the shell to keep."""

    learned: Mapping[str, Learned] = field(default_factory=dict)
    trainings: tuple[Training, ...] = ()
    read: tuple[KnownLabel, ...] = ()
    """What the model said just now."""
    contents: Mapping[Key, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    """By agent: taxonomy and classifier by which its conversations were labelled."""
    skipped: tuple[Skipped, ...] = ()


def label_conversations(
    documents: Sequence[Document],
    taxonomy: Taxonomy,
    memory: Memory,
    *,
    ask_many: AskMany | None,
    tokens: int,
    now: datetime,
    embed: Embedder = embed_texts,
    may_train: bool = True,
) -> tuple[dict[Key, Label], Learning]:
    """Label every document by the repository's `taxonomy`, and learn from what is known.

    People's word comes first, then what the model read, then the classifier. `tokens` is what
    reading all these conversations with the model would take: of it a twentieth may be spent, and
    `reading.FIRST_TOKENS` in any case, on what has no intent and on the first proof of each intent.
    """
    contents = {_key(one): content_hash(one) for one in documents}
    given = _given(taxonomy, memory.known, contents)
    learned, trainings = dict(memory.learned), list[Training]()
    if may_train:
        learned, trainings = _learn(documents, taxonomy, memory, given, embed, now)
    classifiers = {agent: one.classifier for agent, one in learned.items() if one.classifier}
    versions = {
        agent: short_hash(taxonomy.version, embed.name, str(one.trained_at))
        for agent, one in learned.items()
        if one.classifier
    }
    cached = {
        key: memory.cached[key].label
        for key, content in contents.items()
        if key in memory.cached
        and memory.cached[key].content == content
        and memory.cached[key].versions == versions.get(key[0])
    }
    labels = dict(cached)
    for agent in sorted({one.agent for one in documents}):
        fresh = [one for one in documents if one.agent == agent and _key(one) not in cached]
        found = label(
            fresh,
            _of_agent(agent, taxonomy, learned),
            examples=given.values(),
            embed=embed,
            classifiers=classifiers,
        )
        labels |= {_key(one): own for one, own in zip(fresh, found, strict=True)}
    labels |= given
    wishes = memory.wishes or learn_further(documents, labels, embed)
    fresh = [one for one in documents if _key(one) not in cached and _key(one) not in given]
    labels |= with_further_intents(fresh, labels, wishes, taxonomy.intents, embed)
    read, skipped = ask_about(
        documents,
        labels,
        taxonomy,
        known=memory.known,
        contents=contents,
        tokens=tokens,
        ask_many=ask_many,
        now=now,
    )
    labels |= {(one.agent, one.conversation_id): _as_label(one, taxonomy) for one in read}
    return labels, Learning(
        learned=learned,
        trainings=tuple(trainings),
        read=tuple(read),
        contents=contents,
        versions=versions,
        skipped=skipped,
    )


def label_again(
    documents: Sequence[Document],
    taxonomy: Taxonomy,
    memory: Memory,
    *,
    now: datetime,
    embed: Embedder = embed_texts,
) -> dict[Key, Label]:
    """The labels that a run under another `taxonomy` would give, where no model reads any."""
    labels, _ = label_conversations(
        documents, taxonomy, memory, ask_many=None, tokens=0, now=now, embed=embed
    )
    return labels


def _of_agent(agent: str, taxonomy: Taxonomy, learned: Mapping[str, Learned]) -> Taxonomy:
    """The taxonomy as far as it is about `agent`: what only others were seen with is not offered,
    nor what the agent's classifier was not taught (a training that was turned down)."""
    kept = [one for one in taxonomy.intents if _is_offered(agent, one.id, learned)]
    own = learned.get(agent)
    if own is not None and own.classifier is not None:
        taught = set(own.classifier.intent_ids)
        parents = {intent.parent for intent in kept}
        kept = [one for one in kept if one.id in taught or one.id in parents]
    return replace(taxonomy, intents=tuple(kept))


def _is_offered(agent: str, intent_id: str, learned: Mapping[str, Learned]) -> bool:
    """True for what this agent was seen with, and for what nobody was."""
    seen = {
        name
        for name, one in learned.items()
        for example in one.examples
        if intent_id in example.intent_ids and example.source != "definition"
    }
    return not seen or agent in seen


def corrected(labels: Iterable[Label], taxonomy: Taxonomy, memory: Memory) -> dict[Key, Label]:
    """Labels by conversation, with people's word in place of ours."""
    found = {(one.agent, one.conversation_id): one for one in labels}
    people = [one for one in memory.known if one.source == "person"]
    return found | _given(taxonomy, people, dict.fromkeys(found, ""))


def _given(
    taxonomy: Taxonomy,
    known: Sequence[KnownLabel],
    contents: Mapping[Key, str],
) -> dict[Key, Label]:
    """What people and the model said of these conversations, in today's ids.

    The model's word holds for what it read: a conversation that went on is read anew, and so is one
    that fitted none of the intents of another file.
    """
    current = now_called(taxonomy)
    labels: dict[Key, Label] = {}
    for one in known:
        key = (one.agent, one.conversation_id)
        ids = tuple(dict.fromkeys(current[i] for i in one.intent_ids if i in current))
        is_persons = one.source == "person"
        holds = is_persons or one.content == contents.get(key)
        none_fits = not one.intent_ids and (is_persons or one.taxonomy_version == taxonomy.version)
        if key in contents and holds and (ids or none_fits):
            labels[key] = _as_label(replace(one, intent_ids=ids), taxonomy)
    return labels


def _as_label(one: KnownLabel, taxonomy: Taxonomy) -> Label:
    return Label(
        agent=one.agent,
        conversation_id=one.conversation_id,
        intents=tuple((intent_id, 1.0) for intent_id in one.intent_ids),
        source=one.source,
        taxonomy_version=taxonomy.version,
    )


def _learn(
    documents: Sequence[Document],
    taxonomy: Taxonomy,
    memory: Memory,
    given: Mapping[Key, Label],
    embed: Embedder,
    now: datetime,
) -> tuple[dict[str, Learned], list[Training]]:
    """Each agent's classifier, trained anew where there is a reason to."""
    of_agent: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        of_agent[document.agent].append(document)
    learned = dict(memory.learned)
    for agent, own in sorted(of_agent.items()):
        learned[agent] = _with_seen(own, learned.get(agent), taxonomy, given, embed, now)
    trainings: list[Training] = []
    for agent, own in sorted(of_agent.items()):
        now_known = _with_definitions(agent, taxonomy, learned, embed, now)
        unsure = sum(_was_unsure(memory, _key(one)) for one in own)
        reason = why_train(now_known, taxonomy, unsure=unsure, read=len(own))
        if reason is not None:
            now_known, report = train(
                agent,
                now_known,
                taxonomy,
                reason=reason,
                embedding=embed.name,
                unsure_rate=unsure / len(own),
                now=now,
                unanswered=_unanswered(own, now_known, embed),
            )
            trainings.append(report)
        learned[agent] = now_known
    return learned, trainings


def _with_seen(
    documents: Sequence[Document],
    before: Learned | None,
    taxonomy: Taxonomy,
    given: Mapping[Key, Label],
    embed: Embedder,
    now: datetime,
) -> Learned:
    """What one agent learned before, with the labelled and cited ones among its `documents`."""
    cites = {sha: intent.id for intent in taxonomy.intents for sha in intent.exemplars}
    found = [(one, told) for one in documents if (told := _example(one, given, cites, now))]
    if before is None or _speaks_otherwise(before, embed):
        before = Learned(tools=weigh_tools(documents))
    vectors = embed_documents([one for one, _ in found], embed, tools=before.tools)
    return with_examples(before, [told for _, told in found], vectors, taxonomy)


def _speaks_otherwise(before: Learned, embed: Embedder) -> bool:
    """Vectors of another embedding cannot be compared: what was learned in them is learned anew."""
    if before.classifier is not None:
        return before.classifier.embedding != embed.name
    width = embed(()).shape[1] + len(before.tools.names)
    return before.vectors is not None and before.vectors.shape[1] != width


def _unanswered(documents: Sequence[Document], learned: Learned, embed: Embedder) -> Matrix | None:
    """Vectors of conversations that are no examples; None where there are no answers to prove."""
    if not any(one.source in ANSWERS for one in learned.examples):
        return None
    known = {one.sha for one in learned.examples}
    others = sorted((one for one in documents if one.sha not in known), key=lambda one: one.sha)
    return embed_documents(others[:CHUNK], embed, tools=learned.tools)


def _with_definitions(
    agent: str, taxonomy: Taxonomy, learned: Mapping[str, Learned], embed: Embedder, now: datetime
) -> Learned:
    """With its own words for each intent that the taxonomy cites no conversation of."""
    own = learned[agent]
    cited = (one for one in own.examples if one.source == "exemplar")
    seen = {intent_id for one in cited for intent_id in one.intent_ids}
    wordless = [
        intent
        for intent in offered(taxonomy.intents)
        if intent.id not in seen and _is_offered(agent, intent.id, learned)
    ]
    examples = [
        Example(sha=intent.id, intent_ids=(intent.id,), source="definition", at=now)
        for intent in wordless
    ]
    texts = embed([describe(intent) for intent in wordless])
    behind = np.zeros((len(texts), len(own.tools.names)), dtype=np.float32)
    return with_examples(own, examples, np.hstack([texts, behind]), taxonomy)


def _was_unsure(memory: Memory, key: Key) -> bool:
    """Had no intent the last time; False where it was not labelled yet."""
    cached = memory.cached.get(key)
    return cached is not None and not cached.label.intents


def _example(
    document: Document, given: Mapping[Key, Label], cites: Mapping[str, str], now: datetime
) -> Example | None:
    told = given.get(_key(document))
    if told is not None and told.source in ("person", "model"):
        ids = tuple(intent_id for intent_id, _ in told.intents)
        source: ExampleSource = "person" if told.source == "person" else "model"
        return Example(sha=document.sha, intent_ids=ids, source=source, at=now)
    if document.sha not in cites:
        return None
    return Example(sha=document.sha, intent_ids=(cites[document.sha],), source="exemplar", at=now)


def _key(document: Document) -> Key:
    return document.agent, document.conversation_id
