"""Plans, operations and bodies for tests of publish and history, and calls that publish them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bot.github import GitHub, connect
from bot.history import read_history
from bot.marker import parse_marker, render_marker
from bot.proposals.edits import apply_edits
from bot.publish import DEFAULTS, Check, PublishReport, open_target, publish
from bot.records import Edit, Operation, PastProposal, Plan
from bot.settings import PublishSettings
from collector.records import Json
from tests.fake_github import REPOSITORY, TOKEN, FakeGitHub, git

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ID = "p-1a2b3c4d"
BRANCH = f"debrief/{ID}"
PROMPT = "prompts/outreach.md"
FILES = {
    PROMPT: "# Outreach\n\nStart with a greeting.\nKeep it short.\n",
    "config/limits.yml": "alert:\n  threshold: 0.70  # tuned by hand\n",
    ".github/debrief.yml": "version: 1\n",
}
OLD = "Start with a greeting.\n"
NEW = "For c_level: start with the point.\n"


def an_edit(*, path: str = PROMPT, old: str = OLD, new: str = NEW) -> Edit:
    return Edit(path=path, base_blob="0" * 40, old=old, new=new)


def an_operation(
    op: str = "open", *, id: str = ID, fingerprint: str = "f1", entries: int = 5, **changes: object
) -> Operation:
    operation = Operation(
        op=op,  # type: ignore[arg-type]
        id=id,
        kind="rule",
        branch=f"debrief/{id}",
        title="Start c_level outreach with the point",
        body_file=f"bodies/{id}-{op}.md",
        labels=("debrief", "kind/rule"),
        edits=(an_edit(),) if op in ("open", "update") else (),
        evidence={"entries": entries, "users": 1, "conversation_ids": []},
        fingerprint=fingerprint,
        pattern_id="c-11112222",
        agent="outreach",
    )
    return replace(operation, **changes)  # type: ignore[arg-type]


def a_body(operation: Operation, *, text: str = "**Why**: five corrections.") -> str:
    marker: dict[str, Json] = {
        "id": operation.id,
        "fingerprint": operation.fingerprint,
        "kind": operation.kind,
        "agent": operation.agent,
        "pattern_id": operation.pattern_id,
        "title": operation.title,
        "evidence": {"entries": operation.evidence["entries"], "users": 1},
        "prediction": {"metric": "correction:opening_removed", "days": 14},
    }
    boxes = "- [ ] not a problem\n- [ ] wrong fix (say what would be right)\n- [ ] later\n"
    return f"{render_marker(marker)}\n{text}\n\n{boxes}"


def a_plan(*operations: Operation) -> Plan:
    return Plan(
        schema=1,
        target="",
        base_sha="",
        base_branch="main",
        settings_sha="",
        operations=operations,
        left_out=(),
    )


def no_guardrail(*_: object) -> tuple[str, ...]:
    return ()


def bodies_of(*operations: Operation, texts: Mapping[str, str] | None = None) -> Mapping[str, str]:
    bodies = {}
    for operation in operations:
        if operation.op in ("open", "update"):
            bodies[operation.body_file] = a_body(operation)
        else:
            bodies[operation.body_file] = "The pattern is gone."
    return {**bodies, **(texts or {})}


def publish_to(
    target: str | FakeGitHub,
    *operations: Operation,
    texts: Mapping[str, str] | None = None,
    check: Check = no_guardrail,
    now: datetime = NOW,
    dry_run: bool = False,
    retries: int = 0,
    timeout_s: int = 30,
    token: str = TOKEN,
    settings: PublishSettings = DEFAULTS,
) -> PublishReport:
    """Publish operations with their bodies to a repository's path or to the fake GitHub."""
    bodies = bodies_of(*operations, texts=texts)

    def client(name: str) -> GitHub:
        assert isinstance(target, FakeGitHub)
        return client_of(
            target,
            name=name,
            token=token,
            retries=retries,
            timeout_s=timeout_s,
            read_only=dry_run,
        )

    spec = f"github:{REPOSITORY}" if isinstance(target, FakeGitHub) else f"git:{target}"
    place = open_target(spec, connect=client, now=now, lag_s=0)
    return publish(
        a_plan(*operations),
        bodies.__getitem__,
        place,
        apply=apply_edits,
        check=check,
        settings=settings,
        dry_run=dry_run,
    )


def client_of(
    fake: FakeGitHub,
    *,
    name: str = REPOSITORY,
    token: str = TOKEN,
    retries: int = 0,
    timeout_s: int = 30,
    read_only: bool = True,
) -> GitHub:
    return connect(
        name,
        token=token,
        base_url=fake.url + fake.prefix,
        pause_s=0,
        retries=retries,
        timeout_s=timeout_s,
        read_only=read_only,
    )


def history_of(fake: FakeGitHub) -> tuple[PastProposal, ...]:
    """What a client that only reads finds out."""
    return read_history(f"github:{REPOSITORY}", connect=lambda name: client_of(fake, name=name))


def fingerprint_in(body: str) -> object:
    return (parse_marker(body) or {}).get("fingerprint")


def refs_of(repository: Path) -> str:
    """Every ref with its commit, to see that nothing moved."""
    return git(repository, "for-each-ref", "--format=%(refname) %(objectname)")
