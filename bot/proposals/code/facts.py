"""What code does, as countable facts, and which facts a change of it may not add or take away.

Both languages give the same `Facts`; what is compared is the whole file before and after, so that
code that only moves inside its block adds nothing. Strict on purpose: what cannot be told to be
harmless by counting is refused, and a person may still write it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from bot.proposals.floors import is_safe_label


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """One file of code."""

    imports: Counter[str] = field(default_factory=Counter)
    """Modules that are imported or loaded, wherever that stands."""
    signatures: Counter[str] = field(default_factory=Counter)
    """Of every named function and class: decorators, async, parameters, defaults, result."""
    guards: Counter[str] = field(default_factory=Counter)
    """Branches, raises, assertions, handlers and calls that check, each with the blocks that it
    stands in; where it stops something, also with what leaves the function before it and what sets
    the names that it asks about."""
    names: Counter[str] = field(default_factory=Counter)
    """What is used, dotted, with imported names spelled out: `os.environ`, `fetch`."""
    words: Counter[str] = field(default_factory=Counter)
    """Names, keys and short strings by which permissions are told."""
    numbers: Counter[str] = field(default_factory=Counter)
    """Every number with the name or call that it belongs to."""
    unbounded: Counter[str] = field(default_factory=Counter)
    """Loops that nothing bounds."""
    swallowed: Counter[str] = field(default_factory=Counter)
    """Handlers that hide every error, or do nothing with one."""
    calls: Counter[str] = field(default_factory=Counter)
    """Methods that are called, by the last part of their name, but for those of plain values."""
    written: Counter[str] = field(default_factory=Counter)
    """Names outside of all functions whose data is changed."""
    directives: Counter[str] = field(default_factory=Counter)
    """Comments that linters, compilers, packers or runners obey."""
    unknown: frozenset[str] = frozenset()
    """Names that are used and that neither the file nor the language has."""


_PERMISSIONS = frozenset(
    "acl admin allow allowed allowlist apikey auth authenticate authenticated authorization "  # noqa: SIM905
    "authorize authorized bypass cors credential credentials csrf deny disable disabled grant "
    "granted grants impersonate jwt oauth override password permission permissions permit "
    "privilege privileged privileges rbac role roles root sandbox sandboxed scope scopes secret "
    "secrets staff sudo superuser trusted unauthorized unsafe verify whitelist".split()
)
_FORBIDDEN: Mapping[str, frozenset[str]] = {
    "network access": frozenset(
        "aiohttp axios boto3 botocore dgram EventSource fetch ftplib got grpc http http2 httpx "  # noqa: SIM905
        "httpx2 https imaplib importScripts needle net node-fetch paramiko poplib requests "
        "sendBeacon smtplib socket socketserver ssl superagent telnetlib tls undici urllib urllib2 "
        "urllib3 urlopen websocket WebSocket websockets ws XMLHttpRequest xmlrpc "
        "create_connection open_connection".split()
    ),
    "a process": frozenset(
        "Bun Deno Worker child_process cluster create_subprocess_exec create_subprocess_shell "  # noqa: SIM905
        "ctypes execSync execa fork multiprocessing pexpect popen Popen pty sh shelljs signal "
        "spawn spawnSync subprocess system worker_threads zx".split()
    ),
    "files": frozenset(
        "appendFile appendFileSync chmod chown fs glob makedirs mkdir mmap open rename rmdir "  # noqa: SIM905
        "rmtree shutil symlink_to tempfile touch truncate unlink unlinkSync write_bytes write_text "
        "writeFile writeFileSync createWriteStream".split()
    ),
    "the environment": frozenset(
        "dotenv environ environb getenv keyring os platform process putenv pwd sys".split()  # noqa: SIM905
    ),
    "code that is looked up at run time": frozenset(
        "Function Proxy Reflect __builtins__ __import__ breakpoint builtins compile constructor "  # noqa: SIM905
        "delattr dill eval exec exec_module getattr globalThis globals import_module importlib "
        "inspect locals marshal pickle prototype require runpy setattr vars vm window __proto__ "
        "joblib cloudpickle shelve yaml.load".split()
    ),
}
_ACTS = frozenset(
    "book cancel charge delete deposit drop grant pay purchase refund revoke send transfer "  # noqa: SIM905
    "withdraw".split()
)
"""First words of what nobody can take back: one call more of such is too many."""
_PROMPT = "system"
"""Alone, and in the file already, it is what programs call an agent's prompt; `os.system` starts a
process."""
_IMPORTED = frozenset({"fs", "os", "process", "sys"})
"""Behind a dot these are whatever the owner says; only as the first part they are the module."""
_DUNDER = re.compile(r"__\w+__")
_SAYS = 3
"""Words from which on a name may say something."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words_of(name: str) -> list[str]:
    """The words of a name in any spelling: `maxTokens`, `max_tokens` and `MAX-TOKENS` are equal."""
    return [word.lower() for word in _WORD.findall(name)]


def acts_for_good(function: str) -> bool:
    """What it does cannot be taken back, as its name says."""
    return not _ACTS.isdisjoint(words_of(function)[:1])


def problems(before: Facts, after: Facts) -> Iterator[str]:
    """What the change adds or takes away that it may not, one phrase each; nothing where it may."""
    if after.signatures != before.signatures:
        yield (
            "adds or takes away a function or class, or changes the name, parameters, defaults or "
            "decorators of one"
        )
    if fresh := after.imports - before.imports:
        yield f"imports {_told(next(iter(fresh)), 'a module')}"
    names = after.names - before.names
    if _PROMPT in before.names:
        del names[_PROMPT]
    for what, forbidden in _FORBIDDEN.items():
        if name := next((one for one in names if _uses(one, forbidden)), None):
            yield f"uses {what}: {_told(name, 'a name')}"
    if any(_DUNDER.search(one) for one in names):
        yield "uses the inside of an object"
    if word := next((one for one in after.words - before.words if _permits(one)), None):
        yield f"touches a permission or a secret: {_told(word, 'a name')}"
    if before.guards - after.guards:
        yield (
            "removes a check, changes one, or lets code pass by it: a branch, an error that is "
            "raised or one that is handled"
        )
    if before.numbers - after.numbers:
        yield "changes a number, which is a limit or may be one"
    if after.unbounded - before.unbounded:
        yield "adds a loop that nothing bounds"
    if after.swallowed - before.swallowed:
        yield "hides errors"
    if unknown := after.unknown - before.unknown:
        yield f"uses a name that the file does not have: {_told(min(unknown), 'a new one')}"
    if data := after.written - before.written:
        yield f"writes to data of the whole file: {_told(next(iter(data)), 'a name')}"
    if method := min(after.calls.keys() - before.calls.keys(), default=""):
        yield f"calls what the file did not call before: {_told(method, 'a method')}"
    elif acts := [one for one in after.calls - before.calls if acts_for_good(one)]:
        yield f"calls once more what cannot be taken back: {_told(min(acts), 'a method')}"
    if after.directives - before.directives:
        yield "adds a comment that commands a tool: it switches off a check, or runs something"


def _told(name: str, otherwise: str) -> str:
    """A name that a model wrote, where it is too short to say anything."""
    parts = words_of(name)
    return repr(name) if len(parts) < _SAYS and is_safe_label(" ".join(parts)) else otherwise


def _uses(name: str, forbidden: frozenset[str]) -> bool:
    first, *rest = name.split(".")
    return first in forbidden or any(part in forbidden - _IMPORTED for part in rest)


def _permits(name: str) -> bool:
    words = words_of(name)
    pairs = {"".join(pair) for pair in pairwise(words)}
    return not _PERMISSIONS.isdisjoint({*words, *pairs})
