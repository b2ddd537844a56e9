"""What one file has to do with an agent, and how that is known.

Takes a path and its text; gives `Evidence`. A guess, written down with its reason for a person to
correct: better a file too few than a file of something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from bot.gitignore import gitignore
from bot.regions import Region, find_regions
from bot.regions.structure import leaves, number, parse
from bot.watched import ALSO_NEVER, NEVER
from prompts import show_invisible

Kind = Literal["prompts", "harness", "configs", "thresholds"]

_NEVER = gitignore(
    [
        *NEVER,
        *ALSO_NEVER,
        *("CHANGELOG*", "CONTRIBUTING*", "SECURITY*", "CODE_OF_CONDUCT*", "LICENSE*", "SUPPORT*"),
        # Judges and cases of tests have prompts of their own.
        *("test/", "__tests__/", "*.test.*", "*.spec.*", "test_*.py", "*_test.py", "conftest.py"),
        *("evals/", "eval/", "bench/", "benchmarks/", "fixtures/", "__snapshots__/", "migrations/"),
        *(".venv/", "venv/", "site-packages/", ".next/", "coverage/", "wandb/run-*/", "*.d.ts"),
        *("package.json", "tsconfig*.json", "pyproject.toml", "Cargo.toml", "action.y*ml"),
        *("mkdocs.y*ml", "*compose*.y*ml", ".pre-commit-config.y*ml", "openapi*", "locales/"),
    ]
)
_PROSE = frozenset((".md", ".mdx", ".txt", ".prompt", ".prompty", ".j2", ".jinja", ".jinja2"))
_DATA = frozenset((".yaml", ".yml", ".json", ".toml"))
_CODE = frozenset((".py", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts"))
_PROMPT_NAME = re.compile(
    r"prompt|instruction|persona(?![a-z])|polic(?:y|ies)|guideline|backstory|system[_ -]?message",
    re.IGNORECASE,
)
_PROMPT_KEY = re.compile(
    r"prompt|instruction|persona(?![a-z])|policy|backstory|guideline|^system|system_?message",
    re.IGNORECASE,
)
_SPEAKS = re.compile(
    r"\byou(?: are|['\u2019]re) (?:an?|the|our|now)\b|\bact as an?\b|"
    r"\byour (?:task|job|role|goal) is\b|\bas an? [\w ,-]{2,40}(?:agent|assistant)\b|"
    r"\bdu bist (?:ein|der|die)|\bsie sind (?:ein|der|die)|\btu es une?\b|\bvous êtes une?\b|"
    r"\beres una?\b|\bvocê é uma?\b|\bsei un\b|\bje bent een\b|\bjesteś\b|ты — |вы — |"
    r"你是|您是|あなたは|당신은|أنت ",
    re.IGNORECASE,
)
_CALLS_MODEL = re.compile(
    r"\.messages\.(?:create|stream)\(|\.chat\.completions\.(?:create|parse)\(|\.responses\.create\(|"
    r"\b(?:generateText|streamText|generateObject|streamObject)\(|\blitellm\.a?completion\(|"
    r"\.generate_content\(|\.converse(?:_stream)?\(|\bcreate_react_agent\(|\bRunner\.run"
)
_TOOL_SCHEMA = re.compile(r"parameters|input_?schema|args_?schema", re.IGNORECASE)
_TOOLS = re.compile(
    r"@(?:\w+\.)*tool\b|function_tool|\btools\s*[=:]|\b(?:Function|Structured|Base)?Tool(?:\.\w+)?\(|"
    r"(?<![\w.])tool\(|\badd_tool|[iI]nput_?[sS]chema|\bregisterTool"
)
"""How code hands tools to a model; a description alone may be of a command or a page."""
_WORD = re.compile(r"(?<!\S)[^\W\d_]+(?=[\s.,;:!?]|$)")
_THRESHOLD_KEY = re.compile(r"threshold|cut_?off|min_?score|min_?confidence|score_?min", re.I)
_MODEL_KEYS = frozenset(
    (
        *("model", "model_id", "model_name", "llm", "temperature", "top_p", "top_k", "max_tokens"),
        *("max_output_tokens", "reasoning_effort", "tool_choice", "max_steps", "max_turns"),
        *("max_iterations", "max_retries", "max_tool_calls"),
    )
)
NAMED_CHARACTERS = 40
"""Of a text whose name says that it is a prompt."""
UNNAMED_CHARACTERS = 100
"""Of a text that only reads like one."""
_FEWEST_WORDS = 6
"""Words between spaces: what has fewer is an expression, a header or a list of names."""
_OPENING = 800
"""Instructions say whom they speak to in their first characters."""
_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """A file that makes an agent what it is."""

    path: str
    kind: Kind
    why: str
    """A few words, on one line; names from the file are shown as text."""


def evidence_of(path: str, text: str) -> tuple[Evidence, ...]:
    """What the file is, at most one entry of each kind; nothing for most files.

    Raises:
        NotParsed: it looks like it, and cannot be read.
    """
    hidden = any(part.startswith(".") for part in PurePosixPath(path).parts[:-1])
    if hidden or _NEVER.match_file(path):
        return ()
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in _PROSE:
        why = _prose_why(path, text)
        found = [("prompts", why)] if why else []
    elif suffix in _DATA:
        found = list(_data(path, text))
    elif suffix in _CODE:
        found = list(_code(path, text))
    else:
        found = []
    return tuple(Evidence(path=path, kind=kind, why=why) for kind, why in found)  # type: ignore[arg-type]


def _prose_why(path: str, text: str) -> str | None:
    if not text.strip():
        return None
    *folders, name = PurePosixPath(path).parts
    if any(_PROMPT_NAME.search(folder) for folder in folders):
        return "in a folder of prompts"
    if _PROMPT_NAME.search(name):
        return "named as a prompt"
    speaks = _SPEAKS.search(text[:_OPENING])
    return f"begins like instructions: {_quoted(speaks[0])}" if speaks else None


def _data(path: str, text: str) -> Iterator[tuple[str, str]]:
    values = leaves(parse(path, text))
    keys = {key: key.rpartition(".")[2].lower() for key in values}
    if _is_sweep(keys):
        yield "configs", "a sweep of Weights & Biases"
        return
    numbers = [key for key, value in values.items() if number(value) is not None]
    is_named = _THRESHOLD_KEY.search(PurePosixPath(path).name)
    thresholds = [key for key in numbers if is_named or _THRESHOLD_KEY.search(key)]
    if thresholds:
        yield "thresholds", f"numbers {_named(thresholds)}"
    settings = sorted({key for key in keys.values() if key in _MODEL_KEYS})
    if settings and (len(settings) > 1 or "model" in settings[0]):
        yield "configs", f"sets {_named(settings)}"
    regions = list(_regions(path, text))
    if "expected_output" in keys.values() and not regions:
        regions = [("prompts", "tasks with their expected output")]
    yield from regions


def _is_sweep(keys: dict[str, str]) -> bool:
    return "method" in keys and any(key.startswith("parameters.") for key in keys)


def _code(path: str, text: str) -> Iterator[tuple[str, str]]:
    calls = _CALLS_MODEL.search(text)
    regions = list(_regions(path, text))
    yield from regions
    if calls and "harness" not in (kind for kind, _ in regions):
        yield "harness", f"calls the model: {_quoted(calls[0].strip('.('))}"


def _regions(path: str, text: str) -> Iterator[tuple[str, str]]:
    """Prompts in strings, and definitions of tools."""
    # Most files of a repository hold neither, and to read a file as code costs far more.
    if not any(hint.search(text) for hint in (_PROMPT_KEY, _SPEAKS, _TOOL_SCHEMA, _TOOLS)):
        return
    regions = find_regions(path, text)
    prompts = [
        "a list" if re.fullmatch(r"(?:\[\d+\])*", region.anchor) else region.anchor
        for region in regions
        if _is_prompt(region)
    ]
    if prompts:
        yield "prompts", f"prompts in {_named(prompts)}"
    tools = [region.anchor.partition("(")[0] for region in regions if region.kind == "tool"]
    suffix = PurePosixPath(path).suffix.lower()
    if tools and (_TOOLS if suffix in _CODE else _TOOL_SCHEMA).search(text):
        yield "harness", f"defines tools: {_named(list(dict.fromkeys(tools)))}"


def _is_prompt(region: Region) -> bool:
    if region.kind != "prompt" or len(_WORD.findall(region.text[:_OPENING])) < _FEWEST_WORDS:
        return bool(region.kind == "prompt" and _SPEAKS.search(region.text[:_OPENING]))
    last = re.split(r"[.\[]", region.anchor.rstrip("])0123456789"))[-1]
    if _PROMPT_KEY.search(last) and not _is_documentation(region):
        return len(region.text) >= NAMED_CHARACTERS
    return len(region.text) >= UNNAMED_CHARACTERS and bool(_SPEAKS.search(region.text[:_OPENING]))


def _is_documentation(region: Region) -> bool:
    """It is said of a function or class, for those who read the code."""
    name = re.escape(region.anchor)
    return bool(re.search(rf"^\s*(?:async )?(?:def|class) {name}\b", region.file_text, re.M))


def _named(names: list[str]) -> str:
    """`a, b, c and 4 more`, each once and shown as text."""
    unique = list(dict.fromkeys(_shown(name) for name in names))
    more = f" and {len(unique) - _SHOWN} more" if len(unique) > _SHOWN else ""
    return ", ".join(unique[:_SHOWN]) + more


def _quoted(words: str) -> str:
    return f'"{_shown(words)}"'


def _shown(text: str) -> str:
    """One line of at most 60 characters, nothing in it steers a terminal."""
    return show_invisible(" ".join(text.split()))[:60]
