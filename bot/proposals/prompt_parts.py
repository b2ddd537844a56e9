"""Of a prompt that a program puts together from several texts, the one that a rule belongs in.

Takes the prompt that most of was found in and a rule in any words; gives the prompt with the text
to change. Costs nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from pathlib import PurePosixPath

from bot.proposals.nearest import nearest_sections
from bot.proposals.prompt_file import PromptFile
from bot.records import SourceFile
from bot.regions import Region


def part_for(prompt: PromptFile, rule: str) -> PromptFile:
    """The text with the section nearest to `rule`; the largest one where none is near."""
    parts = [(prompt.file, prompt.region), *prompt.beside]
    text = ""
    starts: list[int] = []
    for file, region in parts:
        starts.append(len(text))
        text += f"# {_subject(file, region)}\n\n{region.text}\n\n"
    nearest = nearest_sections(text, rule) if prompt.beside else ()
    if not nearest:
        return prompt
    file, region = parts.pop(bisect_right(starts, nearest[0].start) - 1)
    return replace(prompt, file=file, region=region, beside=tuple(parts))


def _subject(file: SourceFile, region: Region) -> str:
    """What a text is called: by its variable, else by its file."""
    return region.anchor or PurePosixPath(file.path).name.partition(".")[0]
