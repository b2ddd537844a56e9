"""Which intent each conversation has: every one is read, by a small classifier on this machine.

Takes documents and a taxonomy, gives a `Label` per document; its intents are empty where nothing
fits. Learns from labelled examples, from the conversations that the taxonomy cites as exemplars,
and, for an intent that has neither among these documents, from its name and definition alone.

It abstains where it is unsure and where no intent that it knows fits. Numbers: bench/intents.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from bot.intents.classifier import (
    Classifier,
    Guesses,
    among_neighbours,
    classify,
    fit_classifier,
)
from bot.intents.embedding import (
    Embedder,
    ToolWeights,
    embed_documents,
    embed_texts,
    weigh_tools,
)
from bot.intents.text import Document
from bot.records import Intent, Label, Taxonomy

Intents: TypeAlias = tuple[tuple[str, float], ...]
"""Of one document: ids and probabilities, the first one by the whole of it."""

CHUNK = 2_000
"""Documents that are vectors at the same time: 100,000 of them would be 300 MB and more."""


def label(
    documents: Sequence[Document],
    taxonomy: Taxonomy,
    *,
    examples: Iterable[Label] = (),
    embed: Embedder = embed_texts,
    classifiers: Mapping[str, Classifier] | None = None,
) -> tuple[Label, ...]:
    """One label per document, in the same order: the intent of the whole.

    `examples` (labels of the model, of people, or of discovery) are learned from and given back
    as they are for the documents that they are about. Agents are taken one by one: an intent that
    was seen only with other agents is not offered. An agent's classifier in `classifiers` is taken
    where it knows all of the agent's intents and speaks of this embedding; else one learns here.
    """
    given = {(example.agent, example.conversation_id): example for example in examples}
    of_agent: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        of_agent[document.agent].append(document)
    agents = agents_of_intents(documents, taxonomy.intents, given.values())
    labels: dict[tuple[str, str], Label] = {}
    for agent, own in of_agent.items():
        intents = [
            intent
            for intent in offered(taxonomy.intents)
            if not agents[intent.id] or agent in agents[intent.id]
        ]
        stored = (classifiers or {}).get(agent)
        classifier = (
            stored
            if stored is not None and fits_taxonomy(stored, intents, embed)
            else learn(own, intents, examples=given.values(), embed=embed)
        )
        allowed = {intent.id for intent in intents}
        for document, found in zip(own, read(own, classifier, embed), strict=True):
            labels[agent, document.conversation_id] = Label(
                agent=agent,
                conversation_id=document.conversation_id,
                intents=tuple(one for one in found if one[0] in allowed),
                source="classifier",
                taxonomy_version=taxonomy.version,
            )
    labels |= {key: example for key, example in given.items() if key in labels}
    return tuple(labels[document.agent, document.conversation_id] for document in documents)


def offered(intents: Iterable[Intent]) -> list[Intent]:
    """The intents that conversations can have: active ones, and of a family only the children."""
    intents = list(intents)
    parents = {intent.parent for intent in intents if intent.status == "active"}
    return [one for one in intents if one.status == "active" and one.id not in parents]


def fits_taxonomy(classifier: Classifier, intents: Iterable[Intent], embed: Embedder) -> bool:
    """Whether the classifier knows all of `intents`, in the vectors of `embed`."""
    known = {intent.id for intent in intents} <= set(classifier.intent_ids)
    return known and classifier.embedding == embed.name


def learn(
    documents: Sequence[Document],
    intents: Sequence[Intent],
    *,
    examples: Iterable[Label] = (),
    embed: Embedder = embed_texts,
) -> Classifier:
    """A classifier of `intents`, from what is labelled or cited among one agent's documents.

    An intent of which there is neither is learned from its name, definition and tests.
    """
    members = _members(documents, intents, examples)
    taught = [(documents[row], intent_id) for intent_id, rows in members.items() for row in rows]
    wordless = [intent for intent in intents if not members[intent.id]]
    tools = weigh_tools(documents) if any(one.tools for one, _ in taught) else ToolWeights()
    seeds = embed([describe(intent) for intent in wordless])
    behind = np.zeros((len(seeds), len(tools.names)), dtype=np.float32)
    return fit_classifier(
        np.vstack(
            [
                embed_documents([document for document, _ in taught], embed, tools=tools),
                np.hstack([seeds, behind]),
            ]
        ),
        [*(intent_id for _, intent_id in taught), *(intent.id for intent in wordless)],
        embedding=embed.name,
        tools=tools,
    )


def read(
    documents: Sequence[Document], classifier: Classifier, embed: Embedder = embed_texts
) -> Iterator[Intents]:
    """The intent of each document with its probability; nothing where none is sure."""
    for start in range(0, len(documents), CHUNK):
        yield from decide(guess(documents[start : start + CHUNK], classifier, embed))


def guess(
    documents: Sequence[Document], classifier: Classifier, embed: Embedder = embed_texts
) -> Guesses:
    """What the classifier thinks of each document among the others, before it abstains.

    Some thousand documents at a time: each is compared with each.
    """
    vectors = embed_documents(documents, embed, tools=classifier.tools)
    return among_neighbours(classify(classifier, vectors), vectors)


def decide(guesses: Guesses) -> list[Intents]:
    """The intent of each row with its probability, or nothing where that is not sure enough."""
    if not guesses.intent_ids:
        return [()] * len(guesses.novelty)
    best = guesses.probabilities.argmax(axis=1)
    probability = guesses.probabilities.max(axis=1)
    sure = (probability >= guesses.sure_from) & (guesses.novelty < guesses.novel_from)
    return [
        ((guesses.intent_ids[column], round(float(value), 4)),) if is_sure else ()
        for column, value, is_sure in zip(best, probability, sure, strict=True)
    ]


def agents_of_intents(
    documents: Iterable[Document], intents: Iterable[Intent], examples: Iterable[Label] = ()
) -> dict[str, set[str]]:
    """The agents that each intent was seen with: by its exemplars and by labelled examples.

    Two agents may have intents of the same name; an intent with no agent here may be any agent's.
    """
    agent_of = {document.sha: document.agent for document in documents}
    agents: dict[str, set[str]] = defaultdict(set)
    for intent in intents:
        agents[intent.id].update(agent_of[sha] for sha in intent.exemplars if sha in agent_of)
    for example in examples:
        for intent_id, _ in example.intents:
            agents[intent_id].add(example.agent)
    return agents


def _members(
    documents: Sequence[Document], intents: Sequence[Intent], examples: Iterable[Label]
) -> dict[str, dict[int, None]]:
    """Rows of `documents` by intent: labelled by an example, or cited by the taxonomy."""
    row_of = {(one.agent, one.conversation_id): row for row, one in enumerate(documents)}
    row_of_hash = {one.sha: row for row, one in enumerate(documents)}
    members: dict[str, dict[int, None]] = {intent.id: {} for intent in intents}
    for example in examples:
        row = row_of.get((example.agent, example.conversation_id))
        for intent_id, _ in example.intents:
            if row is not None and intent_id in members:
                members[intent_id][row] = None
    for intent in intents:
        cited = (row_of_hash[sha] for sha in intent.exemplars if sha in row_of_hash)
        members[intent.id].update((row, None) for row in cited)
    return members


def describe(intent: Intent) -> str:
    """An intent in words, to be compared with what users say."""
    return ". ".join(part for part in (intent.name, intent.definition, *intent.include) if part)
