"""Where the real data lies. Tests that need it skip, naming the variable, where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SAMPLES = Path(os.environ.get("DEBRIEF_SAMPLES", ROOT / ".." / "shared" / "data"))


def samples_path(name: str) -> Path:
    """Path of one sample file or folder; skips the calling test where it does not exist."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"{name} is not under DEBRIEF_SAMPLES ({SAMPLES})")
    return path
