"""The texts of our own model steps: one file per prompt, plain replacement, no logic.

A prompt is `prompts/<room>/<name>.md`:

    ---
    name: outcomes/judge
    role: judge                    # reader, writer or judge: the settings map a role to a model
    max_tokens: 600
    inputs: [conversation]
    output: judge.schema.json      # beside the prompt; left out where the reply is plain text
    ---
    ## system
    The rules. Nothing is inserted here, so this part is the same in every call and can be cached.
    ## cached
    <policy>                       # a part that may be left out: what many calls in a row repeat
    {{policy}}
    </policy>
    ## user
    <conversation>
    {{conversation}}
    </conversation>

Every placeholder stands alone between the lines of its tag. Text that is inserted is never scanned
again, cannot close or open a tag of its prompt, and shows its invisible characters: `<U+202E>`.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal, cast, get_args

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

Role = Literal["reader", "writer", "judge"]

INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\uffff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Characters that a reviewer does not see and a model does, or that reorder what is seen: controls
but tab and newline, fillers and blanks that are no spaces, direction marks, variation selectors,
line separators, lone surrogates, tag characters."""

_FRONT = re.compile(r"\A---\n(.*?)^---\n(.*)\Z", re.DOTALL | re.MULTILINE)
_PARTS = re.compile(
    r"\A## system\n(.*?)(?:^## cached\n(.*?))?^## user\n(.*)\Z", re.DOTALL | re.MULTILINE
)
_PLACEHOLDER = re.compile(r"\{\{([a-z_]+)\}\}")
_WRAPPED = re.compile(r"^<([a-z_]+)>\n\{\{([a-z_]+)\}\}\n</\1>$", re.MULTILINE)
_KEYS = frozenset({"name", "role", "max_tokens", "inputs", "output"})


class PromptError(Exception):
    """A prompt file is broken, or was rendered with other inputs than it declares."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """A prompt with its inputs in place, ready to send."""

    name: str
    sha256: str
    """Of the prompt's file and its schema: which wording was asked, whatever the inputs."""
    role: Role
    system: str
    user: str
    max_tokens: int
    schema: Mapping[str, Any] | None
    """JSON Schema that the reply must follow; None where it is plain text."""
    cached: str = ""
    """Comes before `user` and is the same in many calls, so that it is paid for once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """One prompt file."""

    name: str
    sha256: str
    role: Role
    max_tokens: int
    inputs: tuple[str, ...]
    system: str
    template: str
    """The user part, with placeholders."""
    schema: Mapping[str, Any] | None
    cached: str = ""
    """The part before it that repeats, with placeholders."""

    def render(self, **inputs: str) -> Rendered:
        """Put each input between its tags.

        Raises:
            PromptError: an input is missing or not one of the prompt's.
        """
        if set(inputs) != set(self.inputs):
            missing = sorted(set(self.inputs) - set(inputs))
            unused = sorted(set(inputs) - set(self.inputs))
            raise PromptError(f"{self.name}: missing inputs {missing}, unused inputs {unused}")
        tags = [tag for tag, _ in _WRAPPED.findall(f"{self.cached}\n{self.template}")]
        safe = {name: keep_inside(text, tags) for name, text in inputs.items()}

        def filled(template: str) -> str:
            return _PLACEHOLDER.sub(lambda found: safe[found[1]], template)

        return Rendered(
            name=self.name,
            sha256=self.sha256,
            role=self.role,
            system=self.system,
            user=filled(self.template),
            max_tokens=self.max_tokens,
            schema=self.schema,
            cached=filled(self.cached),
        )


def keep_inside(text: str, tags: list[str]) -> str:
    """`text` with invisible characters shown and no way to open or close one of `tags`."""
    shown = show_invisible(text)
    names = "|".join(map(re.escape, tags))
    # Full-width and small signs too: a model reads them as the same sign.
    return re.sub(rf"[<＜﹤](?=\s*[/／]?\s*(?:{names})\b)", "&lt;", shown, flags=re.IGNORECASE)  # noqa: RUF001


def show_invisible(text: str) -> str:
    """`text` with every invisible character written out, so that a person and a model see it."""
    return INVISIBLE.sub(lambda found: f"<U+{ord(found[0]):04X}>", text.replace("\r\n", "\n"))


@functools.cache
def load(name: str) -> Prompt:
    """Read `prompts/<name>.md` and its schema.

    Raises:
        PromptError: there is no such file, or it does not follow the form above.
    """
    folder = resources.files("prompts").joinpath(*name.split("/")[:-1])

    def read(file_name: str) -> str:
        try:
            return folder.joinpath(file_name).read_text("utf-8")
        except OSError as error:
            raise PromptError(f"prompts/{name}.md: {file_name} cannot be read: {error}") from error

    return parse(name, read(name.split("/")[-1] + ".md"), read)


def parse(name: str, text: str, read: Callable[[str], str]) -> Prompt:
    """The prompt that `text` is; `read` gives a file that lies beside it.

    Raises:
        PromptError: it does not follow the form above.
    """
    front, system, cached, template = _split(name, text)
    inserted = f"{cached}\n{template}"
    placed = _PLACEHOLDER.findall(inserted)
    if _PLACEHOLDER.search(system):
        raise PromptError(f"prompts/{name}.md: the system part is fixed; inputs go under ## user")
    if sorted(placed) != sorted(front["inputs"]):
        raise PromptError(f"prompts/{name}.md: declares {front['inputs']}, places {placed}")
    if len(_WRAPPED.findall(inserted)) != len(placed):
        raise PromptError(f"prompts/{name}.md: each placeholder stands alone between its tags")
    schema = read(front["output"]) if "output" in front else ""
    return Prompt(
        name=name,
        sha256=hashlib.sha256(f"{text}\0{schema}".encode()).hexdigest(),
        role=front["role"],
        max_tokens=front["max_tokens"],
        inputs=tuple(front["inputs"]),
        system=system.strip(),
        template=template.strip(),
        schema=json.loads(schema) if schema else None,
        cached=cached.strip(),
    )


def _split(name: str, text: str) -> tuple[dict[str, Any], str, str, str]:
    """Front matter, system part, the part that repeats (mostly empty) and user part."""
    found = _FRONT.match(text)
    parts = _PARTS.match(found[2].lstrip()) if found else None
    if found is None or parts is None:
        raise PromptError(f"prompts/{name}.md needs front matter, ## system and ## user")
    try:
        front = YAML(typ="safe", pure=True).load(found[1])
    except YAMLError as error:
        raise PromptError(f"prompts/{name}.md: its front matter is no YAML: {error}") from error
    keys = set(front) if isinstance(front, dict) else set()
    if keys - _KEYS or _KEYS - keys - {"output"}:
        raise PromptError(f"prompts/{name}.md has keys {sorted(keys)}, not {sorted(_KEYS)}")
    if front["name"] != name or front["role"] not in get_args(Role):
        raise PromptError(f"prompts/{name}.md: name {front['name']!r} or role {front['role']!r}")
    return cast("dict[str, Any]", front), parts[1], parts[2] or "", parts[3]
