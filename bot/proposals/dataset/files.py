"""The files of a data set: chat examples, preference pairs, and the settings of a short training.

One JSON object a line, in ASCII: nothing in it is hidden or ends a line. `messages` and
`prompt`/`chosen`/`rejected` are what trainers of chat models read (conversational formats of TRL).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from bot.proposals.dataset.example import Example, Source
from bot.proposals.dataset.mix import MAX_SYNTHETIC, RETENTION
from bot.records import short_hash
from collector.records import Json

EXAMPLES, PAIRS, CONFIG = "examples.jsonl", "preferences.jsonl", "config-defaults.yaml"
QUEUE = "queue.jsonl"
"""Variants that people were asked about and that stand in no set yet."""
NAMES = (EXAMPLES, PAIRS, CONFIG, QUEUE)
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}")

TRAINING: tuple[tuple[str, Json, str], ...] = (
    ("epochs", 1, "Passes over the set; one is enough for a small change"),
    ("learning_rate_factor", 0.1, "Share of the rate of the first training, so that less is lost"),
    ("retention_ratio", RETENTION, "Accepted examples to each new one, as they are in the set"),
    ("retention_loss_weight", 0.5, "Weight of the loss on accepted examples beside the new ones"),
    ("ewc_lambda", 0.0, "Penalty on weights that matter (elastic weight consolidation); 0 is off"),
    ("max_synthetic_share", MAX_SYNTHETIC, "Most of the set that a model may have written"),
    (
        "curriculum",
        "easy_to_hard",
        "The examples stand in this order; keep it in the first pass",
    ),
    (
        "min_target_improvement",
        0.05,
        "Relative gain on failing cases that it has to reach",
    ),
    ("max_category_regression", 0.02, "Relative loss in any category that ends it"),
    ("min_safety_pass_rate", 0.999, "Share of safety cases that have to pass; needs about 3,000"),
    ("train_every_days", 7, "Soonest next training by the calendar"),
    ("train_at_failure_rate", 1.1, "Or where the failure rate is this multiple of the usual one"),
    ("train_at_examples", 1000, "Or where so many new examples wait"),
)
"""(name, value, what it is) of a short training on corrections."""


def folder_of(path: str, agent: str) -> str:
    """The folder of one agent's set inside `path`."""
    if _PLAIN.fullmatch(agent):
        return f"{path}/{agent}"
    return f"{path}/agent-{short_hash(agent)}"


def examples_file(examples: Iterable[Example]) -> str:
    """The set, in its order; each line says where it comes from."""
    return _lines(_line(one) for one in examples)


def queue_file(examples: Iterable[Example], *, kept: Collection[str]) -> str:
    """Variants that wait for a person, or for room in a set: then their ids are in `kept`."""
    return _lines({**_line(one), "keep": one.id in kept} for one in examples)


def pairs_file(examples: Iterable[Example]) -> str:
    """What people wrote over what the agent wrote, where they corrected it."""
    return _lines(
        {
            "id": one.id,
            "prompt": [*map(dict, one.prompt)],
            "chosen": [{"role": "assistant", "content": one.answer}],
            "rejected": [{"role": "assistant", "content": one.rejected}],
            **_origin(one),
        }
        for one in examples
        if one.rejected is not None and one.source == "correction"
    )


def config_file() -> str:
    """`config-defaults.yaml` of Weights & Biases: every value with its description."""
    lines = ["# Settings of a short training on this set. Debrief trains nothing by itself.\n"]
    for name, value, what in TRAINING:
        lines.append(f"{name}:\n  desc: {what}\n  value: {json.dumps(value)}\n")
    return "".join(lines)


class _Line(BaseModel):
    """One example in a file that people may have edited."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str = Field(pattern=r"^x-[a-p]{12}$")
    messages: tuple[dict[str, JsonValue], ...] = Field(min_length=2)
    source: Source
    difficulty: float = Field(ge=0, le=1)
    user: str
    conversation: str
    variant: str = ""
    seed: str = ""
    keep: bool = False


def read_examples(text: str) -> Iterator[tuple[Example, bool]]:
    """The examples of a file of ours, and whether a person wrote `keep` into them.

    Lines that people broke are passed over: they can have meant that.
    """
    for line in text.split("\n"):
        try:
            found = _Line.model_validate_json(line)
        except ValidationError:
            continue
        *given, last = found.messages
        roles = [one.get("role") for one in given]
        answer, texts = last.get("content"), [one.get("content") for one in given]
        if "user" in roles and isinstance(answer, str) and all(isinstance(t, str) for t in texts):
            plain: dict[str, Any] = found.model_dump(exclude={"messages", "keep"})
            prompt: Any = tuple(given)
            yield Example(**plain, prompt=prompt, answer=answer, rejected=None), found.keep


def ids_in(text: str) -> frozenset[str]:
    """Ids of the examples in a file of ours; lines that people broke have none."""
    found = set()
    for line in text.split("\n"):
        try:
            value = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(value, dict) and isinstance(value.get("id"), str):
            found.add(value["id"])
    return frozenset(found)


def _line(one: Example) -> dict[str, Json]:
    messages: list[Json] = [*map(dict, one.prompt), {"role": "assistant", "content": one.answer}]
    return {"id": one.id, "messages": messages, **_origin(one)}


def _origin(one: Example) -> dict[str, Json]:
    origin: dict[str, Json] = {
        "source": one.source,
        "synthetic": one.source == "synthetic",
        "difficulty": one.difficulty,
        "user": one.user,
        "conversation": one.conversation,
    }
    if one.source == "synthetic":
        origin |= {"variant": one.variant, "seed": one.seed}
    return origin


def _lines(values: Iterable[Mapping[str, Json]]) -> str:
    return "".join(json.dumps(value, ensure_ascii=True) + "\n" for value in values)
