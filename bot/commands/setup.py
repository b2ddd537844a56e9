"""`debrief init`: writes the settings and the workflows of a repository, or proposes them.

Looks at the default branch of `--repo` and, where there is one, at the store. Asks nothing, changes
no file that is there already, and a second run changes nothing.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Literal

from bot import git
from bot.commands.config import text_of
from bot.commands.loading import (
    Workspace,
    conversations_by_key,
    store_of,
    store_path,
    understanding_of,
)
from bot.commands.shell import DEFAULT_STORE, Shell, exit_code
from bot.errors import CredentialsError, SettingsError, UsageError
from bot.figures import count
from bot.github import NotFound, NotPermitted, TokenLacks, Unprocessable
from bot.pipeline import propose as propose_all
from bot.publish import open_target
from bot.publish.target import Target
from bot.records import Degraded, Repository
from bot.settings import PATH, Settings, load_settings
from bot.setup.inventory import Inventory, take_inventory
from bot.setup.onboarding import BRANCH, MESSAGE, TITLE, File, FirstRun, body
from bot.setup.pin import given_pin, installed_pin, schema_url
from bot.setup.settings_file import settings_text
from bot.setup.workflows import CHECK_PATH, Pin, check_workflow_text, workflow_text
from bot.setup.workflows import PATH as WORKFLOW_PATH
from bot.target_name import parse_target
from bot.understanding import Understanding
from collector.errors import CollectorError

_MOST_DIFF_LINES = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class _Setup:
    """All that `init` would do."""

    inventory: Inventory
    files: tuple[File, ...]
    first_run: FirstRun | str
    left_out: tuple[str, ...]
    """Files that could not be made, with what to do."""


State = Literal["nothing_to_do", "rejected", "dry_run", "branch", "in_the_way", "open"]
"""What became of the set-up where it was proposed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sent:
    state: State
    branch: str | None = BRANCH
    url: str | None = None
    """Of the pull request."""
    degraded: Degraded | None = None


def init(shell: Shell, given: argparse.Namespace) -> int:
    """Write what is missing; with `--to`, propose it there instead."""
    root = Path(given.repo)
    with shell.working("looking at the repository"):
        setup = _setup(shell, root, given)
    sent: _Sent | None = None
    if given.to:
        sent = _send(shell, given.to, setup, dry_run=given.dry_run)
    elif not given.dry_run:
        for file in setup.files:
            if file.state == "new":
                (root / file.path).parent.mkdir(parents=True, exist_ok=True)
                (root / file.path).write_text(file.text, encoding="utf-8")
    if shell.json:
        shell.emit(_json(setup, sent, written=not given.to and not given.dry_run))
    else:
        _say(shell, setup, sent, given)
    return exit_code([sent.degraded] if sent and sent.degraded else [])


# ---- looking ------------------------------------------------------------------------------------


def _setup(shell: Shell, root: Path, given: argparse.Namespace) -> _Setup:
    repository = git.read_repository(root)
    origin = git.origin_of(root)
    name = re.sub(r"(?:\.git)?/*$", "", origin.url).rpartition("/")[2] if origin else ""
    understood, why_not = _understood(shell)
    systems = _systems(understood)
    inventory = take_inventory(
        repository.files, repository=name or root.resolve().name, systems=systems
    )
    on_github_com = "api.github.com" in (shell.secrets.github_api_url or "api.github.com")
    pin = _pin(given.action)
    store = _shared_store(shell)
    text = settings_text(
        inventory,
        repository.files,
        store=store,
        schema_url=schema_url(pin if isinstance(pin, Pin) else None, on_github_com=on_github_com),
    )
    wanted = {PATH: text}
    left_out: tuple[str, ...] = ()
    if isinstance(pin, Pin):
        wanted[WORKFLOW_PATH] = workflow_text(pin, store=store, on_github_com=on_github_com)
        own = [file.path for agent in inventory.agents for file in agent.files]
        wanted[CHECK_PATH] = check_workflow_text(pin, paths=own)
    else:
        left_out = (f"{WORKFLOW_PATH} and {CHECK_PATH}: {pin}",)
    files = _against(root, repository, wanted, proposed=bool(given.to))
    first_run = why_not or _first_run(shell, understood, repository, files[0])
    return _Setup(inventory=inventory, files=files, first_run=first_run, left_out=left_out)


def _pin(given: str | None) -> Pin | str:
    own = distribution("agent-debrief")
    if given is None:
        return installed_pin(own.read_text("direct_url.json"), own.version, origin_of=git.origin_of)
    pin = given_pin(given, own.version)
    if isinstance(pin, str):
        raise UsageError(f"--action: {pin}")
    return pin


def _shared_store(shell: Shell) -> str | None:
    """The store, where other machines know it by the same address."""
    address = shell.store
    return address if address and ("://" in address or Path(address).is_absolute()) else None


def _understood(shell: Shell) -> tuple[Understanding | None, str]:
    """What the store's conversations say, without a model; else a sentence that says why not."""
    address = store_path(shell, Settings())
    if shell.store is None and not Path(DEFAULT_STORE).is_dir():
        return None, "No store was named: pass --store or set DEBRIEF_STORE."
    try:
        understood = understanding_of(shell, Workspace(), model=None)
    except (CollectorError, OSError) as error:
        return None, f"The store {address} cannot be read: {error}"
    if not understood.report.agents:
        return understood, f"There are no conversations in {address} yet."
    return understood, ""


def _systems(understood: Understanding | None) -> Mapping[str, Sequence[str]]:
    if understood is None:
        return {}
    return {one.agent: understood.systems.get(one.agent, ()) for one in understood.report.agents}


def _against(
    root: Path, repository: Repository, wanted: Mapping[str, str], *, proposed: bool
) -> tuple[File, ...]:
    """Each file against what is there: in the commit where it is proposed, else in the folder."""
    files = []
    for path, text in wanted.items():
        if proposed:
            there = repository.files[path].text if path in repository.files else None
        else:
            there = text_of(root / path) if (root / path).exists() else None
        if there is None or there == text:
            files.append(File(path=path, text=text, state="new" if there is None else "same"))
            continue
        lines = difflib.unified_diff(
            there.splitlines(), text.splitlines(), f"{path} as it is", "what init would write",
            lineterm="", n=1,
        )  # fmt: skip
        files.append(File(path=path, text=text, state="differs", diff="\n".join(lines)))
    return tuple(files)


def _first_run(
    shell: Shell, understood: Understanding | None, repository: Repository, file: File
) -> FirstRun | str:
    """What a run without a model would propose under the settings that hold afterwards."""
    if understood is None:
        return ""
    there = repository.files.get(PATH)
    try:
        settings = load_settings(there.text if there else file.text)
    except SettingsError as error:
        return f"{error}"
    store = store_of(shell, settings)
    changes = propose_all(
        understood,
        repository,
        (),
        settings=settings,
        conversations_of=lambda keys: conversations_by_key(store, keys),
        ask=None,
        now=shell.now,
    )
    return FirstRun(
        conversations=understood.facts.num_rows,
        agents=tuple(one.agent for one in understood.report.agents),
        patterns=len(understood.report.patterns),
        proposals=tuple((one.kind, one.title) for one in changes.proposals),
        left_out=tuple(f"{one.what}: {one.reason}" for one in changes.skipped),
    )


# ---- proposing ----------------------------------------------------------------------------------


def _send(shell: Shell, to: str, setup: _Setup, *, dry_run: bool) -> _Sent:
    """A branch with the new files and, on GitHub, a pull request; what is there stays."""
    kind, _ = parse_target(to)
    target = open_target(to, connect=shell.reader if dry_run else shell.writer, now=shell.now)
    base, base_sha = target.base()
    there = target.files(base_sha, [file.path for file in setup.files])
    new = {file.path: file.text for file in setup.files if file.path not in there}
    if not new:
        return _Sent(state="nothing_to_do", branch=None)
    earlier = target.pulls(BRANCH) if kind == "github" else ()
    if any(pull.state in ("rejected", "closed") for pull in earlier):
        return _Sent(state="rejected", url=earlier[0].url)
    if dry_run:
        return _Sent(state="dry_run")
    moved = _push(target, new, base_sha)
    text = body(setup.inventory, setup.files, setup.first_run, kept=sorted(there))
    if kind == "git":
        return _Sent(state="branch" if moved else "in_the_way")
    if not moved:
        return _Sent(state="in_the_way", url=earlier[0].url if earlier else None)
    if earlier and earlier[0].state == "open":
        return _Sent(state="open", url=earlier[0].url)
    pull = target.open_pull(branch=BRANCH, base=base, title=TITLE, body=text)
    if isinstance(pull, Degraded):
        return _Sent(state="branch", degraded=pull)
    return _Sent(state="open", url=pull.url)


def _push(target: Target, new: Mapping[str, str], base_sha: str) -> bool:
    """Put the branch there; False where somebody's commits are on it.

    Raises:
        CredentialsError: the token may not write workflows.
    """
    found = target.branch(BRANCH, proposal_id=BRANCH, base_sha=base_sha)
    if found is not None and not found.in_base:
        there = target.files(found.sha, list(new))
        return {path: file.text for path, file in there.items()} == dict(new)
    expected = found.sha if found else None
    try:
        return target.put_branch(
            BRANCH, new, on=base_sha, parents=[base_sha], message=MESSAGE, expected=expected
        )
    except (TokenLacks, NotFound, NotPermitted, Unprocessable) as error:
        raise CredentialsError(
            f"the token may not write {WORKFLOW_PATH}: workflows need the scope `workflow` of a "
            "personal token or `workflows: write` of an app, and GITHUB_TOKEN of Actions can never "
            f"do it; run `debrief init` without --to and push the files yourself ({error})"
        ) from error


# ---- telling ------------------------------------------------------------------------------------


def _json(setup: _Setup, sent: _Sent | None, *, written: bool) -> dict[str, Any]:
    return {
        "agents": [asdict(agent) for agent in setup.inventory.agents],
        "instrumentation": [asdict(one) for one in setup.inventory.instrumentation],
        "unassigned": [asdict(one) for one in setup.inventory.unassigned],
        "files": [
            {**asdict(file), "written": written and file.state == "new"} for file in setup.files
        ],
        "left_out": list(setup.left_out),
        "first_run": asdict(setup.first_run)
        if isinstance(setup.first_run, FirstRun)
        else {"not_tried": setup.first_run},
        "pull_request": asdict(sent) if sent else None,
        "degraded": [asdict(sent.degraded)] if sent and sent.degraded else [],
    }


_SENT: Mapping[State, str] = {
    "nothing_to_do": "All files are on the default branch already.",
    "rejected": "A person closed {url}, so it is not opened again.",
    "dry_run": "Dry run: nothing was sent.",
    "branch": "The files are on the branch {branch}.",
    "in_the_way": "The branch {branch} has other content than this run would give it: delete it "
    "and run again.",
    "open": "The pull request is {url}.",
}


def _say(shell: Shell, setup: _Setup, sent: _Sent | None, given: argparse.Namespace) -> None:
    agents = setup.inventory.agents
    shell.say(f"{count(len(agents), 'agent')} found." if agents else "No agent was found.")
    for agent in agents:
        kinds = ", ".join(f"{one.kind} {one.path}" for one in agent.files[:4])
        more = f" and {len(agent.files) - 4} more" if len(agent.files) > 4 else ""
        shell.say(f"  {agent.name}: {kinds or agent.why}{more}")
    for file in setup.files:
        if file.state == "differs":
            shell.say(f"{file.path} is there and stays as it is. This run would write it so:")
            lines = file.diff.splitlines()
            shell.say("\n".join(f"  {line}" for line in lines[:_MOST_DIFF_LINES]))
        elif file.state == "same":
            shell.say(f"{file.path} is there already.")
        elif not given.to:
            shell.say(f"{'Would write' if given.dry_run else 'Wrote'} {file.path}.")
    for reason in setup.left_out:
        shell.say(f"Left out {reason}.")
    shell.say(_run_sentence(setup.first_run))
    if sent is not None:
        told = _SENT[sent.state].format(branch=sent.branch, url=sent.url)
        shell.say(sent.degraded.sentence if sent.degraded else told)
    elif not given.dry_run:
        shell.say("Next: look through the settings, then `debrief doctor --repo .`.")


def _run_sentence(first_run: FirstRun | str) -> str:
    if isinstance(first_run, str):
        return f"A first run was not tried. {first_run}"
    titles = "".join(f"\n  {kind}: {title}" for kind, title in first_run.proposals)
    return (
        f"A first run would read {count(first_run.conversations, 'conversation')}, see "
        f"{count(first_run.patterns, 'pattern')}, and without a model open "
        f"{count(len(first_run.proposals), 'pull request')}{':' if titles else '.'}{titles}"
    )
