"""`debrief intents assign --follow`: labels conversations soon after they end, until stopped.

Reads only what is new: which conversations got a row since the last look, and those whole, once
they have been quiet for a while. It never trains and asks no model; the daily run does. Stopped or
killed at any moment, the next start labels what is missing.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.commands.derived import keep
from bot.commands.embedding import Embedding, embedding_of
from bot.commands.learning import memory_of
from bot.commands.loading import Workspace, store_of, understanding_of
from bot.commands.shell import Shell
from bot.figures import count
from bot.gathering import reactions_of
from bot.intents import Document, to_document
from bot.intents.wishes import learn_further
from bot.labelling import Memory, label_conversations
from bot.records import Taxonomy
from bot.understanding import Understanding
from collector.assemble import read_conversations, read_some
from collector.records import Conversation
from collector.store import Store
from collector.times import to_ns

POLL_S = 5.0
QUIET_S = 20.0
"""A conversation that got nothing for so long has ended, as far as labels are concerned; one that
goes on later is labelled anew."""
LATE = timedelta(seconds=60)
"""Rows become visible a little after the time at which they were received."""


@dataclass
class _Watch:
    """Which conversations got something, and when; times are nanoseconds of receipt."""

    since_ns: int
    open: dict[str, int] = field(default_factory=dict)
    """Conversation id to the newest row."""
    done: dict[str, int] = field(default_factory=dict)
    """As labelled; pruned when it is older than what is looked at again."""
    loose_ns: int | None = None
    """The oldest row that names no conversation and waits."""
    newest_loose_ns: int = 0
    files: frozenset[str] = frozenset()

    def look(self, store: Store, now: datetime) -> None:
        """Take in what was received since the last look; nothing is read where no file is new."""
        begin = datetime.fromtimestamp(self.since_ns / 1e9, UTC) - LATE
        files = frozenset(one.name for one in store.files.list("spans") if one.day >= begin.date())
        if files <= self.files:
            return
        columns = ["conversation_id", "received_ns"]
        for row in store.scan("spans", since=begin, columns=columns).to_pylist():
            self._take(row["conversation_id"], row["received_ns"])
        self.files, self.since_ns = files, to_ns(now)
        floor = to_ns(begin - LATE)
        self.done = {name: at for name, at in self.done.items() if at >= floor}

    def _take(self, conversation_id: str | None, received_ns: int) -> None:
        if conversation_id is not None:
            if received_ns > self.done.get(conversation_id, 0):
                newest = max(received_ns, self.open.get(conversation_id, 0))
                self.open[conversation_id] = newest
        elif received_ns > self.newest_loose_ns:
            self.loose_ns = min(received_ns, self.loose_ns or received_ns)

    def quiet(self, now: datetime) -> set[str]:
        """Conversations that ended, and are open no longer."""
        limit = to_ns(now) - int(QUIET_S * 1e9)
        found = {name: at for name, at in self.open.items() if at <= limit}
        self.done |= found
        self.open = {name: at for name, at in self.open.items() if name not in found}
        return set(found)

    def quiet_loose(self, now: datetime) -> datetime | None:
        """Since when rows without a conversation's id wait, once the oldest has waited enough."""
        if self.loose_ns is None or self.loose_ns > to_ns(now) - int(QUIET_S * 1e9):
            return None
        since, self.newest_loose_ns = self.loose_ns, self.loose_ns
        self.loose_ns = None
        return datetime.fromtimestamp(since / 1e9, UTC)


def follow(
    shell: Shell,
    workspace: Workspace,
    *,
    lasts: timedelta | None,
    clock: Callable[[], datetime] = lambda: datetime.fromtimestamp(time.time(), UTC),
    poll_s: float = POLL_S,
) -> int:
    """Label everything once, then what comes in, for `lasts` or until SIGINT or SIGTERM."""
    store = store_of(shell, workspace.settings)
    begun = clock()
    watch = _Watch(since_ns=to_ns(begun))
    understood = understanding_of(shell, workspace, model=None)
    embedding = embedding_of(store, workspace.settings.intents)
    taxonomy, memory = understood.taxonomy, _able(understood, store)
    labelled = len(understood.labels)
    _note(shell, f"{count(labelled, 'conversation')} labelled; following")
    with _stoppable() as stop:
        while not stop.wait(poll_s) and (lasts is None or clock() - begun < lasts):
            watch.look(store, clock())
            documents = list(_ended(store, watch, clock()))
            if documents:
                memory = _refreshed(memory, store)
                labelled += _label(store, documents, taxonomy, memory, clock(), embedding)
                _note(shell, f"{count(len(documents), 'conversation')} labelled")
    if shell.json:
        shell.emit({"labelled": labelled, "taxonomy_version": taxonomy.version})
    else:
        shell.say(f"Stopped; {count(labelled, 'label')} written.")
    return 0


def _note(shell: Shell, text: str) -> None:
    """What goes on, where results do not go."""
    shell.err.print(text, markup=False)


def _able(understood: Understanding, store: Store) -> Memory:
    """Memory with a classifier for each agent, also of intents that no repository has.

    And with what tells two wishes in one conversation: that is learned from many, and few end at a
    time.
    """
    wishes = learn_further(understood.documents, understood.labels, understood.embed)
    memory = replace(memory_of(store), wishes=wishes)
    if understood.taxonomy.source == "repository":
        return memory
    _, learning = label_conversations(
        understood.documents,
        understood.taxonomy,
        replace(memory, learned={}, cached={}),
        ask_many=None,
        tokens=0,
        now=datetime.fromtimestamp(0, UTC),
        embed=understood.embed,
    )
    return replace(memory, learned=learning.learned)


def _refreshed(memory: Memory, store: Store) -> Memory:
    """With what people corrected and the daily run trained meanwhile."""
    newest = memory_of(store)
    learned = {**memory.learned, **newest.learned}
    return replace(newest, learned=learned, cached={}, wishes=memory.wishes)


def _label(
    store: Store,
    documents: list[Document],
    taxonomy: Taxonomy,
    memory: Memory,
    now: datetime,
    embedding: Embedding,
) -> int:
    labels, learning = label_conversations(
        documents,
        taxonomy,
        memory,
        ask_many=None,
        tokens=0,
        now=now,
        embed=embedding.kept(),
        may_train=False,
    )
    keep(store, taxonomy, labels, discovered=False, learning=learning, add=True)
    return len(labels)


def _ended(store: Store, watch: _Watch, now: datetime) -> Iterator[Document]:
    """What users wrote in the conversations that ended since the last look."""
    ids = watch.quiet(now)
    found: Iterable[object] = read_some(store, ids) if ids else ()
    yield from _documents(found)
    since = watch.quiet_loose(now)
    if since is not None:
        yield from _documents(
            one
            for one in read_conversations(store, received_since=since)
            if isinstance(one, Conversation) and one.conversation_id not in ids
        )


def _documents(found: Iterable[object]) -> Iterator[Document]:
    for item in found:
        if isinstance(item, Conversation):
            document = to_document(item, leave_out=reactions_of(item))
            if isinstance(document, Document):
                yield document


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set: what is being written is finished first."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # only the main thread may have handlers; a caller's own thread sets nothing
        return
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    for one in before:
        signal.signal(one, lambda number, frame: stop.set())
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
