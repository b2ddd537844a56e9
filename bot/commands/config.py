"""`debrief config`: is the settings file right, and what may stand in it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from bot.checked_yaml import Mistake
from bot.commands.shell import Shell
from bot.errors import SettingsError
from bot.figures import count
from bot.settings import PATH, load_settings, settings_mistakes, settings_schema
from bot.setup.globs import glob_warnings
from bot.workflow_commands import annotation

MOST_FILES = 200_000
"""Of a work tree; what comes after them is not held against the globs."""
_NEVER_WALKED = frozenset({".git", "node_modules", ".venv", "venv", "__pycache__"})


def config(shell: Shell, given: argparse.Namespace) -> int:
    """check or schema. `check` looks at the work tree as it is, committed or not."""
    if given.action == "schema":
        shell.emit(settings_schema())
        return 0
    root = Path(given.repo)
    path = root / PATH
    text = text_of(path) if path.exists() else None
    mistakes = settings_mistakes(text or "")
    warnings: tuple[Mistake, ...] = ()
    if text is not None and not mistakes:
        warnings = glob_warnings(load_settings(text), text, _files(root))
    if shell.json:
        shell.emit(
            {
                "path": str(path),
                "exists": text is not None,
                "mistakes": [asdict(one) for one in mistakes],
                "warnings": [asdict(one) for one in warnings],
            }
        )
    else:
        _say(shell, str(path), mistakes, warnings, exists=text is not None)
    if given.annotations:
        _annotate(shell, mistakes, warnings)
    return SettingsError.exit_code if mistakes else 0


def text_of(path: Path) -> str:
    """A file of the work tree.

    Raises:
        SettingsError: it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: it is not UTF-8 ({error}); save it as UTF-8") from None


def _files(root: Path) -> Sequence[str]:
    """Files of the work tree, relative and with forward slashes."""
    found: list[str] = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(set(folders) - _NEVER_WALKED)
        found += [Path(folder, name).relative_to(root).as_posix() for name in files]
        if len(found) > MOST_FILES:
            break
    return found[:MOST_FILES]


def _say(
    shell: Shell,
    path: str,
    mistakes: Sequence[Mistake],
    warnings: Sequence[Mistake],
    *,
    exists: bool,
) -> None:
    for kind, found in (("error", mistakes), ("warning", warnings)):
        for one in found:
            shell.say(f"{path}:{one.line or 1}: {kind}: {one.sentence}")
    if not exists:
        shell.say(f"{path} does not exist; everything is at its default. `debrief init` writes it.")
    elif mistakes:
        shell.say(f"{count(len(mistakes), 'mistake')}; nothing runs until the file is right.")
    elif warnings:
        shell.say(f"{path} is right, with {count(len(warnings), 'warning')}.")
    else:
        shell.say(f"{path} is right.")


def _annotate(shell: Shell, mistakes: Iterable[Mistake], warnings: Iterable[Mistake]) -> None:
    """Beside the lines of a pull request, on standard error: `--json` has the other stream."""
    for one in mistakes:
        line = annotation("error", one.sentence, title="Debrief", file=PATH, line=one.line or 1)
        shell.command(line)
    for one in warnings:
        line = annotation("warning", one.sentence, title="Debrief", file=PATH, line=one.line)
        shell.command(line)
