"""What a program can say of a variant: what rules it out, and what speaks against it.

Takes a `Variant`; gives codes. A hard code drops it, a soft one is a doubt that a person may
settle. The measure is the seed: facts, length, form and language of what a person wrote. Pure;
costs nothing.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any, cast

from bot.edit_types import edit_types
from bot.proposals.dataset.example import MAX_CHARS, Example, Redact, may_teach
from bot.proposals.dataset.language import are_alike
from bot.proposals.dataset.variants import Kind, Variant
from bot.proposals.text_checks import words
from collector.records import Json

DROPPED: dict[str, str] = {
    "unsafe": "it holds a link, an address, a secret, code or an instruction to a model",
    "personal": "it holds what looks like somebody's data",
    "language": "it is in another language than its seed",
    "length": "it is much longer or shorter than its seed allows",
    "copy": "it says nearly the same as its seed",
    "request_facts": "the request has other numbers, ids or placeholders than it may",
    "calls": "the request no longer says what the agent's calls took from it",
    "answer_facts": "the answer states a number or an id that nothing gives",
    "placeholder": "the answer has a placeholder that nothing gives",
    "lesson": "the answer undoes what the person changed",
    "constraint": "the answer or the request does not keep the added demand",
    "case": "a check that the person's answer keeps does not hold",
    "duplicate": "another example says nearly the same",
}
"""Hard codes, in words."""
DOUBTED: dict[str, str] = {
    "order": "the numbers and names of its request stand in another order than its seed's",
    "lost_name": "its request lost a name of its seed",
    "counted": "other things are counted in its request than in its seed's",
    "near": "its request is close to its seed",
    "far": "the answer has little in common with its seed and its request",
    "name": "the answer has a name that nothing gives",
    "small_number": "the answer has a small number that nothing gives",
    "lost_placeholder": "the answer lost a placeholder of its seed",
    "longer": "the answer is longer than the one that a person shortened",
    "unchecked": "the added demand is none that a program checks",
}
"""Soft codes, in words."""
COPY: dict[Kind, float] = {
    "paraphrase": 0.7,
    "domain": 0.8,
    "easier": 0.95,
    "harder": 0.95,
    "constraint": 0.97,
}
"""Share of words in common, in order, from which a request is a copy."""
NEAR = 0.1
"""Closer than this to being a copy is a doubt."""
FAR = 0.3
"""Share of an answer's longer words that its seed or request has; a judge who obeys a text that
speaks to it would not stop an answer about something else."""
FAR_DOMAIN = 0.1
LONG_WORD = 4
"""Letters from which on a word tells what a text is about."""
SAME_ANSWER = 0.95
DUPLICATE = 0.8
REQUEST_WORDS: dict[Kind, tuple[float, float]] = {
    "paraphrase": (0.5, 2.0),
    "easier": (0.15, 1.3),
    "harder": (0.8, 3.0),
    "constraint": (0.8, 2.0),
    "domain": (0.5, 2.0),
}
"""Least and most words as multiples of the seed's."""
ANSWER_WORDS: dict[Kind, tuple[float, float]] = {
    "paraphrase": (1.0, 1.0),
    "easier": (0.2, 1.3),
    "harder": (0.7, 2.5),
    "constraint": (0.2, 1.5),
    "domain": (0.5, 1.75),
}
LONG = 7
"""Digits from which on a number may be a telephone's or an account's."""
SLACK = 12
"""Words by which short texts may differ in any case."""
_SHAPES = frozenset(
    f"{what}_{how}"
    for what in ("list", "greeting", "question", "emoji", "emphasis", "link")
    for how in ("removed", "added")
)
"""Types of edit that any text shows by itself, whatever stands in it."""
_PLACEHOLDER = re.compile(r"\[[a-z_0-9-]{2,40}\]|\{\{?[^{}\n]{1,40}\}?\}|<[A-Za-z_]{2,30}>")
_FACT = re.compile(r"(?:[A-Za-z]+-?)*\d(?:[A-Za-z0-9_./:,-]*[A-Za-z0-9])?")
"""In ASCII, as some languages set no space before a number."""
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)$", re.IGNORECASE)
_LIST_MARK = re.compile(r"^[ \t]*\d{1,2}[.)](?=\s)", re.MULTILINE)
_COUNTED = re.compile(r"(?<![\w.,])\d+[ -]([^\W\d_]{4,})")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{4}")
_NAME = re.compile(r"(?<=[a-z,;] )(?!I['\u2019]|ID\b|OK\b)[A-Z][\w'-]+")
"""A capital letter inside a sentence. Languages that write nouns so have many of them: a doubt."""

BrokenChecks = Callable[[Example], tuple[str, ...]]
"""Checks of the seed's case that an example breaks, in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What the checks say of one variant."""

    wrong: tuple[str, ...]
    """Hard codes of `DROPPED`; any one drops it."""
    doubts: tuple[str, ...]
    """Soft codes of `DOUBTED`."""


def check_variant(
    variant: Variant, *, redact: Redact, broken: BrokenChecks, others: Iterable[str]
) -> Checked:
    """All checks. `others`: requests of all other examples and variants that are kept."""
    wrong = dict.fromkeys(
        (
            *_unsafe(variant, redact),
            *_form(variant),
            *_facts(variant),
            *_calls(variant),
            *_lesson(variant),
            *_constraint(variant),
        )
    )
    if set(broken(variant.example)) - set(broken(variant.seed)):
        wrong["case"] = None
    if is_duplicate(variant.example.question, others):
        wrong["duplicate"] = None
    return Checked(wrong=tuple(wrong), doubts=tuple(dict.fromkeys(_doubts(variant))))


def is_duplicate(request: str, others: Iterable[str]) -> bool:
    """Whether one of `others` has nearly the same pairs of words."""
    own = _pairs(request)
    return any(_jaccard(own, _pairs(other)) >= DUPLICATE for other in others)


def _pairs(text: str) -> frozenset[tuple[str, ...]]:
    row = words(text)
    return frozenset(pairwise(row)) or frozenset((one,) for one in row)


def _jaccard(one: frozenset[object], other: frozenset[object]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0


# -- what rules it out -----------------------------------------------------------------------------


def _unsafe(variant: Variant, redact: Redact) -> Iterator[str]:
    texts = (variant.example.question, variant.example.answer)
    if not all(map(may_teach, texts)):
        yield "unsafe"
    given = facts_in(f"{_said(variant.seed)}\n{variant.seed.answer}")
    if any(_is_long(one) for text in texts for one in facts_in(text) - given) or any(
        redact(text) != text for text in texts
    ):
        yield "personal"


def _is_long(fact: str) -> bool:
    """More digits than what is made up needs; a date has many and is nobody's."""
    return sum(map(str.isdigit, fact)) >= LONG and not _DATE.fullmatch(fact)


def _form(variant: Variant) -> Iterator[str]:
    new, seed, kind = variant.example, variant.seed, variant.kind
    same = are_alike(new.question, seed.question, beside=seed.answer)
    if not same or not are_alike(new.answer, seed.answer, beside=seed.question):
        yield "language"
    fits = _within(new.question, seed.question, REQUEST_WORDS[kind])
    fits = fits and _within(new.answer, seed.answer, ANSWER_WORDS[kind])
    if not fits or len(new.question) + len(new.answer) > MAX_CHARS:
        yield "length"
    same_answer = kind != "paraphrase" and _alike(new.answer, seed.answer) >= SAME_ANSWER
    if _alike(new.question, seed.question) >= COPY[kind] or same_answer:
        yield "copy"


def _within(text: str, seed: str, bounds: tuple[float, float]) -> bool:
    has, had = len(words(text)), len(words(seed))
    return bounds[0] * had - SLACK <= has <= bounds[1] * had + SLACK


def _alike(one: str, other: str) -> float:
    """Share of words in common, in order, 0..1."""
    rows = words(one)[:1_000], words(other)[:1_000]
    return SequenceMatcher(None, *rows, autojunk=False).ratio()


def _facts(variant: Variant) -> Iterator[str]:
    new, seed, kind = variant.example, variant.seed, variant.kind
    asked, had = facts_in(new.question), facts_in(seed.question)
    added = facts_in(variant.constraint.value)
    kept = {
        "paraphrase": asked == had,
        "easier": asked <= had,
        "harder": asked >= had,
        "constraint": asked - added == had - added,
        # Other numbers, of the same form: one that stayed belongs to somebody's own case.
        "domain": not {one for one in asked & had if len(one) > 2},
    }
    if not kept[kind]:
        yield "request_facts"
    if kind == "paraphrase":
        return
    stated = facts_in(new.answer) - _given_facts(variant)
    # Where the person's own answer invents, as a story does, so may this one.
    free = bool(facts_in(seed.answer) - _given_to(seed, facts_in))
    if any(len(one) > 1 for one in stated) and not free:
        yield "answer_facts"
    if placeholders_in(new.answer) - placeholders_in(_said(new)) - placeholders_in(seed.answer):
        yield "placeholder"


def _calls(variant: Variant) -> Iterator[str]:
    """Calls stay as they were, so what they took from the request has to stand in it still."""
    taken = [one for one in _arguments(variant.seed) if _holds(one, variant.seed.question)]
    if not all(_holds(one, variant.example.question) for one in taken):
        yield "calls"


def _arguments(example: Example) -> Iterator[str]:
    """The words that the agent sent to tools, of all its calls."""
    for one in example.prompt:
        calls: Any = one.get("tool_calls") or ()
        for call in calls:
            yield from _leaves(_parsed(call["function"]["arguments"]))


def _parsed(arguments: str) -> Json:
    try:
        return cast(Json, json.loads(arguments))
    except ValueError:
        return arguments


def _leaves(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = [*value.values()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, str):
        yield value


def _given_facts(variant: Variant) -> set[str]:
    """What the answer of a variant may state: what was given, and what the person had stated."""
    given = _given_to(variant.example, facts_in)
    if variant.kind == "domain":
        return given
    return given | facts_in(variant.seed.answer)


def _given_to(example: Example, found_in: Callable[[str], set[str]]) -> set[str]:
    return found_in(_said(example))


def _said(example: Example) -> str:
    return "\n".join(str(one["content"]) for one in example.prompt)


def facts_in(text: str) -> set[str]:
    """Numbers, dates, ids and amounts, without marks at their ends; numbers of a list are none."""
    plain = unicodedata.normalize("NFKC", _LIST_MARK.sub("", _PLACEHOLDER.sub(" ", text)))
    found = _FACT.findall(_GROUPED.sub("", plain))
    return {_ORDINAL.sub("", one).casefold() for one in found}


def placeholders_in(text: str) -> set[str]:
    """Such as `[email]` or `{name}`."""
    return set(_PLACEHOLDER.findall(text))


def names_in(text: str) -> set[str]:
    """Words with a capital letter inside a sentence."""
    return set(_NAME.findall(text))


def _lesson(variant: Variant) -> Iterator[str]:
    """The new answer differs from the rejected one in the same way, as far as any text shows it."""
    if variant.seed.rejected is None or variant.kind == "paraphrase":
        return
    taught = _SHAPES.intersection(edit_types(variant.seed.rejected, variant.seed.answer))
    kept = edit_types(variant.seed.rejected, variant.example.answer)
    if taught - set(kept):
        yield "lesson"


def _constraint(variant: Variant) -> Iterator[str]:
    if variant.kind != "constraint":
        return
    wanted, new = variant.constraint, variant.example
    stands = bool(wanted.value.strip()) and _holds(wanted.value, new.question)
    has = len(words(new.answer))
    number = int(wanted.value) if re.fullmatch(r"\d{1,4}", wanted.value.strip()) else None
    keeps = {
        "at_most_words": stands and number is not None and has <= number,
        "at_least_words": stands and number is not None and has >= number,
        "names": stands and _holds(wanted.value, new.answer),
        "leaves_out": stands and not _holds(wanted.value, new.answer),
        "other": True,
        "none": False,
    }
    if not keeps[wanted.type]:
        yield "constraint"


def _holds(value: str, text: str) -> bool:
    return " ".join(words(value)) in " ".join(words(text))


# -- what speaks against it ------------------------------------------------------------------------


def _doubts(variant: Variant) -> Iterator[str]:
    new, seed, kind = variant.example, variant.seed, variant.kind
    if _alike(new.question, seed.question) >= COPY[kind] - NEAR and kind != "constraint":
        yield "near"
    if kind == "paraphrase":
        if _unknown(names_in(seed.question), set(words(new.question))):
            yield "lost_name"
        if _counted(seed.question) - _counted(new.question):
            yield "counted"
        # From and to, before and after: a swap keeps every single fact.
        told = facts_in(seed.question) | {one.casefold() for one in names_in(seed.question)}
        now = _order(told, new.question)
        if now != [one for one in _order(told, seed.question) if one in now]:
            yield "order"
        return
    if _common(new.answer, f"{_said(new)}\n{seed.answer}") < (
        FAR_DOMAIN if kind == "domain" else FAR
    ):
        yield "far"
    if any(len(one) == 1 for one in facts_in(new.answer) - _given_facts(variant)):
        yield "small_number"
    given = {*words(_said(new)), *words(seed.answer)}
    invents = _unknown(names_in(seed.answer), {*words(_said(seed))})
    if _unknown(names_in(new.answer), given) and not invents:
        yield "name"
    if placeholders_in(seed.answer) - placeholders_in(new.answer):
        yield "lost_placeholder"
    was = seed.rejected or ""
    shortened = bool(was) and "shortened" in edit_types(was, seed.answer)
    if shortened and len(words(new.answer)) > len(words(was)):
        yield "longer"
    if variant.constraint.type == "other":
        yield "unchecked"


def _counted(text: str) -> set[str]:
    """What stands behind numbers, as "hours" in "10 hours": the beginnings of those words."""
    return {word[:4].casefold() for word in _COUNTED.findall(text)}


def _order(told: Collection[str], text: str) -> list[str]:
    """Those of `told` that stand in `text`, by where each stands first."""
    plain = unicodedata.normalize("NFKC", _GROUPED.sub("", text)).casefold()
    places = {one: re.search(rf"(?<!\w){re.escape(one)}(?!\w)", plain) for one in told}
    found = {one: place.start() for one, place in places.items() if place}
    return sorted(found, key=found.__getitem__)


def _common(answer: str, given: str) -> float:
    """Share of the answer's longer words that are given; where it has none, of all its words."""
    own = set(words(answer))
    telling = {one for one in own if len(one) >= LONG_WORD} or own
    return len(telling & set(words(given))) / len(telling) if telling else 0.0


def _unknown(names: Collection[str], given: Collection[str]) -> list[str]:
    return [one for one in names if not set(words(one)) <= set(given)]
