"""`.debrief/intents.yml`: what users try to do, in a file that the repository owns.

Text in, value out; the shell reads and writes the file. People edit it by hand, so that reading
says every problem at once and writing leaves every byte alone that did not have to change.
"""

from __future__ import annotations

import difflib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any, cast, get_args, get_type_hints

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from bot.errors import SettingsError
from bot.records import Intent, Taxonomy, short_hash

PATH = ".debrief/intents.yml"
MAX_BYTES = 2_000_000
MAX_LEVELS = 3

_STATUSES: tuple[str, ...] = get_args(get_type_hints(Intent)["status"])
_LISTS = ("include", "exclude", "into", "exemplars")
_TEXTS = ("id", "name", "definition", "parent", "status", "introduced")
_KEYS = [
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


def read_taxonomy(text: str) -> Taxonomy:
    """The taxonomy that the file's `text` holds.

    Raises:
        SettingsError: it has problems; the message lists the first three.
    """
    problems = check_taxonomy(text)
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise SettingsError(f"{PATH}: {'; '.join(problems[:3])}{more}")
    entries = cast("list[Mapping[str, Any]]", _load(text).get("intents") or [])
    intents = tuple(_intent(entry) for entry in entries)
    return Taxonomy(intents=intents, version=taxonomy_version(intents), source="repository")


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
    document = _load(text)
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
        elif _intent(entry) != _without_terms(intent):
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
    if check_taxonomy(carried) or _load(carried) != _load(after):
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
    yaml = _yaml()
    yaml.indent(mapping=2, sequence=dash + 2, offset=dash)
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def check_taxonomy(text: str) -> list[str]:
    """What is wrong with the file, a sentence each; empty where nothing is."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        return [f"it is larger than {MAX_BYTES} bytes"]
    try:
        document = _load(text)
    except (YAMLError, ValueError, RecursionError) as error:  # a date such as 2026-13-45 too
        return [f"it is no YAML: {' '.join(str(error).split())}"]
    if not isinstance(document, Mapping):
        return ["it must be a mapping with the keys version and intents"]
    problems = [_unknown("the file", key, ("version", "intents")) for key in document]
    problems = [problem for problem in problems if problem]
    if document.get("version") != 1:
        problems.append(f"version must be 1, not {document.get('version')!r}")
    entries = [] if document.get("intents") is None else document["intents"]
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        return [*problems, "intents must be a list of mappings"]
    for number, entry in enumerate(entries, start=1):
        problems += _entry_problems(f"intent {entry.get('id') or f'number {number}'}", entry)
    return problems or [*_reference_problems([_intent(entry) for entry in entries])]


def taxonomy_version(intents: Iterable[Intent]) -> str:
    """12 hex digits of the set of intents: order, exemplars and telling terms do not count."""
    return short_hash(
        sorted(
            [i.id, i.name, i.definition, [*i.include], [*i.exclude], i.parent, i.status, [*i.into]]
            for i in intents
        ),
        length=12,
    )


def _entry_problems(where: str, entry: Mapping[str, Any]) -> list[str]:
    """What is wrong with one entry alone."""
    problems = [_unknown(where, key, _KEYS) for key in entry]
    for key in ("id", "name"):
        if not entry.get(key):
            problems.append(f"{where} has no {key}")
    for key in _TEXTS:
        value = entry.get(key)
        if value is not None and not isinstance(value, str | date):
            problems.append(f"{where}: {key} must be text, not {value!r}; put it in quotes")
    for key in _LISTS:
        value = entry.get(key)
        if value is not None and not (
            isinstance(value, list) and all(isinstance(item, str) for item in value)
        ):
            problems.append(f"{where}: {key} must be a list of texts")
    status = entry.get("status", "active")
    if status not in _STATUSES:
        problems.append(f"{where}: status must be one of {', '.join(_STATUSES)}, not {status!r}")
    return [problem for problem in problems if problem]


def _reference_problems(intents: list[Intent]) -> Iterator[str]:
    """What is wrong with the entries together: repeats, ids that lead nowhere or in a circle."""
    by_id = {intent.id: intent for intent in intents}
    for intent_id, count in Counter(intent.id for intent in intents).items():
        if count > 1:
            yield f"intent {intent_id} is there {count} times; an id is never used again"
    names = Counter(intent.name.casefold() for intent in intents if intent.status == "active")
    for name, count in names.items():
        if count > 1:
            yield f"{count} active intents are called {name!r}"
    for intent in intents:
        for key, targets in (("parent", (intent.parent,)), ("into", intent.into)):
            for target in targets:
                if target is not None and target not in by_id:
                    yield f"intent {intent.id}: {key} names {target!r}, which is not in the file"
        if intent.status in ("merged", "split") and not intent.into:
            yield f"intent {intent.id} is {intent.status} and does not say into which (key into)"
        if _levels(intent, by_id) > MAX_LEVELS:
            yield f"intent {intent.id} has parents in a circle or more than {MAX_LEVELS} levels"
        parent = by_id.get(intent.parent or "")
        if intent.status == "active" and parent is not None and parent.status != "active":
            yield f"intent {intent.id} is active under {parent.id}, which is {parent.status}"
        if intent.status == "active" and intent.into:
            yield f"intent {intent.id} is active and has the key into: set its status as well"
        if intent.status == "merged" and _ends_nowhere(intent, by_id):
            yield f"intent {intent.id} is merged into itself, by way of {', '.join(intent.into)}"


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
    return _levels(intent, {one.id: one for one in taxonomy.intents})


def _levels(intent: Intent, by_id: Mapping[str, Intent]) -> int:
    levels = 1
    parent = by_id.get(intent.parent or "")
    while parent is not None and levels <= MAX_LEVELS:
        levels, parent = levels + 1, by_id.get(parent.parent or "")
    return levels


def _unknown(where: str, key: object, known: Iterable[str]) -> str:
    """A sentence where `key` is not known, else nothing."""
    keys = list(known)
    if key in keys:
        return ""
    near = difflib.get_close_matches(str(key), keys, n=1)
    return f"{where} has an unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _intent(entry: Mapping[str, Any]) -> Intent:
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


def _without_terms(intent: Intent) -> Intent:
    return _intent(_entry(intent))


def _entry(intent: Intent) -> dict[str, Any]:
    """The keys that say something, in the order in which people read them."""
    values: dict[str, Any] = {key: getattr(intent, key) for key in _KEYS}
    plain = {key: list(value) if key in _LISTS else value for key, value in values.items()}
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


def _load(text: str) -> CommentedMap:
    return cast("CommentedMap", _yaml().load(text))


def _yaml() -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 10_000  # a wrapped list ends its lines in blanks
    yaml.preserve_quotes = True
    return yaml
