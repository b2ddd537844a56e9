"""Do the globs of the settings name anything?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.checked_yaml import Mistake, lines_of
from bot.gitignore import gitignore
from bot.settings import Settings

KINDS = ("prompts", "harness", "configs", "thresholds")
NEVER_TOUCHED = (".github/debrief.yml", ".github/workflows/debrief.yml", ".debrief/intents.yml")
"""Files that no proposal may edit, whatever `allow` says; `.github/**` as a whole is one rule."""


def glob_warnings(settings: Settings, text: str, paths: Sequence[str]) -> tuple[Mistake, ...]:
    """Globs of the settings that match none of the repository's `paths`, or what may never change.

    `text`: the settings as they were written, for the lines.
    """
    lines = lines_of(text)
    found = []
    for location, glob in _globs(settings):
        matches = gitignore([glob]).match_file
        key = ".".join(map(str, location))
        line = lines.get(location)
        if not any(map(matches, paths)):
            sentence = f"`{key}`: {glob!r} matches no file of the repository"
            found.append(Mistake(line=line, key=key, sentence=sentence))
        elif location[0] == "allow" and any(map(matches, NEVER_TOUCHED)):
            sentence = f"`{key}`: {glob!r} covers Debrief's own files, which it never edits"
            found.append(Mistake(line=line, key=key, sentence=sentence))
    return tuple(found)


def _globs(settings: Settings) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Every glob with its place in the file."""
    for number, agent in enumerate(settings.agents):
        for kind in KINDS:
            for position, glob in enumerate(getattr(agent, kind)):
                yield ("agents", number, kind, position), glob
    for position, glob in enumerate(settings.allow):
        yield ("allow", position), glob
