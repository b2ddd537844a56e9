"""What a team may set: `.github/debrief.yml`, read once at the edge and checked in full.

Takes the file's text (or None) and gives `Settings`; refuses unknown keys with a suggestion, and
limits that are looser than ours. Everything has a default: the file may be missing altogether.
The text under each field is what editors show beside it, see `settings_schema`.
Secrets never stand here: they come by environment, see `Secrets`.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bot.checked_yaml import Mistake, read_checked
from bot.errors import SettingsError
from bot.records import SignalKind

PATH = ".github/debrief.yml"
PLANNED = frozenset({"segments", "redaction", "rollout", "flags", "replay"})
"""Keys that later versions will know."""

PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
"""All that a repository's own check command gets of our environment, whatever else is there."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class AgentSettings(_Section):
    """One agent: how its conversations are recognised and which files make it what it is."""

    name: str = Field(examples=["support"])
    """Name under which its telemetry arrives: gen_ai.agent.name, else service.name."""
    match: tuple[str, ...] = Field(default=(), examples=[["support-prod", "support-eu"]])
    """Other names under which its telemetry arrives (service.name or gen_ai.agent.name)."""
    task: str = Field(default="", examples=["Answer customers about their orders."])
    """What the agent is for, in a sentence or two: the model reads it when it diagnoses."""
    done_when: str = Field(default="", examples=["The customer knows when the order arrives."])
    """When a conversation has reached its end, in a sentence: the model reads it when it judges."""
    prompts: tuple[str, ...] = Field(default=(), examples=[["prompts/support/*.md"]])
    """Files with its prompts, as globs of a .gitignore file; proposals may edit them."""
    harness: tuple[str, ...] = Field(default=(), examples=[["src/support/tools.py"]])
    """Code and definitions of tools around the model, as globs; proposals may edit them."""
    configs: tuple[str, ...] = Field(default=(), examples=[["config/support.yaml"]])
    """Configuration of the agent, as globs; proposals may edit it."""
    thresholds: tuple[str, ...] = Field(default=(), examples=[["config/thresholds.yaml"]])
    """Files with the thresholds that it decides by, as globs; proposals may move the numbers."""
    check: str = Field(default="", examples=["npm --prefix support test"])
    """Command that checks this agent's code, in place of `harness.check`."""


class OutcomeRule(_Section):
    """An outcome that follows from what a conversation shows."""

    name: str = Field(examples=["abandoned"])
    """Name of the outcome that the rule gives."""
    when: str | tuple[str, ...] = Field(default=(), examples=["abandonment"])
    """A signal, for example `abandonment`, or several of which any will do."""
    at_least: int = Field(default=1, ge=1, examples=[2])
    """How many such signals it takes."""
    idle_min: float | None = Field(default=None, ge=1, examples=[30])
    """Minutes for which the user has been silent; with `when`, both must hold."""
    without: tuple[str, ...] = Field(default=(), examples=[["success"]])
    """Outcomes whose presence overrules the rule."""

    @field_validator("when")
    @classmethod
    def _are_signals(cls, value: str | tuple[str, ...]) -> tuple[str, ...]:
        known = get_args(SignalKind)
        names = (value,) if isinstance(value, str) else value
        for name in names:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
                hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
                raise ValueError(f"there is no signal {name!r:.60}; {hint}")
        return names

    @model_validator(mode="after")
    def _says_when(self) -> OutcomeRule:
        if not self.when and self.idle_min is None:
            raise ValueError(f"rule {self.name!r:.60} says nothing; give `when` or `idle_min`")
        return self


class OutcomeSettings(_Section):
    """Which outcomes are good, which are bad, and which follow from signals."""

    good: tuple[str, ...] = ("success", "resolved", "upgraded")
    """Names of outcomes that a user wants."""
    bad: tuple[str, ...] = ("failure", "abandoned", "churned")
    """Names of outcomes that a user does not want; all others are neutral."""
    rules: tuple[OutcomeRule, ...] = ()
    """Outcomes that follow from signals or from silence."""
    within_days: float = Field(default=28, gt=0, le=365)
    """How long after a conversation something may happen to its user or account (churn, say) to
    count for it."""
    account: str = Field(default="account_id", examples=["company"])
    """The segment that names the account of a user."""

    @model_validator(mode="after")
    def _each_is_one(self) -> OutcomeSettings:
        both = sorted(set(self.good) & set(self.bad))
        if both:
            raise ValueError(f"outcome {both[0]!r} is both good and bad; keep one")
        return self


class ModelSettings(_Section):
    """Which models are asked, and what they may cost."""

    reader: str = "claude-haiku-5-5"
    """Reads conversations; has no tools and answers in a schema."""
    writer: str = "claude-sonnet-5-5"
    """Writes edits; never sees a conversation."""
    judge: str = "claude-sonnet-5-5"
    """Checks what the writer wrote."""
    budget_usd: float = Field(default=5.0, ge=0)
    """For one cycle. A run stops calling the model before it would spend more."""
    batch: bool = False
    """Label conversations by the batch API: half the price, and up to an hour more for a run."""
    prices: Mapping[str, tuple[float, float]] = Field(
        default_factory=dict, examples=[{"claude-haiku-5-5": [1.0, 5.0]}]
    )
    """Model id to US dollars per million input and output tokens, where ours are out of date."""


class IntentSettings(_Section):
    """How conversations are compared, to find intents and to give them."""

    embedding: str = Field(default="default", examples=["models/multilingual-e5-small"])
    """`default`, or a model of sentence-transformers: a folder, or a name that is on the machine.
    It needs the extra agent-debrief[embedding]."""
    download: bool = False
    """Fetch a model that is not on the machine from the Hugging Face Hub."""


class CriterionSettings(_Section):
    """Something that an answer of the agent may break, as a person would tell a colleague."""

    name: str = Field(pattern="^[a-z][a-z0-9_]{0,39}$", examples=["no_discounts"])
    """Its name in figures; one of ours (relevance, grounding, safety, format) is replaced."""
    broken_when: str = Field(
        min_length=10, max_length=500, examples=["The agent offers a discount that nobody allowed."]
    )
    """A sentence that says when a conversation breaks it; the judge reads it as it stands."""


class JudgeSettings(_Section):
    """A sampled share of the conversations is judged by the model, where there is a key."""

    share: float = Field(default=0.05, ge=0, le=1)
    """Share of the conversations that are judged; which ones follows from their ids."""
    per_run: int = Field(default=40, ge=0, le=1_000)
    """Most conversations that one run judges."""
    criteria: tuple[CriterionSettings, ...] = ()
    """Criteria of your own, beside relevance, grounding, safety and format."""


class HarnessSettings(_Section):
    """How a change of code, tool definitions or configuration is checked before it is proposed."""

    check: str = Field(default="", max_length=2_000, examples=["make test"])
    """Command for `sh` at the root of a copy of the repository with the change in it. It gets no
    secret and, where the system can do that, no network; a change that makes it fail is not
    proposed."""
    timeout_s: float = Field(default=600, ge=1, le=3_600)
    """Seconds that it may take."""


class CaseSettings(_Section):
    """Regression cases from failures and successes, as new files in `.debrief/cases/`."""

    propose: bool = False
    """Propose such files. They hold hashes and no user's words, unless `quotes` is on or a model
    put them in other words."""
    per_run: int = Field(default=1, ge=1, le=3)
    """Most patterns that one run proposes cases for; they take what room the fixes leave."""


class DatasetSettings(_Section):
    """Examples and preference pairs from corrections, for people who train."""

    path: str | None = Field(default=None, examples=["data/debrief"])
    """Folder for the files; nothing is proposed without one. They hold what users and reviewers
    wrote, redacted: give a folder only in a repository that may hold that."""
    at_least: int = Field(default=20, ge=3, le=1_000)
    """Corrections that have to be there before a set is proposed."""
    max_synthetic: float = Field(default=0.3, ge=0, le=0.3)
    """Largest share of what is new in a set that a model may write, where there is a key; 0 asks it
    for nothing. All of it is marked."""
    variants_per_run: int = Field(default=12, ge=1, le=40)
    """Most variants of corrected answers that one run asks the model for, in three calls each."""

    @field_validator("path")
    @classmethod
    def _is_plain(cls, path: str | None) -> str | None:
        if path is None:
            return None
        parts = path.rstrip("/").split("/")
        if not all(re.fullmatch(r"\w[\w.-]*", part, re.ASCII) for part in parts):
            raise ValueError(
                f"{path!r:.80} is no plain folder inside the repository; write it like data/debrief"
            )
        return "/".join(parts)


class Limits(_Section):
    """Caps. A file may make them tighter, never looser."""

    new_per_week: int = Field(default=3, ge=0, le=3)
    """New pull requests in any seven days."""
    threshold_move: float = Field(default=0.2, gt=0, le=0.2)
    """Largest move of one threshold in one proposal, as a share of its value."""
    min_users: int = Field(default=5, ge=5)
    """Smallest group that a pattern may rest on."""
    window_days: Literal[28, 42, 56] = 28
    """How many days of conversations are looked at."""


class QuietHours(_Section):
    """When nothing is written to GitHub, so that nobody is called. It waits for the next run."""

    start: time | None = Field(default=None, examples=["18:00"])
    """Quiet from this time of the day on; may be later than `end`, then it lasts over midnight."""
    end: time | None = Field(default=None, examples=["08:00"])
    """Quiet until this time of the day."""
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        default=(), examples=[["sat", "sun"]]
    )
    """Whole days that are quiet."""
    timezone: str = Field(default="UTC", examples=["Europe/Berlin"])
    """Where those times and days are meant, by its name in the time zone database."""

    @model_validator(mode="after")
    def _is_known(self) -> QuietHours:
        if (self.start is None) != (self.end is None):
            raise ValueError("quiet hours need both start and end")
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"no time zone is called {self.timezone!r}") from None
        return self


class PublishSettings(_Section):
    """How much is open at once, when nothing is written, and who is asked to look."""

    max_open: int = Field(default=5, ge=0, le=10)
    """Open pull requests of Debrief at once; nothing new is opened beyond that."""
    new_per_run: int = Field(default=3, ge=0, le=3)
    """New pull requests in one run."""
    open_per_agent: int = Field(default=5, ge=0, le=10)
    """Open pull requests at once for one agent."""
    expire_days: int = Field(default=60, ge=7, le=365)
    """A pull request that nobody did anything to for so long is closed; no rejection."""
    quiet_hours: QuietHours = QuietHours()
    """When nothing is written to GitHub."""
    pause_label: str = Field(default="debrief:pause", min_length=1, max_length=50)
    """While an open issue or pull request carries this label, nothing new is opened."""
    reviewers: tuple[str, ...] = Field(default=(), examples=[["alice", "acme/prompts"]])
    """People and teams (owner/team) who are asked for a review, besides the owners of the files."""
    code_owners: bool = True
    """Ask the owners of the changed files by CODEOWNERS for a review."""
    template: bool = True
    """Put the repository's pull request template under the body, folded."""
    dashboard: bool = True
    """Keep one issue that shows where everything stands, take wishes by its boxes and commands by
    comments, and tell people's own pull requests what relies on the lines they change."""


class Settings(_Section):
    """What Debrief may do in this repository."""

    version: Literal[1] = 1
    """Form of this file."""
    store: str | None = Field(default=None, examples=["s3://acme/debrief", "/var/lib/debrief"])
    """Where conversations are: a folder or a bucket. DEBRIEF_STORE and --store come first."""
    agents: tuple[AgentSettings, ...] = ()
    """The agents of this repository; without any, files are found by their places and names."""
    outcomes: OutcomeSettings = OutcomeSettings()
    """Which outcomes are good, which are bad, and which follow from signals."""
    model: ModelSettings = ModelSettings()
    """Which models are asked, and what they may cost."""
    harness: HarnessSettings = HarnessSettings()
    """How a change of code, tool definitions or configuration is checked before it is proposed."""
    limits: Limits = Limits()
    """Caps. A file may make them tighter, never looser."""
    publish: PublishSettings = PublishSettings()
    """How much is open at once, when nothing is written, and who is asked to look."""
    intents: IntentSettings = IntentSettings()
    """How conversations are compared, to find intents and to give them."""
    judge: JudgeSettings = JudgeSettings()
    """A sampled share of the conversations is judged by the model, where there is a key."""
    cases: CaseSettings = CaseSettings()
    """Regression cases from failures and successes, as new files in `.debrief/cases/`."""
    dataset: DatasetSettings = DatasetSettings()
    """Examples and preference pairs from corrections, for people who train."""
    quotes: bool = False
    """Show what users wrote, redacted, where intents are listed or proposed; else ids alone."""
    allow: tuple[str, ...] = Field(default=(), examples=[["src/agents/**/*.py"]])
    """Globs of further paths that a proposal may touch, besides the agents' own files."""
    paused: bool = False
    """Nothing new is opened while this is true; verdicts still come."""

    @field_validator("agents")
    @classmethod
    def _each_name_once(cls, agents: tuple[AgentSettings, ...]) -> tuple[AgentSettings, ...]:
        names = [name for agent in agents for name in (agent.name, *agent.match)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"agent {twice[0]!r} is there twice; give each name to one agent")
        return agents

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
    found = Settings() if text is None else read_checked(Settings, text, planned=PLANNED)
    if isinstance(found, Settings):
        return found
    raise SettingsError(f"{path}, " + "; ".join(map(str, found)))


def settings_mistakes(text: str) -> tuple[Mistake, ...]:
    """All that is wrong with the file's text; nothing where it is right."""
    found = read_checked(Settings, text, planned=PLANNED)
    return () if isinstance(found, Settings) else found


def settings_sha(text: str | None) -> str:
    """Identifies the settings that a bundle was made under."""
    return hashlib.sha256((text or "").encode()).hexdigest()[:12]


def settings_schema() -> dict[str, Any]:
    """JSON Schema of the file, for editors: what each key means, its bounds and examples."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Settings.model_json_schema(),
        "title": f"Debrief: {PATH}",
    }
