"""Every text that reaches the model is found, and edited without touching anything else."""

import random
from dataclasses import replace

import pytest

from bot.proposals.edits import apply_edits, edit_to
from bot.records import Skipped, SourceFile
from bot.regions import NotParsed, Region, find_regions, write_region
from tests.bot.region_files import FILES, random_edit


def a_file(path: str, text: str) -> SourceFile:
    return SourceFile(path=path, blob="0" * 40, text=text)


def region_of(path: str, text: str, anchor: str) -> Region:
    return next(one for one in find_regions(path, text) if one.anchor == anchor)


def written(path: str, text: str, anchor: str, old: str, new: str) -> str | Skipped:
    region = region_of(path, text, anchor)
    assert region.text.count(old) == 1
    return write_region(a_file(path, text), region, region.text.replace(old, new))


EXPECTED = {
    "agent.py": [
        ("prompt", "SYSTEM_PROMPT", 'Never "promise" anything.\n'),
        ("prompt", "OTHER", "shop. Answer shortly and clearly.\nToday is {date} and {{literal}}."),
        ("prompt", "DEDENTED", "\nYou are a bot of the desk.\n\n  - indented rule\nFollow"),
        ("prompt", "RAW_PROMPT", r"\d+ times"),
        ("tool", "search(date)", "the date of flight"),
        ("tool", "search", "Search flights.\n\nArgs:\n    date: the date\n"),
        ("tool", "refund", "Refund an order."),
        ("prompt", "instructions", "Hello you are {…} and always polite."),
        ("tool", "book", "Books a flight"),
        ("tool", "book(cabin)", "The cabin class"),
    ],
    "agent.ts": [
        ("prompt", "systemPrompt", "${role} agent é nice.\nBe `kind` to users."),
        ("prompt", "instructions", 'You are kind. Do not lie to "users".\nBye ${name}'),
        ("prompt", "persona", "You are the desk of a shop.\n  Be short."),
        ("tool", "searchFlights", "Find flights"),
        ("tool", "searchFlights(date)", "the date"),
        ("prompt", "system", "You are an agent that helps."),
        ("tool", "weather", "Get weather"),
        ("tool", "plain", "A plain tool"),
        ("tool", "echo", "Echo it"),
    ],
    "agent.yaml": [
        ("prompt", "agents.support.system", "agent.\n\n  - indented é rule\nBe nice to {name}.\n"),
        (
            "prompt",
            "agents.support.folded_prompt",
            "prompts are\nsecond paragraph of the rules",
        ),
        ("prompt", "agents.support.instructions", "You are plain and continued here"),
        ("prompt", "agents.support.system_prompt", 'You are "quoted"\n and folded over lines'),
        ("prompt", "agents.support.rules", "It's a single one for you"),
        ("tool", "search", "Finds flights"),
        ("tool", "search(date)", "The date"),
    ],
    "agent.json": [
        ("prompt", "system", 'You are ä nice "agent" here\nok'),
        ("prompt", "messages[0].content", "You answer the users of the shop."),
        ("tool", "find", "Finds it"),
        ("tool", "find(x)", "the x"),
    ],
    "agent.toml": [
        ("prompt", "agent.system_prompt", 'You are a nice "agent" of ours. joined\nSecond line.'),
        ("prompt", "agent.rules", "literal one with five words"),
        ("prompt", "agent.other.prompt", 'Basic ä one with "five" words'),
    ],
    "agent.md": [("prompt", "", "# Desk\n\n- Be nice to {{ name }}.\n- Never lie.\n")],
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("path", FILES)
def test_every_text_that_reaches_the_model_is_found_as_the_program_reads_it(
    path: str, newline: str
) -> None:
    regions = find_regions(path, FILES[path].replace("\n", newline))

    assert [(one.kind, one.anchor) for one in regions] == [
        (kind, anchor) for kind, anchor, _ in EXPECTED[path]
    ]
    for region, (_, _, part) in zip(regions, EXPECTED[path], strict=True):
        assert part in region.text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "def broken(:\n"),
        ("a.ts", "const a = ;\n"),
        ("a.yaml", "a: [1\n"),
        ("a.json", '{"a": 1,}'),
        ("a.toml", "a = \n"),
    ],
)
def test_a_file_that_does_not_parse_is_left_alone_with_the_reason(path: str, text: str) -> None:
    with pytest.raises(NotParsed) as caught:
        find_regions(path, text)

    assert str(caught.value)


def test_a_rule_is_added_to_a_block_of_yaml_behind_its_indentation() -> None:
    after = written(
        "agent.yaml",
        FILES["agent.yaml"],
        "agents.support.system",
        "Be nice to {name}.\n",
        "Be nice to {name}.\n- Never guess: ask.\n",
    )

    assert isinstance(after, str)
    assert after == FILES["agent.yaml"].replace(
        "      Be nice to {name}.\n", "      Be nice to {name}.\n      - Never guess: ask.\n"
    )


def test_a_sentence_added_behind_adjacent_literals_gets_a_line_of_its_own() -> None:
    after = written(
        "agent.py",
        FILES["agent.py"],
        "OTHER",
        "Answer shortly and clearly.\n",
        'Answer shortly and clearly.\nSay "sorry" once.\n',
    )

    assert isinstance(after, str)
    assert (
        '    "Answer shortly and clearly.\\n"\n    "Say \\"sorry\\" once.\\n"\n    f"Today' in after
    )


JOINED = """RULES = "\\n".join(
    [
        "- Ask for the plant.",
        "- Name one remedy.",
    ]
)
"""


def test_a_line_added_to_a_joined_list_becomes_an_item_of_its_own() -> None:
    after = written("p.py", JOINED, "RULES", "plant.\n", 'plant.\n- Say "sorry" once.\n')

    new = '        "- Say \\"sorry\\" once.",\n'
    assert after == JOINED.replace('plant.",\n', 'plant.",\n' + new)


def test_a_line_added_behind_a_joined_list_of_a_script_becomes_an_item_too() -> None:
    text = "const rules = [\n  '- Ask for the plant.',\n  '- Name one remedy.',\n].join('\\n');\n"

    after = written("p.ts", text, "rules", "remedy.", "remedy.\n- Never guess.")

    assert after == text.replace("remedy.',\n", "remedy.',\n  '- Never guess.',\n")


def test_a_line_taken_out_of_a_joined_list_takes_its_item_along() -> None:
    after = written("p.py", JOINED, "RULES", "\n- Name one remedy.", "")

    assert after == JOINED.replace('        "- Name one remedy.",\n', "")


def test_a_docstring_that_documents_a_tool_keeps_its_indentation() -> None:
    after = written(
        "agent.py",
        FILES["agent.py"],
        "search",
        "Search flights.\n",
        "Search flights.\nGive the date as YYYY-MM-DD.\n",
    )

    assert isinstance(after, str)
    assert "    Search flights.\n" not in after  # it begins behind the quotes
    assert '"""Search flights.\n    Give the date as YYYY-MM-DD.\n\n    Args:' in after


def test_removing_a_line_of_a_block_takes_its_indentation_along() -> None:
    after = written(
        "agent.yaml", FILES["agent.yaml"], "agents.support.system", "  - indented é rule\n", ""
    )

    assert after == FILES["agent.yaml"].replace("        - indented é rule\n", "")


@pytest.mark.parametrize(
    ("path", "anchor", "old", "new"),
    [
        ("agent.py", "OTHER", "{date}", "{date!r}"),
        ("agent.py", "OTHER", "clearly.", "clearly. {__import__('os').getcwd()}"),
        ("agent.py", "RAW_PROMPT", "times", 'times" + open("x").read() + "'),
        ("agent.ts", "systemPrompt", "${role}", "${process.env.KEY}"),
        ("agent.yaml", "agents.support.instructions", "plain", "plain\n  model: other"),
        ("agent.toml", "agent.rules", "five", "five' \nother = 'x"),
    ],
)
def test_an_edit_never_becomes_code_or_another_value(
    path: str, anchor: str, old: str, new: str
) -> None:
    region = region_of(path, FILES[path], anchor)

    after = write_region(a_file(path, FILES[path]), region, region.text.replace(old, new))

    if isinstance(after, str):  # then it says so literally
        assert region_of(path, after, anchor).text == region.text.replace(old, new)
        assert [one.text for one in find_regions(path, after) if one.anchor != anchor] == [
            one.text for one in find_regions(path, FILES[path]) if one.anchor != anchor
        ]
        assert "process.env" not in after
    else:
        assert after.code == "does_not_fit"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("path", FILES)
def test_random_edits_change_the_region_and_no_other_byte(path: str, newline: str) -> None:
    text = FILES[path].replace("\n", newline)
    rng = random.Random(f"{path} {newline}")  # noqa: S311 - drawn edits, no secret
    fitted = refused = 0
    regions = find_regions(path, text)
    for _ in range(100):
        region = rng.choice(regions)
        new = random_edit(region, rng)
        after = write_region(a_file(path, text), region, new)
        if isinstance(after, Skipped):
            refused += 1
            continue
        fitted += 1
        (first, _), (_, last) = region.places[0], region.places[-1]
        assert after.startswith(text[:first])
        assert after.endswith(text[last:])
        now = region_of(path, after, region.anchor)
        assert now.text.removesuffix("\n") == new.removesuffix("\n")
        edit = edit_to(a_file(path, text), after)
        assert apply_edits({path: a_file(path, text)}, [edit]) == {path: after}
        back = replace(edit, old=edit.new, new=edit.old)
        assert apply_edits({path: a_file(path, after)}, [back]) == {path: text}

    assert fitted > refused
