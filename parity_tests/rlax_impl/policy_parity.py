"""Runs the same calls in RLax and in rlax_impl and compares what comes out."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sonnax.parity_tests import ledger
from sonnax.parity_tests.quick_compilation import OPTIONS

DTYPES = ["float32", "float64", "bfloat16", "float16"]

TOLERANCES = {"float32": 3e-6, "float64": 1e-10, "bfloat16": 3e-2, "float16": 4e-3}

# Rounded to 8 or 11 bits in every step, a gradient depends on the order of the steps.
GRADIENT_TOLERANCES = {
    "float32": 1e-5,
    "float64": 1e-10,
    "bfloat16": 0.15,
    "float16": 2e-2,
}

# The programs run once.
quickly_compiled = functools.partial(jax.jit, compiler_options=OPTIONS)


class Case(NamedTuple):
    """A call, written once for both libraries, and its arrays.

    Floating arrays are cast to the type under test, and differentiated; integer and
    boolean ones stay as they are.
    """

    name: str
    call: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    differentiable: bool = True


def distinct(cases: Iterable[Case]) -> list[Case]:
    """Numbers the cases of one name, of which the arrays or options differ."""
    found: list[Case] = []
    for case in cases:
        count = sum(other.name.partition(" #")[0] == case.name for other in found)
        found.append(case._replace(name=f"{case.name} #{count + 1}") if count else case)
    return found


def precision(dtype: str) -> contextlib.AbstractContextManager:
    return jax.enable_x64(True) if dtype == "float64" else contextlib.nullcontext()


def cast(arrays: tuple[np.ndarray, ...], dtype: str) -> list[jax.Array]:
    return [jnp.asarray(x, dtype if x.dtype.kind == "f" else None) for x in arrays]


def assert_parity(
    cases: Sequence[Case],
    ours: Any,
    theirs: Any,
    dtype: str,
    tolerance: float | None = None,
) -> None:
    """Compares values and gradients of all cases in the two libraries.

    All cases of a library are one compiled program, which is the fastest. A
    `tolerance` is for what rounds more than other functions do.
    """
    with precision(dtype):
        arrays = [cast(case.arrays, dtype) for case in cases]
        of_ours, of_theirs = (
            quickly_compiled(functools.partial(evaluate, cases, lib))(arrays)
            for lib in (ours, theirs)
        )
    for case, x, y in zip(cases, of_ours, of_theirs):
        with named(case):
            ledger.report("values", x[0], y[0], dtype)
            values = tolerance or TOLERANCES[dtype]
            assert_same(x[0], y[0], values, kind=None)
            ledger.report("gradients", x[1], y[1], dtype)
            assert_same(x[1], y[1], tolerance or GRADIENT_TOLERANCES[dtype], kind=None)


def evaluate(
    cases: Sequence[Case], library: Any, arrays: list[list[jax.Array]]
) -> list[tuple[Any, Sequence[jax.Array]]]:
    """Gives the value of each case, and its gradients where it has them."""
    found = []
    for case, of_case in zip(cases, arrays):
        with ledger.case(case.name):
            found.append(
                value_and_gradients(functools.partial(case.call, library), of_case)
                if case.differentiable
                else (case.call(library, *of_case), ())
            )
    return found


def value_and_gradients(
    call: Callable[..., Any], arrays: list[jax.Array]
) -> tuple[Any, Sequence[jax.Array]]:
    """Gives the value, and pulls a fixed cotangent back to every floating argument."""
    floating = [i for i, x in enumerate(arrays) if is_floating(x)]

    def of_floats(*floats):
        everything = list(arrays)
        for i, x in zip(floating, floats):
            everything[i] = x
        value = call(*everything)
        return [y for y in jax.tree.leaves(value) if is_floating(y)], value

    outputs, pull_back, value = jax.vjp(
        of_floats, *(arrays[i] for i in floating), has_aux=True
    )
    cotangents = [
        jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape) for y in outputs
    ]
    return value, pull_back(cotangents)


def is_floating(x: Any) -> bool:
    return jnp.issubdtype(jnp.result_type(x), jnp.floating)


def assert_same(
    ours: Any,
    theirs: Any,
    tolerance: float,
    same_types: bool = True,
    kind: str | None = "values",
) -> None:
    """Compares the leaves of two trees: number, shape, type, value.

    What is found counts as the kind, unless that is None: the second are not RLax's.
    """
    ours, theirs = jax.tree.leaves(ours), jax.tree.leaves(theirs)
    if kind:
        ledger.report(kind, ours, theirs)
    assert len(ours) == len(theirs)
    for x, y in zip(ours, theirs):
        if same_types:
            assert jnp.result_type(x) == jnp.result_type(y), "types differ"
        assert jnp.shape(x) == jnp.shape(y), "shapes differ"
        np.testing.assert_allclose(
            np.asarray(x, np.float64),
            np.asarray(y, np.float64),
            rtol=tolerance,
            atol=tolerance,
        )


def assert_same_under_jit_and_vmap(cases: Sequence[Case], library: Any) -> None:
    """Compares a compiled batch of two examples with the two, one by one."""
    first = [cast(case.arrays, "float32") for case in cases]
    second = jax.tree.map(lambda x: jnp.flip(x) if x.ndim else x, first)
    batches = jax.tree.map(lambda *pair: jnp.stack(pair), first, second)

    def compiled(evaluate):
        return quickly_compiled(
            lambda inputs: [
                evaluate(functools.partial(case.call, library))(*x)
                for case, x in zip(cases, inputs)
            ]
        )

    alone = compiled(lambda call: call)
    for case, together, *apart in zip(
        cases, compiled(jax.vmap)(batches), alone(first), alone(second)
    ):
        for i, example in enumerate(apart):
            with named(case):
                of_batch = jax.tree.map(lambda x, i=i: x[i], together)
                assert_same(of_batch, example, 1e-5, kind=None)


@contextlib.contextmanager
def named(case: Case):
    """Says which case is compared, to the ledger and at the start of a failure."""
    try:
        with ledger.case(case.name):
            yield
    except AssertionError as error:
        raise AssertionError(f"{case.name}: {error}") from error
