"""Planted faults answered and judged by somebody who had not planted them.

No model was asked: `careful_strangers` holds one careful reader's answers. The real client,
prompts, checks and routing are between them and the diff, as in `changes_replies` and
`changes_harness`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench import careful_replies, careful_tools, changes_harness, changes_replies, planted_tools
from bench.careful_strangers import PROMPTS, TOOLS
from bot.records import Finding, Proposal, Skipped

FIRST_TIME = (
    "The figure to go by is that of the first time: 10 of 14 diffs. Then the others were looked "
    "into, and the table shows the same replies after what was mended for three of them, which "
    "proves nothing about other faults. `loop-cuts`: a badly broken line of 103 characters; a new "
    "line in a function may no longer be wider than the file's, or than 100. `cut-result`: a "
    "description was taken in place of the writer's better edit, which was three lines longer; the "
    "writer's order now holds among edits that differ by few lines from the smallest. "
    "`empty-answer`: a ready-made sentence to users where an answer should be; the writer's prompt "
    "now forbids it (so this edit is left out of the replies), and the better edit is no longer "
    "refused because a parameter is called `system`. In two more cases a good second edit was "
    "refused or passed over: an error put together with `+` counted as a lookup (`bare-error`), "
    "and a sharpened sentence lost to a longer new rule because it counted as two lines "
    "(`ask-medication`; its first diff would have been merged too).",
    "",
    "What the reader knew: four of the prompts are public and older than this reader, and a list "
    "of names from the file of the tool faults (`DATES`, `CUT`, `EMPTY` and the like) had been on "
    "the screen before.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """One fault, what came of it, and the judgement."""

    fault: str
    layout: str
    found: Proposal | Skipped | Finding
    shown: str
    careful: careful_replies.Careful | careful_tools.Careful

    @property
    def verdict(self) -> str:
        if isinstance(self.found, Proposal):
            return "yes" if self.careful.merge else "no"
        is_prompt = isinstance(self.careful, careful_replies.Careful)
        return "no diff, rightly" if is_prompt and self.careful.is_right else "no"


def measure() -> list[str]:
    """The lines of the section."""
    rows = [*_prompts(), *_tools()]
    verdicts = [row.verdict for row in rows]
    diffs = sum(isinstance(row.found, Proposal) for row in rows)
    return [
        f"Careful replies by hand, no model, on {len(rows)} planted faults with simulated "
        f"conversations, {len(PROMPTS)} in prompts and {len(TOOLS)} in tools and programs, drawn "
        "by a seed. Who answered had neither planted them nor seen what was planted, its name or "
        "earlier replies, and read only the text of each request; what was planted was opened "
        f"afterwards. {verdicts.count('yes')} of {diffs} diffs would be merged as they are; in "
        f"{verdicts.count('no diff, rightly')} cases no diff is right and a person is told so. One "
        "person answered and judged: this too shows what prompts and checks let through, and not "
        "what a model would find.",
        "",
        *FIRST_TIME,
        "",
        "| fault | layout | what is added, taken out or said | merged as it is? |",
        "|---|---|---|---|",
        *(
            f"| {row.fault} | {row.layout} | {row.shown} | {row.verdict}: {row.careful.why} |"
            for row in rows
        ),
    ]


def _prompts() -> Iterator[_Row]:
    for fault, layout, _ in changes_replies.planted():
        careful = PROMPTS.get(fault.name)
        if careful is not None:
            found, _, _ = changes_replies.run(fault, layout, careful)
            yield _Row(
                fault=fault.name,
                layout=f"{layout.name}, {fault.language}",
                found=found,
                shown=f"`{changes_replies.shown(found)}`",
                careful=careful,
            )


def _tools() -> Iterator[_Row]:
    for fault in planted_tools.FAULTS:
        careful = TOOLS.get(fault.name)
        if careful is not None:
            done = changes_harness.run_by_hand(fault, changes_harness.ByHand(careful))
            yield _Row(
                fault=fault.name,
                layout=fault.layout,
                found=done.found,
                shown=changes_harness.shown(done),
                careful=careful,
            )
