"""Who should look at a change: the repository's CODEOWNERS, read as GitHub reads it.

Takes the file's text and the paths of a change, gives names. Rules (GitHub docs, "About code
owners"): the last line that matches a path decides; a line without owners takes them away; `!`,
`[ ]` and escaping by backslash are not supported and such lines are skipped, as GitHub does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pathspec import GitIgnoreSpec

from bot.gitignore import gitignore

CODEOWNERS_PATHS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks; the first that exists counts. Read them on the pull request's base."""
MAX_OWNERS = 15
"""GitHub requests reviews of at most 15 people and teams."""
_OWNER = re.compile(r"(?<!\S)@([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:/[A-Za-z0-9_.-]+)?)")


def owners_of(codeowners: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Users (`alice`) and teams (`acme/support`) that own any of `paths`, most paths first.

    At most `MAX_OWNERS`. E-mail addresses are left out: reviews are requested by name.
    """
    rules = _rules(codeowners)
    votes: dict[str, int] = {}
    for path in paths:
        for owner in next((owners for spec, owners in rules if spec.match_file(path)), ()):
            votes[owner] = votes.get(owner, 0) + 1
    ordered = sorted(votes, key=lambda owner: -votes[owner])
    return tuple(ordered[:MAX_OWNERS])


def _rules(codeowners: str) -> list[tuple[GitIgnoreSpec, tuple[str, ...]]]:
    """Pattern and owners of each line, the last line first."""
    rules = []
    for line in reversed(codeowners.splitlines()):
        pattern, _, owners = _without_comment(line).partition(" ")
        if not pattern or pattern.startswith("!") or "[" in pattern or "\\" in pattern:
            continue
        # `docs/*` owns the files in docs only; in .gitignore it would cover folders in it too.
        spec = [pattern, f"!{pattern}/**"] if pattern.endswith("/*") else [pattern]
        rules.append((gitignore(spec), tuple(_OWNER.findall(owners))))
    return rules


def _without_comment(line: str) -> str:
    return " ".join(re.sub(r"(?:^|\s)#.*", "", line).split())
