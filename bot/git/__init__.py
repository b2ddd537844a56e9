"""The only package that runs git: reads one commit, writes commits and refs, knows what was merged.

Takes a folder that is a repository, bare or not. Never touches the person's work tree, index or
configuration: trees are built in a temporary index, hooks and user settings are off, nothing is
fetched or pushed. Costs a few milliseconds a call.
"""

from bot.git.commits import (
    AUTHOR_EMAIL,
    AUTHOR_NAME,
    FINGERPRINT,
    PROPOSAL,
    CommitInfo,
    LineCommit,
    changed_paths,
    commit_time,
    commits_between,
    is_ancestor,
    is_made_for,
    line_commits,
    merge_base,
    messages_between,
    refs_under,
    trailer,
)
from bot.git.files import (
    MAX_FILE_BYTES,
    blobs_of,
    occupied,
    read_all_files,
    read_file_history,
    read_files,
    read_repository,
)
from bot.git.merges import Merge, merge_of
from bot.git.origin import Origin, origin_of
from bot.git.running import default_branch, require_repository, resolve
from bot.git.writing import commit_files, copy_commit, delete_ref, is_checked_out, move_ref

__all__ = [
    "AUTHOR_EMAIL",
    "AUTHOR_NAME",
    "FINGERPRINT",
    "MAX_FILE_BYTES",
    "PROPOSAL",
    "CommitInfo",
    "LineCommit",
    "Merge",
    "Origin",
    "blobs_of",
    "changed_paths",
    "commit_files",
    "commit_time",
    "commits_between",
    "copy_commit",
    "default_branch",
    "delete_ref",
    "is_ancestor",
    "is_checked_out",
    "is_made_for",
    "line_commits",
    "merge_base",
    "merge_of",
    "messages_between",
    "move_ref",
    "occupied",
    "origin_of",
    "read_all_files",
    "read_file_history",
    "read_files",
    "read_repository",
    "refs_under",
    "require_repository",
    "resolve",
    "trailer",
]
