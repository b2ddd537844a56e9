"""Commands that show conversations: conversations, show."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from bot.commands.derived import labels_of
from bot.commands.shell import Shell
from bot.errors import UsageError
from bot.outcomes import OutcomeRules, link_outcomes
from bot.signals import find_signals
from collector.assemble import read_conversations, read_some
from collector.records import Conversation
from collector.show import conversation_json, conversation_row
from collector.store import Store, open_store
from prompts import show_invisible

SHOWN = 50
"""Rows on a terminal; `--json` gives all."""


def conversations(shell: Shell, given: argparse.Namespace) -> int:
    """List conversations, newest first."""
    since = shell.since(given.since) if given.since else None
    store = open_store(shell.store_path, create=False)
    found = [
        item
        for item in read_conversations(store, since=since, agent=given.agent)
        if isinstance(item, Conversation) and _wanted(item, given, store)
    ]
    found.reverse()
    if shell.json:
        rows = [conversation_row(one) for one in found]
        shell.emit({"total": len(found), "conversations": rows})
        return 0
    table = Table(box=None, pad_edge=False, expand=True)
    for column in ("conversation", "agent"):
        table.add_column(column, overflow="fold")  # cut, an id could not be shown
    for column in ("started", "turns"):
        table.add_column(column, no_wrap=True)
    table.add_column("first words", no_wrap=True, overflow="ellipsis", ratio=1)
    for one in found[:SHOWN]:
        started = f"{one.started_at:%Y-%m-%d %H:%M}" if one.started_at else "unknown"
        cells = (one.conversation_id, one.agent, started, str(one.turns), _opening(one))
        table.add_row(*(Text(show_invisible(cell)) for cell in cells))
    if found:
        shell.out.print(table)
    else:
        span = f" since {since:%Y-%m-%d}" if since else ""
        shell.say(f"No conversations{span} in {shell.store_path}.")
    if len(found) > SHOWN:
        shell.say(f"{SHOWN} of {len(found)} are shown; --json gives all.")
    return 0


def show(shell: Shell, given: argparse.Namespace) -> int:
    """One conversation, whole, with what the stages say about it.

    Raises:
        UsageError: there is none of this id, or several agents have one.
    """
    wanted = given.conversation_id
    store = open_store(shell.store_path, create=False)
    found = [item for item in read_some(store, [wanted]) if given.agent in (None, item.agent)]
    if not found:
        raise UsageError(
            f"there is no conversation {wanted!r} in {shell.store_path}; "
            "`debrief conversations` lists those that there are"
        )
    if len(found) > 1:
        agents = ", ".join(one.agent for one in found)
        raise UsageError(f"several agents have a conversation {wanted!r}: {agents}; pass --agent")
    conversation = found[0]
    signals = find_signals(conversation)
    outcomes = link_outcomes(conversation, signals, OutcomeRules())
    intents = labels_of(store, conversation.agent, conversation.conversation_id)
    if shell.json:
        document = conversation_json(
            conversation,
            intents=intents,
            signals=[
                {"kind": one.kind, "message_index": one.message_index, "evidence": one.evidence}
                for one in signals
            ],
            outcomes=[
                {"name": one.name, "polarity": one.polarity, "source": one.source}
                for one in outcomes
            ],
        )
        shell.emit(document)
        return 0
    for line in _transcript(conversation):
        shell.out.print(line)
    for signal in signals:
        shell.say(f"signal {signal.kind} at message {signal.message_index}: {signal.evidence}")
    for intent in intents:
        shell.say(f"intent {intent['id']} {intent['name']} ({intent['confidence']:.2f})")
    for outcome in outcomes:
        shell.say(f"outcome {outcome.name} ({outcome.polarity}, {outcome.source})")
    return 0


def _wanted(conversation: Conversation, given: argparse.Namespace, store: Store) -> bool:
    if given.text and not _holds(conversation, given.text.casefold()):
        return False
    if given.outcome:
        outcomes = link_outcomes(conversation, find_signals(conversation), OutcomeRules())
        if given.outcome not in {one.name for one in outcomes}:
            return False
    if not given.intent:
        return True
    intents = labels_of(store, conversation.agent, conversation.conversation_id)
    return given.intent in {one["id"] for one in intents}


def _holds(conversation: Conversation, text: str) -> bool:
    return any(text in (message.text or "").casefold() for message in conversation.messages)


def _opening(conversation: Conversation) -> str:
    texts = (one.text for one in conversation.messages if one.role == "user" and one.text)
    return next(texts, "").replace("\n", " ")[:80]


def _transcript(conversation: Conversation) -> Iterator[Text]:
    """Lines for a terminal: what strangers wrote cannot move the cursor or look like ours."""
    heading = f"{conversation.conversation_id} · {conversation.agent}"
    yield Text(show_invisible(heading), style="bold")
    for index, message in enumerate(conversation.messages):
        for call in message.tool_calls:
            told = f"{index:3} {message.role} calls {call.name} {call.arguments}"
            yield Text(show_invisible(told), style="dim")
        if message.role == "tool":
            told = f"{index:3} {message.name or 'tool'} gives {message.error or message.result}"
            yield Text(show_invisible(told[:500]), style="dim")
        elif message.text:
            yield Text(show_invisible(f"{index:3} {message.role}: {message.text}"))
