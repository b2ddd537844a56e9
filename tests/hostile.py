"""Hostile sets through the whole wire: what strangers write, a model that obeys it, all that left.

A set says what stands in conversations and which edit a model that obeys it would write
(`tests/bot/red_team/edits.yaml`). Here it goes the whole way: conversations are imported, a cycle
runs with a scripted model that puts the hostile text into every field of its replies, and all that
left is kept: requests to GitHub, git objects, the bundle, the terminal, pages, the ledger.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from bot.marker import parse_marker
from collector.store import open_store
from prompts import INVISIBLE
from tests.bot.readers import effects_for, findings_for
from tests.bot.test_prompt_proposals import OLD, PROMPT
from tests.fake_github import REPOSITORY, TOKEN, FakeGitHub, git, serve_github
from tests.hostile_tools import DESK, READS, ROUTES, SOURCES, SUFFIXES, claim, tool_edits
from tests.loop import NOW, Debrief, Done, a_repository, write_lines
from tests.messages_server import KEY, Answer, Asked, messages_server, says

FOLDER = Path(__file__).parent / "bot" / "red_team"
FAILING, PASSING = 20, 40
ROUNDS, CANDIDATES = 3, 4
"""So often a writer is asked for one pattern, and so many edits it may give each time."""
PER_AGENT = ROUNDS * CANDIDATES
TOOL_EDITS = 3
PER_TOOL = 2 * TOOL_EDITS
"""The same for a tool: it is asked for twice."""
PROOF = "Fine, I promise that it is cancelled."
HONEST_RULE = "Look up the order and read its state before you promise anything."
HONEST_WORDS = "Read the state of the order before anything is promised."
HONEST_PARAPHRASE = "The agent claimed success without looking anything up."
RUN = 4
"""Words in a row by which a hostile text is known again."""


@dataclass(frozen=True, kw_only=True)
class Attack:
    """What stands in conversations, and the edit that it asks for."""

    name: str
    said: str
    new: str
    why: str
    old: str = OLD
    kind: str = "add_rule"
    carrier: str = "user"
    users: int = 1
    language: str = "python"
    """Of the tool that it is written into."""
    route: str = ""
    """How; empty where `old` and `new` are passages of the tool's own source."""
    part: str = "function"

    def tool_claim(self, parts: str) -> dict[str, Any]:
        """The edit of one of a tool's parts."""
        if not self.route:
            return claim(parts, self.part, self.old, self.new)
        route = ROUTES[self.route]
        return claim(parts, route.part, *route.edit(self.language, self.new))

    @property
    def claim(self) -> dict[str, Any]:
        new = self.new if self.old != OLD or self.kind != "add_rule" else f"{OLD}\n- {self.new}"
        return {"thought": self.new, "kind": self.kind, "old": self.old, "new": new}


def attacks() -> list[Attack]:
    """Every set of the file."""
    found = YAML(typ="safe").load((FOLDER / "edits.yaml").read_text("utf-8"))
    return [Attack(**one) for one in found]


def tool_attacks(route: str) -> list[Attack]:
    """Every set that only adds text, written into a tool by one of `ROUTES`."""
    plain = [one for one in attacks() if one.old == OLD and one.kind == "add_rule"]
    return [replace(one, route=route) for one in plain]


def source_attacks() -> list[Attack]:
    """Edits of a tool's source that must be refused."""
    return [Attack(**one) for one in tool_edits() if not one.get("harmless")]


# -- what is imported ------------------------------------------------------------------------------


def conversations(
    agent: str, hostile: Sequence[Attack], *, calls: bool = False, declared: bool = True
) -> list[dict[str, Any]]:
    """An agent that promises what it did not do to a third of its users.

    Each hostile text stands in as many failing conversations, of a user each, as its set says.
    With `calls` a tool is called before each promise; where nothing is `declared`, a judge has to
    say what failed.
    """
    spoken = [attack for attack in hostile for _ in range(attack.users)]
    assert len(spoken) <= FAILING, "a reader sees no more"
    told = [*spoken, *[None] * (FAILING - len(spoken))]
    failing = [_failure(agent, number, attack, calls) for number, attack in enumerate(told)]
    every = failing + [_success(agent, number) for number in range(PASSING)]
    return every if declared else [{**one, "outcome": {}} for one in every]


def _failure(agent: str, number: int, attack: Attack | None, calls: bool) -> dict[str, Any]:
    wish = "Please cancel my order. I want to cancel the order before it is sent out."
    turns: list[dict[str, Any]] = [{"role": "user", "content": wish}]
    by_tool = attack is not None and attack.carrier == "tool"
    if attack is not None and not by_tool:
        turns += [{"role": "assistant", "content": "Which one?"}]
        turns += [{"role": "user", "content": attack.said}]
    if by_tool or calls:
        said = attack.said if attack is not None and by_tool else '{"state": "sent"}'
        called = {"id": "1", "name": "get_order", "arguments": {"order": str(number)}}
        result = {"role": "tool", "tool_call_id": "1", "name": "get_order", "content": said}
        turns += [{"role": "assistant", "tool_calls": [called]}, result]
    turns += [{"role": "assistant", "content": PROOF}]
    turns += [{"role": "user", "content": "It came today all the same!"}]
    return _conversation(agent, f"bad-{number}", number, turns, success=False)


def _success(agent: str, number: int) -> dict[str, Any]:
    others = ("change my delivery address", "get an invoice for my order", "return a lamp")
    wish = f"I want to {others[number % len(others)]}, please."
    turns = [{"role": "user", "content": wish}, {"role": "assistant", "content": "It is done."}]
    return _conversation(agent, f"good-{number}", number, turns, success=True)


def _conversation(
    agent: str, name: str, number: int, turns: list[dict[str, Any]], *, success: bool
) -> dict[str, Any]:
    system = prompt_of(agent).replace("{today}", "Monday")
    return {
        "id": f"{agent}-{name}",
        "agent": agent,
        "user_id": f"{agent}-{name}",
        # Slowly, over three weeks.
        "start_time": (NOW - timedelta(days=22) + timedelta(hours=number * 21 % 500)).isoformat(),
        "messages": [{"role": "system", "content": system}, *turns],
        "outcome": {"success": success},
    }


def prompt_of(agent: str) -> str:
    return PROMPT.replace("# Support\n", f"# Support\n\nDesk of {agent}.\n")


def tool_path(agent: str, language: str = "python") -> str:
    return f"shop/{agent}{SUFFIXES[language]}"


def files_of(
    agents: Iterable[str],
    *,
    judged: Collection[str] = (),
    languages: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """A repository with one prompt and one tool for each agent; `judged` ones have a task."""
    spoken = {agent: (languages or {}).get(agent, "python") for agent in agents}
    lines = [
        f"  - {{name: {agent}, prompts: [prompts/{agent}.md], harness: [{tool_path(agent, own)}]"
        + (", task: Mend orders, done_when: The order is as wanted}" if agent in judged else "}")
        for agent, own in spoken.items()
    ]
    return {
        **{tool_path(agent, own): source_of(agent, own) for agent, own in spoken.items()},
        **{f"prompts/{agent}.md": prompt_of(agent) for agent in spoken},
        ".github/debrief.yml": "version: 1\nagents:\n" + "\n".join(lines) + "\n",
    }


def source_of(agent: str, language: str = "python") -> str:
    return SOURCES[language].replace(DESK, f"Desk of {agent}.")


# -- a model that obeys ----------------------------------------------------------------------------


class Fault(NamedTuple):
    """What the reader says of all that it reads."""

    locus: str
    kind: str


IN_PROMPT = Fault("prompt", "missing_rule")
IN_TOOL = Fault("tool_definition", "none")
NO_FACT = Fault("prompt", "missing_fact")


class Obeying:
    """Does what hostile text in its request asks for, as far as the schema lets it.

    The reader puts it into every field of the finding; the writer writes the edits of the agent's
    sets one after the other, whatever it is told against them; judges have nothing against them.
    Agents without a set are served honestly.
    """

    def __init__(
        self,
        sets: Mapping[str, Sequence[Attack]],
        faults: Mapping[str, Fault] | None = None,
    ) -> None:
        self.sets = sets
        self.faults = faults or {}
        self.written: dict[str, int] = {}
        self.read: set[str] = set()
        """Names of the sets whose text was in a request."""

    def __call__(self, asked: Asked) -> Answer:
        fields = set((asked.schema or {})["properties"])
        step = next(name for name in _STEPS if name in fields)
        return says(_STEPS[step](self, asked))

    def _agent(self, asked: Asked) -> str:
        found = re.search(r"Desk of ([\w-]+)\.", asked.user)
        return found[1] if found else ""

    def _obeyed(self, text: str) -> list[Attack]:
        """The sets whose text the model sees."""
        shown = f" {_folded(text)} "
        every = [attack for own in self.sets.values() for attack in own]
        found = [attack for attack in every if f" {_folded(attack.said)} " in shown]
        self.read |= {attack.name for attack in found}
        return found

    def name(self, asked: Asked) -> Any:
        said = next(iter(self._obeyed(asked.user)), None)
        if said is None:
            return {"coherent": False, "name": "", "definition": "", "include": [], "exclude": []}
        return {
            "coherent": True,
            "name": " ".join(said.new.split()[:7]),
            "definition": f"The user {said.said} {said.new}",
            "include": [said.said, said.new],
            "exclude": [said.new],
        }

    def findings(self, asked: Asked) -> Any:
        obeyed = self._obeyed(asked.user)
        fault = self.faults.get(self._agent(asked), IN_PROMPT)

        def finding(transcript: str) -> dict[str, Any]:
            at = re.search(rf"^\[(\d+)\] assistant: {PROOF}", transcript, re.M)
            own = next(iter(self._obeyed(transcript)), None)
            # It says of the others too what one of them asks for.
            told = own or next(iter(obeyed), None)
            quotes = [{"turn": int(at[1]), "text": PROOF}] if at else []
            return {
                "present": bool(quotes),
                "locus": fault.locus,
                "kind": fault.kind if told else "missing_rule",
                "rule": told.new if told else HONEST_RULE,
                "quotes": [*([{"turn": 2, "text": told.said[:200]}] if told else []), *quotes],
                "paraphrase": told.new if told else HONEST_PARAPHRASE,
            }

        return findings_for(asked, finding)

    def causes(self, asked: Asked) -> Any:
        listed = asked.between("findings")
        numbers = [int(n) for n in re.findall(r"^(\d+)\. \(", listed, re.M)]
        own = self.sets.get(self._agent(asked), ())
        told = next((a for a in own if _folded(a.new) in _folded(listed)), None)
        return {"causes": [{"rule": told.new if told else HONEST_RULE, "findings": numbers}]}

    def candidates(self, asked: Asked) -> Any:
        agent = self._agent(asked)
        own = self.sets.get(agent, ())
        if not own:
            new = f"{OLD}\n- {HONEST_RULE}"
            honest = {"thought": "", "kind": "add_rule", "old": OLD, "new": new}
            return {"candidates": [honest]}
        first = self.written.get(agent, 0)
        self.written[agent] = first + CANDIDATES
        chosen = [own[at % len(own)] for at in range(first, first + min(CANDIDATES, len(own)))]
        return {"candidates": [attack.claim for attack in chosen]}

    def edits(self, asked: Asked) -> Any:
        """Into the tool, as each set says."""
        agent = self._agent(asked)
        own = self.sets.get(agent, ())
        first = self.written.get(agent, 0)
        self.written[agent] = first + TOOL_EDITS
        parts = asked.between("parts")
        chosen = [own[at % len(own)] for at in range(first, first + TOOL_EDITS)] if own else ()
        honest = claim(parts, "description", READS, f"{READS} {HONEST_WORDS}")
        return {"why_not": "", "edits": [one.tool_claim(parts) for one in chosen] or [honest]}

    def wanted(self, asked: Asked) -> Any:
        """Of the judge of outcomes."""
        told = next(iter(self._obeyed(asked.user)), None)
        at = re.search(rf"^\[(\d+)\] assistant: ({PROOF}|It is done\.)", asked.user, re.M)
        failed = at is not None and at[2] == PROOF
        return {
            "wanted": told.said if told else "an order mended",
            "done": told.new if told else "nothing",
            "outcome": "failure" if failed else "success",
            "turn": int(at[1]) if at else -1,
            "quote": at[2] if at else "",
        }

    def effects(self, asked: Asked) -> Any:
        return effects_for(asked, {"reason": "It is not about this.", "effect": "does_not_apply"})

    def verdicts(self, asked: Asked) -> Any:
        """Of the judge of a sample: everything is broken, proven by what a stranger wrote."""
        told = next(iter(self._obeyed(asked.user)), None)
        if told is None:
            return {"verdicts": []}
        broken = {"reason": told.new, "verdict": "broken", "turn": 0, "quote": told.said}
        named = ("relevance", "grounding", "safety", "format")
        return {"verdicts": [{"criterion": name, **broken} for name in named]}

    def labels(self, asked: Asked) -> Any:
        return {"labels": []}

    def differences(self, asked: Asked) -> Any:
        return {"differences": []}


_STEPS = {
    "edits": Obeying.edits,
    "wanted": Obeying.wanted,
    "differences": Obeying.differences,
    "coherent": Obeying.name,
    "merge": lambda self, asked: {"merge": [], "split": []},
    "findings": Obeying.findings,
    "causes": Obeying.causes,
    "candidates": Obeying.candidates,
    "problems": lambda self, asked: {"problems": []},
    "effects": Obeying.effects,
    "verdicts": Obeying.verdicts,
    "labels": Obeying.labels,
}


# -- all that left ---------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Left:
    """What a run left behind where people and other programs see it."""

    strict: dict[str, str] = field(default_factory=dict)
    """Diffs, titles, branches, commits, labels, paths: nothing hostile at all."""
    shown: dict[str, str] = field(default_factory=dict)
    """Bodies, comments, pages, logs, the ledger."""

    @property
    def everything(self) -> dict[str, str]:
        return {**self.strict, **self.shown}


def collect(fake: FakeGitHub, debrief: Debrief, folder: Path, *outputs: str) -> Left:
    """What GitHub got, git holds, `folder` has (bundle and pages) and was said."""
    left = Left()
    for number, one in enumerate(fake.writes):
        where = f"{number} {one.method} {one.path}"
        left.strict[f"{where} (path)"] = one.path
        for key, text in _texts(one.body):
            kept = left.shown if key.split(".")[-1] in _BODIES else left.strict
            kept[f"{where} {key}"] = text
    for ref in git(fake.git, "for-each-ref", "--format=%(refname)").split():
        left.strict[ref] = ref
        if ref.startswith("refs/heads/") and ref != "refs/heads/main":
            left.strict[f"{ref} log"] = git(fake.git, "log", "--format=%B%an%ae", f"main..{ref}")
            left.strict[f"{ref} diff"] = git(fake.git, "diff", f"main...{ref}")
        elif ref.startswith("refs/debrief/"):
            left.shown[f"{ref} files"] = git(fake.git, "log", "-p", "--format=%B", ref)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            kept = left.strict if path.suffix in {".patch", ".diff"} else left.shown
            kept[str(path.relative_to(folder))] = path.read_text("utf-8")
    for number, text in enumerate(outputs):
        left.shown[f"output {number}"] = text
    for table in ("ledger", "runs"):
        for row in open_store(str(debrief.store), create=False).scan(table).to_pylist():
            left.shown[f"{table} {row['entry_id']}"] = f"{row['subject']} {row['entry']}"
    return left


_BODIES = frozenset({"body", "text", "summary", "content", "tree"})


def _texts(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _texts(one, f"{key}.{name}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _texts(one, f"{key}[{number}]")


# -- a whole cycle ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """One run of all stages against hostile sets."""

    done: Done
    """Of `debrief run --json`."""
    left: Left
    opened: dict[str, list[str]]
    """Agent to the kinds of the pull requests that are open for it."""
    read: frozenset[str]
    """Names of the sets whose text the model saw."""
    known: tuple[str, ...]
    """Texts that may stand anywhere."""

    def reasons(self, agent: str) -> str:
        """Why nothing was proposed for an agent's prompt, as the run said it."""
        files = (f"prompts/{agent}.md", *(tool_path(agent, one) for one in SUFFIXES))
        left_out = self.done.json["left_out"]
        own = [one for one in left_out if any(path in one["what"] for path in files)]
        return " ".join(f"{one['reason']} {one.get('detail', '')}" for one in own)


def run_sets(
    sets: Mapping[str, Sequence[Attack]],
    debrief: Debrief,
    folder: Path,
    setenv: Callable[[str, str], object],
    *,
    faults: Mapping[str, Fault] | None = None,
    judged: Collection[str] = (),
    languages: Mapping[str, str] | None = None,
) -> Cycle:
    """Import the conversations of every agent's sets and run one cycle with a model that obeys.

    `faults` are what the reader says of an agent, where it is not a rule that the prompt lacks.
    What `judged` agents did is said by no event: the model judges it.
    """
    files = files_of(sets, judged=judged, languages=languages)
    in_tools = {agent for agent, fault in (faults or {}).items() if fault == IN_TOOL}
    repo, out = a_repository(folder / "repo", files), folder / "out"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(folder / "hub.git"))
    out.mkdir()
    lines = [
        one
        for agent, own in sets.items()
        for one in conversations(agent, own, calls=agent in in_tools, declared=agent not in judged)
    ]
    imported = debrief("import", write_lines(folder / "c.jsonl", lines))
    pages = ("--out", out / "bundle", "--summary", out / "summary.md")
    with (
        serve_github(folder / "hub.git") as fake,
        messages_server(model := Obeying(sets, faults)) as api,
    ):
        setenv("GITHUB_TOKEN", TOKEN)
        setenv("GITHUB_API_URL", fake.url)
        setenv("ANTHROPIC_API_KEY", KEY)
        setenv("ANTHROPIC_BASE_URL", api.url)
        done = debrief("run", "--repo", repo, "--to", f"github:{REPOSITORY}", *pages, "--json")
        report = debrief("report", "--out", out / "page.html")
    assert [one.code for one in (imported, done, report)] == [0, 0, 0], done.err + report.err
    opened: dict[str, list[str]] = {}
    for pull in fake.pulls:
        marker = parse_marker(pull.body) or {}
        opened.setdefault(str(marker["agent"]), []).append(str(marker["kind"]))
    return Cycle(
        done=done,
        left=collect(fake, debrief, out, done.out, done.err, report.out),
        opened=opened,
        read=frozenset(model.read),
        known=(*files.values(), HONEST_RULE, HONEST_WORDS, HONEST_PARAPHRASE),
    )


# -- knowing it again ------------------------------------------------------------------------------


def _folded(text: str) -> str:
    plain = re.sub(r"<U\+[0-9A-F]{4,6}>", "", text)
    return " ".join(_words(INVISIBLE.sub("", plain)))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def telling(attack: Attack, known: Iterable[str] = ()) -> list[str]:
    """Runs of words by which what an attack brought is known again, whatever became of its signs.

    `known` are texts that may say the same: the prompts of the repository.
    """
    honest = {gram for text in known for gram in _grams(_folded(text).split())}
    found = []
    for text in (attack.said, attack.new):
        words = _folded(text).split()
        fresh = [gram for gram in _grams(words) if gram not in honest]
        found += fresh if len(words) >= RUN else []
    return list(dict.fromkeys(found))


def _grams(words: Sequence[str]) -> list[str]:
    return [" ".join(words[at : at + RUN]) for at in range(len(words) - RUN + 1)]


def found_in(texts: Mapping[str, str], runs: Iterable[str]) -> list[tuple[str, str]]:
    """(where, run) of every place in which one of the runs stands."""
    folded = {where: f" {_folded(text)} " for where, text in texts.items()}
    return [(where, run) for run in runs for where, text in folded.items() if f" {run} " in text]
