"""`debrief demo`: the whole loop on the example agents, nothing to configure.

Only a conductor: it starts the real collector, lets the simulated agents of `examples/order_desk`
send real telemetry to it, and then runs the same commands that a person would type. Nothing else in
the program knows that there is a demo.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.rule import Rule

from bot.errors import FaultElsewhere
from bot.local_pulls import LocalPull, read_pulls
from bot.marker import parse_marker

BASELINE_DAYS = 28
AFTER_DAYS = 8
START_LIMIT_S = 30
STEP_LIMIT_S = 300
DEBRIEF = (sys.executable, "-m", "bot.cli")


def demo(*, console: Console, now: datetime) -> None:
    """Play four weeks, run a cycle, merge one proposal, play a week more and show the verdict.

    Everything stays in a new temporary folder, whose path is printed at the end.

    Raises:
        FaultElsewhere: a step failed; the message holds its last lines.
    """
    folder = Path(tempfile.mkdtemp(prefix="debrief-demo-"))
    repo, store = folder / "repo", folder / "store"
    today = now.replace(hour=6, minute=0, second=0, microsecond=0)
    first_day = (today - timedelta(days=BASELINE_DAYS)).replace(hour=0)

    console.print(Rule("Debrief demo"))
    console.print(
        "Three example agents of a lamp shop: support, outreach and a fraud desk. Their customers, "
        "reviewers\nand language model are [bold]simulated[/bold]; the telemetry, the store, the "
        "statistics and the git branches are real.\n"
    )
    make_repository(repo, at=first_day)
    with collector(store) as endpoint:
        console.print(f"A collector listens on {endpoint} and writes to {store}.")
        play(repo, endpoint, first_day, BASELINE_DAYS, console, "Four weeks in production")

        console.print(Rule("What fails, and for whom"))
        debrief("patterns", repo, store, today, console)

        console.print(Rule("One cycle: debrief run"))
        debrief("run", repo, store, today, console, "--to", f"git:{repo}")
        opened = [pull for pull, _ in read_pulls(repo)]
        for number, pull in enumerate(opened, 1):
            title = f"Pull request {number} of {len(opened)} · branch {pull.branch}"
            console.print(Panel(Markdown(readable(pull.body)), title=title))

        console.print(Rule("A person merges the rule"))
        merged = merge_rule(repo, opened, at=today + timedelta(hours=2))
        console.print(f"Merged {merged} into main.")
        after = today.replace(hour=0) + timedelta(days=1)
        play(repo, endpoint, after, AFTER_DAYS, console, "A simulated week later")

        console.print(Rule("The next cycle measures it"))
        later = today + timedelta(days=AFTER_DAYS + 2)
        debrief("run", repo, store, later, console, "--to", f"git:{repo}")
    console.print(Rule())
    console.print(
        f"Everything is in {folder}: look at the branches with [bold]git -C {repo} log --all "
        "--oneline[/bold].\nNext: point your own agent at [bold]debrief collect[/bold]; README, "
        "section Set-up."
    )


def make_repository(repo: Path, *, at: datetime) -> None:
    """Copy the example into a new git repository with one commit."""
    packaged = Path(str(resources.files("bot") / "example"))
    checkout = Path(__file__).parent.parent / "examples" / "order_desk"
    source = packaged if packaged.is_dir() else checkout
    shutil.copytree(source, repo, ignore=shutil.ignore_patterns("__pycache__"))
    git(repo, at, "init", "--quiet", "--initial-branch", "main")
    git(repo, at, "add", "--all")
    git(repo, at, "commit", "--quiet", "--message", "The order desk as it is in production")


def git(repo: Path, at: datetime, *arguments: str) -> str:
    """Run git as the person in the demo, at a simulated time."""
    name, mail = "Demo Person", "person@example.com"
    stamp = at.isoformat()
    environment = {
        "PATH": str(Path(shutil.which("git") or "git").parent),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": mail,
        "GIT_AUTHOR_DATE": stamp,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": mail,
        "GIT_COMMITTER_DATE": stamp,
    }
    return run(("git", "-C", str(repo), *arguments), environment=environment)


def run(command: Sequence[str], *, environment: dict[str, str] | None = None) -> str:
    """Run one command to its end and give its output; a failure becomes a `FaultElsewhere`."""
    done = subprocess.run(  # noqa: S603
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=STEP_LIMIT_S,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-600:]
        raise FaultElsewhere(f"{' '.join(command)} ended with {done.returncode}: {said}")
    return done.stdout


@contextmanager
def collector(store: Path) -> Iterator[str]:
    """Start `debrief collect` on free ports; give its HTTP address; stop it gracefully."""
    log = store.parent / "collector.log"
    command = [*DEBRIEF, "collect", "--store", str(store)]
    command += ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]
    with log.open("w") as stream:
        process = subprocess.Popen(command, stderr=stream, stdout=stream)  # noqa: S603
    try:
        yield address(process, log)
    finally:
        process.terminate()
        process.wait(timeout=START_LIMIT_S)


def address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the collector has printed where it listens."""
    for _ in range(START_LIMIT_S * 10):
        found = re.search(r"ready: http=(\S+)", log.read_text())
        if found:
            return f"http://{found[1]}"
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    raise FaultElsewhere(f"the collector did not start: {log.read_text().strip()[-600:]}")


def play(
    repo: Path, endpoint: str, start: datetime, days: int, console: Console, title: str
) -> None:
    """Let the simulated agents work for `days` days against the files of `repo`."""
    command = [sys.executable, "-m", "order_desk.simulate", "--repo", ".", "--endpoint", endpoint]
    command += ["--from", start.isoformat(), "--days", str(days)]
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} days"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task(title, total=days)
        said = []
        process = subprocess.Popen(command, cwd=repo, stderr=subprocess.PIPE, text=True)  # noqa: S603
        for line in process.stderr or ():
            said.append(line)
            if line.startswith("day "):
                progress.update(task, completed=int(line.split()[1]))
    if process.wait(timeout=STEP_LIMIT_S):
        raise FaultElsewhere(f"the simulated agents stopped: {''.join(said)[-600:]}")


def debrief(
    command: str, repo: Path, store: Path, now: datetime, console: Console, *more: str
) -> None:
    """Run one command of Debrief as a person would, on the simulated clock."""
    given = [command, "--repo", str(repo), "--store", str(store), "--now", now.isoformat(), *more]
    console.print(f"[dim]$ debrief {' '.join(given)}[/dim]\n", soft_wrap=True, highlight=False)
    done = subprocess.run(  # noqa: S603
        [*DEBRIEF, *given], timeout=STEP_LIMIT_S, check=False
    )
    if done.returncode not in (0, 3):
        raise FaultElsewhere(f"debrief {command} ended with {done.returncode}")


def readable(body: str) -> str:
    """The body as a browser shows it at first: folds closed, no comments, no chart's source."""
    body = re.sub(r"<!--.*?-->\n?", "", body, flags=re.DOTALL)
    body = re.sub(r"```mermaid\n.*?```\n?", "", body, flags=re.DOTALL)
    folded = r"<details>\s*<summary>(.*?)</summary>.*?</details>"
    return re.sub(folded, r"▸ \1\n", body, flags=re.DOTALL)


def merge_rule(repo: Path, opened: Sequence[LocalPull], *, at: datetime) -> str:
    """Merge the first rule, else the first proposal, as a person would."""
    if not opened:
        raise FaultElsewhere("the cycle opened nothing to merge; please report this")
    rules = (pull for pull in opened if (parse_marker(pull.body) or {}).get("kind") == "rule")
    branch = next(rules, opened[0]).branch
    git(repo, at, "merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", branch)
    return branch
