"""What a team may set: `.github/debrief.yml`, read once at the edge and checked in full.

Takes the file's text (or None) and gives `Settings`; refuses unknown keys with a suggestion, and
limits that are looser than ours. Everything has a default: the file may be missing altogether.
Secrets never stand here: they come by environment, see `Secrets`.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.errors import SettingsError

PATH = ".github/debrief.yml"
PLANNED = frozenset(
    {"segments", "redaction", "quotes", "publish", "rollout", "judge", "flags", "replay"}
)
"""Keys that later versions will know."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AgentSettings(_Section):
    """One agent: how its conversations are recognised and which files make it what it is."""

    name: str
    match: tuple[str, ...] = ()
    """Other names under which its telemetry arrives (service.name or gen_ai.agent.name)."""
    task: str = ""
    """What the agent is for, in a sentence or two: the model reads it when it diagnoses."""
    done_when: str = ""
    prompts: tuple[str, ...] = ()
    """Globs as in a .gitignore file; so are the four below."""
    harness: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    thresholds: tuple[str, ...] = ()


class OutcomeRule(_Section):
    """An outcome that follows from what a conversation shows."""

    name: str
    when: str
    """A signal, for example `abandonment`."""
    without: tuple[str, ...] = ()
    """Outcomes whose presence overrules the rule."""


class OutcomeSettings(_Section):
    good: tuple[str, ...] = ("success", "resolved", "upgraded")
    bad: tuple[str, ...] = ("failure", "abandoned", "churned")
    rules: tuple[OutcomeRule, ...] = ()


class ModelSettings(_Section):
    reader: str = "claude-haiku-5-5"
    """Reads conversations; has no tools and answers in a schema."""
    writer: str = "claude-sonnet-5-5"
    """Writes edits; never sees a conversation."""
    judge: str = "claude-sonnet-5-5"
    budget_usd: float = Field(default=5.0, ge=0)
    """For one cycle. A run stops calling the model before it would spend more."""
    batch: bool = False
    """Label conversations by the batch API: half the price, and up to an hour more for a run."""
    prices: Mapping[str, tuple[float, float]] = Field(default_factory=dict)
    """Model id to US dollars per million input and output tokens, where ours are out of date."""


class Limits(_Section):
    """Caps. A file may make them tighter, never looser."""

    new_per_week: int = Field(default=3, ge=0, le=3)
    threshold_move: float = Field(default=0.2, gt=0, le=0.2)
    """Largest move of one threshold in one proposal, as a share of its value."""
    min_users: int = Field(default=5, ge=5)
    """Smallest group that a pattern may rest on."""
    window_days: Literal[28, 42, 56] = 28


class Settings(_Section):
    """The whole file."""

    version: Literal[1] = 1
    store: str | None = None
    agents: tuple[AgentSettings, ...] = ()
    outcomes: OutcomeSettings = OutcomeSettings()
    model: ModelSettings = ModelSettings()
    limits: Limits = Limits()
    allow: tuple[str, ...] = ()
    """Globs of further paths that a proposal may touch, besides the agents' own files."""
    paused: bool = False
    """Nothing new is opened while this is true; verdicts still come."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Settings:
        both = sorted(set(self.outcomes.good) & set(self.outcomes.bad))
        if both:
            raise ValueError(f"outcome {both[0]!r} is both good and bad; keep one")
        names = [name for agent in self.agents for name in (agent.name, *agent.match)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"agent {twice[0]!r} is there twice; give each name to one agent")
        return self

    def agent(self, name: str) -> AgentSettings:
        """The settings of agent `name`, or defaults where the file says nothing about it."""
        for agent in self.agents:
            if name == agent.name or name in agent.match:
                return agent
        return AgentSettings(name=name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Secrets:
    """What may only come by environment. Never printed, never written."""

    anthropic_api_key: str | None = field(default=None, repr=False)
    anthropic_base_url: str | None = None
    github_token: str | None = field(default=None, repr=False)
    github_api_url: str | None = None
    redaction_key: str | None = field(default=None, repr=False)
    """Hexadecimal."""
    collector_token: str | None = field(default=None, repr=False)
    """What senders must show to the collector, as a bearer token."""


def load_secrets(environ: Mapping[str, str]) -> Secrets:
    """Read the secrets from `environ`; an empty value counts as absent."""
    return Secrets(
        anthropic_api_key=environ.get("ANTHROPIC_API_KEY") or None,
        anthropic_base_url=environ.get("ANTHROPIC_BASE_URL") or None,
        github_token=environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN") or None,
        github_api_url=environ.get("GITHUB_API_URL") or None,
        redaction_key=environ.get("DEBRIEF_REDACTION_KEY") or None,
        collector_token=environ.get("DEBRIEF_COLLECTOR_TOKEN") or None,
    )


def load_settings(text: str | None, *, path: str = PATH) -> Settings:
    """Check the file's text and give the settings.

    Raises:
        SettingsError: the text is no YAML, or a key is unknown or out of range. The message names
            the line or the key and what would be right.
    """
    if text is None:
        return Settings()
    try:
        values = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise SettingsError(f"{path}{where}: {problem}; correct the file or remove it") from None
    except RecursionError:
        raise SettingsError(
            f"{path}: the file is nested too deeply; correct it or remove it"
        ) from None
    if values is None:
        return Settings()
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: a mapping of settings is expected, not {values!r:.60}")
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(f"{path}: " + "; ".join(_sentences(error))) from None


def settings_sha(text: str | None) -> str:
    """Identifies the settings that a bundle was made under."""
    return hashlib.sha256((text or "").encode()).hexdigest()[:12]


def settings_schema() -> dict[str, Any]:
    """JSON Schema of the file, for editors."""
    return Settings.model_json_schema()


def _sentences(error: ValidationError) -> list[str]:
    sentences = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            if problem["loc"][-1] in PLANNED:
                sentences.append(f"`{key}` is not supported by this version yet: leave it out")
                continue
            known = _keys_at(problem["loc"][:-1])
            close = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1, cutoff=0.5)
            hint = f"did you mean `{close[0]}`?" if close else f"known are {', '.join(known)}"
            sentences.append(f"unknown key `{key}`: {hint}")
        else:
            # Pydantic speaks of Python's types, the file's reader knows YAML's.
            message = problem["msg"].replace("valid tuple", "list, such as [a, b]")
            sentences.append(f"`{key}` is {problem['input']!r:.60}: {message}")
    return sentences


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    sections: dict[str, type[BaseModel]] = {
        "agents": AgentSettings,
        "outcomes": OutcomeSettings,
        "rules": OutcomeRule,
        "model": ModelSettings,
        "limits": Limits,
    }
    names = [part for part in location if isinstance(part, str)]
    return sorted(
        sections.get(names[-1], Settings).model_fields if names else Settings.model_fields
    )
