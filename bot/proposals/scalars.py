"""One number in a configuration file: where it stands, and how to change nothing but its digits.

Takes YAML, JSON and TOML files; gives the number's place and an edit. A writer that loads and dumps
would lose comments, quotes or order, so the digits are replaced in the text and the file is read
again: exactly this one value may have changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.proposals.edits import edit_between
from bot.records import Edit, Skipped, SourceFile
from bot.regions import structure

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
    unread: list[str] = []
    exact: list[tuple[SourceFile, str, Decimal]] = []
    ending: list[tuple[SourceFile, str, Decimal]] = []
    for file in files:
        try:
            found = structure.leaves(structure.parse(file.path, file.text))
        except structure.NotParsed as error:
            unread.append(f"{file.path!r} does not parse ({error})")
            continue
        for key, leaf in found.items():
            value = structure.number(leaf)
            plain = _without_value_key(key)
            if value is not None and name in {key, plain}:
                exact.append((file, key, value))
            elif value is not None and f".{plain}".endswith(f".{name}"):
                ending.append((file, key, value))
    places = exact or ending
    if len(places) != 1:
        listed = ", ".join(f"{key} in {file.path!r}" for file, key, _ in places[:4])
        searched = (
            ", ".join(repr(file.path) for file in files[:6]) or "no threshold or config files"
        )
        reason = (
            f"Several numbers fit the name: {listed}."
            if places
            else f"No number goes by this name; searched {searched}. Name its file under "
            "`agents:` in the settings."
        )
        return _skipped(name, "ambiguous" if places else "no_file", " ".join([reason, *unread]))
    return _locate(*places[0])


def _without_value_key(key: str) -> str:
    head, _, tail = key.rpartition(".")
    return head if head and tail in _VALUE_KEYS else key


def _locate(file: SourceFile, key: str, value: Decimal) -> Scalar | Skipped:
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
    return _skipped(
        key,
        "no_file",
        f"The number {value} at {key} in {file.path!r} could not be told from other text; "
        "an alias or an include may stand for it.",
    )


def _line_at(text: str, offset: int) -> str:
    end = text.find("\n", offset)
    return text[text.rfind("\n", 0, offset) + 1 : len(text) if end < 0 else end]


def _changes_only(scalar: Scalar, text: str, value: Decimal) -> bool:
    path = scalar.file.path
    try:
        if structure.changed_leaves(path, scalar.file.text, text) != {scalar.key}:
            return False
        return structure.number(structure.leaves(structure.parse(path, text))[scalar.key]) == value
    except structure.NotParsed:
        return False


def written_like(scalar: Scalar, value: Decimal) -> Decimal:
    """`value` with the decimals of the number in the file, or more where it needs them."""
    exponent = value.normalize().as_tuple().exponent
    needed = max(0, -exponent) if isinstance(exponent, int) else 0
    return value.quantize(Decimal(1).scaleb(-max(scalar.decimals, needed)))


def digits_like(scalar: Scalar, value: Decimal) -> str:
    """`value` written as the number in the file is: decimals, sign and underscores."""
    written = scalar.digits
    text = f"{written_like(scalar, value):{'_' if '_' in written else ''}f}"
    if written.lstrip("+-").startswith("."):
        text = text.replace("0.", ".", 1)
    return f"+{text}" if written.startswith("+") else text


def set_scalar(scalar: Scalar, value: Decimal) -> Edit | Skipped:
    """The edit that writes `value`; the file was read again and nothing else has changed."""
    digits = digits_like(scalar, value)
    text = scalar.file.text[: scalar.start] + digits + scalar.file.text[scalar.end :]
    if not _changes_only(scalar, text, value):
        return _skipped(
            scalar.key, "no_file", f"{value} cannot be written at {scalar.key} and nowhere else."
        )
    return edit_between(scalar.file, scalar.start, scalar.end, digits)


def _skipped(name: str, code: str, reason: str) -> Skipped:
    return Skipped(what=f"threshold {name}", code=code, reason=reason)
