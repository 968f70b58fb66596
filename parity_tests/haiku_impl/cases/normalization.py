"""Cases of normalisation and of moving averages."""

from typing import Any

import jax
import numpy as np

from .case import Case, called, initial, twice


def tree_of(x: jax.Array) -> dict[str, dict[str, Any]]:
    return {"linear": {"w": x, "b": x[:1]}, "mlp/~/linear": {"w": 2 * x}}


def trained(module: Any, **options: Any) -> Any:
    """Trains a module for a step, then evaluates it."""

    def run(x):
        return module(x, is_training=True), module(x, is_training=False, **options)

    return run


def scaled(module: Any) -> Any:
    """Passes scale and offset at call time."""
    return lambda x, scale, offset: module(x, scale=scale, offset=offset)


NORMALIZATION = [
    Case("BatchNorm", lambda hk: trained(hk.BatchNorm(True, True, 0.9)), [(4, 3, 2)]),
    Case(
        "BatchNorm with test_local_stats",
        lambda hk: trained(hk.BatchNorm(True, True, 0.9, 1e-2), test_local_stats=True),
        [(4, 2)],
    ),
    Case(
        "BatchNorm with initial values",
        lambda hk: trained(
            hk.BatchNorm(
                *(True, True, 0.5),
                scale_init=initial(hk, "uniform"),
                offset_init=initial(hk, "normal"),
                name="bn",
            )
        ),
        [(4, 2)],
    ),
    Case(
        "BatchNorm, first",
        lambda hk: trained(hk.BatchNorm(True, True, 0.9, data_format="NC...")),
        [(4, 2, 3)],
    ),
    Case(
        "BatchNorm over an axis",
        lambda hk: trained(hk.BatchNorm(True, True, 0.9, axis=[0])),
        [(4, 3, 2)],
    ),
    Case(
        "BatchNorm without parameters",
        lambda hk: trained(hk.BatchNorm(False, False, 0.9)),
        [(4, 2)],
    ),
    Case(
        "BatchNorm with parameters passed",
        lambda hk: (
            lambda x, s, o: hk.BatchNorm(False, False, 0.9)(x, True, scale=s, offset=o)
        ),
        [(4, 3, 2), (2,), (3, 2)],
    ),
    Case(
        "BatchNorm across replicas",
        lambda hk: hk.vmap(
            called(hk.BatchNorm(True, True, 0.9, cross_replica_axis="i"), True),
            axis_name="i",
            split_rng=False,
        ),
        [(4, 3, 2)],
    ),
    Case(
        "BatchNorm across groups of replicas",
        lambda hk: jax.pmap(
            called(
                hk.BatchNorm(
                    *(False, False, 0.9),
                    cross_replica_axis="i",
                    cross_replica_axis_index_groups=[[0]],
                ),
                is_training=False,
                test_local_stats=True,
            ),
            axis_name="i",
        ),
        [(1, 3, 2)],
    ),
    Case("LayerNorm", lambda hk: hk.LayerNorm(-1, True, True), [(4, 3, 2)]),
    Case(
        "LayerNorm of a slice",
        lambda hk: hk.LayerNorm(slice(1, None), True, True, name="l"),
        [(4, 3, 2)],
    ),
    Case(
        "LayerNorm of axes",
        lambda hk: hk.LayerNorm([-1, 1], True, True, param_axis=1),
        [(4, 3, 2)],
    ),
    Case(
        "LayerNorm, parameters of axes",
        lambda hk: hk.LayerNorm(1, True, False, 1e-2, param_axis=(1, -1)),
        [(4, 3, 2)],
    ),
    Case(
        "LayerNorm, fast",
        lambda hk: hk.LayerNorm(-1, False, True, use_fast_variance=True),
        [(4, 5)],
    ),
    Case(
        "LayerNorm without parameters",
        lambda hk: hk.LayerNorm(-1, False, False),
        [(4, 5)],
    ),
    Case(
        "LayerNorm with initial values",
        lambda hk: hk.LayerNorm(
            *(-1, True, True),
            scale_init=initial(hk, "uniform"),
            offset_init=initial(hk, "normal"),
        ),
        [(4, 5)],
    ),
    Case(
        "LayerNorm with parameters passed",
        lambda hk: scaled(hk.LayerNorm(-1, False, False)),
        [(4, 3, 5), (5,), (1, 3, 1)],
    ),
    Case(
        "InstanceNorm", lambda hk: hk.InstanceNorm(True, True, name="i"), [(2, 3, 4, 2)]
    ),
    Case(
        "InstanceNorm, first, with initial values",
        lambda hk: hk.InstanceNorm(
            *(True, True, 1e-2),
            initial(hk, "uniform"),
            initial(hk, "normal"),
            data_format="NCHW",
        ),
        [(2, 3, 4, 2)],
    ),
    Case("RMSNorm", lambda hk: hk.RMSNorm(-1), [(4, 5)]),
    Case(
        "RMSNorm of a slice",
        lambda hk: hk.RMSNorm(slice(1, None), 1e-2, name="r"),
        [(4, 3, 5)],
    ),
    Case("RMSNorm of axes", lambda hk: hk.RMSNorm([1, 2], param_axis=1), [(4, 3, 5)]),
    Case(
        "RMSNorm with initial values",
        lambda hk: hk.RMSNorm(-1, scale_init=initial(hk, "uniform")),
        [(4, 5)],
    ),
    Case(
        "RMSNorm without scale", lambda hk: hk.RMSNorm(-1, create_scale=False), [(4, 5)]
    ),
    Case("GroupNorm", lambda hk: hk.GroupNorm(2), [(3, 2, 4)]),
    Case(
        "GroupNorm of axes",
        lambda hk: hk.GroupNorm(2, axis=[1], eps=1e-2, name="g"),
        [(3, 2, 4)],
    ),
    Case("GroupNorm of the last", lambda hk: hk.GroupNorm(2, axis=2), [(3, 2, 4)]),
    Case(
        "GroupNorm of a slice",
        lambda hk: hk.GroupNorm(2, slice(2, None)),
        [(3, 2, 5, 4)],
    ),
    Case(
        "GroupNorm, first",
        lambda hk: hk.GroupNorm(2, data_format="NCHW"),
        [(3, 4, 2, 2)],
    ),
    Case(
        "GroupNorm without parameters",
        lambda hk: hk.GroupNorm(2, create_scale=False, create_offset=False),
        [(3, 4)],
    ),
    Case(
        "GroupNorm with initial values",
        lambda hk: hk.GroupNorm(
            2, scale_init=initial(hk, "uniform"), offset_init=initial(hk, "normal")
        ),
        [(3, 4)],
    ),
    Case(
        "GroupNorm with parameters passed",
        lambda hk: scaled(hk.GroupNorm(2, create_scale=False, create_offset=False)),
        [(3, 2, 4), (4,), (2, 4)],
    ),
    Case("SpectralNorm", lambda hk: twice(hk.SpectralNorm()), [(3, 4)]),
    Case(
        "SpectralNorm of a kernel",
        lambda hk: twice(hk.SpectralNorm(1e-2, 3, name="s")),
        [(2, 3, 4)],
    ),
    Case(
        "SpectralNorm without update",
        lambda hk: twice(called(hk.SpectralNorm(), False)),
        [(3, 4)],
    ),
    Case(
        "SpectralNorm.sigma",
        lambda hk: sigma_before_and_after(hk.SpectralNorm()),
        [(3, 4)],
    ),
    Case(
        "SNParamsTree",
        lambda hk: lambda x: hk.SNParamsTree(1e-3, 2, ".*b$", name="t")(tree_of(x)),
        [(3, 4)],
    ),
    Case(
        "SNParamsTree without update",
        lambda hk: lambda x: hk.SNParamsTree()(tree_of(x), False),
        [(3, 4)],
    ),
    Case(
        "ExponentialMovingAverage",
        lambda hk: twice(hk.ExponentialMovingAverage(0.9)),
        [(3,)],
    ),
    Case(
        "ExponentialMovingAverage, biased",
        lambda hk: twice(hk.ExponentialMovingAverage(0.9, False)),
        [(3,)],
    ),
    Case(
        "ExponentialMovingAverage, warming up",
        lambda hk: twice(hk.ExponentialMovingAverage(0.9, False, 1, name="w")),
        [(3,)],
    ),
    Case(
        "ExponentialMovingAverage without update",
        lambda hk: twice(called(hk.ExponentialMovingAverage(0.9), update_stats=False)),
        [(3,)],
    ),
    Case(
        "ExponentialMovingAverage of a Python number",
        lambda hk: lambda: hk.ExponentialMovingAverage(np.float32(0.9))(2.0),
        [],
    ),
    Case(
        "ExponentialMovingAverage.initialize",
        lambda hk: initialized(hk.ExponentialMovingAverage(0.9)),
        [(3,)],
    ),
    Case(
        "EMAParamsTree",
        lambda hk: lambda x: hk.EMAParamsTree(0.9)(tree_of(x)),
        [(3, 4)],
    ),
    Case(
        "EMAParamsTree, warming up",
        lambda hk: lambda x: hk.EMAParamsTree(0.9, False, 2, "mlp.*", "t")(tree_of(x)),
        [(3, 4)],
    ),
    Case(
        "EMAParamsTree without update",
        lambda hk: lambda x: hk.EMAParamsTree(0.9)(tree_of(x), False),
        [(3, 4)],
    ),
]


def sigma_before_and_after(norm: Any) -> Any:
    def run(x):
        before = norm.sigma
        norm(x)
        return before, norm.sigma, norm.u0

    return run


def initialized(ema: Any) -> Any:
    def run(x):
        ema.initialize(x)
        before = ema.average
        return before, ema(x), ema.average

    return run
