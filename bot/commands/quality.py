"""`debrief quality`: is each agent what it was, and what did the judge see? Also a part of `run`.

What the monitor remembers is kept in STORE/derived: counts by day (no ids), the alerts that were
told, and judgements with the versions of prompt and model. Whoever deletes it loses the rhythm
before the window, and the judge asks again.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from bot.commands.derived import replace_file
from bot.commands.ledger import remember
from bot.commands.loading import (
    ask_of,
    conversations_by_key,
    empty_store,
    model_of,
    open_workspace,
    store_of,
    understanding_of,
)
from bot.commands.shell import Shell
from bot.figures import count, percent, rate
from bot.quality import DayCount, Watched, day_counts, merged_counts, watch
from bot.quality.alarm import departure_words, metric_name
from bot.quality.calibration import Calibration, adjusted_rate, calibrate
from bot.quality.counts import FAILED
from bot.quality.figure import rhythm_figure
from bot.quality.judging import STANDARD, Criterion, Judgement, in_sample, judge, version_of
from bot.records import Alert, Ask, Departure, Interval, Key, Skipped
from bot.settings import Settings
from bot.statistics import failure_rate
from bot.understanding import Understanding
from collector.store import Store

log = logging.getLogger(__name__)

RHYTHM = "derived/rhythm.json"
JUDGED = "derived/judged.json"
MOST_JUDGED = 20_000
EVIDENCE = 12
SHOWN_DRAWINGS = 12
RATED_BAD = frozenset({"negative_rating"})
REVIEWED_GOOD, REVIEWED_BAD = "review_accepted", frozenset({"review_rejected", "review_edited"})


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedRate:
    """How often one criterion was broken among an agent's judged conversations."""

    agent: str
    criterion: str
    broken: int
    judged: int
    rate: float
    interval: Interval
    adjusted: float | None
    """With the judge's own mistakes taken out; None where people said too little to know them."""
    adjusted_interval: Interval | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Monitored:
    """What the monitor says of all agents today."""

    watched: Watched
    judged: tuple[JudgedRate, ...] = ()
    calibration: Calibration | None = None
    skipped: tuple[Skipped, ...] = ()


def quality(shell: Shell, given: argparse.Namespace) -> int:
    """Say which agents have left their weekly rhythm, and what the judge saw."""
    workspace = open_workspace(given.repo)
    settings = workspace.settings
    model = model_of(shell, settings)
    understood = understanding_of(shell, workspace, model=model)
    store = store_of(shell, settings)
    found = monitored(shell, store, understood, settings, ask_of(model, store, settings))
    if shell.json:
        shell.emit(quality_json(found))
        return 0
    if not understood.report.agents:
        nothing = empty_store(shell, settings)
        shell.say(f"{nothing.what}: {nothing.reason}")
        return 0
    for line in quality_lines(found):
        shell.say(line)
    return 0


def monitored(
    shell: Shell, store: Store, understood: Understanding, settings: Settings, ask: Ask | None
) -> Monitored:
    """Judge what is in the sample and was not judged yet, count, and look for departures."""
    criteria = criteria_of(settings)
    judgements, skipped = _judged(shell, store, understood, settings, criteria, ask)
    facts = understood.facts
    window_days = settings.limits.window_days
    before, announced = _remembered(store)
    counted = day_counts(facts, _by_criterion(judgements))
    known = {one.agent for one in before}
    since = shell.now.date() - timedelta(days=window_days - 1)
    counts = [
        # Of an agent that is new here everything is news, however old it is.
        *(one for one in counted if one.agent not in known),
        *merged_counts(
            before, [one for one in counted if one.agent in known], since=since, now=shell.now
        ),
    ]
    watched = watch(counts, now=shell.now, announced=announced)
    alerts = tuple(_with_evidence(one, understood) for one in watched.alerts)
    _keep_rhythm(store, counts, alerts)
    people = _people(understood)
    calibration = _calibration(judgements, people)
    return Monitored(
        watched=Watched(alerts=alerts, rhythms=watched.rhythms, young=watched.young),
        judged=_rates(judgements, calibration),
        calibration=calibration,
        skipped=skipped,
    )


def criteria_of(settings: Settings) -> tuple[Criterion, ...]:
    """Ours, and those that the team wrote; one of the same name takes the place of ours."""
    own = [Criterion(name=one.name, broken_when=one.broken_when) for one in settings.judge.criteria]
    names = {one.name for one in own}
    return (*(one for one in STANDARD if one.name not in names), *own)


def _judged(
    shell: Shell,
    store: Store,
    understood: Understanding,
    settings: Settings,
    criteria: Sequence[Criterion],
    ask: Ask | None,
) -> tuple[tuple[Judgement, ...], tuple[Skipped, ...]]:
    """All judgements by today's wording, those of this run among them."""
    version = version_of(criteria)
    kept = {
        (one.agent, one.conversation_id): one
        for one in _read_judged(store)
        if one.version == version
    }
    if ask is None or not settings.judge.share:
        return tuple(kept.values()), ()
    facts = understood.facts.select(["agent", "conversation_id", "has_text", "started_at"])
    rows = facts.sort_by([("started_at", "descending")]).to_pylist()
    wanted: list[Key] = [
        (row["agent"], row["conversation_id"])
        for row in rows
        if row["has_text"]
        and in_sample(row["agent"], row["conversation_id"], settings.judge.share)
        and (row["agent"], row["conversation_id"]) not in kept
    ][: settings.judge.per_run]
    if not wanted:
        return tuple(kept.values()), ()
    read = conversations_by_key(store, wanted)
    with shell.working("judging a sample"):
        judging = judge([read[key] for key in wanted if key in read], criteria, ask=ask)
    kept |= {(one.agent, one.conversation_id): one for one in judging.judgements}
    _keep_judged(store, tuple(kept.values()))
    entries = [("judged", one.conversation_id, asdict(one)) for one in judging.judgements]
    remember(store, entries, (), now=shell.now)
    return tuple(kept.values()), judging.skipped


def _by_criterion(judgements: Sequence[Judgement]) -> dict[str, dict[Key, bool]]:
    found: dict[str, dict[Key, bool]] = {}
    for one in judgements:
        for criterion, broken in one.broken.items():
            found.setdefault(criterion, {})[one.agent, one.conversation_id] = broken
    return found


def _people(understood: Understanding) -> dict[Key, bool]:
    """Conversations of which a person said how they went; True is bad."""
    columns = ["agent", "conversation_id", "signals", "outcomes"]
    found: dict[Key, bool] = {}
    for row in understood.facts.select(columns).to_pylist():
        outcomes = set(row["outcomes"])
        if RATED_BAD & set(row["signals"]) or REVIEWED_BAD & outcomes:
            found[row["agent"], row["conversation_id"]] = True
        elif REVIEWED_GOOD in outcomes:
            found[row["agent"], row["conversation_id"]] = False
    return found


def _calibration(judgements: Sequence[Judgement], people: Mapping[Key, bool]) -> Calibration | None:
    """The judge's "anything broken" beside people's "it was bad"."""
    said = {
        (one.agent, one.conversation_id): any(one.broken.values())
        for one in judgements
        if one.broken
    }
    found = calibrate(said, people)
    return found if isinstance(found, Calibration) else None


def _rates(
    judgements: Sequence[Judgement], calibration: Calibration | None
) -> tuple[JudgedRate, ...]:
    """By agent and criterion; `any` is what the calibration is about, so it alone is adjusted."""
    told: dict[tuple[str, str], list[bool]] = {}
    for one in judgements:
        for criterion, broken in one.broken.items():
            told.setdefault((one.agent, criterion), []).append(broken)
        if one.broken:
            told.setdefault((one.agent, "any"), []).append(any(one.broken.values()))
    rates = []
    for (agent, criterion), values in sorted(told.items()):
        plain = failure_rate(sum(values), len(values))
        usable = calibration if calibration and calibration.is_usable else None
        better = adjusted_rate(sum(values), len(values), usable) if usable else None
        is_any = criterion == "any" and better is not None
        rates.append(
            JudgedRate(
                agent=agent,
                criterion=criterion,
                broken=plain.failed,
                judged=plain.total,
                rate=plain.rate,
                interval=plain.interval,
                adjusted=better.rate if better and is_any else None,
                adjusted_interval=better.interval if better and is_any else None,
            )
        )
    return tuple(rates)


def _with_evidence(alert: Alert, understood: Understanding) -> Alert:
    """The newest conversations since the alert began that show its first metric."""
    kind, _, name = alert.departures[0].metric.partition(":")
    columns = ["agent", "conversation_id", "started_at", "signals", "bad", "inferred"]
    rows = understood.facts.select(columns).sort_by([("started_at", "descending")]).to_pylist()

    def shows(row: Mapping[str, Any]) -> bool:
        if kind == "signal":
            return name in row["signals"]
        return bool(row["bad"]) if kind == "outcome" else "failure" in row["inferred"]

    ids = [
        row["conversation_id"]
        for row in rows
        if row["agent"] == alert.agent
        and row["started_at"] is not None
        and row["started_at"].date() >= alert.since
        and kind in ("signal", "outcome", "inferred")
        and shows(row)
    ]
    values = {name: getattr(alert, name) for name in Alert.__dataclass_fields__}
    return Alert(**{**values, "evidence": tuple(ids[:EVIDENCE])})


# -- what is shown ---------------------------------------------------------------------------------


def quality_lines(found: Monitored) -> list[str]:
    """What a person reads in the terminal and in the summary, one sentence a line."""
    lines = alert_lines(found)
    watched = {one.agent for one in found.watched.rhythms} - set(found.watched.young)
    calm = sorted(watched - {one.agent for one in found.watched.alerts if one.state == "open"})
    lines += [f"{agent}: within its weekly rhythm." for agent in calm]
    lines += [
        f"{agent}: too young to say; a rhythm needs three weeks of days."
        for agent in found.watched.young
    ]
    for one in found.judged:
        text = (
            f"{one.agent}: judged {one.criterion.replace('_', ' ')} broken in {one.broken} of "
            f"{count(one.judged, 'conversation')}, {rate(one.rate, one.interval)}"
        )
        if one.adjusted is not None:
            text += f"; with the judge's own mistakes {rate(one.adjusted, one.adjusted_interval)}"
        lines.append(f"{text}.")
    if found.judged:
        lines.append(_calibration_words(found.calibration))
    lines += [f"{one.what}: {one.reason}" for one in found.skipped]
    if not found.watched.rhythms:
        lines.append("No conversation has a time, so that there are no days to compare.")
    return lines


def alert_lines(found: Monitored) -> list[str]:
    """One sentence for each alert that is open or just over."""
    return [f"{_STATES[one.state]}: {one.sentence}" for one in found.watched.alerts]


def drawings(found: Monitored) -> list[tuple[str, Element]]:
    """What the page shows: every metric of an alert, and how often each agent fails."""
    wanted = {
        (alert.agent, one.metric): departure_words(one)
        for alert in found.watched.alerts
        for one in alert.departures
    }
    drawn = []
    for one in found.watched.rhythms:
        told = wanted.get((one.agent, one.metric))
        if told is not None or (one.metric == FAILED and any(day.expected for day in one.days)):
            said = told or f"{metric_name(one.metric)}, with what its weekdays let expect"
            drawn.append((f"{one.agent}: {said}", rhythm_figure(one)))
    return drawn[:SHOWN_DRAWINGS]


_STATES = {"open": "ALERT", "recovered": "Recovered", "settled": "New rhythm"}


def _calibration_words(known: Calibration | None) -> str:
    if known is None:
        return (
            "The judge is not calibrated: of judged conversations people said of too few whether "
            "they were good or bad, so its rates may be off by a constant. Their course is watched."
        )
    return (
        f"Beside people the judge sees {percent(known.sensitivity.rate)} of what they found bad, "
        f"and passes {percent(known.specificity.rate)} of what they found good "
        f"(kappa {known.kappa:.2f})."
    )


def quality_json(found: Monitored) -> dict[str, Any]:
    """The document of `quality --json`; days are ISO dates."""
    return {
        "alerts": [_alert_row(one) for one in found.watched.alerts],
        "young": list(found.watched.young),
        "metrics": [
            {
                "agent": one.agent,
                "metric": one.metric,
                "days": [
                    {**asdict(day), "day": day.day.isoformat()} for day in one.days if day.total
                ],
            }
            for one in found.watched.rhythms
        ],
        "judged": [asdict(one) for one in found.judged],
        "calibration": asdict(found.calibration) if found.calibration else None,
        "skipped": [asdict(one) for one in found.skipped],
    }


# -- what is kept ----------------------------------------------------------------------------------


def _alert_row(alert: Alert) -> dict[str, Any]:
    row = asdict(alert)
    row |= {"since": alert.since.isoformat(), "last_day": alert.last_day.isoformat()}
    row["departures"] = [
        {**asdict(one), "since": one.since.isoformat(), "value": one.value}
        for one in alert.departures
    ]
    return row


def _remembered(store: Store) -> tuple[list[DayCount], tuple[Alert, ...]]:
    """Counts and alerts of earlier runs; nothing where there are none, or none to read."""
    path = store.root / RHYTHM
    try:
        said = json.loads(path.read_bytes())
        counts = [
            DayCount(agent=a, metric=m, day=date.fromisoformat(d), failed=f, total=n)
            for a, m, d, f, n in said["counts"]
        ]
        return counts, tuple(_alert(row) for row in said["alerts"])
    except FileNotFoundError:
        return [], ()
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.warning("the rhythm kept in %s cannot be read: %s", path, error)
        return [], ()


def _alert(row: Mapping[str, Any]) -> Alert:
    departures = [
        Departure(
            metric=one["metric"],
            since=date.fromisoformat(one["since"]),
            failed=one["failed"],
            total=one["total"],
            expected=one["expected"],
            band=Interval(**one["band"]),
        )
        for one in row["departures"]
    ]
    return Alert(
        id=row["id"],
        agent=row["agent"],
        state=row["state"],
        since=date.fromisoformat(row["since"]),
        last_day=date.fromisoformat(row["last_day"]),
        departures=tuple(departures),
        sentence=row["sentence"],
        evidence=(),
    )


def _keep_rhythm(store: Store, counts: Sequence[DayCount], alerts: Sequence[Alert]) -> None:
    if not counts:
        return
    said = {
        "counts": [
            [one.agent, one.metric, one.day.isoformat(), one.failed, one.total] for one in counts
        ],
        "alerts": [{**_alert_row(one), "evidence": []} for one in alerts],
    }
    _write(store.root / RHYTHM, said)


def _read_judged(store: Store) -> list[Judgement]:
    path = store.root / JUDGED
    try:
        return [Judgement(**row) for row in json.loads(path.read_bytes())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        log.warning("the judgements kept in %s cannot be read: %s", path, error)
        return []


def _keep_judged(store: Store, judgements: Sequence[Judgement]) -> None:
    _write(store.root / JUDGED, [asdict(one) for one in judgements[-MOST_JUDGED:]])


def _write(path: Path, value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))
