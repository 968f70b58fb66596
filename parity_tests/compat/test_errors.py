"""What Sonnet refuses, compat refuses: with its exception, if that is a common one."""

import numpy as np
import pytest
import sonnet
import tensorflow as tf

from sonnax import compat

from .libraries import COMPAT, SONNET

X1, X2, X3 = (2, 5, 3), (2, 5, 5, 3), (2, 3)


def call(make, *shapes, **kwargs):
    """A call of a module on ones."""
    return lambda snt: make(snt)(
        *(snt.array(np.ones(shape, "float32")) for shape in shapes), **kwargs
    )


def second_call(make, first, second, dtype="float32"):
    def run(snt):
        module = make(snt)
        module(snt.array(np.ones(first, "float32")))
        return module(snt.array(np.ones(second, dtype)))

    return run


REFUSED = {
    "a vector for Linear": call(lambda snt: snt.Linear(2), (3,)),
    "ints for Linear": lambda snt: snt.Linear(2)(snt.array(np.ones(X3, "int32"))),
    "b_init without bias": lambda snt: snt.Linear(
        2, with_bias=False, b_init=snt.initializers.Ones()
    ),
    "another size for Linear": second_call(lambda snt: snt.Linear(2), X3, (2, 4)),
    "half for Linear": second_call(lambda snt: snt.Linear(2), X3, X3, "float16"),
    "rank 3 for Conv2D": call(lambda snt: snt.Conv2D(2, 3), X1),
    "a padding for Conv2D": call(lambda snt: snt.Conv2D(2, 3, padding="CAUSAL"), X2),
    "a format for Conv2D": lambda snt: snt.Conv2D(2, 3, data_format="HWN"),
    "three sizes for Conv2D": call(lambda snt: snt.Conv2D(2, [3, 3, 3]), X2),
    "three paddings for Conv2D": call(
        lambda snt: snt.Conv2D(2, 3, padding=[snt.pad.same] * 3), X2
    ),
    "stride and rate": call(lambda snt: snt.Conv2D(2, 3, stride=2, rate=2), X2),
    "four axes for ConvND": lambda snt: snt.ConvND(4, 2, 3, data_format="NHWC"),
    "b_init without bias of Conv1D": lambda snt: snt.Conv1D(
        2, 3, with_bias=False, b_init=snt.initializers.Ones()
    ),
    "lower case for Conv2DTranspose": lambda snt: snt.Conv2DTranspose(
        2, 3, padding="same"
    ),
    "a shape for Conv2DTranspose": call(
        lambda snt: snt.Conv2DTranspose(2, 3, output_shape=[9]), X2
    ),
    "a wrong shape for Conv2DTranspose": call(
        lambda snt: snt.Conv2DTranspose(2, 3, output_shape=[12, 9], stride=2), X2
    ),
    "three strides for Conv2DTranspose": call(
        lambda snt: snt.Conv2DTranspose(2, 3, stride=[1, 1, 1]), X2
    ),
    "a padding for DepthwiseConv2D": call(
        lambda snt: snt.DepthwiseConv2D(3, padding="foo"), X2
    ),
    "rank 3 for DepthwiseConv2D": call(lambda snt: snt.DepthwiseConv2D(3), X1),
    "scale_init without scale": lambda snt: snt.BatchNorm(
        False, True, scale_init=snt.initializers.Ones()
    ),
    "a scale for BatchNorm": call(
        lambda snt: snt.BatchNorm(True, True), X3, is_training=True, scale=1.0
    ),
    "BatchNorm without is_training": call(lambda snt: snt.BatchNorm(True, True), X3),
    "an axis of LayerNorm": lambda snt: snt.LayerNorm("channels", True, True),
    "another rank for LayerNorm": second_call(
        lambda snt: snt.LayerNorm(1, True, True), X3, X1
    ),
    "an axis that is not there": call(lambda snt: snt.LayerNorm(7, True, True), X3),
    "an offset for LayerNorm": call(
        lambda snt: snt.LayerNorm(1, True, True), X3, offset=1.0
    ),
    "two groups of three": call(lambda snt: snt.GroupNorm(2), X3),
    "another rank for GroupNorm": second_call(lambda snt: snt.GroupNorm(3), X3, X1),
    "a rate of 1": call(lambda snt: snt.Dropout(1.0), X3, is_training=True),
    "a rate that is no number": call(
        lambda snt: snt.Dropout("half"), X3, is_training=True
    ),
    "dropout of ints": lambda snt: snt.Dropout(0.5)(snt.array([1, 2]), True),
    "a noise shape": call(
        lambda snt: snt.Dropout(0.5, noise_shape=[3, 3]), X3, is_training=True
    ),
    "Embed of nothing": lambda snt: snt.Embed(),
    "Embed of both": lambda snt: snt.Embed(3, existing_vocab=np.ones([3, 2])),
    "Embed of none": lambda snt: snt.Embed(0),
    "Embed of a vector": lambda snt: snt.Embed(existing_vocab=[1.0, 2.0]),
    "ids too large": lambda snt: snt.Embed(5, 2)(snt.array([5])),
    "negative ids": lambda snt: snt.Embed(5, 2)(snt.array([-1])),
    "floating ids": lambda snt: snt.Embed(5, 2)(snt.array(np.ones(2, "float32"))),
    "a bias of the batch": call(lambda snt: snt.Bias(bias_dims=[0]), X3),
    "a bias of axis 3": call(lambda snt: snt.Bias(bias_dims=[3]), X3),
    "a bias of another size": call(lambda snt: snt.Bias(output_size=(4,)), X3),
    "another shape for Bias": second_call(lambda snt: snt.Bias(), X1, (2, 4, 3)),
    "a matrix for ParallelLinears": call(lambda snt: snt.ParallelLinears(2), X3),
    "BatchApply without arguments": call(lambda snt: snt.BatchApply(snt.Flatten())),
    "BatchApply of another batch": call(
        lambda snt: snt.BatchApply(lambda x: x[:-1]), X1
    ),
    "no preserved axes": lambda snt: snt.Reshape([1], preserve_dims=0),
    "too many preserved axes": call(lambda snt: snt.Reshape([1], 4), X1),
    "another number of elements": call(lambda snt: snt.Reshape([7]), X1),
    "two unknown sizes": call(lambda snt: snt.Reshape([-1, -1]), X1),
    "a reshape reversed before": lambda snt: snt.Reshape([1]).reversed(),
    "an array as a constant": lambda snt: snt.initializers.Constant([1, 2]),
    "a fraction as an int": lambda snt: snt.initializers.Constant(1.5)([2], np.int32),
    "an identity of one axis": lambda snt: snt.initializers.Identity()([2], np.float32),
    "Orthogonal of one axis": lambda snt: snt.initializers.Orthogonal()(
        [2], np.float32
    ),
    "normal ints": lambda snt: snt.initializers.RandomNormal()([2], np.int32),
    "complex zeros": lambda snt: snt.initializers.Zeros()([2], np.complex64),
    "a scale of zero": lambda snt: snt.initializers.VarianceScaling(0.0),
    "a mode": lambda snt: snt.initializers.VarianceScaling(mode="fan"),
    "a distribution": lambda snt: snt.initializers.VarianceScaling(distribution="x"),
    "a negative penalty": lambda snt: snt.regularizers.L1(-1.0),
    "a penalty on a vector": lambda snt: snt.regularizers.OffDiagonalOrthogonal(1.0)(
        [snt.array(np.ones(3, "float32"))]
    ),
    "a mean of nothing": lambda snt: snt.Mean().value,
    "an average of nothing": lambda snt: snt.ExponentialMovingAverage(0.9).value,
    "an average of ints": lambda snt: snt.ExponentialMovingAverage(0.9)(snt.array(3)),
    "a metric": lambda snt: snt.Metric(),
    "limits that are too large": lambda snt: snt.leaky_clip_by_value(
        snt.array(np.ones(2, "float32")), snt.array(np.zeros([3, 2], "float32")), 1.0
    ),
    "a name with a dash": lambda snt: snt.Linear(2, name="my-linear"),
    "variables before the call": lambda snt: snt.Linear(2).variables,
    "a deferred attribute": lambda snt: snt.Deferred(lambda: snt.Linear(2)).w,
}

COMMON = (ValueError, TypeError, AttributeError, KeyError, ZeroDivisionError)


@pytest.mark.parametrize("what", REFUSED)
def test_what_sonnet_refuses_compat_refuses(what):
    with pytest.raises(Exception) as theirs:
        REFUSED[what](SONNET)
    with pytest.raises(Exception) as ours:
        REFUSED[what](COMPAT)
    if theirs.type in COMMON:
        assert issubclass(ours.type, theirs.type), ours.value
    else:
        assert issubclass(theirs.type, tf.errors.OpError)
        assert issubclass(ours.type, (*COMMON, IndexError)), ours.value
    # The traceback ends in sonnax's own code, and says something.
    assert "sonnax" in ours.traceback[-1].frame.f_globals["__name__"]
    assert len(str(ours.value)) > 20


def test_constructors_without_super_are_refused():
    for snt in (sonnet, compat):

        class Careless(snt.Module):
            def __init__(self):
                pass

        with pytest.raises(ValueError, match="super"):
            Careless()


@pytest.mark.parametrize(("stride", "rate"), [(2, 2), ([1, 2], 3), (3, [2, 1])])
def test_a_strided_and_dilated_depthwise_convolution_is_refused(stride, rate):
    # Sonnet takes it; TensorFlow's documentation excludes it, and the result has not
    # even the size of a strided convolution.
    x = np.ones((1, 6, 6, 1), "float32")
    conv = sonnet.DepthwiseConv2D(2, stride=2, rate=2)
    assert conv(tf.constant(x)).shape == (1, 4, 4, 1)
    with pytest.raises(ValueError, match="one of them must be 1"):
        compat.DepthwiseConv2D(2, stride=stride, rate=rate)
