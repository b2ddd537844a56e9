"""Tokens and dollars of one proposal, counted by the real client against a scripted server.

The server counts four characters a token. Failures and successes are real conversations of the
samples, the newest first, read through the prompt of their agent; the replies are scripted and as
long as a reader's. The longest way has three rounds of the writer, each with an objection.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bench.planted import SAMPLES, prompt_of, tools_of
from bench.simulated_faults import repository_of
from bot.model import Model
from bot.proposals.prompt import propose_prompt
from bot.proposals.spending import tokens_allowed
from bot.records import AgentFiles, Proposal, Skipped
from collector.records import Conversation, ToolDefinition
from tests.bot.builders import NOW, a_conversation, a_pattern, assistant, calls, returns, user
from tests.messages_server import KEY, Answer, Asked, messages_server, says

AGENTS = {
    "airline": "tau2_airline.jsonl.gz",
    "retail": "tau2_retail.jsonl.gz",
    "medical": "tau2_medical.jsonl.gz",
    "telecom": "tau2_telecom.jsonl.gz",
}
RULE = "Look the record up and say what it says before you promise anything to the user."
PARAPHRASE = "The agent acted before it had seen what its own tool would have told it about this."


def measure() -> list[str]:
    """The lines of the section."""
    lines = [
        "| agent | prompt, characters | tools, characters | failures read | way | calls | "
        "tokens in | tokens out | together | allowed | US dollars |",
        "|---|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for agent, name in AGENTS.items():
        lines += [_row(agent, name, rounds) for rounds in (1, 3)]
        lines.append(_row(agent, name, 1, sees_mistakes=False))
    return [
        *lines,
        "",
        "Four characters are a token. Where a sample has no definitions of its tools, each tool "
        "that it calls has a simulated one of 300 characters. Dollars at full price for input: "
        "what the cache saves is not counted.",
    ]


def _row(agent: str, name: str, rounds: int, *, sees_mistakes: bool = True) -> str:
    prompt = prompt_of(agent)
    tools = _tools(agent, name)
    read = [replace(one, tool_definitions=tools) for one in _conversations(agent, name, prompt)]
    failing, passing = read[:20], read[20:40]
    script = _Scripted(prompt, rounds, sees_mistakes=sees_mistakes)
    path = f"prompts/{agent}.md"
    with messages_server(script) as server:
        model = Model(api_key=KEY, base_url=server.url, budget_usd=50.0)
        found = propose_prompt(
            a_pattern(agent=agent, evidence=tuple(one.conversation_id for one in failing)),
            repository_of({path: prompt}),
            AgentFiles(agent=agent, prompts=(path,)),
            failing=failing,
            passing=passing,
            constraints=(),
            ask=model.ask,
            now=NOW,
        )
        cost = model.cost
    way = "first edit stands" if rounds == 1 else "three rounds"
    if not sees_mistakes:
        way = f"no rule broken, compared, {way}"
    if not isinstance(found, Proposal):
        way += f": {found.reason if isinstance(found, Skipped) else found.sentence}"
    return (
        f"| {agent} | {len(prompt):,} | {script.tools:,} | {script.shown} | {way} | {cost.calls} | "
        f"{cost.input_tokens:,} | {cost.output_tokens:,} | "
        f"{cost.input_tokens + cost.output_tokens:,} | {tokens_allowed(prompt):,} | "
        f"{cost.usd:.2f} |"
    )


class _Scripted:
    """Replies of the length that readers and writers give."""

    def __init__(self, prompt: str, rounds: int, *, sees_mistakes: bool) -> None:
        self.sees_mistakes = sees_mistakes
        self.tools = 0
        self.old = next(
            line for line in prompt.split("\n") if len(line) > 60 and prompt.count(line) == 1
        )
        self.rounds = rounds
        self.shown = self.written = 0

    def __call__(self, asked: Asked) -> Answer:
        (step,) = (asked.schema or {})["properties"]
        return says({step: getattr(self, f"_{step}")(asked)})

    def _findings(self, asked: Asked) -> list[dict[str, Any]]:
        parts = re.split(r"^=== conversation \d+ ===$", asked.between("conversations"), flags=re.M)
        self.shown += len(parts) - 1
        self.tools = len(asked.between("agent_tools"))
        return [
            {
                "conversation": number,
                "present": self.sees_mistakes,
                "locus": "prompt",
                "kind": "unclear_rule",
                "rule": RULE,
                "quotes": [_quote(part)],
                "paraphrase": PARAPHRASE,
            }
            for number, part in enumerate(parts[1:], start=1)
        ]

    def _differences(self, asked: Asked) -> list[dict[str, Any]]:
        failed, well = (
            re.split(r"^=== conversation \d+ ===$", asked.between(tag), flags=re.M)[1:]
            for tag in ("failed", "went_well")
        )
        return [
            {
                "conversation": number,
                "present": True,
                "rule": RULE,
                "order": "",
                "quote": _quote(part),
                "well": {"conversation": 1, **_quote(well[0])},
                "paraphrase": PARAPHRASE,
            }
            for number, part in enumerate(failed, start=1)
        ]

    def _causes(self, asked: Asked) -> list[dict[str, Any]]:
        numbers = re.findall(r"^(\d+)\. \(", asked.between("findings"), re.MULTILINE)
        return [{"rule": RULE, "findings": [int(one) for one in numbers]}]

    def _candidates(self, asked: Asked) -> list[dict[str, str]]:
        self.written += 1
        words = ("first", "always", "in every case", "without exception")
        return [
            {
                "thought": "The list of general rules is where the agent looks before it acts.",
                "kind": "add_rule",
                "old": self.old,
                "new": f"{self.old}\n\n- Look the record up {word} and say what it says.",
            }
            for word in words
        ]

    def _problems(self, asked: Asked) -> list[dict[str, str]]:
        if self.written >= self.rounds:
            return []
        return [{"kind": "misses", "sentence": "", "reason": "One case is left out. " * 6}]

    def _effects(self, asked: Asked) -> list[dict[str, Any]]:
        shown = re.findall(r"^=== conversation (\d+) ===$", asked.user, re.MULTILINE)
        said = {"reason": PARAPHRASE, "effect": "does_not_apply"}
        return [{"conversation": int(one), **said} for one in shown]


def _quote(transcript: str) -> dict[str, Any]:
    found = re.search(r"^\[(\d+)\] assistant: (\S+ \S+ \S+ \S+ \S+)", transcript, re.MULTILINE)
    return {"turn": int(found[1]) if found else 0, "text": found[2] if found else ""}


def _tools(agent: str, name: str) -> tuple[ToolDefinition, ...]:
    """The agent's own definitions, else simulated ones of the tools that it calls."""
    if own := tools_of(agent):
        return own
    called = {
        call.name: call.arguments
        for conversation in _conversations(agent, name, "")
        for message in conversation.messages
        for call in message.tool_calls
    }
    return tuple(
        ToolDefinition(
            name=tool,
            description="What the tool does, takes and gives, and when it is to be used. " * 4,
            parameters={"properties": {key: {"type": "string"} for key in _keys(arguments)}},
        )
        for tool, arguments in called.items()
    )


def _keys(arguments: Any) -> list[str]:
    return list(arguments) if isinstance(arguments, dict) else []


def _conversations(agent: str, name: str, system: str) -> Iterator[Conversation]:
    """Up to 40 of the file; where it has fewer, again as others."""
    with gzip.open(SAMPLES / "conversations" / name, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for _, line in zip(range(40), lines, strict=False)]
    for n in range(40):
        messages = [one for one in records[n % len(records)]["messages"] if one["role"] != "system"]
        yield a_conversation(
            *(_message(one) for one in messages),
            conversation_id=f"c-{n}",
            user_id=f"u-{n}",
            agent=agent,
            system=system,
        )


def _message(message: dict[str, Any]) -> Any:
    text = message.get("content") or ""
    if message["role"] == "tool":
        return returns(text, name=message.get("name") or "tool")
    if message.get("tool_calls"):
        call = message["tool_calls"][0]
        call = call.get("function", call)
        return calls(call["name"], call.get("arguments"))
    return user(text) if message["role"] == "user" else assistant(text)
