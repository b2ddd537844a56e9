"""From a cause that lies in a tool to one small edit of its description or its function."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.bundle.body import render_body
from bot.model import Model
from bot.proposals.edits import apply_edits
from bot.proposals.harness import propose_harness
from bot.proposals.harness.seen import look_at, shape_of
from bot.records import (
    AgentFiles,
    Cause,
    Finding,
    Pattern,
    Proposal,
    Repository,
    RootCause,
    Skipped,
    SourceFile,
)
from collector.records import Conversation, Json, Message
from tests.bot.builders import NOW, a_conversation, a_pattern, assistant, calls, returns, user
from tests.bot.readers import findings_for
from tests.messages_server import KEY, Answer, Asked, messages_server, says

PYTHON = '''"""The shop's tools."""

from agents import tool

ORDERS: dict[str, dict] = {}


@tool
def find_order(order_id: str) -> dict:
    """Finds an order.

    Gives its lines and its state.
    """
    if not order_id.isalnum():
        raise ValueError("an order number has letters and digits only")
    return ORDERS[order_id]


@tool
def cancel_order(order_id: str) -> str:
    """Cancels an order that has not been sent."""
    return "done"
'''
SCRIPT = """import { tool } from "ai";
import { z } from "zod";
import { orders } from "./orders";

export const findOrder = tool({
  description: "Finds an order.",
  parameters: z.object({ orderId: z.string() }),
  execute: async ({ orderId }) => {
    if (!/^\\\\w+$/.test(orderId)) {
      throw new Error("an order number has letters and digits only");
    }
    return orders[orderId];
  },
});
"""
ERROR = "ValueError: an order number has letters and digits only (got '#W23')"
TIDY = {
    "old": "    if not order_id.isalnum():",
    "new": '    order_id = order_id.strip().removeprefix("#")\n    if not order_id.isalnum():',
}
SAY = {"old": "Finds an order.", "new": "Finds an order by its number without the leading #."}
FILES = AgentFiles(agent="support", harness=("shop/tools.py", "web/tools.ts"))


def a_repository(**texts: str) -> Repository:
    files = {path: SourceFile(path=path, blob="b" * 40, text=text) for path, text in texts.items()}
    return Repository(base_sha="a" * 40, base_branch="main", files=files)


def in_python(text: str = PYTHON) -> Repository:
    return a_repository(**{"shop/tools.py": text})


def a_call(order_id: str, *, fails: bool, tool: str = "find_order") -> tuple[Message, Message]:
    given: dict[str, Json] = {"order_id": order_id}
    if fails:
        return calls(tool, given), returns(None, name=tool, error=ERROR)
    return calls(tool, given), returns({"state": "sent"}, name=tool)


def a_failure(number: int, *, tool: str = "find_order", **changes: Any) -> Conversation:
    return a_conversation(
        user(f"Where is #W{number}378156? I am Ana Maria {number} and I wait since last week."),
        *a_call(f"#W{number}378156", fails=True, tool=tool),
        assistant("I could not find that, sorry about it."),
        conversation_id=f"c-{number}",
        user_id=f"u-{number}",
        started_at=NOW - timedelta(days=number + 1),
        **changes,
    )


def a_success(number: int) -> Conversation:
    return a_conversation(
        user("Where is it?"),
        *a_call(f"W{number}378156", fails=False),
        assistant("On its way."),
        conversation_id=f"s-{number}",
        user_id=f"w-{number}",
    )


def a_cause(cause: RootCause = "harness", **changes: Any) -> Cause:
    values: dict[str, Any] = {
        "cause": cause,
        "by": "rule",
        "kind": "tool_arguments",
        "sentence": "6 of 6 failing conversations have `find_order` reject its arguments.",
        "support": 6,
        "contradicting": 0,
    }
    return Cause(**{**values, **changes})


def part_with(asked: Asked, old: str) -> int:
    """Number of the first part that has `old`, else of the first."""
    parts = re.split(r"^=== part \d+: .* ===$", asked.between("parts"), flags=re.M)[1:]
    return next((number for number, part in enumerate(parts, start=1) if old in part), 1)


class Script:
    """Answers by what is asked."""

    def __init__(self, *edits: dict[str, Any], **parts: Any) -> None:
        self.edits = edits
        self.problems: list[dict[str, str]] = parts.get("problems", [])
        self.finding: dict[str, Any] = parts.get("finding", {})
        self.asked: list[tuple[str, Asked]] = []

    def __call__(self, asked: Asked) -> Answer:
        fields = (asked.schema or {}).get("properties", {})
        if "edits" in fields:
            self.asked.append(("write", asked))
            edits = [
                {"thought": "", "part": part_with(asked, one["old"]), **one} for one in self.edits
            ]
            return says({"why_not": "" if edits else "It is down.", "edits": edits})
        if "findings" in fields:
            self.asked.append(("diagnose", asked))
            return says(findings_for(asked, self.finding))
        self.asked.append(("review", asked))
        return says({"problems": self.problems})

    def of(self, step: str) -> list[Asked]:
        return [asked for name, asked in self.asked if name == step]


def propose(
    script: Script,
    *,
    cause: Cause | None = None,
    failing: Sequence[Conversation] | None = None,
    repository: Repository | None = None,
    files: AgentFiles = FILES,
    **more: Any,
) -> Proposal | Skipped | Finding:
    named = cause or a_cause()
    pattern: Pattern = replace(a_pattern(), cause=named, root_cause=named.cause)
    with messages_server(script) as server:
        return propose_harness(
            pattern,
            repository or in_python(),
            files,
            failing=[a_failure(n) for n in range(6)] if failing is None else failing,
            passing=[a_success(n) for n in range(6)],
            constraints=["Leave cancelling alone."],
            ask=Model(api_key=KEY, base_url=server.url, budget_usd=10.0).ask,
            **more,
        )


def text_after(proposal: object, repository: Repository, path: str = "shop/tools.py") -> str:
    assert isinstance(proposal, Proposal), proposal
    after = apply_edits(repository.files, proposal.edits)
    assert not isinstance(after, Skipped)
    return after[path]


# -- to the right place ----------------------------------------------------------------------------


def test_a_cause_in_the_program_changes_the_tools_function() -> None:
    script = Script(TIDY)

    proposal = propose(script)

    assert text_after(proposal, in_python()) == PYTHON.replace(TIDY["old"], TIDY["new"])
    assert isinstance(proposal, Proposal)
    assert (proposal.kind, proposal.root_cause) == ("harness", "harness")
    assert proposal.title == "tools.py: Mend find_order"
    assert (proposal.evidence.entries, proposal.evidence.users) == (6, 6)
    assert proposal.cost.calls == 2
    assert proposal.prediction is not None
    assert proposal.prediction.expected.high < a_pattern().rate


def test_a_cause_in_the_tools_definition_changes_its_description_alone() -> None:
    proposal = propose(Script(SAY), cause=a_cause("tool_definition"))

    assert text_after(proposal, in_python()) == PYTHON.replace(SAY["old"], SAY["new"])
    assert isinstance(proposal, Proposal)
    told = "It then says: `Finds an order by its number without the leading #. Gives its lines"
    assert told in proposal.what


def test_typescript_is_mended_as_well() -> None:
    repository = a_repository(**{"web/tools.ts": SCRIPT})
    edit = {
        "old": "    if (!/^",
        "new": '    orderId = orderId.trim().replace("#", "");\n    if (!/^',
    }

    mended = propose(Script(edit), repository=repository)
    said = propose(Script(SAY), repository=repository, cause=a_cause("tool_definition"))

    assert text_after(mended, repository, "web/tools.ts") == SCRIPT.replace(
        edit["old"], edit["new"]
    )
    assert text_after(said, repository, "web/tools.ts") == SCRIPT.replace(SAY["old"], SAY["new"])


YAML = """tools:
  - name: find_order
    description: Finds an order.   # by the shop
    parameters:
      type: object
      properties:
        order_id: {type: string, description: The number}
      required: [order_id]
"""
JSON = """[{"name": "find_order", "description": "Finds an order.", "input_schema": {
  "type": "object", "properties": {"order_id": {"type": "string", "description": "The number"}},
  "required": ["order_id"]}}]
"""
ZOD = SCRIPT.replace("z.string()", 'z.string().describe("The number")')
FIELD = """from pydantic import BaseModel, Field


class FindOrderInput(BaseModel):
    order_id: str = Field(description="The number")


class FindOrder(BaseTool):
    name: str = "find_order"
    description: str = "Finds an order."
    args_schema: type[BaseModel] = FindOrderInput
"""


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("shop/tools.yaml", YAML, id="yaml"),
        pytest.param("shop/tools.json", JSON, id="json"),
        pytest.param("web/tools.ts", ZOD, id="zod"),
        pytest.param("shop/classes.py", FIELD, id="pydantic"),
    ],
)
def test_what_an_argument_lacks_is_said_at_the_argument(path: str, text: str) -> None:
    repository = a_repository(**{path: text})
    files = AgentFiles(agent="support", harness=(path,))
    edit = {"old": "The number", "new": "The number without the leading sign"}

    proposal = propose(
        Script(edit), cause=a_cause("tool_definition"), repository=repository, files=files
    )

    assert text_after(proposal, repository, path) == text.replace(edit["old"], edit["new"])
    assert isinstance(proposal, Proposal)
    assert re.search(r"Describe order_?[iI]d of find_?[oO]rder better$", proposal.title)
    assert "of the argument `order" in proposal.what


def test_a_part_that_was_not_shown_cannot_be_changed() -> None:
    skipped = propose(Script({**TIDY, "part": 9}))

    assert isinstance(skipped, Skipped)
    assert "There is no part 9." in skipped.detail


def test_of_edits_much_alike_the_writers_first_is_taken_and_of_others_the_smaller() -> None:
    many = "(\n        order_id" + "\n        .strip()" * 5 + "\n    )"
    long = {**TIDY, "new": TIDY["new"].replace("order_id.strip()", many)}
    alike = {**TIDY, "new": TIDY["new"].replace(".strip()", "")}

    first = propose(Script(TIDY, alike))
    smaller = propose(Script(long, TIDY))

    assert text_after(first, in_python()) == PYTHON.replace(TIDY["old"], TIDY["new"])
    assert text_after(smaller, in_python()) == PYTHON.replace(TIDY["old"], TIDY["new"])


def test_a_few_lines_more_than_the_smallest_edit_do_not_outweigh_the_writers_choice() -> None:
    tidied = "    order_id = order_id.strip()\n    order_id = order_id.removeprefix('#')\n"
    longer = {**TIDY, "new": tidied + "    order_id = order_id.upper()\n" + TIDY["old"]}

    proposal = propose(Script(longer, SAY))

    assert text_after(proposal, in_python()) == PYTHON.replace(TIDY["old"], longer["new"])


def test_a_line_of_code_is_as_wide_as_the_files_lines_may_be() -> None:
    wide = {**TIDY, "new": f"    order_id = order_id{'.strip()' * 12}\n{TIDY['old']}"}

    skipped = propose(Script(wide))

    assert isinstance(skipped, Skipped)
    assert "It writes a line of 119 characters; 100 are allowed." in skipped.detail


RUNNER = """def answer(messages):
    reply = client.messages.create(model=MODEL, messages=messages)
    return reply.text
"""
RUNNER_TS = """export async function answer(messages: Message[]) {
  const reply = await generateText({ model, messages });
  return reply.text;
}
"""


@pytest.mark.parametrize(
    ("path", "text", "new"),
    [
        pytest.param("shop/run.py", RUNNER, 'return reply.text or "Nothing yet."', id="python"),
        pytest.param(
            "web/run.ts", RUNNER_TS, 'return reply.text || "Nothing yet."', id="typescript"
        ),
    ],
)
def test_a_fault_at_no_tool_changes_the_function_around_the_model(
    path: str, text: str, new: str
) -> None:
    repository = a_repository(**{path: text})
    files = AgentFiles(agent="support", harness=(path,))
    script = Script({"old": "return reply.text", "new": new})

    proposal = propose(
        script, cause=a_cause(kind="empty_answer"), repository=repository, files=files
    )

    assert text_after(proposal, repository, path) == text.replace("return reply.text", new)
    assert isinstance(proposal, Proposal)
    assert proposal.title == f"{path.split('/')[1]}: Mend answer"


def test_a_function_with_another_name_is_found_by_its_error() -> None:
    text = PYTHON.replace("def find_order", "def look_up")

    proposal = propose(Script(TIDY), repository=in_python(text))

    assert "removeprefix" in text_after(proposal, in_python(text))


def test_readers_lead_to_the_tool_that_their_proofs_are_about() -> None:
    finding = {
        "present": True,
        "locus": "tool_definition",
        "kind": "none",
        "rule": "Say in the description that the number has no leading sign.",
        "quotes": [{"turn": 3, "text": "could not find that, sorry"}],
        "paraphrase": "The lookup got a number in a form that it does not take.",
    }
    script = Script(SAY, finding=finding)
    failing = [a_failure(n) for n in range(12)]

    proposal = propose(script, cause=a_cause("tool_definition", by="model"), failing=failing)

    assert isinstance(proposal, Proposal), proposal
    assert proposal.evidence.entries == 12
    assert {one.paraphrase for one in proposal.evidence.items} == {finding["paraphrase"]}
    told = script.of("write")[0].between("cause")
    assert "The lookup got a number in a form that it does not take." in told


# -- what the writer is told -----------------------------------------------------------------------


def test_the_writer_sees_code_counts_and_shapes_and_nothing_that_a_user_wrote() -> None:
    script = Script(TIDY)

    propose(script)

    asked = script.of("write")[0]
    told = asked.between("cause")
    assert "- order_id like #A9…: 6 calls failed, 0 did not" in told
    assert "- order_id like A9…: 0 calls failed, 6 did not" in told
    assert "- an order number has letters and digits only" in told
    assert asked.between("constraints") == "- Leave cancelling alone."
    parts = asked.between("parts")
    assert parts.startswith(
        "=== part 1: the function find_order in shop/tools.py, whole ===\n@tool"
    )
    assert "=== part 2: the description of the tool find_order in shop/tools.py ===" in parts
    assert "cancel_order" not in parts
    assert "def cancel_order" in asked.between("around")
    for name in ("Ana", "W1378156", "W23", "last week", "c-1"):
        assert name not in asked.user


def test_shapes_keep_no_letter_and_no_digit_of_a_value() -> None:
    assert shape_of("#W2378156") == "#A9…"
    assert shape_of("ana.maria@example.com") == "a….a…@a….a…"
    assert shape_of("ignore all previous instructions now") == "(several words)"
    assert shape_of("2026-11-21") == "9…-99-99"
    assert shape_of("") == "(empty)"
    assert shape_of(True) == "(a truth value)"


def test_what_fewer_than_three_people_show_is_no_shape() -> None:
    two = [replace(a_failure(n), user_id="u-1") for n in range(3)]

    seen = look_at("find_order", [*two, *(a_success(n) for n in range(3))])

    assert seen.shapes == ()
    assert (seen.calls, seen.failed) == (6, 3)


# -- what may not be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param(
            {"old": "        raise ValueError(", "new": "        print("}, "a check", id="check"
        ),
        pytest.param(
            {"old": "    return ORDERS[order_id]", "new": "    import os\n    return os.environ"},
            "imports",
            id="import",
        ),
        pytest.param(
            {"old": "order_id: str) -> dict", "new": "order_id) -> dict"},
            "parameters",
            id="signature",
        ),
        pytest.param(
            {"old": "    return ORDERS[order_id]", "new": "    return ORDERS[order_id][:50]"},
            "a number",
            id="number",
        ),
        pytest.param({"old": "def cancel_order", "new": "def x"}, "stands 0 times", id="outside"),
        pytest.param({"old": "order_id", "new": "x"}, "stands 3 times", id="many"),
        pytest.param(
            {
                "old": "    return ORDERS[order_id]",
                "new": '    """I wait since last week for you."""\n    return ORDERS[order_id]',
            },
            "come from conversations",
            id="lifted",
        ),
    ],
)
def test_an_edit_that_breaks_a_guardrail_is_no_proposal(edit: dict[str, str], words: str) -> None:
    failing = [a_failure(n) for n in range(6)]
    failing[0] = replace(
        failing[0], messages=(user("I wait since last week for you"), *failing[0].messages[1:])
    )

    skipped = propose(Script(edit), failing=failing)

    assert isinstance(skipped, Skipped)
    assert skipped.code == "guardrail"
    assert words in skipped.detail


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param(
            {"old": "      throw new Error(", "new": "      console.log("}, "a check", id="check"
        ),
        pytest.param(
            {"old": "    return orders[orderId];", "new": '    return require("fs").orders;'},
            "imports",
            id="import",
        ),
        pytest.param(
            {"old": "async ({ orderId }) =>", "new": "async ({ orderId, all }) =>"},
            "parameters",
            id="signature",
        ),
        pytest.param(
            {"old": "    return orders[orderId];", "new": "    return orders[orderId].slice(50);"},
            "a number",
            id="number",
        ),
        pytest.param(
            {"old": "    return orders[orderId];", "new": "    return (orders[orderId];"},
            "cannot be read as a program",
            id="syntax",
        ),
        pytest.param(
            {"old": "import { z }", "new": "import { y }"}, "stands 0 times", id="outside"
        ),
    ],
)
def test_an_edit_of_typescript_that_breaks_a_guardrail_is_no_proposal(
    edit: dict[str, str], words: str
) -> None:
    skipped = propose(Script(edit), repository=a_repository(**{"web/tools.ts": SCRIPT}))

    assert isinstance(skipped, Skipped)
    assert skipped.code == "guardrail"
    assert words in skipped.detail


def test_the_writer_hears_why_and_may_try_once_more() -> None:
    script = Script({"old": "        raise ValueError(", "new": "        print("})

    propose(script)

    first, second = script.of("write")
    assert first.between("rejected") == "(none)"
    assert "removes a check" in second.between("rejected")


def test_what_a_judge_has_something_against_is_no_proposal() -> None:
    problem = {"kind": "breaks", "call": "W1", "reason": "it would be cut"}

    skipped = propose(Script(TIDY, problems=[problem]))

    assert isinstance(skipped, Skipped)
    assert "A judge says that it breaks a call that works." in skipped.detail


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        pytest.param({"repository": a_repository()}, "no_file", "searched ", id="no-file"),
        pytest.param(
            {"repository": in_python("def find_order(:\n")},
            "no_file",
            "does not parse",
            id="does-not-parse",
        ),
        pytest.param(
            {"repository": a_repository(**{"other/tools.py": PYTHON})},
            "not_allowed",
            "'other/tools.py', which is not among the files that may change",
            id="outside",
        ),
        pytest.param(
            {"repository": a_repository(**{"shop/tools.py": PYTHON, "web/tools.ts": SCRIPT})},
            "ambiguous",
            "2 places describe it ('shop/tools.py', 'web/tools.ts')",
            id="two",
        ),
        pytest.param(
            {"failing": [a_failure(n) for n in range(4)]}, "evidence_floor", "5 are", id="few"
        ),
        pytest.param(
            {"taken": ["shop/tools.py: format of find_order(order_id)"]},
            "covered",
            "in this run",
            id="counted",
        ),
    ],
)
def test_each_refusal_is_one_sentence_and_costs_nothing(
    changes: dict[str, Any], code: str, words: str
) -> None:
    script = Script(TIDY)

    skipped = propose(script, **changes)

    assert isinstance(skipped, Skipped), skipped
    assert skipped.code == code
    assert words in skipped.reason
    assert script.asked == []


@pytest.mark.parametrize(
    ("cause", "failing"),
    [
        pytest.param(a_cause("config", kind="cut_off"), None, id="config"),
        pytest.param(a_cause("harness", kind="empty_answer"), None, id="no-tool"),
        pytest.param(
            a_cause(),
            [a_conversation(conversation_id=f"c-{n}", user_id=f"u-{n}") for n in range(6)],
            id="nothing-failed",
        ),
    ],
)
def test_what_names_no_place_is_a_finding(
    cause: Cause, failing: Sequence[Conversation] | None
) -> None:
    script = Script(TIDY)

    finding = propose(script, cause=cause, failing=failing)

    assert isinstance(finding, Finding)
    assert finding.kind == f"root_cause:{cause.cause}"
    assert cause.sentence in finding.sentence
    assert script.asked == []


def test_a_writer_that_sees_no_edit_makes_it_a_finding() -> None:
    finding = propose(Script())

    assert isinstance(finding, Finding)
    assert "sees no small edit" in finding.sentence
    assert "It is down" not in finding.sentence


def test_the_same_remedy_in_other_words_has_the_same_id() -> None:
    one = propose(Script(TIDY))
    two = propose(Script({**TIDY, "new": TIDY["new"].replace('"#"', '"#W"')}))

    assert isinstance(one, Proposal)
    assert isinstance(two, Proposal)
    assert one.id == two.id
    assert one.fingerprint != two.fingerprint


def test_the_body_reads_well() -> None:
    proposal = propose(Script(TIDY))

    assert isinstance(proposal, Proposal)
    body = render_body(proposal, base_sha="a" * 40, pattern=a_pattern())
    assert "· harness ·" in body
    assert "Changes 1 line of the function `find_order` in `shop/tools.py`." in body
    assert "| `order_id` | `#A9…` | 6 | 0 |" in body
    assert "Made with 2 model calls" in body
