"""Prompt files as the noun that `Ask` takes: here `prompts` meets the bot's records."""

from __future__ import annotations

import prompts
from bot.records import RenderedPrompt


def render_prompt(name: str, **inputs: str) -> RenderedPrompt:
    """Load `prompts/<name>.md` and put the inputs in place.

    Raises:
        prompts.PromptError: no such prompt, or other inputs than it declares.
    """
    rendered = prompts.load(name).render(**inputs)
    return RenderedPrompt(
        name=rendered.name,
        sha256=rendered.sha256,
        role=rendered.role,
        system=rendered.system,
        user=rendered.user,
        max_tokens=rendered.max_tokens,
        schema=rendered.schema,
        cached=rendered.cached,
    )
