"""Tracing the demo's model: `apply` of the ported module beside the maths by hand.

    python benchmarks/demo_trace.py [--repeats 200] [--json]

The two are traced in turns, and the ratio is taken pair by pair.
"""

import argparse
import json
import statistics
import time

import jax
import jax.numpy as jnp
from rich.console import Console
from rich.table import Table
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


def seconds(f, *args):
    fresh = lambda *args: f(*args)  # JAX does not trace one function twice
    start = time.perf_counter()
    jax.make_jaxpr(fresh)(*args)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    model = snt.functional.transform_with_state(
        lambda images: DigitClassifier()(images, is_training=False)
    )
    images = jnp.ones([8, 8, 8, 1])
    params, state = model.init(images, rng=jax.random.key(0))

    def ported(params, state, images):
        return model.apply(params, state, images)[0]

    inputs = (params, state, images)
    assert jnp.allclose(ported(*inputs), by_hand(*inputs), atol=1e-5)
    for f in (ported, by_hand):
        seconds(f, *inputs)
    pairs = [
        (seconds(ported, *inputs), seconds(by_hand, *inputs))
        for _ in range(args.repeats)
    ]
    counts = [len(jax.make_jaxpr(f)(*inputs).eqns) for f in (ported, by_hand)]
    report = {
        "ported_ms": statistics.median(a for a, _ in pairs) * 1e3,
        "by_hand_ms": statistics.median(b for _, b in pairs) * 1e3,
        "ratio": statistics.median(a / b for a, b in pairs),
        "ported_equations": counts[0],
        "by_hand_equations": counts[1],
        "repeats": args.repeats,
    }
    if args.json:
        print(json.dumps(report, indent=2))
        return
    table = Table(title="Tracing the demo's model in evaluation mode")
    for heading in ("", "time", "equations"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name in ("ported", "by_hand"):
        milliseconds = f"{report[f'{name}_ms']:.2f} ms"
        table.add_row(name, milliseconds, str(report[f"{name}_equations"]))
    Console().print(table)
    print(f"ratio, pair by pair: {report['ratio']:.3f}")


if __name__ == "__main__":
    main()
