"""The facts of a Python module, read with `ast`."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy

from bot.proposals.code.facts import Facts, words_of
from bot.regions.python import name_of
from bot.regions.structure import NotParsed, mistake

_CHECKS = frozenset(
    "assert authorise authorize check confirm enforce ensure guard permit require validate "  # noqa: SIM905
    "verify".split()
)
_TIDYING = frozenset(
    "casefold lower lstrip removeprefix removesuffix replace rstrip strip title upper zfill".split()  # noqa: SIM905
)
"""Methods of text that bring a value into one form; setting a name by these alone is harmless."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_EXITS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_SCHEMAS = ("input_schema", "parameters", "schema")
_LABEL = re.compile(r"[\w./:-]{1,40}")


def python_facts(text: str) -> Facts:
    """Facts of one module.

    Raises:
        NotParsed: it is no Python that this version reads.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotParsed(mistake(error)) from error
    module = _Module(tree)
    return module.facts


class _Module:
    def __init__(self, tree: ast.Module) -> None:
        self.facts = Facts(unknown=_unknown(tree))
        self.aliases = _aliases(tree)
        self._expressions(tree)
        self._block(tree.body, "", (), _Scope(tree.body))

    # -- statements, in the blocks that they stand in ----------------------------------------------

    def _block(
        self, body: Sequence[ast.stmt], function: str, path: tuple[str, ...], scope: _Scope
    ) -> None:
        for statement in body:
            if isinstance(statement, _Function | ast.ClassDef):
                name = f"{function}.{statement.name}".lstrip(".")
                self.facts.signatures[_signature(name, statement)] += 1
                self._block(statement.body, name, (), _Scope(statement.body))
                continue
            self._guards(statement, function, path, scope)
            for label, inner in _blocks(statement):
                self._block(inner, function, (*path, label), scope)

    def _guards(
        self, statement: ast.stmt, function: str, path: tuple[str, ...], scope: _Scope
    ) -> None:
        if isinstance(statement, ast.While) and not _is_false(statement.test):
            self.facts.unbounded[ast.dump(statement.test)] += 1
        kind = _guard(statement)
        if kind is None:
            return
        asked: ast.AST | None = None
        stops = ""
        if isinstance(statement, ast.If | ast.While | ast.Assert):
            asked = statement.test
            last = statement.body[-1] if isinstance(statement, ast.If) else None
            stops = type(last).__name__ if isinstance(last, _EXITS) else ""
        elif isinstance(statement, ast.Raise) and statement.exc:
            asked = _raised(statement)  # what the message says of the case decides nothing
        key = [function, *path, kind, stops]
        if stops or not isinstance(statement, ast.If):
            key += scope.before(statement, asked)
        self.facts.guards[" | ".join(key)] += 1
        if isinstance(statement, ast.Try | ast.TryStar):
            for handler in statement.handlers:
                caught = ast.unparse(handler.type) if handler.type else "everything"
                self.facts.guards[" | ".join([function, *path, "except", caught])] += 1
                idle = all(isinstance(one, ast.Pass | ast.Continue) for one in handler.body)
                if idle or caught in {"everything", "BaseException"}:
                    self.facts.swallowed[f"{function} {caught}"] += 1

    # -- expressions -------------------------------------------------------------------------------

    def _expressions(self, tree: ast.AST) -> None:
        inner: set[int] = set()
        for node in ast.walk(tree):
            self._imports(node)
            if isinstance(node, ast.Attribute | ast.Name) and id(node) not in inner:
                name, parts = self._dotted(node)
                inner.update(map(id, parts))
                self.facts.names[name] += 1
                self.facts.words[name] += 1
            elif isinstance(node, ast.keyword) and node.arg:
                self.facts.words[node.arg] += 1
            elif isinstance(node, ast.Constant):
                self._constant(node)
            elif isinstance(node, ast.IfExp):
                self.facts.guards[f"choice {ast.unparse(node.test)}"] += 1
            elif isinstance(node, ast.Compare | ast.BoolOp):
                self.facts.guards[ast.unparse(node)] += 1
            elif isinstance(node, ast.comprehension):
                self.facts.guards.update(f"only if {ast.unparse(one)}" for one in node.ifs)
            elif isinstance(node, ast.Dict):
                self._schemas(node)
        self._named_numbers(tree)

    def _imports(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            self.facts.imports.update(one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            self.facts.imports.update(f"{node.module or '.'}.{one.name}" for one in node.names)

    def _dotted(self, node: ast.expr) -> tuple[str, list[ast.AST]]:
        """The chain of attributes as one name, and the nodes that are parts of it."""
        parts: list[str] = []
        nodes: list[ast.AST] = []
        at: ast.expr = node
        while isinstance(at, ast.Attribute):
            parts.append(at.attr)
            at = at.value
            nodes.append(at)
        if isinstance(at, ast.Name):
            parts.append(self.aliases.get(at.id, at.id))
            return ".".join(reversed(parts)), nodes
        return ".".join(["", *reversed(parts)]), nodes[:-1]

    def _schemas(self, node: ast.Dict) -> None:
        """The schema of a tool is its signature, but for what its descriptions say."""
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in _SCHEMAS:
                self.facts.signatures[
                    f"schema {ast.dump(_Undescribed().visit(deepcopy(value)))}"
                ] += 1

    def _constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and _LABEL.fullmatch(node.value):
            self.facts.words[node.value] += 1

    def _named_numbers(self, tree: ast.AST) -> None:
        waiting: list[tuple[ast.AST, str]] = [(tree, "")]
        while waiting:
            node, owner = waiting.pop()
            if isinstance(node, ast.Constant):
                if type(node.value) in (int, float, complex, bool):
                    self.facts.numbers[f"{owner} {node.value!r}"] += 1
                continue
            if isinstance(node, ast.Call):
                owner = ast.unparse(node.func)[-60:]
            elif isinstance(node, ast.keyword):
                owner = f"{owner}({node.arg})"
            elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                owner = ast.unparse(target)[-60:]
            elif isinstance(node, _Function):
                owner = node.name
            elif isinstance(node, ast.While) and _is_endless(node):
                waiting += [(child, owner) for child in (*node.body, *node.orelse)]
                continue
            waiting += [(child, owner) for child in ast.iter_child_nodes(node)]


def _is_caught(statement: ast.stmt, asked: ast.AST | None) -> bool:
    """`x = None` ahead of `if x is None` or `if not x`: the check stops exactly that."""
    if not isinstance(statement, ast.Assign) or asked is None or len(statement.targets) != 1:
        return False
    name = ast.unparse(statement.targets[0])
    is_none = isinstance(statement.value, ast.Constant) and statement.value.value is None
    return is_none and ast.unparse(asked) in {f"{name} is None", f"not {name}"}


class _Undescribed(ast.NodeTransformer):
    """Takes out what describes to the model: it says nothing of what the code takes."""

    def visit_Dict(self, node: ast.Dict) -> ast.Dict:
        self.generic_visit(node)
        for at, key in enumerate(node.keys):
            if isinstance(key, ast.Constant) and key.value in ("description", "title"):
                node.values[at] = ast.Constant(value="")
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.Subscript:
        self.generic_visit(node)
        if ast.unparse(node.value).endswith("Annotated") and isinstance(node.slice, ast.Tuple):
            kind, *said = node.slice.elts
            is_text = [isinstance(one, ast.Constant | ast.JoinedStr) for one in said]
            node.slice.elts = [
                kind,
                *(
                    ast.Constant(value="") if t else one
                    for t, one in zip(is_text, said, strict=True)
                ),
            ]
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        self.generic_visit(node)
        if node.arg == "description" and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(value="")
        return node


class _Scope:
    """The statements of one function, to tell what comes before a check in it."""

    def __init__(self, body: Sequence[ast.stmt]) -> None:
        self.statements = sorted(_own(body), key=lambda one: (one.lineno, one.col_offset))

    def before(self, check: ast.stmt, asked: ast.AST | None) -> Iterator[str]:
        """What leaves the function ahead of a check, and what sets the names that it asks about."""
        names = {node.id for node in ast.walk(asked or check) if isinstance(node, ast.Name)}
        for one in self.statements:
            if (one.lineno, one.col_offset) >= (check.lineno, check.col_offset):
                return
            if isinstance(one, ast.Return) and not _is_message(one.value):
                yield ast.unparse(one)
            elif isinstance(one, ast.Continue | ast.Break):
                if self._ends_a_round(one, check):
                    yield type(one).__name__
            elif names & _set_by(one) and not _is_tidying(one) and not _is_caught(one, asked):
                yield ast.unparse(one).splitlines()[0]

    def _ends_a_round(self, leaving: ast.stmt, check: ast.stmt) -> bool:
        """The loop that is left goes on behind the check, so that the check is passed by."""
        loops = [
            one
            for one in self.statements
            if isinstance(one, ast.For | ast.AsyncFor | ast.While)
            and one.lineno <= leaving.lineno <= (one.end_lineno or 0)
        ]
        return bool(loops) and (loops[-1].end_lineno or 0) >= check.lineno


def _own(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements of a function but those of functions inside it."""
    for statement in body:
        yield statement
        if not isinstance(statement, _Function | ast.ClassDef):
            for _, inner in _blocks(statement):
                yield from _own(inner)


def _blocks(statement: ast.stmt) -> Iterator[tuple[str, Sequence[ast.stmt]]]:
    """(what decides whether it runs, statements) of each block inside a statement."""
    if isinstance(statement, ast.If):
        yield f"if {ast.unparse(statement.test)}", statement.body
        yield f"else {ast.unparse(statement.test)}", statement.orelse
    elif isinstance(statement, ast.While) and _is_endless(statement):
        yield "loop", statement.body
    elif isinstance(statement, ast.While):
        yield f"while {ast.unparse(statement.test)}", statement.body
        yield f"after {ast.unparse(statement.test)}", statement.orelse
    elif isinstance(statement, ast.For) and _is_counted(statement):
        yield "loop", statement.body
        yield f"after {ast.unparse(statement.iter)}", statement.orelse
    elif isinstance(statement, ast.For | ast.AsyncFor):
        yield f"for {ast.unparse(statement.iter)}", statement.body
        yield f"after {ast.unparse(statement.iter)}", statement.orelse
    elif isinstance(statement, ast.Try | ast.TryStar):
        yield "try", statement.body
        for handler in statement.handlers:
            yield f"except {ast.unparse(handler.type) if handler.type else ''}", handler.body
        yield "try else", statement.orelse
        yield "finally", statement.finalbody
    elif isinstance(statement, ast.With | ast.AsyncWith):
        yield f"with {', '.join(ast.unparse(one) for one in statement.items)}", statement.body
    elif isinstance(statement, ast.Match):
        for case in statement.cases:
            pattern = f"case {ast.unparse(statement.subject)}: {ast.unparse(case.pattern)}"
            yield f"{pattern} if {ast.unparse(case.guard)}" if case.guard else pattern, case.body


def _guard(statement: ast.stmt) -> str | None:
    """What kind of check a statement is, with what it asks; None where it is none."""
    if isinstance(statement, ast.While) and _is_endless(statement):
        return None  # it asks nothing, and a bound may take its place
    if isinstance(statement, ast.For) and _is_counted(statement):
        return ast.unparse(statement.iter)
    if isinstance(statement, ast.If | ast.While):
        return f"{type(statement).__name__} {ast.unparse(statement.test)}"
    if isinstance(statement, ast.Assert):
        return f"assert {ast.unparse(statement.test)}"
    if isinstance(statement, ast.Raise):
        return f"raise {ast.unparse(_raised(statement)) if statement.exc else ''}"
    if isinstance(statement, ast.Try | ast.TryStar):
        return "try"
    if isinstance(statement, ast.With | ast.AsyncWith):
        return f"with {', '.join(ast.unparse(one) for one in statement.items)}"
    if isinstance(statement, ast.Match):
        return f"match {ast.unparse(statement.subject)}"
    if any(_blocks(statement)):
        return None
    calls = (node for node in ast.walk(statement) if isinstance(node, ast.Call))
    is_check = any(not _CHECKS.isdisjoint(words_of(_called(node))) for node in calls)
    return ast.unparse(statement) if is_check else None


def _raised(statement: ast.Raise) -> ast.expr:
    """The class of an error; its message may be said better."""
    assert statement.exc is not None  # noqa: S101  (asked for before)
    return statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc


def _called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _set_by(statement: ast.stmt) -> set[str]:
    """Names that a statement itself gives a value, not those set in blocks inside it."""
    heads: list[ast.AST] = []
    if isinstance(statement, ast.Assign):
        heads += statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign | ast.For | ast.AsyncFor):
        heads.append(statement.target)
    elif isinstance(statement, ast.With | ast.AsyncWith):
        heads += [one.optional_vars for one in statement.items if one.optional_vars]
    elif isinstance(statement, ast.Delete):
        heads += statement.targets
    elif isinstance(statement, ast.Global | ast.Nonlocal):
        return set(statement.names)
    found = {node.id for head in heads for node in ast.walk(head) if isinstance(node, ast.Name)}
    for node in ast.walk(statement):
        if isinstance(node, ast.NamedExpr):
            found.add(node.target.id)
    return found


def _is_tidying(statement: ast.stmt) -> bool:
    """`x = x.strip().upper()`, `x = str(x)`: the same value in one form."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return False
    target, at = statement.targets[0], statement.value
    while isinstance(at, ast.Call):
        plain = all(isinstance(one, ast.Constant) for one in at.args) and not at.keywords
        if isinstance(at.func, ast.Attribute) and at.func.attr in _TIDYING and plain:
            at = at.func.value
        elif isinstance(at.func, ast.Name) and at.func.id in {"str", "int"} and len(at.args) == 1:
            at = at.args[0]
        else:
            return False
    return isinstance(target, ast.Name) and isinstance(at, ast.Name) and at.id == target.id


def _is_message(value: ast.expr | None) -> bool:
    """A result that is said and not looked up: text, nothing, or a mapping or list of such."""
    if value is None:
        return True
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str) or value.value is None or value.value is False
    if isinstance(value, ast.JoinedStr):
        parts = (one.value for one in value.values if isinstance(one, ast.FormattedValue))
        return all(map(_is_listing, parts))
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return all(_is_message(one) or _is_listing(one) for one in (value.left, value.right))
    if isinstance(value, ast.Dict):
        return all(map(_is_message, value.values))
    return isinstance(value, ast.List | ast.Tuple) and all(map(_is_message, value.elts))


def _is_listing(value: ast.expr) -> bool:
    """A name, or what one holds in a row: `", ".join(sorted(STATES))`."""
    if isinstance(value, ast.Call) and not value.keywords and len(value.args) == 1:
        joined = isinstance(value.func, ast.Attribute) and value.func.attr == "join"
        separator = value.func.value if isinstance(value.func, ast.Attribute) else None
        is_plain = joined and isinstance(separator, ast.Constant)
        return (is_plain or name_of(value.func) in {"sorted", "list"}) and _is_listing(
            value.args[0]
        )
    return isinstance(value, ast.Name)


def _is_false(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and not test.value


def _is_endless(loop: ast.While) -> bool:
    return isinstance(loop.test, ast.Constant) and bool(loop.test.value)


def _is_counted(loop: ast.For) -> bool:
    """`for _ in range(3)`: it runs its body some times, as a loop without an end does."""
    called = loop.iter
    plain = isinstance(called, ast.Call) and ast.unparse(called.func) == "range"
    return plain and isinstance(called, ast.Call) and not called.keywords


def _signature(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    undescribed = _Undescribed()
    decorators = [ast.unparse(undescribed.visit(deepcopy(one))) for one in node.decorator_list]
    if isinstance(node, ast.ClassDef):
        bases = [ast.unparse(one) for one in (*node.bases, *node.keywords)]
        return f"class {name} {bases} {decorators}"
    result = ast.unparse(node.returns) if node.returns else ""
    taken = ast.unparse(undescribed.visit(deepcopy(node.args)))
    return f"{type(node).__name__} {name}({taken}) {result} {decorators}"


def _aliases(tree: ast.AST) -> dict[str, str]:
    """Name in the file to what it stands for elsewhere: `sp` to `subprocess`."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                found[one.asname or one.name.split(".")[0]] = (
                    one.name if one.asname else one.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                found[one.asname or one.name] = f"{node.module or ''}.{one.name}"
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Name)
            and node.value.id in found
        ):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found[target.id] = found[node.value.id]
    return found


def _unknown(tree: ast.AST) -> frozenset[str]:
    """Names that are read and nowhere bound."""
    bound = set(dir(builtins)) | {"__file__", "__name__", "__doc__"}
    read: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, _Function | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            bound.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            bound.add(node.rest)
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name.split(".")[0])
    starred = any(isinstance(node, ast.alias) and node.name == "*" for node in ast.walk(tree))
    return frozenset() if starred else frozenset(read - bound)
