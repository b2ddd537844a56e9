"""Commands that keep the store in order: erase, expire, compact."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bot.commands.derived import LABELS
from bot.commands.shell import Shell, exit_code
from bot.errors import UsageError
from bot.figures import count
from bot.git import read_all_files, refs_under, require_repository
from bot.records import Degraded, short_hash
from collector.store import Store, open_store
from collector.store.proof import SHORTEST_ID
from collector.store.schema import TABLES
from collector.store.upkeep import Erased

_LINES = 20
"""Places that are told one by one; `--json` has all."""


def erase(shell: Shell, given: argparse.Namespace) -> int:
    """Hide a person or a conversation at once, rewrite the files that hold them, and search the
    store for what is left; say which pull requests and repository paths still name them."""
    repository = Path(given.repo) if given.repo else None
    if repository:
        require_repository(repository)
    store = open_store(shell.store_path, create=False)
    if not any(store.files.list(table) for table in TABLES):
        raise UsageError(
            f"there is nothing in the store {store.address}, so nothing was erased; name another "
            "with --store or DEBRIEF_STORE"
        )
    labelled = _labelled(store)
    with shell.working("erasing"):
        erased = store.erase(
            user_id=given.user,
            conversation_id=given.conversation,
            now=shell.now,
            redact=store.redactor(key=shell.redaction_key()),
        )
    conversations = {*erased.conversation_ids, given.conversation} - {None}
    # A taxonomy cites conversations by this hash.
    hashes = {short_hash(*key, length=16) for key in labelled if key[1] in conversations}
    raw = {name for name in (given.user,) if name and len(name) >= SHORTEST_ID}
    names = sorted({*conversations, *erased.user_ids, *hashes, *raw})
    pulls = _pull_requests(store, names)
    paths = list(_paths(repository, names)) if repository else None
    degraded = _degraded(erased)
    if shell.json:
        shell.emit(
            {
                **asdict(erased),
                "pull_requests": pulls,
                "paths": paths,
                "degraded": [asdict(one) for one in degraded],
            }
        )
    else:
        for line in _told(erased, pulls, paths, degraded):
            shell.say(line)
    return exit_code(degraded)


def expire(shell: Shell, given: argparse.Namespace) -> int:
    """Remove whole days of conversations."""
    before_day = shell.since(given.older_than, option="--older-than").date()
    with shell.working("removing"):
        removed = open_store(shell.store_path, create=False).expire(before_day)
    if shell.json:
        shell.emit({"before_day": before_day.isoformat(), "days_removed": removed})
    else:
        shell.say(f"Removed what was received before {before_day}: {count(removed, 'day')}.")
    return 0


def compact(shell: Shell, given: argparse.Namespace) -> int:
    """Merge the small files of closed days; with `--keep`, remove old days first."""
    store = open_store(shell.store_path, create=False)
    removed = 0
    with shell.working("compacting"):
        if given.keep:
            removed = store.expire(shell.since(given.keep, option="--keep").date())
        done = store.compact(shell.now, grace_s=given.grace)
    if shell.json:
        shell.emit({**asdict(done), "days_removed": removed})
    else:
        shell.say(
            f"Compacted: {count(done.files_before, 'file')} of closed days became "
            f"{done.files_after:,}; {count(removed, 'day')} removed."
        )
    return 0


def _told(
    erased: Erased, pulls: Sequence[str], paths: Sequence[str] | None, degraded: Sequence[Degraded]
) -> Iterator[str]:
    proof = erased.proof
    yield (
        f"Erased: {count(len(erased.conversation_ids), 'conversation id')}, "
        f"{count(len(erased.trace_ids), 'trace')}; "
        f"{count(erased.files_rewritten, 'file')} rewritten."
    )
    yield (
        f"Searched {count(proof.files, 'file')}, {proof.searched_bytes / 1e6:,.1f} MB: "
        f"{count(proof.ids, 'id')} and {count(proof.phrases, 'phrase')} of what was said."
    )
    if not erased.files_rewritten:
        yield (
            "No row was of this id, unless it was erased before: is it what the application sends?"
        )
    elif not proof.remnants:
        yield "Nothing is left."
    if proof.audit_entries:
        yield f"The audit still names ids, and no words: {count(proof.audit_entries, 'file')}."
    if proof.elsewhere:
        yield (
            "The same words stand in conversations that are not this person's, as far as their ids "
            f"say: {_few(proof.elsewhere)}."
        )
    if pulls:
        yield f"Pull requests that name the conversations: {_few(pulls)}."
    if paths is None:
        yield "No repository was searched; give --repo DIR."
    elif paths:
        yield f"Repository paths that name them: {_few(paths)}."
    for one in degraded:
        yield one.sentence


def _degraded(erased: Erased) -> list[Degraded]:
    if not erased.proof.remnants:
        return []
    places = sorted({f"{one.place} ({one.what})" for one in erased.proof.remnants})
    sentence = f"Still there: {_few(places)}; run the command again, or remove these files."
    return [Degraded(code="remnants", sentence=sentence)]


def _labelled(store: Store) -> set[tuple[str, str]]:
    """(agent, conversation_id) of every conversation that the last run labelled."""
    try:
        table = pq.read_table(store.root / LABELS, columns=["agent", "conversation_id"])
    except (OSError, pa.ArrowInvalid):
        return set()
    return set(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _pull_requests(store: Store, names: Sequence[str]) -> list[str]:
    """The pull requests whose evidence names one of the ids, by the ledger; a proposal that was
    never opened by its own id."""
    rows = store.scan("ledger", columns=["subject", "entry"]).to_pylist()
    cited = {row["subject"] for row in rows if _names_one(row["entry"], names)}
    references: dict[str, str] = {}
    for row in rows:
        if row["subject"] in cited:
            said = json.loads(row["entry"])
            reference = said.get("url") or said.get("reference")
            references[row["subject"]] = reference or references.get(row["subject"], row["subject"])
    return sorted(set(references.values()))


def _paths(repository: Path, names: Sequence[str]) -> Iterator[str]:
    """Files that name one of the ids: of `.debrief`, and of pull requests that git keeps."""
    for path in sorted((repository / ".debrief").rglob("*")):
        if path.is_file() and _names_one(path.read_text("utf-8", errors="replace"), names):
            yield path.relative_to(repository).as_posix()
    for ref, commit in refs_under(repository, "refs/debrief/"):
        for name, file in read_all_files(repository, commit).items():
            if _names_one(file.text, names):
                yield f"{ref}:{name}"


def _names_one(text: str, names: Sequence[str]) -> bool:
    """Whether one of the ids stands in it, and not only as a part of a longer one."""
    return any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) for name in names)


def _few(places: Sequence[str]) -> str:
    more = f" and {len(places) - _LINES} more" if len(places) > _LINES else ""
    return f"{', '.join(places[:_LINES])}{more}"
