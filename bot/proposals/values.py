"""The values that an argument of a tool may have, where the code or the tool's answers prove them.

Takes one refused argument and the agent's files; gives the list that its definition should have, or
a sentence that says why none can be told. What the code tests is what counts; where no code is at
hand, what the tool lists in its refusals, and no value of it that nothing else shows. No list gets
wider than what the tool takes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.figures import count
from bot.proposals.code import words_of
from bot.proposals.code.accepted import MOST, accepted_values
from bot.proposals.floors import MIN_CONVERSATIONS, MIN_USERS, is_safe_label
from bot.proposals.harness.places import find_function
from bot.proposals.refused import Refused
from bot.records import AgentFiles, Repository, Skipped, SourceFile
from bot.regions import NotParsed
from bot.regions.choices import find_choices
from bot.regions.listed import Listed

MIN_ACCEPTED = 10
"""Calls that were accepted, below which the tool's answers alone prove no list."""
TOLD = 0.95
"""Share of the refusals that list the same values."""
REFUSED = 0.2
"""Largest share of the refused values that the list may hold: more were refused for another
reason."""
_VALUE = r"[\"'`]?[\w.+-]{1,40}[\"'`]?"
_LIST = re.compile(rf"{_VALUE}(?:\s*(?:,\s*(?:or|and)\b|,|\||\bor\b|\band\b)\s*{_VALUE})+")
_WORD = r"(?<!\w){}(?!\w)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Values:
    """What the tool takes."""

    values: tuple[str, ...]
    known_from: str
    """The second half of a sentence: `the code in 'tools.py' takes these and no others`."""
    file: SourceFile | None = None
    listed: Listed | None = None
    """Where the definition lists them, or could; None where it has no place for a list."""


def values_of(seen: Refused, files: AgentFiles, repository: Repository) -> Values | Skipped | None:
    """The list that the definition of the argument should have; None where there is no list."""
    paths = dict.fromkeys((*files.harness, *files.prompts, *files.configs))
    own = [repository.files[path] for path in paths if path in repository.files]
    lists = _lists(own, seen)
    known = _known(seen, files, repository, own)
    if known is None:
        known = _without_refused(seen, lists)
    if known is None or isinstance(known, Skipped):
        return known
    values, known_from = known
    what = f"the values of an argument of {files.agent}'s tools"
    if len(lists) > 1:
        places = ", ".join(sorted({repr(file.path) for file, _ in lists}))
        reason = f"{len(lists)} places define it ({places}); keep one, or name one in the settings."
        return Skipped(what=what, code="ambiguous", reason=reason)
    if not lists:
        return Values(values=values, known_from=known_from)
    file, listed = lists[0]
    if set(listed.values) == set(values):
        reason = f"{listed.anchor} in {file.path!r} lists what the tool takes; it is refused still."
        return Skipped(what=what, code="said_already", reason=reason)
    kept = [value for value in listed.values if value in values]
    return Values(
        values=(*kept, *(value for value in values if value not in kept)),
        known_from=known_from,
        file=file,
        listed=listed,
    )


def _lists(files: Sequence[SourceFile], seen: Refused) -> list[tuple[SourceFile, Listed]]:
    found: list[tuple[SourceFile, Listed]] = []
    for file in files:
        try:
            listed = find_choices(file.path, file.text)
        except NotParsed:
            continue
        found += [
            (file, one)
            for one in listed
            if one.argument == seen.argument and words_of(one.tool) == words_of(seen.tool)
        ]
    return found


def _known(
    seen: Refused, files: AgentFiles, repository: Repository, own: Sequence[SourceFile]
) -> tuple[tuple[str, ...], str] | Skipped | None:
    """(values, how they are known): by the code, else by what the tool says of itself."""
    told = _told(seen)
    messages = [error for _, error in seen.errors]
    function = find_function(seen.tool, messages, files, repository)
    coded: tuple[str, ...] | None = None
    if not isinstance(function, Skipped):
        place = (function.start, function.end)
        texts = {file.path: file.text for file in own}
        coded = accepted_values(function.file.path, place, seen.argument, texts)
    if coded is not None and not isinstance(function, Skipped):
        if told is not None and set(told) != set(coded):
            reason = (
                f"Its code in {function.file.path!r} takes {count(len(coded), 'value')}, and in "
                f"production the tool lists {len(told)} others or more; deploy the code first."
            )
            what = f"the values of an argument of {files.agent}'s tools"
            return Skipped(what=what, code="production_differs", reason=reason)
        if _fits(seen, coded):
            return coded, f"the code in `{function.file.path}` takes these and no others"
    if told is None or not _fits(seen, told) or len(seen.accepted) < MIN_ACCEPTED:
        return None
    shown = {*seen.accepted, *(one for one in told if _stands_in(one, own))}
    if not set(told) <= shown or not all(map(is_safe_label, told)):
        return None
    return told, "the tool lists these in its refusals and takes them"


def _fits(seen: Refused, values: Sequence[str]) -> bool:
    """All that was accepted is among them, and what was refused is not."""
    folded = {value.casefold() for value in values}
    inside = sum(value in values for value in seen.refused)
    return inside <= REFUSED * len(seen.refused) and all(
        value.casefold() in folded for value in seen.accepted
    )


def _told(seen: Refused) -> tuple[str, ...] | None:
    """The values that the refusals list, where several users' say the same."""
    lists: Counter[tuple[str, ...]] = Counter()
    units: dict[tuple[str, ...], set[str]] = {}
    for unit, error in seen.errors:
        for found in _LIST.finditer(error):
            parts = re.findall(_VALUE, found[0])
            values = [part.strip("\"'`").rstrip(".") for part in parts]
            values = [value for value in values if value not in {"or", "and", ""}]
            if set(values) & set(seen.accepted):
                key = tuple(dict.fromkeys(values))
                lists[key] += 1
                units.setdefault(key, set()).add(unit)
    if not lists:
        return None
    (told, times), *_ = lists.most_common(1)
    is_sure = times >= TOLD * len(seen.errors) and len(units[told]) >= MIN_USERS
    return told if is_sure and 2 <= len(told) <= MOST else None


def _stands_in(value: str, files: Sequence[SourceFile]) -> bool:
    word = re.compile(_WORD.format(re.escape(value)))
    return any(word.search(file.text) for file in files)


def _without_refused(
    seen: Refused, lists: Sequence[tuple[SourceFile, Listed]]
) -> tuple[tuple[str, ...], str] | None:
    """The definition's own list without what was always refused, to several users."""
    if len(lists) != 1 or not lists[0][1].values:
        return None
    refused = Counter(seen.refused)
    taken = {value.casefold() for value in seen.accepted}
    gone = {
        value
        for value, times in refused.items()
        if times >= MIN_CONVERSATIONS
        and len(seen.units[value]) >= MIN_USERS
        and value.casefold() not in taken
    }
    kept = tuple(value for value in lists[0][1].values if value not in gone)
    if len(kept) < 2 or len(kept) == len(lists[0][1].values):
        return None
    if not taken & {value.casefold() for value in kept}:
        return None
    return kept, "the tool refused the others each time, and takes these"
