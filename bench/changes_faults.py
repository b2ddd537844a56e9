"""Planted faults: are the right file and place found and, without a model, the right value?

All conversations, corrections and decisions are simulated. Prompts and tools are those of the four
agents of the samples, in repositories of eight layouts that also hold the prompts of the other
agents and the version before the fault.
"""

# ruff: noqa: E501 - files as people write them

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from bench import planted_small
from bench.planted import FILES, Fault, Layout, prompt_of
from bench.planted_prompts import FAULTS, LAYOUTS
from bot.proposals import propose_arguments, propose_limits, propose_threshold
from bot.proposals.edits import apply_edits
from bot.proposals.prompt_file import PromptFile, choose_prompt_file
from bot.proposals.scalars import find_number
from bot.records import (
    AgentFiles,
    Decision,
    Pattern,
    Proposal,
    Repository,
    Skipped,
    SourceFile,
)
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


def measure() -> list[str]:
    """The lines of the section."""
    rows = [*_prompts(), *_limits(), *_thresholds(), *_arguments()]
    valued = [row for row in rows if row.value is not None]
    lines = [
        f"{len(rows)} planted faults (simulated conversations): the right file and region in "
        f"{sum(row.place for row in rows)} of {len(rows)}, the right value in "
        f"{sum(bool(row.value) for row in valued)} of the {len(valued)} that need no model.",
        "",
        "| kind | faults | right place | right value |",
        "|---|---:|---:|---:|",
    ]
    for kind in dict.fromkeys(row.kind for row in rows):
        own = [row for row in rows if row.kind == kind]
        has_value = own[0].value is not None
        value = str(sum(bool(row.value) for row in own)) if has_value else "by a model"
        lines.append(f"| {kind} | {len(own)} | {sum(row.place for row in own)} | {value} |")
    missed = [row for row in rows if not row.place or row.value is False]
    lines += ["", "Not found or not right:", ""] if missed else ["", "All were found."]
    lines += [f"- {row.kind}, {row.layout}, {row.name}: {row.note}" for row in missed]
    return lines


def repository_of(texts: Mapping[str, str]) -> Repository:
    files = {path: SourceFile(path=path, blob="b" * 40, text=text) for path, text in texts.items()}
    return Repository(base_sha="a" * 40, base_branch="main", files=files)


# -- prompts: the place, which a model then writes into ------------------------------------------


def _prompts() -> Iterator[Row]:
    for number, fault in enumerate(FAULTS):
        for layout in (LAYOUTS[number % len(LAYOUTS)], LAYOUTS[(number + 3) % len(LAYOUTS)]):
            yield _located(fault, layout)
    for fault in planted_small.FAULTS:
        if fault.layout is not None:
            yield _located(fault, fault.layout)


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


def _located(fault: Fault, layout: Layout) -> Row:
    repository, files = planted_repository(fault, layout)
    wanted = fault.planted()
    failing = fault.failing(wanted)
    found = choose_prompt_file(files, repository, [c.system for c in failing if c.system])
    right = (
        isinstance(found, PromptFile)
        and found.file.path == layout.path_of(fault.domain)
        and wanted.strip() in found.text
    )
    note = found.reason if isinstance(found, Skipped) else f"{found.file.path} was taken"
    return Row(
        kind=fault.kind, layout=layout.name, name=fault.name, place=right, value=None, note=note
    )


# -- limits ----------------------------------------------------------------------------------------

LIMITS = {
    "Python": ("agent/run.py", "MAX_STEPS = {steps}\nMAX_TOKENS = {tokens}\nTIMEOUT_S = {time}\n"),
    "TypeScript": (
        "src/agent.ts",
        "export const options = {{ maxSteps: {steps}, maxTokens: {tokens}, timeoutMs: {ms} }};\n",
    ),
    "YAML": (
        "config/agent.yaml",
        "agent:\n  max_steps: {steps}\n  max_tokens: {tokens}\n"
        "tools:\n  search:\n    timeout_s: {time}\n",
    ),
    "JSON": (
        "config/agent.json",
        '{{"max_steps": {steps}, "max_tokens": {tokens}, "search": {{"timeout_s": {time}}}}}\n',
    ),
    "TOML": (
        "agent.toml",
        "[model]\nmax_tokens = {tokens}\n[run]\nmax_steps = {steps}\n"
        "[tools.search]\ntimeout_s = {time}\n",
    ),
    "Weights & Biases": (
        "config-defaults.yaml",
        "max_steps:\n  desc: Calls of the model\n  value: {steps}\n"
        "max_tokens:\n  value: {tokens}\ntimeout_s:\n  value: {time}\n",
    ),
}
_KEYS = {"answer": "maxtokens", "steps": "maxsteps", "tool_time": "timeout"}
_SET = {"answer": 400, "steps": 6, "tool_time": 10}


def _limits() -> Iterator[Row]:
    for number, (layout, (path, text)) in enumerate(LIMITS.items()):
        for kind in ("answer", "steps") if number % 2 else ("answer", "tool_time"):
            yield _limit(kind, layout, path, text)


def _limit(kind: str, layout: str, path: str, text: str) -> Row:
    text = text.format(
        steps=_SET["steps"], tokens=_SET["answer"], time=_SET["tool_time"], ms=10_000
    )
    rng = random.Random(f"{kind} {layout}")  # noqa: S311 - a simulation
    needs = sorted(_need(kind, rng) for _ in range(300))
    conversations = [_limited(kind, need, n) for n, need in enumerate(needs)]
    rng.shuffle(conversations)
    found = _first_proposal(
        propose_limits(
            "agent",
            repository_of({path: text}),
            AgentFiles(agent="agent", harness=(path,)),
            conversations,
            rates={},
        )
    )
    name = f"{_KEYS[kind]} of {_SET[kind]}"
    if not isinstance(found, Proposal):
        return Row(
            kind="limit too low", layout=layout, name=name, place=False, value=False, note=found
        )
    old, new = _moved(path, text, found)
    key = old[0].split(".")[-2 if old[0].endswith(".value") else -1].replace("_", "").lower()
    unit = 1000 if key.endswith("ms") else 1
    most = needs[-1]
    low = min(needs[int(0.95 * len(needs))], 2 * _SET[kind] * 0.95)
    value = float(new[1]) / unit
    right = low <= value <= 2 * _SET[kind] and value <= 1.6 * most
    return Row(
        kind="limit too low",
        layout=layout,
        name=name,
        place=key.startswith(_KEYS[kind]),
        value=right,
        note=f"{old[1]} → {new[1]}, 95 % need {low:.0f}, the most {most:.0f}",
    )


def _need(kind: str, rng: random.Random) -> float:
    """Tokens, calls or seconds that one conversation really needs; a share is over the limit."""
    if kind == "answer":
        return rng.lognormvariate(5.6, 0.35)
    if kind == "steps":
        return float(min(14, 1 + int(rng.expovariate(1 / 2.6))))
    return rng.lognormvariate(1.9, 0.32)


def answers(limit: float, *, seed: str, number: int) -> list[Conversation]:
    """Answers of which a share is cut off at `limit` tokens; simulated."""
    rng = random.Random(seed)  # noqa: S311 - a simulation
    return [_limited("answer", _need("answer", rng), n, limit=limit) for n in range(number)]


def _limited(kind: str, need: float, n: int, *, limit: float | None = None) -> Conversation:
    limit = _SET[kind] if limit is None else limit
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


def _first_proposal(found: Iterator[Proposal | Skipped]) -> Proposal | str:
    results = list(found)
    made = next((one for one in results if isinstance(one, Proposal)), None)
    if made is not None:
        return made
    return "; ".join(one.reason for one in results if isinstance(one, Skipped)) or "nothing"


def _moved(path: str, text: str, proposal: Proposal) -> tuple[tuple[str, str], tuple[str, str]]:
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


# -- thresholds -----------------------------------------------------------------------------------

THRESHOLDS = {
    "YAML": (
        "config/thresholds.yml",
        "# Reviewed\nfraud:\n  flag: {v}   # people look\n  block: 0.95\n",
    ),
    "JSON": (
        "config/thresholds.json",
        '{{"fraud": {{"flag": {v}, "block": 0.95}}, "spam": {{"flag": 0.7}}}}',
    ),
    "TOML": (
        "thresholds.toml",
        "[fraud]\nflag = {v} # people look\nblock = 0.95\n[spam]\nflag = 0.7\n",
    ),
    "Weights & Biases": (
        "config-defaults.yaml",
        "fraud.flag:\n  desc: Over this a person looks\n  value: {v}\nlearning_rate:\n  value: 0.5\n",
    ),
}
PLANTED_AT = (0.50, 0.60)


def _thresholds() -> Iterator[Row]:
    for layout, (path, text) in THRESHOLDS.items():
        for at in PLANTED_AT:
            yield _threshold(layout, path, text.format(v=f"{at:.2f}"), at, at * 1.12)


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


def _threshold(layout: str, path: str, text: str, at: float, useful_from: float) -> Row:
    pattern = threshold_pattern(at, useful_from, seed=layout)
    files = AgentFiles(agent="fraud-desk", thresholds=(path,))
    found = propose_threshold(pattern, repository_of({path: text}), files, now=NOW)
    name = f"{at} where {useful_from:.2f} is right"
    if not isinstance(found, Proposal):
        note = found.reason if isinstance(found, Skipped) else str(found)
        return Row(
            kind="threshold off", layout=layout, name=name, place=False, value=False, note=note
        )
    old, new = _moved(path, text, found)
    return Row(
        kind="threshold off",
        layout=layout,
        name=name,
        place=old[0].removesuffix(".value") == "fraud.flag",
        value=abs(float(new[1]) - useful_from) <= 0.03,
        note=f"{old[1]} → {new[1]}",
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


# -- descriptions of arguments --------------------------------------------------------------------

TOOLS = {
    "JSON schema": (
        "tools/tools.json",
        '[{{"type": "function", "function": {{"name": "{tool}", "description": "{does}", '
        '"parameters": {{"type": "object", "properties": {{"{argument}": {{"type": "string", '
        '"description": "{said}"}}, "note": {{"type": "string", "description": "A note"}}}}}}}}}}]\n',
    ),
    "Python": (
        "agent/tools.py",
        'from typing import Annotated\n\n\n@tool\ndef {tool}({argument}: Annotated[str, "{said}"], '
        'note: Annotated[str, "A note"]):\n    """{does}"""\n    return api.{tool}({argument})\n',
    ),
    "TypeScript": (
        "src/tools.ts",
        'export const {tool} = tool({{\n  description: "{does}",\n  inputSchema: z.object({{ '
        '{argument}: z.string().describe("{said}"), note: z.string().describe("A note") }}),\n}});\n',
    ),
    "YAML": (
        "tools.yaml",
        "tools:\n  - name: {tool}\n    description: {does}\n    parameters:\n      type: object\n"
        "      properties:\n        {argument}:\n          type: string\n          description: {said}\n",
    ),
}


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


def _arguments() -> Iterator[Row]:
    for layout, (path, text) in TOOLS.items():
        for one in ARGUMENTS:
            source = text.format(tool=one.tool, does=one.does, argument=one.name, said=one.said)
            yield _argument(layout, path, source, one)


def argument_calls(one: Argument) -> list[Conversation]:
    """Calls of which those in another format fail; simulated."""
    error = f"ValidationError: invalid {one.name}, wrong format"
    good = [_call(one, one.good(n), None, n) for n in range(60)]
    return [*good, *(_call(one, one.bad(n), error, n + 60) for n in range(20))]


def _argument(layout: str, path: str, text: str, one: Argument) -> Row:
    repository = repository_of({path: text, "README.md": one.said})
    files = AgentFiles(agent="agent", harness=(path,))
    found = _first_proposal(
        propose_arguments("agent", repository, files, argument_calls(one), rates={})
    )
    kind, name = "wrong tool description", f"{one.name} of {one.tool}"
    if not isinstance(found, Proposal):
        return Row(kind=kind, layout=layout, name=name, place=False, value=False, note=found)
    after = apply_edits(repository.files, found.edits)
    assert isinstance(after, dict)
    line = next(new for new in after[path].split("\n") if new not in text.split("\n"))
    before_it = after[path][: after[path].index(line) + len(line)]
    return Row(
        kind=kind,
        layout=layout,
        name=name,
        place=one.said in line and one.name in before_it,
        value=one.format in line,
        note=line.strip()[:160],
    )


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
