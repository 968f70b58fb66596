"""A compiled training step of compat: forward, backward and SGD.

    python benchmarks/train_step.py [--pairs 20] [--case NAME] [--quick] [--json FILE]

The same step of the same model is timed as a pure function under `jax.jit` and under
`snt.jit`, in Sonnet under `tf.function`, in dm-haiku and in hand-written JAX. The last
row is what a call costs that computes nothing: `snt.jit` of a function that changes 100
variables, and `jax.jit` of one that changes 100 arrays.
"""

import argparse
import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import haiku as dm_haiku
import jax
import jax.numpy as jnp
import numpy as np
import sonnet as dm_sonnet
import taking_turns
import tensorflow as tf
import train_step_by_hand as by_hand
from taking_turns import Row

from sonnax import compat as snt

RATE = 0.01
SECONDS_PER_TURN = 0.1
Step = Callable[[], Any]


INPUTS = {
    "MLP": (128, 64),
    "LSTM": (32, 32, 32),
    "VQ-VAE": (32, 16, 16, 3),
    "ResNet-50": (8, 64, 64, 3),
}


def inputs_of(model: str) -> np.ndarray:
    return np.random.default_rng(0).normal(size=INPUTS[model]).astype("float32")


def sonnet_model(library: Any, model: str, relu: Any, numpy: Any) -> Any:
    """Returns a module, of Sonnet or compat, and a function from inputs to a loss."""
    if model == "MLP":
        net = library.nets.MLP([256, 256, 10])
        return net, lambda x: numpy.mean(numpy.square(net(x)))
    if model == "ResNet-50":
        net = library.nets.ResNet50(10)
        return net, lambda x: numpy.mean(numpy.square(net(x, is_training=True) - 1.0))
    if model == "LSTM":
        net = library.LSTM(64)

        def lstm_loss(x: Any) -> Any:
            y, _ = library.dynamic_unroll(net, x, net.initial_state(x.shape[1]))
            return numpy.mean(numpy.square(y))

        return net, lstm_loss

    class VQVAE(library.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = library.Sequential(
                [library.Conv2D(32, 4, 2), relu, library.Conv2D(16, 1)]
            )
            self.codes = library.nets.VectorQuantizerEMA(16, 64, 0.25, 0.99)
            self.decoder = library.Sequential(
                [library.Conv2D(32, 3), relu, library.Conv2DTranspose(3, 4, stride=2)]
            )

        def __call__(self, x: Any) -> Any:
            quantized = self.codes(self.encoder(x), is_training=True)
            y = self.decoder(quantized["quantize"])
            return numpy.mean(numpy.square(y - x)) + quantized["loss"]

    net = VQVAE()
    return net, net


def gear_2(model: str) -> Step:
    x = jnp.asarray(inputs_of(model))
    net, loss = sonnet_model(snt, model, jax.nn.relu, jnp)
    optimizer = snt.optimizers.SGD(RATE)

    @functools.partial(snt.jit, donate_variables=True)
    def step(x: jax.Array) -> jax.Array:
        value, gradients = snt.value_and_grad(loss, net)(x)
        optimizer.apply(gradients, net.trainable_variables)
        return value

    return lambda: step(x)


def pure_step(value: Any, params: Any, state: Any, x: Any) -> Step:
    """Makes a step of a pure function `loss, state = value(params, state, x)`."""

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(params: Any, state: Any, x: Any) -> Any:
        (loss, state), gradients = jax.value_and_grad(value, has_aux=True)(
            params, state, x
        )
        params = jax.tree.map(lambda p, g: p - RATE * g, params, gradients)
        return params, state, loss

    held = [params, state]

    def call() -> Any:
        held[0], held[1], loss = step(*held, x)
        return loss

    return call


def gear_3(model: str) -> Step:
    x = jnp.asarray(inputs_of(model))
    f = snt.functional.transform_with_state(
        lambda x: sonnet_model(snt, model, jax.nn.relu, jnp)[1](x)
    )
    return pure_step(f.apply, *f.init(x, rng=0), x)


def sonnet(model: str) -> Step:
    x = tf.constant(inputs_of(model))
    net, loss = sonnet_model(dm_sonnet, model, tf.nn.relu, tf.experimental.numpy)
    optimizer = dm_sonnet.optimizers.SGD(RATE)

    @tf.function
    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss(x)
        variables = net.trainable_variables
        optimizer.apply(tape.gradient(value, variables), variables)
        return value

    return lambda: step(x).numpy()


def haiku(model: str) -> Step:
    x = jnp.asarray(inputs_of(model))

    def loss(x: Any) -> Any:
        if model == "MLP":
            return jnp.mean(jnp.square(dm_haiku.nets.MLP([256, 256, 10])(x)))
        if model == "ResNet-50":
            y = dm_haiku.nets.ResNet50(10)(x, is_training=True)
            return jnp.mean(jnp.square(y - 1.0))
        if model == "LSTM":
            core = dm_haiku.LSTM(64)
            y, _ = dm_haiku.dynamic_unroll(core, x, core.initial_state(x.shape[1]))
            return jnp.mean(jnp.square(y))
        relu = jax.nn.relu
        encoder = dm_haiku.Sequential(
            [dm_haiku.Conv2D(32, 4, 2), relu, dm_haiku.Conv2D(16, 1)]
        )
        decoder = dm_haiku.Sequential(
            [dm_haiku.Conv2D(32, 3), relu, dm_haiku.Conv2DTranspose(3, 4, stride=2)]
        )
        codes = dm_haiku.nets.VectorQuantizerEMA(16, 64, 0.25, 0.99)
        quantized = codes(encoder(x), is_training=True)
        y = decoder(quantized["quantize"])
        return jnp.mean(jnp.square(y - x)) + quantized["loss"]

    f = dm_haiku.without_apply_rng(dm_haiku.transform_with_state(loss))
    return pure_step(f.apply, *f.init(jax.random.key(0), x), x)


def hand_written(model: str) -> Step:
    params, state, loss = by_hand.MODELS[model]()
    return pure_step(loss, params, state, jnp.asarray(inputs_of(model)))


PURE, JIT, BY_HAND, HAIKU, SONNET = (
    "pure",
    "`snt.jit`",
    "by hand",
    "dm-haiku",
    "Sonnet, `tf.function`",
)
STEPS: dict[str, Callable[[str], Step]] = {
    BY_HAND: hand_written,
    PURE: gear_3,
    JIT: gear_2,
    HAIKU: haiku,
    SONNET: sonnet,
}
COMPARED = (
    (PURE, BY_HAND),
    (JIT, BY_HAND),
    (PURE, HAIKU),
    (PURE, SONNET),
    (JIT, SONNET),
)


def steps_of(model: str, options: argparse.Namespace) -> Iterator[Row]:
    steps = {name: make(model) for name, make in STEPS.items()}
    calls = {
        name: lambda step=step: jax.block_until_ready(step())
        for name, step in steps.items()
    }
    times = taking_turns.seconds_in_turns(
        calls, options.pairs, shortest_turn=SECONDS_PER_TURN
    )
    shape = " x ".join(map(str, INPUTS[model]))
    for ours, theirs in COMPARED:
        what = f"step of {model} on {shape}, {ours}"
        yield taking_turns.compared(what, times[ours], theirs, times[theirs])


def calls_of_nothing(options: argparse.Namespace) -> Iterator[Row]:
    variables = [snt.Variable(jnp.float32(i), trainable=False) for i in range(100)]

    @snt.jit
    def shift() -> None:
        for a, b in zip(variables, [*variables[1:], variables[0]]):
            a.assign(b.value())

    held = [[jnp.float32(i) for i in range(100)]]

    @jax.jit
    def plain(arrays: list[jax.Array]) -> list[jax.Array]:
        return [*arrays[1:], arrays[0]]

    def ours() -> None:
        shift()
        jax.block_until_ready(variables[0].value())

    def theirs() -> None:
        held[0] = plain(held[0])
        jax.block_until_ready(held[0][0])

    times = taking_turns.seconds_in_turns(
        {JIT: ours, "`jax.jit`": theirs}, options.pairs, shortest_turn=SECONDS_PER_TURN
    )
    what = "call of `snt.jit` that changes 100 variables"
    yield taking_turns.compared(what, times[JIT], "`jax.jit`", times["`jax.jit`"])


def rows(options: argparse.Namespace) -> Iterator[Row]:
    cases = {model: functools.partial(steps_of, model) for model in INPUTS}
    for case in taking_turns.chosen({**cases, "call": calls_of_nothing}, options):
        yield from case(options)


if __name__ == "__main__":
    taking_turns.main(__doc__, rows, turns=20)
