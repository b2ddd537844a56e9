"""Which variants a model is asked for, and its reply as an example.

Takes corrected examples as seeds; gives pairs of seed and kind, the prompt for one, and the
`Variant` that its reply is. A reply is a claim: `variant_checks` and two judges come after. Costs
one call each.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from bot.proposals.cases import letters_hash
from bot.proposals.dataset.example import Example
from bot.records import RenderedPrompt, Reply, short_hash
from bot.rendering import render_prompt

Kind = Literal["paraphrase", "easier", "harder", "constraint", "domain"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CONTEXT_CHARS = 12_000
_HARDER: dict[Kind, float] = {"easier": -0.15, "harder": 0.15}
"""What a kind does to the difficulty of its seed."""
NOTHING = "(nothing)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Constraint:
    """A demand on the answer that a program can check, but for `other`."""

    type: Literal["none", "at_most_words", "at_least_words", "names", "leaves_out", "other"]
    value: str


NONE = Constraint(type="none", value="")


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One example that a model wrote, beside the one that it was made of."""

    example: Example
    seed: Example
    constraint: Constraint = NONE

    @property
    def kind(self) -> Kind:
        return cast(Kind, self.example.variant)


def plan_variants(
    seeds: Sequence[Example],
    *,
    known: Collection[tuple[str, str]],
    resting: Collection[str],
    most: int,
) -> list[tuple[Example, Kind]]:
    """At most `most` pairs, one for each seed: what a seed is asked for follows from its id.

    So a later run asks the same, whatever other seeds came since, and is answered at no cost.
    `known` are (seed id, kind) that stand in a set or that people were asked about; `resting` are
    kinds that people do not want.
    """
    pairs = []
    for seed in sorted(seeds, key=lambda one: short_hash("seed", one.id, length=16)):
        kinds = [
            kind
            for kind in _turned(seed)
            if (seed.id, kind) not in known and kind not in resting and _suits(seed, kind)
        ]
        if kinds:
            pairs.append((seed, kinds[0]))
    return pairs[:most]


def _turned(seed: Example) -> tuple[Kind, ...]:
    first = int(short_hash("kind", seed.id), 16) % len(KINDS)
    return (*KINDS[first:], *KINDS[:first])


def _suits(seed: Example, kind: Kind) -> bool:
    """After earlier turns or results of tools only the words can change, and nothing else."""
    alone = [one["role"] for one in seed.prompt if one["role"] != "system"] == ["user"]
    return bool(seed.question.strip()) and (alone or kind == "paraphrase")


def ask_for(seed: Example, kind: Kind, *, rejected: Sequence[str]) -> RenderedPrompt:
    """The prompt for one variant. `rejected`: what people did not want in such variants."""
    return render_prompt(
        "dataset/vary",
        variant=kind,
        context=context_of(seed),
        request=seed.question,
        before=seed.rejected or NOTHING,
        after=seed.answer,
        rejected="\n".join(rejected) or NOTHING,
    )


def context_of(example: Example) -> str:
    """What the agent was given besides the last request, the newest where it is long."""
    place = _asked_at(example)
    lines = [
        f"{one['role']}: {one['content']}" for at, one in enumerate(example.prompt) if at != place
    ]
    whole = "\n\n".join(lines)
    if len(whole) > CONTEXT_CHARS:
        return f"(The beginning is left out.)\n\n{whole[-CONTEXT_CHARS:]}"
    return whole or NOTHING


def read_variant(reply: Reply, seed: Example, kind: Kind) -> Variant | None:
    """The reply as a variant; None where the model found that none makes sense."""
    told = cast("dict[str, Any]", reply.data)
    request = told["request"].strip()
    # A paraphrase asks for the same, so the person's own answer is the answer.
    answer = seed.answer if kind == "paraphrase" else told["answer"].strip()
    if not request or not answer:
        return None
    prompt = list(seed.prompt)
    place = _asked_at(seed)
    prompt[place] = {**prompt[place], "content": request}
    example = replace(
        seed,
        id=f"x-{letters_hash(seed.id, kind, request, answer)}",
        source="synthetic",
        prompt=tuple(prompt),
        answer=answer,
        rejected=None,
        difficulty=round(min(1.0, max(0.0, seed.difficulty + _HARDER.get(kind, 0.0))), 3),
        variant=kind,
        seed=seed.id,
    )
    constraint = Constraint(**told["constraint"]) if kind == "constraint" else NONE
    return Variant(example=example, seed=seed, constraint=constraint)


def _asked_at(example: Example) -> int:
    return max(at for at, one in enumerate(example.prompt) if one["role"] == "user")
