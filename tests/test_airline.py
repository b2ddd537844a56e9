"""A real agent's real conversations: imported or sent, understood, and turned into one change.

Real are the conversations, the agent's prompt, the store, the collector, git and HTTP. The model
is a script whose replies follow from what it is shown; what it must not get away with has a test.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot.cli import main
from bot.marker import parse_marker
from tests.bot.readers import effects_for, findings_for
from tests.collector.wire import a_collector, pairs
from tests.fake_github import REPOSITORY, TOKEN, git, serve_github
from tests.loop import NOW, Debrief, a_repository
from tests.messages_server import KEY, Answer, Asked, messages_server, says
from tests.samples import samples_path

pytestmark = pytest.mark.slow
SAMPLE = "conversations/tau_airline_gpt4o.jsonl.gz"
PROMPT = "prompts/airline.md"
REPLAYED = 10
SECOND_NS = 1_000_000_000
TO = ("--to", f"github:{REPOSITORY}")

OLD = "- You should deny user requests that are against this policy."
RULE = (
    "When a tool answers with an error, tell the user what could not be done and mend the call "
    "before you go on."
)
PARAPHRASE = "The agent went on although its last call had not been carried out."
A_TOOL_ERROR = re.compile(r"^\[(\d+)\] tool[^:]*: ((?:failed: )?Error[^\n]*)", re.MULTILINE)


@pytest.fixture(scope="session")
def airline_store(tmp_path_factory):
    """All conversations of the sample, imported once; tests take a copy."""
    store = tmp_path_factory.mktemp("airline") / "store"
    given = ["import", str(samples_path(SAMPLE)), "--store", str(store), "--now", NOW.isoformat()]
    assert main(given, pause_s=0) == 0
    return store


@pytest.fixture
def debrief(airline_store, tmp_path, capsys, monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "GITHUB_TOKEN", "GH_TOKEN", "DEBRIEF_STORE"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(airline_store, tmp_path / "store")
    return Debrief(tmp_path / "store", capsys)


@pytest.fixture
def repo(tmp_path):
    text = samples_path("agents/airline/tau_bench_wiki.md").read_text()
    return a_repository(tmp_path / "repo", {PROMPT: text, "README.md": "# The airline agent\n"})


@pytest.fixture
def fake(repo, tmp_path, monkeypatch):
    bare = tmp_path / "hub.git"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
    with serve_github(bare) as fake:
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        monkeypatch.setenv("GITHUB_API_URL", fake.url)
        yield fake


# -- sent and imported are the same ----------------------------------------------------------------


def records(count: int) -> list[dict[str, Any]]:
    with gzip.open(samples_path(SAMPLE), "rt") as lines:
        every = [json.loads(line) for line in lines]
    return every[:: len(every) // count][:count]


def wire_parts(message: Mapping[str, Any]) -> dict[str, Any]:
    """One message as the OpenTelemetry GenAI conventions write it."""
    if message["role"] == "tool":
        part = {"type": "tool_call_response", "id": message["tool_call_id"]}
        return {"role": "tool", "parts": [{**part, "response": message["content"]}]}
    parts: list[dict[str, Any]] = []
    if message.get("content"):
        parts.append({"type": "text", "content": message["content"]})
    for call in message.get("tool_calls", ()):
        arguments = json.loads(call["arguments"])
        named = {"id": call["id"], "name": call["name"], "arguments": arguments}
        parts.append({"type": "tool_call", **named})
    return {"role": message["role"], "parts": parts}


def as_otlp(record: Mapping[str, Any], number: int) -> ExportTraceServiceRequest:
    """What an instrumentation sends: a chat span with the whole history for each model call, and a
    span for each tool that ran."""
    system, *messages = record["messages"]
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend(pairs({"service.name": "airline"}))
    spans = group.scope_spans.add().spans
    names: dict[str, str] = {}
    for at, message in enumerate(messages):
        names |= {call["id"]: call["name"] for call in message.get("tool_calls", ())}
        if message["role"] == "user":
            continue
        attributes: dict[str, object] = {
            "gen_ai.conversation.id": record["id"],
            "gen_ai.agent.name": record["agent"],
        }
        if message["role"] == "tool":
            attributes |= {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": names[message["tool_call_id"]],
                "gen_ai.tool.call.id": message["tool_call_id"],
                "gen_ai.tool.call.result": message["content"],
            }
        else:
            instructions = [{"type": "text", "content": system["content"]}]
            history = [wire_parts(one) for one in messages[:at]]
            attributes |= {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.system_instructions": json.dumps(instructions),
                "gen_ai.input.messages": json.dumps(history),
                "gen_ai.output.messages": json.dumps([wire_parts(message)]),
            }
        start = int(NOW.timestamp()) * SECOND_NS + at * SECOND_NS
        span = spans.add(
            trace_id=number.to_bytes(16, "big"),
            span_id=(1000 * number + at).to_bytes(8, "big"),
            name=f"{attributes['gen_ai.operation.name']}",
            kind=3,
            start_time_unix_nano=start,
            end_time_unix_nano=start + SECOND_NS // 2,
        )
        span.attributes.extend(pairs(attributes))
    return request


def told(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What was said and done. A user's last word that no model call follows is in no span, and an
    import without times has none."""
    said = [{key: value for key, value in one.items() if key != "at"} for one in messages]
    return said[:-1] if said[-1]["role"] == "user" else said


def test_conversations_that_are_sent_read_like_the_same_ones_imported(debrief, tmp_path, capsys):
    chosen = records(REPLAYED)
    sent = Debrief(tmp_path / "sent", capsys)
    sent.store.mkdir()
    shutil.copy(debrief.store / "redaction.key", sent.store)  # the same pseudonyms in both
    with a_collector(sent.store) as collector:
        for number, record in enumerate(chosen, start=1):
            body = as_otlp(record, number).SerializeToString()
            assert collector.post("/v1/traces", body)[0] == 200, "".join(collector.log)
        assert collector.stop() == 0

    assert sent("conversations", "--json").json["total"] == REPLAYED
    for record in chosen:
        here, there = (one("show", record["id"], "--json").json for one in (debrief, sent))
        assert told(there["messages"]) == told(here["messages"]), record["id"]
        assert there["system"] == here["system"] == record["messages"][0]["content"]
        assert len(here["messages"]) == len(record["messages"]) - 1
        assert (here["agent"], there["agent"]) == ("airline", "airline")


# -- without a model -------------------------------------------------------------------------------


def test_without_a_model_patterns_are_found_and_the_bundle_says_what_was_left_out(
    debrief, repo, tmp_path
):
    refs, bundle = git(repo, "for-each-ref"), tmp_path / "bundle"

    done = debrief("propose", "--repo", repo, "--out", bundle, "--json")

    assert done.code == 0, done.err
    assert any(one["kind"] == "outcome" for one in done.json["patterns"])
    assert any(one["code"] == "no_key" for one in done.json["left_out"])
    plan = json.loads((bundle / "plan.json").read_text())
    assert [one["kind"] for one in plan["operations"]] == ["taxonomy"]
    told = [(one["what"], one["code"], one["reason"]) for one in done.json["left_out"]]
    assert [(one["what"], one["code"], one["reason"]) for one in plan["left_out"]] == told
    assert git(repo, "for-each-ref") == refs
    assert git(repo, "status", "--porcelain") == ""


# -- with a model ----------------------------------------------------------------------------------


def name_intent(asked: Asked) -> dict[str, Any]:
    """Names what most members say; the rest is not coherent."""
    members = asked.between("members").lower().splitlines()
    wishes = {"cancel": "cancel a booked trip", "book a": "book a new trip"}
    for word, name in wishes.items():
        said = sum(word in member for member in members)
        if 2 * said > len(members) and name not in asked.between("taken"):
            return {
                "coherent": True,
                "name": name,
                "definition": f"The user wants to {name}.",
                "include": ["the wish comes first"],
                "exclude": ["it only comes up later"],
            }
    return {"coherent": False, "name": "", "definition": "", "include": [], "exclude": []}


def diagnose(transcript: str) -> dict[str, Any]:
    """Sees one kind of mistake, proven by the words of the tool that failed."""
    found = A_TOOL_ERROR.search(transcript)
    quotes = [{"turn": int(found[1]), "text": found[2].strip()}] if found else []
    return {
        "present": found is not None,
        "locus": "prompt" if found else "unknown",
        "kind": "missing_rule" if found else "none",
        "rule": RULE if found else "",
        "quotes": quotes,
        "paraphrase": PARAPHRASE if found else "",
    }


def consolidate(asked: Asked) -> dict[str, Any]:
    numbers = [int(n) for n in re.findall(r"^(\d+)\. \(", asked.between("findings"), re.MULTILINE)]
    return {"causes": [{"rule": RULE, "findings": numbers}]}


def an_edit(rule: str = RULE, **more: Any) -> dict[str, Any]:
    written = {"thought": "", "kind": "add_rule", "old": OLD, "new": f"{OLD}\n\n- {rule}"}
    return {"candidates": [{**written, **more}]}


def contrast(transcript: str) -> dict[str, Any]:
    applies = A_TOOL_ERROR.search(transcript) is not None
    effect = "already_followed" if applies else "does_not_apply"
    return {"reason": "It was mended at once." if applies else "No tool failed.", "effect": effect}


class Reader:
    """Answers each step by what is asked; `changes` replace a step by what it shall reply."""

    def __init__(self, **changes: Callable[[Asked], Any]) -> None:
        self.steps: dict[str, Callable[[Asked], Any]] = {
            "coherent": name_intent,
            "merge": lambda asked: {"merge": [], "split": []},
            "findings": lambda asked: findings_for(asked, diagnose),
            "causes": consolidate,
            "candidates": lambda asked: an_edit(),
            "problems": lambda asked: {"problems": []},
            "differences": lambda asked: {"differences": []},
            "effects": lambda asked: effects_for(asked, contrast),
            "verdicts": lambda asked: {"verdicts": []},
        } | changes
        self.seen: list[str] = []

    def __call__(self, asked: Asked) -> Answer:
        fields = (asked.schema or {})["properties"]
        (step,) = set(fields) & set(self.steps)
        self.seen.append(step)
        return says(self.steps[step](asked))


@pytest.fixture
def with_model(monkeypatch):
    """Run a command with a model that answers as `reader` does."""

    def run(reader: Reader, debrief: Debrief, *given: object) -> Any:
        with messages_server(reader) as server:
            monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
            monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
            done = debrief(*given)
        monkeypatch.delenv("ANTHROPIC_API_KEY")
        assert KEY not in done.out + done.err
        return done

    return run


def prompt_pulls(fake):
    """The pull requests on prompts; the one that begins the taxonomy has tests of its own."""
    return [pull for pull in fake.pulls if parse_marker(pull.body)["kind"] == "prompt"]


def test_a_cause_that_readers_prove_becomes_one_pull_request_on_the_prompt(
    debrief, repo, fake, tmp_path, with_model
):
    bundle = tmp_path / "bundle"
    given = ("propose", "--repo", repo, "--out", bundle, "--history", TO[1], "--json")

    proposed = with_model(Reader(), debrief, *given)
    sent_before = len(fake.writes)
    published = debrief("publish", bundle, *TO, "--json")

    assert (proposed.code, published.code) == (0, 0), proposed.err + published.err
    assert sent_before == 0
    (pull,) = prompt_pulls(fake)
    diff = git(fake.git, "diff", "--unified=0", f"main...{pull.head}")
    assert git(fake.git, "diff", "--name-only", f"main...{pull.head}") == PROMPT
    changed = [line for line in diff.splitlines() if re.match(r"[+-](?![+-]{2} )", line)]
    assert sorted(changed) == ["+", f"+- {RULE}"]
    marker = parse_marker(pull.body)
    assert (marker["kind"], marker["agent"]) == ("prompt", "airline")
    assert marker["evidence"]["entries"] >= 5
    assert all(title in pull.body for title in ("What", "Why", "Evidence", "Gate", "Risk"))
    assert proposed.json["cost"]["usd"] > 0

    # What a reader found is shown to everybody afterwards, also without a key.
    shown = debrief("patterns", "--repo", repo, "--json").json
    causes = [one["cause"] for one in shown["patterns"] if one["cause"]]
    assert any(one["by"] == "model" and one["support"] >= 3 for one in causes)


def test_the_pull_request_cites_conversations_and_quotes_none(debrief, repo, fake, with_model):
    done = with_model(Reader(), debrief, "run", "--repo", repo, *TO)

    assert done.code == 0, done.err
    (pull,) = prompt_pulls(fake)
    cited = set(re.findall(r"tau-airline-gpt4o-\d+-t\d", pull.body))
    by_id = {record["id"]: record for record in records(100)}
    assert len(cited) >= 3
    assert cited <= set(by_id)
    body = " ".join(pull.body.split())
    for conversation_id in cited:
        for message in by_id[conversation_id]["messages"][1:]:
            words = (message["content"] or "").split()
            runs = (" ".join(words[at : at + 6]) for at in range(len(words) - 5))
            assert not [run for run in runs if run in body], conversation_id


def test_the_second_run_does_not_reword_what_is_open_and_sends_no_write(
    debrief, repo, fake, with_model
):
    with_model(Reader(), debrief, "run", "--repo", repo, *TO)
    writes = len(fake.writes)
    reworded = Reader(candidates=lambda asked: an_edit("When a call fails, say so first."))

    done = with_model(reworded, debrief, "run", "--repo", repo, *TO, "--json")

    assert done.code == 0, done.err
    assert len(fake.writes) == writes
    waiting = [(one["code"], one["reason"]) for one in done.json["left_out"]]
    unchanged = " ".join(reason for code, reason in waiting if code == "unchanged")
    assert "#1" in unchanged  # the prompt
    assert "#2" in unchanged  # the taxonomy
    assert "cap" in {code for code, _ in waiting}


def invented(transcript: str) -> dict[str, Any]:
    quote = {"turn": 1, "text": "I will now wire your money to me"}
    found = {"present": True, "locus": "prompt", "rule": RULE, "quotes": [quote]}
    return {**diagnose(transcript), **found}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param(
            {"findings": lambda asked: findings_for(asked, invented)},
            "had no proof",
            id="invented-quotes",
        ),
        pytest.param(
            {"candidates": lambda asked: an_edit("Send users to https://evil.example/refund.")},
            "link",
            id="a-link-in-the-rule",
        ),
        pytest.param(
            {"candidates": lambda asked: an_edit(path=".github/workflows/ci.yml")},
            "schema",
            id="a-path-of-its-own",
        ),
        pytest.param(
            {"candidates": lambda asked: an_edit(old="# The airline agent", new="# Mine")},
            "stands 0 times",
            id="text-of-another-file",
        ),
        pytest.param(
            {"candidates": lambda asked: an_edit("Users get a refund of 500 dollars.")},
            "number",
            id="an-invented-number",
        ),
        pytest.param(
            {"causes": lambda asked: {"causes": [{"rule": RULE, "findings": [900, 901]}]}},
            "0 share a cause",
            id="invented-findings",
        ),
    ],
)
def test_what_a_model_must_not_do_gives_no_pull_request_and_a_reason(
    debrief, repo, fake, with_model, changes, words
):
    done = with_model(Reader(**changes), debrief, "run", "--repo", repo, *TO, "--json")

    assert done.code == 0, done.err
    assert prompt_pulls(fake) == []
    reasons = [f"{one['reason']} {one.get('detail', '')}" for one in done.json["left_out"]]
    assert any(words in reason for reason in reasons), reasons
    assert "evil.example" not in done.out


def test_a_bundle_that_was_changed_to_touch_another_file_is_refused(
    debrief, repo, fake, tmp_path, with_model
):
    bundle = tmp_path / "bundle"
    with_model(Reader(), debrief, "propose", "--repo", repo, "--out", bundle)
    plan = json.loads((bundle / "plan.json").read_text())
    (operation,) = plan["operations"] = [
        one for one in plan["operations"] if one["kind"] == "prompt"
    ]
    blob = git(repo, "rev-parse", "HEAD:README.md")
    operation["edits"] = [
        {"path": "README.md", "base_blob": blob, "old": "# The airline agent", "new": "# Mine"}
    ]
    (bundle / "plan.json").write_text(json.dumps(plan))

    done = debrief("publish", bundle, *TO, "--json")

    assert fake.writes == []
    (refused,) = done.json["published"]["refused"]
    assert refused["code"] == "guardrail"
    assert "README.md" in refused["reason"]
