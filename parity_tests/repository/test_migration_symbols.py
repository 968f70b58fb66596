"""The tables of symbols in MIGRATION.md, against the libraries that they speak of."""

import functools
import importlib
import inspect
import re
import types

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import sonnet
import tensorflow as tf
import trfl

from sonnax import compat, converters
from sonnax import haiku_impl as hk
from sonnax import rlax_impl as rlax
from sonnax.compat import trfl as our_trfl

from .documents import parts, read, rows, without_code

# What the first part of a name in the right-hand cells means.
ROOTS = {
    "converters": converters,
    "hk": hk,
    "jax": jax,
    "jnp": jnp,
    "optax": optax,
    "rlax": rlax,
    "snt": compat,
    "trfl": our_trfl,
}
NAME = re.compile(rf"`((?:{'|'.join(ROOTS)})(?:\.\w+)+)")


def table(title):
    """[(line, cells)] of all tables in a section."""
    found = parts("MIGRATION.md", within=title)
    return [row for _, text, line in found for row in rows(text, line)]


SONNET_2 = table("Sonnet 2, symbol by symbol")
OTHER_NAMES = table("Other names")
TRFL = table("TRFL, RLax")
ONWARDS = "From compat to haiku_impl, optax and orbax"
IN_1 = "Sonnet 1, module by module"
SONNET_1 = table(IN_1)


def resolved(name):
    root, *attributes = name.split(".")
    value = ROOTS[root]
    for attribute in attributes:
        if isinstance(value, types.ModuleType) and not hasattr(value, attribute):
            value = importlib.import_module(f"{value.__name__}.{attribute}")
        else:
            value = getattr(value, attribute)
    return value


def public(library, name, seen):
    """The names of a library's public functions and classes, with their namespaces."""
    seen.add(library)
    for key in dir(library):
        value = getattr(library, key)
        if key.startswith("_"):
            continue
        if not isinstance(value, types.ModuleType):
            if callable(value):
                yield f"{name}.{key}"
        elif value not in seen and value.__name__.startswith(library.__name__[:6]):
            yield from public(value, f"{name}.{key}", seen)


def first_names(found):
    names = [cells[0].strip("`") for _, cells in found]
    assert len(set(names)) == len(names), "a row is there twice"
    return names


def test_every_public_name_of_sonnet_2_has_a_row():
    assert sorted(first_names(SONNET_2)) == sorted(public(sonnet, "snt", set()))


def test_every_public_name_of_trfl_has_a_row():
    expected = [
        f"trfl.{key}"
        for key, value in vars(trfl).items()
        if not key.startswith("_") and callable(value)
    ]
    assert sorted(first_names(TRFL)) == sorted(expected)


def test_every_module_of_sonnet_1_in_the_fixtures_has_a_row():
    source = read("parity_tests/converters/fixtures/make_sonnet1.py")
    used = set(re.findall(r"\bsnt\.(?:nets\.)?[A-Z]\w+", source))
    assert used - {"snt.SAME", "snt.VALID"} <= set(first_names(SONNET_1))


def test_every_name_in_the_text_exists():
    """But for Sonnet 1's own, in the first cells of its table."""
    for title, text, line in parts("MIGRATION.md"):
        if title == IN_1:
            text = re.sub(r"^\| `snt.*?\|", "|", text, flags=re.MULTILINE)
        for n, row in enumerate(without_code(text).split("\n"), line):
            for name in NAME.findall(row):
                try:
                    resolved(name)
                except (AttributeError, ImportError) as error:
                    raise AssertionError(f"line {n}: there is no {name}") from error


@pytest.mark.parametrize("found", [SONNET_2, TRFL, SONNET_1], ids=len)
def test_every_row_has_four_cells(found):
    assert [line for line, cells in found if len(cells) != 4] == []


@pytest.mark.parametrize("row", OTHER_NAMES, ids=lambda row: row[1][0])
def test_both_names_of_a_row_exist(row):
    _, (legacy, ported, _) = row
    path = legacy.strip("`").split(".")[1:]
    found = [
        functools.reduce(lambda x, y: getattr(x, y, None), path, root)
        for root in (tf, tf.compat.v1)
    ]
    assert any(found), f"TensorFlow has no {legacy}, 2 or 1"
    assert resolved(ported.strip("`")) is not None


def test_what_sonnax_adds_is_listed():
    ((_, text, _),) = parts("MIGRATION.md", within="What sonnax adds")
    for ours, theirs, name in (
        (compat, sonnet, "snt"),
        (compat.distribute, sonnet.distribute, "snt.distribute"),
        (compat.functional, sonnet.functional, "snt.functional"),
    ):
        added = [f"`{name}.{key}`" for key in ours.__all__ if not hasattr(theirs, key)]
        assert [each for each in added if each not in text] == []


def parameters(function):
    """{name: (whether it is needed, its default if that is a plain value)}."""
    if isinstance(function, type):
        function = function.__init__
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # protocols and types of typing have none
        return {}
    plain = bool | int | float | str | tuple | slice | None
    return {
        p.name: (
            p.default is p.empty,
            p.default if isinstance(p.default, plain) else "?",
        )
        for p in found
        if p.name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    }


def of(cell):
    """What the name that a cell begins with stands for, if it begins with one."""
    match = re.match(r"`([\w.]+)`", cell)
    return resolved(match[1]) if match else None


def untold(line, ours, other, note, renamed):
    """The arguments that the two do not share and the note does not name."""
    mine, their = parameters(ours), parameters(other)
    mine = {renamed.get(key, key): value for key, value in mine.items()}
    for key in {**mine, **their}:
        is_option = key not in mine and not their[key][0]
        if not is_option and mine.get(key) != their.get(key) and f"`{key}" not in note:
            yield line, ours.__name__, key


def test_the_notes_name_every_argument_in_which_haiku_and_optax_differ():
    compared, found = 0, []
    for line, (_, ours, other, note) in SONNET_2:
        ours, other = of(ours), of(other)
        if getattr(other, "__name__", "") == ours.__name__ or is_optax(other):
            compared += 1
            found += untold(line, ours, other, note, {})
    assert found == []
    assert compared > 60


def is_optax(function):
    return inspect.isfunction(function) and function.__module__.startswith("optax")


def test_the_notes_name_every_argument_in_which_rlax_differs():
    compared, found = 0, []
    for line, (_, ours, other, note) in TRFL:
        ours, other = of(ours), of(other)
        shared = set(parameters(ours)) & set(parameters(other))
        if 2 * len(shared) > len(parameters(other)):
            compared += 1
            missing = untold(line, ours, other, note, {"pcont_t": "discount_t"})
            found += [each for each in missing if each[2] != "name"]
    assert found == []
    assert compared > 12


OPTIMIZERS = rows(*parts("MIGRATION.md", within=ONWARDS)[0][1:])


@pytest.mark.parametrize("row", OPTIMIZERS, ids=lambda row: row[1][0])
def test_optax_has_the_rules_of_sonnets_optimizers(row):
    _, (ours, other, _) = row
    scope = {"snt": compat, "optax": optax, "rate": 0.1}
    optimizer, rule = (eval(cell.strip("`"), scope) for cell in (ours, other))
    w = jnp.array([1.0, -2.0])
    variable, state = compat.Variable(w), rule.init(w)
    for gradient in jnp.array([[0.1, -1.0], [0.4, 0.5], [0.7, 0.0]]):
        optimizer.apply([gradient], [variable])
        updates, state = rule.update(gradient, state, w)
        w = optax.apply_updates(w, updates)
    np.testing.assert_allclose(variable.numpy(), w, rtol=1e-5)
