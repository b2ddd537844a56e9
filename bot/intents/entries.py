"""The entries of the taxonomy's file as values, and each mistake in it with its line.

Text in, values out. Refuses nothing: what is wrong is a sentence, since people edit the file by
hand and want to know all of it at once.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, cast, get_args, get_type_hints

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from bot.records import Intent

MAX_BYTES = 2_000_000
MAX_LEVELS = 3

LISTS = ("include", "exclude", "into", "exemplars")
TEXTS = ("id", "name", "definition", "parent", "status", "introduced")
KEYS = [
    "id",
    "name",
    "definition",
    "include",
    "exclude",
    "parent",
    "status",
    "into",
    "introduced",
    "exemplars",
]  # in the order in which they are written
_STATUSES: tuple[str, ...] = get_args(get_type_hints(Intent)["status"])
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_CONFLICT = ("<<<<<<<", ">>>>>>>")
"""What Git leaves in a file that two people changed."""


def check_taxonomy(text: str) -> list[str]:
    """What is wrong with the file, a sentence each with its line; empty where nothing is."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        return [f"it is larger than {MAX_BYTES} bytes"]
    for line, said in enumerate(text.splitlines(), start=1):
        if said.startswith(_CONFLICT):
            return [f"line {line}: a conflict is left here ({said[:7]}); keep one of the two sides"]
    try:
        document = load(text)
    except YAMLError as error:
        return [_no_yaml(error)]
    except ValueError as error:
        return [_no_date(text, error)]
    except RecursionError:
        return ["it is no YAML: it is nested too deeply"]
    if document is None:
        return ["it is empty; it must be a mapping: version: 1, and intents: with a list"]
    if not isinstance(document, Mapping):
        return ["it must be a mapping with the keys version and intents"]
    problems = [
        f"{_at(document, key)}{said}"
        for key in document
        if (said := _unknown("the file", key, ("version", "intents")))
    ]
    if "version" not in document:
        problems.append("it does not say version: 1")
    elif document["version"] != 1:
        wrong = f"version must be 1, not {document['version']!r}"
        problems.append(f"{_at(document, 'version')}{wrong}")
    entries = [] if document.get("intents") is None else document["intents"]
    if wrong := _no_mappings(document, entries):
        return [*problems, wrong]
    for number, entry in enumerate(entries, start=1):
        problems += _entry_problems(f"intent {entry.get('id') or f'number {number}'}", entry)
    return problems or [*_reference_problems(entries)]


def load(text: str) -> CommentedMap:
    """The file as it stands, with comments and places; raises what ruamel.yaml raises."""
    return cast("CommentedMap", yaml_writer().load(text))


def yaml_writer() -> YAML:
    """Reads and writes; what people quoted stays quoted."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 10_000  # a wrapped list ends its lines in blanks
    yaml.preserve_quotes = True
    return yaml


def intent_of(entry: Mapping[str, Any]) -> Intent:
    """An entry without mistakes as a value."""

    def text(key: str) -> str | None:
        value = entry.get(key)
        return None if value is None else str(value)

    def texts(key: str) -> tuple[str, ...]:
        return tuple(str(value) for value in entry.get(key) or ())

    return Intent(
        id=str(entry["id"]),
        name=str(entry["name"]),
        definition=text("definition") or "",
        include=texts("include"),
        exclude=texts("exclude"),
        parent=text("parent"),
        status=entry.get("status", "active"),
        into=texts("into"),
        introduced=text("introduced"),
        exemplars=texts("exemplars"),
    )


def levels_of(intent: Intent, by_id: Mapping[str, Intent]) -> int:
    """1 for an intent without a parent; one more than `MAX_LEVELS` at most."""
    levels = 1
    parent = by_id.get(intent.parent or "")
    while parent is not None and levels <= MAX_LEVELS:
        levels, parent = levels + 1, by_id.get(parent.parent or "")
    return levels


# -- mistakes ------------------------------------------------------------------------------------


def _no_mappings(document: Mapping[str, Any], entries: object) -> str:
    """A sentence where `entries` is no list of mappings, else nothing."""
    if not isinstance(entries, list):
        return f"{_at(document, 'intents')}intents must be a list of mappings"
    for number, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            wrong = f"intents must be a list of mappings with id and name; this one is {entry!r}"
            return f"{_at(entries, number)}{wrong}"
    return ""


def _no_date(text: str, error: ValueError) -> str:
    for line, said in enumerate(text.splitlines(), start=1):
        for written in _DATE.findall(said):
            try:
                date.fromisoformat(written)
            except ValueError:
                return f"line {line}: {written} is no date: {error}"
    return f"it is no YAML: {' '.join(str(error).split())}"


def _no_yaml(error: YAMLError) -> str:
    """One sentence, with the line where the reader can mend it."""
    if isinstance(error, ReaderError):
        return f"it is no YAML: it holds the character #x{error.character:04x}; take it out"
    if not isinstance(error, MarkedYAMLError):
        return f"it is no YAML: {' '.join(str(error).split())}"
    context, problem = str(error.context or ""), str(error.problem or "")
    # A quote that is never closed is missed at the end of the file: what opened it is the place.
    mark = error.context_mark if "quoted scalar" in context else error.problem_mark
    where = f"line {mark.line + 1}: " if mark is not None else ""
    return f"{where}it is no YAML: {_said_of(context, problem)}"


def _said_of(context: str, problem: str) -> str:
    if "quoted scalar" in context:
        return "a quote is opened here and never closed"
    if "mapping values are not allowed" in problem:
        return "put a text with a colon in quotes, and begin all keys of an intent in one column"
    if r"'\t'" in problem:
        return "lines are indented by blanks and not by tabs"
    if "duplicate key" in problem:
        return f"{problem.split(' with value')[0]}; keep one"
    if "found another document" in problem:
        return "a second document begins here; keep one"
    return " ".join(problem.split()) or context


def _entry_problems(where: str, entry: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with one entry alone."""
    for key in entry:
        if said := _unknown(where, key, KEYS):
            yield f"{_at(entry, key)}{said}"
    for key in ("id", "name"):
        if not entry.get(key):
            yield f"{_at(entry)}{where} has no {key}"
    for key in TEXTS:
        value = entry.get(key)
        if value is not None and not isinstance(value, str | date):
            hint = "write one" if isinstance(value, list | Mapping) else "put it in quotes"
            yield f"{_at(entry, key)}{where}: {key} must be text, not {value!r}; {hint}"
    for key in LISTS:
        value = entry.get(key)
        if value is None or (
            isinstance(value, list) and all(isinstance(item, str) for item in value)
        ):
            continue
        hint = "put each in quotes" if isinstance(value, list) else f"write [{value}]"
        yield f"{_at(entry, key)}{where}: {key} must be a list of texts; {hint}"
    status = entry.get("status", "active")
    if status not in _STATUSES:
        known = ", ".join(_STATUSES)
        yield f"{_at(entry, 'status')}{where}: status must be one of {known}, not {status!r}"


def _reference_problems(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with the entries together: repeats, ids that lead nowhere or in a circle."""
    intents = [intent_of(entry) for entry in entries]
    by_id = {intent.id: intent for intent in intents}
    yield from _repeats(intents, entries)
    for intent, entry in zip(intents, entries, strict=True):
        for key, targets in (("parent", (intent.parent,)), ("into", intent.into)):
            for target in targets:
                if target is not None and target not in by_id:
                    yield f"{_at(entry, key)}{_leads_nowhere(intent, key, target, intents)}"
        for key, said in (
            *_family_problems(intent, by_id),
            *_end_problems(intent, by_id),
        ):
            yield f"{_at(entry, key)}intent {intent.id} {said}"


def _repeats(intents: Sequence[Intent], entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    ids, names = defaultdict(list), defaultdict(list)
    for intent, entry in zip(intents, entries, strict=True):
        ids[intent.id].append(entry)
        if intent.status == "active":
            names[intent.name.casefold()].append(entry)
    for intent_id, own in ids.items():
        if len(own) > 1:
            said = f"intent {intent_id} is there {len(own)} times; an id is never used again"
            yield f"{_at(own[1], 'id')}{said}"
    for name, own in names.items():
        if len(own) > 1:
            yield f"{_at(own[1], 'name')}{len(own)} active intents are called {name!r}"


def _leads_nowhere(intent: Intent, key: str, target: str, intents: Iterable[Intent]) -> str:
    said = f"intent {intent.id}: {key} names {target!r}, which is not in the file"
    meant = [one.id for one in intents if one.name.casefold() == target.casefold()]
    return f"{said}; the intent of that name has the id {meant[0]!r}" if meant else said


def _family_problems(intent: Intent, by_id: Mapping[str, Intent]) -> Iterator[tuple[str, str]]:
    """The key, and what is wrong with it."""
    if _is_above_itself(intent, by_id):
        yield "parent", "has itself above it: its parents lead in a circle"
    elif levels_of(intent, by_id) > MAX_LEVELS:
        yield "parent", f"is on a level below the {MAX_LEVELS} that there may be"
    parent = by_id.get(intent.parent or "")
    if intent.status == "active" and parent is not None and parent.status != "active":
        yield "parent", f"is active under {parent.id}, which is {parent.status}"


def _end_problems(intent: Intent, by_id: Mapping[str, Intent]) -> Iterator[tuple[str, str]]:
    if intent.status in ("merged", "split") and not intent.into:
        yield "status", f"is {intent.status} and does not say into which (key into)"
    if intent.status in ("active", "retired") and intent.into:
        yield "into", f"is {intent.status} and has the key into: set its status to merged or split"
    if intent.status == "merged" and len(intent.into) > 1:
        yield "into", f"is merged into {len(intent.into)}: what becomes several is split"
    if intent.status == "split" and len(intent.into) == 1:
        yield "into", "is split into one: what becomes one is merged"
    if intent.status == "merged" and _ends_nowhere(intent, by_id):
        yield "into", f"is merged into itself, by way of {', '.join(intent.into)}"


def _is_above_itself(intent: Intent, by_id: Mapping[str, Intent]) -> bool:
    seen, above = {intent.id}, by_id.get(intent.parent or "")
    while above is not None and above.id not in seen:
        seen.add(above.id)
        above = by_id.get(above.parent or "")
    return above is not None and above.id == intent.id


def _ends_nowhere(intent: Intent, by_id: Mapping[str, Intent]) -> bool:
    """True where following `into` comes back to where it began."""
    seen, waiting = {intent.id}, list(intent.into)
    while waiting:
        target = waiting.pop()
        if target == intent.id:
            return True
        if target not in seen and target in by_id:
            seen.add(target)
            waiting += by_id[target].into
    return False


def _at(entry: object, key: object = None) -> str:
    """`line 7: ` of a key, else of what it belongs to; nothing where nobody knows."""
    if not isinstance(entry, CommentedMap | CommentedSeq) or entry.lc.line is None:
        return ""
    places = entry.lc.data or {}
    line = places[key][0] if key in places else entry.lc.line
    return f"line {line + 1}: "


def _unknown(where: str, key: object, known: Iterable[str]) -> str:
    """A sentence where `key` is not known, else nothing."""
    keys = list(known)
    if key in keys:
        return ""
    near = difflib.get_close_matches(str(key), keys, n=1)
    return f"{where} has an unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else "")
