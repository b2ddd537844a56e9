"""A repository's own pull request template beside ours: what the team asks for stays there to fill.

Takes the template's text and our body, gives one body. The template belongs to the repository's
owner, so it is kept as it is; only what could be taken for our own state is removed from it.
"""

from __future__ import annotations

import re

TEMPLATE_PATHS = tuple(
    f"{folder}{name}"
    for folder in (".github/", "", "docs/")
    for name in ("pull_request_template.md", "PULL_REQUEST_TEMPLATE.md")
)
"""Where GitHub looks; the first that exists counts. Folders with several templates give none: a
person chooses among them by the address of the page."""
MOST_CHARACTERS = 4_000
"""Of a template; a longer one would push the evidence out of the body."""
_OPENING = "<details>\n<summary>This repository's pull request template</summary>"
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TICK = re.compile(r"^(\s*[-*+] )\[[xX]\]", re.MULTILINE)


def with_template(template: str, body: str) -> str:
    """Our body, and under it the template's own questions, folded, with every box unticked.

    Our body stays first and whole: its marker has to be at the top. A template that is only
    comments, or longer than `MOST_CHARACTERS`, adds nothing.
    """
    asked = _TICK.sub(r"\1[ ]", _COMMENT.sub("", template).replace("\r\n", "\n")).strip()
    if not asked or len(asked) > MOST_CHARACTERS:
        return body
    return f"{body.rstrip()}\n\n{_OPENING}\n\n{asked}\n\n</details>\n"


def with_answers(answered: str, body: str) -> str:
    """Our body, and under it the template as people have filled it in in `answered`."""
    at = answered.rfind(_OPENING)
    return body if at < 0 else f"{body.rstrip()}\n\n{answered[at:]}"
