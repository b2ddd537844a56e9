"""Hostile texts and edits against a tool, one by one: each is refused, and for its own reason."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from bot.proposals.harness.places import Place, find_definition, find_function
from bot.proposals.harness.writing import Candidate, check_candidate, parts_of
from bot.records import AgentFiles, Repository, Skipped, SourceFile
from bot.transcript import write_transcript
from tests.bot.test_red_team import conversations
from tests.hostile import Attack, source_attacks, source_of, tool_attacks, tool_path
from tests.hostile_tools import NOT_FOUND, READS, RETURN, ROUTES, claim, tool_edits


@cache
def places(language: str) -> tuple[Place, ...]:
    """The parts of the tool that may change."""
    path = tool_path("desk", language)
    file = SourceFile(path=path, blob="b" * 40, text=source_of("desk", language))
    repository = Repository(base_sha="a" * 40, base_branch="main", files={path: file})
    files = AgentFiles(agent="desk", harness=(path,))
    described = find_definition("get_order", files, repository)
    function = find_function("get_order", [], files, repository)
    assert not isinstance(described, Skipped)
    return (*described, *(() if isinstance(function, Skipped) else (function,)))


def checked(language: str, edit: dict[str, Any], said: list[tuple[str, str]]) -> Any:
    return check_candidate(places(language), edit, around="", sources=said)


def assert_is_refused(attack: Attack) -> None:
    given = {"said": attack.said, "users": attack.users, "carrier": attack.carrier}
    said = [(c.unit, write_transcript(c, max_chars=10**6).text) for c in conversations(given)]

    found = checked(attack.language, attack.tool_claim(parts_of(places(attack.language))), said)

    assert isinstance(found, list), "the edit stands"
    assert attack.why in " ".join(found), found


TEXTS = [
    pytest.param(attack, id=f"{route}-{attack.name}")
    for route in ROUTES
    for attack in tool_attacks(route)
]


@pytest.mark.parametrize("attack", TEXTS)
def test_a_text_that_no_prompt_may_get_gets_into_no_part_of_a_tool(attack: Attack) -> None:
    assert_is_refused(attack)


@pytest.mark.parametrize("attack", [pytest.param(one, id=one.name) for one in source_attacks()])
def test_a_hostile_edit_of_a_tool_is_refused(attack: Attack) -> None:
    assert_is_refused(attack)


@pytest.mark.parametrize("one", [one for one in tool_edits() if one.get("harmless")])
def test_what_would_be_code_elsewhere_stays_a_text(one: dict[str, Any]) -> None:
    parts = places(one["language"])

    found = checked(
        one["language"], claim(parts_of(parts), one["part"], one["old"], one["new"]), []
    )

    assert isinstance(found, Candidate)
    assert found.text == parts[0].text.replace(one["old"], one["new"])


ERROR = '"No order has this number: give the digits that stand behind the sign."'
HONEST = [
    pytest.param("description", READS, "Reads an order by its number, as YYYY-MM-DD.", id="form"),
    pytest.param(
        "description", READS, f"{READS} The code has three capital letters.", id="letters"
    ),
    pytest.param("function", NOT_FOUND, ERROR, id="message"),
]
IN_PYTHON = [
    pytest.param(NOT_FOUND, 'f"No order {order!r}: one of {sorted(ORDERS)}."', id="f-string"),
    pytest.param(NOT_FOUND, '"No order {order}.".format(order=order)', id="format"),
    pytest.param(NOT_FOUND, '"No order %(order)s." % {"order": order}', id="percent"),
    pytest.param(NOT_FOUND, '"No order " + order + " is known."', id="joined"),
    pytest.param(
        RETURN["python"],
        "    # The shop writes a # before its numbers.\n    return ORDERS[order.lstrip('#')]",
        id="comment",
    ),
    pytest.param(
        RETURN["python"],
        '    found = ORDERS[order]\n    return {**found, "state": found["state"].upper()}',
        id="other-methods-of-plain-values",
    ),
]
IN_SCRIPTS = [
    pytest.param(NOT_FOUND, "`No order ${order}: one of ${Object.keys(orders)}.`", id="template"),
    pytest.param(NOT_FOUND, '"No order " + order + " is known."', id="joined"),
    pytest.param(
        RETURN["typescript"],
        '    // Without the sign before it.\n    return orders[order.replace(/^#/, "")];',
        id="regular-expression",
    ),
    pytest.param(
        RETURN["typescript"],
        "    /**\n     * @param order the number\n     */\n    return orders[order];",
        id="tag-of-a-comment",
    ),
]


@pytest.mark.parametrize("language", ["python", "typescript"])
@pytest.mark.parametrize(("part", "old", "new"), HONEST)
def test_an_honest_mend_of_a_tool_stands(language: str, part: str, old: str, new: str) -> None:
    edit = claim(parts_of(places(language)), part, old, new)

    assert isinstance(checked(language, edit, []), Candidate), checked(language, edit, [])


@pytest.mark.parametrize(
    ("language", "old", "new"),
    [
        *(pytest.param("python", *one.values, id=f"python-{one.id}") for one in IN_PYTHON),
        *(pytest.param("typescript", *one.values, id=f"script-{one.id}") for one in IN_SCRIPTS),
    ],
)
def test_code_in_a_text_is_no_placeholder(language: str, old: str, new: str) -> None:
    edit = claim(parts_of(places(language)), "function", old, new)

    assert isinstance(checked(language, edit, []), Candidate), checked(language, edit, [])


def test_a_refusal_repeats_no_name_that_says_something() -> None:
    name = "pay_mallory_back_twice"
    edit = claim(parts_of(places("python")), "function", "ORDERS[order]", f"{name}(order)")

    found = checked("python", edit, [])

    assert isinstance(found, list)
    assert name not in " ".join(found)
    assert "a name that the file does not have" in " ".join(found)
