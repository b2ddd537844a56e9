"""Runs jobs of a workflow, and the composite action in them, as a runner of GitHub would.

Every job starts from an empty environment and an empty folder; steps get the files that the runner
gives them. What it cannot prove: permissions of tokens, masking, how `uses:` is resolved, other
shells, and what an image has installed. Actions of others are played by functions.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.action.expressions import evaluate, filled, shown
from tests.samples import ROOT

STEP_TIMEOUT_S = 120


@dataclass(kw_only=True)
class Step:
    """What one step left behind."""

    name: str
    code: int
    log: str
    outputs: dict[str, str]


@dataclass(kw_only=True)
class Job:
    """One machine: its folders, its contexts, and what ran on it."""

    folder: Path
    source: Path
    """Where the runner has put our action."""
    github: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    python: Path | None = None
    """Stands for the Python of the runner's image."""
    steps: list[Step] = field(default_factory=list)
    environments: list[dict[str, str]] = field(default_factory=list)
    """What each command saw, the action's own included."""

    def __post_init__(self) -> None:
        for name in ("workspace", "temp", "home"):
            (self.folder / name).mkdir(parents=True)

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def summary(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("summary-*")))

    @property
    def log(self) -> str:
        return "".join(step.log for step in self.steps)

    def contexts(self, **more: Any) -> dict[str, Any]:
        return {
            "github": self.github,
            "secrets": self.secrets,
            "vars": self.variables,
            "runner": {"temp": str(self.folder / "temp"), "os": "Linux"},
            **more,
        }

    def run(self, steps: list[dict[str, Any]], contexts: dict[str, Any], **env: str) -> int:
        """Run bash steps one after the other; ends at the first that fails."""
        outputs: dict[str, Any] = contexts.setdefault("steps", {})
        for number, step in enumerate(steps):
            assert step["shell"] == "bash", "other shells are not played"
            here = {name: filled(str(text), contexts) for name, text in step.get("env", {}).items()}
            done = self._bash(step["run"], {**env, **here}, f"{len(self.steps)}-{number}")
            done.name = step.get("name", "")
            self.steps.append(done)
            if "id" in step:
                outputs[step["id"]] = {"outputs": done.outputs}
            if done.code:
                return done.code
        return 0

    def _bash(self, script: str, env: Mapping[str, str], key: str) -> Step:
        assert "${{" not in script, "an expression inside a script is code from outside"
        file = self.folder / "temp" / f"step-{key}.sh"
        file.write_text(script)
        written = {
            "GITHUB_OUTPUT": self.folder / f"output-{key}",
            "GITHUB_ENV": self.folder / f"env-{key}",
            "GITHUB_PATH": self.folder / f"path-{key}",
            "GITHUB_STEP_SUMMARY": self.folder / f"summary-{key}",
        }
        for path in written.values():
            path.touch()
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder / "home"),
            "RUNNER_TEMP": str(self.folder / "temp"),
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_REPOSITORY": str(self.github["repository"]),
            "GITHUB_API_URL": str(self.github["api_url"]),
            **{name: str(path) for name, path in written.items()},
            **env,
        }
        self.environments.append(environment)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(file)],
            cwd=self.workspace, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, timeout=STEP_TIMEOUT_S,
        )  # fmt: skip
        outputs = read_outputs(written["GITHUB_OUTPUT"].read_text())
        return Step(name="", code=done.returncode, log=masked(done.stdout), outputs=outputs)

    def use(self, action: Path, given: Mapping[str, str], **env: str) -> tuple[int, dict[str, str]]:
        """Run a composite action with the inputs `given`; its exit code and outputs."""
        described = YAML(typ="safe").load((action / "action.yml").read_text())
        declared = described["inputs"]
        unknown = set(given) - set(declared)
        assert not unknown, f"{unknown} are no inputs of {described['name']}"
        contexts = self.contexts()
        contexts["github"] = {**self.github, "action_path": str(action)}
        inputs = {
            name: given.get(name, filled(str(one.get("default", "")), contexts))
            for name, one in declared.items()
        }
        contexts["inputs"] = inputs
        code = self.run(described["runs"]["steps"], contexts, **env)
        outputs = {
            name: filled(one["value"], contexts)
            for name, one in described.get("outputs", {}).items()
        }
        return code, outputs


def masked(log: str) -> str:
    """The log as people see it: what the step asked to mask is shown as stars from there on."""
    lines: list[str] = []
    secrets: list[str] = []
    for line in log.splitlines(keepends=True):
        if line.startswith("::add-mask::"):
            secrets.append(line.removeprefix("::add-mask::").strip().replace("%25", "%"))
        for secret in secrets:
            line = line.replace(secret, "***")
        lines.append(line)
    return "".join(lines)


def read_outputs(text: str) -> dict[str, str]:
    """`name=value` lines and `name<<END` blocks; a block without an end is an error, as there."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        block = re.fullmatch(r"([\w-]+)<<(.+)", line)
        if block is None:
            name, _, value = line.partition("=")
            found[name] = value
            continue
        held = []
        for inner in lines:
            if inner == block[2]:
                break
            held.append(inner)
        else:
            raise ValueError(f"{block[1]} has no end")
        found[block[1]] = "\n".join(held)
    return found


Played = Callable[[Job, Mapping[str, str]], dict[str, str]]
"""An action of somebody else: the job and its inputs to its outputs."""


def run_job(job: Job, described: Mapping[str, Any], actions: Mapping[str, Played]) -> int:
    """Run one job of a workflow; `actions` by `owner/name`, ours is the one of this checkout."""
    contexts = job.contexts(steps={})
    for step in described["steps"]:
        if "if" in step and not evaluate(str(step["if"]), contexts):
            continue
        name = step["uses"].partition("@")[0]
        given = {
            key: filled(value, contexts) if isinstance(value, str) else shown(value)
            for key, value in step.get("with", {}).items()
        }
        if name in actions:
            code, outputs = 0, actions[name](job, given)
        else:
            assert name == "agent-debrief/debrief", name
            code, outputs = job.use(job.source, {"python": str(job.python), **given})
        if "id" in step:
            contexts["steps"][step["id"]] = {"outputs": outputs}
        if code:
            return code
    return 0


def an_image(folder: Path, *, installs: bool) -> Path:
    """A `python3` of a runner's image on which no package index is needed.

    With `installs`, the environments that it makes find all of Debrief's dependencies already, and
    pip builds and installs the action's source in earnest. Without, they run this very checkout:
    enough for what comes after the step that installs, in a tenth of the time.
    """
    site = next(path for path in sys.path if path.endswith("site-packages"))
    debrief = Path(sys.executable).with_name("debrief")
    earnest = f"""\
  "{sys.executable}" -m venv --without-pip "$3"
  echo "{site}" > "$("$3/bin/python" -c 'import site; print(site.getsitepackages()[0])')/image.pth"
  printf '[install]\\nno-index = true\\nno-build-isolation = false\\n' > "$3/pip.conf"
"""
    played = f"""\
  mkdir -p "$3/bin"
  ln -s /bin/true "$3/bin/python"
  ln -s "{debrief}" "$3/bin/debrief"
"""
    script = f"""\
#!/bin/bash
set -e
if [ "$1" = -m ] && [ "$2" = venv ]; then
{earnest if installs else played}else
  exec "{sys.executable}" "$@"
fi
"""
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "python3"
    python.write_text(script)
    python.chmod(0o755)
    return python


def a_source(folder: Path) -> Path:
    """The checkout of the action, as the runner downloads it: nothing built, nothing installed."""
    names = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=True, text=True, env={"PATH": os.environ["PATH"]},
    ).stdout  # fmt: skip
    wanted = re.compile(r"(?:bot|collector|prompts|examples)/|[^/]+$")
    for name in filter(wanted.match, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder
