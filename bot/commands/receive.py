"""Commands that write to the store: collect and import."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from bot.commands.shell import Shell
from bot.errors import UsageError
from bot.figures import count
from collector.importer import ImportedFile, ImportReport, Progress
from collector.importer import import_files as read_files
from collector.store import Store, open_store
from prompts import show_invisible

_LINES = 20
"""Files that are told one by one; a bucket may hold thousands."""
_NAME_LENGTH = 40


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
    """Read what is new in files, folders and buckets. A file is read whole or refused whole."""
    store = _writable(shell)
    with _progress(shell) as tell:
        report = read_files(
            given.files,
            store,
            signal=given.signal,
            agent=given.agent,
            again=given.again,
            now=shell.now,
            redactor=store.redactor(key=shell.redaction_key()),
            on_progress=tell,
        )
    if shell.json:
        shell.emit(
            {
                "files": [asdict(file) for file in report.files],
                "conversations": report.conversations,
                "events": report.events,
                "spans": report.spans,
                "unchanged": report.unchanged,
            }
        )
        return UsageError.exit_code if report.refused else 0
    for line in _told(report):
        shell.say(line)
    if refused := report.refused:
        lines = "; ".join(f"{file.path}: {file.refused}" for file in refused[:_LINES])
        more = f"; and {len(refused) - _LINES} more" if len(refused) > _LINES else ""
        raise UsageError(
            f"{len(refused)} of {count(len(report.files), 'file')} refused: {lines}{more}"
        )
    return 0


def _told(report: ImportReport) -> Iterator[str]:
    """What became of the files, one by one while they are few."""
    taken = [file for file in report.files if not file.refused]
    if len(taken) > _LINES:
        yield f"{count(len(taken), 'file')} read: {_counts(report) or 'nothing in them'}"
    for file in taken if len(taken) <= _LINES else ():
        nothing = "nothing new" if file.unchanged else "nothing in it"
        yield f"{file.path}: {_counts(file) or nothing}"
    if report.unchanged and len(taken) != 1:
        yield f"{count(report.unchanged, 'file')} had nothing new."
    for file in [file for file in taken if file.waiting_bytes][:_LINES]:
        yield (
            f"{file.path}: the last {file.waiting_bytes} bytes are unfinished; "
            "they are read when the rest is there"
        )
    if untied := sum(file.untied for file in taken):
        yield (
            f"Waiting for spans that are not in the store: {count(untied, 'rating')}; import those "
            "spans, then this again."
        )


def _counts(of: ImportReport | ImportedFile) -> str:
    counts = {"conversation": of.conversations, "event": of.events, "span": of.spans}
    return ", ".join(count(number, name) for name, number in counts.items() if number)


@contextmanager
def _progress(shell: Shell) -> Iterator[Callable[[Progress], None]]:
    """A bar of bytes, on a terminal only."""
    if not shell.err.is_terminal:
        yield lambda progress: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Bar(*columns, console=shell.err, transient=True) as bar:
        task = bar.add_task("importing", total=None)

        def tell(progress: Progress) -> None:
            name = escape(show_invisible(progress.path)[-_NAME_LENGTH:])
            bar.update(
                task,
                description=f"importing {name}",
                completed=progress.done_bytes,
                total=progress.total_bytes,
            )

        yield tell


def _writable(shell: Shell) -> Store:
    return open_store(shell.store_path, create=True)
