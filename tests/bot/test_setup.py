"""What a repository says about its agents: found by content and place, each with its reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from pathspec import GitIgnoreSpec

from bot.git import Origin
from bot.records import SourceFile
from bot.settings import load_settings
from bot.setup.inventory import Inventory, take_inventory
from bot.setup.pin import given_pin, installed_pin, schema_url
from bot.setup.settings_file import settings_text
from bot.setup.workflows import Pin
from tests.samples import ROOT, samples_path

PIN = Pin(action="agent-debrief/debrief", sha="0123456789" * 4, version="v0.1.0")
SUPPORT = (
    "You are a support agent of a lamp shop. Never promise a refund that the policy forbids.\n"
)

TYPESCRIPT = {
    "package.json": json.dumps(
        {"name": "@acme/helpdesk", "dependencies": {"ai": "^6.0.0", "@ai-sdk/otel": "1.0.0"}}
    ),
    "app/api/chat/route.ts": """
import { streamText, tool } from "ai";
import { z } from "zod";

const SYSTEM_PROMPT = `You are the help desk of Acme. Answer in the customer's language.
Ask for the order number before you look anything up. Never invent a tracking link.`;

export async function POST(request: Request) {
  const { messages } = await request.json();
  return streamText({
    model: "gpt-5",
    system: SYSTEM_PROMPT,
    messages,
    tools: {
      lookupOrder: tool({
        description: "Look up an order by its number and say where the parcel is right now.",
        inputSchema: z.object({ number: z.string() }),
        execute: async ({ number }) => find(number),
      }),
    },
  });
}
""",
    "app/[locale]/page.tsx": "export default function Page() { return <h1>You are in</h1>; }\n",
    "instrumentation.ts": 'registerOTel({ serviceName: "acme-helpdesk" });\n',
    "tsconfig.json": '{"compilerOptions": {"strict": true}}',
    "node_modules/ai/prompts/system.md": SUPPORT,
    "README.md": "# You are a reader\n",
    "AGENTS.md": "You are an engineer who writes code in this repository.\n",
}
MONOREPO = {
    **{
        f"agents/{name}/prompts/system.md": f"You are the {name} agent of Acme. {SUPPORT}"
        for name in ("billing", "triage", "returns")
    },
    "agents/billing/tools.py": '@tool\ndef refund(order: str) -> str:\n    """Give back the money of one order that the customer returned to us in time."""\n',  # noqa: E501
    "agents/billing/pyproject.toml": '[project]\nname = "acme-billing"\n',
    "agents/triage/config.yaml": "model: claude-haiku-5-5\ntemperature: 0.2\n",
    "agents/returns/Dockerfile": "ENV OTEL_SERVICE_NAME=returns-prod\n",
    "shared/thresholds.json": '{"fraud_threshold": 0.7}',
    "requirements.txt": "openinference-instrumentation-anthropic==1.0\nanthropic\n",
}


def files(texts: Mapping[str, str]) -> dict[str, SourceFile]:
    return {path: SourceFile(path=path, blob="", text=text) for path, text in texts.items()}


def inventory(texts: Mapping[str, str], **options: object) -> Inventory:
    return take_inventory(files(texts), repository="acme", **options)  # type: ignore[arg-type]


def found(taken: Inventory, agent: str) -> dict[str, set[str]]:
    (one,) = [one for one in taken.agents if one.name == agent]
    kinds: dict[str, set[str]] = {}
    for file in one.files:
        kinds.setdefault(file.kind, set()).add(file.path)
    return kinds


def test_a_typescript_agent_is_found_in_its_strings() -> None:
    taken = inventory(TYPESCRIPT)

    route = {"app/api/chat/route.ts"}
    assert found(taken, "acme-helpdesk") == {"prompts": route, "harness": route}
    (agent,) = taken.agents
    assert agent.why == "named by serviceName in instrumentation.ts"
    assert "prompts in SYSTEM_PROMPT" in [file.why for file in agent.files]
    assert "defines tools: lookupOrder" in [file.why for file in agent.files]


def test_what_the_instrumentation_needs_is_said() -> None:
    switches = {one.package: one.switch for one in inventory(TYPESCRIPT).instrumentation}

    assert switches["@ai-sdk/otel"] is None
    assert "experimental_telemetry" in str(switches["ai"])


def test_each_agent_of_a_monorepo_has_its_own_files() -> None:
    taken = inventory(MONOREPO)

    assert [agent.name for agent in taken.agents] == ["acme-billing", "returns-prod", "triage"]
    assert found(taken, "acme-billing") == {
        "prompts": {"agents/billing/prompts/system.md"},
        "harness": {"agents/billing/tools.py"},
    }
    assert found(taken, "triage")["configs"] == {"agents/triage/config.yaml"}
    assert [one.path for one in taken.unassigned] == ["shared/thresholds.json"]


def test_agents_that_send_conversations_divide_the_files_by_their_names() -> None:
    texts = {
        "prompts/support.md": SUPPORT,
        "prompts/outreach.md": SUPPORT,
        "config/thresholds.yaml": "a: 0.5",
    }

    taken = inventory(texts, systems={"support": (), "outreach-agent": (), "fraud": ()})

    assert found(taken, "support")["prompts"] == {"prompts/support.md"}
    assert found(taken, "outreach-agent")["prompts"] == {"prompts/outreach.md"}
    assert found(taken, "fraud") == {"thresholds": {"config/thresholds.yaml"}}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param(
            "k8s.yaml", "env:\n- name: OTEL_SERVICE_NAME\n  value: lamps\n", id="kubernetes"
        ),
        pytest.param(".env.example", "OTEL_SERVICE_NAME=lamps\n", id="environment"),
        pytest.param("Dockerfile", 'ENV OTEL_SERVICE_NAME="lamps"\n', id="docker"),
        pytest.param("a.py", 'debrief.init("lamps")\n', id="sdk"),
        pytest.param("a.py", 'Traceloop.init(app_name="lamps")\n', id="openllmetry"),
        pytest.param("a.py", 'Resource({"service.name": "lamps"})\n', id="resource"),
        pytest.param("a.ts", "const r = { [ATTR_SERVICE_NAME]: 'lamps' };\n", id="resource-ts"),
        pytest.param("a.ts", 'new Agent({ name: "lamps", model })\n', id="agent-ts"),
        pytest.param("pyproject.toml", '[tool.poetry]\nname = "lamps"\n', id="poetry"),
    ],
)
def test_the_name_is_the_one_that_telemetry_goes_out_under(path: str, text: str) -> None:
    (agent,) = inventory({"prompts/a.md": SUPPORT, path: text}).agents

    assert agent.name == "lamps"


@pytest.mark.parametrize("path", ["tests/a.py", "docs/a.py", ".cache/a.py", "README.md"])
def test_names_in_tests_and_documentation_do_not_count(path: str) -> None:
    (agent,) = inventory({"prompts/a.md": SUPPORT, path: 'debrief.init("lamps")\n'}).agents

    assert agent.name == "acme"


def test_a_captured_prompt_tells_whose_a_file_is() -> None:
    other = "Du bist der Lagerist. Du zählst jeden Abend alle Lampen im Regal und meldest sie.\n"
    texts = {"prompts/a.md": SUPPORT, "prompts/b.md": other}

    taken = inventory(texts, systems={"desk": (SUPPORT,), "store": (other,)})

    assert found(taken, "desk")["prompts"] == {"prompts/a.md"}
    assert found(taken, "store")["prompts"] == {"prompts/b.md"}


def test_names_that_nothing_tells_apart_are_one_agent_with_several_names() -> None:
    code = f'triage = Agent(name="Triage", instructions="""{SUPPORT}""")\nAgent(name="Refunds")\n'

    (agent,) = inventory({"main.py": code}).agents

    assert (agent.name, agent.match) == ("Triage", ("Refunds",))
    assert {file.kind for file in agent.files} == {"prompts"}


@pytest.mark.parametrize(
    ("path", "text", "kinds"),
    [
        pytest.param("x/persona.txt", "Kurz.", {"prompts"}, id="by-its-name"),
        pytest.param("x/desk.md", SUPPORT, {"prompts"}, id="by-its-words"),
        pytest.param("x/desk.md", "Du bist ein Berater.", {"prompts"}, id="in-german"),
        pytest.param("x/desk.md", "你是一名客服。", {"prompts"}, id="in-chinese"),
        pytest.param("x/faq.md", "Where is my parcel?", set(), id="knowledge"),
        pytest.param("docs/desk.md", SUPPORT, set(), id="documentation"),
        pytest.param("tests/prompts/a.md", SUPPORT, set(), id="tests"),
        pytest.param(".claude/prompts/a.md", SUPPORT, set(), id="of-a-coding-agent"),
        pytest.param("evals/judge_prompt.md", SUPPORT, set(), id="of-a-judge"),
        pytest.param("a/agents.yaml", "desk:\n  backstory: " + SUPPORT, {"prompts"}, id="yaml"),
        pytest.param(
            "a/tasks.yaml", "find:\n  description: Find it.\n  expected_output: A list.\n",
            {"prompts"}, id="tasks-of-crewai",
        ),
        pytest.param("a.py", f'SYSTEM = "{SUPPORT.strip()}"', {"prompts"}, id="python"),
        pytest.param("a.py", f'def prompt():\n    """Has {"it " * 40}"""', set(), id="docstring"),
        pytest.param("a.py", "policy = \"default-src 'none'; img-src data:; x 'self'\"", set(), id="header"),  # noqa: E501
        pytest.param(
            "a.py", 'parser = ArgumentParser(description="Send the nightly report to all users.")', set(), id="a-command"  # noqa: E501
        ),
        pytest.param("a.py", "client.messages.create(model=m)", {"harness"}, id="calls-a-model"),
        pytest.param("c/limits.toml", "min_score = 0.4", {"thresholds"}, id="threshold"),
        pytest.param("c/llm.json", '{"model": "m", "top_p": 1}', {"configs"}, id="config"),
        pytest.param("c/app.json", '{"model": {"a": 1}, "port": 1}', set(), id="another-config"),
        pytest.param(
            "sweep.yaml", "method: bayes\nparameters:\n  lr: {min: 0}\n", {"configs"}, id="sweep"
        ),
        pytest.param("wandb/run-1/files/config.yaml", "model: m\ntop_p: 1", set(), id="a-past-run"),
        pytest.param("t.json", '[{"name": "a", "description": "Books a seat on a train for the user.", "parameters": {}}]', {"harness"}, id="tools"),  # noqa: E501
        pytest.param("package.json", '{"name": "x", "description": "You are a lamp shop, really"}', set(), id="manifest"),  # noqa: E501
    ],
)  # fmt: skip
def test_a_file_is_what_its_place_and_its_words_say(path: str, text: str, kinds: set[str]) -> None:
    taken = inventory({path: text})

    assert {file.kind for agent in taken.agents for file in agent.files} == kinds


def test_what_does_not_parse_is_told_and_not_guessed() -> None:
    taken = inventory({"config/agent.yaml": "a: [", "prompts/a.md": SUPPORT})

    assert [path for path, _ in taken.unreadable] == ["config/agent.yaml"]


def test_a_client_that_nothing_instruments_is_named() -> None:
    assert inventory({"requirements.txt": "openai>=2\n"}).silent_clients == (
        ("openai", "requirements.txt"),
    )
    assert inventory({"requirements.txt": "openai\nlangfuse\n"}).silent_clients == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('project = 3\n[tool.poetry]\ndependencies = ["a"]', id="other-types"),
        pytest.param("[project\n", id="no-toml"),
        pytest.param('[dependency-groups]\nx = [{include-group = "y"}]', id="groups"),
    ],
)
def test_a_list_of_dependencies_of_another_form_names_nothing(text: str) -> None:
    assert inventory({"pyproject.toml": text}).instrumentation == ()


@pytest.mark.parametrize("name", ["airline", "medical", "retail", "telecom"])
def test_policies_of_real_agents_are_found(name: str) -> None:
    folder = samples_path(f"agents/{name}")
    texts = {path.name: path.read_text() for path in Path(folder).iterdir()}

    (agent,) = inventory(texts).agents

    policies = {path for path in texts if path.endswith(".md") and "manual" not in path}
    assert policies <= {file.path for file in agent.files if file.kind == "prompts"}
    assert ("tools.json" in texts) == any(file.kind == "harness" for file in agent.files)


# ---- the settings that are written --------------------------------------------------------------


ODD = {
    "prompts/a b #1.md": SUPPORT,
    "prompt.md": SUPPORT,
    "app/[slug]/prompt*.md": SUPPORT,
    "prompts/x\nversion: 2.md": SUPPORT,
    "prompts/- y: \u202e.md": SUPPORT,
    "service.py": 'OTEL_SERVICE_NAME = "true"\n',
}


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(TYPESCRIPT, id="typescript"),
        pytest.param(MONOREPO, id="monorepo"),
        pytest.param(ODD, id="odd-names"),
        pytest.param({}, id="empty"),
    ],
)
def test_what_is_written_is_right_and_matches_exactly_what_was_found(
    texts: dict[str, str],
) -> None:
    taken = inventory(texts)

    text = settings_text(
        taken, texts, store="s3://b/x", schema_url=schema_url(PIN, on_github_com=True)
    )
    settings = load_settings(text)

    assert text.startswith("# yaml-language-server: $schema=https://raw.githubusercontent.com/")
    assert settings.store == "s3://b/x"
    assert [agent.name for agent in settings.agents] == [agent.name for agent in taken.agents]
    for agent, expected in zip(settings.agents, taken.agents, strict=True):
        for kind in ("prompts", "harness", "configs", "thresholds"):
            matches = GitIgnoreSpec.from_lines(getattr(agent, kind)).match_file
            assert {path for path in texts if matches(path)} == {
                file.path
                for file in expected.of(kind)  # type: ignore[arg-type]
            }


def test_many_files_of_a_folder_become_one_glob() -> None:
    texts = {f"prompts/{number}.md": SUPPORT for number in range(5)}

    text = settings_text(inventory(texts), texts, store=None, schema_url=None)

    assert "      - prompts/*.md # 5 files: in a folder of prompts" in text
    assert "store:" not in text


def test_the_example_agents_are_found_as_their_settings_say() -> None:
    folder = ROOT / "examples" / "order_desk"
    texts = {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.suffix in (".py", ".md", ".yaml")
    }

    taken = inventory(texts, systems={"support": (), "outreach": (), "fraud-desk": ()})

    assert found(taken, "support")["prompts"] == {"prompts/support.md"}
    assert found(taken, "outreach")["prompts"] == {"prompts/outreach.md"}
    assert "config/thresholds.yaml" in found(taken, "fraud-desk")["thresholds"]


# ---- the commit that workflows run --------------------------------------------------------------


SHA = "89abcdef01" * 4


@pytest.mark.parametrize(
    ("direct_url", "pin"),
    [
        pytest.param(
            {
                "url": "https://github.com/agent-debrief/debrief.git",
                "vcs_info": {"vcs": "git", "commit_id": SHA, "requested_revision": "v1.2.0"},
            },
            f"agent-debrief/debrief@{SHA} # v1.2.0",
            id="from-git",
        ),
        pytest.param({"url": "file:///repo", "dir_info": {}}, None, id="no-clone"),
        pytest.param(None, None, id="from-an-index"),
        pytest.param({"url": "https://x/debrief.whl", "archive_info": {}}, None, id="a-wheel"),
    ],
)
def test_the_commit_is_known_or_there_is_none(
    direct_url: dict[str, object] | None, pin: str | None
) -> None:
    said = json.dumps(direct_url) if direct_url else None

    result = installed_pin(said, "0.1.0", origin_of=lambda folder: None)

    assert (str(result) if isinstance(result, Pin) else None) == pin
    assert isinstance(result, Pin) or "--action" in result


def test_a_checkout_counts_where_its_remote_has_the_commit(tmp_path: Path) -> None:
    said = json.dumps({"url": tmp_path.as_uri(), "dir_info": {"editable": True}})
    url = "git@github.example:acme/debrief.git"

    there = installed_pin(said, "0.1.0", origin_of=lambda _: Origin(url=url, sha=SHA, tag="v0.1.0"))
    ahead = installed_pin(said, "0.1.0", origin_of=lambda _: Origin(url=url, sha=None, tag=None))

    assert str(there) == f"acme/debrief@{SHA} # v0.1.0"
    assert "its remote does not have" in str(ahead)


def test_a_commit_that_is_given_has_to_be_whole() -> None:
    assert isinstance(given_pin(f"acme/debrief@{SHA}", "0.1.0"), Pin)
    assert "whole commit id" in str(given_pin("acme/debrief@v1", "0.1.0"))
