"""What becomes of a planted fault: simulated production that shows it, and what was found.

Limits that stop something, decisions of people, refused arguments. Nothing of it was captured.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from bench.planted import FILES, Fault, Layout, prompt_of
from bot.proposals.edits import apply_edits
from bot.proposals.prompt_file import PromptFile, choose_prompt_file
from bot.proposals.prompt_parts import part_for
from bot.proposals.scalars import find_number
from bot.records import AgentFiles, Decision, Pattern, Proposal, Repository, Skipped, SourceFile
from bot.statistics import failure_rate
from collector.records import Conversation
from tests.bot.builders import (
    NOW,
    a_conversation,
    a_decision,
    a_pattern,
    assistant,
    calls,
    returns,
    user,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One planted fault and what was found of it."""

    kind: str
    layout: str
    name: str
    place: bool
    """The right file and region (or key)."""
    value: bool | None
    """None where only a model can write the value."""
    note: str = ""


def repository_of(texts: Mapping[str, str]) -> Repository:
    files = {path: SourceFile(path=path, blob="b" * 40, text=text) for path, text in texts.items()}
    return Repository(base_sha="a" * 40, base_branch="main", files=files)


def planted_repository(fault: Fault, layout: Layout) -> tuple[Repository, AgentFiles]:
    """All agents' prompts in one layout, one of them with the fault, and its older version."""
    before = {domain: prompt_of(domain) for domain in FILES}
    if fault.prompt is not None:
        before = {fault.domain: fault.prompt}
    texts = layout.files({**before, fault.domain: fault.planted()})
    older = {
        f"archive/{path}": text
        for path, text in layout.files(before).items()
        if path == layout.path_of(fault.domain) and text != texts[path]
    }
    texts = {**older, **texts, "README.md": "# Agents\n"}
    paths = tuple(path for path in texts if path != "README.md")
    return repository_of(texts), AgentFiles(agent=fault.domain, harness=paths)


def located(fault: Fault, layout: Layout, *, rule: str = "") -> Row:
    """Is the text with the fault chosen? `rule` is what a reader asks for."""
    repository, files = planted_repository(fault, layout)
    wanted = fault.planted()
    failing = fault.failing(wanted)
    found = choose_prompt_file(files, repository, [c.system for c in failing if c.system])
    found = part_for(found, rule) if isinstance(found, PromptFile) else found
    right = (
        isinstance(found, PromptFile)
        and found.file.path == layout.path_of(fault.domain)
        and wanted.strip() in found.text
    )
    note = found.reason if isinstance(found, Skipped) else f"{found.file.path} was taken"
    return Row(
        kind=fault.kind, layout=layout.name, name=fault.name, place=right, value=None, note=note
    )


LIMIT_SET = {"answer": 400, "steps": 6, "tool_time": 10}


def drawn_need(kind: str, rng: random.Random) -> float:
    """Tokens, calls or seconds that one conversation really needs; a share is over the limit."""
    if kind == "answer":
        return rng.lognormvariate(5.6, 0.35)
    if kind == "steps":
        return float(min(14, 1 + int(rng.expovariate(1 / 2.6))))
    return rng.lognormvariate(1.9, 0.32)


def answers(limit: float, *, seed: str, number: int) -> list[Conversation]:
    """Answers of which a share is cut off at `limit` tokens; simulated."""
    rng = random.Random(seed)  # noqa: S311 - a simulation
    return [limited("answer", drawn_need("answer", rng), n, limit=limit) for n in range(number)]


def limited(kind: str, need: float, n: int, *, limit: float | None = None) -> Conversation:
    limit = LIMIT_SET[kind] if limit is None else limit
    stopped = need > limit
    size = min(need, limit)
    start = NOW - timedelta(days=1, minutes=n)
    if kind == "answer":
        text = ("word " * 500)[: int(size * 4)]
        said = [assistant(text, finish="length" if stopped else "stop")]
    elif kind == "steps":
        said = []
        for step in range(int(size) - (0 if stopped else 1)):
            said += [
                calls("search", {"page": step}, id=f"c{step}"),
                returns({"page": step}, name="search", id=f"c{step}"),
            ]
        said += [] if stopped else [assistant("Here it is.")]
    else:
        error = "TimeoutError: timed out" if stopped else None
        said = [
            replace(calls("search", {"q": str(n)}), at=start),
            replace(
                returns(None if stopped else "found", name="search", error=error),
                at=start + timedelta(seconds=size),
            ),
            assistant("Here it is." if not stopped else "I could not find it."),
        ]
    return a_conversation(
        user(f"Question {n}?"),
        *said,
        conversation_id=f"c-{n}",
        user_id=f"u-{n % 60}",
        agent="agent",
        started_at=start,
    )


def threshold_pattern(at: float, useful_from: float, *, seed: str) -> Pattern:
    """Too many dismissals at `at`; simulated."""
    group = _decisions(at, useful_from, seed=seed)
    fired = [one for one in group if one.fired and one.response]
    dismissed = failure_rate(sum(one.response == "dismiss" for one in fired), len(fired))
    return a_pattern(
        kind="threshold",
        agent="fraud-desk",
        outcome="dismissed",
        unit="decision",
        rate=dismissed.rate,
        rate_interval=dismissed.interval,
        decisions=tuple(group),
        threshold_name="fraud.flag",
        intent_id=None,
    )


def _decisions(at: float, useful_from: float, *, seed: str, number: int = 400) -> list[Decision]:
    """Decisions at `at`; people dismiss what scores under `useful_from`, one in twenty by error."""
    rng = random.Random(seed)  # noqa: S311 - a simulation
    made = []
    for n in range(number):
        score = round(rng.uniform(at, 1), 3)
        dismissed = (score < useful_from) != (rng.random() < 0.05)
        made.append(
            a_decision(
                n,
                conversation_id=f"c-{n // 2}",
                user_id=f"u-{n % 50}",
                at=NOW - timedelta(days=28) + timedelta(days=26) * (n / number),
                confidence=score,
                threshold_value=at,
                response="dismiss" if dismissed else "approve",
            )
        )
    return made


@dataclass(frozen=True, kw_only=True, slots=True)
class Argument:
    """One argument whose description does not say its format."""

    tool: str
    does: str
    name: str
    said: str
    good: Callable[[int], str]
    bad: Callable[[int], str]
    format: str
    """What the description has to say."""


ARGUMENTS = (
    Argument(
        tool="search_flights",
        does="Searches flights",
        name="date",
        said="The day of the flight",
        good=lambda n: f"2026-05-{n % 28 + 1:02}",
        bad=lambda n: f"{n % 28 + 1} May",
        format="YYYY-MM-DD",
    ),
    Argument(
        tool="find_order",
        does="Finds an order",
        name="order_id",
        said="The id of the order",
        good=lambda n: f"#W{1000000 + n}",
        bad=lambda n: f"W{1000000 + n}",
        format="#",
    ),
)


def argument_calls(one: Argument) -> list[Conversation]:
    """Calls of which those in another format fail; simulated."""
    error = f"ValidationError: invalid {one.name}, wrong format"
    good = [_call(one, one.good(n), None, n) for n in range(60)]
    return [*good, *(_call(one, one.bad(n), error, n + 60) for n in range(20))]


def _call(one: Argument, value: str, error: str | None, n: int) -> Conversation:
    return a_conversation(
        user(f"Look up number {n} please."),
        calls(one.tool, {one.name: value, "note": "x"}),
        returns(None if error else {"ok": True}, name=one.tool, error=error),
        assistant("That did not work." if error else "Here it is."),
        conversation_id=f"c-{n}",
        user_id=f"u-{n % 40}",
        agent="agent",
        started_at=NOW - timedelta(days=2, minutes=n),
    )


def first_proposal(found: Iterator[Proposal | Skipped]) -> Proposal | str:
    results = list(found)
    made = next((one for one in results if isinstance(one, Proposal)), None)
    if made is not None:
        return made
    return "; ".join(one.reason for one in results if isinstance(one, Skipped)) or "nothing"


def moved(path: str, text: str, proposal: Proposal) -> tuple[tuple[str, str], tuple[str, str]]:
    """(key, value) before and after of the one number that changed."""
    repository = repository_of({path: text})
    after = apply_edits(repository.files, proposal.edits)
    assert isinstance(after, dict)
    before, now = (_numbers(path, one) for one in (text, after[path]))
    (key,) = [one for one in before if before[one] != now.get(one)]
    return (key, before[key]), (key, now[key])


def _numbers(path: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}

    def note(key: str, value: Decimal) -> bool:
        found[key] = str(value)
        return False

    find_number([SourceFile(path=path, blob="b" * 40, text=text)], "any number", note)
    return found
