"""How much may be opened, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import SettingsError
from bot.limits import allowed_now, is_quiet, room_of, successor_of
from bot.records import Operation, PastProposal
from bot.settings import PublishSettings, QuietHours, Settings, load_settings
from tests.bot.plans_built import NOW, a_plan, an_operation
from tests.bot.proposals_built import a_proposal

SATURDAY_NIGHT = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
NIGHTS = "quiet_hours: {start: '18:00', end: '08:00', timezone: Europe/Berlin}"


def past(number: int, **changes: object) -> PastProposal:
    given: dict[str, object] = {
        "id": f"p-0000000{number}",
        "fingerprint": "f",
        "kind": "rule",
        "agent": "outreach",
        "pattern_id": f"c-{number}",
        "branch": f"debrief/p-0000000{number}",
        "title": "t",
        "state": "open",
        "reference": f"#{number}",
        "opened_at": NOW - timedelta(days=30),
        "evidence_entries": 5,
    }
    return PastProposal(**{**given, **changes})  # type: ignore[arg-type]


def settings_of(text: str) -> Settings:
    return load_settings(f"version: 1\n{text}")


def outcome(
    operations: list[Operation], history: list[PastProposal], settings: Settings, **given: object
) -> tuple[list[str], list[str]]:
    """(ids that may go out, codes of the rest)."""
    plan, waiting = allowed_now(
        a_plan(*operations),
        history,
        settings=settings,
        now=NOW,
        **given,  # type: ignore[arg-type]
    )
    return [one.id for one in plan.operations], [one.code for one in waiting]


@pytest.mark.parametrize(
    ("publish", "history", "opened"),
    [
        pytest.param("max_open: 3", [past(7), past(8)], 1, id="open-at-once"),
        pytest.param("new_per_run: 2", [], 2, id="new-in-a-run"),
        pytest.param("open_per_agent: 1", [], 1, id="one-agent"),
        pytest.param("open_per_agent: 1", [past(7, agent="other")], 1, id="another-agent"),
        pytest.param("max_open: 0", [], 0, id="none-at-all"),
        pytest.param("max_open: 3", [past(7, state="merged"), past(8)], 2, id="merged-is-not-open"),
        pytest.param("max_open: 9", [past(7, opened_at=NOW)], 2, id="three-in-a-week"),
    ],
)
def test_no_more_is_opened_than_the_settings_allow(
    publish: str, history: list[PastProposal], opened: int
) -> None:
    wanted = [an_operation(id=f"p-0000000{number}") for number in range(1, 5)]

    kept, codes = outcome(wanted, history, settings_of(f"publish: {{{publish}}}"))

    assert kept == [one.id for one in wanted][:opened]
    assert codes == ["cap"] * (4 - opened)


def test_what_a_person_asked_for_passes_the_limits_but_not_a_pause() -> None:
    none = settings_of("publish: {max_open: 0}")
    operation = an_operation()

    assert outcome([operation], [], none, asked={operation.id})[0] == [operation.id]
    assert outcome([operation], [], none, asked={operation.id}, paused="Paused.")[1] == ["paused"]
    assert outcome([operation], [], settings_of("paused: true"))[1] == ["paused"]


def test_updates_closes_and_verdicts_are_no_new_ones() -> None:
    operations = [an_operation(op) for op in ("update", "close", "verdict")]

    kept, codes = outcome(operations, [past(1)], settings_of("paused: true"))

    assert (len(kept), codes) == (3, [])


def test_one_that_takes_the_place_of_an_open_one_needs_no_room() -> None:
    full = settings_of("publish: {max_open: 1}")
    heir, other = an_operation(id="p-00000002"), an_operation(id="p-00000003")
    close = an_operation("close", id="p-00000001", superseded_by="p-00000002")

    kept, codes = outcome([heir, other, close], [past(1)], full)

    assert kept == ["p-00000002", "p-00000001"]
    assert codes == ["cap"]


@pytest.mark.parametrize("change", [{"state": "merged", "reverted": True}, {"state": "closed"}])
def test_what_was_taken_back_or_forgotten_comes_again_only_with_twice_the_evidence(
    change: dict[str, object],
) -> None:
    reason = {} if "reverted" in change else {"close_reason": "expired"}
    history = [past(1, **change, **reason)]

    def codes(entries: int) -> list[str]:
        operation = an_operation(id="p-00000001", entries=entries)
        return outcome([operation], history, Settings())[1]

    assert codes(9) == ["rejected_before"]
    assert codes(10) == []


def test_in_quiet_hours_nothing_goes_out_and_all_of_it_waits() -> None:
    settings = settings_of("publish: {quiet_hours: {days: [sat]}}")

    kept, codes = outcome([an_operation(), an_operation("verdict")], [], settings)

    assert (kept, codes) == ([], ["quiet_hours", "quiet_hours"])


@pytest.mark.parametrize(
    ("text", "at", "quiet"),
    [
        pytest.param(NIGHTS, "2026-11-21T17:30:00+00:00", True, id="over-midnight-in-the-evening"),
        pytest.param(NIGHTS, "2026-11-21T06:30:00+00:00", True, id="over-midnight-in-the-morning"),
        pytest.param(NIGHTS, "2026-11-21T07:00:00+00:00", False, id="the-end-is-not-quiet"),
        pytest.param("quiet_hours: {days: [sun]}", "2026-11-21T23:30:00+00:00", False, id="utc"),
        pytest.param(
            "quiet_hours: {days: [sun], timezone: Asia/Tokyo}",
            "2026-11-21T23:30:00+00:00",
            True,
            id="another-day-there",
        ),
        pytest.param("max_open: 1", "2026-11-21T03:00:00+00:00", False, id="none-by-default"),
    ],
)
def test_quiet_hours_are_those_of_the_place_that_is_named(text: str, at: str, quiet: bool) -> None:
    hours = settings_of(f"publish: {{{text}}}").publish.quiet_hours

    assert is_quiet(hours, datetime.fromisoformat(at)) is quiet


@pytest.mark.parametrize("hours", ["{start: '18:00'}", "{timezone: Mars/Base}", "{days: [today]}"])
def test_quiet_hours_that_make_no_sense_are_refused(hours: str) -> None:
    with pytest.raises(SettingsError):
        settings_of(f"publish: {{quiet_hours: {hours}}}")


def test_a_successor_is_another_remedy_of_the_same_kind_for_the_same_pattern() -> None:
    new = a_proposal(id="p-00000002", kind="rule", agent="outreach", pattern_id="c-1")

    assert successor_of(past(1), [new]) is new
    assert successor_of(past(1, touched=True), [new]) is None
    assert successor_of(past(1, kind="prompt"), [new]) is None
    assert successor_of(past(1), [new, a_proposal(**_same_as(new, id="p-00000001"))]) is None


def _same_as(proposal: object, **changes: object) -> dict[str, object]:
    same = {name: getattr(proposal, name) for name in ("kind", "agent", "pattern_id")}
    return {**same, **changes}


def test_room_is_counted_as_it_is_taken() -> None:
    room = room_of([], per_week=2, limits=PublishSettings(), now=NOW)

    assert room.hindrance("a") is None
    room.take("a")
    room.take("a")

    assert room.hindrance("a") == (
        "At most 2 new proposals may be opened in seven days (0 before this run, 2 in it)."
    )


def test_quiet_hours_default_to_none() -> None:
    assert not is_quiet(QuietHours(), SATURDAY_NIGHT)
