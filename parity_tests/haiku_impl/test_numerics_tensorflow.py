"""The numerics that serve Sonnet, live against TensorFlow's operations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf

from sonnax.haiku_impl.numerics.convolution import convolution, depthwise_kernel
from sonnax.haiku_impl.numerics.moving_average import update_average_by_difference
from sonnax.haiku_impl.numerics.normalization import (
    bessel_corrected,
    moments,
    normalize,
    normalize_folded,
)
from sonnax.haiku_impl.numerics.transposed_convolution import (
    tensorflow_output_shape,
    tensorflow_transposed_convolution,
)

RNG = np.random.default_rng(0)


def normal(*shape, dtype=np.float64):
    return RNG.normal(size=shape).astype(dtype)


def assert_close(actual, expected, rtol=1e-10):
    np.testing.assert_allclose(actual, np.asarray(expected), rtol=rtol, atol=rtol)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(("strides", "dilation"), [((2, 3), (1, 1)), ((1, 1), (2, 3))])
def test_convolutions_pad_as_tensorflow_does(padding, strides, dilation):
    x, w = normal(2, 8, 9, 3), normal(3, 2, 3, 4)
    expected = tf.nn.convolution(x, w, strides, padding, dilations=dilation)
    actual = convolution(x, w, strides=strides, padding=padding, dilation=dilation)
    assert_close(actual, expected)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("size", [(4, 5), (5, 3)])
@pytest.mark.parametrize(
    ("window", "strides"),
    [((3, 3), (2, 2)), ((2, 5), (3, 1)), ((1, 2), (2, 3)), ((4, 3), (1, 1))],
)
def test_transposed_convolutions_are_gradients_of_convolutions(
    padding, size, window, strides
):
    x, w = normal(2, *size, 3), normal(*window, 4, 3)
    shape = tensorflow_output_shape(size, window, strides, (1, 1), padding)
    expected = tf.nn.conv_transpose(x, w, (2, *shape, 4), strides, padding)
    actual = tensorflow_transposed_convolution(x, w, strides=strides, padding=padding)
    assert_close(actual, expected)

    first = tensorflow_transposed_convolution(
        np.moveaxis(x, -1, 1), w, strides=strides, padding=padding, channel_index=1
    )
    assert_close(np.moveaxis(first, 1, -1), expected)


def test_transposed_convolutions_take_every_output_shape_that_leads_back():
    x, w = normal(1, 5, 3), normal(3, 4, 3)
    for size in (9, 10):
        expected = tf.nn.conv_transpose(x, w, (1, size, 4), 2, "SAME")
        actual = tensorflow_transposed_convolution(
            x, w, strides=(2,), padding="SAME", output_shape=(size,)
        )
        assert_close(actual, expected)
    with pytest.raises(ValueError, match="output size of 11 to 6"):
        tensorflow_transposed_convolution(
            x, w, strides=(2,), padding="SAME", output_shape=(11,)
        )


def test_dilated_transposed_convolutions_are_gradients_too():
    # TensorFlow has these on a GPU only.
    w, y = normal(3, 2, 4, 3), normal(2, 4, 5, 3)
    window = {"strides": (1, 1), "dilation": (2, 2)}
    for padding in ("SAME", "VALID"):
        shape = tensorflow_output_shape((4, 5), (3, 2), (1, 1), (2, 2), padding)
        _, gradient = jax.vjp(
            lambda x, p=padding: convolution(x, w, padding=p, **window),
            normal(2, *shape, 4),
        )
        actual = tensorflow_transposed_convolution(y, w, padding=padding, **window)
        assert_close(actual, *gradient(y))


def test_depthwise_kernels_keep_the_order_of_the_channels():
    x, w = normal(2, 5, 6, 3), normal(3, 3, 3, 2)
    expected = tf.nn.depthwise_conv2d(x, w, (1, 2, 2, 1), "SAME")
    actual = convolution(
        x, depthwise_kernel(w), strides=(2, 2), padding="SAME", groups=3
    )
    assert_close(actual, expected)


@pytest.mark.parametrize("mean", [0.0, 1e3])
@pytest.mark.parametrize("given", [False, True])
def test_folded_normalization_is_that_of_tensorflow(mean, given):
    x = normal(4, 6, dtype=np.float32) + np.float32(mean)
    scale, offset = (normal(6, dtype=np.float32) if given else None for _ in range(2))
    m, v = tf.nn.moments(x, [1], keepdims=True)
    expected = tf.nn.batch_normalization(x, m, v, offset, scale, 1e-5)
    actual = normalize_folded(jnp.asarray(x), m.numpy(), v.numpy(), scale, offset, 1e-5)
    # A large mean makes the order of the arithmetic show far above this.
    assert_close(actual, expected, rtol=2e-6 * max(1.0, mean / 10))
    assert_close(moments(jnp.asarray(x), (1,))[0], m, rtol=1e-6 * max(1.0, mean))


@pytest.mark.parametrize("shape", [(4, 3, 2, 5), (1, 1, 1, 3)])
def test_fused_batch_norm_corrects_the_moving_variance_only(shape):
    x, scale, offset = (
        normal(*s, dtype=np.float32) for s in (shape, shape[-1:], shape[-1:])
    )
    y, mean, variance, _, _ = tf.raw_ops.FusedBatchNormV2(
        x=x, scale=scale, offset=offset, mean=[], variance=[], epsilon=1e-3
    )
    m, v = moments(jnp.asarray(x), (0, 1, 2))
    assert_close(normalize(x, m, v, scale, offset, 1e-3), y, rtol=2e-6)
    assert_close(m.reshape(-1), mean, rtol=1e-6)
    count = x.size // shape[-1]
    assert_close(bessel_corrected(v, count).reshape(-1), variance, rtol=1e-6)


def test_moving_averages_by_difference_start_as_sonnet_does():
    hidden = average = jnp.zeros([], jnp.float32)
    reference = tf.Variable(0.0)
    for step, value in enumerate([1.0, 0.5, -2.0], start=1):
        hidden, average = update_average_by_difference(
            hidden, jnp.float32(value), jnp.int64(step), 0.999
        )
        reference.assign_sub((reference - value) * (1 - 0.999))
        expected = reference / (1.0 - tf.pow(0.999, tf.cast(step, tf.float32)))
        assert_close(average, expected, rtol=1e-7)
        if step == 1:
            assert f"{average:.7f}" == "1.0000129"
