"""One number in a configuration file or in code: its place, and how to change only its digits.

Takes YAML, JSON, TOML, Python and TypeScript; gives the number's place and an edit. A
writer that loads and dumps would lose comments, quotes or order, so the digits are replaced in the
text and the file is read again: exactly this one value may have changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from bot.proposals.edits import edit_between
from bot.proposals.refusals import FEW, nothing_found
from bot.records import Edit, Skipped, SourceFile
from bot.regions import code_numbers, structure
from bot.regions.environment import listed_number
from bot.regions.flags import live_values
from collector.records import Json

_TOKEN = re.compile(
    r"(?<![\w.])[-+]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][-+]?\d+)?(?![\w.])"
)
_VALUE_KEYS = ("value", "threshold", "default", "min")
_MAX_TRIES = 200
"""Places with the same digits that are tried; each try reads the file again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scalar:
    """A number found in a file."""

    file: SourceFile
    key: str
    """Its dotted path."""
    value: Decimal
    start: int
    end: int
    """`file.text[start:end]` are its digits."""

    @property
    def name(self) -> str:
        """As people call it: the key without the `value` of a Weights & Biases file."""
        return self.key.removesuffix(".value")

    @property
    def digits(self) -> str:
        return self.file.text[self.start : self.end]

    @property
    def as_written(self) -> Decimal:
        """The same value with the file's decimals: 0.50 and not 0.5."""
        return Decimal(self.digits.replace("_", ""))

    @property
    def decimals(self) -> int:
        """Digits behind the point as written."""
        return len(self.digits.replace("_", "").lower().partition("e")[0].partition(".")[2])

    @property
    def is_integer(self) -> bool:
        return re.fullmatch(r"[-+]?[\d_]+", self.digits) is not None


def find_scalar(files: Sequence[SourceFile], name: str) -> Scalar | Skipped:
    """The number that `name` means: the dotted path itself, else the only path that ends with it.

    `fraud.flag` is found at `fraud: {flag: 0.5}`, at `thresholds.fraud.flag`, and in a list of
    entries with a name and a value.
    """
    numbers, unread = _all_numbers(files)
    exact = [one for one in numbers if name in {one.key, one.name}]
    ending = [one for one in numbers if f".{one.name}".endswith(f".{name}")]
    missing = "No number goes by this name"
    return _only(exact or ending, files, f"threshold {name}", missing, unread)


def find_number(
    files: Sequence[SourceFile],
    what: str,
    is_wanted: Callable[[str, Decimal], bool],
    *,
    missing: str = "No number fits",
) -> Scalar | Skipped:
    """The only number of which `is_wanted(key, value)` holds; a flag's live value has its key.

    `what` names it in a refusal, and `missing` begins the one that says there is none.
    """
    numbers, unread = _all_numbers(files)
    wanted = [one for one in numbers if is_wanted(one.called, one.value)]
    return _only(wanted, files, what, missing, unread)


def numbers_called(
    files: Sequence[SourceFile], is_name: Callable[[str], bool]
) -> list[tuple[str, str, Decimal]]:
    """(path, name, value) of every number of which `is_name(key)` holds."""
    return [
        (one.file.path, one.name, one.value)
        for one in _all_numbers(files)[0]
        if is_name(one.called)
    ]


class _Place(NamedTuple):
    file: SourceFile
    key: str
    value: Decimal
    called: str
    """The key, or that of the flag whose live value it is."""

    @property
    def name(self) -> str:
        return _without_value_key(self.called)


def _all_numbers(files: Sequence[SourceFile]) -> tuple[list[_Place], list[str]]:
    """Every number, and which files could not be read."""
    found: list[_Place] = []
    unread: list[str] = []
    for file in files:
        try:
            numbers = _numbers(file.path, file.text)
            flags = live_values(structure.parse(file.path, file.text)) if numbers else {}
            found += [_Place(file, key, value, flags.get(key, key)) for key, value in numbers]
        except structure.NotParsed as error:
            unread.append(f"{file.path!r} does not parse ({error}).")
    return found, unread


def _only(
    places: Sequence[_Place],
    files: Sequence[SourceFile],
    what: str,
    missing: str,
    unread: Sequence[str],
) -> Scalar | Skipped:
    if len(places) == 1:
        return _locate(places[0].file, places[0].key, places[0].value, what)
    if not places:
        paths = [file.path for file in files]
        advice = "name its file under `agents:` in the settings"
        return nothing_found(what, missing, paths, unread=unread, advice=advice)
    listed = [f"{one.key} in {one.file.path!r}" for one in places]
    more = f" and {len(listed) - FEW} more" if len(listed) > FEW else ""
    return Skipped(
        what=what,
        code="ambiguous",
        reason=f"Several numbers fit: {', '.join(listed[:FEW])}{more}.",
        detail=" ".join([f"{', '.join(listed)}.", *unread]),
    )


def _numbers(path: str, text: str) -> list[tuple[str, Decimal]]:
    """(key, value) of every number: of a data file's values, or of what code names.

    Raises:
        NotParsed: the file cannot be read as what its name says.
    """
    in_code = [(one.key, text[one.start : one.end]) for one in code_numbers(path, text)]
    found = in_code or _values(path, text)
    numbers = ((key, structure.number(value)) for key, value in found)
    return [(key, value) for key, value in numbers if value is not None]


def _values(path: str, text: str) -> list[tuple[str, Json]]:
    """Every value of a data file; an item `NAME=7` of a list is the number of that name."""
    found: list[tuple[str, Json]] = []
    for key, value in structure.leaves(structure.parse(path, text)).items():
        variable = listed_number(value) if isinstance(value, str) else None
        if variable is not None and key.rpartition(".")[2].isdecimal():
            found.append((f"{key}.{variable[0]}", variable[1]))
        else:
            found.append((key, value))
    return found


def _without_value_key(key: str) -> str:
    head, _, tail = key.rpartition(".")
    return head if head and tail in _VALUE_KEYS else key


def _locate(file: SourceFile, key: str, value: Decimal, what: str) -> Scalar | Skipped:
    """The digits of the number at `key`: those whose change changes this path and no other."""
    last = _without_value_key(key).rpartition(".")[2]
    tokens = [token for token in _TOKEN.finditer(file.text) if structure.number(token[0]) == value]
    tokens.sort(key=lambda token: last not in _line_at(file.text, token.start()))
    for token in tokens[:_MAX_TRIES]:
        scalar = Scalar(file=file, key=key, value=value, start=token.start(), end=token.end())
        probe = value + 1
        text = file.text[: scalar.start] + digits_like(scalar, probe) + file.text[scalar.end :]
        if _changes_only(scalar, text, probe):
            return scalar
    return Skipped(
        what=what,
        code="no_file",
        reason=f"The number {value} at {key} in {file.path!r} could not be told from other text; "
        "an alias or an include may stand for it.",
    )


def _line_at(text: str, offset: int) -> str:
    end = text.find("\n", offset)
    return text[text.rfind("\n", 0, offset) + 1 : len(text) if end < 0 else end]


def _changes_only(scalar: Scalar, text: str, value: Decimal) -> bool:
    path = scalar.file.path
    try:
        was, now = _numbers(path, scalar.file.text), _numbers(path, text)
        is_data = structure.parse(path, text) is not None
        leaf = {scalar.key}, {scalar.key.rpartition(".")[0]}  # the item of a list of variables
        if is_data and structure.changed_leaves(path, scalar.file.text, text) not in leaf:
            return False
    except structure.NotParsed:
        return False
    changed = [pair for pair, before in zip(now, was, strict=False) if pair != before]
    return len(was) == len(now) and changed == [(scalar.key, value)]


def written_like(scalar: Scalar, value: Decimal) -> Decimal:
    """`value` with the decimals of the number in the file, or more where it needs them."""
    exponent = value.normalize().as_tuple().exponent
    needed = max(0, -exponent) if isinstance(exponent, int) else 0
    return value.quantize(Decimal(1).scaleb(-max(scalar.decimals, needed)))


def digits_like(scalar: Scalar, value: Decimal) -> str:
    """`value` written as the number in the file is: decimals, sign and underscores."""
    written = scalar.digits
    number = written_like(scalar, value)
    text = f"{number:,f}".replace(",", "_") if "_" in written else f"{number:f}"
    if written.lstrip("+-").startswith("."):
        text = text.replace("0.", ".", 1)
    return f"+{text}" if written.startswith("+") else text


def set_scalar(scalar: Scalar, value: Decimal) -> Edit | Skipped:
    """The edit that writes `value`; the file was read again and nothing else has changed."""
    digits = digits_like(scalar, value)
    text = scalar.file.text[: scalar.start] + digits + scalar.file.text[scalar.end :]
    if not _changes_only(scalar, text, value):
        reason = f"{value} cannot be written at {scalar.key} and nowhere else."
        return Skipped(what=f"an edit of {scalar.key}", code="no_file", reason=reason)
    return edit_between(scalar.file, scalar.start, scalar.end, digits)
