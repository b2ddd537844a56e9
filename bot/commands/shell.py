"""What every command shares: where the store is, what time it is, how to speak."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bot.errors import SettingsError, UsageError
from bot.records import Degraded
from bot.settings import Secrets
from bot.workflow_commands import Uncommanding
from prompts import INVISIBLE, show_invisible

if TYPE_CHECKING:
    from bot.github import GitHub

DEFAULT_STORE = "./debrief-data"
SUMMARY_BYTES = 1_000_000
"""GitHub takes 1 MiB of a step."""
_STEERING = re.compile(rf"{INVISIBLE.pattern}|#(?=#\[)")
"""What steers a terminal or, as `##[`, the runner of a workflow."""
UNITS_DAYS = {"d": 1.0, "w": 7.0, "h": 1 / 24}


@dataclass(frozen=True, kw_only=True, slots=True)
class Shell:
    """Built once, in `cli.main`."""

    store: str | None
    """As given by option or environment."""
    now: datetime
    json: bool
    secrets: Secrets
    pause_s: float
    """Between two writes to GitHub."""
    paused: bool = False
    """By the environment: nothing new may be opened."""
    annotations: str | None = None
    """File that takes the lines by which GitHub Actions shows remarks, where it runs there."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """The part of the environment that a repository's own check command gets."""
    out: Console = field(default_factory=lambda: _console(sys.stdout))
    err: Console = field(default_factory=lambda: _console(sys.stderr))

    @property
    def store_path(self) -> str:
        """The store of commands that know no repository."""
        return self.store or DEFAULT_STORE

    def emit(self, value: dict[str, Any]) -> None:
        """Print one JSON document on standard output."""
        writer = json.JSONEncoder(ensure_ascii=False, indent=2, default=_plain)
        for part in writer.iterencode(value):
            sys.stdout.write(_STEERING.sub(_escaped, part))
        sys.stdout.write("\n")

    def say(self, text: str) -> None:
        """Print a line: nothing in it is markup, and nothing steers the terminal."""
        self.out.print(show_invisible(text), markup=False, soft_wrap=True)

    def reader(self, repository: str) -> GitHub:
        """A client for `owner/name` that cannot write."""
        return self._connect(repository, read_only=True)

    def writer(self, repository: str) -> GitHub:
        """A client for `owner/name` that may write."""
        return self._connect(repository, read_only=False)

    def _connect(self, repository: str, *, read_only: bool) -> GitHub:
        # Imported here: the client takes half a second to load, and most commands need none.
        from bot.github import connect

        return connect(
            repository,
            token=self.secrets.github_token or "",
            base_url=self.secrets.github_api_url or "https://api.github.com",
            pause_s=self.pause_s,
            read_only=read_only,
        )

    def redaction_key(self) -> bytes | None:
        """The key from the environment, which overrules the one that the store keeps.

        Raises:
            SettingsError: it is not hexadecimal.
        """
        if self.secrets.redaction_key is None:
            return None
        try:
            return bytes.fromhex(self.secrets.redaction_key)
        except ValueError:
            raise SettingsError(
                "DEBRIEF_REDACTION_KEY is not hexadecimal; make one with `openssl rand -hex 32`"
            ) from None

    def summarise(self, file: str, text: str) -> None:
        """Append Markdown to the summary of a job, of which GitHub shows none that is too long."""
        with Path(file).open("a", encoding="utf-8") as summary:
            room = SUMMARY_BYTES - summary.tell()
            fits = len(text.encode("utf-8", "replace")) <= room
            summary.write(text if fits else "\nThe rest is too long for this page: see the log.\n")

    def annotate(self, lines: Iterable[str]) -> None:
        """Remarks for the page of a run: the Action prints them when nothing else may print."""
        if self.annotations:
            with Path(self.annotations).open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)

    def command(self, line: str) -> None:
        """Give a runner one of our own commands, on standard error: all else is kept from it."""
        sys.stderr.write(f"{line}\n")

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show that something takes its time: on a terminal only, never in logs."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        if not self.err.is_terminal:
            yield
            return
        with Progress(*columns, console=self.err, transient=True) as progress:
            progress.add_task(what, total=None)
            yield

    def since(self, text: str, *, option: str = "--since") -> datetime:
        """`28d`, `4w` or `12h` before now, as `option` was given.

        Raises:
            UsageError: the text is neither.
        """
        number, unit = text[:-1], text[-1:]
        if unit not in UNITS_DAYS or not number.isdecimal():
            raise UsageError(f"{option} {text!r} is no span of time; write it like 28d, 4w or 12h")
        try:
            return self.now - timedelta(days=int(number[:12]) * UNITS_DAYS[unit])
        except OverflowError:
            raise UsageError(
                f"{option} {text[:40]!r} goes back before the calendar; write it like 28d or 4w"
            ) from None


def exit_code(degraded: Sequence[Degraded]) -> int:
    """0, or 3 where something was left out."""
    return 3 if degraded else 0


def _console(stream: IO[str]) -> Console:
    return Console(file=cast("IO[str]", Uncommanding(stream)), highlight=False)


def _escaped(sign: re.Match[str]) -> str:
    """As JSON may write any character of a string."""
    return json.dumps(sign[0]).strip('"') if sign[0] != "#" else "\\u0023"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON value")
