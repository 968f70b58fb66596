"""Small faults, each by the name of the operator that makes it."""

import ast
import copy
import dataclasses
import pathlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import sonnax

# As Python has imported it, be it through a link: so its functions name their files.
ROOT = pathlib.Path(sonnax.__file__).parent

# Where faults are planted: the folders of the score, and their files.
FOLDERS = {
    "numerics": ("haiku_impl/numerics/*.py",),
    "layers": ("compat/layers/*.py", "compat/recurrent/*.py", "compat/nets/**/*.py"),
    "initializers": ("compat/initializers.py", "haiku_impl/initializers.py"),
    "optimizers": ("compat/optimizers/*.py",),
    "trfl": ("compat/trfl/*.py",),
    "rlax": ("rlax_impl/*.py",),
    "layouts": ("converters/sonnet1/*.py", "converters/haiku/*.py"),
}


@dataclasses.dataclass(frozen=True, order=True)
class Mutant:
    """One fault.

    Attributes:
      folder: the key of `FOLDERS`.
      file: the path from the root of the repository.
      function: the qualified name of the outermost function around it.
      line: where it is.
      operator: the key of `OPERATORS`.
      change: what became what.
      number: which of the places in the file, in the order of `ast.walk`, and which
        of the changes there.
    """

    folder: str
    file: str
    function: str
    line: int
    operator: str
    change: str
    number: tuple[int, int]

    @property
    def name(self) -> str:
        return f"{self.file}:{self.line} {self.operator}: {self.change}"


Change = tuple[str, Callable[[Any], ast.AST]]


def _constant(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
        yield "constant", lambda n: ast.Constant(_other(n.value))


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else 2 * value or 1.0


_ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
_COMPARISON = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_BOUNDARY = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}


def _arithmetic(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _ARITHMETIC:
        yield "arithmetic", lambda n: _with(n, op=_ARITHMETIC[type(n.op)]())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "arithmetic", lambda n: n.operand


def _comparison(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield "comparison", lambda n: _with(n, ops=[_COMPARISON[type(n.ops[0])]()])
        if type(node.ops[0]) in _BOUNDARY:
            yield "boundary", lambda n: _with(n, ops=[_BOUNDARY[type(n.ops[0])]()])


def _axis(node: ast.AST) -> Iterator[Change]:
    if (
        isinstance(node, ast.keyword)
        and node.arg in ("axis", "dimension")
        and _integer(node.value) is not None
    ):
        moved = {-1: 0, 0: 1}
        yield (
            "axis",
            lambda n: _with(
                n,
                value=ast.Constant(
                    moved.get(_integer(n.value), _integer(n.value) - 1)  # type: ignore
                ),
            ),
        )


def _integer(node: ast.AST) -> int | None:
    try:
        value = ast.literal_eval(node)  # type: ignore[arg-type]
    except ValueError:
        return None
    return value if type(value) is int else None


def _swap(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Call):
        plain = not any(isinstance(arg, ast.Starred) for arg in node.args[:2])
        if len(node.args) >= 2 and plain and _text(node.args[0]) != _text(node.args[1]):
            yield (
                "swap",
                lambda n: _with(n, args=[n.args[1], n.args[0], *n.args[2:]]),
            )


def _stop_gradient(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Call) and _text(node.func).endswith("stop_gradient"):
        yield "stop_gradient", lambda n: n.args[0]


def _deletion(node: ast.AST) -> Iterator[Change]:
    effect = (
        isinstance(node, ast.AugAssign)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
        or (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute))
    )
    if effect:
        yield "deletion", lambda n: ast.Pass()


_MAKERS = (
    _constant,
    _arithmetic,
    _comparison,
    _axis,
    _swap,
    _stop_gradient,
    _deletion,
)


def _with(node: Any, **fields: Any) -> Any:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.AST, str]]:
    """Yields functions, what stands in them, and "default" or ""; errors left out."""

    def inside(node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            text = isinstance(child, ast.Raise | ast.Assert | ast.JoinedStr)
            named = isinstance(child, ast.arguments | ast.arg)
            if not (text or named):
                yield child
                yield from inside(child)

    def functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Any]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef) and child.name != "__repr__":
                yield prefix + child.name, child
            elif isinstance(child, ast.ClassDef):
                yield from functions(child, f"{prefix}{child.name}.")

    for name, function in functions(tree, ""):
        arguments = function.args
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if isinstance(default, ast.Constant):
                yield name, default, "default"
        for statement in function.body:
            yield name, statement, ""
            yield from ((name, node, "") for node in inside(statement))


def mutants_of(folder: str, path: pathlib.Path) -> Iterator[Mutant]:
    """Yields the faults that can be planted in a file."""
    tree = ast.parse(path.read_text())
    for place, (function, node, default) in enumerate(_places(tree)):
        changes = [change for maker in _MAKERS for change in maker(node)]
        for number, (operator, change) in enumerate(changes):
            yield Mutant(
                folder,
                path.relative_to(ROOT).as_posix(),
                function,
                getattr(node, "lineno", 0) or getattr(node.value, "lineno", 0),  # type: ignore[attr-defined]
                default or operator,
                f"{_text(node)} -> {_text(change(node))}"[:120],
                (place, number),
            )


def planted(mutant: Mutant) -> ast.Module:
    """Returns the syntax tree of the mutant's file with the fault in it."""
    tree = ast.parse((ROOT / mutant.file).read_text())
    place, number = mutant.number
    _, node, _ = list(_places(tree))[place]
    changes = [change for maker in _MAKERS for change in maker(node)]
    changed = changes[number][1](node)
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is node:
                setattr(parent, name, changed)
            elif isinstance(value, list) and any(item is node for item in value):
                value[:] = [changed if item is node else item for item in value]
    return ast.fix_missing_locations(tree)


def drawn(count: int, seed: int) -> list[Mutant]:
    """Draws faults: as many from each folder, and in it from each operator in turn."""
    rng = random.Random(seed)
    chosen: list[Mutant] = []
    for i, (folder, patterns) in enumerate(FOLDERS.items()):
        files = sorted({path for p in patterns for path in ROOT.glob(p)})
        kinds: dict[str, list[Mutant]] = {}
        for path in files:
            for mutant in mutants_of(folder, path):
                kinds.setdefault(mutant.operator, []).append(mutant)
        for kind in sorted(kinds):
            rng.shuffle(kinds[kind])
        share = (count * (i + 1)) // len(FOLDERS) - (count * i) // len(FOLDERS)
        while share > 0 and any(kinds.values()):
            for kind in sorted(kinds):
                if kinds[kind] and share > 0:
                    chosen.append(kinds[kind].pop())
                    share -= 1
    return chosen
