"""What the dashboard says, as values. Its marker holds them, so that a body parses back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal[
    "candidate",
    "waiting",
    "open",
    "measuring",
    "worked",
    "no_effect",
    "harmed",
    "unknown",
    "merged",
    "rejected",
    "closed",
]
"""`candidate`: a pattern without a proposal yet. `waiting`: a proposal that a limit holds back.
`measuring`: merged, without a verdict yet. `merged`: it predicted nothing, so no verdict comes.
`closed`: by Debrief itself."""

BoxKind = Literal["create", "evaluate", "lift", "pause"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """One thing that a person may tick."""

    kind: BoxKind
    id: str = ""
    """Of the proposal; empty for `pause`."""

    @property
    def key(self) -> str:
        """How the body names it: `create=p-7f3a0001`, `pause`."""
        return f"{self.kind}={self.id}" if self.id else self.kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One of the top reasons why users fail."""

    name: str
    rate: float
    low: float
    high: float
    number: int
    """How many of `unit` the rate is of."""
    unit: str
    trend: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentView:
    agent: str
    health: str
    why: str
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One proposal, or a pattern that has none yet."""

    id: str
    title: str
    kind: str
    state: State
    reference: str | None = None
    """`#212`; None where there is no pull request."""
    since: str | None = None
    """Day on which it got into this state, as ISO date."""
    detail: str = ""
    """Why it waits, how far measuring is, what was measured, why it was rejected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """New pull requests of the last seven days, of how many."""

    opened: int
    per_week: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Dashboard:
    """All of it. Text in it may come from outside; `page` makes it harmless."""

    at: datetime
    """Of the last run that wrote the page."""
    agents: tuple[AgentView, ...] = ()
    rows: tuple[Row, ...] = ()
    quota: Quota | None = None
    cost_usd: float = 0.0
    """Of the last run."""
    days_to_merge: float | None = None
    """Median from the pull request to its merge."""
    days_to_fix: float | None = None
    """Median from the first conversation that shows the pattern to the merge of its fix."""
    worked: int = 0
    settled: int = 0
    """Verdicts other than unknown; `worked` of them are good."""
    problems: tuple[str, ...] = ()
    """Errors in the configuration and what the run went without, as sentences."""
    notes: tuple[str, ...] = ()
    """What the last run did about boxes that were ticked."""
    honoured: tuple[str, ...] = ()
    """Keys of the boxes that the run saw ticked and acted on: only these are un-ticked."""
    paused: bool = False
    """The box is ticked. A pause by settings or variable stands in `problems`."""

    def boxes(self) -> Iterable[Box]:
        """What can be ticked now, in the page's order."""
        for row in self.rows:
            if row.state == "waiting":
                yield Box(kind="create", id=row.id)
        for row in self.rows:
            if row.state == "open":
                yield Box(kind="evaluate", id=row.id)
        for row in self.rows:
            if row.state == "rejected":
                yield Box(kind="lift", id=row.id)
        yield Box(kind="pause")
