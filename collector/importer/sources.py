"""Which files are meant: a path, a folder, a pattern, or the same in a bucket.

Everything is reached through `pyarrow.fs`, so that a bucket is read as a folder is.
"""

from __future__ import annotations

import glob
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pathspec
import pyarrow as pa
from pyarrow import fs

from collector.errors import ImportRefused

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One file as it was when it was listed."""

    location: str
    """Absolute path, or `s3://bucket/key`: without credentials and options."""
    path: str
    """What `filesystem` calls it."""
    size_bytes: int
    modified_ns: int
    is_named: bool
    """It was asked for by its own name, not found in a folder."""
    filesystem: fs.FileSystem

    @property
    def folder(self) -> str:
        return self.location.rpartition("/")[0]

    def open(self) -> io.BufferedReader:
        """The content, seekable. An object of a bucket is fetched once, whole.

        Raises:
            OSError: it is gone or cannot be read.
        """
        if isinstance(self.filesystem, fs.LocalFileSystem):
            return Path(self.path).open("rb")
        with self.filesystem.open_input_stream(self.path) as stream:
            return io.BufferedReader(io.BytesIO(stream.read()))


def find_sources(what: str) -> list[Source]:
    """The files that a path, folder, pattern or URL means, in the order of their names.

    Hidden files of a folder are left out: half-written ones are called so.

    Raises:
        ImportRefused: there is none, or the place cannot be read.
    """
    try:
        found = _in_bucket(what) if _URL.match(what) else _on_disk(what)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise ImportRefused(
            f"cannot be read: {str(error).splitlines()[0]}; check that it exists, and for a bucket "
            "its region, endpoint and credentials"
        ) from error
    return sorted(found, key=lambda source: source.location)


def _on_disk(what: str) -> list[Source]:
    disk = fs.LocalFileSystem()
    path = Path(what)
    if path.exists() or not _WILD.search(what):
        return list(_under(disk, str(path.absolute()), prefix=""))
    matches = glob.glob(what, recursive=True)  # noqa: PTH207  # of absolute and relative patterns
    if not matches:
        raise ImportRefused("no file is called so; quote the pattern if the shell expanded it")
    infos = disk.get_file_info([str(Path(match).absolute()) for match in matches])
    return list(_sources(disk, infos, prefix=""))


def _in_bucket(url: str) -> list[Source]:
    """`s3://bucket/prefix?region=…`; a pattern may stand in the path, options after its end."""
    scheme, _, rest = url.partition("://")
    place, _, options = rest.partition("?")
    parts = place.rstrip("/").split("/")
    fixed = next((i for i, part in enumerate(parts) if _WILD.search(part)), len(parts))
    base = "/".join(parts[:fixed])
    filesystem, path = fs.FileSystem.from_uri(f"{scheme}://{base}{'?' if options else ''}{options}")
    # Credentials can stand before the host, and are nobody's business later.
    prefix = "" if isinstance(filesystem, fs.LocalFileSystem) else f"{scheme}://"
    found = list(_under(filesystem, path, prefix=prefix))
    if fixed == len(parts):
        return found
    wanted = pathspec.PathSpec.from_lines("gitignore", ["/" + "/".join(parts[fixed:])])
    start = len(prefix) + len(path) + 1
    return [source for source in found if wanted.match_file(source.location[start:])]


def _under(filesystem: fs.FileSystem, path: str, *, prefix: str) -> Iterator[Source]:
    """The file itself, or the files of the folder and of those inside."""
    info = filesystem.get_file_info(path)
    if info.type == fs.FileType.NotFound:
        raise ImportRefused("cannot be read: there is nothing of this name; check it")
    if info.type != fs.FileType.Directory:
        yield from _sources(filesystem, [info], prefix=prefix, is_named=True)
        return
    inside = filesystem.get_file_info(fs.FileSelector(path, recursive=True))
    visible = [one for one in inside if not _is_hidden(one.path[len(path) :])]
    yield from _sources(filesystem, visible, prefix=prefix)


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _sources(
    filesystem: fs.FileSystem, infos: Iterable[fs.FileInfo], *, prefix: str, is_named: bool = False
) -> Iterator[Source]:
    for info in infos:
        # Buckets hold empty objects that stand for folders.
        if info.type == fs.FileType.File and (info.size or is_named):
            yield Source(
                location=f"{prefix}{info.path}",
                path=info.path,
                size_bytes=info.size,
                modified_ns=info.mtime_ns or 0,
                is_named=is_named,
                filesystem=filesystem,
            )
