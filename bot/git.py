"""The only module that runs git: reads one commit, writes commits and refs, knows what was merged.

Takes a folder that is a repository, bare or not. Never touches the person's work tree, index or
configuration: trees are built in a temporary index, hooks and user settings are off, nothing is
fetched or pushed. Costs a few milliseconds a call.
"""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from bot.errors import RepositoryError, UsageError
from bot.records import FileHistory, HistoryCommit, Repository, SourceFile

log = logging.getLogger(__name__)

MAX_FILE_BYTES = 1_000_000
MAX_TOTAL_BYTES = 200_000_000
TIMEOUT_S = 120.0
AUTHOR_NAME = "Debrief"
AUTHOR_EMAIL = "debrief@debrief.invalid"
PROPOSAL = "Debrief-Proposal"
FINGERPRINT = "Debrief-Fingerprint"
"""Trailers of our commits: for which proposal, in which state of its evidence."""
PLAIN_FILE_MODES = frozenset({"100644", "100755"})
FOLDER_MODE = "040000"


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitInfo:
    """One commit, as far as it matters who made it."""

    sha: str
    parents: tuple[str, ...]
    author: str
    """Name and e-mail address: outside text."""
    committer: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge:
    """How a proposal came into the default branch."""

    sha: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LineCommit:
    """One line of a file and the commit that it came in by."""

    number: int
    """From 1 on."""
    text: str
    """Without its end."""
    sha: str
    at: datetime
    author: str
    """Outside text, as the next two."""
    summary: str
    message: str
    """The whole message, trailers included."""


def trailer(message: str, name: str) -> str | None:
    """Value of the last trailer of that name in a commit message, on GitHub or not."""
    found = re.findall(rf"^{name}: (\S+)$", message, re.MULTILINE)
    return found[-1] if found else None


def is_made_for(commit: CommitInfo, proposal_id: str) -> bool:
    """We made this commit for that proposal, and nobody has amended it since."""
    own = f"{AUTHOR_NAME} <{AUTHOR_EMAIL}>"
    ours = commit.author == commit.committer == own
    return ours and trailer(commit.message, PROPOSAL) == proposal_id


# -- running git ---------------------------------------------------------------------------------


def _run(
    repository: Path,
    *args: str,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    accept: tuple[int, ...] = (0,),
) -> subprocess.CompletedProcess[bytes]:
    """Run one git command there, without a shell, prompts, hooks or anybody's configuration.

    Raises:
        RepositoryError: git is not installed, took longer than `TIMEOUT_S`, or said no.
    """
    git = shutil.which("git")
    if git is None:
        raise RepositoryError("git was not found; install git 2.38 or newer and put it on PATH")
    folder = repository.resolve()
    command = [git, "-C", str(folder), "-c", "core.hooksPath=/dev/null"]
    command += ["-c", "core.fsmonitor=false", "-c", "gc.auto=0"]
    # The person named this folder, and in a container it often belongs to another user. What
    # git's ownership check guards against, hooks and commands in its settings, is off or unused.
    command += ["-c", "safe.directory=*", "-c", "i18n.commitEncoding=UTF-8"]
    clean = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        # A folder inside another repository is not that repository.
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "LC_ALL": "C",
    }
    try:
        done = subprocess.run(  # noqa: S603  (no shell; refs and paths are checked or on stdin)
            [*command, *args],
            input=stdin,
            capture_output=True,
            env={**clean, **(environment or {})},
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RepositoryError(
            f"git {args[0]} in {repository} took longer than {TIMEOUT_S:.0f} s and was stopped; "
            "check the disk and run again"
        ) from error
    if done.returncode not in accept:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        raise RepositoryError(f"git {args[0]} failed in {repository}: {said[-1][:300]}")
    return done


def _text(repository: Path, *args: str, **options: Any) -> str:
    return _run(repository, *args, **options).stdout.decode("utf-8", "replace").strip()


def require_repository(path: Path) -> None:
    """Check that `path` is the root of a repository.

    Raises:
        UsageError: it is not; the message says what to give instead.
    """
    if not path.is_dir():
        raise UsageError(f"{path} is not a folder; give the root of a git repository")
    if _run(path, "rev-parse", "--git-dir", accept=(0, 128)).returncode:
        raise UsageError(
            f"{path} is not the root of a git repository; give the folder that holds .git"
        )


def resolve(path: Path, ref: str) -> str | None:
    """Commit id that `ref` names, or None."""
    if ref.startswith("-"):
        raise RepositoryError(f"{ref!r} is not a ref; give a branch, a tag or a commit id")
    done = _run(path, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", accept=(0, 1, 128))
    return done.stdout.decode().strip() or None


def default_branch(path: Path) -> tuple[str, str]:
    """Name and head commit of the default branch.

    The remote's default where a clone knows it; in a work tree `main` or `master`, because what
    is checked out may be somebody's work in progress; else the branch that HEAD names.

    Raises:
        UsageError: not a repository, or no commit on any of these.
    """
    require_repository(path)
    names = []
    remote = _text(path, "symbolic-ref", "--quiet", "refs/remotes/origin/HEAD", accept=(0, 1))
    head = _text(path, "symbolic-ref", "--quiet", "--short", "HEAD", accept=(0, 1))
    bare = _text(path, "rev-parse", "--is-bare-repository") == "true"
    if remote:
        names.append(remote.removeprefix("refs/remotes/origin/"))
    names += [head, "main", "master"] if bare else ["main", "master", head]
    for name in filter(None, names):
        sha = resolve(path, f"refs/heads/{name}") or resolve(path, f"refs/remotes/origin/{name}")
        if sha is not None:
            return name, sha
    raise UsageError(f"{path} has no commit on a branch; commit something and run again")


# -- reading ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    path: str
    mode: str
    blob: str
    size_bytes: int


def _entries(path: Path, commit: str, paths: Sequence[str] = ()) -> Iterator[_Entry]:
    """Plain files of a commit; symbolic links, submodules and undecodable names are left out."""
    args = ["--literal-pathspecs", "ls-tree", "-r", "-l", "-z", "--full-tree", commit]
    listing = _run(path, *args, "--", *paths).stdout
    for line in filter(None, listing.split(b"\0")):
        facts, _, name = line.partition(b"\t")
        mode, _, blob, size = facts.decode("ascii").split()
        try:
            decoded = name.decode("utf-8")
        except UnicodeDecodeError:
            continue
        # git says BAD for the size of a file whose content is missing, as in a partial clone.
        if mode in PLAIN_FILE_MODES and size.isdigit():
            yield _Entry(path=decoded, mode=mode, blob=blob, size_bytes=int(size))


def _texts(path: Path, entries: Sequence[_Entry]) -> dict[str, SourceFile]:
    """The entries that are UTF-8 text, by path."""
    wanted = "".join(f"{entry.blob}\n" for entry in entries).encode()
    content = _run(path, "cat-file", "--batch", stdin=wanted).stdout
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
    entries = list(_entries(path, sha))
    small = [entry for entry in entries if entry.size_bytes <= MAX_FILE_BYTES]
    small.sort(key=lambda entry: entry.size_bytes)
    kept: list[_Entry] = []
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
    return _texts(path, list(_entries(path, commit, names))) if names else {}


def read_all_files(path: Path, commit: str) -> dict[str, SourceFile]:
    """Every text file of `commit`, whatever its size."""
    return _texts(path, list(_entries(path, commit)))


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
    root = _text(path, "rev-list", "--max-parents=0", "--first-parent", head).split()
    is_shallow = _text(path, "rev-parse", "--is-shallow-repository") == "true"
    sha, at, _ = steps[-1]
    steps[-1] = (sha, at, {one.path: one.blob for one in _entries(path, sha)})
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
    for block in _run(path, *args, head, "--").stdout.split(b"\x01")[1:]:
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
    sizes = _run(path, "cat-file", "--batch-check", stdin=asked).stdout.decode("ascii", "replace")
    entries: list[_Entry] = []
    total_bytes = 0
    for line in sizes.splitlines():
        blob, kind, *size = line.split()
        size_bytes = int(size[0]) if kind == "blob" else MAX_FILE_BYTES + 1
        if size_bytes <= MAX_FILE_BYTES and total_bytes + size_bytes <= MAX_TOTAL_BYTES:
            total_bytes += size_bytes
            entries.append(_Entry(path=blob, mode="100644", blob=blob, size_bytes=size_bytes))
    return {blob: file.text for blob, file in _texts(path, entries).items()}


def blobs_of(path: Path, commit: str, paths: Iterable[str]) -> dict[str, str]:
    """Object ids of those of `paths` that are plain files in `commit`."""
    names = tuple(paths)
    return {entry.path: entry.blob for entry in _entries(path, commit, names)} if names else {}


def occupied(path: Path, commit: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Those of `paths` where something stands that is no plain file, or that lead through it.

    A symbolic link, a submodule or a folder: writing there would replace it, or write elsewhere.
    """
    wanted = tuple(paths)
    parents = {str(parent) for name in wanted for parent in PurePosixPath(name).parents} - {"."}
    args = ["--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--"]
    listing = _run(path, *args, *wanted, *sorted(parents)).stdout if wanted else b""
    modes = {}
    for line in filter(None, listing.split(b"\0")):
        facts, _, name = line.partition(b"\t")
        modes[name.decode("utf-8", "surrogateescape")] = facts.split()[0].decode("ascii")
    return tuple(name for name in wanted if _is_occupied(name, modes))


def _is_occupied(name: str, modes: Mapping[str, str]) -> bool:
    above = [modes.get(str(parent), FOLDER_MODE) for parent in PurePosixPath(name).parents]
    return modes.get(name, "100644") not in PLAIN_FILE_MODES or set(above) != {FOLDER_MODE}


def changed_paths(path: Path, base: str, head: str) -> tuple[str, ...]:
    """Files that differ between two commits."""
    listing = _run(path, "diff", "--name-only", "--no-renames", "-z", base, head).stdout
    return tuple(name.decode("utf-8", "replace") for name in listing.split(b"\0") if name)


def messages_between(path: Path, base: str, head: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Messages of the commits that `head` has and `base` has not and that change `paths`."""
    args = ["--literal-pathspecs", "log", "--format=%B%x01", f"{base}..{head}", "--", *paths]
    listing = _run(path, *args).stdout.decode("utf-8", "replace")
    return tuple(message.strip() for message in listing.split("\x01") if message.strip())


_PORCELAIN = re.compile(rb"([0-9a-f]{40,64}) \d+ (\d+)(?: \d+)?")


def line_commits(path: Path, commit: str, name: str) -> tuple[LineCommit, ...]:
    """Which commit each line of a file came in by, as `git blame` tells it.

    A change of white space alone leaves a line with whom it is from.
    """
    args = ["--literal-pathspecs", "blame", "--line-porcelain", "-w", commit, "--", name]
    found: list[dict[str, Any]] = []
    for raw in _run(path, *args).stdout.split(b"\n"):
        if raw.startswith(b"\t"):
            found[-1]["text"] = raw[1:].decode("utf-8", "replace").rstrip("\r")
        elif begins := _PORCELAIN.fullmatch(raw):
            found.append({"sha": begins[1].decode(), "number": int(begins[2])})
        elif raw:
            key, _, value = raw.decode("utf-8", "replace").partition(" ")
            found[-1][key] = value
    messages = {sha: _text(path, "log", "-1", "--format=%B", sha) for sha in _shas(found)}
    return tuple(
        LineCommit(
            number=one["number"],
            text=one["text"],
            sha=one["sha"],
            at=datetime.fromtimestamp(int(one["committer-time"]), UTC),
            author=one["author"],
            summary=one["summary"],
            message=messages[one["sha"]],
        )
        for one in found
    )


def _shas(found: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return dict.fromkeys(one["sha"] for one in found)


def refs_under(path: Path, prefix: str) -> list[tuple[str, str]]:
    """(ref, what it points at) of all refs whose name begins with `prefix`, which ends with `/`."""
    listing = _text(path, "for-each-ref", "--format=%(refname) %(objectname)", prefix)
    return [(ref, sha) for ref, sha in (line.split() for line in listing.splitlines())]


_LOG_FORMAT = "%H%x00%P%x00%an <%ae>%x00%cn <%ce>%x00%B%x01"


def commits_between(path: Path, base: str, head: str) -> tuple[CommitInfo, ...]:
    """Commits that `head` has and `base` has not, newest first."""
    found = []
    listing = _text(path, "log", f"--format={_LOG_FORMAT}", f"{base}..{head}", "--")
    for block in filter(None, (part.strip("\n") for part in listing.split("\x01"))):
        sha, parents, author, committer, message = block.split("\0", 4)
        found.append(
            CommitInfo(
                sha=sha,
                parents=tuple(parents.split()),
                author=author,
                committer=committer,
                message=message,
            )
        )
    return tuple(found)


def is_ancestor(path: Path, older: str, newer: str) -> bool:
    """`newer` contains `older`. A commit is its own ancestor."""
    return not _run(path, "merge-base", "--is-ancestor", older, newer, accept=(0, 1)).returncode


def merge_base(path: Path, one: str, other: str) -> str | None:
    """The newest commit that both have, or None where they share none."""
    return _text(path, "merge-base", one, other, accept=(0, 1)) or None


def commit_time(path: Path, sha: str) -> datetime:
    """When a commit was made."""
    return datetime.fromtimestamp(int(_text(path, "show", "-s", "--format=%ct", sha)), UTC)


def _when_seen(path: Path, branch: str, head: str) -> datetime | None:
    """When the branch first contained `head`, by its reflog; None where it keeps none."""
    args = ["log", "-g", "--date=unix", "--format=%H %gd", f"refs/heads/{branch}", "--"]
    entries = _run(path, *args, accept=(0, 128)).stdout.decode("utf-8", "replace").splitlines()
    seen = None
    for entry in entries:  # newest first
        sha, _, when = entry.partition(" ")
        at = re.search(r"@\{(\d+)\}$", when)
        if at is None or not is_ancestor(path, head, sha):
            break
        seen = datetime.fromtimestamp(int(at[1]), UTC)
    return seen


def _patch_ids(path: Path, patch: bytes) -> dict[str, str]:
    """Commit by patch id, for the output of `git diff` or `git log -p`."""
    lines = _run(path, "patch-id", "--stable", stdin=patch).stdout.decode().splitlines()
    pairs = [line.split() for line in lines]
    return {pair[0]: pair[1] for pair in reversed(pairs)}


def merge_of(path: Path, *, head: str, base: str, branch: str) -> Merge | None:
    """How `head`, proposed on `base`, came into `branch`: as an ancestor or as an equal patch.

    An equal patch (`git patch-id`) is a squash, a rebase or a cherry-pick of the whole change.
    None where it is not there.
    """
    tip = resolve(path, f"refs/heads/{branch}") or resolve(path, f"refs/remotes/origin/{branch}")
    if tip is None or resolve(path, head) is None:
        return None
    if is_ancestor(path, head, tip):
        return _merge_of_ancestor(path, head=head, tip=tip, branch=branch)
    start = merge_base(path, head, base) or base
    changed = _run(path, "diff", "--name-only", "-z", start, head).stdout.split(b"\0")
    paths = [name.decode("utf-8", "surrogateescape") for name in changed if name]
    wanted = _patch_ids(path, _run(path, "diff", start, head).stdout)
    if not wanted or not paths:
        return None
    walk = ["log", "-p", "-m", "--first-parent", "--format=commit %H", f"{start}..{tip}"]
    landed = _patch_ids(path, _run(path, "--literal-pathspecs", *walk, "--", *paths).stdout)
    for patch_id in wanted:
        if patch_id in landed:
            return Merge(sha=landed[patch_id], at=commit_time(path, landed[patch_id]))
    return None


def _merge_of_ancestor(path: Path, *, head: str, tip: str, branch: str) -> Merge:
    """The commit of the branch's own line that first had `head`."""
    line = _text(path, "rev-list", "--first-parent", f"{head}..{tip}").split()
    own = _text(path, "rev-list", "--first-parent", tip).split()
    if head in own:  # Fast-forward: the commit's own date is older than the merge.
        return Merge(sha=head, at=_when_seen(path, branch, head) or commit_time(path, head))
    first = next(sha for sha in reversed(line) if is_ancestor(path, head, sha))
    return Merge(sha=first, at=commit_time(path, first))


# -- writing ---------------------------------------------------------------------------------------


def commit_files(
    path: Path,
    files: Mapping[str, str],
    *,
    on: str | None,
    parents: Sequence[str],
    message: str,
    at: datetime | None = None,
) -> str:
    """Make a commit of the tree of `on` with these files changed; no ref moves.

    The same arguments give the same commit id: the author is fixed, and the date is `at` or else
    the date of `on`. File modes stay; a new file is plain.
    """
    blobs = {
        name: _text(path, "hash-object", "-w", "--stdin", stdin=text.encode("utf-8"))
        for name, text in files.items()
    }
    when = at or (commit_time(path, on) if on else datetime.fromtimestamp(0, UTC))
    with tempfile.TemporaryDirectory(prefix="debrief-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        modes = {}
        if on is not None:
            modes = {entry.path: entry.mode for entry in _entries(path, on, tuple(files))}
            _run(path, "read-tree", on, environment=index)
        lines = (f"{modes.get(name, '100644')} {blobs[name]}\t{name}\0" for name in files)
        _run(
            path,
            *("update-index", "--add", "-z", "--index-info"),
            stdin="".join(lines).encode("utf-8"),
            environment=index,
        )
        tree = _text(path, "write-tree", environment=index)
    date = f"{int(when.timestamp())} +0000"
    identity = {}
    for role in ("AUTHOR", "COMMITTER"):
        identity[f"GIT_{role}_NAME"] = AUTHOR_NAME
        identity[f"GIT_{role}_EMAIL"] = AUTHOR_EMAIL
        identity[f"GIT_{role}_DATE"] = date
    flags = [argument for parent in parents for argument in ("-p", parent)]
    return _text(
        path,
        *("commit-tree", tree, *flags),
        stdin=message.encode("utf-8"),
        environment=identity,
    )


def move_ref(path: Path, ref: str, sha: str, *, expected: str | None) -> bool:
    """Point `ref` at `sha` if it is still at `expected` (None: must not exist); False if not.

    Raises:
        RepositoryError: the ref is where we expected it, and git still said no.
    """
    # An empty old value means that the ref must not exist yet: git-update-ref(1).
    done = _run(path, "update-ref", ref, sha, expected or "", accept=(0, 1, 128))
    if done.returncode == 0:
        return True
    if resolve(path, ref) != expected:
        return False
    said = done.stderr.decode("utf-8", "replace").strip()[-300:]
    raise RepositoryError(f"git could not move {ref} in {path}: {said}")


def delete_ref(path: Path, ref: str, *, expected: str) -> bool:
    """Delete a ref; False where it is no longer at `expected`."""
    return _run(path, "update-ref", "-d", ref, expected, accept=(0, 1, 128)).returncode == 0


def is_checked_out(path: Path, branch: str) -> bool:
    """A work tree of this repository has the branch checked out, so moving it would disturb it."""
    ref = f"refs/heads/{branch}"
    return bool(_text(path, "for-each-ref", "--format=%(worktreepath)", ref))


def copy_commit(path: Path, sha: str, folder: Path) -> None:
    """Check `sha` out into a new repository at `folder`, which borrows the objects of `path`.

    Nothing is written at `path`; the copy has no remote, no hooks and no ref of it.

    Raises:
        RepositoryError: there is no such commit, or the folder cannot be written.
    """
    folder.mkdir()
    _run(folder, "init", "--quiet", "--template=", "--initial-branch=check")
    objects = _text(path, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    (folder / ".git/objects/info").mkdir(exist_ok=True)
    (folder / ".git/objects/info/alternates").write_text(f"{objects}\n")
    _run(folder, "checkout", "--quiet", "--detach", sha)


# -- where a checkout comes from -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What a checkout's remote has of it."""

    url: str
    """Of the remote `origin`; without credentials."""
    sha: str | None
    """The commit that is checked out, where a branch of the remote has it."""
    tag: str | None
    """A version's tag on that commit."""


def origin_of(path: Path) -> Origin | None:
    """Where the checkout at `path` was cloned from; None where it is no clone."""
    url = _text(path, "config", "--get", "remote.origin.url", accept=(0, 1, 128))
    if not url:
        return None
    sha = resolve(path, "HEAD")
    if sha is not None:
        there = _text(path, "for-each-ref", "--count=1", "--contains", sha, "refs/remotes/origin")
        sha = sha if there else None
    tags = _text(path, "tag", "--points-at", sha, "v*").split() if sha else []
    return Origin(url=re.sub(r"//[^/@]*@", "//", url), sha=sha, tag=tags[-1] if tags else None)
