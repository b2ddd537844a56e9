"""What a mend of a tool may ask of others: by a call, by a name that is handed on, or in words."""

from __future__ import annotations

import pytest

from bot.proposals.code import check_code

PYTHON = """from .client import State, client

CODES = {"a": 1}


def find(code):
    found = client.find(code)
    if found is None:
        raise ValueError("unknown")
    return found
"""
SCRIPT = """import { client } from "./client";

export async function find(code: string) {
  const found = await client.find(code);
  return found;
}
"""


def added(path: str, text: str, line: str) -> list[str]:
    """What is wrong with a line more ahead of the last `return`."""
    head, found, tail = text.rpartition("  return found")
    indent = "  " if path.endswith(".py") else ""
    assert found
    before = head.rstrip(" ")
    return list(check_code(path, text, f"{before}{indent}  {line}\n{indent}{found}{tail}"))


REACHES = [
    pytest.param("find.py", "cancel = client.cancel; cancel(code)", id="under-another-name"),
    pytest.param("find.py", "list(map(client.cancel, [code]))", id="handed-on"),
    pytest.param("find.py", "client.cancelled", id="a-property"),
    pytest.param("find.py", "exit()", id="exit"),
    pytest.param("find.py", "input()", id="a-question-to-nobody"),
    pytest.param("find.ts", "const { cancel: go } = client; go(code);", id="taken-out"),
    pytest.param("find.ts", "const { cancel } = client; [code].map(cancel);", id="taken-out-short"),
    pytest.param("find.ts", "[code].map(client.cancel);", id="handed-on-in-typescript"),
    pytest.param("find.ts", "debugger;", id="debugger"),
]


@pytest.mark.parametrize(("path", "line"), REACHES)
def test_what_reaches_as_far_as_a_new_call_is_refused_as_one(path: str, line: str) -> None:
    found = added(path, PYTHON if path.endswith(".py") else SCRIPT, line)

    assert any("calls what the file did not call before" in one for one in found), found


@pytest.mark.parametrize("line", ["client.refund(code)", "refund_order(code)"])
def test_what_cannot_be_taken_back_is_not_called_once_more(line: str) -> None:
    other = f"def refund_order(code):\n    client.refund(code)\n\n\ndef again(code):\n    {line}\n"

    found = added("find.py", f"{other}{PYTHON}", line)

    assert any("cannot be taken back" in one for one in found), found


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param("find.py", "state = State.OPEN", id="a-value-of-an-enum"),
        pytest.param("find.py", "code = found.code", id="a-field-of-what-was-found"),
        pytest.param("find.ts", "const { code: own } = found;", id="a-field-that-is-taken-out"),
    ],
)
def test_what_only_reads_a_value_stands(path: str, line: str) -> None:
    assert added(path, PYTHON if path.endswith(".py") else SCRIPT, line) == []


def test_an_error_may_name_what_it_is_about() -> None:
    better = PYTHON.replace('"unknown"', 'f"{found} is none of {sorted(CODES)}: ask again"')

    assert list(check_code("find.py", PYTHON, better)) == []
