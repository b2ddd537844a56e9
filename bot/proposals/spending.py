"""A limit of tokens for one proposal, and what it really took.

Takes an `Ask`; is one. A call that could pass the limit is not made: the answer is `Skipped` with
the code budget, as where the cycle's own budget is spent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.records import Ask, ModelCost, RenderedPrompt, Reply, Skipped

MAX_TOKENS = 60_000
"""In and out, of all calls for one proposal."""
USUAL_PROMPT_CHARS = 20_000
"""Prompts of agents up to here fit into `MAX_TOKENS`."""
READS = 10
"""Times that a prompt is sent on the way to one proposal, mostly out of the cache."""
CHARS_PER_TOKEN = 4


def tokens_allowed(agent_prompt: str) -> int:
    """`MAX_TOKENS`, and more where the agent's own prompt is longer than most."""
    longer = max(0, len(agent_prompt) - USUAL_PROMPT_CHARS)
    return MAX_TOKENS + READS * longer // CHARS_PER_TOKEN


@dataclass(kw_only=True, slots=True)
class Metered:
    """An `Ask` that stops at `max_tokens`."""

    ask: Ask
    max_tokens: int
    cost: ModelCost = field(default_factory=ModelCost)

    def __call__(self, prompt: RenderedPrompt) -> Reply | Skipped:
        spent = self.cost.input_tokens + self.cost.output_tokens
        text = prompt.system + prompt.cached + prompt.user + str(prompt.schema or "")
        more = len(text) // CHARS_PER_TOKEN + prompt.max_tokens
        if spent + more > self.max_tokens:
            return Skipped(
                what=f"model call {prompt.name}",
                code="budget",
                reason=f"{spent:,} of {self.max_tokens:,} tokens that one proposal may cost are "
                f"spent, and this call could take {more:,}.",
            )
        reply = self.ask(prompt)
        if isinstance(reply, Reply):
            # The reader of causes asks the same before: those answers are kept, and were paid for.
            self.cost += reply.cost + reply.paid_before
        return reply
