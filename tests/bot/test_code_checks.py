"""What an edit of a program may do, and all that it may not, in Python and in TypeScript."""

from __future__ import annotations

import pytest

from bot.proposals.code import check_code, texts_only
from bot.proposals.guardrails import check_edits

PYTHON = '''"""Tools."""
import json
import os as system

from shop import client, tool

MAX_RESULTS = 5


@tool
def find_order(order_id: str, limit: int = 3) -> dict:
    """Find an order."""
    if not client.may_see(order_id):
        raise PermissionError("not yours")
    found = client.get(order_id, timeout=10)
    if found is None:
        return {"error": "no order"}
    for line in found["lines"]:
        try:
            line["price"] = json.loads(line["price"])
        except ValueError:
            line["price"] = None
    return found


async def cancel(order_id: str) -> str:
    assert order_id
    return await client.cancel(order_id)
'''
SCRIPT = """import { tool } from "ai";
import { z } from "zod";
import * as db from "./db";

export const findOrder = tool({
  description: "Finds an order by its number.",
  parameters: z.object({ orderId: z.string().describe("the number") }),
  execute: async ({ orderId, limit = 3 }: { orderId: string; limit?: number }) => {
    if (!db.maySee(orderId)) {
      throw new Error("not yours");
    }
    const found = await db.get(orderId, { timeout: 10 });
    if (found === null) {
      return { error: "no order" };
    }
    try {
      found.price = JSON.parse(found.price);
    } catch (error) {
      found.price = null;
    }
    return found;
  },
});
"""


def python(old: str, new: str) -> list[str]:
    assert PYTHON.count(old) == 1
    return list(check_code("tools.py", PYTHON, PYTHON.replace(old, new)))


def script(old: str, new: str) -> list[str]:
    assert SCRIPT.count(old) == 1
    return list(check_code("tools.ts", SCRIPT, SCRIPT.replace(old, new)))


GET = "    found = client.get(order_id, timeout=10)\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('"no order"', '"No order has this number. Ask for it."', id="message"),
        pytest.param(
            "    if not client.may_see",
            '    order_id = order_id.strip().removeprefix("#")\n    if not client.may_see',
            id="tidied-before-a-check",
        ),
        pytest.param(
            "    if not client.may_see",
            '    if not order_id:\n        return {"error": f"Give a number, not {order_id}."}\n'
            "    if not client.may_see",
            id="early-message",
        ),
        pytest.param(
            GET,
            "    for attempt in range(2):\n        try:\n"
            "            found = client.get(order_id, timeout=10)\n"
            "            break\n        except TimeoutError:\n            found = None\n",
            id="retry",
        ),
        pytest.param(
            "    return found\n",
            '    found["lines"] = sorted(found["lines"], key=str)\n    return found\n',
            id="sorted",
        ),
        pytest.param("    assert order_id", "    # first\n    assert order_id", id="comment"),
        pytest.param(
            "    if not client.may_see",
            "    if order_id in MAX_RESULTS:\n"
            '        return {"error": f"one of {\', \'.join(sorted(MAX_RESULTS))}"}\n'
            "    if not client.may_see",
            id="early-message-with-the-values",
        ),
        pytest.param(
            "    if not client.may_see",
            "    if order_id in MAX_RESULTS:\n"
            '        return {"error": "one of " + ", ".join(MAX_RESULTS)}\n'
            "    if not client.may_see",
            id="early-message-put-together",
        ),
    ],
)
def test_an_ordinary_mend_of_python_may_be_made(old: str, new: str) -> None:
    assert python(old, new) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param(GET, f"{GET}    import socket\n", "imports 'socket'", id="import"),
        pytest.param("import json\n", "import json\nimport re\n", "imports 're'", id="any-import"),
        pytest.param(GET, f"{GET}    requests.get('x')\n", "network", id="network"),
        pytest.param(GET, f"{GET}    client.urlopen('x')\n", "network", id="network-of-another"),
        pytest.param(GET, f"{GET}    subprocess.run(['ls'])\n", "a process", id="process"),
        pytest.param(GET, f"{GET}    open('x', 'w')\n", "files", id="file"),
        pytest.param(GET, f"{GET}    client.path.write_text('x')\n", "files", id="write"),
        pytest.param(GET, f"{GET}    system.environ['A']\n", "the environment", id="alias"),
        pytest.param(GET, f"{GET}    eval(order_id)\n", "run time", id="eval"),
        pytest.param(GET, f"{GET}    getattr(client, 'x')()\n", "run time", id="getattr"),
        pytest.param(GET, f"{GET}    ().__class__.__bases__\n", "inside of an", id="dunder"),
        pytest.param(GET, f"{GET}    client.bypass = 1\n", "permission", id="bypass"),
        pytest.param(GET, f"{GET}    client.get(order_id, isAdmin=1)\n", "permission", id="admin"),
        pytest.param(GET, f"{GET}    client.get(verify=None)\n", "permission", id="verify"),
        pytest.param("limit: int = 3", "limit: int = 9", "parameters", id="default"),
        pytest.param("limit: int = 3", "limit: int", "parameters", id="no-default"),
        pytest.param("@tool\n", "", "decorators", id="decorator"),
        pytest.param("async def cancel", "def cancel", "name, parameters", id="async"),
        pytest.param("def cancel", "def cancel_order", "name", id="name"),
        pytest.param("timeout=10", "timeout=60", "a number", id="number"),
        pytest.param("MAX_RESULTS = 5", "MAX_RESULTS = 50", "a number", id="limit"),
        pytest.param("    assert order_id\n", "", "a check", id="assert"),
        pytest.param(
            '        raise PermissionError("not yours")\n', "        pass\n", "a check", id="raise"
        ),
        pytest.param("if not client.may_see(order_id)", "if False", "a check", id="if"),
        pytest.param("if found is None", "if not found", "a check", id="changed-if"),
        pytest.param("except ValueError", "except Exception", "a check", id="except"),
        pytest.param(
            "    if not client.may_see(order_id):\n        raise",
            "    if limit:\n      if not client.may_see(order_id):\n        raise",
            "a check",
            id="check-under-a-condition",
        ),
        pytest.param(
            "    if not client.may_see(order_id):\n        raise",
            "    if limit:\n        return client.get(order_id)\n"
            "    if not client.may_see(order_id):\n        raise",
            "a check",
            id="passes-by-a-check",
        ),
        pytest.param(
            "    if not client.may_see",
            "    order_id = client.mine(order_id)\n    if not client.may_see",
            "a check",
            id="sets-what-a-check-asks",
        ),
        pytest.param(
            GET, f"{GET}    while True:\n        found = None\n", "nothing bounds", id="loop"
        ),
        pytest.param(
            GET,
            "    try:\n        found = client.get(order_id, timeout=10)\n"
            "    except Exception:\n        pass\n",
            "hides errors",
            id="hides",
        ),
        pytest.param(
            GET,
            "    try:\n        found = client.get(order_id, timeout=10)\n"
            "    except:\n        found = None\n",
            "hides errors",
            id="catches-all",
        ),
        pytest.param(GET, f"{GET}    refund(order_id)\n", "does not have: 'refund'", id="unknown"),
        pytest.param(GET, f"{GET}    found = (\n", "does not parse", id="syntax"),
    ],
)
def test_an_edit_of_python_is_refused_that(old: str, new: str, words: str) -> None:
    found = python(old, new)

    assert any(words in sentence for sentence in found), found


FOUND = "    const found = await db.get(orderId, { timeout: 10 });\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('"no order"', '"No order has this number."', id="message"),
        pytest.param(
            "    if (!db.maySee",
            '    orderId = orderId.trim().replace("#", "");\n    if (!db.maySee',
            id="tidied-before-a-check",
        ),
        pytest.param(
            "    if (!db.maySee",
            "    if (!orderId) {\n      return { error: `No order ${orderId}.` };\n    }\n"
            "    if (!db.maySee",
            id="early-message",
        ),
        pytest.param(
            "    if (!db.maySee",
            '    if (!orderId) {\n      return { error: `One of ${[...z].join(", ")}.` };\n    }\n'
            "    if (!db.maySee",
            id="early-message-with-the-values",
        ),
        pytest.param(
            FOUND,
            f"{FOUND}    const names = Object.keys(found ?? {{}}).map((one) => one.trim());\n",
            id="names",
        ),
    ],
)
def test_an_ordinary_mend_of_typescript_may_be_made(old: str, new: str) -> None:
    assert script(old, new) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param('from "ai";\n', 'from "ai";\nimport fs from "fs";\n', "imports", id="import"),
        pytest.param(FOUND, f'{FOUND}    const x = require("net");\n', "imports", id="require"),
        pytest.param(FOUND, f'{FOUND}    await import("net");\n', "imports", id="dynamic"),
        pytest.param(FOUND, f"{FOUND}    await fetch(orderId);\n", "network", id="fetch"),
        pytest.param(FOUND, f"{FOUND}    axios.post(orderId);\n", "network", id="axios"),
        pytest.param(FOUND, f"{FOUND}    child_process.exec(orderId);\n", "process", id="exec"),
        pytest.param(FOUND, f"{FOUND}    process.env.KEY;\n", "environment", id="environment"),
        pytest.param(FOUND, f"{FOUND}    fs.writeFileSync(orderId);\n", "files", id="file"),
        pytest.param(FOUND, f"{FOUND}    eval(orderId);\n", "run time", id="eval"),
        pytest.param(FOUND, f'{FOUND}    globalThis["fetch"](orderId);\n', "run time", id="global"),
        pytest.param(FOUND, f"{FOUND}    found.constructor(orderId);\n", "run time", id="function"),
        pytest.param(FOUND, f"{FOUND}    db.skipAuth = orderId;\n", "permission", id="auth"),
        pytest.param("limit = 3", "limit = 9", "parameters", id="default"),
        pytest.param("async ({", "({", "parameters", id="async"),
        pytest.param("z.string()", "z.any()", "parameters", id="schema"),
        pytest.param("timeout: 10", "timeout: 60", "a number", id="number"),
        pytest.param('      throw new Error("not yours");\n', "", "a check", id="throw"),
        pytest.param("if (!db.maySee(orderId))", "if (false)", "a check", id="if"),
        pytest.param("found === null", "!found", "a check", id="changed-if"),
        pytest.param(
            "    if (!db.maySee",
            "    if (limit) return db.get(orderId);\n    if (!db.maySee",
            "a check",
            id="passes-by-a-check",
        ),
        pytest.param(
            "    if (!db.maySee",
            "    orderId = db.mine(orderId);\n    if (!db.maySee",
            "a check",
            id="sets-what-a-check-asks",
        ),
        pytest.param(FOUND, f"{FOUND}    for (;;) {{ db.poll(); }}\n", "nothing bounds", id="loop"),
        pytest.param("      found.price = null;\n", "", "hides errors", id="empty-catch"),
        pytest.param(FOUND, f"{FOUND}    db.log().catch(() => null);\n", "hides", id="catch-call"),
        pytest.param(FOUND, f"{FOUND}    refund(orderId);\n", "'refund'", id="unknown"),
        pytest.param(FOUND, f"{FOUND}    const x = (;\n", "does not parse", id="syntax"),
    ],
)
def test_an_edit_of_typescript_is_refused_that(old: str, new: str, words: str) -> None:
    found = script(old, new)

    assert any(words in sentence for sentence in found), found


def test_what_only_moves_into_another_line_adds_nothing() -> None:
    folded = SCRIPT.replace("{ error: ", "{\n        error: ")

    assert list(check_code("tools.ts", SCRIPT, folded)) == []


def test_a_description_is_text_and_code_is_not() -> None:
    assert texts_only("t.ts", SCRIPT, SCRIPT.replace("by its number", "by number"))
    assert not texts_only("t.ts", SCRIPT, SCRIPT.replace("return found", "return null"))
    assert texts_only("t.py", PYTHON, PYTHON.replace("Find an order.", "Find one order."))
    assert not texts_only("t.py", PYTHON, PYTHON.replace("return found", "return None"))


@pytest.mark.parametrize("kind", ["prompt", "rule"])
def test_only_a_harness_proposal_changes_what_a_program_does(kind: str) -> None:
    after = PYTHON.replace(
        "    assert order_id", "    order_id = order_id.strip()\n    assert order_id"
    )

    found = check_edits({"t.py": PYTHON}, {"t.py": after}, kind=kind, allowed=["t.py"])  # type: ignore[arg-type]

    assert any("texts only" in one for one in found)
    assert check_edits({"t.py": PYTHON}, {"t.py": after}, kind="harness", allowed=["t.py"]) == ()


def test_a_text_that_a_check_compares_with_is_a_part_of_the_check() -> None:
    before = 'def may(role):\n    return role == "owner of the shop, or staff"\n'
    after = before.replace("owner of the shop, or staff", "anybody who asks, or staff")

    assert check_edits({"t.py": before}, {"t.py": after}, kind="harness", allowed=["t.py"])


def test_a_name_in_code_is_no_host_and_one_in_its_texts_is() -> None:
    before = "import log\n\n\ndef run(found):\n    return found\n"

    def broken(line: str) -> tuple[str, ...]:
        after = before.replace("    return", f"    {line}\n    return")
        return check_edits({"t.py": before}, {"t.py": after}, kind="harness", allowed=["t.py"])

    assert broken("log.info(found.in_order)") == ()
    assert broken("log.info('ask shop-help.info')") == ("The change adds a host name to 't.py'.",)
    assert broken("# see shop-help.info") == ("The change adds a host name to 't.py'.",)


@pytest.mark.parametrize("key", ["maxTokens", "MAX_TOKENS", "max-tokens", "Temperature", "topP"])
@pytest.mark.parametrize("path", ["a.ts", "a.yaml", "a.json"])
def test_a_protected_key_is_one_in_any_spelling(path: str, key: str) -> None:
    line = {
        "a.ts": f'export const a = {{ "{key}": 5, text: "be kind to people" }};\n',
        "a.yaml": f'text: be kind to people\n"{key}": 5\n',
        "a.json": f'{{"text": "be kind to people", "{key}": 5}}\n',
    }[path]

    found = check_edits({path: line}, {path: line.replace("5", "6")}, kind="prompt", allowed=[path])
    text = check_edits(
        {path: line}, {path: line.replace("kind", "good")}, kind="prompt", allowed=[path]
    )

    assert any("which is not listed as changeable" in one for one in found), found
    assert text == ()


@pytest.mark.parametrize(
    ("old", "new", "stands"),
    [
        ('date: Annotated[str, "The day"]', 'date: Annotated[str, "The day. Format: X."]', True),
        ('date: str = Field(description="a")', 'date: str = Field(description="b")', True),
        ('date: Annotated[str, "The day"]', 'date: Annotated[int, "The day"]', False),
        ('date: str = "today"', 'date: str = "never"', False),
    ],
)
def test_what_describes_a_parameter_is_no_part_of_the_signature(
    old: str, new: str, stands: bool
) -> None:
    text = "def book({}):\n    return date\n"

    found = check_code("tools.py", text.format(old), text.format(new))

    assert any("parameters" in sentence for sentence in found) != stands


@pytest.mark.parametrize(
    ("new", "stands"),
    [
        pytest.param('@mcp.tool(name="book", description="Books a day.")', True, id="description"),
        pytest.param('@mcp.tool(name="take", description="Books.")', False, id="name"),
        pytest.param('@mcp.tool(name="book", description=say())', False, id="made-by-a-call"),
    ],
)
def test_what_describes_a_tool_in_its_decorator_is_no_part_of_the_signature(
    new: str, stands: bool
) -> None:
    text = "{}\ndef book(date: str) -> str:\n    return date\n"
    old = '@mcp.tool(name="book", description="Books.")'

    found = check_code("tools.py", text.format(old), text.format(new))

    assert any("decorators" in sentence for sentence in found) != stands


ENDLESS = """def get(key):
    while True:
        try:
            return client.get(key)
        except OSError:
            if client.closed:
                raise
            client.wait()
"""
ENDLESS_TS = """async function get(key) {
  while (true) {
    try {
      return await client.get(key);
    } catch (error) {
      if (client.closed) {
        throw error;
      }
      await client.wait();
    }
  }
}
"""


@pytest.mark.parametrize(
    ("path", "text", "old", "new", "check"),
    [
        pytest.param(
            "a.py", ENDLESS, "while True:", "for _ in range(3):", "if client.closed:", id="python"
        ),
        pytest.param(
            "a.ts",
            ENDLESS_TS,
            "while (true) {",
            "for (let n = 0; n < 3; n++) {",
            "if (client.closed) {",
            id="typescript",
        ),
    ],
)
def test_a_loop_without_an_end_may_get_one_and_loses_no_check_by_it(
    path: str, text: str, old: str, new: str, check: str
) -> None:
    bounded = text.replace(old, new)
    unchecked = bounded.replace(check, check.replace("client.closed", "False"))

    assert list(check_code(path, text, bounded)) == []
    assert any("a check" in one for one in check_code(path, text, unchecked))
    assert any("nothing bounds" in one for one in check_code(path, bounded, text))


def test_a_bound_that_is_there_is_not_moved() -> None:
    bounded = ENDLESS.replace("while True:", "for _ in range(limit):")

    assert list(check_code("a.py", bounded, bounded.replace("limit", "limit * key"))) != []


def test_an_agents_prompt_may_be_called_system_and_a_process_may_not() -> None:
    before = "import os\n\n\ndef answer(system):\n    return model.ask(system)\n"
    again = before.replace("return model", "model.ask(system)\n    return model")
    process = before.replace("return model", "os.system(system)\n    return model")
    imported = "from os import system\n" + before.replace("answer(system)", "answer(text)")

    assert list(check_code("a.py", before, again)) == []
    assert any("a process" in one for one in check_code("a.py", before, process))
    assert any(
        "a process" in one
        for one in check_code(
            "a.py", imported, imported.replace("return", "system(text)\n    return")
        )
    )
