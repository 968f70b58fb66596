"""Cases of normalisation and of what it keeps track of."""

from .case import Case

TRAINING, EVALUATION = {"is_training": True}, {"is_training": False}
LOCAL = {"is_training": False, "test_local_stats": True}
STEPS = (TRAINING, TRAINING, EVALUATION, LOCAL, TRAINING)
X = (3, 4, 5, 2)


ASSIGNED = {"gradients": "TensorFlow has none through the variables of an average"}


def conditioned(norm, x, scale, offset, **kwargs):
    """Calls a norm whose scale and offset are passed to it."""
    return norm(x, scale=scale, offset=offset, **kwargs)


CASES = [
    Case("BatchNorm", lambda snt: snt.BatchNorm(True, True, 0.9), [(5, 3)], STEPS),
    # Of rank 4 and channels last TensorFlow has one fused operation.
    Case(
        "BatchNorm fused",
        lambda snt: snt.BatchNorm(True, True, 0.9),
        [X],
        STEPS,
        excluded={"float64": "TensorFlow's fused operation has float32 alone"},
    ),
    Case(
        "BatchNorm fused without scale",
        lambda snt: snt.BatchNorm(False, False, decay_rate=0.5, name="norm"),
        [X],
        STEPS,
        excluded={"float64": "TensorFlow's fused operation has float32 alone"},
    ),
    # 1 - 0.999^n has lost three digits, whatever computes the power.
    Case(
        "BatchNorm with the default decay",
        lambda snt: snt.BatchNorm(True, True),
        [(4, 6, 3)],
        STEPS,
        rtol=2e-4,
    ),
    Case(
        "BatchNorm channels first",
        lambda snt: snt.BatchNorm(
            True, False, 0.9, eps=1e-3, data_format="channels_first"
        ),
        [X],
        STEPS,
    ),
    Case(
        "BatchNorm with initial values",
        lambda snt: snt.BatchNorm(
            True,
            True,
            0.9,
            scale_init=snt.initializers.Constant(2.0),
            offset_init=snt.initializers.Ones(),
            data_format="NC",
        ),
        [(5, 3)],
        STEPS,
    ),
    Case(
        "BatchNorm conditioned",
        lambda snt: snt.BatchNorm(False, False, 0.9),
        [(5, 3), (5, 3), (3,)],
        STEPS,
        call=conditioned,
    ),
    Case(
        "BaseBatchNorm of means",
        lambda snt: snt.BaseBatchNorm(True, True, snt.Mean("m"), snt.Mean("v")),
        [(5, 3)],
        STEPS,
    ),
    Case(
        "distribute.CrossReplicaBatchNorm of one replica",
        lambda snt: snt.distribute.CrossReplicaBatchNorm(
            *(True, True),
            snt.ExponentialMovingAverage(0.9, name="m"),
            snt.ExponentialMovingAverage(0.9, name="v"),
        ),
        [(5, 3)],
        STEPS,
    ),
    Case("LayerNorm", lambda snt: snt.LayerNorm(-1, True, True), [(4, 5)]),
    Case(
        "LayerNorm of a slice",
        lambda snt: snt.LayerNorm(slice(1, None), True, True, eps=1e-2, name="ln"),
        [X],
    ),
    Case("LayerNorm of axes", lambda snt: snt.LayerNorm([1, -1], True, False), [X]),
    Case(
        "LayerNorm channels first",
        lambda snt: snt.LayerNorm(
            1,
            True,
            True,
            scale_init=snt.initializers.Constant(0.5),
            offset_init=snt.initializers.Ones(),
            data_format="NCHW",
        ),
        [X],
    ),
    Case(
        "LayerNorm conditioned",
        lambda snt: snt.LayerNorm(1, False, False),
        [(4, 5), (4, 5), (5,)],
        call=conditioned,
    ),
    Case("InstanceNorm", lambda snt: snt.InstanceNorm(True, True), [X]),
    Case(
        "InstanceNorm channels first",
        lambda snt: snt.InstanceNorm(True, True, data_format="channels_first"),
        [X],
    ),
    Case("GroupNorm", lambda snt: snt.GroupNorm(2), [(3, 4, 6)]),
    Case(
        "GroupNorm of the channels",
        lambda snt: snt.GroupNorm(3, axis=[2], eps=1e-2, name="g"),
        [(3, 4, 6)],
    ),
    Case("GroupNorm of space", lambda snt: snt.GroupNorm(3, axis=1), [(3, 4, 6)]),
    Case(
        "GroupNorm channels first",
        lambda snt: snt.GroupNorm(
            2,
            scale_init=snt.initializers.Constant(0.5),
            offset_init=snt.initializers.Ones(),
            data_format="NCW",
        ),
        [(3, 6, 4)],
    ),
    Case(
        "GroupNorm conditioned",
        lambda snt: snt.GroupNorm(2, create_scale=False, create_offset=False),
        [(3, 6), (3, 6), (6,)],
        call=conditioned,
    ),
    Case(
        "ExponentialMovingAverage",
        lambda snt: snt.ExponentialMovingAverage(0.9),
        [(3, 2)],
        ({},) * 4,
        excluded=ASSIGNED,
    ),
    Case("Mean", lambda snt: snt.Mean(), [(3, 2)], ({},) * 3, excluded=ASSIGNED),
    Case("Sum", lambda snt: snt.Sum("s"), [(3, 2)], ({},) * 3, excluded=ASSIGNED),
    Case(
        "Sum after a reset",
        lambda snt: snt.Sum(),
        [(3,)],
        ({},) * 2,
        call=lambda metric, x: (metric(x), metric.reset(), metric(x))[::2],
        excluded=ASSIGNED,
    ),
    Case(
        "Mean after a reset",
        lambda snt: snt.Mean(),
        [(3,)],
        ({},) * 2,
        call=lambda metric, x: (metric(x), metric.reset(), metric(x))[::2],
        excluded=ASSIGNED,
    ),
    Case(
        "ExponentialMovingAverage after a reset",
        lambda snt: snt.ExponentialMovingAverage(0.9),
        [(3,)],
        ({},) * 2,
        call=lambda metric, x: (metric(x), metric.reset(), metric(x))[::2],
        excluded=ASSIGNED,
    ),
]
