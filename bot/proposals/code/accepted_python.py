"""The checks of one argument in a Python function, and the values that they let pass."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from bot.regions.choices_python import literal_of, texts_of
from bot.regions.python import line_starts, name_of
from bot.regions.structure import NotParsed, mistake

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_STOPS = (ast.Raise, ast.Return)
_SAME = frozenset({"casefold", "lower", "strip", "upper"})
_WRAPS = frozenset({"MappingProxyType", "frozenset", "list", "set", "sorted", "str", "tuple"})
_CHANGES = frozenset({"add", "append", "discard", "extend", "pop", "remove", "update"})
_ENUMS = frozenset({"Enum", "StrEnum"})
_DEEPEST = 6


def values_in_python(
    path: str, place: tuple[int, int], argument: str, texts: Mapping[str, str]
) -> list[tuple[str, ...]]:
    """One list for each check of `argument` in the function.

    Raises:
        NotParsed: the file has a mistake.
    """
    tree = _parsed(texts[path])
    function = _function_at(texts[path], tree, place)
    if function is None:
        return []
    found = list(_Checks(path, tree, function, argument, texts).found())
    if not found:  # what validates arguments goes by the annotation
        arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        annotation = next((one.annotation for one in arguments if one.arg == argument), None)
        found = [texts_of(literal_of(annotation, tree) or [])]
    return [one for one in found if one]


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotParsed(mistake(error)) from error


def _function_at(text: str, tree: ast.Module, place: tuple[int, int]) -> _Function | None:
    lines = line_starts(text)
    within = [
        node
        for node in ast.walk(tree)
        if isinstance(node, _Function) and place[0] <= lines[node.lineno - 1] < place[1]
    ]
    return min(within, key=lambda node: node.lineno, default=None)


class _Checks:
    def __init__(
        self,
        path: str,
        tree: ast.Module,
        function: _Function,
        argument: str,
        texts: Mapping[str, str],
    ) -> None:
        self.path, self.tree, self.texts = path, tree, texts
        self.function, self.argument = function, argument
        self.aliases = {argument}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and self._is_asked(node.value):
                self.aliases.update(filter(None, map(name_of, node.targets)))

    def found(self) -> Iterator[tuple[str, ...]]:
        # An `elif` is an `if` inside the branch above: only whole chains count.
        chained: set[int] = set()
        for node in ast.walk(self.function):
            values: tuple[str, ...] | None = None
            if isinstance(node, ast.If) and id(node) not in chained:
                values = self._refused(node) or self._chain(node, chained)
            elif isinstance(node, ast.Assert):
                values = self._tested(node.test, ast.In)
            elif isinstance(node, ast.Match):
                values = self._matched(node)
            elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
                is_asked = self._is_asked(node.slice)
                values = self._values(node.value, of=ast.Dict) if is_asked else None
            elif isinstance(node, ast.Call) and len(node.args) == 1:
                values = self._members(node.func) if self._is_asked(node.args[0]) else None
            if values:
                yield values

    def _refused(self, node: ast.If) -> tuple[str, ...] | None:
        """`if x not in LIST: raise …`, or `if x in LIST: … else: raise …`."""
        if isinstance(node.body[-1], _STOPS):
            values = self._tested(node.test, ast.NotIn)
            if values:
                return values
        if node.orelse and isinstance(node.orelse[-1], ast.Raise):
            return self._tested(node.test, ast.In)
        return None

    def _tested(self, test: ast.expr, operator: type[ast.cmpop]) -> tuple[str, ...] | None:
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self._tested(test.operand, ast.In) if operator is ast.NotIn else None
        if not isinstance(test, ast.Compare) or len(test.ops) != 1:
            return None
        if not isinstance(test.ops[0], operator) or not self._is_asked(test.left):
            return None
        return self._values(test.comparators[0])

    def _chain(self, node: ast.If, chained: set[int]) -> tuple[str, ...] | None:
        """`if x == "a": … elif x == "b": … else: raise …`."""
        values: list[str] = []
        at: ast.If = node
        while True:
            test = at.test
            one: tuple[str, ...] | None = None
            if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq):
                one = _texts(test.comparators[:1]) if self._is_asked(test.left) else None
            one = one or self._tested(test, ast.In)
            if not one:
                return None
            values += one
            if len(at.orelse) == 1 and isinstance(at.orelse[0], ast.If):
                at = at.orelse[0]
                chained.add(id(at))
                continue
            ends = bool(at.orelse) and isinstance(at.orelse[-1], ast.Raise)
            return tuple(values) if ends else None

    def _matched(self, node: ast.Match) -> tuple[str, ...] | None:
        *cases, last = node.cases
        is_rest = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
        if not self._is_asked(node.subject) or not is_rest or last.guard is not None:
            return None
        if not isinstance(last.body[-1], _STOPS):
            return None
        values: list[str] = []
        for case in cases:
            inner = (
                case.pattern.patterns if isinstance(case.pattern, ast.MatchOr) else [case.pattern]
            )
            texts = _texts([one.value for one in inner if isinstance(one, ast.MatchValue)])
            if not texts or len(texts) != len(inner):
                return None
            values += texts
        return tuple(values)

    def _is_asked(self, node: ast.expr, depth: int = 0) -> bool:
        """The argument, by its name, as a field or out of a mapping, perhaps in lower case."""
        if depth > _DEEPEST:
            return False
        if isinstance(node, ast.Name):
            return node.id in self.aliases
        if isinstance(node, ast.Attribute):
            return node.attr == self.argument
        if isinstance(node, ast.Subscript):
            return _texts([node.slice]) == (self.argument,)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "get" and node.args:
                return _texts(node.args[:1]) == (self.argument,)
            return node.func.attr in _SAME and self._is_asked(node.func.value, depth + 1)
        is_text = isinstance(node, ast.Call) and name_of(node.func) == "str" and len(node.args) == 1
        return is_text and isinstance(node, ast.Call) and self._is_asked(node.args[0], depth + 1)

    # -- what a list holds ---------------------------------------------------------------------

    def _values(
        self,
        node: ast.expr,
        *,
        of: type[ast.expr] = ast.expr,
        tree: ast.Module | None = None,
        depth: int = 0,
    ) -> tuple[str, ...] | None:
        """The texts of a list, set or mapping, also under a name and from another file."""
        tree = tree or self.tree
        if depth > _DEEPEST:
            return None
        if isinstance(node, ast.Name | ast.Attribute):
            given = self._given(name_of(node), tree)
            if given is None:
                return None
            if isinstance(given[0], ast.ClassDef):
                return _of_enum(given[0]) if of is ast.expr else None
            return self._values(given[0], of=of, tree=given[1], depth=depth + 1)
        if isinstance(node, ast.Dict):
            keys = [key for key in node.keys if key is not None]
            return _texts(keys) if len(keys) == len(node.keys) else None
        if isinstance(node, ast.Call):
            name = name_of(node.func)
            if name == "keys" and isinstance(node.func, ast.Attribute):
                return self._values(node.func.value, of=of, tree=tree, depth=depth + 1)
            if name in {*_WRAPS, "get_args"} and len(node.args) == 1:
                return self._values(node.args[0], of=of, tree=tree, depth=depth + 1)
            return None
        if of is not ast.expr:
            return None
        if isinstance(node, ast.List | ast.Set | ast.Tuple):
            return _texts(node.elts)
        if isinstance(node, ast.Subscript) and name_of(node.value) == "Literal":
            inner = node.slice
            return _texts(inner.elts if isinstance(inner, ast.Tuple) else [inner])
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            (first, *more) = node.generators
            is_value = isinstance(node.elt, ast.Attribute) and node.elt.attr == "value"
            plain = is_value and not more and not first.ifs
            return self._values(first.iter, tree=tree, depth=depth + 1) if plain else None
        return None

    def _members(self, called: ast.expr) -> tuple[str, ...] | None:
        """`Speed(x)` of an `Enum` takes the values of its members alone."""
        given = self._given(name_of(called), self.tree)
        is_class = given is not None and isinstance(given[0], ast.ClassDef)
        return _of_enum(given[0]) if given and is_class else None  # type: ignore[arg-type]

    def _given(
        self, name: str, tree: ast.Module, *, may_import: bool = True
    ) -> tuple[ast.expr | ast.ClassDef, ast.Module] | None:
        """What a name of a module, or of a class in it, stands for; None where that may vary."""
        found: list[ast.expr | ast.ClassDef] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name == name:
                found.append(node)
            elif isinstance(node, ast.Assign) and name in map(name_of, node.targets):
                found.append(node.value)
            elif isinstance(node, ast.AnnAssign | ast.AugAssign) and name_of(node.target) == name:
                found += [node.value] if node.value is not None else []
            elif _grows(node, name):
                return None
            elif isinstance(node, ast.ImportFrom) and may_import:
                named = next(
                    (one.name for one in node.names if (one.asname or one.name) == name), ""
                )
                other = self._module(node.module or "") if named else None
                given = self._given(named, other, may_import=False) if other else None
                if given is not None:
                    return given
        return (found[0], tree) if len(found) == 1 else None

    def _module(self, name: str) -> ast.Module | None:
        """A module of the repository, where one file alone can be meant."""
        end = f"{name.replace('.', '/')}.py"
        paths = [one for one in self.texts if f"/{one}".endswith(f"/{end}") and one != self.path]
        return _parsed(self.texts[paths[0]]) if name and len(paths) == 1 else None


def _grows(node: ast.AST, name: str) -> bool:
    """Something is put into the list while the program runs."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in _CHANGES and name_of(node.func.value) == name
    if isinstance(node, ast.Assign | ast.Delete):
        targets = [one for one in node.targets if isinstance(one, ast.Subscript)]
        return any(name_of(one.value) == name for one in targets)
    return False


def _texts(nodes: list[ast.expr]) -> tuple[str, ...] | None:
    found = [
        one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]
    return tuple(found) if found and len(found) == len(nodes) else None


def _of_enum(node: ast.ClassDef) -> tuple[str, ...] | None:
    if _ENUMS.isdisjoint(map(name_of, node.bases)):
        return None
    return _texts([one.value for one in node.body if isinstance(one, ast.Assign)])
