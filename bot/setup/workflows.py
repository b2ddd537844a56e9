"""The workflows of a repository that uses Debrief, every action pinned by the commit of a release.

Takes where the store is and which commit of Debrief to run; gives texts. Two jobs, so that no job
has everything: `propose` reads conversations and may call the model, and cannot write to GitHub;
`publish` can write, and has neither the model key nor the store.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

PATH = ".github/workflows/debrief.yml"
SETTINGS = ".github/debrief.yml"
MOST_PATHS = 60
_LISTABLE = re.compile(r"[\w .,@~=&'()\[\]*?+!/-]+")
"""Paths that a filter can hold; `${{` would be an expression there."""
CHECK_PATH = ".github/workflows/debrief-check.yml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One action at one commit."""

    action: str
    """`owner/name`."""
    sha: str
    """40 hexadecimal digits."""
    version: str
    """As tools that update pins read it from the comment."""

    def __str__(self) -> str:
        return f"{self.action}@{self.sha} # {self.version}"


CHECKOUT = Pin(
    action="actions/checkout", sha="de0fac2e4500dabe0009e67214ff5f5447ce83dd", version="v6.0.2"
)
UPLOAD = Pin(
    action="actions/upload-artifact",
    sha="043fb46d1a93c77aae656e7c1c64a875d1fc6a0a",
    version="v7.0.1",
)
DOWNLOAD = Pin(
    action="actions/download-artifact",
    sha="3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
    version="v8.0.1",
)
# GitHub Enterprise Server has the first version of artifacts only (actions/upload-artifact, README,
# "GHES Support").
UPLOAD_ON_SERVER = Pin(
    action="actions/upload-artifact",
    sha="c6a366c94c3e0affe28c06c8df20a878f24da3cf",
    version="v3.2.2",
)
DOWNLOAD_ON_SERVER = Pin(
    action="actions/download-artifact",
    sha="a9bc5e6ef2cb54c177f32aa5726adaa15e7e2d59",
    version="v3.1.0",
)
APP_TOKEN = Pin(
    action="actions/create-github-app-token",
    sha="bcd2ba49218906704ab6c1aa796996da409d3eb1",
    version="v3.2.0",
)
AWS = Pin(
    action="aws-actions/configure-aws-credentials",
    sha="61815dcd50bd041e203e49132bacad1fd04d2708",
    version="v5.1.1",
)
GOOGLE = Pin(
    action="google-github-actions/auth",
    sha="7c6bc770dae815cd3e89ee6cdf493a5fab2cc093",
    version="v3.0.0",
)


def is_pin(action: str, sha: str) -> bool:
    """`owner/name` and a whole commit id."""
    return bool(re.fullmatch(r"[\w.-]+/[\w.-]+", action) and re.fullmatch(r"[0-9a-f]{40}", sha))


def workflow_text(debrief: Pin, *, store: str | None, on_github_com: bool = True) -> str:
    """The scheduled workflow. `store`, where the settings name one, decides how the job comes to
    the conversations; else the variable DEBRIEF_STORE of the repository does.

    `debrief`: the action at a commit, see `is_pin`.
    """
    folder = store is not None and "://" not in store
    named = "          store: ${{ vars.DEBRIEF_STORE }}\n" if store is None else ""
    identity = "      id-token: write # the bucket's identity, no key is kept\n"
    values = {
        "runner": "self-hosted" if folder else "ubuntu-24.04",
        "store": named,
        "needs": _needs(store),
        "identity": "" if folder else identity,
        "login": _login(store),
        "checkout": str(CHECKOUT),
        "upload": str(UPLOAD if on_github_com else UPLOAD_ON_SERVER),
        "download": str(DOWNLOAD if on_github_com else DOWNLOAD_ON_SERVER),
        "app": str(APP_TOKEN),
        "debrief": str(debrief),
    }
    return _filled(_WORKFLOW, values)


def check_workflow_text(debrief: Pin, *, paths: Sequence[str]) -> str:
    """The workflow that looks at pull requests of people. `paths`: the agents' files; pull requests
    that touch none of them start nothing, unless they are more than `MOST_PATHS` or oddly named."""
    watched = [SETTINGS, *sorted(set(paths))]
    is_listed = len(watched) <= MOST_PATHS and all(map(_LISTABLE.fullmatch, watched))
    listed = "".join(f"      - {json.dumps(_escaped(path))}\n" for path in watched)
    values = {
        "paths": f"    paths:\n{listed}" if is_listed else "",
        "checkout": str(CHECKOUT),
        "debrief": str(debrief),
    }
    return _filled(_CHECK, values)


def _escaped(path: str) -> str:
    """A filter of GitHub that matches this path alone."""
    return re.sub(r"([*?+\[\]!])", r"\\\1", path)


def _filled(template: str, values: dict[str, str]) -> str:
    return re.sub(r"@@(\w+)@@", lambda found: values[found[1]], template)


def _needs(store: str | None) -> str:
    """What a person has to set so that the job comes to the store."""
    if store is None:
        return _NEEDS_VARIABLE
    return _NEEDS_BUCKET[store[:2]] if "://" in store else _NEEDS_FOLDER


def _login(store: str | None) -> str:
    """Steps that give the job the bucket's identity."""
    steps = ""
    for scheme, step, pin in (("s3", _AWS, AWS), ("gs", _GOOGLE, GOOGLE)):
        if store is None:
            condition = f"        if: startsWith(vars.DEBRIEF_STORE, '{scheme}://')\n"
            steps += _filled(step, {"pin": str(pin), "if": condition})
        elif store.startswith(f"{scheme}://"):
            steps += _filled(step, {"pin": str(pin), "if": ""})
    return steps


_AWS = """\
      - uses: @@pin@@
@@if@@        with:
          role-to-assume: ${{ vars.DEBRIEF_AWS_ROLE }}
          aws-region: ${{ vars.DEBRIEF_AWS_REGION }}
"""
_GOOGLE = """\
      - uses: @@pin@@
@@if@@        with:
          workload_identity_provider: ${{ vars.DEBRIEF_GOOGLE_PROVIDER }}
          service_account: ${{ vars.DEBRIEF_GOOGLE_ACCOUNT }}
"""
_NEEDS_FOLDER = """\
#   A runner of your own (`self-hosted`), on which the store is mounted.
"""
_NEEDS_BUCKET = {
    "s3": """\
#   Variables DEBRIEF_AWS_ROLE and DEBRIEF_AWS_REGION: a role that may read the bucket and trusts
#   this repository's identity (OpenID Connect).
""",
    "gs": """\
#   Variables DEBRIEF_GOOGLE_PROVIDER and DEBRIEF_GOOGLE_ACCOUNT: a workload identity provider that
#   trusts this repository, and an account that may read the bucket.
""",
}
_NEEDS_VARIABLE = """\
#   Variable DEBRIEF_STORE: the bucket with the conversations, s3://... or gs://...
#   For s3: variables DEBRIEF_AWS_ROLE and DEBRIEF_AWS_REGION; for gs: DEBRIEF_GOOGLE_PROVIDER and
#   DEBRIEF_GOOGLE_ACCOUNT. Both trust this repository's identity (OpenID Connect), no key is kept.
"""
_WORKFLOW = """\
# Written by `debrief init`. Looks at the conversations on weekday mornings, opens pull requests.
#
# Two jobs, so that no job has everything: `propose` reads conversations and may call the model, and
# cannot write to GitHub; `publish` can write, and has neither the model key nor the conversations.
#
# It needs, in Settings, Secrets and variables, Actions:
@@needs@@#   Secret ANTHROPIC_API_KEY, if prompts are to be edited; what is counted works without.
#   Variable DEBRIEF_PAUSED, set to true, if nothing new is to be opened for a while.
# And once, in Settings, Actions, General: "Allow GitHub Actions to create and approve pull
# requests". Without it branches are pushed, with a link for each. With an app of yours (variable
# DEBRIEF_APP_ID, secret DEBRIEF_APP_KEY) it is not needed, and CI runs on the pull requests.
# `debrief doctor --to github:OWNER/NAME` says what is missing.
name: Debrief

on:
  schedule:
    - cron: "17 6 * * 1-5"
  workflow_dispatch:

permissions: {}

concurrency:
  group: debrief
  cancel-in-progress: false

jobs:
  propose:
    runs-on: @@runner@@
    timeout-minutes: 60
    permissions:
      contents: read
      pull-requests: read
      issues: read
      checks: read
@@identity@@    steps:
      - uses: @@checkout@@
        with:
          fetch-depth: 0 # which commit served a conversation is found by the history
          persist-credentials: false
@@login@@      - uses: @@debrief@@
        with:
          command: propose
          paused: ${{ vars.DEBRIEF_PAUSED }}
@@store@@          anthropic-api-key: ${{ secrets.ANTHROPIC_API_KEY }}
      - uses: @@upload@@
        with:
          name: debrief-bundle
          path: debrief-bundle
          retention-days: 14

  publish:
    needs: propose
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    permissions:
      contents: write
      pull-requests: write
      issues: write
      checks: write
    steps:
      - uses: @@download@@
        with:
          name: debrief-bundle
          path: debrief-bundle
      - uses: @@app@@
        if: vars.DEBRIEF_APP_ID != ''
        id: app
        with:
          app-id: ${{ vars.DEBRIEF_APP_ID }}
          private-key: ${{ secrets.DEBRIEF_APP_KEY }}
          permission-contents: write
          permission-pull-requests: write
          permission-issues: write
          permission-checks: write
      - uses: @@debrief@@
        with:
          command: publish
          paused: ${{ vars.DEBRIEF_PAUSED }}
          bundle: debrief-bundle
          github-token: ${{ steps.app.outputs.token || github.token }}
"""
_CHECK = """\
# Written by `debrief init`. Looks at pull requests of people that edit Debrief's settings or a file
# of an agent: says beside the lines what is wrong with the settings, and in one comment which
# intents rely on the changed lines and how they do today. A fork's pull request gets the summary.
name: Debrief on pull requests

on:
  pull_request:
@@paths@@
permissions: {}

concurrency:
  group: debrief-check-${{ github.ref }}
  cancel-in-progress: true

jobs:
  check:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions:
      contents: read
    steps:
      - uses: @@checkout@@
        with:
          persist-credentials: false
      - uses: @@debrief@@
        with:
          command: check

  evidence:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions:
      contents: read
      pull-requests: write
      issues: write
      checks: write
    steps:
      # Without a checkout: nothing of the pull request is run or read from a folder.
      - uses: @@debrief@@
        with:
          command: evidence
"""
