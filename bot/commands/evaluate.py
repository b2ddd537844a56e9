"""`debrief eval`: run regression cases against given replies, or against a command that answers.

A command gets one case as JSON on standard input, `{"id", "agent", "messages"}`, and prints its
reply: JSON such as `{"text", "tool_calls", "finish_reason"}`, or plain text. It is started without
a shell, once for each case, and stopped when it takes too long.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from bot.commands.loading import ask_of, model_of, open_workspace, store_of
from bot.commands.shell import Shell
from bot.errors import UsageError
from bot.evaluation import CaseResult, GivenReply, answered, evaluate
from bot.figures import count
from bot.proposals.cases import Case, Turn, letters_hash, read_cases
from bot.records import Skipped
from collector.assemble import read_conversations
from collector.records import Unreadable
from collector.store import Store

FAILED = 1

Replying: TypeAlias = Callable[[Case, Sequence[Turn]], GivenReply | Skipped]


def evaluate_cases(shell: Shell, given: argparse.Namespace) -> int:
    """Exit code 0 where no case fails, 1 where one does."""
    cases = [case for path in given.cases for case in read_cases(_text(path), name=path)]
    settings = open_workspace(given.repo).settings
    inputs = _inputs(cases, store_of(shell, settings))
    replying = _from_file(given.replies) if given.replies else _from_command(given)
    model = model_of(shell, settings)
    ask = ask_of(model, store_of(shell, settings), settings)
    results = [_result(case, inputs, replying, ask) for case in cases]
    verdicts = Counter(one.verdict for one in results)
    if shell.json:
        shell.emit({"cases": [asdict(one) for one in results], "verdicts": dict(verdicts)})
    else:
        for line in _lines(results):
            shell.say(line)
    return FAILED if verdicts["fail"] else 0


def _result(
    case: Case, inputs: Mapping[tuple[str, int], Sequence[Turn]], replying: Replying, ask: Any
) -> CaseResult:
    given = case.input or inputs.get((case.conversation, case.before), ())
    if not given:
        note = "the store does not have its conversation; name the store with --store"
        return _undecided(case, note)
    reply = replying(case, given)
    if isinstance(reply, Skipped):
        return _undecided(case, reply.reason)
    return evaluate(case, answered(given, reply, agent=case.agent), ask=ask)


def _undecided(case: Case, note: str) -> CaseResult:
    found = evaluate(case, None, ask=None)
    return CaseResult(**{**asdict(found), "cost": found.cost, "note": note})


def _inputs(cases: Sequence[Case], store: Store) -> dict[tuple[str, int], list[Turn]]:
    """(hash of a conversation, messages before) to what the agent was given.

    Only for cases that hold no words; one pass through the store, none where there are no such.
    """
    wanted: dict[str, set[int]] = {}
    for case in cases:
        if not case.input:
            wanted.setdefault(case.conversation, set()).add(case.before)
    found: dict[tuple[str, int], list[Turn]] = {}
    for one in read_conversations(store) if wanted else ():
        if isinstance(one, Unreadable):
            continue
        name = letters_hash(one.agent, one.conversation_id)
        for before in wanted.get(name, ()):
            found[name, before] = [
                Turn(role="assistant" if each.role == "assistant" else "user", content=each.text)
                for each in one.messages[:before]
                if each.text and each.role != "tool"
            ]
    return found


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}; name a file of cases") from None


def _from_file(path: str) -> Replying:
    replies: dict[str, GivenReply] = {}
    for number, line in enumerate(_text(path).split("\n"), 1):
        if line.strip():
            try:
                reply = GivenReply.model_validate_json(line)
            except ValidationError as error:
                said = error.errors(include_url=False, include_input=False)[0]["msg"]
                raise UsageError(
                    f"{path}, line {number} is no reply: {said}; write "
                    '{"id": CASE, "text": …, "tool_calls": [{"name", "arguments"}]}'
                ) from None
            replies[reply.id] = reply
    missing = Skipped(what="reply", code="no_reply", reason="there is no reply to this case")
    return lambda case, given: replies.get(case.id, missing)


def _from_command(asked: argparse.Namespace) -> Replying:
    words = shlex.split(asked.command)
    if not words:
        raise UsageError("--command is empty; give a program that answers, or --replies FILE")

    def replying(case: Case, given: Sequence[Turn]) -> GivenReply | Skipped:
        messages = [one.model_dump() for one in given]
        question = json.dumps({"id": case.id, "agent": case.agent, "messages": messages})
        try:
            # The person who types the command decides what runs; cases only reach its input.
            done = subprocess.run(  # noqa: S603
                words,
                input=question,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=asked.timeout,
                check=False,
            )
        except OSError as error:
            raise UsageError(f"{words[0]!r} cannot be run: {error}; mend --command") from None
        except subprocess.TimeoutExpired:
            return _silent(f"the command took more than {asked.timeout:g} seconds")
        if done.returncode:
            return _silent(f"the command ended with exit code {done.returncode}")
        return _reply_of(done.stdout)

    return replying


def _silent(why: str) -> Skipped:
    return Skipped(what="reply", code="no_reply", reason=why)


def _reply_of(said: str) -> GivenReply:
    """What a command printed: a reply as JSON, else plain text."""
    try:
        value = json.loads(said)
    except json.JSONDecodeError:
        value = None
    is_reply = isinstance(value, dict) and value.keys() & {"text", "tool_calls"}
    try:
        return GivenReply.model_validate(value) if is_reply else GivenReply(text=said.strip())
    except ValidationError as error:
        message = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise UsageError(f"the command printed no reply: {message}; see docs/cases.md") from None


def _lines(results: Sequence[CaseResult]) -> list[str]:
    lines = [
        f"{one.verdict:<9} {one.id}  {one.was:<7} {'; '.join(one.broken) or one.note}".rstrip()
        for one in results
    ]
    for was, meaning in (("failure", "mended"), ("success", "kept")):
        own = [one for one in results if one.was == was]
        passed = sum(one.verdict == "pass" for one in own)
        if own:
            users = len({one.user for one in own})
            lines.append(f"{passed} of {len(own)} {meaning} ({count(users, 'user')})")
    undecided = sum(one.verdict == "undecided" for one in results)
    if undecided:
        lines.append(f"{count(undecided, 'case')} undecided")
    return lines
