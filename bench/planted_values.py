"""Planted faults: the list of an argument's values says what the tool's code takes no more.

Three small agents, one in each way to define a tool; the calls are simulated. The right value is
the list that the code has, whatever its order.
"""

# ruff: noqa: E501 - files as people write them

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.simulated_faults import Row, repository_of
from bot.proposals import propose_arguments
from bot.proposals.edits import apply_edits
from bot.records import AgentFiles, Proposal
from bot.regions.choices import find_choices
from collector.records import Conversation
from tests.bot.builders import a_conversation, assistant, calls, returns, user


@dataclass(frozen=True, kw_only=True, slots=True)
class ValuesFault:
    """One definition that is out of date, and the code behind it."""

    name: str
    layout: str
    files: Mapping[str, str]
    path: str
    """Where the definition stands."""
    tool: str
    argument: str
    right: frozenset[str]
    wrong: str
    """What the model sends, as the definition has it or as users say it."""


RENAMED = ValuesFault(
    name="a renamed value in a JSON schema",
    layout="JSON and Python",
    files={
        "tools/tools.json": '[\n  {\n    "name": "open_ticket",\n    "description": "Open a ticket.",\n'
        '    "parameters": {\n      "type": "object",\n      "properties": {\n'
        '        "queue": {\n          "type": "string",\n          "enum": [\n'
        '            "billing",\n            "tech",\n            "returns"\n          ]\n'
        "        }\n      }\n    }\n  }\n]\n",
        "tools/desk.py": '"""The desk."""\n\nQUEUES = ("billing", "technical", "returns")\n\n\n'
        "def open_ticket(queue: str) -> str:\n    if queue not in QUEUES:\n"
        '        raise ValueError(f"unknown queue {queue!r}")\n    return create(queue)\n',
    },
    path="tools/tools.json",
    tool="open_ticket",
    argument="queue",
    right=frozenset({"billing", "technical", "returns"}),
    wrong="tech",
)
MISSING = ValuesFault(
    name="no list in a zod schema",
    layout="TypeScript",
    files={
        "src/rates.ts": 'export const CABINS = ["economy", "premium", "business"] as const;\n',
        "src/tools.ts": 'import { tool } from "ai";\nimport { z } from "zod";\n\n'
        'import { CABINS } from "./rates";\n\nexport const quoteFare = tool({\n'
        '  description: "Quote a fare.",\n  inputSchema: z.object({\n'
        '    cabin: z.string().describe("The cabin."),\n  }),\n'
        "  execute: async ({ cabin }) => {\n    if (!CABINS.includes(cabin)) {\n"
        "      throw new Error(`invalid cabin ${cabin}`);\n    }\n    return fare(cabin);\n"
        "  },\n});\n",
    },
    path="src/tools.ts",
    tool="quoteFare",
    argument="cabin",
    right=frozenset({"economy", "premium", "business"}),
    wrong="coach",
)
GONE = ValuesFault(
    name="a value that is gone, in a Literal",
    layout="Python decorators",
    files={
        "agent/tools.py": '"""Tools."""\n\nfrom typing import Literal\n\n'
        "from langchain_core.tools import tool\n\n\n@tool\n"
        'def pay_out(method: Literal["card", "cheque", "transfer"]) -> str:\n'
        '    """Pay money out."""\n    match method:\n        case "card":\n'
        '            return to_card()\n        case "transfer":\n            return by_bank()\n'
        '        case _:\n            raise ValueError("method is not supported")\n',
    },
    path="agent/tools.py",
    tool="pay_out",
    argument="method",
    right=frozenset({"card", "transfer"}),
    wrong="cheque",
)
FAULTS = (RENAMED, MISSING, GONE)


def rows() -> Iterator[Row]:
    """Is the right list found, and made what the code takes?"""
    for fault in FAULTS:
        repository = repository_of(fault.files)
        files = AgentFiles(agent="agent", harness=tuple(fault.files))
        found = list(propose_arguments("agent", repository, files, _calls(fault), rates={}))
        (one, *_) = found
        is_there = isinstance(one, Proposal) and {e.path for e in one.edits} == {fault.path}
        values: set[str] = set()
        if isinstance(one, Proposal) and is_there:
            after = apply_edits(repository.files, one.edits)
            assert isinstance(after, dict)
            lists = find_choices(fault.path, after[fault.path])
            values = {
                value for own in lists if own.argument == fault.argument for value in own.values
            }
        yield Row(
            kind="wrong list of values",
            layout=fault.layout,
            name=fault.name,
            place=is_there,
            value=values == fault.right,
            note="" if isinstance(one, Proposal) else one.reason,
        )


def _calls(fault: ValuesFault) -> list[Conversation]:
    """Every fourth of 80 calls is refused."""
    right = sorted(fault.right)
    made = []
    for at in range(80):
        is_wrong = at % 4 == 0
        value = fault.wrong if is_wrong else right[at % len(right)]
        error = f"invalid value for {fault.argument}: {value}" if is_wrong else None
        made.append(
            a_conversation(
                user("Please do it."),
                calls(fault.tool, {fault.argument: value}, id="k"),
                returns(None if is_wrong else "done", name=fault.tool, id="k", error=error),
                assistant("Well."),
                conversation_id=f"v-{at}",
                user_id=f"u-{at % 60}",
            )
        )
    return made
