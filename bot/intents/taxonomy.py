"""`.debrief/intents.yml`: what users try to do, in a file that the repository owns.

Text in, value out; the shell reads and writes the file. People edit it by hand, so that reading
says every problem at once and writing leaves every byte alone that did not have to change.
"""

from __future__ import annotations

import difflib
import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any, cast

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from bot.errors import SettingsError
from bot.intents.entries import (
    KEYS,
    LISTS,
    check_taxonomy,
    intent_of,
    levels_of,
    load,
    yaml_writer,
)
from bot.records import Intent, Taxonomy, short_hash

PATH = ".debrief/intents.yml"


def read_taxonomy(text: str) -> Taxonomy:
    """The taxonomy that the file's `text` holds.

    Raises:
        SettingsError: it has problems; the message lists the first three.
    """
    problems = check_taxonomy(text)
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise SettingsError(f"{PATH}: {'; '.join(problems[:3])}{more}")
    entries = cast("list[Mapping[str, Any]]", load(text).get("intents") or [])
    intents = tuple(intent_of(entry) for entry in entries)
    return Taxonomy(intents=intents, version=taxonomy_version(intents), source="repository")


def removed_since(earlier: Iterable[str], taxonomy: Taxonomy) -> tuple[Intent, ...]:
    """The entries of `earlier` texts of the file whose ids `taxonomy` no longer has.

    An earlier text that has problems says nothing.
    """
    now = {intent.id for intent in taxonomy.intents}
    found: dict[str, Intent] = {}
    for text in earlier:
        if not check_taxonomy(text):
            found |= {intent.id: intent for intent in read_taxonomy(text).intents}
    return tuple(intent for intent_id, intent in found.items() if intent_id not in now)


def write_taxonomy(taxonomy: Taxonomy, text: str = "") -> str:
    """`text` (the file as it is, or nothing) with the intents of `taxonomy` in it.

    Entries are found by id. Only what differs is touched, new ones are appended, none is removed.
    Comments, quotes, blank lines and indents of all other lines stay as they are.

    Raises:
        SettingsError: `text` has problems.
    """
    if not text.strip():
        document = CommentedMap(version=1, intents=[])
        _put(document, taxonomy.intents)
        return _dump(document)
    read_taxonomy(text)
    document = load(text)
    if not document.get("intents"):
        document["intents"] = []
    before = _dump(document)
    _put(document, taxonomy.intents)
    after = _dump(document)
    return text if after == before else _carried_over(text, before, after)


def _put(document: CommentedMap, intents: Iterable[Intent]) -> None:
    entries: dict[str, CommentedMap] = {entry["id"]: entry for entry in document["intents"]}
    for intent in intents:
        entry = entries.get(intent.id)
        if entry is None:
            document["intents"].append(CommentedMap(_entry(intent)))
        elif intent_of(entry) != _without_terms(intent):
            _update(entry, _entry(intent))


def _carried_over(text: str, before: str, after: str) -> str:
    """The change from `before` to `after`, made in `text`, which says the same as `before`.

    `before` is `text` as our writer forms it; what people formed otherwise has other lines there.
    Where such lines themselves must change, the file takes our form as a whole.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    own = text.replace("\r\n", "\n").splitlines(keepends=True)
    own[-1:] = [own[-1] if own[-1].endswith("\n") else f"{own[-1]}\n"]
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    place = _places(old, own)
    lines, reached = list[str](), 0
    for tag, low, high, start, end in _opcodes(old, new):
        if tag == "equal":
            continue
        first, last = place.get((low, "start")), place.get((high, "end"))
        if first is None or last is None or not reached <= first <= last:
            return after
        lines += [*own[reached:first], *new[start:end]]
        reached = last
    carried = "".join([*lines, *own[reached:]])
    if check_taxonomy(carried) or load(carried) != load(after):
        return after
    return carried.replace("\n", newline)


def _places(old: Sequence[str], own: Sequence[str]) -> dict[tuple[int, str], int]:
    """Where a change of `old` begins and ends in `own`: only beside lines that are the same."""
    places: dict[tuple[int, str], int] = {(0, "start"): 0, (len(old), "end"): len(own)}
    for tag, low, high, start, _ in _opcodes(old, own):
        if tag == "equal":
            for line in range(low, high):
                at = start + line - low
                places[line, "end"] = at  # a change that ends before this line
                places[line + 1, "start"] = at + 1  # one that begins after it
                places.setdefault((line, "start"), at)
                places.setdefault((line + 1, "end"), at + 1)
    return places


def _opcodes(one: Sequence[str], other: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    """Lines that differ in blanks alone count as the same: people align what they write."""
    a, b = (["".join(line.split()) for line in lines] for lines in (one, other))
    return difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()


def _dump(document: CommentedMap) -> str:
    """The document with its dashes where its writer puts them, or two in."""
    where = getattr(document["intents"], "lc", None)
    dash = 2 if where is None or where.col is None else where.col
    yaml = yaml_writer()
    yaml.indent(mapping=2, sequence=dash + 2, offset=dash)
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def taxonomy_version(intents: Iterable[Intent]) -> str:
    """12 hex digits of the set of intents: order, exemplars and telling terms do not count."""
    return short_hash(
        sorted(
            [i.id, i.name, i.definition, [*i.include], [*i.exclude], i.parent, i.status, [*i.into]]
            for i in intents
        ),
        length=12,
    )


def now_called(taxonomy: Taxonomy) -> dict[str, str]:
    """Each id that was ever given to the active intent that it stands for today.

    Merged ones lead on; those that were split or retired stand for nothing and are left out: what
    carried such a label has to be labelled anew.
    """
    by_id = {intent.id: intent for intent in taxonomy.intents}
    found: dict[str, str] = {}
    for intent in taxonomy.intents:
        at: Intent | None = intent
        for _ in range(len(by_id)):
            if at is None or at.status != "merged" or len(at.into) != 1:
                break
            at = by_id.get(at.into[0])
        if at is not None and at.status == "active":
            found[intent.id] = at.id
    return found


def level_of(intent: Intent, taxonomy: Taxonomy) -> int:
    """1 for an intent without a parent."""
    return levels_of(intent, {one.id: one for one in taxonomy.intents})


def _without_terms(intent: Intent) -> Intent:
    return intent_of(_entry(intent))


def _entry(intent: Intent) -> dict[str, Any]:
    """The keys that say something, in the order in which people read them."""
    values: dict[str, Any] = {key: getattr(intent, key) for key in KEYS}
    plain = {key: list(value) if key in LISTS else value for key, value in values.items()}
    # Twenty hashes are nothing to read: on one line and not on twenty.
    hashes = CommentedSeq(plain["exemplars"])
    hashes.fa.set_flow_style()
    plain["exemplars"] = hashes
    with suppress(TypeError, ValueError):  # nobody knows when, or a person wrote it in words
        plain["introduced"] = date.fromisoformat(values["introduced"])
    return {key: value for key, value in plain.items() if value or key in ("id", "name", "status")}


def _update(entry: CommentedMap, new: Mapping[str, Any]) -> None:
    for key in [key for key in entry if key not in new]:
        del entry[key]
    for key, value in new.items():
        if entry.get(key) != value:
            entry[key] = value
