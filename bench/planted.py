"""A planted fault: one replacement in a prompt, and simulated conversations that show it.

Also the ways in which repositories keep the prompts of their agents.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from collector.records import Conversation, Message, ToolDefinition
from tests.bot.builders import NOW, a_conversation, assistant, calls, returns, user

SAMPLES = Path(os.environ.get("DEBRIEF_SAMPLES", Path(__file__).parents[2] / "shared" / "data"))
FILES = {
    "airline": "airline/tau_bench_wiki.md",
    "retail": "retail/tau_bench_wiki.md",
    "medical": "medical/policy_as_run.md",
    "telecom": "telecom/main_policy.md",
}
FAILING, PASSING = 10, 6
_NAMES = ("Ada", "Ben", "Chloe", "Dan", "Eva", "Finn", "Gina", "Hugo", "Ines", "Jon")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One replacement in one prompt and how users meet it."""

    name: str
    domain: str
    kind: str
    old: str
    new: str
    """What stands there instead of `old`."""
    requests: Sequence[str]
    """What users ask for, in different words; `{id}` and `{name}` are theirs."""
    call: tuple[str, Mapping[str, Any], Any]
    """The tool that is called, its arguments, its result."""
    wrong: str
    """What the agent does where the fault shows."""
    right: str
    """What it does where it happens to do well."""
    reaction: str = "That is not what I was told before. This is no help at all."
    acts: tuple[str, Mapping[str, Any], Any] | None = None
    """A second call that should not have happened."""
    prompt: str | None = None
    """The agent's prompt before the fault; None where it is one of the samples."""
    layout: Layout | None = None
    """How its repository keeps it; None: the benchmark deals the layouts out."""
    language: str = "English"

    def planted(self) -> str:
        """The prompt with the fault in it."""
        whole = self.prompt or prompt_of(self.domain)
        if whole.count(self.old) != 1:
            raise ValueError(f"{self.name}: the text to replace stands {whole.count(self.old)}x")
        return whole.replace(self.old, self.new)

    def failing(self, system: str, number: int = FAILING) -> list[Conversation]:
        return [self._conversation(system, n, is_wrong=True) for n in range(number)]

    def passing(self, system: str, number: int = PASSING) -> list[Conversation]:
        return [self._conversation(system, n, is_wrong=False) for n in range(number)]

    def _conversation(self, system: str, n: int, *, is_wrong: bool) -> Conversation:
        word = "f" if is_wrong else "s"
        fill = {
            "{id}": f"{'KXTRB'[n % 5]}{n * 37 % 90 + 10}{'QZW'[n % 3]}",
            "{name}": _NAMES[n % 10],
        }
        messages: list[Message] = [user(_filled(self.requests[n % len(self.requests)], fill))]
        messages += _called(self.call, fill, f"call_{n}_1")
        if is_wrong and self.acts is not None:
            messages += _called(self.acts, fill, f"call_{n}_2")
        messages.append(assistant(_filled(self.wrong if is_wrong else self.right, fill)))
        messages.append(user(self.reaction if is_wrong else "Good, thank you."))
        return a_conversation(
            *messages,
            conversation_id=f"{self.name}-{word}{n}",
            agent=self.domain,
            user_id=f"{word}-user-{n}",
            system=_rendered(system) if self.prompt else system,
            tool_definitions=tools_of(self.domain),
            started_at=NOW - timedelta(days=1 + n),
        )


def prompt_of(domain: str) -> str:
    return (SAMPLES / "agents" / FILES[domain]).read_text("utf-8")


def _filled(text: str, fill: Mapping[str, str]) -> str:
    for slot, value in fill.items():
        text = text.replace(slot, value)
    return text


def _called(
    call: tuple[str, Mapping[str, Any], Any], fill: Mapping[str, str], id: str
) -> list[Message]:
    name, arguments, result = json.loads(_filled(json.dumps(call), fill))
    return [calls(name, arguments, id=id), returns(result, name=name, id=id)]


def _rendered(template: str) -> str:
    """As the program would send it: placeholders filled, blocks of a template gone."""
    text = re.sub(r"(?:\{%.*?%\}|\{\{[#/].*?\}\})\n", "", template)
    return re.sub(r"\{\{.*?\}\}|\{\w+\}", "Lindau", text)


@cache
def tools_of(domain: str) -> tuple[ToolDefinition, ...]:
    """The agent's own definitions; none where the samples have none."""
    path = SAMPLES / "agents" / domain / "tools.json"
    if not path.exists():
        return ()
    tools = [one["function"] for one in json.loads(path.read_text("utf-8"))]
    return tuple(
        ToolDefinition(
            name=one["name"], description=one["description"], parameters=one["parameters"]
        )
        for one in tools
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How a repository keeps the prompts of its agents."""

    name: str
    path: str
    """Of the file that holds the prompt of `{domain}`; without the slot all are in one."""
    write: Callable[[Mapping[str, str]], str]
    """The text of the file with these prompts, by domain."""

    def files(self, prompts: Mapping[str, str]) -> dict[str, str]:
        if "{domain}" not in self.path:
            return {self.path: self.write(prompts)}
        return {
            self.path.replace("{domain}", domain): self.write({domain: text})
            for domain, text in prompts.items()
        }

    def path_of(self, domain: str) -> str:
        return self.path.replace("{domain}", domain)


def block(text: str, indent: str) -> str:
    return "\n".join(f"{indent}{line}".rstrip() for line in text.rstrip("\n").split("\n"))


def only(prompts: Mapping[str, str]) -> str:
    (text,) = prompts.values()
    return text
