"""Reads files: those of one commit, and those of a branch through time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from bot.errors import RepositoryError, UsageError
from bot.git.running import default_branch, git_text, resolve, run_git
from bot.records import FileHistory, HistoryCommit, Repository, SourceFile

log = logging.getLogger(__name__)

MAX_FILE_BYTES = 1_000_000
MAX_TOTAL_BYTES = 200_000_000
PLAIN_FILE_MODES = frozenset({"100644", "100755"})
FOLDER_MODE = "040000"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    path: str
    mode: str
    blob: str
    size_bytes: int


def entries_of(path: Path, commit: str, paths: Sequence[str] = ()) -> Iterator[Entry]:
    """Plain files of a commit; symbolic links, submodules and undecodable names are left out."""
    args = ["--literal-pathspecs", "ls-tree", "-r", "-l", "-z", "--full-tree", commit]
    listing = run_git(path, *args, "--", *paths).stdout
    for line in filter(None, listing.split(b"\0")):
        facts, _, name = line.partition(b"\t")
        mode, _, blob, size = facts.decode("ascii").split()
        try:
            decoded = name.decode("utf-8")
        except UnicodeDecodeError:
            continue
        # git says BAD for the size of a file whose content is missing, as in a partial clone.
        if mode in PLAIN_FILE_MODES and size.isdigit():
            yield Entry(path=decoded, mode=mode, blob=blob, size_bytes=int(size))


def _texts(path: Path, entries: Sequence[Entry]) -> dict[str, SourceFile]:
    """The entries that are UTF-8 text, by path."""
    wanted = "".join(f"{entry.blob}\n" for entry in entries).encode()
    content = run_git(path, "cat-file", "--batch", stdin=wanted).stdout
    files = {}
    at = 0
    for entry in entries:
        at = content.index(b"\n", at) + 1
        raw = content[at : at + entry.size_bytes]
        at += entry.size_bytes + 1
        if b"\0" in raw:
            continue
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            continue
        files[entry.path] = SourceFile(path=entry.path, blob=entry.blob, text=text)
    return files


def read_repository(
    path: Path, *, ref: str | None = None, must_be_text: Collection[str] = ()
) -> Repository:
    """Read the text files of the default branch's commit, or of `ref`'s.

    Of `must_be_text`, what is there has to be readable: else it would seem to be missing.
    Text is UTF-8 of at most `MAX_FILE_BYTES`. What is not committed is not seen. Of a repository
    with more than `MAX_TOTAL_BYTES` of such files the smallest are read, and a warning says so.

    Raises:
        UsageError: not a repository, no commit, or a file of `must_be_text` is no text.
        RepositoryError: no such ref.
    """
    branch, sha = default_branch(path)
    if ref is not None:
        found = resolve(path, ref)
        if found is None:
            raise RepositoryError(f"{path} has no ref {ref!r}; give a branch, a tag or a commit id")
        branch, sha = ref, found
    entries = list(entries_of(path, sha))
    small = [entry for entry in entries if entry.size_bytes <= MAX_FILE_BYTES]
    small.sort(key=lambda entry: entry.size_bytes)
    kept: list[Entry] = []
    total_bytes = 0
    for entry in small:
        total_bytes += entry.size_bytes
        if total_bytes > MAX_TOTAL_BYTES:
            log.warning("repository is large: %d of %d files are read", len(kept), len(small))
            break
        kept.append(entry)
    files = _texts(path, kept)
    for entry in entries:
        if entry.path in must_be_text and entry.path not in files:
            raise UsageError(
                f"{entry.path} in {path} cannot be read: it is no UTF-8 text of at most "
                f"{MAX_FILE_BYTES // 1_000_000} MB; save it as UTF-8"
            )
    return Repository(
        base_sha=sha, base_branch=branch, files={name: files[name] for name in sorted(files)}
    )


def read_files(path: Path, commit: str, paths: Iterable[str]) -> dict[str, SourceFile]:
    """Those of `paths` that are text files in `commit`."""
    names = tuple(paths)
    return _texts(path, list(entries_of(path, commit, names))) if names else {}


def read_all_files(path: Path, commit: str) -> dict[str, SourceFile]:
    """Every text file of `commit`, whatever its size."""
    return _texts(path, list(entries_of(path, commit)))


def read_file_history(
    path: Path, wanted: Callable[[str], bool], *, max_commits: int = 2000
) -> FileHistory:
    """Read the files that `wanted` admits, by path, through the default branch's own line.

    Costs one `git log` and one `git cat-file` over distinct contents. At most `max_commits`, the
    newest, and of their contents at most `MAX_TOTAL_BYTES`, again the newest.

    Raises:
        UsageError: not a repository, or no commit.
    """
    branch, head = default_branch(path)
    steps = list(_steps(path, head, max_commits=max_commits))
    root = git_text(path, "rev-list", "--max-parents=0", "--first-parent", head).split()
    is_shallow = git_text(path, "rev-parse", "--is-shallow-repository") == "true"
    sha, at, _ = steps[-1]
    steps[-1] = (sha, at, {one.path: one.blob for one in entries_of(path, sha)})
    commits = [
        HistoryCommit(
            sha=sha, at=at, files={name: blob for name, blob in changed.items() if wanted(name)}
        )
        for sha, at, changed in steps
    ]
    blobs = dict.fromkeys(blob for one in commits for blob in one.files.values() if blob)
    return FileHistory(
        branch=branch,
        commits=tuple(reversed(commits)),
        texts=_blob_texts(path, blobs),
        is_whole=steps[-1][0] in root and not is_shallow,
    )


def _steps(
    path: Path, head: str, *, max_commits: int
) -> Iterator[tuple[str, datetime, dict[str, str | None]]]:
    """(commit, time, blob of each changed path) of the first-parent line, newest first."""
    args = ["log", "--first-parent", "--diff-merges=first-parent", "--raw", "--no-renames"]
    args += ["--no-abbrev", "-z", f"--max-count={max_commits}", "--format=%x01%H %ct"]
    for block in run_git(path, *args, head, "--").stdout.split(b"\x01")[1:]:
        heading, *fields = block.split(b"\0")
        sha, seconds = heading.split()
        changed: dict[str, str | None] = {}
        for facts, name in zip(fields[::2], fields[1::2], strict=False):
            _, mode, _, blob, status = facts.decode("ascii").strip().split(" ")
            with suppress(UnicodeDecodeError):
                is_kept = status != "D" and mode in PLAIN_FILE_MODES
                changed[name.decode("utf-8")] = blob if is_kept else None
        yield sha.decode("ascii"), datetime.fromtimestamp(int(seconds), UTC), changed


def _blob_texts(path: Path, blobs: Iterable[str]) -> dict[str, str]:
    """Those of `blobs` that are UTF-8 text of at most `MAX_FILE_BYTES`, the first ones first."""
    asked = "".join(f"{blob}\n" for blob in blobs).encode()
    sizes = run_git(path, "cat-file", "--batch-check", stdin=asked).stdout.decode(
        "ascii", "replace"
    )
    entries: list[Entry] = []
    total_bytes = 0
    for line in sizes.splitlines():
        blob, kind, *size = line.split()
        size_bytes = int(size[0]) if kind == "blob" else MAX_FILE_BYTES + 1
        if size_bytes <= MAX_FILE_BYTES and total_bytes + size_bytes <= MAX_TOTAL_BYTES:
            total_bytes += size_bytes
            entries.append(Entry(path=blob, mode="100644", blob=blob, size_bytes=size_bytes))
    return {blob: file.text for blob, file in _texts(path, entries).items()}


def blobs_of(path: Path, commit: str, paths: Iterable[str]) -> dict[str, str]:
    """Object ids of those of `paths` that are plain files in `commit`."""
    names = tuple(paths)
    return {entry.path: entry.blob for entry in entries_of(path, commit, names)} if names else {}


def occupied(path: Path, commit: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Those of `paths` where something stands that is no plain file, or that lead through it.

    A symbolic link, a submodule or a folder: writing there would replace it, or write elsewhere.
    """
    wanted = tuple(paths)
    parents = {str(parent) for name in wanted for parent in PurePosixPath(name).parents} - {"."}
    args = ["--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--"]
    listing = run_git(path, *args, *wanted, *sorted(parents)).stdout if wanted else b""
    modes = {}
    for line in filter(None, listing.split(b"\0")):
        facts, _, name = line.partition(b"\t")
        modes[name.decode("utf-8", "surrogateescape")] = facts.split()[0].decode("ascii")
    return tuple(name for name in wanted if _is_occupied(name, modes))


def _is_occupied(name: str, modes: Mapping[str, str]) -> bool:
    above = [modes.get(str(parent), FOLDER_MODE) for parent in PurePosixPath(name).parents]
    return modes.get(name, "100644") not in PLAIN_FILE_MODES or set(above) != {FOLDER_MODE}
