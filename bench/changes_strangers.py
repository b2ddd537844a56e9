"""Planted faults answered and judged by somebody who had not planted them.

No model was asked: `careful_strangers` and `careful_layouts` hold one careful reader's answers
each. The real client, prompts, checks and routing are between them and the diff, as in
`changes_replies` and `changes_harness`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench import (
    careful_layouts,
    careful_replies,
    careful_strangers,
    careful_tools,
    changes_harness,
    changes_replies,
    planted_layouts,
    planted_tools,
)
from bench.planted import Fault, Layout
from bench.planted_tools import ToolFault
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
FIRST_TIME_IN_LAYOUTS = (
    "The figure to go by is that of the first time: 12 of 14 diffs, and in one case no diff, where "
    "nobody was told why. The table shows the same replies after what was mended, which proves "
    "nothing about other faults. `layout-21`: the writer proposed nothing, was asked the same "
    "three times, and the run said that no edit could stand; now it is asked once and a person is "
    "asked which of two sentences holds. `layout-18`: the removal of what was planted went through "
    "because the judge's objection named the sentence that goes, and such an objection was thrown "
    "away; it counts now, the merger that had been refused for a semicolon after “do not pay” "
    "stands, and it is the worse diff: the objection of this reader was at fault. `layout-26`: its "
    "second edit was refused because a description in a decorator counted as a changed signature. "
    "`layout-29`: the writer was not told that the failures were an `IndexError`; now it is.",
    "",
    "Not mended: one edit changes one part, so that what is wrong in two descriptions is mended in "
    "one (`layout-26`); its line of 127 characters is wider than most linters allow; and a rule "
    "in a tag, as its neighbours have it, is refused as markup (the second edit of `layout-24`).",
    "",
    "What the reader knew: how replies are kept, with the first of earlier ones to other faults, "
    "and the names of constants in the file of the faults (`SEATS`, `LOANS` and the like). The "
    "simulated conversations of a fault are nearly equal, which makes reading easy.",
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
    prompts, tools = careful_strangers.PROMPTS, careful_strangers.TOOLS
    rows = [
        *_prompts(changes_replies.planted(), prompts),
        *_tools(planted_tools.FAULTS, tools),
    ]
    return [
        f"Careful replies by hand, no model, on {len(rows)} planted faults with simulated "
        f"conversations, {len(prompts)} in prompts and {len(tools)} in tools and programs, drawn "
        "by a seed. Who answered had neither planted them nor seen what was planted, its name or "
        "earlier replies, and read only the text of each request; what was planted was opened "
        f"afterwards. {_merged(rows)} One person answered and judged: this too shows what prompts "
        "and checks let through, and not what a model would find.",
        "",
        *FIRST_TIME,
        "",
        *_table(rows),
        "",
        "### The same in layouts of well-known frameworks",
        "",
        *_in_layouts(),
    ]


def _in_layouts() -> list[str]:
    prompts, tools = careful_layouts.PROMPTS, careful_layouts.TOOLS
    planted = [(one, one.layout, None) for one in planted_layouts.PROMPTS if one.layout is not None]
    rows = [
        *_prompts(planted, prompts),
        *_tools((*planted_layouts.TOOLS, *planted_tools.FAULTS), tools),
    ]
    return [
        f"Another careful reader, no model, on {len(rows)} planted faults with simulated "
        f"conversations, {len(prompts)} in prompts and {len(tools)} in tools: all that somebody "
        "else had planted in layouts of frameworks, and two more that a seed drew. Answered and "
        f"judged as above. {_merged(rows)}",
        "",
        *FIRST_TIME_IN_LAYOUTS,
        "",
        *_table(rows),
    ]


def _merged(rows: Sequence[_Row]) -> str:
    verdicts = [row.verdict for row in rows]
    diffs = sum(isinstance(row.found, Proposal) for row in rows)
    right = verdicts.count("no diff, rightly")
    return (
        f"{verdicts.count('yes')} of {diffs} diffs would be merged as they are; in {right} "
        f"{'case' if right == 1 else 'cases'} no diff is right and a person is told so."
    )


def _table(rows: Sequence[_Row]) -> list[str]:
    return [
        "| fault | layout | what is added, taken out or said | merged as it is? |",
        "|---|---|---|---|",
        *(
            f"| {row.fault} | {row.layout} | {row.shown} | {row.verdict}: {row.careful.why} |"
            for row in rows
        ),
    ]


def _prompts(
    planted: Sequence[tuple[Fault, Layout, object]],
    replies: Mapping[str, careful_replies.Careful],
) -> Iterator[_Row]:
    for fault, layout, _ in planted:
        careful = replies.get(fault.name)
        if careful is not None:
            found, _, _ = changes_replies.run(fault, layout, careful)
            yield _Row(
                fault=fault.name,
                layout=f"{layout.name}, {fault.language}",
                found=found,
                shown=f"`{changes_replies.shown(found)}`",
                careful=careful,
            )


def _tools(
    planted: Sequence[ToolFault], replies: Mapping[str, careful_tools.Careful]
) -> Iterator[_Row]:
    for fault in planted:
        careful = replies.get(fault.name)
        if careful is not None:
            done = changes_harness.run_by_hand(fault, changes_harness.ByHand(careful))
            yield _Row(
                fault=fault.name,
                layout=fault.layout,
                found=done.found,
                shown=changes_harness.shown(done),
                careful=careful,
            )
