"""`debrief intents`: what users try to do. discover, list, assign, check, correct."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.commands.derived import discovered_before
from bot.commands.embedding import embedding_of
from bot.commands.follow import follow
from bot.commands.intent_list import agent_rows, intent_lines, intent_list, intent_rows
from bot.commands.learning import correct as write_correction
from bot.commands.learning import memory_of
from bot.commands.loading import (
    MARGIN,
    Workspace,
    model_of,
    open_workspace,
    store_of,
    understanding_of,
)
from bot.commands.shell import Shell
from bot.errors import SettingsError, UsageError
from bot.figures import count
from bot.gathering import reactions_of
from bot.intents import Document, check_taxonomy, read_taxonomy, to_document
from bot.intents.asking import KnownLabel
from bot.intents.taxonomy import PATH, now_called
from bot.labelling import label_conversations
from bot.proposals.relabelling import Relabelling, agreement, moves_between
from bot.records import Label, Taxonomy
from bot.understanding import Understanding
from collector.assemble import read_conversations, read_some
from collector.records import Conversation

NONE = ("none", "nothing")
"""What a person writes where no intent fits."""


def intents(shell: Shell, given: argparse.Namespace) -> int:
    """discover, list, assign, check or correct.

    Raises:
        UsageError: there is nothing to check or to correct, or an option goes with another action.
        SettingsError: the taxonomy is wrong; the message says where.
    """
    _refuse_strays(given)
    if given.action == "check":
        return _check(shell, given.repo, given.embedding)
    workspace = _with_embedding(open_workspace(given.repo), given.embedding)
    if given.action == "correct":
        return _correct(shell, workspace, given.words, agent=given.agent)
    if given.action == "discover":
        workspace = replace(workspace, taxonomy=None)
    if given.follow:
        return follow(shell, workspace, lasts=_span(shell, given.lasts))
    model = model_of(shell, workspace.settings)
    understood = understanding_of(shell, workspace, model=model)
    if given.action == "assign":
        return _show_labels(shell, understood)
    return _show_intents(shell, understood, quotes=workspace.settings.quotes)


def _with_embedding(workspace: Workspace, model: str | None) -> Workspace:
    """As the command line says instead of the settings; None where it says nothing."""
    if model is None:
        return workspace
    own = workspace.settings.intents.model_copy(update={"embedding": model})
    return replace(workspace, settings=workspace.settings.model_copy(update={"intents": own}))


def _refuse_strays(given: argparse.Namespace) -> None:
    if given.action == "check" and given.repo is None:
        raise UsageError("`debrief intents check` needs --repo: the taxonomy lives in a repository")
    if given.action != "correct" and (given.words or given.agent):
        raise UsageError(f"`debrief intents {given.action}` takes no conversation; `correct` does")
    if given.action != "assign" and (given.follow or given.lasts):
        raise UsageError("--follow and --for go with `debrief intents assign`")
    if given.lasts and not given.follow:
        raise UsageError("--for says how long to --follow; give both")


def _span(shell: Shell, text: str | None) -> timedelta | None:
    return None if text is None else shell.now - shell.since(text, option="--for")


# -- check ---------------------------------------------------------------------------------------


def _check(shell: Shell, repo: str, embedding: str | None) -> int:
    """The file as it lies in the folder, not yet committed, and what it would change."""
    path = Path(repo) / PATH
    if not path.exists():
        without = f"{PATH} does not exist; intents are discovered anew in each run."
        return _told(shell, {"path": PATH, "exists": False, "problems": []}, [without])
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: it is not UTF-8 ({error}); save it as UTF-8") from None
    document: dict[str, Any] = {"path": PATH, "exists": True, "problems": check_taxonomy(text)}
    if document["problems"]:
        lines = [f"{PATH}: {problem}" for problem in document["problems"]]
        return _told(shell, document, lines) or SettingsError.exit_code
    taxonomy = read_taxonomy(text)
    workspace = _with_embedding(open_workspace(repo), embedding)
    document["taxonomy_version"] = taxonomy.version
    document["would_change"] = change = _would_change(shell, workspace, taxonomy)
    return _told(shell, document, [f"{PATH} is right.", *_change_lines(change)])


def _told(shell: Shell, document: dict[str, Any], lines: list[str]) -> int:
    if shell.json:
        shell.emit(document)
    else:
        for line in lines:
            shell.say(line)
    return 0


def _would_change(shell: Shell, workspace: Workspace, taxonomy: Taxonomy) -> dict[str, Any]:
    """The labels by `taxonomy` beside those by the default branch's, on the same conversations."""
    store = store_of(shell, workspace.settings)
    memory = memory_of(store)
    with shell.working("labelling"):
        documents = list(_documents(shell, workspace))
        # A check writes nothing: no table is fitted for it.
        embed = embedding_of(store, workspace.settings.intents).kept()

        def labelled(by: Taxonomy) -> Mapping[tuple[str, str], Label]:
            found, _ = label_conversations(
                documents, by, memory, ask_many=None, tokens=0, now=shell.now, embed=embed
            )
            return found

        before = workspace.taxonomy or discovered_before(store)
        labels = Relabelling(
            before=labelled(before) if before else {},
            after=labelled(taxonomy),
            now_called=now_called(taxonomy),
            units={(one.agent, one.conversation_id): one.unit for one in documents},
        )
    counted = _counted(taxonomy, (labels.ids_after(key) for key in labels.after))
    counted_before = _counted(before, (labels.ids_before(key) for key in labels.before))
    kappa = agreement(labels)
    return {
        "compared_with": _origin(workspace, before),
        "conversations": len(labels.after),
        "moved": len(labels.moved()) if before else 0,
        "kappa": kappa.kappa,
        "anchors": kappa.anchors,
        "moves": [asdict(move) for move in moves_between(labels)] if before else [],
        "names": {
            intent.id: intent.name
            for one in (before, taxonomy)
            for intent in (one.intents if one else ())
        },
        "intents": [
            {
                "id": intent.id,
                "name": intent.name,
                "status": intent.status,
                "before": counted_before[intent.id],
                "after": counted[intent.id],
            }
            for intent in taxonomy.intents
        ],
    }


def _counted(taxonomy: Taxonomy | None, labels: Iterable[Collection[str]]) -> Counter[str]:
    """Conversations of each intent, with those of what is below it."""
    parents = {one.id: one.parent for one in taxonomy.intents} if taxonomy else {}

    def with_parents(intent_id: str | None) -> Iterator[str]:
        while intent_id is not None:
            yield intent_id
            intent_id = parents.get(intent_id)

    return Counter(one for ids in labels for one in {up for own in ids for up in with_parents(own)})


def _origin(workspace: Workspace, before: Taxonomy | None) -> str | None:
    """What was discovered is kept in a file like the repository's, and reads as one."""
    if before is None:
        return None
    return "discovered" if workspace.taxonomy is None else before.source


def _documents(shell: Shell, workspace: Workspace) -> Iterator[Document]:
    store, settings = store_of(shell, workspace.settings), workspace.settings
    received = shell.now - timedelta(days=settings.limits.window_days)
    for item in read_conversations(store, until=shell.now + MARGIN, received_since=received):
        if isinstance(item, Conversation):
            document = to_document(item, leave_out=reactions_of(item))
            if isinstance(document, Document):
                yield document


def _change_lines(change: dict[str, Any]) -> Iterator[str]:
    if not change["conversations"]:
        yield "There are no conversations in the store to try it on."
        return
    against = {
        "repository": "the default branch's taxonomy",
        "discovered": "the discovered intents",
        None: "",
    }[change["compared_with"]]
    for one in sorted(change["intents"], key=lambda one: -one["after"]):
        was = f" ({one['before']} now)" if against and one["before"] != one["after"] else ""
        yield f"{one['after']:6}  {one['id']}  {one['name']}{was}"
    if not against:
        return
    kappa = "" if change["kappa"] is None else f"; kappa {change['kappa']:.2f}"
    yield (
        f"Against {against}, {change['moved']} of "
        f"{count(change['conversations'], 'conversation')} change their intents{kappa}."
    )
    names = change["names"]
    for move in change["moves"][:10]:
        source, target = (
            f"{one} {names.get(one, '')}".rstrip() for one in (move["source"], move["target"])
        )
        yield f"{move['n']:6}  {source} -> {target}"
    if len(change["moves"]) > 10:
        yield f"        and {count(len(change['moves']) - 10, 'more move')}; --json has all."


# -- correct -------------------------------------------------------------------------------------


def _correct(shell: Shell, workspace: Workspace, words: list[str], *, agent: str | None) -> int:
    """A person says which intents one conversation has; that outranks every other word on it."""
    if len(words) < 2:
        raise UsageError(
            "say which conversation and which intents: debrief intents correct CONVERSATION_ID "
            "INTENT..., by id or name; `none` where no intent fits"
        )
    conversation_id, *named = words
    store = store_of(shell, workspace.settings)
    taxonomy = workspace.taxonomy or discovered_before(store)
    if taxonomy is None:
        raise UsageError("there are no intents yet; run `debrief intents discover` first")
    found = [one for one in read_some(store, [conversation_id]) if agent in (None, one.agent)]
    if len(found) != 1:
        names = ", ".join(one.agent for one in found)
        problem = f"several agents have it: {names}; pass --agent" if found else "there is none"
        raise UsageError(f"no single conversation {conversation_id!r}: {problem}")
    ids = tuple(dict.fromkeys(_intent_id(taxonomy, one) for one in named if one not in NONE))
    label = KnownLabel(
        agent=found[0].agent,
        conversation_id=conversation_id,
        intent_ids=ids,
        source="person",
        at=shell.now,
        content="",
        taxonomy_version=taxonomy.version,
    )
    write_correction(store, label)
    if shell.json:
        shell.emit({"conversation_id": conversation_id, "agent": label.agent, "intent_ids": ids})
    else:
        said = ", ".join(ids) or "no intent"
        shell.say(f"{conversation_id}: {said}. It counts from the next run on.")
    return 0


def _intent_id(taxonomy: Taxonomy, word: str) -> str:
    for intent in taxonomy.intents:
        if intent.status == "active" and word.casefold() in (intent.id, intent.name.casefold()):
            return intent.id
    raise UsageError(
        f"there is no active intent {word!r}; `debrief intents list` shows ids and names"
    )


# -- list and assign -----------------------------------------------------------------------------


def _show_intents(shell: Shell, understood: Understanding, *, quotes: bool) -> int:
    listed = intent_list(understood, quotes=quotes)
    if shell.json:
        document = {
            "taxonomy_version": understood.taxonomy.version,
            "agents": agent_rows(listed),
            "intents": intent_rows(listed, quotes=quotes),
            "left_out": [asdict(one) for one in understood.skipped],
        }
        return _told(shell, document, [])
    for line in intent_lines(listed):
        shell.say(line)
    _tell_left_out(shell, understood)
    return 0


def _tell_left_out(shell: Shell, understood: Understanding) -> None:
    """What was not done, and why: the budget, what the model refused, what came without text."""
    for one in understood.skipped:
        shell.say(f"Left out: {one.what}: {one.reason}")


def _show_labels(shell: Shell, understood: Understanding) -> int:
    labels = [
        {
            "conversation_id": label.conversation_id,
            "agent": label.agent,
            "intent_ids": [intent_id for intent_id, _ in label.intents],
            "intents": [
                {"id": intent_id, "confidence": confidence}
                for intent_id, confidence in label.intents
            ],
            "confidence": max((confidence for _, confidence in label.intents), default=0.0),
            "source": label.source,
        }
        for label in understood.labels.values()
    ]
    trainings = [asdict(one) for one in understood.learning.trainings]
    if shell.json:
        version = understood.taxonomy.version
        left_out = [asdict(one) for one in understood.skipped]
        shell.emit(
            {
                "taxonomy_version": version,
                "labels": labels,
                "trainings": trainings,
                "left_out": left_out,
            }
        )
        return 0
    for training in understood.learning.trainings:
        shell.say(f"{training.agent}: {training.sentence}")
    told = sum(1 for label in labels if label["intent_ids"])
    shell.say(f"{told} of {len(labels)} conversations have an intent; --json gives each.")
    _tell_left_out(shell, understood)
    return 0
