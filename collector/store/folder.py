"""Files of a store in a folder of this machine, or of a shared file system.

A file is complete when it has its name: it is written under a name that readers skip, flushed,
renamed, and the folder is flushed (`.x.tmp` is skipped by the globs of DuckDB and Spark).
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from collector.errors import StoreError
from collector.store.files import DataFile, data_file

_TEMPORARY = ".tmp"
_WRITING_S = 60.0
"""What was not renamed after that has no writer any more."""


@dataclass(frozen=True, slots=True)
class Folder:
    """See `Files`."""

    root: Path
    grace_s: float = 0.0

    @property
    def address(self) -> str:
        return str(self.root)

    def list(self, table: str) -> list[DataFile]:
        found = []
        for day in _entries(self.root / table):
            for entry in _entries(day) if day.name.startswith("date=") else ():
                with suppress(FileNotFoundError):  # compaction has just removed it
                    name = f"{table}/{day.name}/{entry.name}"
                    found.append(data_file(name, entry.stat().st_size))
        return sorted(file for file in found if file)

    def fetch(self, files: Sequence[DataFile]) -> None:
        """They are here already; that one is gone is seen when it is opened."""

    def open(self, file: DataFile) -> pa.NativeFile:
        return pa.OSFile(str(self.root / file.name))

    def write(self, name: str, content: pa.Buffer | bytes) -> None:
        self._write(name, content, mode=0o644)

    def remove(self, files: Sequence[DataFile]) -> None:
        folders = {(self.root / file.name).parent for file in files}
        try:
            for file in files:
                (self.root / file.name).unlink(missing_ok=True)
            for folder in folders:
                with suppress(FileNotFoundError):
                    _flush_folder(folder)
                with suppress(OSError):  # not empty, or somebody else was faster
                    folder.rmdir()
        except OSError as error:
            raise StoreError(
                f"cannot remove {error.filename}: {error.strerror or error}; correct the "
                "permissions of the store and run the command again"
            ) from error

    def remove_leftovers(self, table: str, before: date) -> None:
        died_at = time.time() - _WRITING_S
        for day in _entries(self.root / table):
            is_closed = day.name < f"date={before.isoformat()}"
            for file in day.glob(f".*{_TEMPORARY}") if day.name.startswith("date=") else ():
                with suppress(FileNotFoundError):
                    if is_closed or file.stat().st_mtime < died_at:
                        file.unlink()

    def read_or_create(self, name: str, content: bytes) -> bytes:
        path = self.root / name
        try:
            if not path.exists():
                self._create(path, content)
            return path.read_bytes()
        except OSError as error:
            raise StoreError(
                f"{path} cannot be read or created: {error}; correct its permissions"
            ) from error

    def check_writable(self) -> None:
        probe = f".probe-{secrets.token_hex(4)}"
        self.write(probe, b"probe")
        (self.root / probe).unlink(missing_ok=True)

    def _create(self, path: Path, content: bytes) -> None:
        temporary = f".{path.name}.{secrets.token_hex(4)}{_TEMPORARY}"
        self._write(temporary, content, mode=0o600)
        try:
            # Unlike rename, this fails where the file exists already.
            os.link(self.root / temporary, path)
        except FileExistsError:
            pass
        finally:
            (self.root / temporary).unlink()
        _flush_folder(self.root)

    def _write(self, name: str, content: pa.Buffer | bytes, *, mode: int) -> None:
        path = self.root / name
        temporary = path.with_name(f".{path.name}{_TEMPORARY}")
        try:
            try:
                _write_and_flush(temporary, content, mode)
            except FileNotFoundError:  # the first file of a day, or the day has just been emptied
                make_folder(path.parent)
                _write_and_flush(temporary, content, mode)
            temporary.rename(path)
            _flush_folder(path.parent)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise StoreError(
                f"cannot write {path}: {error.strerror or error}; free space or correct the "
                "permissions of the store"
            ) from error


def make_folder(folder: Path) -> None:
    """Create a folder and its parents, each durable in its own parent."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _flush_folder(folder.parent)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _write_and_flush(path: Path, content: pa.Buffer | bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
