"""What the page and the files for containers say is what the collector does."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from collector.listening import add_options, options_of
from collector.metrics import Metrics
from tests.samples import ROOT

PAGE = (ROOT / "docs" / "collector.md").read_text()
COMPOSE = ROOT / "deploy" / "compose.yaml"


def listening_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--store")
    add_options(parser)
    return parser


def test_the_page_lists_every_option_and_no_other():
    table = PAGE.partition("## Options")[2].partition("\n## ")[0]
    options = {o for a in listening_parser()._actions for o in a.option_strings if o[:2] == "--"}

    assert set(re.findall(r"--[a-z][a-z-]+", table)) == options - {"--help"}


def test_the_page_lists_every_metric():
    metrics = Metrics()
    metrics.watch("open_bytes", "", lambda: 0)
    metrics.watch("queue_bytes", "", lambda: 0)
    names = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in metrics.registry.collect()
        if family.name.startswith("debrief_")
    }

    assert set(re.findall(r"debrief_[a-z_]+", PAGE)) == names


def test_the_compose_file_fits_its_schema():
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
         str(COMPOSE)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("source", ["compose", "image"])
def test_what_a_container_runs_is_a_command_that_exists(source):
    if source == "compose":
        command = YAML(typ="safe").load(COMPOSE)["services"]["collector"]["command"]
    else:
        dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
        command = YAML(typ="safe").load(re.findall(r"^CMD (\[.*\])$", dockerfile, re.M)[0])

    given = listening_parser().parse_args(command[1:])

    assert command[0] == "collect"
    assert options_of(given, token="t").http == "0.0.0.0:4318"


def test_the_image_copies_only_what_exists_and_is_not_ignored():
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    copied = [
        word
        for line in re.findall(r"^COPY (?!--)(.*) \S+$", dockerfile, re.M)
        for word in line.split()
    ]
    kept = (ROOT / ".dockerignore").read_text().splitlines()

    assert copied
    assert all((ROOT / name).exists() and f"!{name}" in kept for name in copied)
