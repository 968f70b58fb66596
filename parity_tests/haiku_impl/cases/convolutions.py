"""Cases of convolutions and pooling."""

import jax
import numpy as np

from .case import Case, called, initial

KERNEL_MASK = np.arange(3 * 2 * 4).reshape(3, 2, 4) % 3 > 0

CONVOLUTIONS = [
    Case("ConvND", lambda hk: hk.ConvND(2, 3, (2, 3), name="c"), [(2, 5, 6, 2)]),
    Case("Conv1D", lambda hk: hk.Conv1D(4, 3), [(2, 6, 2)]),
    Case("Conv1D, unbatched", lambda hk: hk.Conv1D(4, 3), [(6, 2)]),
    Case("Conv1D, valid", lambda hk: hk.Conv1D(4, 3, padding="VALID"), [(2, 6, 2)]),
    Case(
        "Conv1D, lower case", lambda hk: hk.Conv1D(4, 3, padding="valid"), [(1, 6, 2)]
    ),
    Case("Conv1D, stride", lambda hk: hk.Conv1D(4, 3, 2), [(2, 6, 2)]),
    Case("Conv1D, dilated", lambda hk: hk.Conv1D(4, 3, rate=2), [(2, 6, 2)]),
    Case(
        "Conv1D, causal", lambda hk: hk.Conv1D(4, 3, padding=hk.pad.causal), [(2, 6, 2)]
    ),
    Case("Conv1D, pads", lambda hk: hk.Conv1D(4, 3, padding=[(0, 2)]), [(2, 6, 2)]),
    Case(
        "Conv1D without bias", lambda hk: hk.Conv1D(4, 3, with_bias=False), [(2, 6, 2)]
    ),
    Case("Conv1D, NCW", lambda hk: hk.Conv1D(4, 3, data_format="NCW"), [(2, 2, 6)]),
    Case("Conv1D, masked", lambda hk: hk.Conv1D(4, 3, mask=KERNEL_MASK), [(2, 6, 2)]),
    Case(
        "Conv1D with initial values",
        lambda hk: hk.Conv1D(
            4, 3, w_init=initial(hk, "he_uniform"), b_init=initial(hk, "normal")
        ),
        [(2, 6, 2)],
    ),
    Case(
        "Conv1D in groups",
        lambda hk: hk.Conv1D(4, 3, feature_group_count=2),
        [(2, 6, 4)],
    ),
    Case(
        "Conv1D with precision",
        lambda hk: called(hk.Conv1D(4, 3), precision=jax.lax.Precision.HIGHEST),
        [(2, 6, 2)],
    ),
    Case("Conv2D", lambda hk: hk.Conv2D(3, (2, 3), (1, 2)), [(2, 5, 6, 2)]),
    Case(
        "Conv2D, functions and rates",
        lambda hk: hk.Conv2D(
            3,
            (2, 3),
            rate=(1, 2),
            padding=[hk.pad.full, hk.pad.reverse_causal],
            data_format="NCHW",
        ),
        [(2, 2, 5, 6)],
    ),
    Case("Conv2D, pair", lambda hk: hk.Conv2D(3, 3, padding=(1, 2)), [(1, 5, 6, 2)]),
    Case("Conv3D", lambda hk: hk.Conv3D(3, 2, padding=hk.pad.same), [(2, 3, 3, 3, 2)]),
    Case(
        "Conv3D, first",
        lambda hk: hk.Conv3D(3, 2, data_format="NCDHW"),
        [(2, 2, 3, 3, 3)],
    ),
    Case(
        "ConvNDTranspose",
        lambda hk: hk.ConvNDTranspose(2, 3, 3, 2, name="t"),
        [(2, 3, 4, 2)],
    ),
    Case("Conv1DTranspose", lambda hk: hk.Conv1DTranspose(4, 3, 2), [(2, 5, 2)]),
    Case("Conv1DTranspose, unbatched", lambda hk: hk.Conv1DTranspose(4, 3), [(5, 2)]),
    Case(
        "Conv1DTranspose, valid",
        lambda hk: hk.Conv1DTranspose(4, 3, 2, padding="VALID", with_bias=False),
        [(2, 5, 2)],
    ),
    Case(
        "Conv1DTranspose to a shape",
        lambda hk: hk.Conv1DTranspose(4, 3, 2, output_shape=9),
        [(2, 5, 2)],
    ),
    Case(
        "Conv1DTranspose to a shape, valid",
        lambda hk: hk.Conv1DTranspose(4, 3, 2, [12], "VALID", data_format="NCW"),
        [(2, 2, 5)],
    ),
    Case(
        "Conv1DTranspose, pads",
        lambda hk: hk.Conv1DTranspose(4, 3, 2, padding=[(1, 2)]),
        [(2, 5, 2)],
    ),
    Case(
        "Conv1DTranspose, masked",
        lambda hk: hk.Conv1DTranspose(2, 3, mask=KERNEL_MASK),
        [(2, 5, 4)],
    ),
    Case(
        "Conv1DTranspose with initial values",
        lambda hk: hk.Conv1DTranspose(
            2, 3, w_init=initial(hk, "uniform"), b_init=initial(hk, "normal")
        ),
        [(2, 5, 4)],
    ),
    Case(
        "Conv2DTranspose",
        lambda hk: hk.Conv2DTranspose(3, (2, 3), (1, 2)),
        [(1, 3, 4, 2)],
    ),
    Case(
        "Conv2DTranspose, first",
        lambda hk: hk.Conv2DTranspose(3, 3, 2, data_format="NCHW"),
        [(1, 2, 3, 4)],
    ),
    Case("Conv3DTranspose", lambda hk: hk.Conv3DTranspose(2, 2, 2), [(1, 2, 2, 2, 2)]),
    Case("DepthwiseConv1D", lambda hk: hk.DepthwiseConv1D(2, 3), [(2, 6, 3)]),
    Case(
        "DepthwiseConv2D", lambda hk: hk.DepthwiseConv2D(2, 3, (1, 2)), [(2, 5, 6, 3)]
    ),
    Case(
        "DepthwiseConv2D, first",
        lambda hk: hk.DepthwiseConv2D(1, (2, 3), data_format="NCHW", name="d"),
        [(2, 3, 5, 6)],
    ),
    Case(
        "DepthwiseConv2D, pads and rates",
        lambda hk: hk.DepthwiseConv2D(
            2, 3, rate=2, padding=((1, 0), (2, 2)), with_bias=False
        ),
        [(2, 5, 6, 3)],
    ),
    Case(
        "DepthwiseConv2D with initial values",
        lambda hk: hk.DepthwiseConv2D(
            2, 3, w_init=initial(hk, "uniform"), b_init=initial(hk, "normal")
        ),
        [(2, 5, 6, 3)],
    ),
    Case("DepthwiseConv3D", lambda hk: hk.DepthwiseConv3D(2, 2), [(1, 3, 3, 3, 2)]),
    Case(
        "SeparableDepthwiseConv2D",
        lambda hk: hk.SeparableDepthwiseConv2D(2, 3, 2, name="s"),
        [(2, 5, 6, 3)],
    ),
    Case(
        "SeparableDepthwiseConv2D with everything",
        lambda hk: hk.SeparableDepthwiseConv2D(
            2,
            (2, 3),
            padding="VALID",
            with_bias=False,
            w_init=initial(hk, "uniform"),
            b_init=initial(hk, "normal"),
            data_format="NCHW",
        ),
        [(2, 3, 5, 6)],
    ),
    Case(
        "max_pool", lambda hk: called(hk.max_pool, (2, 1), (1, 1), "VALID"), [(2, 5, 3)]
    ),
    Case(
        "max_pool, numbers", lambda hk: called(hk.max_pool, 2, 1, "SAME"), [(2, 5, 3)]
    ),
    Case(
        "max_pool, first", lambda hk: called(hk.max_pool, 2, 2, "SAME", 1), [(2, 3, 5)]
    ),
    Case(
        "max_pool of all",
        lambda hk: called(hk.max_pool, 2, 2, "SAME", None),
        [(2, 3, 4)],
    ),
    Case(
        "avg_pool", lambda hk: called(hk.avg_pool, (2, 1), (1, 1), "VALID"), [(2, 5, 3)]
    ),
    Case(
        "avg_pool, same",
        lambda hk: called(hk.avg_pool, (3, 1), (2, 1), "SAME"),
        [(2, 5, 3)],
    ),
    Case(
        "avg_pool, first", lambda hk: called(hk.avg_pool, 2, 2, "SAME", 1), [(2, 3, 5)]
    ),
    Case(
        "MaxPool",
        lambda hk: hk.MaxPool((2, 1), (2, 1), "SAME", -1, name="m"),
        [(2, 5, 3)],
    ),
    Case(
        "AvgPool",
        lambda hk: hk.AvgPool(2, 2, "SAME", channel_axis=1, name="a"),
        [(2, 3, 5)],
    ),
]
