"""Which commit of Debrief a generated workflow runs: the one that is installed here, or none.

Takes what the installation and the person say; gives a `Pin`, or the reason why there is none.
There is no placeholder: a workflow with a commit that does not exist fails on its first day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bot.git import Origin
from bot.setup.workflows import Pin, is_pin

HOW = (
    "pass --action OWNER/NAME@COMMIT with the repository that holds Debrief and the commit of its "
    "release"
)


def given_pin(text: str, version: str) -> Pin | str:
    """`OWNER/NAME@COMMIT`, as a person gives it; else what is wrong."""
    action, _, sha = text.partition("@")
    if not is_pin(action, sha):
        return f"{text[:100]!r} is not OWNER/NAME@COMMIT with a whole commit id"
    return Pin(action=action, sha=sha, version=version)


def installed_pin(
    direct_url: str | None, version: str, *, origin_of: Callable[[Path], Origin | None]
) -> Pin | str:
    """The commit that this installation was made from; else a sentence that says why not.

    `direct_url`: what the installer wrote down (PEP 610, `direct_url.json`). An installation from a
    git address has the commit there; one from a checkout has the folder, whose remote is asked for.
    """
    try:
        said = json.loads(direct_url or "{}")
        url = str(said.get("url", ""))
    except (ValueError, AttributeError):
        return f"what the installer wrote down is not readable; {HOW}"
    if "vcs_info" in said:
        commit = str(said["vcs_info"].get("commit_id", ""))
        return _pin(url, commit, str(said["vcs_info"].get("requested_revision") or version))
    if url.startswith("file://"):
        origin = origin_of(Path(unquote(urlsplit(url).path)))
        if origin is None:
            return f"Debrief was installed from a folder that is no clone; {HOW}"
        if origin.sha is None:
            return f"Debrief was installed from a commit that its remote does not have; {HOW}"
        return _pin(origin.url, origin.sha, origin.tag or version)
    return f"this installation does not say which commit it was made from; {HOW}"


def _pin(url: str, sha: str, version: str) -> Pin | str:
    found = re.search(r"[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", url)
    if found is None or not is_pin(found[1], sha):
        return f"Debrief was installed from a place that Actions cannot use; {HOW}"
    return Pin(action=found[1], sha=sha, version=version)


def schema_url(pin: Pin | None, *, on_github_com: bool) -> str | None:
    """Where editors get the schema of this very version; None where they could not read it."""
    if pin is None or not on_github_com:
        return None
    return f"https://raw.githubusercontent.com/{pin.action}/{pin.sha}/docs/debrief.schema.json"
