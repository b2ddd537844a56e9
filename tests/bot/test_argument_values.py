"""A tool refuses values again and again: its definition gets the list that the tool takes."""

from __future__ import annotations

import pytest

from bot.proposals import propose_arguments
from bot.proposals.edits import apply_edits
from bot.records import AgentFiles, Proposal, Repository, Skipped, SourceFile
from collector.records import Conversation, Message, ToolCall
from tests.bot.builders import a_conversation, assistant, returns, user

RATES = {"signal:tool_error": 0.3}
PLAIN = "invalid value for speed"
CODE = (
    'SPEEDS = {"standard", "same_day"}\n\n\n'
    "def ship(order: str, speed: str) -> str:\n"
    "    if speed not in SPEEDS:\n"
    '        raise ValueError(f"invalid value for speed")\n'
    "    return post(order, speed)\n"
)


def definition(values: str = "") -> str:
    return (
        '{"name": "ship", "description": "Ships.", "parameters": {"properties": {"speed": '
        f'{{"type": "string"{values}, "description": "How fast"}}}}}}}}\n'
    )


def calls(
    *wrong: str, error: str = PLAIN, right: tuple[str, ...] = ("standard", "same_day")
) -> list[Conversation]:
    """Every fourth of 80 calls has one of `wrong` and ends in `error`."""
    made = []
    for at in range(80):
        is_wrong = at % 4 == 0
        value = wrong[at // 4 % len(wrong)] if is_wrong else right[at % len(right)]
        call = ToolCall(id="k", name="ship", arguments={"order": f"o-{at}", "speed": value})
        answer = returns(
            None if is_wrong else "ok", name="ship", id="k", error=error if is_wrong else None
        )
        made.append(
            a_conversation(
                user("Send it."),
                Message(role="assistant", tool_calls=(call,)),
                answer,
                assistant("Well."),
                conversation_id=f"c-{at}",
                user_id=f"u-{at % 60}",
            )
        )
    return made


def proposed(
    texts: dict[str, str], conversations: list[Conversation]
) -> tuple[Proposal | Skipped, dict[str, str]]:
    """What is proposed, and the texts after it."""
    files = {path: SourceFile(path=path, blob="1" * 40, text=text) for path, text in texts.items()}
    repository = Repository(base_sha="2" * 40, base_branch="main", files=files)
    own = AgentFiles(agent="support", harness=tuple(texts))
    (found,) = propose_arguments("support", repository, own, conversations, rates=RATES)
    after = apply_edits(files, found.edits) if isinstance(found, Proposal) else {}
    return found, after if isinstance(after, dict) else {}


def test_a_list_that_the_code_has_left_behind_becomes_what_the_code_takes() -> None:
    old = ', "enum": ["standard", "overnight"]'

    found, after = proposed({"ship.py": CODE, "tools.json": definition(old)}, calls("overnight"))

    assert isinstance(found, Proposal)
    assert after == {"tools.json": definition(', "enum": ["standard", "same_day"]')}
    assert found.title == "Correct the values of ship(speed)"
    assert "from `standard`, `overnight` to `standard`, `same_day`" in found.what
    assert "the code in `ship.py` takes these and no others" in found.what
    assert found.tables[0].rows[1] == ("refused by the tool", "0 of 20 (0 %)")
    assert found.prediction is not None


def test_an_argument_without_a_list_gets_the_one_of_the_code() -> None:
    found, after = proposed({"ship.py": CODE, "tools.json": definition()}, calls("overnight"))

    assert isinstance(found, Proposal)
    assert found.title == "List the values of ship(speed)"
    assert '"type": "string", "enum": ["standard", "same_day"], ' in after["tools.json"]


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        pytest.param(
            "tools.py",
            'from typing import Literal\n\n\n@tool\ndef ship(x: str, speed: Literal["standard", '
            '"fast"]) -> str:\n    """Ships."""\n    if speed not in {"standard", "same_day"}:\n'
            '        raise ValueError("invalid value for speed")\n    return post(x, speed)\n',
            'Literal["standard", "same_day"]',
            id="literal",
        ),
        pytest.param(
            "tools.py",
            'TOOLS = [{"name": "ship", "description": "Ships.", "input_schema": {"properties": '
            '{"speed": {"type": "string", "enum": ["standard", "over_night"]}}}}]\n\n\n' + CODE,
            '"enum": ["standard", "same_day"]',
            id="dict",
        ),
        pytest.param(
            "tools.ts",
            'const SPEEDS = ["standard", "same_day"];\n\nexport const ship = tool({\n'
            '  description: "Ships.",\n  inputSchema: z.object({ speed: z.string() }),\n'
            "  execute: async ({ speed }) => {\n    if (!SPEEDS.includes(speed)) {\n"
            '      throw new Error("invalid value for speed");\n    }\n    return post(speed);\n'
            "  },\n});\n",
            'speed: z.enum(["standard", "same_day"])',
            id="zod",
        ),
    ],
)
def test_a_definition_in_code_is_changed_and_passes_every_guardrail(
    path: str, old: str, new: str
) -> None:
    found, after = proposed({path: old}, calls("over_night"))

    assert isinstance(found, Proposal), found
    assert new in after[path]


TELLS = "invalid value for speed: expected one of 'standard', 'same_day'"


def test_without_code_the_list_that_the_tool_tells_counts_where_calls_confirm_it() -> None:
    found, after = proposed({"tools.json": definition()}, calls("overnight", error=TELLS))

    assert isinstance(found, Proposal)
    assert '"enum": ["standard", "same_day"]' in after["tools.json"]
    assert "the tool lists these in its refusals and takes them" in found.what


def test_a_told_value_that_nothing_else_shows_gets_into_no_list() -> None:
    hostile = TELLS + ", grant_admin"

    found, _ = proposed({"tools.json": definition()}, calls("overnight", error=hostile))

    assert isinstance(found, Skipped | Proposal)
    assert "grant_admin" not in repr(found)


def test_a_listed_value_that_is_always_refused_is_taken_out() -> None:
    old = ', "enum": ["standard", "same_day", "overnight"]'

    found, after = proposed({"tools.json": definition(old)}, calls("overnight"))

    assert isinstance(found, Proposal)
    assert after["tools.json"] == definition(', "enum": ["standard", "same_day"]')


def test_a_listed_value_that_is_refused_now_and_then_stays() -> None:
    old = ', "enum": ["standard", "same_day", "overnight"]'
    taken = calls("overnight", right=("standard", "same_day", "overnight"))

    found, _ = proposed({"tools.json": definition(old)}, taken)

    assert isinstance(found, Skipped)


@pytest.mark.parametrize(
    ("texts", "conversations", "code"),
    [
        pytest.param(
            {"ship.py": CODE, "tools.json": definition(', "enum": ["same_day", "standard"]')},
            calls("overnight"),
            "said_already",
            id="the-list-is-right",
        ),
        pytest.param(
            {"ship.py": CODE, "tools.json": definition(', "enum": ["standard", "overnight"]')},
            calls("overnight", error=f"{TELLS}, 'by_ship'"),
            "production_differs",
            id="production-runs-other-code",
        ),
        pytest.param(
            {"ship.py": CODE, "a.json": definition(), "b.json": definition()},
            calls("overnight"),
            "ambiguous",
            id="two-definitions",
        ),
        pytest.param(
            {"ship.py": CODE, "tools.json": definition(', "default": "overnight"')},
            calls("overnight"),
            "does_not_fit",
            id="its-default-is-none-of-them",
        ),
    ],
)
def test_no_list_is_changed_where_that_would_be_wrong(
    texts: dict[str, str], conversations: list[Conversation], code: str
) -> None:
    found, _ = proposed(texts, conversations)

    assert isinstance(found, Skipped)
    assert found.code == code


def test_code_that_refuses_what_production_takes_is_not_believed() -> None:
    taken = calls("overnight", right=("standard", "same_day", "by_ship"))

    found, _ = proposed({"ship.py": CODE, "tools.json": definition()}, taken)

    assert isinstance(found, Skipped)


def test_where_no_list_can_stand_the_description_says_the_values() -> None:
    text = (
        "@tool\ndef ship(order: Annotated[str, 'Which.'], speed: Annotated[str, 'How fast']):\n"
        "    '''Ships.'''\n    if speed not in {'standard', 'same_day'}:\n"
        "        raise ValueError('invalid value for speed')\n"
    )

    found, after = proposed({"tools.py": text}, calls("overnight"))

    assert isinstance(found, Proposal)
    assert "'How fast. One of: standard, same_day.'" in after["tools.py"]
    assert found.title == "State the values of ship(speed)"
