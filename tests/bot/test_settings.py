"""The settings file is outside text: everything in it is checked, and a mistake is explained."""

from __future__ import annotations

import json

import jsonschema
import pytest
from ruamel.yaml import YAML

from bot.errors import SettingsError
from bot.settings import (
    load_secrets,
    load_settings,
    settings_mistakes,
    settings_schema,
    settings_sha,
)
from tests.samples import ROOT


def test_no_file_gives_working_defaults():
    settings = load_settings(None)

    assert settings.limits.new_per_week == 3
    assert "failure" in settings.outcomes.bad
    assert settings.agent("anything").prompts == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("agnets: []", ["agnets", "did you mean `agents`"], id="unknown-key"),
        pytest.param(
            "agents: [{name: a, promts: [x]}]", ["promts", "`prompts`"], id="unknown-key-inside"
        ),
        pytest.param(
            "model:\n  paused: true", ["line 2", "`model.paused`", "at the top"], id="key-too-deep"
        ),
        pytest.param("budget_usd: 3", ["line 1", "under `model`"], id="key-too-high"),
        pytest.param(
            "outcomes:\n  rules:\n    - {name: a, whn: b}", ["line 3", "`when`"], id="key-in-a-list"
        ),
        pytest.param("qqq: [1]", ["qqq", "known are", "agents"], id="key-like-none"),
        pytest.param("agents:\n- {}", ["line 2", "`agents.0.name` is missing"], id="missing-key"),
        pytest.param("model: 3", ["`model` is 3", "mapping of keys"], id="no-section"),
        pytest.param("agents: shop", ["list, such as [a, b]"], id="no-list"),
        pytest.param("store: a\nstore: b", ["line 2", "duplicate"], id="key-twice"),
        pytest.param("limits: {new_per_week: 9}", ["new_per_week", "9"], id="looser-limit"),
        pytest.param("limits: {threshold_move: 0.5}", ["threshold_move"], id="larger-move"),
        pytest.param("a: [", ["line 1", "correct the file"], id="no-yaml"),
        pytest.param("- a", ["mapping"], id="a-list"),
        pytest.param("version: 2", ["version", "2"], id="unknown-version"),
        pytest.param("rollout: {}", ["rollout", "not supported"], id="planned-key"),
        pytest.param("outcomes: {good: [a], bad: [a]}", ["'a'", "both"], id="good-and-bad"),
        pytest.param(
            "agents: [{name: a}, {name: b, match: [a]}]", ["'a'", "twice"], id="one-name-two-agents"
        ),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(text, words):
    with pytest.raises(SettingsError) as caught:
        load_settings(text)

    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_nested_without_end_is_refused():
    with pytest.raises(SettingsError, match="too deeply"):
        load_settings("x: " + "[" * 5000)


def test_mistakes_come_in_the_order_of_the_file():
    text = "zz: 1\nlimits:\n  min_users: 1\nagents: [{name: a, task: 3}]\n"

    found = settings_mistakes(text)

    assert [one.line for one in found] == [1, 3, 4]
    assert [one.key for one in found] == ["zz", "limits.min_users", "agents.0.task"]
    assert settings_mistakes("version: 1") == ()


def test_a_value_that_fills_the_screen_is_cut():
    (found,) = settings_mistakes(f"agents: {'x' * 5000}")

    assert len(found.sentence) < 200


def test_the_schema_describes_every_key_for_editors():
    schema = settings_schema()
    sections = [schema, *schema["$defs"].values()]

    silent = [
        name
        for one in sections
        for name, field in one["properties"].items()
        # A section is described where it is defined.
        if "description" not in field and "$ref" not in field
    ]
    assert all("description" in one for one in sections)
    assert silent == []
    assert all(one["additionalProperties"] is False for one in sections)


def test_the_published_schema_is_the_one_of_this_version():
    published = json.loads((ROOT / "docs" / "debrief.schema.json").read_text())

    assert published == settings_schema(), "debrief config schema > docs/debrief.schema.json"


def test_the_page_names_every_key():
    page = (ROOT / "docs" / "settings.md").read_text()
    schema = settings_schema()
    keys = {name for one in (schema, *schema["$defs"].values()) for name in one["properties"]}

    assert {key for key in keys if f"`{key}`" not in page} == set()


def test_the_schema_and_the_check_agree_on_what_is_right():
    validator = jsonschema.Draft202012Validator(settings_schema())
    right = "version: 1\nagents: [{name: a, prompts: [x]}]\nlimits: {min_users: 7}\n"
    wrong = ("agnets: []", "limits: {new_per_week: 9}", "agents: [{}]", "version: 2", "store: 3")
    load = YAML(typ="safe", pure=True).load

    assert validator.is_valid(load(right))
    assert not any(validator.is_valid(load(text)) for text in wrong)
    assert all(settings_mistakes(text) for text in wrong)


def test_an_agent_is_found_by_its_other_names():
    settings = load_settings("agents: [{name: support, match: [support-prod], task: Help.}]")

    assert settings.agent("support-prod").task == "Help."
    assert settings.agent("other").task == ""


def test_limits_can_be_made_tighter():
    assert load_settings("limits: {new_per_week: 0}").limits.new_per_week == 0


def test_secrets_never_show_in_a_representation():
    secrets = load_secrets({"ANTHROPIC_API_KEY": "sk-ant-1", "GH_TOKEN": "ghp_2"})

    assert secrets.anthropic_api_key == "sk-ant-1"
    assert secrets.github_token == "ghp_2"
    assert "sk-ant-1" not in repr(secrets)
    assert "ghp_2" not in repr(secrets)


def test_an_empty_variable_is_no_secret():
    assert load_secrets({"ANTHROPIC_API_KEY": ""}).anthropic_api_key is None


def test_other_settings_have_another_sha():
    assert settings_sha("version: 1") != settings_sha(None)
