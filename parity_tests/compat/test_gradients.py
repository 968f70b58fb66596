"""Gradients beside TensorFlow's, with respect to variables and inputs."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf
import tree

from sonnax import compat as snt

from .cases import CASES
from .cases.case import precision
from .libraries import (
    COMPAT,
    SONNET,
    arrays,
    assert_close,
    equal_pair,
    variables_of,
)

DTYPES = ("float32", "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradients_are_tensorflows(case, dtype):
    case.skip_where_excluded(dtype, "gradients")
    if case.random:
        pytest.skip("its gradients are random")
    rtol = case.rtol if dtype == "float32" else case.rtol64
    with precision(dtype):
        theirs, ours = equal_pair(case, dtype)
        for i in sorted({len(case.calls) - 1, 0}):
            inputs = case.draw(dtype, i + 1)
            expected = tensorflow_gradients(case, theirs, inputs, case.calls[i])
            actual = our_gradients(case, ours, inputs, case.calls[i])
            # The sum loses digits that its addends have.
            assert_close(actual, expected, 3 * rtol, f"call {i}", "gradients")


def weights(shape):
    return np.random.default_rng(7).normal(size=shape)


def is_floating(leaf):
    return np.issubdtype(np.dtype(leaf.dtype), np.floating)


def loss(outputs, reduce_sum, cast):
    """A sum of all outputs, each element with a weight of its own."""
    total = 0.0
    for leaf in tree.flatten(outputs):
        if leaf is not None and "float" in str(leaf.dtype):
            total += reduce_sum(leaf * cast(weights(leaf.shape), leaf.dtype))
    return total


def tensorflow_gradients(case, module, inputs, kwargs):
    inputs = arrays(SONNET, inputs)
    differentiable = [x for x in tree.flatten(inputs) if x.dtype.is_floating]
    trainable = [v for v in variables_of(module) if v.trainable]
    with tf.GradientTape() as tape:
        tape.watch(differentiable)
        outputs = case.call(module, *inputs, **kwargs)
        value = loss(outputs, tf.reduce_sum, tf.cast)
    sources = [*trainable, *differentiable]
    gradients = tape.gradient(value, sources)
    return [
        np.zeros(s.shape, s.dtype.as_numpy_dtype) if g is None else dense(g)
        for g, s in zip(gradients, sources)
    ]


def dense(gradient):
    return tf.convert_to_tensor(gradient).numpy()


def our_gradients(case, module, inputs, kwargs):
    inputs = arrays(COMPAT, inputs)
    leaves, structure = jax.tree.flatten(inputs)
    floating = [i for i, leaf in enumerate(leaves) if is_floating(leaf)]
    trainable = [v for v in variables_of(module) if v.trainable]

    def f(chosen):
        merged = [*leaves]
        for i, leaf in zip(floating, chosen):
            merged[i] = leaf
        outputs = case.call(module, *jax.tree.unflatten(structure, merged), **kwargs)
        return loss(outputs, jnp.sum, jnp.asarray)

    differentiated = functools.partial(snt.grad, f, trainable, argnums=0)
    by_variable, by_input = snt.jit(differentiated())([leaves[i] for i in floating])
    return [*by_variable, *by_input]


def test_gradients_of_arguments_alone_leave_variables_as_constants():
    w = snt.Variable(3.0)
    f = lambda x, y: w * x * x * y
    assert float(snt.grad(f, argnums=0)(2.0, 5.0)) == 60.0
    value, (by_x, by_y) = snt.value_and_grad(f, argnums=(0, 1))(2.0, 5.0)
    assert (float(value), float(by_x), float(by_y)) == (60.0, 60.0, 12.0)
