"""The tables of TensorFlow operations in MIGRATION.md: each row runs on both sides."""

import functools

import jax
import numpy as np
import pytest
import tensorflow as tf

from .documents import blocks, parts, rows

SECTION = parts("MIGRATION.md", within="TensorFlow operation by operation")
TABLES = {title: rows(text, line) for title, text, line in SECTION[1:]}
TABLES = {title: table for title, table in TABLES.items() if table}
CLOSE = {"rtol": 1e-5, "atol": 1e-6}

# Tables of what is not a program on arrays.
EAGER = (
    "Dtypes",
    "Variables",
    "Batches, in the place of tf.data",
    "Strings, files and output",
)


@pytest.fixture(scope="module")
def namespaces():
    """What the two blocks at the top of the section define."""
    spaces = {True: {}, False: {}}
    _, text, line = SECTION[0]
    for is_legacy, _, code in blocks(text, line):
        exec(code, spaces[is_legacy])
    return spaces


def compiled(cell, line):
    assert cell[0] == cell[-1] == "`", f"line {line}: {cell} is no code"
    # Line numbers in a traceback are those of the document.
    return compile("\n" * (line - 1) + cell[1:-1], "MIGRATION.md", "eval")


def run_ported(subject, codes, namespace):
    """Evaluates the right-hand cells, those that XLA can compile as one program.

    Returns:
      the values, and which of them could not be compiled.
    """
    arrays = {k: v for k, v in namespace.items() if isinstance(v, jax.Array)}

    def run(code, arrays):
        return eval(code, {**namespace, **arrays})

    specs, eager = {}, set(range(len(codes)))
    if subject not in EAGER:
        for n, code in enumerate(codes):
            try:
                specs[n] = jax.eval_shape(functools.partial(run, code), arrays)
            except Exception:
                # It depends on values; an error of the row's own is raised below.
                continue
        eager -= set(specs)
    if subject.startswith("Random"):
        values = specs
    else:
        program = jax.jit(lambda arrays: {n: run(codes[n], arrays) for n in specs})
        values = program(arrays)
    return {**values, **{n: run(codes[n], {}) for n in sorted(eager)}}, eager


@pytest.mark.parametrize("subject", TABLES)
def test_both_cells_of_a_row_give_the_same(subject, namespaces):
    table = TABLES[subject]
    codes = [compiled(cells[1], line) for line, cells in table]
    values, eager = run_ported(subject, codes, namespaces[False])
    for n, (line, (legacy, ported, trap)) in enumerate(table):
        where = f"line {line}: {legacy} and {ported}"
        if n in eager and subject not in EAGER:
            assert "under jit" in trap, f"{where}: the trap does not say so"
        theirs = leaves(eval(compiled(legacy, line), namespaces[True]))
        ours = leaves(values[n])
        assert len(theirs) == len(ours), where
        for their, our in zip(theirs, ours):
            check(our, their, trap, where, only_shapes=subject.startswith("Random"))


def leaves(value):
    """The arrays, numbers and strings of a result, in order."""
    if isinstance(value, tf.TensorShape):
        return [*value]
    if isinstance(value, tf.Tensor | tf.Variable):
        return [value.numpy()]
    if isinstance(value, tuple | list):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, dict):
        return [leaf for key in sorted(value) for leaf in leaves(value[key])]
    return [np.asarray(value) if isinstance(value, jax.Array) else value]


def check(our, their, trap, where, only_shapes):
    assert np.shape(our) == np.shape(their), where
    if hasattr(their, "dtype") and hasattr(our, "dtype"):
        names = [their.dtype.name, our.dtype.name]
        told = [name for name in names if f"`{name}`" in trap]
        assert names[0] == names[1] or told == names, f"{where}: {names}, not told"
    if only_shapes:
        return
    if isinstance(their, str):
        assert our == their, where
        return
    ours, theirs = (np.asarray(each).astype(complex) for each in (our, their))
    np.testing.assert_allclose(ours, theirs, **CLOSE, err_msg=where)


def test_there_are_the_150_operations_that_models_use_most():
    legacy = [cells[0] for table in TABLES.values() for _, cells in table]
    assert len(set(legacy)) == len(legacy), "a row is there twice"
    assert len(legacy) >= 150
