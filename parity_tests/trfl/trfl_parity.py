"""Runs the same calls in TRFL and in compat.trfl and compares what comes out."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tensorflow_probability.substrates.jax as jax_tfp
import trfl as their_trfl

from sonnax.compat import trfl
from sonnax.parity_tests import ledger

TOLERANCES = {"float32": 2e-6, "float64": 1e-10}


class Side(NamedTuple):
    """A library, and the distributions that go with its arrays."""

    trfl: Any
    distributions: Any


OURS = Side(trfl, jax_tfp.distributions)
THEIRS = Side(their_trfl, tfp.distributions)


class Case(NamedTuple):
    """A call, written once for both libraries, and its arrays.

    Floating arrays are cast to the type under test, and differentiated.
    """

    name: str
    call: Callable[..., Any]
    arrays: tuple[Any, ...]
    dtypes: tuple[str, ...] = ("float32", "float64")


def cast(array: Any, dtype: str) -> np.ndarray:
    array = np.asarray(array)
    return array.astype(dtype if array.dtype.kind == "f" else np.int32)


def leaves(output: Any) -> list[Any]:
    return [leaf for leaf in jax.tree.leaves(output) if leaf is not None]


def in_jax(case: Case, arrays: list[np.ndarray]) -> tuple[list[Any], list[Any]]:
    def call(*floats):
        rest = iter(floats)
        given = [next(rest) if x.dtype.kind == "f" else jnp.asarray(x) for x in arrays]
        return leaves(case.call(OURS, *given))

    floats = [jnp.asarray(x) for x in arrays if x.dtype.kind == "f"]
    outputs, pull_back = jax.vjp(jax.jit(call), *floats)
    return outputs, list(pull_back([weights(y) for y in outputs]))


def in_tensorflow(case: Case, arrays: list[np.ndarray]) -> tuple[list[Any], list[Any]]:
    tensors = [tf.constant(x) for x in arrays]
    floats = [x for x in tensors if x.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(floats)
        outputs = leaves(case.call(THEIRS, *tensors))
        total = tf.add_n(
            [
                tf.reduce_sum(y * tf.constant(np.asarray(weights(y)), y.dtype))
                for y in outputs
                if y.dtype.is_floating
            ]
        )
    gradients = tape.gradient(total, floats, unconnected_gradients="zero")
    return [y.numpy() for y in outputs], [
        tf.convert_to_tensor(g).numpy() for g in gradients
    ]


def weights(output: Any) -> Any:
    """A cotangent that tells the elements of an output apart."""
    shape = tuple(output.shape)
    values = np.cos(np.arange(int(np.prod(shape)))).reshape(shape)
    if isinstance(output, jax.Array):
        if not jnp.issubdtype(output.dtype, jnp.floating):
            return np.zeros(shape, jax.dtypes.float0)
        return jnp.asarray(values, output.dtype)
    return values


def assert_parity(case: Case, dtype: str) -> None:
    """Compares the structure, types, values and gradients of a case."""
    arrays = [cast(x, dtype) for x in case.arrays]
    with jax.enable_x64(dtype == "float64"), ledger.case(case.name):
        ours, our_gradients = in_jax(case, arrays)
    theirs, their_gradients = in_tensorflow(case, arrays)
    assert len(ours) == len(theirs), case.name
    for kind, of_ours, of_theirs in (
        ("values", ours, theirs),
        ("gradients", our_gradients, their_gradients),
    ):
        with ledger.case(case.name):
            ledger.report(kind, of_ours, of_theirs, dtype)
        for x, y in zip(of_ours, of_theirs, strict=True):
            assert x.dtype == y.dtype, f"{case.name}: {kind} {x.dtype} and {y.dtype}"
            np.testing.assert_allclose(
                x,
                y,
                rtol=TOLERANCES[dtype],
                atol=TOLERANCES[dtype],
                err_msg=f"{case.name}: {kind}, {dtype}",
            )
