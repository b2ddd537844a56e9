"""What a careful reader answered who had neither planted these faults nor seen what was planted.

Sixteen faults were drawn by the seed 1425. Each request was read as the model would see it, through
the real client, and answered from its text alone; then what was planted was opened and the diff
judged. Kept here step by step, as `bench.careful_replies` and `bench.careful_tools` keep theirs.
"""

# ruff: noqa: E501 - texts of prompts and programs, letter by letter

from __future__ import annotations

from collections.abc import Mapping

from bench import careful_replies, careful_tools

_REASONS = "either 'no longer needed' or 'ordered by mistake'"
_STATUS = (
    "- An order can only be cancelled if its status is 'pending', and you should check its status "
    "before taking the action."
)
_REFUND = "- The refund will go to original payment methods in 5 to 7 business days."

PROMPTS: Mapping[str, careful_replies.Careful] = {
    "bill-status": careful_replies.Careful(
        rule="Tell the user that a bill is paid only after you have checked that its status is "
        "PAID.",
        quote="Your bill has been paid.",
        paraphrase="The agent said that the payment was done while the tool's result still showed "
        "it as open.",
        candidates=(
            {
                "kind": "add_rule",
                "old": "- After the payment is made, the bill status will be updated to PAID.",
                "new": "- After the payment is made, the bill status will be updated to PAID.\n"
                "- Check that the bill status is PAID before you tell the user that the bill is "
                "paid.",
            },
            {
                "kind": "sharpen",
                "old": "After the payment is made, the bill status will be updated to PAID.",
                "new": "After the payment is made, check that the bill status has been updated to "
                "PAID before you tell the user that the bill is paid.",
            },
        ),
        merge=True,
        why="what was taken out, in other words, at the step where it belongs",
    ),
    "refund-time": careful_replies.Careful(
        rule="where the refund of a cancelled reservation goes and how long it takes",
        quote="I can put the refund on any card you like, at once.",
        paraphrase="The agent made up how and when the money comes back; neither its instructions "
        "nor its tools say it.",
        kind="missing_fact",
        locus="knowledge",
        merge=False,
        is_right=True,
        why="what was taken out is a fact that nobody but the owner knows; the finding names it",
    ),
    "hotel-price": careful_replies.Careful(
        rule="Nenne vor einer Umbuchung den Aufpreis und ändere die Reservierung erst, wenn der "
        "Gast zugestimmt hat.",
        quote="Erledigt, Ihre Reservierung ist auf das größere Zimmer geändert.",
        paraphrase="Der Gast fragte nur nach einer Möglichkeit; der Assistent buchte gleich um und "
        "verschwieg die Mehrkosten.",
        candidates=(
            {
                "kind": "add_rule",
                "old": "- Frage zuerst nach der Reservierungsnummer.",
                "new": "- Frage zuerst nach der Reservierungsnummer.\n- Nenne vor der Umbuchung "
                "den Aufpreis und ändere die Reservierung erst, wenn der Gast zustimmt.",
            },
        ),
        effect="better",
        merge=True,
        why="what was taken out, in other words and in the file's language",
    ),
    "cancel-reason": careful_replies.Careful(
        rule="Before cancelling a pending order, ask the user which of the reasons that the tool "
        "accepts applies, and never choose a reason for the user.",
        quote="with the reason that you no longer need it",
        paraphrase="The agent cancelled under a reason that it picked itself without asking the "
        "person for one.",
        candidates=(
            {
                "kind": "add_rule",
                "old": _STATUS,
                "new": f"{_STATUS}\n\n- The user needs to confirm the order id and the reason for "
                f"the cancellation, {_REASONS}. Do not choose the reason for the user.",
            },
            {
                "kind": "sharpen",
                "old": "- After user confirmation, the order status will be changed to 'cancelled'",
                "new": f"- After user confirmation of the order id and of the reason, {_REASONS}, "
                "the order status will be changed to 'cancelled'",
            },
        ),
        merge=True,
        why="what was taken out, and a sentence that says it plainly",
    ),
    "ask-medication": careful_replies.Careful(
        rule="Ask the patient about current medications and allergies before scheduling an "
        "appointment, and pass the answers on to the clinician.",
        quote="Your appointment is scheduled. The clinician has your symptoms.",
        paraphrase="The agent booked the visit without asking which medicines the person takes, so "
        "the clinician did not know.",
        kind="unclear_rule",
        candidates=(
            {
                "kind": "sharpen",
                "old": "Check allergies, current medications, relevant medical history",
                "new": "Check allergies, current medications, relevant medical history; ask the "
                "patient about those that the record does not show, and note the answers for the "
                "clinician",
            },
            {
                "kind": "add_rule",
                "old": "- Appointments must be scheduled at least 2 hours in advance",
                "new": "- Appointments must be scheduled at least 2 hours in advance\n- Ask the "
                "patient about current medications and allergies before scheduling, and add the "
                "answers to the appointment notes",
            },
        ),
        effect="better",
        merge=True,
        why="not where the lost rule stood, but at the step that was done half",
    ),
    "bikes-none": careful_replies.Careful(
        rule="",
        quote="Three hours at the usual rate come to nineteen",
        paraphrase="The agent worked the price out by itself although its instructions clearly "
        "forbid it.",
        kind="none",
        locus="model",
        merge=False,
        is_right=True,
        why="the rule is there, plain and first; nothing was planted",
    ),
    "books-return": careful_replies.Careful(
        rule="ツールがエラーを返したときは、受け付けたと言わずに、できない理由を伝えてください。",
        quote="返品を受け付けました。",
        paraphrase="The tool refused the request, yet the agent said that it had been accepted.",
        candidates=(
            {
                "kind": "add_rule",
                "old": "- 取り寄せの日数はツールの結果だけを伝えてください。",
                "new": "- 取り寄せの日数はツールの結果だけを伝えてください。\n"
                "- ツールがエラーを返したときは、受け付けたと言わずに、できない理由を伝えてください。",
            },
        ),
        merge=True,
        why="not the rule that was taken out (look first whether it was delivered), but it prevents "
        "the same harm, for every tool",
    ),
    "cancel-conflict": careful_replies.Careful(
        rule="Name the one way in which the refund of a cancelled flight is paid.",
        quote="Your refund comes as a travel certificate.",
        paraphrase="Two instructions say different things about how money comes back, and the "
        "agent followed one of them.",
        kind="conflicting_rules",
        candidates=(
            {
                "kind": "delete",
                "old": f"{_REFUND}\n\n- Refunds of cancelled flights are paid out as a travel "
                "certificate.",
                "new": _REFUND,
            },
        ),
        merge=True,
        why="exactly the planted sentence; the rest of the file speaks of certificates as a gesture",
    ),
}

TOOLS: Mapping[str, careful_tools.Careful] = {
    "missing-values": careful_tools.Careful(
        edits=(
            {
                "thought": "The argument's description names the accepted values.",
                "part": 3,
                "old": "Why the order is cancelled",
                "new": "Why the order is cancelled: changed_mind, ordered_by_mistake or too_late",
            },
            {
                "thought": "The error says what is accepted.",
                "part": 4,
                "old": 'f"invalid reason: {reason}"',
                "new": "f\"invalid reason: {reason}; use one of: {', '.join(REASONS)}\"",
            },
        ),
        merge=True,
        why="the values that the code takes; the text is quoted where YAML needs it",
    ),
    "loop-cuts": careful_tools.Careful(
        locus="harness",
        quote="We ask you hum",
        paraphrase="The text that the tool gave stops in the middle of a word, and the agent took "
        "it for the whole.",
        edits=(
            {
                "thought": "Says to the model that the rest is missing.",
                "part": 1,
                "old": '"content": result[:RESULT_CHARS]}',
                "new": '"content": result[:RESULT_CHARS]\n                    + ("\\n(cut off here, '
                'the rest is not shown)" if len(result) > RESULT_CHARS else "")}',
            },
            {
                "thought": "The same as a statement of its own.",
                "part": 1,
                "old": "            result = run_tool(call.name, call.input)\n"
                "            results.append(\n"
                '                {"type": "tool_result", "tool_use_id": call.id, '
                '"content": result[:RESULT_CHARS]}\n            )',
                "new": "            result = run_tool(call.name, call.input)\n"
                "            shown = result[:RESULT_CHARS]\n"
                "            if shown != result:\n"
                '                shown += "\\n(cut off here, the rest is not shown)"\n'
                "            results.append(\n"
                '                {"type": "tool_result", "tool_use_id": call.id, '
                '"content": shown}\n            )',
            },
        ),
        merge=True,
        why="the model learns that it saw a part; how much of a result it gets is the owner's to say",
    ),
    "order-sign": careful_tools.Careful(
        edits=(
            {
                "thought": "Says that the sign at the start belongs to the id.",
                "part": 2,
                "old": "The order id.",
                "new": "The order id, with the '#' symbol at its beginning.",
            },
            {
                "thought": "The same at the tool.",
                "part": 1,
                "old": "Get the status and details of an order.",
                "new": "Get the status and details of an order. The order id starts with the '#' "
                "symbol.",
            },
        ),
        merge=True,
        why="what was taken out, in other words",
    ),
    "bare-error": careful_tools.Careful(
        edits=(
            {
                "thought": "Names the accepted rooms.",
                "part": 2,
                "old": "Kind of room.",
                "new": "Kind of room: single, double or suite.",
            },
            {
                "thought": "The error says which rooms there are.",
                "part": 4,
                "old": '    if room not in ROOMS:\n        return {"error": "invalid request"}',
                "new": "    if room not in ROOMS:\n"
                '        return {"error": "room_type must be one of: " + ", ".join(ROOMS)}',
            },
        ),
        merge=False,
        why="the right words at the right place, but the line has 105 characters and the formatter "
        "of a repository like this one would break it",
    ),
    "cut-result": careful_tools.Careful(
        locus="harness",
        quote="Employees with more tha",
        paraphrase="The search result is cut in the middle of a word without a note, and the agent "
        "took it for complete.",
        edits=(
            {
                "thought": "Says that the result is cut and what to do.",
                "part": 1,
                "old": "    return json.dumps(sections)[:MAX_CHARS]",
                "new": "    found = json.dumps(sections)\n    if len(found) > MAX_CHARS:\n"
                "        found = found[:MAX_CHARS] + "
                '" (cut off here: search with more exact words to see the rest)"\n'
                "    return found",
            },
            {
                "thought": "The description says that results are cut.",
                "part": 2,
                "old": "return the sections that fit.",
                "new": "return the sections that fit, cut at 600 characters. A text that stops in "
                "mid-sentence goes on in the handbook: search again with more exact words.",
            },
        ),
        merge=True,
        why="the model learns that it saw a part and what to do about it",
    ),
    "bad-code": careful_tools.Careful(
        edits=(
            {
                "thought": "Tidies small letters and a missing hyphen before the check.",
                "part": 3,
                "old": "    if (!/^[A-Z]{2}-[0-9]{6}$/.test(code)) {",
                "new": '    code = code.toUpperCase().replace(/^([A-Z]{2})([0-9]{6})$/, "$1-$2");\n'
                "    if (!/^[A-Z]{2}-[0-9]{6}$/.test(code)) {",
            },
            {
                "thought": "Says the form.",
                "part": 2,
                "old": "The booking's code",
                "new": "The booking's code: two capital letters, a hyphen and six digits",
            },
            {
                "thought": "The error says the form.",
                "part": 3,
                "old": "Error: bad code",
                "new": "Error: bad code; give two capital letters, a hyphen and six digits",
            },
        ),
        merge=True,
        why="the form is unambiguous and the check stays; `cancel_booking` has the same gap",
    ),
    "empty-answer": careful_tools.Careful(
        edits=(
            {
                "thought": "Where no text came, asks once more for words from what the tools gave.",
                "part": 1,
                "old": "  return result.text;",
                "new": "  if (!result.text) {\n    const last = await generateText({\n      model,\n"
                "      system,\n      messages: [...messages, ...result.response.messages],\n"
                '      tools,\n      toolChoice: "none",\n    });\n    return last.text;\n  }\n'
                "  return result.text;",
            },
            {
                "thought": "The last step has to be words.",
                "part": 1,
                "old": "    stopWhen: stepCountIs(4),",
                "new": "    stopWhen: stepCountIs(4),\n    prepareStep: ({ stepNumber }) => "
                '(stepNumber === 3 ? { toolChoice: "none" } : {}),',
            },
        ),
        merge=True,
        why="the users get an answer from what the tools had given already",
    ),
    "date-format": careful_tools.Careful(
        edits=(
            {
                "thought": "Says the form of the date.",
                "part": 1,
                "old": "The day of the flight.",
                "new": "The day of the flight, as YYYY-MM-DD.",
            },
            {
                "thought": "The same, for the function's own text.",
                "part": 2,
                "old": "        date: The day of the flight.",
                "new": "        date: The day of the flight (YYYY-MM-DD).",
            },
        ),
        merge=True,
        why="the form that the code parses",
    ),
}
