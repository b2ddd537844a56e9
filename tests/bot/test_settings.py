"""The settings file is outside text: everything in it is checked, and a mistake is explained."""

from __future__ import annotations

import pytest

from bot.errors import SettingsError
from bot.settings import load_secrets, load_settings, settings_sha


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
