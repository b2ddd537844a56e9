"""One file as the users of a framework write it, with what is right about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """A file and everything in it that a change may be made to."""

    name: str
    path: str
    text: str
    prompts: tuple[str, ...] = ()
    """A part of each text that reaches the model and describes no tool, in their order."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """The tool, or `tool(argument)`, to a part of its description."""
    numbers: Mapping[str, str] = field(default_factory=dict)
    """The name of each limit, in lower case and without `_` and `-`, to its digits."""
    broken: str = ""
    """Put at the end of the file, it makes it unreadable; empty where any text can be read."""
