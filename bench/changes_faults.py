"""Planted faults: are the right file and place found and, without a model, the right value?

All conversations, corrections and decisions are simulated. Prompts and tools are those of the four
agents of the samples, in repositories of eight layouts that also hold the prompts of the other
agents and the version before the fault.
"""

# ruff: noqa: E501 - files as people write them

from __future__ import annotations

import random
from collections.abc import Iterator

from bench import planted_small
from bench.changes_layouts import layout_rows
from bench.planted_prompts import FAULTS, LAYOUTS
from bench.planted_values import rows as value_rows
from bench.simulated_faults import (
    ARGUMENTS,
    LIMIT_SET,
    Argument,
    Row,
    argument_calls,
    drawn_need,
    first_proposal,
    limited,
    located,
    moved,
    repository_of,
    threshold_pattern,
)
from bot.proposals import propose_arguments, propose_limits, propose_threshold
from bot.proposals.edits import apply_edits
from bot.records import AgentFiles, Proposal, Skipped
from tests.bot.builders import NOW

FIRST_TIME = (
    "29 of these faults (`layout-01` to `layout-29`) were planted by somebody who had not written the "
    "finder, in layouts of well-known frameworks that nobody had tried here. The first time the right "
    "place was found for 12 of the 29, and the right value for 4 of the 16 that need no model. What "
    "was in the way is mended (prompts joined from lists, tools named by their key or decorator, "
    "limits in defaults of the environment, front matter and feature flags, an argument's line in a "
    "docstring, a prompt in several files), so the figures above say nothing about layouts that are "
    "still unknown. Of 59 small files of such layouts all texts and nothing else were found in 29 at "
    "first, and all limits in 46 (`tests/bot/layouts`). Ten more files, read when that was mended, had "
    "all their texts found in 5; what was in the way of four of the others is mended as well. "
    "A second round by somebody with fresh eyes had 43 whole modules, exports of builders and deployments: all texts and nothing "
    "else in 20 at first (82 of 91 texts, and 30 that are none), and 36 of 41 limits. Ten more, read "
    "when that was mended: 5 (21 of 24 texts, 3 that are none; 13 of 15 limits). So half of the files "
    "of a layout that nobody tried are read without a fault."
)


def measure() -> list[str]:
    """The lines of the section."""
    rows = [*_prompts(), *_limits(), *_thresholds(), *_arguments(), *value_rows(), *layout_rows()]
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
    lines += ["", FIRST_TIME]
    missed = [row for row in rows if not row.place or row.value is False]
    lines += ["", "Not found or not right:", ""] if missed else ["", "All were found."]
    lines += [f"- {row.kind}, {row.layout}, {row.name}: {row.note}" for row in missed]
    return lines


# -- prompts: the place, which a model then writes into ------------------------------------------


def _prompts() -> Iterator[Row]:
    for number, fault in enumerate(FAULTS):
        for layout in (LAYOUTS[number % len(LAYOUTS)], LAYOUTS[(number + 3) % len(LAYOUTS)]):
            yield located(fault, layout)
    for fault in planted_small.FAULTS:
        if fault.layout is not None:
            yield located(fault, fault.layout)


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


def _limits() -> Iterator[Row]:
    for number, (layout, (path, text)) in enumerate(LIMITS.items()):
        for kind in ("answer", "steps") if number % 2 else ("answer", "tool_time"):
            yield _limit(kind, layout, path, text)


def _limit(kind: str, layout: str, path: str, text: str) -> Row:
    text = text.format(
        steps=LIMIT_SET["steps"], tokens=LIMIT_SET["answer"], time=LIMIT_SET["tool_time"], ms=10_000
    )
    rng = random.Random(f"{kind} {layout}")  # noqa: S311 - a simulation
    needs = sorted(drawn_need(kind, rng) for _ in range(300))
    conversations = [limited(kind, need, n) for n, need in enumerate(needs)]
    rng.shuffle(conversations)
    found = first_proposal(
        propose_limits(
            "agent",
            repository_of({path: text}),
            AgentFiles(agent="agent", harness=(path,)),
            conversations,
            rates={},
        )
    )
    name = f"{_KEYS[kind]} of {LIMIT_SET[kind]}"
    if not isinstance(found, Proposal):
        return Row(
            kind="limit too low", layout=layout, name=name, place=False, value=False, note=found
        )
    old, new = moved(path, text, found)
    key = old[0].split(".")[-2 if old[0].endswith(".value") else -1].replace("_", "").lower()
    unit = 1000 if key.endswith("ms") else 1
    most = needs[-1]
    low = min(needs[int(0.95 * len(needs))], 2 * LIMIT_SET[kind] * 0.95)
    value = float(new[1]) / unit
    right = low <= value <= 2 * LIMIT_SET[kind] and value <= 1.6 * most
    return Row(
        kind="limit too low",
        layout=layout,
        name=name,
        place=key.startswith(_KEYS[kind]),
        value=right,
        note=f"{old[1]} → {new[1]}, 95 % need {low:.0f}, the most {most:.0f}",
    )


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
    old, new = moved(path, text, found)
    return Row(
        kind="threshold off",
        layout=layout,
        name=name,
        place=old[0].removesuffix(".value") == "fraud.flag",
        value=abs(float(new[1]) - useful_from) <= 0.03,
        note=f"{old[1]} → {new[1]}",
    )


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


def _arguments() -> Iterator[Row]:
    for layout, (path, text) in TOOLS.items():
        for one in ARGUMENTS:
            source = text.format(tool=one.tool, does=one.does, argument=one.name, said=one.said)
            yield _argument(layout, path, source, one)


def _argument(layout: str, path: str, text: str, one: Argument) -> Row:
    repository = repository_of({path: text, "README.md": one.said})
    files = AgentFiles(agent="agent", harness=(path,))
    found = first_proposal(
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
