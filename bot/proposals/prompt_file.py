"""Which text of the repository did these conversations run on?

Takes the agent's files and the system prompts that were captured; gives the prompt that a change
belongs in, be it a whole file, a field of YAML or a string in code. Placeholders are wildcards: the
text between them has to be found in what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.figures import percent
from bot.records import AgentFiles, Repository, Skipped, SourceFile
from bot.regions import NotParsed, Region, find_regions

MATCHES = 0.5
"""From this share of a text on, it is what was sent."""
SENT_WHOLE = 0.9
"""From this share of a text on, it is a part of the prompt; an older version has less."""
MIN_LINES = 3
"""Shorter texts are no place for a rule: a role, a greeting."""
MIN_SEGMENT_CHARS = 12
"""Shorter pieces are found anywhere."""
_CUT = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\$?\{[^{}\n]{1,80}\}|\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptFile:
    """The prompt to change and how well production matches it."""

    file: SourceFile
    region: Region
    match: float | None
    """Share of the text found in the captured system prompts, 0..1; None where none was captured,
    so that the text was taken for being the only one."""
    beside: tuple[tuple[SourceFile, Region], ...] = ()
    """Other texts of several lines that were sent with it, the longest first: an include, a
    constant that is added."""

    @property
    def text(self) -> str:
        """The prompt as the program reads it."""
        return self.region.text

    @property
    def whole(self) -> str:
        """All that is known to be sent, in no order."""
        return "\n\n".join([self.text, *(region.text for _, region in self.beside)])


def choose_prompt_file(
    files: AgentFiles, repository: Repository, systems: Sequence[str]
) -> PromptFile | Skipped:
    """The prompt whose text is in most of `systems`; without systems, the only one.

    Several texts may be parts of one prompt: the one with most text in it is taken, less what was
    not sent, so that an older version that lies around with one rule more is not.
    """
    unread: list[str] = []
    known = list(_prompts(files, repository, unread))
    if not known:
        missing = "no prompt of this agent was found; name its file under `prompts` in the settings"
        return replace(_no_file(files, missing), detail=" ".join(unread))
    if not systems:
        if len(known) > 1:
            return _no_file(
                files,
                f"no system prompt was captured, so nobody can tell which of {len(known)} prompts "
                "is live; record system instructions, or name one file in the settings",
            )
        file, region = known[0]
        return PromptFile(file=file, region=region, match=None)
    folded = [_folded(system) for system in systems]
    matches = [(_match(region.text, folded), file, region) for file, region in known]
    share, file, best = max(
        matches, key=lambda found: (found[0] >= MATCHES, (2 * found[0] - 1) * len(found[2].text))
    )
    if share < MATCHES:
        return _no_file(
            files,
            f"only {percent(share)} of the text of {file.path} is in the captured system prompts, "
            "so production runs on another text; deploy the file, or name the one that is live "
            "under `prompts` in the settings",
        )
    return PromptFile(file=file, region=best, match=share, beside=_sent_beside(best, matches))


def _sent_beside(
    best: Region, matches: Sequence[tuple[float, SourceFile, Region]]
) -> tuple[tuple[SourceFile, Region], ...]:
    """Texts that were sent whole, each once: no other version of one that is known already."""
    found: list[tuple[SourceFile, Region]] = []
    for share, file, region in sorted(matches, key=lambda one: -len(one[2].text)):
        known = [best, *(one for _, one in found)]
        is_new = all(_match(region.text, [_folded(one.text)]) < MATCHES for one in known)
        if share >= SENT_WHOLE and is_new and region.text.strip().count("\n") >= MIN_LINES - 1:
            found.append((file, region))
    return tuple(found)


def _prompts(
    files: AgentFiles, repository: Repository, unread: list[str]
) -> Iterator[tuple[SourceFile, Region]]:
    """The prompts in the agent's files; what does not parse is named in `unread`."""
    for path in dict.fromkeys((*files.prompts, *files.harness, *files.configs)):
        file = repository.files.get(path)
        if file is None:
            continue
        try:
            regions = find_regions(path, file.text)
        except NotParsed as error:
            unread.append(f"({path} does not parse: {error})")
            continue
        yield from ((file, region) for region in regions if region.kind == "prompt")


def _match(template: str, systems: Sequence[str]) -> float:
    """Mean share of the fixed text of `template` that stands in a system prompt."""
    segments = [_folded(part) for part in _CUT.split(template)]
    segments = [part for part in segments if len(part) >= MIN_SEGMENT_CHARS]
    total = sum(map(len, segments))
    if not total:
        return 0.0
    found = (sum(len(part) for part in segments if part in system) for system in systems)
    return sum(found) / total / len(systems)


def _folded(text: str) -> str:
    return " ".join(text.split())


def _no_file(files: AgentFiles, why: str) -> Skipped:
    return Skipped(
        what=f"a change to the prompt of {files.agent}",
        code="no_file",
        reason=f"{why[0].upper()}{why[1:]}.",
    )
