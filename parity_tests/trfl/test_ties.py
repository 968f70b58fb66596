"""Where two values are equal, gradients go where TensorFlow's go."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sonnet

from sonnax import compat as snt
from sonnax.haiku_impl.numerics import ties
from sonnax.parity_tests.trfl.trfl_parity import OURS, THEIRS, tf

NAN = float("nan")
PAIRS = [(1.0, 1.0), (1.0, 2.0), (2.0, 1.0), (NAN, 1.0), (1.0, NAN)]
TRIPLES = [(x, 0.0, 1.0) for x in (-1.0, 0.0, 0.5, 1.0, 2.0, NAN)] + [(0.5, 1.0, 0.0)]
NUMBERS = [(-2.0,), (0.0,), (3.0,), (NAN,)]
RETRACE = [np.full([2, 1, 2], x, np.float32) for x in (0.5, 1.5)]
FUNCTIONS = {
    "minimum": (ties.minimum, tf.minimum, PAIRS),
    "maximum": (ties.maximum, tf.maximum, PAIRS),
    "clip": (ties.clip, tf.clip_by_value, TRIPLES),
    "absolute": (ties.absolute, tf.abs, NUMBERS),
    "relu": (jax.nn.relu, tf.nn.relu, NUMBERS),
    "greatest": (
        lambda *x: jnp.max(jnp.stack(x)),
        lambda *x: tf.reduce_max(tf.stack(x)),
        PAIRS[:3],
    ),
    "huber_loss": (
        lambda x: OURS.trfl.huber_loss(x, 2.0),
        lambda x: THEIRS.trfl.huber_loss(x, 2.0),
        NUMBERS,
    ),
    "L1": (
        lambda x: snt.regularizers.L1(0.5)([x]),
        lambda x: sonnet.regularizers.L1(0.5)([x]),
        NUMBERS,
    ),
}


def in_tensorflow(function, x):
    tensors = [tf.constant(v, tf.float32) for v in x]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = function(*tensors)
    slopes = tape.gradient(value, tensors, unconnected_gradients="zero")
    return value.numpy(), [slope.numpy() for slope in slopes]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_gradients_at_ties_are_those_of_tensorflow(name):
    ours, theirs, inputs = FUNCTIONS[name]
    for x in inputs:
        arguments = [jnp.float32(v) for v in x]
        value, slopes = in_tensorflow(theirs, x)
        every = tuple(range(len(x)))
        np.testing.assert_array_equal(ours(*arguments), value)
        for derive in (jax.grad, jax.jacfwd):
            found = derive(ours, argnums=every)(*arguments)
            np.testing.assert_array_equal(found, slopes, str(x))


PROJECTED = [np.float32(x) for x in ([[-1.0, 0.0, 1.0, 2.0]], [[0.1, 0.2, 0.3, 0.4]])]
AT_TIES = {
    "atoms on atoms and at the ends": (
        lambda trfl, z, p, q: trfl.distribution_ops.l2_project(z, p, q),
        (*PROJECTED, np.float32([-1.0, 0.0, 1.0])),
    ),
    "pixels that stay": (
        lambda trfl, x: trfl.pixel_control_rewards(x, 2),
        (np.float32([0, 0, 1])[:, None, None, None, None] * np.ones([1, 1, 2, 4, 1]),),
    ),
}


@pytest.mark.parametrize("name", AT_TIES)
def test_gradients_at_ties_are_those_of_trfl(name):
    function, arrays = AT_TIES[name]
    arrays = [np.asarray(x, np.float32) for x in arrays]
    weights = np.cos(np.arange(np.size(function(OURS.trfl, *arrays)))).astype("f")

    def total(*x):
        return tf.reduce_sum(weights * tf.reshape(function(THEIRS.trfl, *x), [-1]))

    _, slopes = in_tensorflow(total, arrays)
    ours = jax.grad(lambda x: jnp.sum(weights * function(OURS.trfl, *x).ravel()))(
        arrays
    )
    for x, y in zip(ours, slopes, strict=True):
        np.testing.assert_allclose(x, y, rtol=2e-6, atol=2e-6)


def test_retrace_on_its_own_policy_has_the_gradient_of_trfl():
    half, values = RETRACE
    taken = np.zeros([2, 1], np.int32)
    ones = np.ones([2, 1], np.float32)

    def loss(trfl, policy):
        return trfl.retrace_core(
            *(1.0, values, taken, ones, ones, policy, 0.5 * ones, values, taken),
            stop_targnet_gradients=False,
        ).loss

    ours = jax.grad(lambda x: jnp.sum(loss(OURS.trfl, x)))(half)
    _, (theirs,) = in_tensorflow(lambda x: tf.reduce_sum(loss(THEIRS.trfl, x)), [half])
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_a_gradient_that_is_zero_is_clipped_with_a_finite_slope():
    def clipped(a):
        return OURS.trfl.dpg(
            lambda x: jnp.sum(x**2, axis=-1), a, dqda_clipping=1.0, clip_norm=True
        ).extra.dqda

    slopes = jax.jacobian(clipped)(jnp.zeros([1, 2]))
    np.testing.assert_array_equal(slopes[0, :, 0], 2 * np.eye(2))
