"""Single cases that a person should see today: no rate, no test, one conversation is enough.

A user in danger, money that was promised and not booked, a detail of another user in an answer.
Only what hardly anything else looks like: a false alarm here costs the trust in all of them.
"""

# ruff: noqa: RUF001 - letters of several scripts

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from bot.records import Finding, Signal
from collector.records import Conversation

MOST = 20
"""Findings of one kind of one agent, the newest; thousands would be a rate and no single case."""
_IN_DANGER = re.compile(
    r"\b(?:(?:want|going|plan(?:ning)?) to (?:kill (?:my|him|her)self|end my life|hurt myself)"
    r"|(?:thinking|thoughts) (?:of|about) suicide|i(?:'m| am) suicidal|self[- ]harm(?:ing)?"
    r"|(?:mich|mir) (?:umbringen|das leben nehmen|etwas antun)|selbstmord begehen"
    r"|me suicider|mettre fin à mes jours|(?:quiero|voy a) (?:matarme|suicidarme|morirme)"
    r"|quitarme la vida|(?:quero|vou) me matar|(?:voglio|vado a) (?:uccidermi|suicidarmi)"
    r"|zelfmoord plegen|can(?:no|')?t breathe|having a heart attack|overdosed? on"
    r"|smell(?:s|ing)? gas\b|carbon monoxide(?! (?:alarm|detector|meter|monitor|sensor)s?\b"
    r"(?!.{0,40}\b(?:going|went|goes) off|.{0,40}\b(?:beep|chirp|ring|sound)ing)))"
    r"|死にたい|自殺したい|想自杀|不想活了|죽고 싶"
    r"|покончить с собой|أريد أن أموت",
    re.I,
)
_DENIED = re.compile(
    r"(?:\b(?:not|never|no|without|neither|nor|nicht|keine?n?|pas|nunca|não|non|niet|geen)|n't)"
    r"(?: (?:really|actually|currently|even|ever|any|a|at|all|have|had|having|been|feel|feeling|"
    r"sign|signs|symptom|symptoms|of|mich|mir|wirklich))*\s*$|не\s*$"
)
"""What stands right before it takes it back: "I am not having a heart attack". Words between are
few on purpose, for to miss somebody in danger is worse than a false alarm."""
_HINTS = (
    *("kill", "my life", "hurt my", "suicid", "harm", "breathe", "heart att", "overdos", "s gas"),
    *("smelling gas", "monox", "umbringen", "leben nehmen", "antun", "selbstmord", "mes jours"),
    *("matarme", "me matar", "morirme", "quitarme", "ucciderm", "zelfmoord", "死にたい", "自殺"),
    *("自杀", "不想活", "죽고", "покончить", "أموت"),
)
"""One of them is in all that is looked for: to ask for them is ten times as quick."""
SEARCHED_CHARS = 4_000
_BEFORE = 60
"""Characters before a phrase in which it may be denied."""
_MONEY = re.compile(
    r"[€$£¥₹]\s?\d|\d\s?(?:[€£¥₹]|\$(?!\w)|(?:EUR|USD|GBP|CHF|JPY|euros?|dollars?|pounds?)\b)"
    r"|\b(?:refund|reimburse|compensat|credit (?:you|your)|voucher|erstatt|gutschrift"
    r"|rembours|reembols|rimbors)\w*",
    re.I,
)
_PERSONAL = re.compile(r"\[(?:email|phone|card|iban):[0-9a-f]{6}\]")
"""Placeholders that the collector puts for what belongs to one person; equal values are equal."""
_SHARED_BY = 2
"""A detail that more users or answers have is the company's own."""


@dataclass(kw_only=True, slots=True)
class SevereCases:
    """Gathers while conversations are read; keeps ids and placeholders, no text."""

    _found: list[Finding] = field(default_factory=list)
    _own: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    """(agent, placeholder) to the users who wrote it themselves."""
    _told: dict[tuple[str, str], dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """(agent, placeholder) to the users who read it in an answer, each with a conversation."""

    def take(self, conversation: Conversation, signals: Sequence[Signal]) -> None:
        self._found += _of_one(conversation, signals)
        agent = conversation.agent
        if conversation.user_id is None:
            return  # Two conversations without ids may be of one user.
        for message in conversation.messages:
            if not message.text or "[" not in message.text:
                continue
            for placeholder in _PERSONAL.findall(message.text):
                if message.role == "user":
                    self._own[agent, placeholder].add(conversation.unit)
                elif message.role == "assistant":
                    told = self._told[agent, placeholder]
                    told.setdefault(conversation.unit, conversation.conversation_id)

    def findings(self) -> tuple[Finding, ...]:
        """All kinds, newest first within each."""
        kept: dict[tuple[str, str], list[Finding]] = defaultdict(list)
        for one in (*self._found, *self._of_another()):
            kept[one.agent, one.kind].append(one)
        return tuple(one for found in kept.values() for one in found[: -MOST - 1 : -1])

    def _of_another(self) -> Iterator[Finding]:
        for (agent, placeholder), told in sorted(self._told.items()):
            owners = self._own.get((agent, placeholder), set())
            if not 0 < len(owners) <= _SHARED_BY or len(told) > _SHARED_BY:
                continue
            for unit, conversation_id in told.items():
                if unit not in owners:
                    kind = placeholder[1:].partition(":")[0]
                    yield Finding(
                        kind="data_of_another",
                        agent=agent,
                        sentence=f"An answer holds the {kind} that another user gave as theirs, "
                        "and this one never did.",
                        evidence=(conversation_id,),
                    )


def _of_one(conversation: Conversation, signals: Iterable[Signal]) -> Iterator[Finding]:
    for index, message in enumerate(conversation.messages):
        if message.role == "user" and message.text and _tells_of_danger(message.text):
            yield _finding(
                conversation, "safety", f"A user may be in danger: message {index} says so."
            )
            break
    for signal in signals:
        text = conversation.messages[signal.message_index].text or ""
        if signal.kind == "promise_without_action" and _MONEY.search(text):
            yield _finding(
                conversation,
                "promise_of_money",
                f"Message {signal.message_index} promises money, and no tool was called after it.",
            )
            break


def _tells_of_danger(text: str) -> bool:
    folded = text[:SEARCHED_CHARS].casefold().replace("’", "'")
    if not any(hint in folded for hint in _HINTS):
        return False
    return any(
        not _DENIED.search(folded[max(0, found.start() - _BEFORE) : found.start()])
        for found in _IN_DANGER.finditer(folded)
    )


def _finding(conversation: Conversation, kind: str, sentence: str) -> Finding:
    return Finding(
        kind=kind,
        agent=conversation.agent,
        sentence=sentence,
        evidence=(conversation.conversation_id,),
    )
