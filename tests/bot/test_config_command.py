"""`debrief config`: mistakes with their lines, globs that name nothing, annotations for Actions."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli import main
from tests.loop import Debrief


@pytest.fixture
def debrief(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Debrief:
    return Debrief(tmp_path / "store", capsys)


def a_work_tree(path: Path, settings: str, *files: str) -> Path:
    for name in (*files, ".github/debrief.yml"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(settings)
    return path


def test_each_mistake_is_one_line_with_file_and_line(debrief: Debrief, tmp_path: Path) -> None:
    repository = a_work_tree(tmp_path, "version: 1\nagnets: []\nlimits: {min_user: 6}\n")

    done = debrief("config", "check", "--repo", repository)

    first, second, _ = done.out.splitlines()
    assert done.code == 2
    assert first.endswith("debrief.yml:2: error: unknown key `agnets`: did you mean `agents`?")
    assert "debrief.yml:3: error: unknown key `limits.min_user`" in second


def test_globs_that_name_nothing_are_warnings(debrief: Debrief, tmp_path: Path) -> None:
    settings = (
        "agents:\n  - name: shop\n    prompts: [prompts/*.md, promts/*.txt]\n"
        "allow:\n  - src/**\n  - '**'\n"
    )
    repository = a_work_tree(tmp_path, settings, "prompts/shop.md")

    done = debrief("config", "check", "--repo", repository, "--json")

    assert done.code == 0
    assert [(one["line"], one["key"]) for one in done.json["warnings"]] == [
        (3, "agents.0.prompts.1"),
        (5, "allow.0"),
        (6, "allow.1"),
    ]
    assert "Debrief's own files" in done.json["warnings"][2]["sentence"]


def test_what_is_installed_beside_the_code_is_not_the_repository(
    debrief: Debrief, tmp_path: Path
) -> None:
    settings = "agents: [{name: shop, prompts: ['*.md']}]\n"
    repository = a_work_tree(tmp_path, settings, "node_modules/ai/README.md", ".git/x.md")

    done = debrief("config", "check", "--repo", repository, "--json")

    assert len(done.json["warnings"]) == 1


def test_actions_shows_mistakes_beside_the_lines(debrief: Debrief, tmp_path: Path) -> None:
    repository = a_work_tree(tmp_path, "version: 1\nagents: [{name: a, promts: [x]}]\n")

    done = debrief("config", "check", "--repo", repository, "--annotations")

    assert done.err.startswith("::error title=Debrief,file=.github/debrief.yml,line=2::unknown key")


def test_without_a_file_everything_is_at_its_default(debrief: Debrief, tmp_path: Path) -> None:
    done = debrief("config", "check", "--repo", tmp_path)

    assert done.code == 0
    assert "debrief init" in done.out


def test_the_schema_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    assert capsys.readouterr().out.startswith("{")
