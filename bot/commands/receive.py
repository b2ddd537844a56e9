"""Commands that write to the store: collect, import, erase, compact."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from bot.commands.shell import Shell
from bot.errors import UsageError
from bot.figures import count
from collector.importer import import_files as read_files
from collector.store import Store, open_store


def collect(shell: Shell, given: argparse.Namespace) -> int:
    """Receive OTLP and feedback until SIGTERM or SIGINT."""
    try:
        from collector.listening import options_of
        from collector.receiver import serve
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"{missing.name} is not installed; install the receiver: "
            "pip install 'agent-debrief[collector]'"
        ) from None
    options = options_of(
        given, token=shell.secrets.collector_token, redaction_key=shell.redaction_key()
    )
    serve(shell.store_path, options)
    return 0


def import_files(shell: Shell, given: argparse.Namespace) -> int:
    """Read files into the store. A file is read whole or refused whole."""
    store = _writable(shell)
    with shell.working("importing"):
        report = read_files(
            [Path(file) for file in given.files],
            store,
            signal=given.signal,
            now=shell.now,
            redactor=store.redactor(key=shell.redaction_key()),
        )
    refused = [file for file in report.files if file.refused]
    if shell.json:
        shell.emit(
            {
                "files": [asdict(file) for file in report.files],
                "conversations": report.conversations,
                "events": report.events,
                "spans": report.spans,
            }
        )
        return UsageError.exit_code if refused else 0
    for file in report.files:
        if file.refused is None:
            counts = {"conversation": file.conversations, "event": file.events, "span": file.spans}
            told = ", ".join(count(number, name) for name, number in counts.items() if number)
            shell.say(f"{file.path}: {told or 'nothing in it'}")
    if refused:
        lines = "; ".join(f"{file.path}: {file.refused}" for file in refused)
        raise UsageError(f"{len(refused)} of {len(report.files)} files were refused: {lines}")
    return 0


def erase(shell: Shell, given: argparse.Namespace) -> int:
    """Hide a person or a conversation at once, then rewrite the files that hold them."""
    store = open_store(shell.store_path, create=False)
    with shell.working("erasing"):
        erased = store.erase(
            user_id=given.user,
            conversation_id=given.conversation,
            now=shell.now,
            redact=store.redactor(key=shell.redaction_key()),
        )
    if shell.json:
        shell.emit(asdict(erased))
    else:
        shell.say(
            f"Erased: {count(len(erased.conversation_ids), 'conversation')}; "
            f"{count(erased.files_rewritten, 'file')} rewritten."
        )
        shell.say("Pull requests and files of repositories may still hold ids; they are not read.")
    return 0


def compact(shell: Shell, given: argparse.Namespace) -> int:
    """Merge the small files of closed days."""
    with shell.working("compacting"):
        done = open_store(shell.store_path, create=False).compact(shell.now)
    if shell.json:
        shell.emit(asdict(done))
    else:
        told = (f"{name.replace('_', ' ')} {value}" for name, value in asdict(done).items())
        shell.say(f"Compacted: {', '.join(told)}.")
    return 0


def _writable(shell: Shell) -> Store:
    return open_store(shell.store_path, create=True)
