"""Cases of whole networks, small ones."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .case import Case, called, initial, key

SMALL = {"blocks_per_group": (1, 1, 1, 2), "channels_per_group": (4, 4, 8, 8)}
FIRST = {"output_channels": 4, "kernel_shape": 3, "stride": 1}


def reversed_mlp(hk: Any, *args: Any, **options: Any) -> Any:
    def run(x):
        mlp = hk.nets.MLP([4, 3], activate_final=True)
        code = mlp(x)
        return mlp.reverse(*args, **options)(code)

    return run


def resnet(hk: Any, *args: Any, **options: Any) -> Any:
    return called(hk.nets.ResNet(*args, **{**SMALL, **options}), is_training=True)


def quantized_twice(vq: Any) -> Any:
    def run(x):
        first = vq(x, is_training=True)
        return first, vq(x, is_training=False), vq.quantize(np.array([1, 2]))

    return run


NETS = [
    Case("nets.MLP", lambda hk: hk.nets.MLP([4, 3], name="m"), [(2, 5)]),
    Case("nets.MLP of nothing", lambda hk: hk.nets.MLP([]), [(2, 5)]),
    Case(
        "nets.MLP with everything",
        lambda hk: hk.nets.MLP(
            iter([4, 3]),
            w_init=initial(hk, "he_uniform"),
            b_init=initial(hk, "normal"),
            activation=jnp.tanh,
            activate_final=True,
        ),
        [(2, 5)],
    ),
    Case(
        "nets.MLP without bias",
        lambda hk: hk.nets.MLP([4, 3], with_bias=False),
        [(2, 5)],
    ),
    Case(
        "nets.MLP, dropout",
        lambda hk: lambda x: hk.nets.MLP([4, 4, 3])(x, 0.4, key()),
        [(2, 5)],
    ),
    Case("nets.MLP.reverse", lambda hk: reversed_mlp(hk), [(2, 5)]),
    Case(
        "nets.MLP.reverse with a name",
        lambda hk: reversed_mlp(hk, False, name="back"),
        [(2, 5)],
    ),
    Case(
        "nets.MobileNetV1",
        lambda hk: called(
            hk.nets.MobileNetV1((1, 2), (4, 8), num_classes=3, name="m"), True
        ),
        [(2, 9, 9, 2)],
    ),
    Case(
        "nets.MobileNetV1 without norm",
        lambda hk: called(hk.nets.MobileNetV1((2,), (4,), 3, use_bn=False), False),
        [(2, 9, 9, 2)],
    ),
    Case(
        "nets.ResNet, version 1",
        lambda hk: resnet(
            hk,
            num_classes=3,
            initial_conv_config=FIRST,
            logits_config={"w_init": initial(hk, "uniform")},
        ),
        [(2, 8, 8, 2)],
    ),
    Case(
        "nets.ResNet, version 2",
        lambda hk: resnet(
            hk,
            num_classes=3,
            bn_config={"decay_rate": 0.5},
            resnet_v2=True,
            bottleneck=False,
            use_projection=(True, False, True, True),
            initial_conv_config=FIRST,
            strides=(1, 1, 2, 2),
            logits_config={"w_init": initial(hk, "uniform"), "name": "head"},
            name="r",
        ),
        [(2, 8, 8, 2)],
    ),
    Case(
        "nets.VectorQuantizer",
        lambda hk: quantized_twice(hk.nets.VectorQuantizer(3, 5, 0.25, name="v")),
        [(2, 4, 3)],
    ),
    Case(
        "nets.VectorQuantizer across replicas",
        lambda hk: vq_of_replicas(
            hk.nets.VectorQuantizer(3, 5, 0.25, cross_replica_axis="i")
        ),
        [(4, 6, 3)],
    ),
    Case(
        "nets.VectorQuantizerEMA",
        lambda hk: quantized_twice(
            hk.nets.VectorQuantizerEMA(3, 5, 0.25, 0.9, name="v")
        ),
        [(2, 4, 3)],
    ),
    Case(
        "nets.VectorQuantizerEMA with everything",
        lambda hk: (
            lambda x: hk.vmap(
                called(
                    hk.nets.VectorQuantizerEMA(
                        *(3, 5, 0.25, np.float32(0.5)),
                        epsilon=1e-2,
                        dtype=x.dtype,
                        cross_replica_axis="i",
                    ),
                    is_training=True,
                ),
                axis_name="i",
                split_rng=False,
            )(x)
        ),
        [(4, 6, 3)],
    ),
]


def vq_of_replicas(vq: Any) -> Any:
    def run(x):
        _ = vq.embeddings
        return jax.vmap(lambda x: vq(x, is_training=False), axis_name="i")(x)

    return run
