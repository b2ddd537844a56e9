"""A rule goes into the part of the prompt that speaks of its subject."""

from __future__ import annotations

from bot.proposals.prompt_file import PromptFile, choose_prompt_file
from bot.proposals.prompt_parts import part_for
from bot.records import AgentFiles, Repository, SourceFile

BASE = """You are the desk of a shop and answer its customers.

{% include "returns.md" %}

# Opening hours

- The shop opens at nine, and on Saturdays at ten.
- On public holidays the shop stays closed.
"""
RETURNS = """# Returns

- Devices go back within fourteen days.
- Batteries are taken back free of charge.
"""
SENT = BASE.replace('{% include "returns.md" %}', RETURNS)


def chosen(texts: dict[str, str]) -> PromptFile:
    files = {path: SourceFile(path=path, blob="0" * 40, text=text) for path, text in texts.items()}
    repository = Repository(base_sha="a" * 40, base_branch="main", files=files)
    found = choose_prompt_file(AgentFiles(agent="desk", prompts=tuple(texts)), repository, [SENT])
    assert isinstance(found, PromptFile)
    return found


def test_a_rule_about_returns_goes_into_the_included_file() -> None:
    prompt = chosen({"base.md": BASE, "returns.md": RETURNS})

    assert prompt.file.path == "base.md"
    assert part_for(prompt, "Ask for the receipt before a return.").file.path == "returns.md"
    assert part_for(prompt, "Say the opening hours on holidays.").file.path == "base.md"


def test_a_rule_that_is_near_no_part_goes_into_the_largest() -> None:
    prompt = chosen({"base.md": BASE, "returns.md": RETURNS})

    assert part_for(prompt, "Greet everybody.") == prompt


def test_readers_are_shown_all_parts() -> None:
    prompt = chosen({"base.md": BASE, "returns.md": RETURNS})

    assert BASE in prompt.whole
    assert RETURNS in prompt.whole


def test_an_older_version_of_a_part_is_none() -> None:
    older = RETURNS.replace("free of charge", "for one euro").replace("fourteen", "ten")

    prompt = chosen({"base.md": BASE, "returns.md": RETURNS, "old/returns.md": older})

    assert [file.path for file, _ in prompt.beside] == ["returns.md"]


def test_a_shorter_copy_of_a_part_is_not_taken_beside_it() -> None:
    copy = "# Returns\n\n- Devices go back within fourteen days.\n"

    prompt = chosen({"base.md": BASE, "returns.md": RETURNS, "old/returns.md": copy})

    assert [file.path for file, _ in prompt.beside] == ["returns.md"]
