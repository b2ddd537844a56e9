"""A name, a definition and tests for a group, written by the model and checked by us.

Contrastive: the model sees members and the nearest conversations outside (Clio's way). What it
writes goes into a file of the repository, so that nothing of a single conversation may be in it. A
reply that breaks a rule is dropped and the group keeps the name that its words gave it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bot.intents.english import EMPTY_WORDS
from bot.intents.text import Document
from bot.intents.wording import words
from bot.records import Ask, ModelCost, Skipped
from bot.rendering import render_prompt
from bot.unsafe_text import added_things

SHOWN_MEMBERS = 12
SHOWN_OTHERS = 8
SHOWN_CHARS = 500
"""Of one conversation."""
MAX_NAME_WORDS = 10
MAX_SENTENCE_WORDS = 45
MAX_TESTS = 3
ATTEMPTS = 2
"""The rule that is broken most is the one against quotes, by a phrase that many people say."""
COPIED_WORDS = 5
"""So many words in a row that also stand in a conversation are a quote."""
OWN_WORDS = 3
"""So many in a row that one user alone wrote, with a word of that user's own, are no name."""
TELLING_WORDS = 3
"""Where fewer of them say something, one word more is needed: "cancel a flight and get" is nobody's
own."""

_NAME = re.compile(r"[^\W\d_][^\W\d_ ,'’()/&-]*(?:[ ,'’()/&-]+[^\W\d_]+)*\)?")  # noqa: RUF001
_SENTENCE = re.compile(r"[^\W\d_](?:[^\W\d_]|[ ,.;:'’\"()/&?-])*")  # noqa: RUF001
_LINK = re.compile(r"://|www\.|@", re.IGNORECASE)
_CAPITALISED = re.compile(r"(?<![.?:] )(?<!^)\b[^\W\d_][^\W\d_]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """What the model wrote about a group, after the checks."""

    name: str
    definition: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]


def describe_group(
    members: Sequence[Document],
    others: Sequence[Document],
    *,
    called: str,
    taken: Collection[str],
    proper: Collection[str],
    ask: Ask,
) -> tuple[Description | Skipped, ModelCost]:
    """One call, and one more where the first answer breaks a rule, with the reason.

    `members` and `others` come with the most typical first; the first few are shown. `called` is
    the group's name by its words, `proper` the proper nouns of all conversations.
    """
    shown, near = members[:SHOWN_MEMBERS], others[:SHOWN_OTHERS]
    what, wrong, cost = f"name of {called!r}", "", ModelCost()
    for _ in range(ATTEMPTS):
        reply = ask(
            render_prompt(
                "intents/name",
                taken="\n".join(sorted(taken)) or "(none)",
                refused=wrong or "(nothing)",
                members=_numbered(shown),
                others=_numbered(near) or "(none)",
            )
        )
        if isinstance(reply, Skipped):
            return Skipped(what=what, code=reply.code, reason=reply.reason), cost
        cost += reply.cost
        data = cast("dict[str, Any]", reply.data)
        if not data["coherent"]:
            reason = "The model sees no common wish in this group; its words' own name stays."
            return Skipped(what=what, code="incoherent", reason=reason), cost
        description = _description(data)
        wrong = what_is_wrong(description, [*shown, *near], taken=taken, proper=proper) or ""
        if not wrong:
            return description, cost
    reason = f"The model's text was dropped ({wrong}); the words' own name stays."
    return Skipped(what=what, code="bad_reply", reason=reason), cost


def _description(data: dict[str, Any]) -> Description:
    """The answer as written, but for a capital at the start: names stand in lists beside ours."""
    name = data["name"].strip().rstrip(".")
    return Description(
        name=name if name[1:2].isupper() else name[:1].lower() + name[1:],
        definition=data["definition"].strip(),
        include=tuple(test.strip() for test in data["include"])[:MAX_TESTS],
        exclude=tuple(test.strip() for test in data["exclude"])[:MAX_TESTS],
    )


def what_is_wrong(
    description: Description,
    shown: Sequence[Document],
    *,
    taken: Collection[str],
    proper: Collection[str],
) -> str | None:
    """Why the description may not be used, without repeating any of its words; None if it may."""
    name, sentences = (
        description.name,
        [
            description.definition,
            *description.include,
            *description.exclude,
        ],
    )
    if wrong := what_is_wrong_with_a_name(name, shown):
        return wrong
    if name.casefold() in {other.casefold() for other in taken}:
        return "the name is taken"
    if any(not _SENTENCE.fullmatch(text) for text in sentences):
        return "a sentence is empty or has digits, line breaks or unusual signs"
    if any(len(text.split()) > MAX_SENTENCE_WORDS for text in sentences):
        return f"a sentence has more than {MAX_SENTENCE_WORDS} words"
    if any(_LINK.search(text) for text in (name, *sentences)):
        return "it has a link or an address"
    if thing := next(added_things("", "\n".join((name, *sentences))), None):
        return f"it has {thing}"
    if any(_names_someone(text, proper) for text in (name, *sentences)):
        return "it has a proper noun from the conversations"
    said = {run for document in shown for run in _runs(document.text)}
    if any(not said.isdisjoint(_runs(text)) for text in (name, *sentences)):
        return f"{COPIED_WORDS} words in a row stand in a conversation"
    return None


def what_is_wrong_with_a_name(name: str, shown: Sequence[Document]) -> str | None:
    """Why these words may not stand for a wish; None if they may."""
    if not _NAME.fullmatch(name) or len(name.split()) > MAX_NAME_WORDS:
        return f"the name is not 1 to {MAX_NAME_WORDS} plain words"
    said = {run for document in shown for run in _runs(document.text)}
    if not said.isdisjoint(_runs(name)):
        return f"{COPIED_WORDS} words are copied in a row"
    if any(_is_of_one(run, shown) for run in _telling_runs(words(name), OWN_WORDS, 2)):
        return f"{OWN_WORDS} words in a row are one conversation's, and one of them no other has"
    return None


def _is_of_one(run: tuple[str, ...], shown: Sequence[Document]) -> bool:
    """Whether one user, and no second one, wrote these words in a row, and one of them at all.

    Words that several users know each tell of nobody, however few put them like this: "open a bank
    account" is what anyone would call it.
    """
    said = [(one.unit, words(one.text)) for one in shown]
    users = {unit for unit, own in said if run in _telling_runs(own, len(run), 2)}
    rare = any(
        len({unit for unit, own in said if word in own}) == 1
        for word in run
        if word not in EMPTY_WORDS
    )
    return rare and len(users) == 1 < len({unit for unit, _ in said})


def _telling_runs(said: Sequence[str], length: int, telling: int) -> set[tuple[str, ...]]:
    """Words in a row of which so many say something."""
    runs = zip(*(itertools.islice(said, at, None) for at in range(length)), strict=False)
    return {run for run in runs if sum(word not in EMPTY_WORDS for word in run) >= telling}


def _names_someone(text: str, proper: Collection[str]) -> bool:
    inside = (word for word in _CAPITALISED.findall(text) if word[0].isupper())
    return any(word.lower() in proper for word in inside)


def _runs(text: str) -> set[tuple[str, ...]]:
    said = words(text)
    quoted = _telling_runs(said, COPIED_WORDS, TELLING_WORDS)
    return quoted | _telling_runs(said, COPIED_WORDS + 1, 0)


def _numbered(documents: Sequence[Document]) -> str:
    lines = (" / ".join(document.text.splitlines())[:SHOWN_CHARS] for document in documents)
    return "\n".join(f"[{number}] {line}" for number, line in enumerate(lines, start=1))
