"""Short scenes beside the long story of the gallery: the set-up, the review queue, what is learned.

Each plays whole commands against the fake GitHub and leaves its pull requests there. Reviewers and
the model are simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

from bot.proposals.caps import constraints
from tests import test_dataset_queue as queue
from tests import test_learning_loop as learning
from tests.bot.proposals_built import a_past, a_pattern
from tests.bot.test_init_command import ACTION, FILES
from tests.careful_model import careful
from tests.fake_github import REPOSITORY, TOKEN, commit_on, serve_github
from tests.fake_github import git as git_of
from tests.loop import NOW, a_repository, corrected_drafts, git, write_lines
from tests.messages_server import KEY, Answer, Asked, messages_server
from tests.realistic_story import TO, Story, environment

Scene = Callable[[Path], AbstractContextManager[Story]]


@contextmanager
def _begun(
    folder: Path, files: Mapping[str, str], model: Callable[[Asked], Answer] = careful
) -> Iterator[Story]:
    repo = a_repository(folder / "repo", dict(files))
    bare = folder / "hub.git"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
    with serve_github(bare) as fake, messages_server(model) as server:
        keys = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": fake.url}
        keys |= {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": server.url}
        with environment(keys):
            yield Story(folder=folder, repo=repo, fake=fake)


@contextmanager
def set_up(folder: Path) -> Iterator[Story]:
    """`debrief init` opens its pull request."""
    with _begun(folder, FILES) as story:
        given = ("init", "--repo", story.repo, "--action", ACTION, "--to", f"github:{REPOSITORY}")
        story.runs["init"] = story.debrief(*given, now=NOW)
        yield story


@contextmanager
def review_queue(folder: Path) -> Iterator[Story]:
    """A model wrote examples, and people are asked about those that are unsure."""
    files = {"README.md": "Ours.\n", ".github/debrief.yml": queue.SETTINGS}
    with _begun(folder, files, queue.answer) as story:
        told = write_lines(folder / "told.jsonl", [*queue.corrected(14), *queue.accepted(70)])
        story.debrief("import", told, now=NOW)
        story.runs["queue"] = story.debrief("run", "--repo", story.repo, *TO, now=NOW)
        yield story


@contextmanager
def reviewers_edits(folder: Path) -> Iterator[Story]:
    """A person shortens three rules alike; the fourth is written so, and says why."""
    with _begun(folder, learning.FILES) as story:
        for number, agent in enumerate(learning.AGENTS):
            now = learning.TODAY + timedelta(days=8 * (number == len(learning.AGENTS) - 1))
            story.fake.today = f"{now:%Y-%m-%d}"
            drafts = [
                {**one, "id": f"{agent}-{one['id']}", "agent": agent} for one in corrected_drafts(5)
            ]
            story.debrief("import", write_lines(folder / f"{agent}.jsonl", drafts), now=now)
            story.runs[agent] = story.debrief("run", "--repo", story.repo, *TO, now=now)
            pull, path = story.fake.pulls[-1], f"prompts/{agent}.md"
            if agent == learning.AGENTS[-1]:
                continue
            text = git_of(story.fake.git, "show", f"{pull.head}:{path}")
            shorter = text.replace(learning.LONG, learning.SHORT) + "\n"
            commit_on(story.fake.git, pull.head or "", {path: shorter})
            story.fake.merge(pull.number)
            git(story.repo, "pull", "--quiet", str(story.fake.git), "main")
        yield story


def three_rejections() -> str:
    """What the next writer is told after people turned down three changes of a kind."""
    reasons = ("too long for a chat", "we say this in onboarding", "nobody asked for that")
    past = [
        a_past(id=f"p-{n}", pattern_id=f"x-{n}", state="rejected", reason=reason)
        for n, reason in enumerate(reasons)
    ]
    told = "\n".join(f"- {one}" for one in constraints(a_pattern(), past))
    return f"After three rejections the writer of the next change reads:\n\n{told}\n"


SCENES: Mapping[str, Scene] = {
    "init": set_up,
    "queue": review_queue,
    "learning": reviewers_edits,
}
