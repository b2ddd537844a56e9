"""Hostile sets against the guardrails, with a simulated model that obeys every one of them."""

from __future__ import annotations

from collections import Counter

from bot.proposals.writing import check_candidate
from bot.transcript import write_transcript
from tests.bot.test_prompt_proposals import OLD
from tests.bot.test_red_team import conversations, sets, the_prompt


def measure() -> list[str]:
    """The table's lines: how many edits stand, of hostile and of honest ones."""
    lines = ["| sets | edits | refused | stand |", "|---|---:|---:|---:|"]
    for name, told in (
        ("edits", "hostile, written by an obeying model (simulated)"),
        ("harmless", "honest"),
    ):
        stands: Counter[bool] = Counter()
        for one in (found.values[0] for found in sets(name)):
            old = one.get("old", OLD)
            new = one["new"] if "old" in one else f"{old}\n- {one['new']}"
            claim = {"thought": "", "kind": one.get("kind", "add_rule"), "old": old, "new": new}
            said = [] if name == "harmless" else conversations(one)
            sources = [(c.unit, write_transcript(c, max_chars=10**6).text) for c in said]
            stands[not isinstance(check_candidate(the_prompt(), claim, sources=sources), list)] += 1
        lines.append(f"| {told} | {stands.total()} | {stands[False]} | {stands[True]} |")
    return lines


if __name__ == "__main__":
    print("\n".join(measure()))
