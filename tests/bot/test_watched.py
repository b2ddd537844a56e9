"""An agent's files are its own: better no file than another agent's."""

from __future__ import annotations

from bot.records import Repository, SourceFile
from bot.settings import Settings, load_settings
from bot.watched import files_of_agents, resemblance, wanted_files

SUPPORT = "You are the support assistant of Lumen Lamps. Be brief and friendly in every answer."
OUTREACH = "You draft mails for the account managers of Lumen Lamps. A person reads every draft."


def a_repository(**texts: str) -> Repository:
    files = {path: SourceFile(path=path, blob="0" * 40, text=text) for path, text in texts.items()}
    return Repository(base_sha="1" * 40, base_branch="main", files=files)


def test_globs_of_the_settings_decide():
    settings = load_settings("agents: [{name: support, prompts: ['texts/*.md']}]")
    repository = a_repository(**{"texts/a.md": SUPPORT, "prompts/b.md": OUTREACH})

    files = files_of_agents(["support"], repository, settings, systems={})

    assert files["support"].prompts == ("texts/a.md",)


def test_the_only_agent_gets_what_lies_where_prompts_lie():
    repository = a_repository(
        **{"prompts/a.md": SUPPORT, "README.md": "x", "config/thresholds.yaml": "a: 1"}
    )

    files = files_of_agents(["support"], repository, Settings(), systems={})

    assert files["support"].prompts == ("prompts/a.md",)
    assert files["support"].thresholds == ("config/thresholds.yaml",)


def test_prompts_and_configs_are_found_wherever_their_folder_is():
    repository = a_repository(
        **{
            "services/mail/prompts/system.md": SUPPORT,
            "services/mail/prompts/README.md": "how we write prompts",
            "services/mail/prompts/reply.j2": SUPPORT,
            "services/mail/config/limits.toml": "a = 1",
            "services/mail/tests/prompts/x.md": "x",
        }
    )

    files = files_of_agents(["support"], repository, Settings(), systems={})["support"]

    assert files.prompts == ("services/mail/prompts/reply.j2", "services/mail/prompts/system.md")
    assert files.configs == ("services/mail/config/limits.toml",)


def test_with_two_agents_the_name_in_the_path_decides():
    repository = a_repository(**{"prompts/support.md": SUPPORT, "prompts/outreach.md": OUTREACH})

    files = files_of_agents(["support", "outreach"], repository, Settings(), systems={})

    assert files["support"].prompts == ("prompts/support.md",)
    assert files["outreach"].prompts == ("prompts/outreach.md",)


def test_with_two_agents_the_captured_prompt_decides_where_no_name_does():
    repository = a_repository(**{"prompts/a.md": SUPPORT, "prompts/b.md": OUTREACH})
    systems = {"one": [SUPPORT], "two": ["something else altogether"]}

    files = files_of_agents(["one", "two"], repository, Settings(), systems=systems)

    assert files["one"].prompts == ("prompts/a.md",)
    assert files["two"].prompts == ()


def test_our_own_and_githubs_files_are_never_found():
    repository = a_repository(
        **{".github/prompts/a.md": SUPPORT, ".debrief/prompts/x.md": SUPPORT, "docs/prompt.md": "x"}
    )

    files = files_of_agents(["support"], repository, Settings(), systems={})

    assert files["support"].prompts == ()


def test_resemblance_is_a_share():
    assert resemblance(SUPPORT, "Time: now. " + SUPPORT) == 1.0
    assert resemblance(SUPPORT, OUTREACH) < 0.5
    assert resemblance("", SUPPORT) == 0.0


def test_thresholds_that_no_agent_has_in_its_path_are_looked_at_for_every_agent():
    repository = a_repository(**{"config/thresholds.yaml": "a: 1", "one/thresholds.yaml": "a: 2"})

    files = files_of_agents(["one", "two"], repository, Settings(), systems={})

    assert files["one"].thresholds == ("config/thresholds.yaml", "one/thresholds.yaml")
    assert files["two"].thresholds == ("config/thresholds.yaml",)


def test_instructions_for_agents_that_write_code_are_not_looked_at_unless_named():
    paths = ["AGENTS.md", "app/CLAUDE.md", ".claude/agents/reviewer.md", "app/agents/desk.md"]

    undeclared = wanted_files(Settings())
    named = wanted_files(load_settings("agents: [{name: desk, prompts: ['.claude/agents/*.md']}]"))

    assert [path for path in paths if undeclared(path)] == ["app/agents/desk.md"]
    assert [path for path in paths if named(path)] == [".claude/agents/reviewer.md"]
