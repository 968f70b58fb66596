"""How long a compiled training step takes, here, in the peers and by hand.

    python benchmarks/train_step.py [--rounds 20] [--json result.json] [--model NAME]

The same step (forward, backward, SGD) of the same model is timed in compat's second
gear (`snt.jit`) and third (pure functions), in Sonnet under `tf.function`, in dm-haiku
and in hand-written JAX: one after the other, again and again, in one run. Shown are
medians in milliseconds, and the median of each round's ratio to the hand-written step.
The last row is what a call costs that computes nothing: `snt.jit` of a function that
returns the values of 100 variables, and `jax.jit` of one that takes 100 arrays.
"""

import argparse
import functools
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import haiku as dm_haiku
import jax
import jax.numpy as jnp
import numpy as np
import rich.console
import rich.table
import sonnet as dm_sonnet
import tensorflow as tf
import train_step_by_hand as by_hand
from sonnax import compat as snt

RATE = 0.01
WARM_UP_CALLS = 3
SECONDS_PER_TURN = 0.1
CALLS_FOR_OVERHEAD = 200
Step = Callable[[], Any]


def inputs_of(model: str) -> np.ndarray:
    shapes = {
        "MLP": (128, 64),
        "ResNet-50": (8, 64, 64, 3),
        "LSTM": (32, 32, 32),
        "VQ-VAE": (32, 16, 16, 3),
    }
    return np.random.default_rng(0).normal(size=shapes[model]).astype("float32")


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


LIBRARIES: dict[str, Callable[[str], Step]] = {
    "by hand": hand_written,
    "gear 3": gear_3,
    "gear 2": gear_2,
    "dm-haiku": haiku,
    "Sonnet": sonnet,
}


def call_overhead(rounds: int) -> dict[str, list[float]]:
    """Times calls of functions that change 100 arrays without computing anything."""
    variables = [snt.Variable(jnp.float32(i), trainable=False) for i in range(100)]

    @snt.jit
    def ours() -> None:
        for a, b in zip(variables, [*variables[1:], variables[0]]):
            a.assign(b.value())

    held = [[jnp.float32(i) for i in range(100)]]

    @jax.jit
    def plain(arrays: list[jax.Array]) -> list[jax.Array]:
        return [*arrays[1:], arrays[0]]

    def theirs() -> None:
        held[0] = plain(held[0])

    times: dict[str, list[float]] = {"by hand": [], "gear 2": []}
    for call in (ours, theirs):
        for _ in range(WARM_UP_CALLS):
            call()
    calls = [("by hand", theirs), ("gear 2", ours)]
    for i in range(rounds):
        for name, call in calls[:: 1 if i % 2 else -1]:
            start = time.perf_counter()
            for _ in range(CALLS_FOR_OVERHEAD):
                call()
            jax.block_until_ready((held, variables[0].value()))
            times[name].append((time.perf_counter() - start) / CALLS_FOR_OVERHEAD)
    return times


def timed(step: Step, calls: int = 1) -> float:
    """Returns the seconds that a call takes, each waited for."""
    start = time.perf_counter()
    for _ in range(calls):
        jax.block_until_ready(step())
    return (time.perf_counter() - start) / calls


def compare(model: str, rounds: int) -> dict[str, list[float]]:
    """Returns the times of each library's step, round by round."""
    steps = {name: make(model) for name, make in LIBRARIES.items()}
    for step in steps.values():
        for _ in range(WARM_UP_CALLS):
            timed(step)
    # A short step is taken many times, so that a round is not all noise.
    calls = max(1, int(SECONDS_PER_TURN / timed(steps["by hand"])))
    times: dict[str, list[float]] = {name: [] for name in steps}
    names = list(steps)
    for i in range(rounds):
        # Each in turn comes first: what ran before has left its mark on the caches.
        for name in names[i % len(names) :] + names[: i % len(names)]:
            times[name].append(timed(steps[name], calls))
    return times


def summary(times: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    base = times["by hand"]
    return {
        name: {
            "milliseconds": 1000 * statistics.median(values),
            "ratio": statistics.median(v / b for v, b in zip(values, base)),
        }
        for name, values in times.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", help="a file to write the numbers to")
    parser.add_argument("--model", choices=by_hand.MODELS, help="only this one")
    arguments = parser.parse_args()

    models = [arguments.model] if arguments.model else list(by_hand.MODELS)
    results = {m: summary(compare(m, arguments.rounds)) for m in models}
    results["call"] = summary(call_overhead(arguments.rounds))

    table = rich.table.Table(title="A training step: milliseconds (ratio)")
    for column in ("model", *LIBRARIES):
        table.add_column(column, justify="left" if column == "model" else "right")
    for model, row in results.items():
        cells = (
            f"{row[name]['milliseconds']:.3g} ({row[name]['ratio']:.2f})"
            if name in row
            else ""
            for name in LIBRARIES
        )
        table.add_row(model, *cells)
    rich.console.Console().print(table)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(results, file, indent=2)


if __name__ == "__main__":
    main()
