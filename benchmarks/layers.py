"""Compiled layers: the convolutions and the batch norm of a ResNet-50 step.

    python benchmarks/layers.py [--pairs 30] [--case NAME] [--quick] [--json FILE]

The layers of compat, as pure functions under `jax.jit`, stand beside Sonnet's under
`tf.function`. The sizes are those of the four stages that a batch of 8 images of 64 x
64 goes through: the smaller the image, the more channels.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax
import jax.numpy as jnp
import numpy as np
import sonnet as dm_sonnet
import taking_turns
import tensorflow as tf
from taking_turns import Row

from sonnax import compat as snt

BATCH = 8
STAGES = {16: 64, 8: 128, 4: 256, 2: 512}  # channels for each size


def conv(library: Any, relu: Any, channels: int) -> Callable[[Any], Any]:
    return library.Conv2D(channels, 3, with_bias=False)


def norm(library: Any, relu: Any, channels: int) -> Callable[[Any], Any]:
    layer = library.BatchNorm(True, True)
    return lambda x: relu(layer(x, is_training=True))


CONV, NORM = "3 x 3 convolution", "batch norm and relu"
LAYERS = {CONV: conv, NORM: norm}


def ours(layer: Any, x: np.ndarray, differentiated: bool) -> Callable[[], Any]:
    def f(x: jax.Array) -> jax.Array:
        return layer(snt, jax.nn.relu, x.shape[-1])(x)

    pure = snt.functional.transform_with_state(f)
    x = jnp.asarray(x)
    params, state = pure.init(x, rng=0)

    def forward(x: jax.Array) -> jax.Array:
        return pure.apply(params, state, x)[0]

    def gradient(x: jax.Array) -> jax.Array:
        return jax.grad(lambda x: jnp.sum(jnp.square(forward(x))))(x)

    run = jax.jit(gradient if differentiated else forward)
    return lambda: jax.block_until_ready(run(x))


def theirs(layer: Any, x: np.ndarray, differentiated: bool) -> Callable[[], Any]:
    net = layer(dm_sonnet, tf.nn.relu, x.shape[-1])
    x = tf.constant(x)

    @tf.function
    def forward(x: Any) -> Any:
        return net(x)

    @tf.function
    def gradient(x: Any) -> Any:
        return tf.gradients(tf.reduce_sum(tf.square(net(x))), x)[0]

    run = gradient if differentiated else forward
    return lambda: run(x).numpy()


def row(name: str, size: int, differentiated: bool, turns: int) -> Row:
    channels = STAGES[size]
    shape = (BATCH, size, size, channels)
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    calls = {
        "sonnax": ours(LAYERS[name], x, differentiated),
        "Sonnet": theirs(LAYERS[name], x, differentiated),
    }
    times = taking_turns.seconds_in_turns(calls, turns, limit=6)
    what = f"{name} on {size} x {size}, {channels} channels"
    if differentiated:
        what += ", with the input's gradient"
    peer = "Sonnet, `tf.function`"
    return taking_turns.compared(what, times["sonnax"], peer, times["Sonnet"])


def rows(options: argparse.Namespace) -> Iterator[Row]:
    made = [
        (CONV, size, differentiated) for size in STAGES for differentiated in (0, 1)
    ]
    made += [(NORM, size, 0) for size in STAGES]
    for name, size, differentiated in taking_turns.chosen(
        {" ".join(map(str, case)): case for case in made}, options
    ):
        yield row(name, size, bool(differentiated), options.pairs)


if __name__ == "__main__":
    taking_turns.main(__doc__, rows, turns=30)
