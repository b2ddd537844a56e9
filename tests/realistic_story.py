"""Ten weeks of the repository of `tests/realistic_repository.py`: cycles, merges, what comes after.

Real are the commands, the store, git, HTTP and both clients; simulated are guests, reviewers and
the model. A person merges what was opened, the agents run on what is merged, and the next cycle
sees it.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.cli import main
from bot.marker import parse_marker
from tests.careful_model import careful
from tests.fake_github import ALICE, REPOSITORY, TOKEN, FakeGitHub, Issue, commit_on, serve_github
from tests.fake_github import git as git_of
from tests.loop import Done, git
from tests.messages_server import KEY, messages_server
from tests.realistic_repository import SUPPORT_PROMPT, a_realistic_repository
from tests.realistic_traffic import import_days, world_of

START = datetime(2026, 11, 20, 6, tzinfo=UTC)
"""Time of the first cycle; four weeks of conversations lie behind it."""
BEFORE_DAYS = 28
TO = ("--to", f"github:{REPOSITORY}")
_UNSET = ("GH_TOKEN", "DEBRIEF_STORE", "DEBRIEF_PAUSED", "GITHUB_ACTIONS")


@dataclass(kw_only=True)
class Story:
    """What happened so far."""

    folder: Path
    repo: Path
    fake: FakeGitHub
    runs: dict[str, Done] = field(default_factory=dict)
    """What each cycle printed, by its name."""
    summaries: dict[str, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    """The dashboard after each cycle."""
    repeated_writes: dict[str, list[str]] = field(default_factory=dict)
    """What the same run wrote when it was run again."""
    day: int = -BEFORE_DAYS
    """Up to here (days after `START`) conversations are in the store."""

    def debrief(self, *arguments: object, now: datetime) -> Done:
        out, err = io.StringIO(), io.StringIO()
        given = [*map(str, arguments), "--store", str(self.folder / "store")]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*given, "--now", now.isoformat()], pause_s=0)
        return Done(code, out.getvalue(), err.getvalue())

    def live_until(self, day: int, *, invoices_are_down: bool = False) -> None:
        """The agents work on what is merged until `day` begins."""
        git(self.repo, "pull", "--quiet", str(self.fake.git), "main")
        world = world_of(self.repo, invoices_are_down=invoices_are_down)
        first = (START + timedelta(days=self.day)).replace(hour=0)
        now = START + timedelta(days=day)
        days = day - self.day
        import_days(self.debrief, self.folder, world, first=first, days=days, now=now)
        self.day = day

    def cycle(self, name: str, *, again: bool = False) -> Done:
        """One run as the workflow does it; with `again`, the same once more."""
        now = START + timedelta(days=self.day)
        summary = self.folder / f"{name}.md"
        given = ("run", "--repo", self.repo, *TO, "--summary", summary)
        self.fake.today = f"{now:%Y-%m-%d}"
        done = self.runs[name] = self.debrief(*given, now=now)
        assert done.code in (0, 3), done.err + done.out
        self.summaries[name] = summary.read_text()
        self.pages[name] = next(
            one.body for one in self.fake.issues.values() if "dashboard" in one.title
        )
        if again:
            before = len(self.fake.writes)
            self.debrief(*given, now=now)
            paths = [f"{one.method} {one.path}" for one in self.fake.writes[before:]]
            self.repeated_writes[name] = paths
        return done

    def open(self) -> list[Issue]:
        return [pull for pull in self.fake.pulls if pull.state == "open" and is_ours(pull)]

    def merge(self) -> None:
        """A person merges everything of ours that is open."""
        for pull in self.open():
            self.fake.merge(pull.number)


def is_ours(pull: Issue) -> bool:
    return (pull.head or "").startswith("debrief/")


def kind_of(pull: Issue) -> str:
    """Its kind; `retirement` and `rollback` apart, which undo one."""
    marker = parse_marker(pull.body) or {}
    remedy = str(marker.get("remedy", ""))
    for word, kind in (("retire ", "retirement"), ("rollback of ", "rollback")):
        if remedy.startswith(word):
            return kind
    return str(marker.get("kind"))


@contextmanager
def play(folder: Path) -> Iterator[Story]:
    """Play all ten weeks below `folder`."""
    repo = a_realistic_repository(folder / "repository", now=START)
    bare = folder / "hub.git"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
    with serve_github(bare) as fake, messages_server(careful) as model:
        fake.reviewers |= {"acme/platform", "acme/finance"}
        keys = {
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": fake.url,
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": model.url,
        }
        with environment(keys):
            story = Story(folder=folder, repo=repo, fake=fake)
            tell(story)
            yield story


def tell(story: Story) -> None:
    """What people do in these weeks."""
    story.live_until(0)
    story.cycle("week 1", again=True)
    story.merge()

    story.live_until(8)
    story.cycle("week 2")
    story.merge()

    story.live_until(16)
    _own_pull_request(story.fake)
    story.cycle("week 3")
    for pull in story.fake.pulls:
        if kind_of(pull) == "config":
            story.fake.say(pull.number, ALICE, "/debrief rollback")
        elif kind_of(pull) == "dataset":
            story.fake.say(pull.number, ALICE, "/debrief explain")
    story.live_until(17)
    story.cycle("week 3, a day later")
    story.merge()

    story.live_until(61)
    story.live_until(67, invoices_are_down=True)
    story.cycle("week 10", again=True)


def _own_pull_request(fake: FakeGitHub) -> None:
    """A person changes a prompt that conversations rely on."""
    branch, head = "alice/shorter-prompt", git_of(fake.git, "rev-parse", "main")
    git_of(fake.git, "update-ref", f"refs/heads/{branch}", head)
    text = git_of(fake.git, "show", "main:agents/support/prompts/support.md") + "\n"
    assert SUPPORT_PROMPT.splitlines()[0] in text
    changed = text.replace("- Answer in the guest's language.", "- Answer in English.")
    sha = commit_on(fake.git, branch, {"agents/support/prompts/support.md": changed})
    number = len(fake.issues) + 1
    fake.issues[number] = Issue(
        number=number,
        user=ALICE,
        title="Answer in English only",
        body="",
        created_at=fake.now(),
        head=branch,
        head_sha=sha,
        base_sha=head,
    )


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the time being, and none of a developer's own."""
    before = dict(os.environ)
    for name in _UNSET:
        os.environ.pop(name, None)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
