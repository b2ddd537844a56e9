"""The command line: reads the environment and the clock, runs one command, maps errors to exits.

Exit codes: 0 done; 1 a gate or guardrail refused what was asked for by name; 2 wrong use,
configuration or credentials; 3 degraded (something was left out, see `degraded` in `--json`);
4 a fault elsewhere (disk, network, model, GitHub) after retries.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version

from bot.commands.shell import Shell
from bot.errors import DebriefError, FaultElsewhere, UsageError
from bot.settings import PASSED_ON, load_secrets
from bot.tracing import trace_to
from bot.workflow_commands import without_commands
from collector.errors import CollectorError, StoreError
from collector.listening import add_options
from prompts import show_invisible

PAUSE_S = 1.0
"""GitHub asks for at least this between two writes (secondary rate limits)."""


OBJECTS_BETWEEN_COLLECTIONS = 50_000


def main(argv: Sequence[str] | None = None, *, pause_s: float = PAUSE_S) -> int:
    """Run one command and give its exit code. The only place that catches `DebriefError`.

    `pause_s` lies between two writes to GitHub; a server of one's own needs none.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    # A window is millions of small objects, hardly any in a circle: a tenth of the time is saved.
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    try:
        given = parser().parse_args(argv)
        with trace_to(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")):
            return _run(given, pause_s=pause_s)
    except DebriefError as error:
        _complain(f"{error}")
        return error.exit_code
    except CollectorError as error:
        _complain(f"{error}")
        fault = FaultElsewhere if isinstance(error, StoreError) else UsageError
        return fault.exit_code
    except BrokenPipeError:
        # The reader of our output went away, as `| head` does; nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _complain(f"{error}; free the space or mend the path and run again")
        return FaultElsewhere.exit_code
    except KeyboardInterrupt:
        _complain("stopped; what was written so far is whole")
        return 130


def _complain(sentence: str) -> None:
    """One line on standard error. It may quote strangers, who must not steer the terminal."""
    line = f"debrief: {show_invisible(sentence)}".replace("\n", "⏎")
    print(without_commands(line), file=sys.stderr)


def _run(given: argparse.Namespace, *, pause_s: float) -> int:
    now = given.now or datetime.now(UTC)
    shell = Shell(
        store=given.store or os.environ.get("DEBRIEF_STORE") or None,
        now=now,
        json=given.json,
        secrets=load_secrets(os.environ),
        paused=os.environ.get("DEBRIEF_PAUSED", "").strip().lower() not in ("", "0", "false"),
        annotations=os.environ.get("DEBRIEF_ANNOTATIONS") or None,
        pause_s=pause_s,
        environment={name: os.environ[name] for name in PASSED_ON if name in os.environ},
    )
    # Only the chosen command is imported: all of them would take seconds before the first word.
    module, name = given.run.split(".")
    run: Callable[[Shell, argparse.Namespace], int] = getattr(
        import_module(f"bot.commands.{module}"), name
    )
    return run(shell, given)


def _time(text: str) -> datetime:
    """An ISO time; without a zone it is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; write it like 2026-11-21T06:00:00Z"
        ) from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    # Windows reach back from the clock and a little ahead: both must stay in the calendar.
    if not 1970 <= at.year < 9000:
        raise argparse.ArgumentTypeError(f"{text!r} is no time from 1970 to 8999")
    return at


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--store", metavar="DIR", help="default: DEBRIEF_STORE, else debrief-data")
    common.add_argument("--json", action="store_true", help="one JSON document on standard output")
    common.add_argument("--now", type=_time, metavar="TIME", help="the clock, for replays")
    top = argparse.ArgumentParser(
        prog="debrief",
        description="Reads every conversation your LLM agent has, finds where and why users fail, "
        "and opens pull requests that fix it.",
    )
    top.add_argument("--version", action="version", version=version("agent-debrief"))
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, run: str, summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, parents=[common], help=summary, description=summary)
        command.set_defaults(run=run)
        return command

    add("demo", "cycle.demo", "the whole loop on an example agent, nothing to configure")
    _receiving(add)
    _looking(add)
    _understanding(add)
    _changing(add)
    return top


Add = Callable[[str, str, str], argparse.ArgumentParser]
"""Name of the command, `module.function` in bot.commands, summary."""


def _receiving(add: Add) -> None:
    collect = add("collect", "receive.collect", "receive OTLP and feedback, until stopped")
    add_options(collect)
    files = add("import", "receive.import_files", "read what is new in files, folders and buckets")
    files.add_argument("files", nargs="+", metavar="FILE_OR_URL", help="or a folder or a pattern")
    signals = ("traces", "logs")
    files.add_argument("--signal", choices=signals, help="what protobuf holds that does not tell")
    files.add_argument("--agent", metavar="NAME", help="whose conversations, where they do not say")
    files.add_argument("--again", action="store_true", help="also what was read before")
    _keeping(add)


def _keeping(add: Add) -> None:
    erase = add("erase", "upkeep.erase", "forget one person or one conversation for good")
    who = erase.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", metavar="ID")
    who.add_argument("--conversation", metavar="ID")
    erase.add_argument("--repo", metavar="DIR", help="name its files that still hold the ids")
    expire = add("expire", "upkeep.expire", "remove conversations that are too old to keep")
    expire.add_argument(
        "--older-than", metavar="90d", required=True, help="whole days of receipt, in UTC"
    )
    compact = add("compact", "upkeep.compact", "merge small files and drop what is erased")
    compact.add_argument("--keep", metavar="90d", help="remove older days first, as expire does")
    compact.add_argument(
        "--grace",
        type=float,
        metavar="SECONDS",
        help="leave merged files for readers of other engines; default: 60 in a bucket, else 0",
    )


def _looking(add: Add) -> None:
    conversations = add("conversations", "look.conversations", "list conversations")
    conversations.add_argument("--since", metavar="28d", help="default: all")
    conversations.add_argument("--agent")
    conversations.add_argument("--intent", metavar="ID")
    conversations.add_argument("--outcome")
    conversations.add_argument("--text", help="only those that hold this text")
    show = add("show", "look.show", "one conversation, whole")
    show.add_argument("conversation_id", metavar="CONVERSATION_ID")
    show.add_argument("--agent")
    versions = add("versions", "versions.versions", "which commit served which conversations")
    versions.add_argument("--repo", default=".", metavar="DIR")
    versions.add_argument("--agent")
    versions.add_argument("--since", metavar="28d", help="default: all")
    blame = add("blame", "blame.blame", "which proposal each line of a prompt is from")
    blame.add_argument("file", metavar="FILE")
    blame.add_argument("--repo", default=".", metavar="DIR")
    blame.add_argument("--history", metavar="TARGET", help="default: git: of --repo")


def _understanding(add: Add) -> None:
    intents = add("intents", "intents.intents", "what users try to do")
    intents.add_argument("action", choices=("discover", "list", "assign", "check", "correct"))
    intents.add_argument(
        "words", nargs="*", metavar="WORD", help="correct: a conversation and its intents, or none"
    )
    intents.add_argument("--repo", metavar="DIR")
    intents.add_argument("--agent", help="correct: where several have that conversation")
    intents.add_argument("--embedding", metavar="MODEL", help="instead of the settings' model")
    intents.add_argument("--follow", action="store_true", help="assign: go on as they end")
    intents.add_argument("--for", dest="lasts", metavar="8h", help="how long; default: no end")
    patterns = add("patterns", "understand.patterns", "what fails, for whom, how often")
    patterns.add_argument("--repo", metavar="DIR", help="its settings and its taxonomy count")
    quality = add("quality", "quality.quality", "is each agent what it was, day by day")
    quality.add_argument("--repo", metavar="DIR", help="its settings count")
    report = add("report", "understand.report", "a page to read and to pass on")
    report.add_argument("--out", required=True, metavar="FILE.html")
    report.add_argument("--repo", metavar="DIR")
    report.add_argument("--history", metavar="TARGET", help="default: git: of --repo")


def _changing(add: Add) -> None:
    propose = add("propose", "cycle.propose", "write a bundle of proposals; writes nothing else")
    measure = add("measure", "cycle.measure", "write a bundle of verdicts on merged proposals")
    for command in (propose, measure):
        command.add_argument("--repo", required=True, metavar="DIR")
        command.add_argument("--out", required=True, metavar="BUNDLE")
        command.add_argument("--history", metavar="TARGET", help="github:OWNER/NAME or git:DIR")
        command.add_argument("--summary", metavar="FILE", help="append a summary in Markdown")
    propose.add_argument("--measure", action="store_true", help="verdicts too, in the same bundle")
    publish = add("publish", "cycle.publish", "send a bundle; needs no model and no store")
    publish.add_argument("bundle", metavar="BUNDLE")
    run = add("run", "cycle.run", "one cycle: propose, measure, publish")
    run.add_argument("--repo", required=True, metavar="DIR")
    run.add_argument("--out", metavar="BUNDLE", help="keep the bundle here")
    run.add_argument("--estimate", action="store_true", help="say what it could cost, and stop")
    for command in (publish, run):
        command.add_argument("--to", required=True, metavar="TARGET", help="github:… or git:DIR")
        command.add_argument("--dry-run", action="store_true", help="say it, do not do it")
        command.add_argument("--summary", metavar="FILE", help="append a summary in Markdown")
    evaluate = add("eval", "evaluate.evaluate_cases", "hold replies against regression cases")
    evaluate.add_argument("cases", nargs="+", metavar="CASES", help="files of .debrief/cases/")
    replies = evaluate.add_mutually_exclusive_group(required=True)
    replies.add_argument("--replies", metavar="FILE.jsonl", help="one reply a line, by case id")
    replies.add_argument("--command", metavar="CMD", help="a program that answers one case")
    evaluate.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS")
    evaluate.add_argument("--repo", metavar="DIR", help="its settings count")
    reject = add("reject", "cycle.reject", "turn a proposal down: it is never proposed again")
    reject.add_argument("proposal", metavar="PROPOSAL")
    reject.add_argument("reason", help='not_a_problem, wrong_fix or later, or "wrong_fix: why"')
    reject.add_argument("--to", required=True, metavar="TARGET")
    _steering(add)
    init = add("init", "setup.init", "write the settings and workflows of a repository")
    init.add_argument("--repo", default=".", metavar="DIR")
    init.add_argument("--to", metavar="TARGET", help="propose them there: github:… or git:DIR")
    init.add_argument("--action", metavar="OWNER/NAME@COMMIT", help="Debrief in the workflows")
    init.add_argument("--dry-run", action="store_true", help="say it, do not do it")
    config = add("config", "config.config", "check the settings, or print their JSON Schema")
    config.add_argument("action", choices=("check", "schema"))
    config.add_argument("--repo", default=".", metavar="DIR")
    config.add_argument("--annotations", action="store_true", help="also for GitHub Actions' pages")
    doctor = add("doctor", "doctor.doctor", "what is wrong with the set-up, and how to mend it")
    doctor.add_argument("--repo", metavar="DIR", help="its settings count")
    doctor.add_argument("--to", metavar="TARGET", help="look at github:OWNER/NAME too")
    doctor.add_argument("--online", action="store_true", help="try the model key")


def _steering(add: Add) -> None:
    rollback = add("rollback", "people.rollback", "take a merged proposal back")
    rollback.add_argument("proposal", metavar="PROPOSAL", help="its id, or #212")
    rollback.add_argument("--repo", default=".", metavar="DIR", help="with its whole history")
    rollback.add_argument("--dry-run", action="store_true", help="say it, do not do it")
    pause = add("pause", "people.pause", "open nothing new; verdicts still come")
    resume = add("resume", "people.resume", "let go what pause holds")
    evidence = add("evidence", "people.evidence", "tell a pull request what relies on its lines")
    evidence.add_argument("--pull", type=int, required=True, metavar="NUMBER")
    evidence.add_argument("--dry-run", action="store_true", help="say it, do not do it")
    evidence.add_argument("--summary", metavar="FILE", help="append a summary in Markdown")
    for command in (rollback, pause, resume, evidence):
        command.add_argument("--to", required=True, metavar="TARGET", help="github:… or git:DIR")


if __name__ == "__main__":
    raise SystemExit(main())
