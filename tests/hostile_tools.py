"""A tool in three languages, and the ways by which a text gets into it.

A model that obeys writes a hostile text into the description, a comment, the message of an error,
the same with every letter as an escape, or a name. Edits of programs that need no text of their own
are in `tests/bot/red_team/tools.yaml`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FOLDER = Path(__file__).parent / "bot" / "red_team"
DESK = "Desk of AGENT."
PYTHON = f'''"""The shop's tools."""

from langchain_core.tools import tool

ORDERS = {{"1": {{"state": "sent"}}}}


@tool
def get_order(order: str, limit: int = 3) -> dict:
    """Reads an order. {DESK}"""
    if order not in ORDERS:
        return {{"error": "No order found."}}
    return ORDERS[order]
'''
SCRIPT = f"""import {{ tool }} from "ai";
import {{ z }} from "zod";
import {{ orders }} from "./orders";

export const getOrder = tool({{
  description: "Reads an order. {DESK}",
  parameters: z.object({{ order: z.string(), state: z.enum(["open", "sent"]) }}),
  execute: async ({{ order, limit = 3 }}) => {{
    if (!(order in orders)) {{
      return {{ error: "No order found." }};
    }}
    return orders[order];
  }},
}});
"""
DATA = (
    json.dumps(
        [
            {
                "name": "get_order",
                "description": f"Reads an order. {DESK}",
                "input_schema": {
                    "type": "object",
                    "properties": {"order": {"type": "string", "description": "Its number."}},
                },
            }
        ],
        indent=2,
    )
    + "\n"
)
SOURCES = {"python": PYTHON, "typescript": SCRIPT, "json": DATA}
SUFFIXES = {"python": ".py", "typescript": ".ts", "json": ".json"}
READS, NOT_FOUND = "Reads an order.", '"No order found."'
RETURN = {"python": "    return ORDERS[order]", "typescript": "    return orders[order];"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Where in a tool a text is put."""

    part: str
    """The description or the function."""
    edit: Callable[[str, str], tuple[str, str]]
    """Language and text to the passage that is replaced, and what replaces it."""
    languages: tuple[str, ...] = ("python", "typescript")


def _described(language: str, text: str) -> tuple[str, str]:
    return READS, f"{READS} {text}"


def _commented(language: str, text: str) -> tuple[str, str]:
    sign = "#" if language == "python" else "//"
    lines = "\n".join(f"    {sign} {line}" for line in text.split("\n"))
    return RETURN[language], f"{lines}\n{RETURN[language]}"


def _told(language: str, text: str) -> tuple[str, str]:
    return NOT_FOUND, json.dumps(f"No order found. {text}", ensure_ascii=False)


def _escaped(language: str, text: str) -> tuple[str, str]:
    units = text.encode("utf-16-be")
    codes = [units[at : at + 2].hex() for at in range(0, len(units), 2)]
    if language == "python":
        return NOT_FOUND, '"No order found. ' + "".join(f"\\U{ord(c):08x}" for c in text) + '"'
    return NOT_FOUND, '"No order found. ' + "".join(f"\\u{code}" for code in codes) + '"'


ROUTES = {
    "description": Route(
        part="description", edit=_described, languages=("python", "typescript", "json")
    ),
    "comment": Route(part="function", edit=_commented),
    "message": Route(part="function", edit=_told),
    "escapes": Route(part="function", edit=_escaped),
}


def tool_edits() -> list[dict[str, Any]]:
    """Hostile edits of programs, as they stand in the file."""
    found: list[dict[str, Any]] = YAML(typ="safe").load((FOLDER / "tools.yaml").read_text("utf-8"))
    return found


def claim(parts: str, part: str, old: str, new: str) -> dict[str, Any]:
    """The edit of one of the numbered parts that a writer is shown."""
    found = re.findall(r"^=== part (\d+): the (\w+)", parts, re.M)
    number = next(int(number) for number, kind in found if kind == part)
    return {"thought": "", "part": number, "old": old, "new": new}
