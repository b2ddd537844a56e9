"""Planted faults in tools and programs through the router and the writer, with careful replies.

No model was asked: `careful_tools` holds what one careful reader and writer answered to these
requests, from what the requests show and nothing else. The real client, the real prompts, the real
checks and the real routing are between them. Whether a diff would be merged as it is, is that
person's judgement too. The same person planted the faults, so the figures say what prompts and
checks let through, and not what a model would find.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.careful_tools import BAD, REPLIES, Bad, Careful
from bench.planted_tools import FAULTS, ToolFault
from bench.simulated_faults import repository_of
from bot.causes.reader import read_cause
from bot.causes.rules import Shown, cause_by_rules
from bot.causes.traits import traits_of
from bot.model import Model
from bot.model_changes import change_of
from bot.proposals.diagnosis import diagnose, pick_conversations
from bot.proposals.edits import apply_edits, render_diff
from bot.proposals.prompt_cause import MAX_READ, problem_of
from bot.proposals.tools import tools_shown
from bot.records import (
    AgentFiles,
    Ask,
    Cause,
    Finding,
    Pattern,
    Proposal,
    Repository,
    Skipped,
)
from bot.signals import find_signals
from collector.records import Conversation
from tests.bot.builders import NOW, a_pattern
from tests.bot.readers import findings_for
from tests.messages_server import KEY, Answer, Asked, messages_server, says

PROMPT = "prompts/agent.md"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of one fault."""

    fault: ToolFault
    found: Proposal | Skipped | Finding
    cause: Cause | None
    diff: str


def run(fault: ToolFault, base_url: str) -> Outcome:
    """One fault through cause, router, writer and judge, as a cycle does it."""
    texts = {**fault.files, PROMPT: fault.system}
    repository = repository_of(texts)
    files = AgentFiles(agent="agent", harness=tuple(fault.files), prompts=(PROMPT,))
    failing, passing = fault.failing(), fault.passing()
    ask = Model(api_key=KEY, base_url=base_url, budget_usd=20.0).ask
    pattern = a_pattern(
        agent="agent", intent_name=None, evidence=tuple(one.conversation_id for one in failing)
    )
    cause = cause_by_rules(pattern, _shown(failing), _shown(passing))
    if cause is None:
        cause = _read(pattern, files, repository, failing, ask)
    if cause is not None:
        pattern = replace(pattern, cause=cause, root_cause=cause.cause)
    found = change_of(
        pattern,
        repository,
        files,
        failing=failing,
        passing=passing,
        constraints=(),
        taken=(),
        ask=ask,
        now=NOW,
        conversations_per_month=3_000.0,
    )
    return Outcome(fault=fault, found=found, cause=cause, diff=_diff(repository, found))


def _shown(conversations: Sequence[Conversation]) -> Shown:
    return Shown(
        conversation_ids=[one.conversation_id for one in conversations],
        traits={one.conversation_id: traits_of(one, find_signals(one)) for one in conversations},
    )


def _read(
    pattern: Pattern,
    files: AgentFiles,
    repository: Repository,
    failing: Sequence[Conversation],
    ask: Ask,
) -> Cause | None:
    """The cause that a reader names, asked as `bot.causes` asks."""
    reading = diagnose(
        pick_conversations(failing, MAX_READ),
        agent_prompt=repository.files[PROMPT].text,
        agent_tools=tools_shown(failing, files, repository),
        problem=problem_of(pattern, files),
        ask=ask,
    )
    return read_cause(pattern, reading)


def _diff(repository: Repository, found: Proposal | Skipped | Finding) -> str:
    if not isinstance(found, Proposal):
        return ""
    after = apply_edits(repository.files, found.edits)
    assert isinstance(after, dict)
    return "".join(
        render_diff(repository.files[path].text, text, path) for path, text in after.items()
    )


class ByHand:
    """Answers each step of one fault with what was written for it."""

    def __init__(
        self,
        careful: Careful,
        *,
        edits: Sequence[Mapping[str, Any]] | None = None,
        objection: Mapping[str, str] | None = None,
    ) -> None:
        self.careful = careful
        self.edits = careful.edits if edits is None else edits
        self.objection = objection
        self.asked: list[Asked] = []

    def __call__(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        fields = (asked.schema or {})["properties"]
        if "findings" in fields:
            return says(findings_for(asked, self._finding))
        if "edits" in fields:
            return says({"why_not": self.careful.why_not, "edits": list(self.edits)})
        if "problems" in fields:
            return says({"problems": [self.objection] if self.objection else []})
        raise AssertionError(f"nobody answered {sorted(fields)}")

    def _finding(self, transcript: str) -> Mapping[str, Any]:
        found = re.search(rf"^\[(\d+)\].*?({self.careful.quote})", transcript, re.M)
        quotes = [{"turn": int(found[1]), "text": found[2]}] if found and self.careful.quote else []
        return {
            "present": bool(quotes),
            "locus": self.careful.locus or "unknown",
            "kind": "none",
            "rule": self.careful.rule,
            "quotes": quotes,
            "paraphrase": self.careful.paraphrase,
        }


def measure() -> list[str]:
    """The lines of the section."""
    rows, right, merged = [], 0, 0
    for fault in FAULTS:
        careful = REPLIES[fault.name]
        done = run_by_hand(fault, ByHand(careful))
        rows.append(_row(done, careful))
        right += _is_right(done)
        merged += careful.merge and isinstance(done.found, Proposal)
    fixable = sum(bool(fault.right) for fault in FAULTS)
    stopped = [_stopped(one) for one in BAD]
    by_checks = sum(by == "checks" for by, _ in stopped)
    by_judge = sum(by == "judge" for by, _ in stopped)
    return [
        f"Careful replies by hand, no model, on {len(FAULTS)} planted faults with simulated "
        f"conversations, {fixable} of which a diff can mend: the right file and place in {right} "
        f"of {len(FAULTS)} (for the other one: no diff, and a finding that says so); {merged} of "
        f"{fixable} diffs would be merged as they are. The person who answered and judged had "
        "planted the faults: this shows what router, prompts and checks let through, not what a "
        "model would find.",
        "",
        "| fault | layout | cause, found by | diff | tokens | merged as it is? |",
        "|---|---|---|---|---:|---|",
        *rows,
        "",
        f"{len(BAD)} edits that nobody should merge, as a writer's only answer: {by_checks} "
        f"refused by the checks, {by_judge} by the judge (answered by hand as well), "
        f"{len(BAD) - by_checks - by_judge} proposed.",
        "",
        "| fault | bad edit | stopped by | the sentence |",
        "|---|---|---|---|",
        *(
            f"| {bad.fault} | {bad.what} | {by} | {_cell(reason)} |"
            for bad, (by, reason) in zip(BAD, stopped, strict=True)
        ),
    ]


def run_by_hand(fault: ToolFault, by_hand: ByHand) -> Outcome:
    with messages_server(by_hand) as server:
        return run(fault, server.url)


def _is_right(done: Outcome) -> bool:
    if not isinstance(done.found, Proposal):
        return isinstance(done.found, Finding) and not done.fault.right
    return done.found.edits[0].path in done.fault.right


def _row(done: Outcome, careful: Careful) -> str:
    fault, found = done.fault, done.found
    cause = f"{done.cause.cause}, by {done.cause.by}" if done.cause else "none"
    if isinstance(found, Proposal):
        tokens = f"{found.cost.input_tokens + found.cost.output_tokens:,}"
        verdict = "yes" if careful.merge else "no"
    else:
        tokens, verdict = "", "no diff"
    return (
        f"| {fault.name} | {fault.layout} | {cause} | {shown(done)} | {tokens} | "
        f"{verdict}: {careful.why} |"
    )


def shown(done: Outcome) -> str:
    """The changed lines, or why there are none, for a cell of a table."""
    found = done.found
    if isinstance(found, Proposal):
        changed = done.diff.partition("\n@@")[2].splitlines()
        lines = [line for line in changed if line[:1] in "+-"]
        return "<br>".join(f"`{_code(line)}`" for line in lines)
    return _cell(found.sentence if isinstance(found, Finding) else found.reason)


def _stopped(bad: Bad) -> tuple[str, str]:
    """(who stopped it, in which sentence)."""
    (fault,) = [one for one in FAULTS if one.name == bad.fault]
    by_hand = ByHand(REPLIES[bad.fault], edits=[bad.edit], objection=bad.objection)
    found = run_by_hand(fault, by_hand).found
    if not isinstance(found, Skipped):
        return "nobody", "it was proposed"
    reason = found.reason.removeprefix("No edit of two attempts could stand: ")
    return ("judge" if "a judge says" in reason.lower() else "checks"), reason


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(line: str) -> str:
    """A line of a diff for a cell: no newline and no sign that ends the code."""
    shown = line[:1] + " ".join(line[1:].split())
    return shown.replace("|", "\\|").replace("`", "'")[:160]
