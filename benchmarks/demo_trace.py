"""Tracing the demo's model, a compat module, in evaluation mode.

    python benchmarks/demo_trace.py [--pairs 50] [--quick] [--json FILE]

`apply` of the ported module stands beside the same maths written by hand in JAX.
"""

import argparse
import time
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import taking_turns
from taking_turns import Row

from sonnax import compat as snt
from sonnax.demo.model import DigitClassifier

EPS = 1e-5


def by_hand(params, state, images):
    """The demo's model in evaluation mode, written with jax alone."""
    x = images
    for i, stride in enumerate((1, 2)):
        suffix = f"_{i}" if i else ""
        conv = params[f"digit_classifier/conv2_d{suffix}"]
        norm = params[f"digit_classifier/batch_norm{suffix}"]
        scope = f"digit_classifier/batch_norm{suffix}/moving_"
        mean = state[f"{scope}mean"]["average"]
        variance = state[f"{scope}variance"]["average"]
        x = jax.lax.conv_general_dilated(
            x,
            conv["w"],
            (stride, stride),
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        inv = jax.lax.rsqrt(variance + EPS) * norm["scale"]
        x = jax.nn.relu((x - mean) * inv + norm["offset"])
    x = jnp.reshape(x, (x.shape[0], -1))
    hidden = params["digit_classifier/mlp/linear_0"]
    out = params["digit_classifier/mlp/linear_1"]
    x = jax.nn.relu(jnp.dot(x, hidden["w"]) + hidden["b"])
    return jnp.dot(x, out["w"]) + out["b"]


def rows(options: argparse.Namespace) -> Iterator[Row]:
    model = snt.functional.transform_with_state(
        lambda images: DigitClassifier()(images, is_training=False)
    )
    images = jnp.ones([8, 8, 8, 1])
    inputs = (*jax.jit(model.init)(images, rng=jax.random.key(0)), images)
    sides = {
        "sonnax": lambda *inputs: model.apply(*inputs)[0],
        "by hand": by_hand,
    }
    ours, theirs = (f(*inputs) for f in sides.values())
    assert jnp.allclose(ours, theirs, atol=1e-5)

    def tracer(f):
        # A new function each time, since JAX would not trace the same one again.
        return lambda: jax.make_jaxpr(lambda *inputs: f(*inputs))(*inputs)

    calls = {name: tracer(f) for name, f in sides.items()}
    times = taking_turns.seconds_in_turns(calls, options.pairs, clock=time.thread_time)
    what = "tracing `apply` of the demo's model"
    yield taking_turns.compared(what, times["sonnax"], "by hand", times["by hand"])
    counts = {name: [len(trace().eqns)] for name, trace in calls.items()}
    yield taking_turns.compared(
        "program of the demo's model",
        counts["sonnax"],
        "by hand",
        counts["by hand"],
        unit="equations",
    )


if __name__ == "__main__":
    taking_turns.main(__doc__, rows, turns=50)
