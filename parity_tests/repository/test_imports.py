"""Who may import whom: the rooms of the package, read from its syntax trees."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import sonnax

ROOT = Path(sonnax.__file__).parent

# What a room may import beside itself. A line is about all of a room's files but those
# that have a line of their own.
ROOMS: dict[str, tuple[str, ...]] = {
    "cli": ("parity", "demo", "converters", "_version", "_printable"),
    "parity": ("converters", "compat", "haiku_impl.core", "_version", "_printable"),
    "parity.recorder": (),
    "demo": ("converters", "compat"),
    "converters": (),
    "converters.saving": ("converters", "compat.core"),
    "converters.restoring": ("converters", "compat", "haiku_impl.core"),
    "converters.haiku": ("converters",),
    "converters.exporting": ("converters", "_version"),
    "converters.sonnet1": (
        "converters.derived_tensor",
        "converters.errors",
        "converters.named_tensors",
    ),
    "converters.format": ("converters.errors", "converters.addressable"),
    "converters.addressable": ("converters.errors",),
    "converters.errors": (),
    "compat.trfl": (
        "rlax_impl",
        "compat.core",
        "compat.random",
        "compat.transforms",
        "haiku_impl.core",
        "haiku_impl.numerics",
    ),
    "compat": ("haiku_impl.core", "haiku_impl.numerics"),
    "compat.nets": (
        "compat.core",
        "compat.initializers",
        "compat.layers",
        "compat.pad",
        "compat.random",
        "compat.recurrent",
        "haiku_impl.numerics",
    ),
    "compat.recurrent": (
        "compat.core",
        "compat.initializers",
        "compat.layers",
        "compat.random",
        "compat.transforms",
        "haiku_impl.numerics",
    ),
    "compat.layers": (
        "compat.core",
        "compat.initializers",
        "compat.pad",
        "compat.random",
        "compat.transforms",
        "haiku_impl.numerics",
    ),
    "compat.optimizers": ("compat.core", "haiku_impl.numerics"),
    "compat.transforms": ("compat.core", "compat.random", "haiku_impl.core"),
    "compat.core": ("haiku_impl.core",),
    "rlax_impl": ("_support",),
    "haiku_impl": ("_support",),
    "haiku_impl.nets": (
        "haiku_impl.core",
        "haiku_impl.initializers",
        "haiku_impl.modules",
        "haiku_impl.numerics",
    ),
    "haiku_impl.recurrent": (
        "haiku_impl.core",
        "haiku_impl.initializers",
        "haiku_impl.modules",
        "haiku_impl.numerics",
        "haiku_impl.transforms",
    ),
    "haiku_impl.modules": (
        "haiku_impl.core",
        "haiku_impl.data_structures",
        "haiku_impl.initializers",
        "haiku_impl.numerics",
        "haiku_impl.pad",
    ),
    "haiku_impl.transforms": ("haiku_impl.core", "haiku_impl.data_structures"),
    "haiku_impl.tools": ("haiku_impl.core", "haiku_impl.data_structures"),
    "haiku_impl.core": ("haiku_impl.config", "haiku_impl.data_structures"),
    "haiku_impl.config": ("haiku_impl.core.thread_local",),
    "haiku_impl.data_structures": ("haiku_impl.config", "haiku_impl.core.typing"),
    "haiku_impl.numerics": (),
}
# The folders of the package; each imports those behind it.
PARTS = ("cli", "parity", "demo", "converters", "compat", "rlax_impl", "haiku_impl")

# Rooms that are read without JAX: the libraries that they import.
LIBRARIES = {
    "converters.format": {"cramjam", "crc32c", "ml_dtypes", "numpy"},
    "parity.recorder": {"ml_dtypes", "numpy", "sonnet", "tensorflow"},
}
# One runs in a process of its own, the other made the demo's checkpoint.
WITH_TENSORFLOW = {"parity.recorder.sonnet_side", "demo.train_sonnet"}


class Import(NamedTuple):
    """What a module imports: when it is read itself or later, ours or a library's."""

    module: str
    at_once: bool
    ours: bool


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def import_statements(
    node: ast.AST, at_once: bool = True
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for child in ast.iter_child_nodes(node):
        later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, at_once
        else:
            now = at_once and not later and not is_type_checking(child)
            yield from import_statements(child, now)


@cache
def modules() -> dict[str, Path]:
    """The files of the package by name; a face has its folder's."""
    paths = [path for part in PARTS for path in sorted((ROOT / part).rglob("*.py"))]
    found = {}
    for path in [*ROOT.glob("*.py"), *paths]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def targets(module: str, path: Path, node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not node.level:
        return [node.module or ""]
    folder = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    base = folder[: len(folder) - node.level + 1] + (node.module or "").split(".")
    names = [".".join(filter(None, [*base, alias.name])) for alias in node.names]
    return [name if name in modules() else name.rpartition(".")[0] for name in names]


@cache
def imports(module: str) -> list[Import]:
    path = modules()[module]
    return [
        Import(target, at_once, bool(isinstance(node, ast.ImportFrom) and node.level))
        for node, at_once in import_statements(ast.parse(path.read_text()))
        for target in targets(module, path, node)
    ]


def inside(module: str, room: str) -> bool:
    return module == room or module.startswith(room + ".")


def room_of(module: str) -> str:
    rooms = [room for room in ROOMS if inside(module, room)]
    return max(rooms, key=len, default="")


def test_every_folder_of_the_package_is_in_the_table():
    folders = {path.parent.relative_to(ROOT).parts[0] for path in ROOT.glob("*/*.py")}
    tests = {"benchmarks", "build", "examples", "parity_tests"}
    assert {f for f in folders if not f.startswith(".")} - tests == set(PARTS)
    assert set(PARTS) <= set(ROOMS)


def test_every_line_of_the_table_is_about_something():
    named = {*ROOMS, *LIBRARIES, *WITH_TENSORFLOW, *sum(ROOMS.values(), ())}
    assert named <= set(modules())


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_the_table_says(room):
    allowed = (room, *ROOMS[room])
    for module in filter(lambda module: room_of(module) == room, modules()):
        ours = [target.module for target in imports(module) if target.ours]
        wrong = [x for x in ours if not any(inside(x, name) for name in allowed)]
        assert not wrong, f"{module} imports {wrong}"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_no_more_than_it_uses(room):
    """So that the table does not allow what nobody needs."""
    own = [module for module in modules() if room_of(module) == room]
    used = [target.module for module in own for target in imports(module)]
    idle = [name for name in ROOMS[room] if not any(inside(x, name) for x in used)]
    assert not idle, f"{room} does not import {idle}"


@pytest.mark.parametrize("part", PARTS)
def test_a_part_imports_none_that_stands_above_it(part):
    above = PARTS[: PARTS.index(part)]
    for module in filter(lambda module: inside(module, part), modules()):
        wrong = [
            target.module
            for target in imports(module)
            if target.ours and target.module.split(".")[0] in above
        ]
        assert not wrong, f"{module} imports {wrong}"


def test_the_package_imports_itself_relatively():
    for module in modules():
        named = [x.module for x in imports(module) if inside(x.module, "sonnax")]
        assert not named, f"{module} imports {named}"


def test_no_files_import_each_other_in_a_circle():
    graph = {
        module: {x.module for x in imports(module) if x.ours and x.at_once} - {module}
        for module in modules()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


@pytest.mark.parametrize("room", LIBRARIES)
def test_a_room_that_is_read_without_jax_imports_few_libraries(room):
    for module in filter(lambda module: inside(module, room), modules()):
        libraries = {x.module.split(".")[0] for x in imports(module) if not x.ours}
        wrong = libraries - LIBRARIES[room] - sys.stdlib_module_names
        assert not wrong, f"{module} imports {wrong}"


def test_tensorflow_is_imported_where_the_table_says():
    libraries = {
        module: {x.module.split(".")[0] for x in imports(module) if not x.ours}
        for module in modules()
    }
    found = {m for m, names in libraries.items() if names & {"tensorflow", "sonnet"}}
    assert found == WITH_TENSORFLOW
