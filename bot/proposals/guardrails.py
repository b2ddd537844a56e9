"""Guardrails: pure checks on a rendered change, whoever wrote it.

Takes the texts before and after; gives the broken guardrails as sentences, none where all hold.
What needs no conversation can be checked again by `publish` from repository and bundle alone.
Refuses nothing by itself; costs milliseconds.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from bot.figures import count, percent
from bot.gitignore import gitignore
from bot.proposals import text_checks
from bot.proposals.code import (
    check_code,
    is_code,
    named_values,
    names_in,
    said_in,
    texts_only,
)
from bot.proposals.edits import is_plain_path, split_lines
from bot.records import ProposalKind
from bot.regions import code_numbers, find_regions, structure
from bot.regions.choices import unlisted
from bot.unsafe_text import TOLD_OF_USERS, added_things
from collector.records import Json

# Compared in lower case: on some file systems .GitHub is .github.
NEVER = gitignore(
    [
        ".github/**",
        ".git*",
        ".circleci/**",
        ".husky/**",
        ".vscode/**",
        ".env*",
        ".pre-commit-config.yaml",
        ".netrc",
        ".npmrc",
        ".pypirc",
        "*.key",
        "*.lock",
        "*.lockb",
        "*.pem",
        "*-lock.json",
        "*-lock.yaml",
        "azure-pipelines.yml",
        "build.gradle*",
        "cargo.toml",
        "codeowners",
        "composer.json",
        "conanfile.*",
        "debrief.y*ml",
        "dockerfile*",
        "environment.y*ml",
        "gemfile*",
        "go.mod",
        "go.sum",
        "jenkinsfile*",
        "makefile",
        "package.json",
        "pipfile*",
        "pom.xml",
        "pyproject.toml",
        "requirements*.txt",
        "requirements/**",
        "setup.cfg",
        "setup.py",
    ]
)

_KEYS = frozenset(
    (
        "allowed_tools",
        "api_base",
        "base_url",
        "deployment",
        "disallowed_tools",
        "effort",
        "endpoint",
        "engine",
        "max_completion_tokens",
        "max_output_tokens",
        "max_tokens",
        "model",
        "model_id",
        "model_name",
        "permission",
        "permission_mode",
        "permissions",
        "reasoning_effort",
        "sandbox",
        "scope",
        "scopes",
        "temperature",
        "top_k",
        "top_p",
    )
)
"""Keys that decide what the agent costs or may do: changed only where the team lists them, in
whatever spelling: `maxTokens` and `MAX-TOKENS` are `max_tokens`."""
_SPELLED = {key.replace("_", ""): key for key in _KEYS}
_LIKE_CODE = ("a handle", "a host name")
"""Decorators and attributes look the same: in a program only what is said in it counts."""
MAX_MOVE = Decimal("0.2")
"""Largest move of a threshold as a share of its value."""
MAX_RAISE = Decimal(1)
"""The same for a limit: it may at most double."""
_DATA = (".json", ".toml", ".yaml", ".yml")
_SECTIONS = frozenset({"model", "engine", "deployment"})
_LIMITS = frozenset({"max_tokens", "max_output_tokens", "max_completion_tokens"})
"""Protected keys that a `config` proposal may raise: one number, within `MAX_RAISE`."""
_ANY_KEY = "|".join(key.replace("_", "[_-]?") for key in sorted(_KEYS, reverse=True))
_KEY_LINE = re.compile(rf"^\s*[\"']?({_ANY_KEY})[\"']?\s*[:=].*$", re.I | re.M)


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """The most that one proposal may change."""

    lines: int = 30
    """Added and removed lines together."""
    files: int = 2
    growth_tokens: int = 150
    """At four characters a token."""


_SIZES: Mapping[ProposalKind, Size] = {
    # A taxonomy, cases and examples are lists that grow by whole entries; they are not prompts.
    "taxonomy": Size(lines=3000, files=1, growth_tokens=60_000),
    "cases": Size(lines=300, files=2, growth_tokens=100_000),
    "dataset": Size(lines=2000, files=3, growth_tokens=500_000),
}
_SAID: frozenset[ProposalKind] = frozenset({"prompt", "harness", "rule"})
"""Kinds that change what is said to models; the others change a value or list what people said."""
_PARAGRAPH = "\n\n"
_BY_A_MODEL: frozenset[ProposalKind] = frozenset({"prompt", "harness"})
"""Kinds in which a number is only known to be right where the file has it already."""
_SKIP: Mapping[ProposalKind, tuple[str, ...]] = {
    "threshold": ("a long number",),
    # Dates and numbers of orders, which agents look up; those of people are redacted.
    "dataset": ("a long number",),
    # A taxonomy holds hashes of conversations, and says what users want.
    "taxonomy": ("a long number", "encoded data", *TOLD_OF_USERS),
}


def check_edits(
    before: Mapping[str, str],
    after: Mapping[str, str],
    *,
    kind: ProposalKind,
    allowed: Sequence[str],
    tools: Sequence[str] = (),
    listed_keys: Sequence[str] = (),
    sources: Sequence[tuple[str, str]] = (),
    min_writers: int = text_checks.MIN_WRITERS,
) -> tuple[str, ...]:
    """The guardrails that the change from `before` to `after` breaks; empty where all hold.

    Args:
        before: text by path of the files that exist; a changed path missing here is a new file.
        after: text by path of the files that change (as `apply_edits` gives it).
        kind: decides on size caps and on what is allowed under `.debrief/`.
        allowed: paths or globs as in a .gitignore file.
        tools: names of the agent's tools, where they are known.
        listed_keys: keys such as temperature that the team allows to change.
        sources: (who wrote it, text) of conversations. Five words in a row that fewer than
            `min_writers` of them used may not appear in a file. Empty skips this check.
    """
    size = _SIZES.get(kind, Size())
    found = list(_size_problems(before, after, size))
    for path in sorted(after):
        reason = _path_problem(path, path in before, kind, allowed)
        if reason:
            found.append(reason)
            continue  # what stands in a file that must not change is no news
        old, new = before.get(path, ""), after[path]
        found += _text_problems(path, old, new, kind)
        if kind in {"threshold", "config"}:
            found += _number_problems(path, old, new, kind)
        elif kind != "dataset":  # a list of examples, which may lose any of them
            found += _promise_problems(path, old, new, tools)
            found += _code_problems(path, before.get(path), new, kind)
        listed = (*listed_keys, *_LIMITS) if kind == "config" else listed_keys
        found += _structure_problems(path, before.get(path), new, listed)
        if _is_lifted(path, old, new, sources, min_writers):
            found.append(
                f"The change adds words to {path!r} that come from conversations of fewer than"
                f" {min_writers} people."
            )
    return tuple(found)


def _is_lifted(
    path: str, old: str, new: str, sources: Sequence[tuple[str, str]], min_writers: int
) -> bool:
    """Words of the whole file and of each of its texts: a short sentence stands alone there."""
    if not sources:
        return False
    before, after = (f"{text}{_PARAGRAPH}{_said(path, text)}" for text in (old, new))
    return text_checks.lifted(before, after, sources, min_writers=min_writers) is not None


def _path_problem(
    path: str, exists: bool, kind: ProposalKind, allowed: Sequence[str]
) -> str | None:
    """Why `path` may not change, or None. Our own folder has rules of its own."""
    if not is_plain_path(path):
        return f"The path {path!r} is not a plain path inside the repository."
    folded = path.casefold()
    if NEVER.match_file(folded):
        return (
            f"{path!r} is never changed: it belongs to builds, dependencies, secrets or settings."
        )
    ours = folded.startswith(".debrief/")
    if kind == "taxonomy" or (ours and kind != "cases"):
        wanted = kind == "taxonomy" and path == ".debrief/intents.yml"
        return None if wanted else f"{path!r}: a {kind} proposal may not change this file."
    if kind == "cases":
        wanted = re.fullmatch(r"\.debrief/cases/[\w.-]+\.jsonl", path) is not None and not exists
        return None if wanted else f"{path!r}: cases are only ever new files in .debrief/cases/."
    if path in allowed or gitignore(allowed).match_file(path):
        return None
    return f"{path!r} is not among the files that may change."


def _size_problems(
    before: Mapping[str, str], after: Mapping[str, str], size: Size
) -> Iterator[str]:
    if len(after) > size.files:
        yield f"The change touches {len(after)} files; {size.files} are allowed."
    lines = sum(changed_lines(before.get(path, ""), text) for path, text in after.items())
    if lines > size.lines:
        yield f"The change has {lines} added and removed lines; {size.lines} are allowed."
    tokens = sum(len(text) - len(before.get(path, "")) for path, text in after.items()) // 4
    if tokens > size.growth_tokens:
        yield f"The text grows by about {tokens} tokens; {size.growth_tokens} are allowed."


def changed_lines(before: str, after: str) -> int:
    """Added and removed lines, as a diff shows them."""
    diff = difflib.unified_diff(split_lines(before), split_lines(after), n=0)
    return sum(line[0] in "+-" for line in list(diff)[2:])


def _text_problems(path: str, old: str, new: str, kind: ProposalKind) -> Iterator[str]:
    skipped = _SKIP.get(kind, ())
    in_file = (*skipped, *_LIKE_CODE) if is_code(path) else skipped
    found = [*added_things(old, new, skip=in_file)]
    if kind in _SAID:
        found += added_things(_said(path, old), _said(path, new), skip=skipped, is_said=True)
    for thing in dict.fromkeys(found):
        yield f"The change adds {thing} to {path!r}."
    if kind in _BY_A_MODEL and (numbers := text_checks.new_number_words(old, new)):
        yield f"The change adds the number {numbers[0]!r}, which is not in {path!r}."


def _promise_problems(path: str, old: str, new: str, tools: Sequence[str]) -> Iterator[str]:
    """What the file promised to code and to people before must still stand."""
    if not old:
        return
    if lost := text_checks.lost_placeholders(old, new):
        yield f"{path!r} loses {len(lost)} placeholders, for example {lost[0]!r}."
    said = _said(path, old), _said(path, new)
    if fresh := text_checks.new_placeholders(*said):
        # Not which: what a model wrote stands in no sentence of ours.
        yield f"{path!r} gets {count(len(fresh), 'placeholder')} that nothing fills."
    # A value that an argument may have is no promise; whether its list may change is asked below.
    if names := text_checks.lost_names(unlisted(path, old), new, tools):
        yield f"{path!r} does not name {names[0]!r} any more."
    if duties := text_checks.lost_duties(_sentences(path, old), _sentences(path, new)):
        yield f"{path!r} loses or changes a sentence with must, never or the like: {duties[0]!r}."
    if any(_is_open(new) and not _is_open(old) for old, new in ((old, new), said)):
        yield f"The change leaves a code fence open in {path!r}."


@lru_cache(maxsize=32)
def _said(path: str, text: str) -> str:
    """What a file says to people and models, its texts alone and without escapes."""
    try:
        if is_code(path):
            return _PARAGRAPH.join([*said_in(path, text), *names_in(path, text)])
        return _PARAGRAPH.join(_values_said(path, text)) if path.endswith(_DATA) else text
    except structure.NotParsed:
        return text


def _is_open(text: str) -> bool:
    return len(_FENCE.findall(text)) % 2 == 1


def _sentences(path: str, text: str) -> str:
    """The same with each prompt as one text, however many literals it is written in: `required` in
    a schema, or a check in code, is no sentence, and has guardrails of its own."""
    try:
        if is_code(path):
            prompts = [one.text for one in find_regions(path, text)]
            return _PARAGRAPH.join([*prompts, *said_in(path, text)])
        return _PARAGRAPH.join(_values_said(path, text)) if path.endswith(_DATA) else text
    except structure.NotParsed:
        return text


def _values_said(path: str, text: str) -> list[str]:
    values = structure.leaves(structure.parse(path, text)).values()
    return [one for one in values if isinstance(one, str)]


def _code_problems(path: str, old: str | None, new: str, kind: ProposalKind) -> Iterator[str]:
    """What a program may do must stay as it was, and but for `harness` all that it does."""
    if not is_code(path):
        return
    if old is None:
        yield f"{path!r} is new; a proposal makes no new programs."
        return
    try:
        is_text = texts_only(path, old, new)
    except structure.NotParsed as error:
        yield f"{path!r} cannot be read as a program: {error}."
        return
    if not is_text and kind != "harness":
        yield f"A {kind} proposal changes what {path!r} does; it may change its texts only."
    else:
        yield from check_code(path, old, new)


def _shared_length(one: str, other: str) -> int:
    """Characters that both texts begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _number_problems(path: str, old: str, new: str, kind: ProposalKind) -> Iterator[str]:
    """Such a proposal changes the digits of one number, and not by much."""
    start = _shared_length(old, new)
    end = _shared_length(old[start:][::-1], new[start:][::-1])
    changed = {*old[start : len(old) - end], *new[start : len(new) - end]}
    try:
        values = [_values(path, text) for text in (old, new)]
        keys = values[0].keys() | values[1].keys()
        leaves = {key for key in keys if values[0].get(key) != values[1].get(key)}
    except structure.NotParsed as error:
        yield f"{path!r} cannot be read, so nobody can say what the change does: {error}."
        return
    if len(leaves) != 1 or not changed <= set("0123456789._"):
        yield f"A {kind} proposal changes one number; this one changes more of {path!r}."
        return
    key = next(iter(leaves))
    was, will = (structure.number(found.get(key)) for found in values)
    most = MAX_MOVE if kind == "threshold" else MAX_RAISE
    if was is None or will is None:
        yield f"A {kind} proposal changes a number; {key!r} is none."
    elif abs(will - was) > most * abs(was) and was:
        yield f"{key!r} moves from {was} to {will}; {percent(float(most))} is allowed."


def _values(path: str, text: str) -> dict[str, Json]:
    """What a file sets, by key: all values of a data file, or the numbers that code names."""
    in_code = {one.key: text[one.start : one.end] for one in code_numbers(path, text)}
    return dict(in_code) or structure.leaves(structure.parse(path, text))


_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.M)


def _structure_problems(
    path: str, old: str | None, new: str, listed_keys: Sequence[str]
) -> Iterator[str]:
    try:
        structure.parse(path, new)
    except structure.NotParsed as error:
        if old is None or _parses(path, old):
            yield f"{path!r} does not parse any more: {error}."
            return
    listed = set(filter(None, map(_key, listed_keys)))
    for key in sorted(_changed_keys(path, old or "", new) - listed):
        yield f"The change touches the key {key!r} in {path!r}, which is not listed as changeable."


def _parses(path: str, text: str) -> bool:
    try:
        structure.parse(path, text)
    except structure.NotParsed:
        return False
    return True


def _key(name: str) -> str | None:
    """The protected key that a name spells, or None."""
    return _SPELLED.get(re.sub(r"[_-]", "", name).casefold())


def _changed_keys(path: str, old: str, new: str) -> set[str]:
    """Protected keys whose value changed, by structure where there is one and by line as well."""
    lines = Counter(match[0].strip() for match in _KEY_LINE.finditer(new))
    lines.subtract(match[0].strip() for match in _KEY_LINE.finditer(old))
    found = {
        match[1] for line, count in lines.items() if count and (match := _KEY_LINE.match(line))
    }
    try:
        for leaf in structure.changed_leaves(path, old, new):
            *sections, key = leaf.removesuffix(".value").split(".")
            # `model` is a protected value, and as often the section that holds the others.
            found.update([key, *(one for one in sections if _key(one) not in _SECTIONS)])
        values = Counter(named_values(path, new))
        values.subtract(named_values(path, old))
        found.update(name for (name, _), count in values.items() if count)
    except (structure.NotParsed, SyntaxError):
        pass  # a file that did not parse before either: its lines were compared above
    return set(filter(None, map(_key, found)))
