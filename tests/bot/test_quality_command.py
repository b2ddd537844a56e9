"""`debrief quality`: what a team reads on the morning after."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.loop import NOW, Debrief, a_repository, write_lines
from tests.messages_server import KEY, Answer, Asked, messages_server, says

TODAY = NOW.replace(hour=0, minute=0)


def days_of_traffic(days: int, *, bad_from: int | None = None, a_day: int = 30) -> list[Any]:
    """Conversations of the last `days` days; one in ten fails, from `bad_from` on every second."""
    found = []
    for day in range(days):
        at = TODAY - timedelta(days=days - day) + timedelta(hours=9)
        every = 2 if bad_from is not None and day >= bad_from else 10
        for number in range(a_day):
            found.append(
                {
                    "id": f"c-{day}-{number}",
                    "agent": "support",
                    "user_id": f"u-{day}-{number}",
                    "start_time": (at + timedelta(minutes=number)).isoformat(),
                    "messages": [
                        {"role": "user", "content": f"Where is my parcel number {number}?"},
                        {"role": "assistant", "content": "It arrives on Monday at your door."},
                    ],
                    "outcome": {"success": (number + day) % every != 0},
                }
            )
    return found


@pytest.fixture
def debrief(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Debrief:
    return Debrief(tmp_path / "store", capsys)


def test_a_drop_yesterday_is_an_alert_today_and_the_same_one_tomorrow(
    debrief: Debrief, tmp_path: Path
) -> None:
    file = write_lines(tmp_path / "a.jsonl", days_of_traffic(27, bad_from=26))
    debrief("import", file)

    told = debrief("quality", "--json").json
    again = debrief("quality", "--json", now=NOW + timedelta(hours=3)).json
    said = debrief("quality").out

    (alert,) = told["alerts"]
    assert alert["state"] == "open"
    assert alert["departures"][0]["metric"] == "outcome:failed"
    assert alert["evidence"]
    assert [one["id"] for one in again["alerts"]] == [alert["id"]]
    assert said.startswith("ALERT: support: failed 50 % since 2026-11-19")


def test_a_calm_agent_is_said_to_be_calm(debrief: Debrief, tmp_path: Path) -> None:
    debrief("import", write_lines(tmp_path / "a.jsonl", days_of_traffic(27)))

    assert "support: within its weekly rhythm." in debrief("quality").out


def test_a_young_agent_is_said_to_be_young(debrief: Debrief, tmp_path: Path) -> None:
    debrief("import", write_lines(tmp_path / "a.jsonl", days_of_traffic(10)))

    assert "support: too young to say" in debrief("quality").out


def test_a_run_carries_the_alert_in_its_summary_and_its_document(
    debrief: Debrief, tmp_path: Path
) -> None:
    debrief("import", write_lines(tmp_path / "a.jsonl", days_of_traffic(27, bad_from=26)))
    repository = a_repository(tmp_path / "repo", {"prompts/support.md": "Be kind.\n"})
    summary = tmp_path / "summary.md"

    ran = debrief(
        *("run", "--repo", repository, "--to", f"git:{repository}", "--dry-run", "--json"),
        *("--summary", summary),
    )

    assert [one["agent"] for one in ran.json["alerts"]] == ["support"]
    assert "### Out of its rhythm" in summary.read_text()


def broken_format(asked: Asked) -> Answer:
    names = [line.split(":")[0] for line in asked.between("criteria").splitlines()]
    return says(
        {
            "verdicts": [
                {
                    "criterion": name,
                    "reason": "As it stands.",
                    "verdict": "broken" if name == "format" else "kept",
                    "turn": 1,
                    "quote": "arrives on Monday at your door",
                }
                for name in names
            ]
        }
    )


def test_a_sample_is_judged_once_by_the_teams_criteria_too(
    debrief: Debrief, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    debrief("import", write_lines(tmp_path / "a.jsonl", days_of_traffic(4)))
    settings = """
judge:
  share: 0.2
  per_run: 500
  criteria:
    - name: no_promises
      broken_when: The agent promises a day of delivery.
"""
    repository = a_repository(tmp_path / "repo", {".github/debrief.yml": settings})

    def script(asked: Asked) -> Answer:
        return broken_format(asked) if "<criteria>" in asked.user else says("no")

    with messages_server(script) as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        first = debrief("quality", "--repo", repository, "--json").json
        asked = sum("<criteria>" in one.user for one in server.asked)
        second = debrief("quality", "--repo", repository, "--json").json
        asked_again = sum("<criteria>" in one.user for one in server.asked)

    judged = {one["criterion"]: one for one in first["judged"]}
    assert 15 < judged["format"]["judged"] < 50
    assert judged["format"]["rate"] == 1.0
    assert judged["no_promises"]["rate"] == 0.0
    assert 0 < asked == asked_again <= judged["format"]["judged"]
    assert second["judged"] == first["judged"]
    assert first["calibration"] is None
    kept = json.loads((debrief.store / "derived/judged.json").read_text())
    assert {"prompt_sha256", "model", "version"} <= set(kept[0])


def test_the_page_draws_the_days_of_an_alert(debrief: Debrief, tmp_path: Path) -> None:
    debrief("import", write_lines(tmp_path / "a.jsonl", days_of_traffic(27, bad_from=26)))

    debrief("report", "--out", tmp_path / "page.html")

    page = (tmp_path / "page.html").read_text()
    assert "Day by day" in page
    assert 'class="day alarm"' in page


def test_a_damaged_memory_is_started_anew(debrief: Debrief, tmp_path: Path) -> None:
    debrief("import", write_lines(tmp_path / "a.jsonl", days_of_traffic(27, bad_from=26)))
    debrief("quality")
    (debrief.store / "derived/rhythm.json").write_text('{"counts": [1, 2]}')

    assert debrief("quality").out.startswith("ALERT")


def test_without_times_there_are_no_days(debrief: Debrief, tmp_path: Path) -> None:
    rows = [{**one, "start_time": None} for one in days_of_traffic(2)]
    for row in rows:
        del row["start_time"]
    debrief("import", write_lines(tmp_path / "a.jsonl", rows))

    assert "no days to compare" in debrief("quality").out


def test_the_rhythm_is_remembered_beyond_the_window(debrief: Debrief, tmp_path: Path) -> None:
    debrief("import", write_lines(tmp_path / "a.jsonl", days_of_traffic(27)))
    debrief("quality")
    later: datetime = NOW + timedelta(days=20)

    days = debrief("quality", "--json", now=later).json["metrics"][0]["days"]

    assert len(days) >= 25
