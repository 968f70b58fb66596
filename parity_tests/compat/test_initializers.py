"""Initial values are equal in law to TensorFlow's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sonnet
from scipy import stats

from sonnax import compat as snt

from .libraries import assert_close

SHAPE = (40, 50)

INITIALIZERS = {
    "uniform": lambda i: i.RandomUniform(-1.0, 3.0),
    "normal": lambda i: i.RandomNormal(mean=1.0, stddev=0.5),
    "truncated": lambda i: i.TruncatedNormal(mean=1.0, stddev=0.5),
    "default": lambda i: i.VarianceScaling(),
    "glorot uniform": lambda i: i.VarianceScaling(1.0, "fan_avg", "uniform"),
    "he normal": lambda i: i.VarianceScaling(2.0, "fan_in", "normal"),
    "out truncated": lambda i: i.VarianceScaling(0.5, "fan_out"),
    "orthogonal": lambda i: i.Orthogonal(gain=2.0),
}


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("shape", [SHAPE, (3, 5, 20, 10)])
def test_draws_have_the_same_distribution(name, shape):
    sonnet_values = INITIALIZERS[name](sonnet.initializers)(shape, np.float32).numpy()
    snt.random.set_seed(3)
    values = INITIALIZERS[name](snt.initializers)(shape, np.float32)
    assert values.shape == shape
    assert values.dtype == np.float32
    # Kolmogorov and Smirnov: 0.09 has a probability of 1e-7 for equal distributions.
    distance = stats.ks_2samp(np.ravel(values), np.ravel(sonnet_values)).statistic
    assert distance < 0.09
    assert np.max(np.abs(values)) < 1.5 * np.max(np.abs(sonnet_values))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 3, 4)])
def test_orthogonal_matrices_are_orthogonal(shape):
    for initializers in (sonnet.initializers, snt.initializers):
        w = np.reshape(initializers.Orthogonal(2.0)(shape, np.float32), (-1, shape[-1]))
        gram = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
        np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-5)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_orthogonal_matrices_are_drawn_in_half_precision(dtype):
    # TensorFlow has no QR of these.
    w = snt.initializers.Orthogonal(2.0)((6, 4), dtype)
    assert w.dtype == dtype
    gram = w.astype(jnp.float32).T @ w.astype(jnp.float32)
    atol = 4 * 4 * float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(gram, 4 * np.eye(4), atol=atol)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (2, 3, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_fixed_values_are_sonnets(shape, dtype):
    for make in (
        lambda i: i.Zeros(),
        lambda i: i.Ones(),
        lambda i: i.Constant(2),
        lambda i: i.Identity(3.0),
    ):
        ours = make(snt.initializers)(shape, dtype)
        theirs = make(sonnet.initializers)(shape, dtype).numpy()
        assert_close([ours], [theirs], 0.0, "values")
        assert ours.dtype == theirs.dtype


def test_dtypes_of_any_origin_are_understood():
    import tensorflow as tf

    for dtype in (np.float32, "float32", tf.float32, jax.numpy.float32):
        assert snt.initializers.Ones()([2], dtype).dtype == np.float32
    assert snt.initializers.Ones()(tf.TensorShape([2]), tf.bfloat16).shape == (2,)


def test_draws_differ_and_repeat_with_the_seed():
    draw = lambda: np.asarray(snt.initializers.RandomNormal()([4], "float32"))
    snt.random.set_seed(1)
    first, second = draw(), draw()
    assert not np.array_equal(first, second)
    snt.random.set_seed(1)
    np.testing.assert_array_equal(draw(), first)


def test_a_seed_gives_the_same_values_at_each_call():
    for name in ("RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling"):
        init = getattr(snt.initializers, name)(seed=5)
        np.testing.assert_array_equal(init([3, 2], "f4"), init([3, 2], "f4"))
