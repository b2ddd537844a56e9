"""Causes by a reader: diagnoses of single conversations, counted here.

The same diagnoses as those that a change of the prompt rests on (`bot.proposals.diagnosis`): each
has a passage that stands in its transcript, and asked once they are kept. Costs one call per
conversation that was not read before.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.causes.rules import SHOWN, UNFIXABLE
from bot.figures import count
from bot.proposals.diagnosis import Diagnosis, Reading
from bot.records import Cause, Pattern, Pointer, RootCause

MIN_DIAGNOSES = 3
MIN_SHARE = 0.5
"""Of the conversations that were read: where fewer share a cause there is no one cause."""
_WORDS: dict[RootCause, str] = {
    "prompt": "the agent's instructions",
    "tool_definition": "a tool's definition",
    "harness": "the program around the model",
    "config": "a limit or a setting",
    "threshold": "a threshold",
    "knowledge": "the facts that the agent was given",
    "handoff": "the handoff to a person or another agent",
    "data": "the records behind the tools",
    "user": "what the user gave",
    "model": "the model itself",
    "unknown": "no place that could be named",
}


def read_cause(pattern: Pattern, reading: Reading) -> Cause | None:
    """The place that most diagnoses name; None where too few conversations could be read.

    What was read and showed no mistake speaks against it, and so do diagnoses of other places.
    """
    if len(reading.diagnoses) < MIN_DIAGNOSES:
        return None
    locus, named = reading.loci.most_common(1)[0]
    against = reading.read - reading.unverified - named
    split = named < MIN_SHARE * (named + against)
    cause: RootCause = "unknown" if split else locus
    return Cause(
        cause=cause,
        by="model",
        kind=cause,
        sentence=_sentence(reading, locus, named, is_split=split),
        support=named,
        contradicting=against,
        quotes=_places(reading.diagnoses, locus),
        is_fixable=cause not in UNFIXABLE,
    )


def _sentence(reading: Reading, locus: RootCause, named: int, *, is_split: bool) -> str:
    others = [
        f"{_WORDS[other]} ({number})"
        for other, number in reading.loci.most_common()
        if other != locus
    ]
    against = [f"{', '.join(others)}"] if others else []
    against += [f"no mistake in {reading.absent}"] if reading.absent else []
    against += [f"{reading.unverified} without proof"] if reading.unverified else []
    told = f" Otherwise: {'; '.join(against)}." if against else ""
    lead = "No one cause: most often, in" if is_split else "In"
    return (
        f"{lead} {named} of {count(reading.read, 'failing conversation')} that a reader saw, the "
        f"mistake lies in {_WORDS[locus]}.{told}"
    )


def _places(diagnoses: Sequence[Diagnosis], locus: RootCause) -> tuple[Pointer, ...]:
    found = [
        Pointer(conversation_id=one.conversation.conversation_id, message_index=one.message_index)
        for one in diagnoses
        if one.locus == locus
    ]
    return tuple(found[:SHOWN])
