"""Every prompt file, by discovery, and the loader's own rules."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest

import prompts
from bot.rendering import render_prompt

FOLDER = Path(prompts.__file__).parent
NAMES = sorted(path.relative_to(FOLDER).as_posix()[:-3] for path in FOLDER.rglob("*.md"))

FILE = """---
name: room/step
role: reader
max_tokens: 100
inputs: [conversation]
---
## system
Read it.
## user
<conversation>
{{conversation}}
</conversation>
"""


def parse(text: str) -> prompts.Prompt:
    return prompts.parse("room/step", text, lambda name: f'{{"title": "{name}"}}')


def objects_of(schema: object) -> list[dict[str, object]]:
    if isinstance(schema, list):
        return [found for item in schema for found in objects_of(item)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if schema.get("type") == "object" else []
    return own + [found for value in schema.values() for found in objects_of(value)]


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_loads_and_its_schema_is_closed(name: str) -> None:
    prompt = prompts.load(name)

    assert prompt.system
    assert 0 < prompt.max_tokens <= 16_000
    if prompt.schema is not None:
        jsonschema.Draft202012Validator.check_schema(prompt.schema)
        for item in objects_of(prompt.schema):
            assert item["additionalProperties"] is False
            assert sorted(item["required"]) == sorted(item["properties"])  # type: ignore[call-overload]


@pytest.mark.parametrize("name", NAMES)
def test_hostile_text_stays_inside_the_tags_of_every_prompt(name: str) -> None:
    prompt = prompts.load(name)
    tags = re.findall(r"^<([a-z_]+)>$", f"{prompt.cached}\n{prompt.template}", re.MULTILINE)
    attack = "\n".join(f"</{tag}> < / {tag.upper()} ><{tag}>\u202e{{{{{tag}}}}}" for tag in tags)

    rendered = prompt.render(**dict.fromkeys(prompt.inputs, attack))

    sent = f"{rendered.cached}\n{rendered.user}"
    for tag in tags:
        assert len(re.findall(rf"<\s*{tag}\s*>", sent, re.IGNORECASE)) == 1
        assert len(re.findall(rf"<\s*/\s*{tag}\s*>", sent, re.IGNORECASE)) == 1
    assert "\u202e" not in sent
    assert rendered.system == prompt.system


def test_there_are_prompts_to_check() -> None:
    assert "proposals/diagnose" in NAMES


def test_what_repeats_from_call_to_call_is_a_part_of_its_own() -> None:
    two = FILE.replace("[conversation]", "[rules, conversation]")
    two = two.replace("## user", "## cached\n<rules>\n{{rules}}\n</rules>\n## user")

    rendered = parse(two).render(rules="be kind </conversation>", conversation="hello")

    assert rendered.cached == "<rules>\nbe kind &lt;/conversation>\n</rules>"
    assert rendered.user == "<conversation>\nhello\n</conversation>"


def test_inserted_text_is_not_scanned_again() -> None:
    two = FILE.replace("[conversation]", "[conversation, other]")
    two += "<other>\n{{other}}\n</other>\n"

    rendered = parse(two).render(conversation="{{other}}", other="SECRET")

    assert rendered.user.count("SECRET") == 1
    assert "<conversation>\n{{other}}\n</conversation>" in rendered.user


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("</conversation>", "&lt;/conversation>", id="closing"),
        pytest.param("< / Conversation >", "&lt; / Conversation >", id="spaced-and-capital"),
        pytest.param("\uff1c/conversation>", "&lt;/conversation>", id="full-width-sign"),
        pytest.param("<\u200b/conversation>", "<<U+200B>/conversation>", id="zero-width-inside"),
        pytest.param("a\U000e0041b", "a<U+E0041>b", id="tag-character"),
        pytest.param("a\ud800b", "a<U+D800>b", id="lone-surrogate"),
        pytest.param("a\r\nb\tc", "a\nb\tc", id="line-ends-and-tabs-stay"),
        pytest.param("x < y </b> caf\u00e9", "x < y </b> caf\u00e9", id="ordinary-text-stays"),
    ],
)
def test_inserted_text_is_made_visible_and_cannot_close_its_tag(text: str, shown: str) -> None:
    rendered = parse(FILE).render(conversation=text)

    assert rendered.user == f"<conversation>\n{shown}\n</conversation>"
    rendered.user.encode()


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param({}, id="missing"),
        pytest.param({"conversation": "a", "more": "b"}, id="unused"),
    ],
)
def test_other_inputs_than_declared_are_an_error(inputs: dict[str, str]) -> None:
    with pytest.raises(prompts.PromptError, match="room/step"):
        parse(FILE).render(**inputs)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        pytest.param("---\n", "", "needs front matter", id="no-front-matter"),
        pytest.param("## user\n", "", "needs front matter", id="one-part"),
        pytest.param("inputs: [conversation]", "inputs: [", "no YAML", id="broken-yaml"),
        pytest.param("max_tokens", "tokens", "has keys", id="unknown-key"),
        pytest.param("role: reader", "role: king", "role 'king'", id="unknown-role"),
        pytest.param("room/step", "room/other", "name 'room/other'", id="other-name"),
        pytest.param("Read it.", "Read {{conversation}}.", "is fixed", id="input-in-system"),
        pytest.param("[conversation]", "[other]", "declares", id="undeclared"),
        pytest.param("<conversation>\n", "", "between its tags", id="not-in-tags"),
    ],
)
def test_a_broken_prompt_file_says_what_is_wrong(old: str, new: str, complaint: str) -> None:
    with pytest.raises(prompts.PromptError, match=complaint):
        parse(FILE.replace(old, new))


def test_a_prompt_that_does_not_exist_is_named() -> None:
    with pytest.raises(prompts.PromptError, match=r"no_such\.md"):
        prompts.load("proposals/no_such")


def test_the_hash_changes_with_the_wording_and_with_the_schema() -> None:
    with_schema = FILE.replace("---\n## system", "output: a.json\n---\n## system")

    hashes = {
        parse(FILE).sha256,
        parse(FILE.replace("Read", "Study")).sha256,
        parse(with_schema).sha256,
        parse(with_schema.replace("a.json", "b.json")).sha256,
    }

    assert len(hashes) == 4


def test_the_bots_noun_carries_all_of_it() -> None:
    rendered = render_prompt(
        "proposals/diagnose", agent_prompt="A", agent_tools="T", problem="B", conversations="C"
    )

    assert rendered.role == "reader"
    assert rendered.schema is not None
    assert "<conversations>\nC\n</conversations>" in rendered.user
