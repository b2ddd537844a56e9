"""Reads what the stages take: the store, the repository, the settings, the model."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.batches import asking_in_batches
from bot.commands.derived import discovered_before, keep, recalling, remembering
from bot.commands.embedding import embedding_of
from bot.commands.learning import keep_learning, memory_of
from bot.commands.shell import DEFAULT_STORE, Shell
from bot.commands.standing import keep_standing, stood_before
from bot.git import read_file_history, read_repository
from bot.intents import read_taxonomy
from bot.intents.reading import AskMany
from bot.intents.taxonomy import PATH as TAXONOMY_PATH
from bot.intents.taxonomy import removed_since
from bot.patterns import gone_since
from bot.pipeline import FEEDBACK_EVENTS, understand
from bot.records import Ask, FileHistory, Key, Repository, Skipped, Taxonomy
from bot.settings import PATH, Settings, load_settings
from bot.understanding import Understanding
from bot.watched import wanted_files
from collector.assemble import (
    read_conversations,
    read_events,
    read_some,
    read_user_events,
)
from collector.assemble.reading import LONGEST_CONVERSATION
from collector.records import Conversation
from collector.store import Store, open_store

if TYPE_CHECKING:
    from bot.model import Model

MARGIN = timedelta(days=1)
"""What happened in the last hours of a window may be told by events that came a little later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """What a repository says about Debrief at one commit."""

    settings: Settings = field(default_factory=Settings)
    settings_text: str | None = None
    taxonomy: Taxonomy | None = None
    taxonomy_text: str | None = None
    repo: str | None = None


def open_workspace(repo: str | None) -> Workspace:
    """Read the repository's default branch; without one, everything is at its default.

    Raises:
        RepositoryError: not a git repository, or it has no commit.
        SettingsError: the settings or the taxonomy are wrong.
    """
    return Workspace() if repo is None else open_repository(repo)[0]


def open_repository(repo: str) -> tuple[Workspace, Repository]:
    """As `open_workspace`, with the repository's files."""
    repository = read_repository(Path(repo), must_be_text=(PATH, TAXONOMY_PATH))
    file = repository.files.get(PATH)
    text = file.text if file else None
    taxonomy = repository.files.get(TAXONOMY_PATH)
    workspace = Workspace(
        settings=load_settings(text),
        settings_text=text,
        taxonomy=_taxonomy(repo, taxonomy.text) if taxonomy else None,
        taxonomy_text=taxonomy.text if taxonomy else None,
        repo=repo,
    )
    return workspace, repository


def _taxonomy(repo: str, text: str) -> Taxonomy:
    """The file's intents, and those that people took out of it."""
    history = read_file_history(Path(repo), lambda path: path == TAXONOMY_PATH)
    taxonomy = read_taxonomy(text)
    return replace(taxonomy, removed=removed_since(history.texts.values(), taxonomy))


def empty_store(shell: Shell, settings: Settings) -> Skipped:
    """What a run says that found nothing to read."""
    return Skipped(
        what=store_path(shell, settings),
        code="empty_store",
        reason="There are no conversations in this store; send some to `debrief collect`, read "
        "files with `debrief import`, or name another one with --store.",
    )


def store_of(shell: Shell, settings: Settings | None = None) -> Store:
    """The store, for reading; one that does not exist is empty."""
    return open_store(store_path(shell, settings or Settings()), create=False)


def store_path(shell: Shell, settings: Settings) -> str:
    """The command line and the environment come first, then the settings, then the default."""
    return shell.store or settings.store or DEFAULT_STORE


def model_of(shell: Shell, settings: Settings, *, estimate: bool = False) -> Model | None:
    """The model within its budget, or None without a key. An estimate asks nothing."""
    if shell.secrets.anthropic_api_key is None:
        return None
    # Imported here: the client takes two seconds to load, and a run without a key needs none.
    from bot.model import Estimator, Model

    chosen = settings.model
    kind = Estimator if estimate else Model
    return kind(
        api_key=shell.secrets.anthropic_api_key,
        base_url=shell.secrets.anthropic_base_url,
        budget_usd=chosen.budget_usd,
        reader=chosen.reader,
        writer=chosen.writer,
        judge=chosen.judge,
        prices_usd=chosen.prices,
    )


def ask_of(model: Model | None, store: Store, settings: Settings) -> Ask | None:
    """The model's `ask`, which pays for the same question once; None without a model."""
    if model is None:
        return None
    chosen = settings.model
    return remembering(model.ask, store, (chosen.reader, chosen.writer, chosen.judge))


def recall_of(store: Store, settings: Settings) -> Ask:
    """What earlier runs were answered; needs no key."""
    chosen = settings.model
    return recalling(store, (chosen.reader, chosen.writer, chosen.judge))


def ask_many_of(model: Model | None, store: Store, settings: Settings) -> AskMany | None:
    """Many questions at once: in a batch where the settings want it, else one by one."""
    from_one = ask_of(model, store, settings)
    if model is None or from_one is None:
        return None
    chosen = settings.model
    if chosen.batch and not model.is_estimate:
        return asking_in_batches(model, store, (chosen.reader, chosen.writer, chosen.judge))
    return lambda prompts: [from_one(prompt) for prompt in prompts]


def understanding_of(
    shell: Shell, workspace: Workspace, *, model: Model | None, since: datetime | None = None
) -> Understanding:
    """Read the store once and understand it. `since` widens the window that is read.

    What was received in the window is read, whenever it happened: who imports last year's
    conversations wants to see them. Each agent's own window is set where patterns are found.
    """
    settings = workspace.settings
    store, until = store_of(shell, settings), shell.now + MARGIN
    window = shell.now - timedelta(days=settings.limits.window_days)
    received = min(window, since) if since else window
    told = received - LONGEST_CONVERSATION  # What is told of the conversations that are read.
    known = discovered_before(store)
    with shell.working("reading conversations"):
        understood = understand(
            read_conversations(store, until=until, received_since=received),
            read_user_events(store, until=until, received_since=told),
            read_events(store, FEEDBACK_EVENTS, until=until, received_since=told),
            taxonomy=workspace.taxonomy,
            known=known,
            settings=settings,
            ask=ask_of(model, store, settings),
            now=shell.now,
            memory=memory_of(store, discovered=workspace.taxonomy is None),
            ask_many=ask_many_of(model, store, settings),
            history=_history(workspace),
            embedding=embedding_of(store, settings.intents),
            conversations_of=lambda keys: conversations_by_key(store, keys),
        )
    keep(
        store,
        understood.taxonomy,
        understood.labels,
        discovered=workspace.taxonomy is None,
        learning=understood.learning,
    )
    keep_learning(store, understood.learning, now=shell.now)
    before = stood_before(store)
    keep_standing(store, understood.report, before, now=shell.now)
    return replace(understood, report=gone_since(understood.report, before, now=shell.now))


def _history(workspace: Workspace) -> FileHistory | None:
    """The watched files through time; None without a repository."""
    if workspace.repo is None:
        return None
    return read_file_history(Path(workspace.repo), wanted_files(workspace.settings))


def conversations_by_key(store: Store, keys: Collection[Key]) -> dict[Key, Conversation]:
    """Read these conversations again, whole, and nothing else."""
    found = read_some(store, {conversation_id for _, conversation_id in keys}) if keys else ()
    by_key = {(item.agent, item.conversation_id): item for item in found}
    return {key: by_key[key] for key in keys if key in by_key}
