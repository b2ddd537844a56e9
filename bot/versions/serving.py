"""What conversations were served with, over all of them: gathered, added up, set beside the branch.

Takes conversations one by one and the matches of their texts; gives one `Serving` for each version
that was in production, and a `Finding` for each agent that runs on something else than the newest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.figures import count
from bot.records import (
    CapturedText,
    CommitRange,
    FileHistory,
    Finding,
    MatchedPart,
    VersionMatch,
)
from bot.versions.regions import described
from collector.records import Conversation

MAX_TEXTS = 5000
"""Distinct texts of one agent that are kept: where each is another, each has a user's own words in
it, and so many tell as much as all. Of the rest it is not known what served them."""
DEPLOY_LAG = timedelta(days=1)
"""So long after a merge the text before it may still be in production."""

Kind = tuple[str, str, str, str]
"""Agent, kind, name, text."""


@dataclass(slots=True)
class _Seen:
    conversations: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """The distinct texts of all conversations that were taken; nothing else of them is kept."""

    seen: dict[Kind, _Seen] = field(default_factory=dict)
    kept: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """Distinct texts by agent, kind and name."""
    conversations: dict[str, int] = field(default_factory=dict)
    """By agent, those without a system prompt included."""

    def take(self, conversation: Conversation) -> None:
        agent = conversation.agent
        self.conversations[agent] = self.conversations.get(agent, 0) + 1
        if conversation.system:
            self._add((agent, "system", "", conversation.system), conversation)
        for tool in conversation.tool_definitions:
            texts = [tool.description or "", *described(tool.parameters)]
            told = "\n".join(text for text in texts if text)
            if told:
                self._add((agent, "tool", tool.name, told), conversation)

    def _add(self, key: Kind, conversation: Conversation) -> None:
        if key not in self.seen:
            kept = self.kept.get(key[:3], 0)
            if kept >= MAX_TEXTS:
                return
            self.kept[key[:3]] = kept + 1
        seen = self.seen.setdefault(key, _Seen())
        seen.conversations += 1
        seen.is_cut = seen.is_cut or conversation.completeness.truncated
        at = conversation.started_at
        if at is not None:
            seen.first_at = min(seen.first_at or at, at)
            seen.last_at = max(seen.last_at or at, at)

    def texts(self) -> Iterator[CapturedText]:
        """Of each agent its system prompts before its tools."""
        for (agent, kind, name, text), seen in sorted(self.seen.items(), key=lambda one: one[0]):
            yield CapturedText(
                agent=agent,
                kind="system" if kind == "system" else "tool",
                name=name,
                text=text,
                conversations=seen.conversations,
                first_at=seen.first_at,
                last_at=seen.last_at,
                is_cut=seen.is_cut,
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Serving:
    """One version of one text, and whom it served."""

    agent: str
    kind: str
    name: str
    """The tool's; empty for a system prompt."""
    result: str
    """As `VersionMatch.result`."""
    parts: tuple[MatchedPart, ...]
    served: CommitRange | None
    texts: int
    """Distinct texts: the same version with other values filled in."""
    conversations: int
    first_at: datetime | None
    last_at: datetime | None
    why: str
    is_in_force: bool
    """The newest commit has this text, be it that it was replaced once and came back."""


def servings(matches: Iterable[VersionMatch]) -> tuple[Serving, ...]:
    """Put the matches of one version together, by agent, newest version last."""
    alike: dict[object, list[VersionMatch]] = {}
    for match in matches:
        captured = match.captured
        places = tuple((part.path, part.region) for part in match.parts)
        first = match.served.first_sha if match.served else None
        key = (captured.agent, captured.kind, captured.name, match.result, places, first)
        alike.setdefault(key, []).append(match)
    found = [_serving(group) for group in alike.values()]
    return tuple(sorted(found, key=_in_order))


def _in_order(one: Serving) -> tuple[str, str, str, float]:
    return (one.agent, one.kind, one.name, one.last_at.timestamp() if one.last_at else 0.0)


def _serving(group: Sequence[VersionMatch]) -> Serving:
    first = group[0]
    times = [one.captured.first_at for one in group if one.captured.first_at]
    lasts = [one.captured.last_at for one in group if one.captured.last_at]
    return Serving(
        agent=first.captured.agent,
        kind=first.captured.kind,
        name=first.captured.name,
        result=first.result,
        parts=first.parts,
        served=first.served,
        texts=len(group),
        conversations=sum(one.captured.conversations for one in group),
        first_at=min(times, default=None),
        last_at=max(lasts, default=None),
        why=first.why,
        is_in_force=any(each.until is None for one in group for each in one.ranges),
    )


def drift(found: Iterable[Serving], history: FileHistory) -> tuple[Finding, ...]:
    """What production runs on and the branch has not, or has replaced since."""
    newest: dict[tuple[str, str, str], Serving] = {}
    for one in found:  # the newest comes last
        newest[one.agent, one.kind, one.name] = one
    return tuple(
        Finding(kind="drift", agent=one.agent, sentence=sentence)
        for one in newest.values()
        if (sentence := _drifted(one, history)) is not None
    )


def _drifted(one: Serving, history: FileHistory) -> str | None:
    what = f"tool {one.name}" if one.kind == "tool" else "system prompt"
    at = f"{one.last_at:%Y-%m-%d %H:%M}" if one.last_at else "a time that is not known"
    if one.result == "none":
        # Tools are mostly described in code that nobody named; a prompt belongs into a file.
        if one.kind == "tool":
            return None
        return (
            f"The {what} of {count(one.conversations, 'conversation')}, last at {at}, is in no "
            f"watched file of {history.branch}. {one.why}"
        )
    if one.result == "edited":
        return f"The {what} that served at {at} was never on {history.branch} as it is. {one.why}"
    until = one.served.until if one.served else None
    if one.is_in_force or until is None or one.last_at is None or one.last_at < until + DEPLOY_LAG:
        return None
    paths = ", ".join(dict.fromkeys(part.path for part in one.parts))
    return (
        f"The {what} that served at {at} is an old one: {history.branch} replaced it in {paths} "
        f"at {until:%Y-%m-%d %H:%M}, and production has not taken that up."
    )
