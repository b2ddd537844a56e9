"""What a program says: its comments and its texts, as a reader of them gets them.

Escapes are read (`\\u0069` is an i), texts that are joined are one, a comment of several lines too.
What code puts in between is left out: there stands a gap, and nothing is a placeholder that the
program fills by itself.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from bot.proposals.code.facts import words_of
from bot.proposals.code.script import said, walk
from bot.regions.script import Node, parse_script
from bot.regions.structure import NotParsed, mistake

GAP = "\N{HORIZONTAL ELLIPSIS}"
MIN_NAME_WORDS = 3
"""A name of fewer words says nothing that a sentence would."""
_DEEPEST = 200
_HASHES = re.compile(r"^#+!?[ \t]?")
_FIELD = re.compile(r"\{(\w+)(?:![rsa])?(?::[^{}]*)?\}")
_PERCENT = re.compile(r"%\((\w+)\)[-#0 +]?[\d.]*[a-z]")


def spelled_out(names: Iterable[str]) -> Iterator[str]:
    """`payBackTwice` as the words that a reader sees in it, of names that have some."""
    for name in names:
        parts = words_of(name)
        if len(parts) >= MIN_NAME_WORDS:
            yield " ".join(parts)


_DIRECTIVE = re.compile(
    r"(?:#|//|/\*|\*)[!@#\s]*(?:-\*-|!?/usr/bin|[\w-]*coding[:=]|noqa\b|nosec\b|nosemgrep|NOSONAR|"
    r"(?:type|pyright|mypy|ruff|flake8|pylint|pytype|isort|yapf|fmt|black|pragma|bandit|checkov|"
    r"codeql|gitleaks|trivy|tfsec|hadolint|cspell|spell-checker|vim?|language|sourceMappingURL)"
    r"\s*[:=]|pragma\b|lgtm\b|ts-(?:ignore|nocheck|expect-error)|(?:es|ts|js|css|style)lint|jshint|"
    r"jslint|jscs|prettier|biome|deno-|oxlint|istanbul\b|[cv]8 ignore|webpack\w|vite-|jsx\w*\b|"
    r"refresh\b|no-?check|region\b|<reference|sourceURL|__PURE__)|\[(?:skip|no) ?(?:ci|actions)\]|"
    r"\[(?:ci|actions) skip\]|^[ \t]*#!",
    re.I | re.M,
)
"""Of a comment that a linter, compiler, packer, editor or runner obeys."""


def directives(text: str) -> Counter[str]:
    """Comments of a program that command a tool, each as it begins."""
    return Counter(_DIRECTIVE.findall(text))


# -- Python --------------------------------------------------------------------------------------


def python_texts(text: str) -> list[str]:
    """Comments first, then texts.

    Raises:
        NotParsed: it is no Python that this version reads.
    """
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise NotParsed(mistake(error)) from error
    comments = [
        (one.start[0], _HASHES.sub("", one.string))
        for one in tokens
        if one.type == tokenize.COMMENT
    ]
    return [*_blocks(comments), *_python_strings(tree)]


def python_names(text: str) -> Iterator[str]:
    """All names that stand in a module that parses."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword | ast.arg) and node.arg:
            yield node.arg


def _python_strings(tree: ast.AST) -> Iterator[str]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        found = _python_text(node) if isinstance(node, ast.expr) else None
        if found is not None:
            yield found
        waiting += _inside(node) if found is not None else ast.iter_child_nodes(node)


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """The code in a text, whose own texts are others."""
    if isinstance(node, ast.JoinedStr):
        yield from (one.value for one in node.values if isinstance(one, ast.FormattedValue))
    elif isinstance(node, ast.BinOp):
        for one in (node.left, node.right):
            yield from [one] if _python_text(one) is None else _inside(one)
    elif isinstance(node, ast.Call):
        yield from (*node.args, *(one.value for one in node.keywords))


def _python_text(node: ast.expr, depth: int = 0) -> str | None:
    """What a text says, with gaps; None where the expression is none."""
    if depth > _DEEPEST:
        return None
    if isinstance(node, ast.Constant):
        value = node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
        return value if isinstance(value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = (one.value if isinstance(one, ast.Constant) else GAP for one in node.values)
        return "".join(map(str, parts))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [_python_text(one, depth + 1) for one in (node.left, node.right)]
        is_text = any(one is not None for one in sides)
        return "".join(GAP if one is None else one for one in sides) if is_text else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _filled(_python_text(node.left, depth + 1), _PERCENT, _keys(node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        is_filled = node.func.attr == "format"
        names = [one.arg for one in node.keywords if one.arg]
        text = _python_text(node.func.value, depth + 1) if is_filled else None
        return _filled(text, _FIELD, names)
    return None


def _keys(node: ast.expr) -> list[str]:
    keys = node.keys if isinstance(node, ast.Dict) else []
    return [
        one.value for one in keys if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]


def _filled(text: str | None, field: re.Pattern[str], names: Sequence[str]) -> str | None:
    """Without the placeholders that are given a value there and then."""
    if text is None:
        return None
    return field.sub(lambda found: GAP if found[1] in names else found[0], text)


# -- TypeScript and JavaScript -------------------------------------------------------------------

_TEXTS = frozenset({"string", "template_string", "jsx_text"})
_NAMES = frozenset(
    {
        "identifier",
        "property_identifier",
        "shorthand_property_identifier",
        "shorthand_property_identifier_pattern",
        "statement_identifier",
        "type_identifier",
    }
)
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|\n|(.))", re.S
)
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_COMMENT = re.compile(r"^\s*(?://+|/\*+|\*+/|\*+(?!/))?[ \t]?|\*+/\s*$", re.M)


def script_texts(text: str) -> list[str]:
    """Comments first, then texts.

    Raises:
        NotParsed: the grammar finds a mistake in it.
    """
    comments: list[tuple[int, str]] = []
    strings: list[str] = []
    waiting = [parse_script(text)]
    while waiting:
        node = waiting.pop()
        if node.type in {"comment", "hash_bang_line", "html_comment"}:
            comments.append((node.start_point[0], _COMMENT.sub("", _source(node))))
            continue
        found = _script_text(node)
        if found is not None:
            strings.append(found)
        waiting += reversed(list(_code_in(node)) if found is not None else node.children)
    return [*_blocks(comments), *strings]


def script_names(text: str) -> Iterator[str]:
    """All names that stand in a module that parses."""
    return (said(node) for node in walk(parse_script(text)) if node.type in _NAMES)


def _code_in(node: Node) -> Iterator[Node]:
    """The code in a text, whose own texts are others."""
    if node.type == "template_string":
        yield from (one for one in node.children if one.type == "template_substitution")
    elif node.type == "binary_expression":
        for one in node.named_children:
            yield from [one] if _script_text(one) is None else _code_in(one)


def _script_text(node: Node, depth: int = 0) -> str | None:
    """What a text says, with gaps; None where the node is none."""
    if node.type == "jsx_text":
        return _source(node)
    if node.type == "string":
        return _unescaped(_source(node)[1:-1])
    if node.type == "template_string":
        start, parts, code = node.start_byte + 1, [], node.text or b""
        for one in _code_in(node):
            parts.append(code[start - node.start_byte : one.start_byte - node.start_byte])
            start = one.end_byte
        parts.append(code[start - node.start_byte : -1])
        return GAP.join(_unescaped(part.decode()) for part in parts)
    is_sum = node.type == "binary_expression" and any(one.type == "+" for one in node.children)
    if is_sum and depth < _DEEPEST:
        sides = [_script_text(one, depth + 1) for one in node.named_children]
        is_text = any(one is not None for one in sides)
        return "".join(GAP if one is None else one for one in sides) if is_text else None
    return None


def _source(node: Node) -> str:
    return (node.text or b"").decode()


def _unescaped(text: str) -> str:
    def read(found: re.Match[str]) -> str:
        code = found[1] or found[2] or found[3]
        if code:
            return chr(min(int(code, 16), 0x10FFFF))
        return _SHORT.get(found[4] or "", found[4] or "")

    # Two escapes may be one character: half of a pair is none.
    return _ESCAPE.sub(read, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _blocks(comments: Sequence[tuple[int, str]]) -> list[str]:
    """Comments of lines that follow each other, as one text each."""
    found: list[str] = []
    last = -2
    for line, text in comments:
        if line == last + 1:
            found[-1] += f"\n{text}"
        else:
            found.append(text)
        last = line + text.count("\n")
    return found
