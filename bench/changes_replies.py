"""Planted faults through the whole writing by the model, with careful replies written by hand.

No model was asked: `careful_replies` holds what one careful reader and writer answered to these
requests. The real client, the real checks and the real prompts are between them. Whether a diff
would be merged as it is, is that person's judgement too. The same person planted the faults, so the
figures say what the prompts and checks let through, and not what a model would find.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from bench import careful_replies, careful_small, planted_small
from bench.careful_replies import Careful
from bench.planted import Fault, Layout
from bench.planted_prompts import FAULTS, LAYOUTS
from bench.simulated_faults import planted_repository
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
                "locus": self.careful.locus,
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

    def _differences(self, asked: Asked) -> list[dict[str, Any]]:
        said = self.careful.difference
        if said is None:
            return []
        well = _said_in(asked, said["well"], "went_well")
        number, turn = well[0] if well else (0, 0)
        return [
            {
                "conversation": conversation,
                "present": bool(well),
                "rule": said["rule"],
                "order": said["order"],
                "quote": {"turn": at, "text": self.careful.quote},
                "well": {"conversation": number, "turn": turn, "text": said["well"]},
                "paraphrase": said["paraphrase"],
            }
            for conversation, at in _said_in(asked, self.careful.quote, "failed")
        ]

    def _candidates(self, asked: Asked) -> list[Mapping[str, str]]:
        is_rejected = asked.between("rejected") != "(none)"
        written = self.careful.again if is_rejected and self.careful.again else ()
        return [{"thought": "", **one} for one in written or self.careful.candidates]

    def _problems(self, asked: Asked) -> list[Mapping[str, str]]:
        added = asked.between("added")
        return [one for text, one in self.careful.problems if text in added]

    def _effects(self, asked: Asked) -> list[dict[str, Any]]:
        shown = re.findall(r"^=== conversation (\d+) ===$", asked.user, re.MULTILINE)
        return [
            {"conversation": int(one), "reason": "It did so.", "effect": self.careful.effect}
            for one in shown
        ]


def _said_in(asked: Asked, quote: str, tag: str = "conversations") -> list[tuple[int, int]]:
    """(conversation, message) where the quote stands."""
    parts = re.split(r"^=== conversation \d+ ===$", asked.between(tag), flags=re.M)
    found = []
    for number, part in enumerate(parts[1:], start=1):
        turns = [line for line in part.split("\n") if quote in line]
        if turns and (turn := re.match(r"\[(\d+)\]", turns[0])):
            found.append((number, int(turn[1])))
    return found


def planted() -> list[tuple[Fault, Layout, Careful]]:
    """All faults with a careful reply: those of the real prompts, then those of small agents."""
    dealt = [
        (fault, LAYOUTS[number % len(LAYOUTS)], careful_replies.REPLIES[fault.name])
        for number, fault in enumerate(FAULTS)
    ]
    small = [
        (fault, fault.layout, careful_small.REPLIES[fault.name])
        for fault in planted_small.FAULTS
        if fault.layout is not None
    ]
    return [*dealt, *small]


def run(
    fault: Fault, layout: Layout, careful: Careful
) -> tuple[Proposal | Skipped | Finding, str, ByHand]:
    """What came of one fault, its diff, and what was asked."""
    repository, files = planted_repository(fault, layout)
    failing, passing = fault.failing(fault.planted()), fault.passing(fault.planted())
    by_hand = ByHand(careful)
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


def shown(found: Proposal | Skipped | Finding) -> str:
    """What is added, taken out or said, for a cell of a table."""
    if isinstance(found, Proposal):
        what = (found.what.split("`: `")[-1]).rstrip("`")
    else:
        what = found.sentence if isinstance(found, Finding) else found.reason
    return " ".join(what.replace("`", "'").split()).replace("|", "\\|")[:320]


def measure() -> list[str]:
    """The lines of the section."""
    rows: list[str] = []
    shapes: Counter[str] = Counter()
    merged = right = 0
    for fault, layout, careful in planted():
        found, _, _ = run(fault, layout, careful)
        if isinstance(found, Proposal):
            cost = found.cost
            shape = found.what.split(" `")[0]
            tokens = f"{cost.input_tokens + cost.output_tokens:,}"
            merged += careful.merge
            verdict = "yes" if careful.merge else "no"
        else:
            shape = "Asks a person" if isinstance(found, Finding) else "No change"
            tokens = ""
            right += careful.is_right
            verdict = "no diff, rightly" if careful.is_right else "no"
        shapes[shape] += 1
        rows.append(
            f"| {fault.name} | {layout.name}, {fault.language} | {shape} | `{shown(found)}` | "
            f"{tokens} | {verdict}: {careful.why} |"
        )
    return [
        f"Careful replies by hand, no model, on {len(rows)} planted faults with simulated "
        f"conversations: {merged} diffs would be merged as they are, and in {right} cases no diff "
        f"is right and a person is asked or nothing is changed; {len(rows) - merged - right} are "
        "left. The person who answered and judged had planted the faults: this shows what prompts "
        "and checks let through, not what a model would find. Those of the small agents were read "
        "in random order without their names.",
        "",
        "Shapes: " + ", ".join(f"{shape.lower()} {n}" for shape, n in shapes.most_common()) + ".",
        "",
        "| fault | layout | shape | what is added, taken out or said | tokens | merged as it is? |",
        "|---|---|---|---|---:|---|",
        *rows,
    ]
