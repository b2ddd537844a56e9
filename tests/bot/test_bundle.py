"""A bundle on disk, and what a cycle decides to put into one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.bundle import (
    Operations,
    operations_for,
    read_body,
    read_bundle,
    write_bundle,
)
from bot.errors import UsageError
from bot.records import Edit, Plan, Skipped
from tests.bot.proposals_built import (
    BASE,
    NOW,
    a_health,
    a_past,
    a_pattern,
    a_prediction,
    a_proposal,
    a_report,
    a_verdict,
)


def planned(
    proposals: Any = (), past: Any = (), verdicts: Any = (), report: Any = None
) -> Operations:
    return operations_for(
        proposals, past, verdicts, report=report or a_report(), base_sha=BASE, now=NOW
    )


def a_plan(operations: Any = ()) -> Plan:
    return Plan(
        schema=1,
        target="git:repo",
        base_sha=BASE,
        base_branch="main",
        settings_sha="0123456789ab",
        operations=tuple(operations),
        left_out=(Skipped(what="a rule", code="cap", reason="3 a week"),),
    )


def a_bundle(folder: Path) -> Path:
    found = planned([a_proposal()])
    write_bundle(folder, a_plan(found.operations), found.bodies, {"p-7f3a0001": "--- a\n"})
    return folder


# -- files -------------------------------------------------------------------------------------


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    found = planned([a_proposal()])
    plan = a_plan(found.operations)

    write_bundle(tmp_path / "out", plan, found.bodies, {"p-7f3a0001": "--- a\n"})

    assert read_bundle(tmp_path / "out") == plan
    assert (
        read_body(tmp_path / "out", "bodies/p-7f3a0001.md") == found.bodies["bodies/p-7f3a0001.md"]
    )
    assert (tmp_path / "out/patches/p-7f3a0001.patch").read_text() == "--- a\n"


def test_plan_json_has_the_keys_of_the_contract(tmp_path: Path) -> None:
    values = json.loads((a_bundle(tmp_path / "out") / "plan.json").read_text())

    assert values["schema"] == 1
    assert {"target", "base_sha", "settings_sha", "operations", "left_out"} <= set(values)
    operation = values["operations"][0]
    assert {"op", "id", "kind", "branch", "title", "body_file", "labels", "edits"} <= set(operation)
    assert set(operation["edits"][0]) == {"path", "base_blob", "old", "new"}
    assert set(operation["evidence"]) == {"entries", "users", "conversation_ids"}
    assert operation["prediction"]["baseline_rate"] == 0.43
    assert values["left_out"] == [{"what": "a rule", "code": "cap", "reason": "3 a week"}]


def test_a_bundle_replaces_a_bundle_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    a_bundle(tmp_path / "out")

    write_bundle(tmp_path / "out", a_plan(), {}, {})

    assert read_bundle(tmp_path / "out").operations == ()
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["plan.json"]


@pytest.mark.parametrize("name", ["README.md", "src/x.py"])
def test_a_folder_with_anything_else_in_it_is_not_replaced(tmp_path: Path, name: str) -> None:
    place = tmp_path / "out" / name
    place.parent.mkdir(parents=True)
    place.write_text("mine")
    (tmp_path / "out" / "plan.json").write_text("{}")

    with pytest.raises(UsageError, match="is no bundle"):
        write_bundle(tmp_path / "out", a_plan(), {}, {})

    assert place.read_text() == "mine"


def test_a_missing_body_leaves_the_former_bundle_whole(tmp_path: Path) -> None:
    before = read_bundle(a_bundle(tmp_path / "out"))
    found = planned([a_proposal()])

    with pytest.raises(UsageError, match=r"p-7f3a0001\.md"):
        write_bundle(tmp_path / "out", a_plan(found.operations), {}, {})

    assert read_bundle(tmp_path / "out") == before
    assert [one.name for one in tmp_path.iterdir()] == ["out"]


def set_in(*path: str | int, to: Any) -> Callable[[Any], None]:
    def change(values: Any) -> None:
        for key in path[:-1]:
            values = values[key]
        values[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(set_in("schema", to=2), "schema", id="another-schema"),
        pytest.param(set_in("base_sha", to="main"), "base_sha", id="no-sha"),
        pytest.param(set_in("operations", 0, "op", to="merge"), "op", id="unknown-operation"),
        pytest.param(set_in("operations", 0, "id", to="../x"), "id", id="an-id-that-is-a-path"),
        pytest.param(set_in("operations", 0, "branch", to="main"), "branch", id="not-our-branch"),
        pytest.param(set_in("operations", 0, "branch", to="debrief/a\n"), "branch", id="newline"),
        pytest.param(set_in("operations", 0, "title", to="a\nb"), "title", id="two-line-title"),
        pytest.param(set_in("operations", 0, "title", to=""), "title", id="no-title"),
        pytest.param(set_in("operations", 0, "labels", to=["x" * 51]), "labels", id="long-label"),
        pytest.param(set_in("operations", 0, "body_file", to="../../x"), "body_file", id="outside"),
        pytest.param(
            set_in("operations", 0, "body_file", to="/etc/passwd"), "body_file", id="root"
        ),
        pytest.param(
            set_in("operations", 0, "edits", 0, "path", to="a/../../x"), "path", id="edit"
        ),
        pytest.param(set_in("operations", 0, "edits", 0, "new", to=7), "new", id="not-a-text"),
        pytest.param(set_in("operations", 0, "edits", 0, "base_blob", to="x"), "blob", id="blob"),
        pytest.param(set_in("operations", to={}), "operations", id="no-list"),
    ],
)
def test_a_bundle_from_outside_is_checked(
    tmp_path: Path, change: Callable[[Any], None], said: str
) -> None:
    plan_json = a_bundle(tmp_path / "out") / "plan.json"
    values = json.loads(plan_json.read_text())
    change(values)
    plan_json.write_text(json.dumps(values))

    with pytest.raises(UsageError, match=said):
        read_bundle(tmp_path / "out")


def test_keys_of_later_versions_are_ignored(tmp_path: Path) -> None:
    plan_json = a_bundle(tmp_path / "out") / "plan.json"
    values = json.loads(plan_json.read_text())
    values["operations"][0]["later"] = {"a": 1}
    plan_json.write_text(json.dumps(values))

    assert read_bundle(tmp_path / "out").operations[0].id == "p-7f3a0001"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\udcff"])
def test_no_json_is_one_clear_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(UsageError, match=r"plan\.json") as error:
        read_bundle(tmp_path)

    assert "\n" not in str(error.value)


def test_a_folder_without_a_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"it has no plan\.json"):
        read_bundle(tmp_path / "nothing")


def test_a_body_that_is_a_link_out_of_the_bundle_is_refused(tmp_path: Path) -> None:
    folder = a_bundle(tmp_path / "out")
    (tmp_path / "secret").write_text("secret")
    body = folder / "bodies/p-7f3a0001.md"
    body.unlink()
    body.symlink_to(tmp_path / "secret")

    with pytest.raises(UsageError, match="out of the bundle"):
        read_bundle(folder)


# -- operations --------------------------------------------------------------------------------


def test_a_new_proposal_is_opened() -> None:
    found = planned([a_proposal()])

    (operation,) = found.operations
    assert (operation.op, operation.branch) == ("open", "debrief/p-7f3a0001")
    assert operation.labels == (
        "debrief",
        "kind/prompt",
        "confidence/medium",
        "intent/cancel-flight",
    )
    assert operation.reference is None
    assert set(found.bodies) == {operation.body_file}


def test_the_same_input_gives_the_same_operations() -> None:
    assert planned([a_proposal()]) == planned([a_proposal()])


def test_an_open_one_with_other_content_is_updated() -> None:
    found = planned([a_proposal()], [a_past(fingerprint="other")])

    (operation,) = found.operations
    assert (operation.op, operation.reference) == ("update", "#212")


def test_an_open_one_with_the_same_content_is_left_as_it_is() -> None:
    found = planned([a_proposal()], [a_past()])

    assert found.operations == ()
    assert [one.code for one in found.left_out] == ["unchanged"]


def test_an_open_one_that_a_person_touched_is_left_alone() -> None:
    found = planned([a_proposal()], [a_past(fingerprint="other", touched=True)])

    assert found.operations == ()
    assert [one.code for one in found.left_out] == ["touched"]


def test_one_that_debrief_closed_is_opened_again() -> None:
    found = planned([a_proposal()], [a_past(state="closed")])

    assert [one.op for one in found.operations] == ["open"]


def a_healthy_report(**changes: Any) -> Any:
    health = a_health(health="healthy", why="3 % of 900 users fail (2 to 4)")
    return a_report(patterns=(), agents=(health,), **changes)


def test_an_open_one_whose_pattern_is_surely_gone_is_closed_with_the_reason() -> None:
    found = planned([], [a_past()], report=a_healthy_report())

    (operation,) = found.operations
    assert (operation.op, operation.reference) == ("close", "#212")
    assert "3 % of 900 users fail" in found.bodies[operation.body_file]


@pytest.mark.parametrize(
    ("past", "report"),
    [
        pytest.param(a_past(), a_report(), id="the-pattern-is-there"),
        pytest.param(a_past(touched=True), a_healthy_report(), id="a-person-works-on-it"),
        pytest.param(a_past(opened_at=NOW - timedelta(days=3)), a_healthy_report(), id="young"),
        pytest.param(a_past(opened_at=None), a_healthy_report(), id="age-not-known"),
        pytest.param(a_past(state="merged"), a_healthy_report(), id="merged"),
        pytest.param(a_past(agent="other"), a_healthy_report(), id="agent-not-seen"),
        pytest.param(
            a_past(),
            a_report(patterns=(), agents=(a_health(health="not_enough_data"),)),
            id="too-little-data",
        ),
    ],
)
def test_one_that_may_still_be_needed_stays_open(past: Any, report: Any) -> None:
    assert planned([], [past], report=report).operations == ()


def test_a_verdict_is_said_once() -> None:
    merged = a_past(state="merged")

    first = planned([], [merged], [a_verdict()])
    second = planned([], [a_past(state="merged", verdict="worked")], [a_verdict()])

    assert [(one.op, one.reference) for one in first.operations] == [("verdict", "#212")]
    assert second.operations == ()
    assert [one.code for one in second.left_out] == ["said_before"]


@pytest.mark.parametrize(("days", "said"), [(14.0, 0), (21.0, 0), (28.0, 1), (0.0, 1)])
def test_an_unknown_verdict_waits_for_the_last_look(days: float, said: int) -> None:
    """After four weeks of traffic, or where none is waited for any more."""
    verdict = a_verdict(result="unknown", days=days)

    assert len(planned([], [a_past(state="merged")], [verdict]).operations) == said


def test_a_verdict_on_something_the_target_does_not_know_is_left_out() -> None:
    found = planned([], [], [a_verdict()])

    assert found.operations == ()
    assert [one.code for one in found.left_out] == ["unknown_proposal"]


def test_intents_that_are_no_label_give_none() -> None:
    found = planned([a_proposal(prediction=a_prediction(intent_id="a, b\n"))], report=a_report())

    assert found.operations[0].labels == ("debrief", "kind/prompt", "confidence/medium")


def test_a_new_file_travels_with_no_blob(tmp_path: Path) -> None:
    edit = Edit(path=".debrief/cases/x.jsonl", base_blob=None, old="", new="{}\n")
    found = planned([a_proposal(edits=(edit,))], report=a_report(patterns=(a_pattern(),)))

    write_bundle(tmp_path / "out", a_plan(found.operations), found.bodies, {})

    assert read_bundle(tmp_path / "out").operations[0].edits == (edit,)
