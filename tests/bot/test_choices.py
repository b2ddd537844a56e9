"""Lists of an argument's values: found in every format, and changed without touching the rest."""

from __future__ import annotations

import pytest

from bot.records import Skipped, SourceFile
from bot.regions import NotParsed
from bot.regions.choices import find_choices, unlisted, values_only, write_choices
from bot.regions.listed import Listed

NEW = ("slow", "same_day", "next day")
FILES = {
    "tools.json": (
        '[{"name": "ship", "description": "x", "parameters": {"properties": '
        '{"speed": {"type": "string", "enum": ["slow", "fast"]}}}}]\n',
        '["slow", "same_day", "next day"]',
    ),
    "openai.json": (
        '[\n  {\n    "type": "function",\n    "function": {\n      "name": "ship",\n'
        '      "parameters": {\n        "properties": {\n          "speed": {\n'
        '            "enum": [\n              "slow",\n              "fast"\n            ]\n'
        "          }\n        }\n      }\n    }\n  }\n]\n",
        '              "slow",\n              "same_day",\n              "next day"\n            ]',
    ),
    "block.yaml": (
        "tools:\n  - name: ship\n    description: Ships.  # by hand\n    parameters:\n"
        "      properties:\n        speed:\n          type: string\n          enum:\n"
        "            - slow\n            - fast\n",
        "            - slow\n            - same_day\n            - next day\n",
    ),
    "flow.yaml": (
        "tools:\n- {name: ship, description: S, args: [{name: speed, enum: ['slow', 'fast']}]}\n",
        "enum: ['slow', 'same_day', 'next day']",
    ),
    "dicts.py": (
        'T = {"name": "ship", "description": "ü", "input_schema": {"type": "object", "properties": '
        '{"speed": {"type": "string", "enum": ["slow", "fast"]}}}}\n',
        '"enum": ["slow", "same_day", "next day"]',
    ),
    "mcp.py": (
        "t = Tool(name='ship', inputSchema={'properties': {'speed': {'enum': ['slow']}}})\n",
        "{'enum': ['slow', 'same_day', 'next day']}",
    ),
    "annotated.py": (
        "@tool('ship')\ndef go(speed: Annotated[Literal['slow', 'fast'], 'How.'] = 'slow'):\n"
        "    pass\n",
        "Literal['slow', 'same_day', 'next day']",
    ),
    "alias.py": (
        "Speed = Literal['slow', 'fast']\n\n\n@tool\ndef ship(speed: Speed) -> str: ...\n",
        "Speed = Literal['slow', 'same_day', 'next day']",
    ),
    "fields.py": (
        "class Args(BaseModel):\n    speed: Literal['slow', 'fast'] = Field(description='H')\n\n"
        "class Ship(BaseTool):\n    name = 'ship'\n    description = 'Ships.'\n"
        "    args_schema = Args\n",
        "Literal['slow', 'same_day', 'next day']",
    ),
    "zod.ts": (
        "export const ship = tool({\n  description: 'x',\n  parameters: z.object({\n"
        "    speed: z.enum(['slow', 'fast']).optional(), // how\n  }),\n});\n",
        "z.enum(['slow', 'same_day', 'next day']).optional(), // how",
    ),
    "schema.js": (
        'const tools = [{ name: "ship", description: "x", input_schema: { properties: { speed: '
        '{ type: "string", enum: ["slow", "fast"] } } } }];\n',
        'enum: ["slow", "same_day", "next day"]',
    ),
}
PLAIN = {
    "tools.json": (
        '{"name": "ship", "description": "x", "parameters": {"speed": {"type": "string"}}}\n',
        '{"type": "string", "enum": ["slow", "same_day", "next day"]}',
    ),
    "lines.json": (
        '{"name": "ship", "description": "x", "parameters": {"speed": {\n    "type": "string",\n'
        '    "description": "How"\n}}}\n',
        '    "type": "string",\n    "enum": ["slow", "same_day", "next day"],\n    "desc',
    ),
    "tools.yaml": (
        "name: ship\ndescription: S\nparameters:\n  speed:\n    type: string  # free\n"
        "    description: How\n",
        '    type: string  # free\n    enum: ["slow", "same_day", "next day"]\n    desc',
    ),
    "tools.py": (
        "T = dict(name='ship', parameters={'speed': {'type': 'string', 'description': 'How'}})\n",
        "{'type': 'string', 'enum': ['slow', 'same_day', 'next day'], 'desc",
    ),
    "zod.ts": (
        'server.tool("ship", "Ships.", { speed: z.string().describe("How") }, async () => 1);\n',
        'speed: z.enum(["slow", "same_day", "next day"]).describe("How")',
    ),
    "schema.ts": (
        'const t = { name: "ship", description: "", schema: { speed: { type: "string" } } };\n',
        '{ type: "string", enum: ["slow", "same_day", "next day"] }',
    ),
}


def only(path: str, text: str) -> Listed:
    (found,) = [one for one in find_choices(path, text) if one.anchor == "ship(speed)"]
    return found


def written(path: str, text: str, values: tuple[str, ...] = NEW) -> str | Skipped:
    file = SourceFile(path=path, blob="1" * 40, text=text)
    return write_choices(file, only(path, text), values)


@pytest.mark.parametrize("path", FILES)
def test_a_list_is_found_and_changed_in_its_own_manner(path: str) -> None:
    text, new = FILES[path]

    after = written(path, text)

    assert isinstance(after, str)
    assert new in after
    assert only(path, after).values == NEW
    assert written(path, after, only(path, text).values) == text
    assert values_only(path, text, after)


@pytest.mark.parametrize("path", FILES)
def test_files_with_windows_line_ends_keep_them(path: str) -> None:
    text = FILES[path][0].replace("\n", "\r\n")

    after = written(path, text)

    assert isinstance(after, str)
    assert after.count("\r\n") == after.count("\n")


@pytest.mark.parametrize("path", PLAIN)
def test_a_plain_text_gets_a_list_behind_its_type(path: str) -> None:
    text, new = PLAIN[path]

    assert only(path, text).values == ()
    after = written(path, text)

    assert isinstance(after, str)
    assert new in after
    assert values_only(path, text, after)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.json", PLAIN["tools.json"][0].replace('"string"', '"string", "format": "date"')),
        ("a.json", PLAIN["tools.json"][0].replace('"string"', '"array"')),
        ("a.json", FILES["tools.json"][0].replace('"fast"', "3")),
        ("a.py", "T = dict(name='ship', parameters={'speed': {'enum': list(SPEEDS)}})\n"),
        ("a.py", "def ship(speed: str): ...\n"),
        ("a.ts", PLAIN["zod.ts"][0].replace(".describe", ".email().describe")),
        ("a.ts", FILES["zod.ts"][0].replace("['slow', 'fast']", "SPEEDS")),
        ("a.toml", "x = 1\n"),
    ],
)
def test_what_is_no_list_of_texts_and_no_plain_text_is_left_alone(path: str, text: str) -> None:
    assert [one for one in find_choices(path, text) if one.anchor == "ship(speed)"] == []


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("a.yaml", FILES["block.yaml"][0].replace("- slow\n", "- slow  # cheap\n"), "comments"),
        ("a.py", FILES["annotated.py"][0].replace("= 'slow'", "= 'fast'"), "default"),
        (
            "a.json",
            FILES["tools.json"][0].replace('"enum"', '"default": "fast", "enum"'),
            "default",
        ),
        (
            "a.ts",
            FILES["zod.ts"][0].replace(".optional()", '.default("fast")'),
            "default",
        ),
        (  # two tools share the list: the other one would change as well
            "a.py",
            FILES["alias.py"][0] + "\n\n@tool\ndef send(speed: Speed): ...\n",
            "it would read differently",
        ),
    ],
)
def test_a_list_that_cannot_be_changed_alone_is_not(path: str, text: str, says: str) -> None:
    after = written(path, text)

    assert isinstance(after, Skipped)
    assert says in after.reason


@pytest.mark.parametrize("value", ['a"b', "a'b", "a\nb", "a\\b", "", "`a`", "${a}"])
def test_a_value_with_more_than_plain_characters_is_never_written(value: str) -> None:
    assert isinstance(written("tools.json", FILES["tools.json"][0], ("slow", value)), Skipped)


def test_a_value_of_yaml_that_reads_as_something_else_gets_quotes() -> None:
    after = written("block.yaml", FILES["block.yaml"][0], ("slow", "no", "007"))

    assert isinstance(after, str)
    assert '- "no"\n' in after
    assert only("block.yaml", after).values == ("slow", "no", "007")


@pytest.mark.parametrize("path", ["annotated.py", "zod.ts", "tools.json"])
def test_any_other_change_is_told_from_one_of_values(path: str) -> None:
    text = FILES[path][0]
    other = text.replace("speed", "haste")

    assert not values_only(path, text, other)


@pytest.mark.parametrize("path", FILES)
def test_a_text_without_its_lists_names_their_values_no_more(path: str) -> None:
    assert "fast" not in unlisted(path, FILES[path][0])


def test_a_file_that_does_not_parse_says_so_and_stays_whole() -> None:
    assert unlisted("a.json", "[") == "["
    with pytest.raises(NotParsed):
        find_choices("a.json", "[")
    with pytest.raises(NotParsed):
        find_choices("a.py", "def")
    with pytest.raises(NotParsed):
        find_choices("a.ts", "const = {")
