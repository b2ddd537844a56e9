"""What `publish` checks again, from the repository and the bundle alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast, get_args

from bot.dataset_changes import dataset_globs
from bot.proposals import check_edits
from bot.records import Operation, ProposalKind
from bot.settings import load_settings
from bot.watched import default_globs


def check_again(
    operation: Operation,
    before: Mapping[str, str],
    after: Mapping[str, str],
    settings_text: str | None,
) -> tuple[str, ...]:
    """The guardrails that can be checked from repository and bundle alone, for `publish`.

    `settings_text` is read from the default branch: a bundle cannot widen what it may touch.
    """
    settings = load_settings(settings_text)
    agent = settings.agent(operation.agent)
    own = (*agent.prompts, *agent.harness, *agent.configs, *agent.thresholds)
    kind = operation.kind
    if kind not in get_args(ProposalKind):
        return (f"{kind!r:.40} is no kind of proposal",)
    if kind == "dataset":  # It goes where the settings say, and never where an agent's files are.
        own = dataset_globs(settings)
        return check_edits(before, after, kind="dataset", allowed=own)
    return check_edits(
        before,
        after,
        kind=cast(ProposalKind, kind),
        allowed=(*(own or default_globs()), *settings.allow),
    )
