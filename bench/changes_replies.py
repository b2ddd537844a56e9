"""Planted faults through the whole writing by the model, with careful replies written by hand.

No model was asked: `careful_replies` holds what one careful reader and writer answered to these
requests. The real client, the real checks and the real prompts are between them. Whether a diff
would be merged as it is, is that person's judgement too. The same person planted the faults, so the
figures say what the prompts and checks let through, and not what a model would find.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bench.careful_replies import REPLIES, Careful
from bench.changes_faults import planted_repository
from bench.planted_prompts import FAULTS, LAYOUTS, Fault
from bot.model import Model
from bot.proposals.edits import apply_edits, render_diff
from bot.proposals.prompt import propose_prompt
from bot.records import Finding, Proposal, Skipped
from tests.bot.builders import NOW, a_pattern
from tests.messages_server import KEY, Answer, Asked, messages_server, says


class ByHand:
    """Answers each step of one fault with what was written for it."""

    def __init__(self, careful: Careful) -> None:
        self.careful = careful
        self.asked: list[Asked] = []

    def __call__(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        (step,) = (asked.schema or {})["properties"]
        return says({step: getattr(self, f"_{step}")(asked)})

    def _findings(self, asked: Asked) -> list[dict[str, Any]]:
        return [
            {
                "conversation": number,
                "present": self.careful.present,
                "locus": "prompt",
                "kind": self.careful.kind,
                "rule": self.careful.rule,
                "quotes": [{"turn": turn, "text": self.careful.quote}],
                "paraphrase": self.careful.paraphrase,
            }
            for number, turn in _said_in(asked, self.careful.quote)
        ]

    def _causes(self, asked: Asked) -> list[dict[str, Any]]:
        listed = re.findall(r"^(\d+)\. \(", asked.between("findings"), re.MULTILINE)
        return [{"rule": self.careful.rule, "findings": [int(one) for one in listed]}]

    def _candidates(self, asked: Asked) -> list[Mapping[str, str]]:
        return [{"thought": "", **one} for one in self.careful.candidates]

    def _problems(self, asked: Asked) -> list[Mapping[str, str]]:
        added = asked.between("added")
        return [one for text, one in self.careful.problems if text in added]

    def _effects(self, asked: Asked) -> list[dict[str, Any]]:
        shown = re.findall(r"^=== conversation (\d+) ===$", asked.user, re.MULTILINE)
        return [
            {"conversation": int(one), "reason": "It did so.", "effect": "already_followed"}
            for one in shown
        ]


def _said_in(asked: Asked, quote: str) -> list[tuple[int, int]]:
    """(conversation, message) where the quote stands."""
    parts = re.split(r"^=== conversation \d+ ===$", asked.between("conversations"), flags=re.M)
    found = []
    for number, part in enumerate(parts[1:], start=1):
        turns = [line for line in part.split("\n") if quote in line]
        if turns and (turn := re.match(r"\[(\d+)\]", turns[0])):
            found.append((number, int(turn[1])))
    return found


def run(fault: Fault, number: int) -> tuple[Proposal | Skipped | Finding, str, ByHand]:
    """What came of one fault, its diff, and what was asked."""
    layout = LAYOUTS[number % len(LAYOUTS)]
    repository, files = planted_repository(fault, layout)
    failing, passing = fault.failing(fault.planted()), fault.passing(fault.planted())
    by_hand = ByHand(REPLIES[fault.name])
    pattern = a_pattern(
        agent=fault.domain,
        intent_name=None,
        evidence=tuple(one.conversation_id for one in failing),
    )
    with messages_server(by_hand) as server:
        model = Model(api_key=KEY, base_url=server.url, budget_usd=5.0)
        found = propose_prompt(
            pattern,
            repository,
            files,
            failing=failing,
            passing=passing,
            constraints=(),
            ask=model.ask,
            now=NOW,
            conversations_per_month=3_000.0,
        )
    if not isinstance(found, Proposal):
        return found, "", by_hand
    after = apply_edits(repository.files, found.edits)
    assert isinstance(after, dict)
    ((path, text),) = after.items()
    return found, render_diff(repository.files[path].text, text, path), by_hand


def measure() -> list[str]:
    """The lines of the section."""
    rows, merged = [], 0
    for number, fault in enumerate(FAULTS):
        found, _, _ = run(fault, number)
        careful = REPLIES[fault.name]
        if isinstance(found, Proposal):
            cost = found.cost
            what = (found.what.split("`: `")[-1]).rstrip("`")
            tokens = f"{cost.input_tokens + cost.output_tokens:,}"
            merged += careful.merge
        else:
            reason = found.reason if isinstance(found, Skipped) else found.sentence
            what, tokens = f"nothing: {reason}", ""
        verdict = "yes" if careful.merge and isinstance(found, Proposal) else "no"
        shown = " ".join(what.split()).replace("|", "\\|")[:150]
        rows.append(
            f"| {fault.name} | {LAYOUTS[number % len(LAYOUTS)].name} | `{shown}` | {tokens} | "
            f"{verdict}: {careful.why} |"
        )
    return [
        f"Careful replies by hand, no model, on {len(rows)} planted faults with simulated "
        f"conversations: {merged} of {len(rows)} diffs would be merged as they are. The person who "
        "answered and judged had planted the faults: this shows what prompts and checks let "
        "through, not what a model would find.",
        "",
        "| fault | layout | what is added, or taken out | tokens | merged as it is? |",
        "|---|---|---|---:|---|",
        *rows,
    ]
