"""How long it takes to trace a model, and how many equations that gives.

    python benchmarks/trace.py [--pairs 30] [--json result.json] [--model NAME]

Each model is traced by haiku_impl, by dm-haiku and, where that makes sense, by the same
maths written by hand in JAX; one after the other, again and again, in one run. Shown
are medians, and the median of the ratios pair by pair.
"""

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import haiku
import jax
import jax.numpy as jnp
import rich.console
import rich.table
import sonnax.haiku_impl


class Model(NamedTuple):
    """A model, as a function of the library, and the same maths by hand."""

    build: Callable[[Any], Callable[..., Any]]
    inputs: tuple[Any, ...]
    by_hand: Callable[..., Any] | None = None


WIDTH = 64


def mlp(hk: Any) -> Callable[..., Any]:
    return lambda x: hk.nets.MLP([WIDTH] * 50)(x)


def mlp_by_hand(layers: list[Any], x: jax.Array) -> jax.Array:
    for i, layer in enumerate(layers):
        x = x @ layer["w"] + layer["b"]
        if i < len(layers) - 1:
            x = jax.nn.relu(x)
    return x


def resnet(hk: Any) -> Callable[..., Any]:
    return lambda x: hk.nets.ResNet50(10)(x, is_training=True)


def transformer(hk: Any) -> Callable[..., Any]:
    def block(x: jax.Array) -> jax.Array:
        init = hk.initializers.VarianceScaling(1.0)
        h = hk.LayerNorm(-1, True, True)(x)
        x = x + hk.MultiHeadAttention(4, 16, w_init=init, model_size=WIDTH)(h, h, h)
        h = hk.LayerNorm(-1, True, True)(x)
        return x + hk.nets.MLP([4 * WIDTH, WIDTH], activation=jax.nn.gelu)(h)

    def f(x: jax.Array) -> jax.Array:
        for _ in range(12):
            x = block(x)
        return hk.LayerNorm(-1, True, True)(x)

    return f


def lstm(hk: Any) -> Callable[..., Any]:
    def f(xs: jax.Array) -> Any:
        core = hk.LSTM(WIDTH)
        return hk.static_unroll(core, xs, core.initial_state(xs.shape[1]))

    return f


def lstm_by_hand(layers: list[Any], xs: jax.Array) -> Any:
    (layer,) = layers
    hidden = cell = jnp.zeros([xs.shape[1], WIDTH])
    outputs = []
    for x in xs:
        gated = jnp.concatenate([x, hidden], -1) @ layer["w"] + layer["b"]
        i, g, f, o = jnp.split(gated, 4, -1)
        f = jax.nn.sigmoid(f + 1)
        cell = f * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        outputs.append(hidden)
    return jnp.stack(outputs), (hidden, cell)


MODELS = {
    "MLP-50": Model(mlp, (jnp.ones([8, WIDTH]),), mlp_by_hand),
    "ResNet-50": Model(resnet, (jnp.ones([1, 32, 32, 3]),)),
    "transformer-12": Model(transformer, (jnp.ones([2, 8, WIDTH]),)),
    "LSTM-20": Model(lstm, (jnp.ones([20, 4, WIDTH]),), lstm_by_hand),
}

LIBRARIES = {"haiku_impl": sonnax.haiku_impl, "dm-haiku": haiku}


def tracers(model: Model) -> dict[tuple[str, str], Callable[[], Any]]:
    """Returns what traces `init` and `apply`, for each library and by hand."""
    made: dict[tuple[str, str], Callable[[], Any]] = {}
    key = jax.random.PRNGKey(0)
    for name, hk in LIBRARIES.items():
        f = hk.transform_with_state(model.build(hk))
        params, state = jax.jit(f.init)(key, *model.inputs)
        made["init", name] = _tracer(f.init, key, *model.inputs)
        made["apply", name] = _tracer(f.apply, params, state, key, *model.inputs)
    if model.by_hand is not None:
        layers = list(params.values())
        made["apply", "by hand"] = _tracer(model.by_hand, layers, *model.inputs)
    return made


def _tracer(f: Callable[..., Any], *args: Any) -> Callable[[], Any]:
    # A new function each time, since JAX would not trace the same one again.
    return lambda: jax.make_jaxpr(lambda *args: f(*args))(*args)


def equation_count(jaxpr: Any) -> int:
    """Counts the equations of a program, those of inner programs included."""
    inner = jax.tree.leaves([list(eqn.params.values()) for eqn in jaxpr.eqns])
    programs = [getattr(p, "jaxpr", p) for p in inner]
    return len(jaxpr.eqns) + sum(
        equation_count(p) for p in programs if hasattr(p, "eqns")
    )


def measure(model: Model, pairs: int) -> list[dict[str, Any]]:
    """Times the tracers of a model in turn."""
    candidates = tracers(model)
    equations = {k: equation_count(trace().jaxpr) for k, trace in candidates.items()}
    times: dict[tuple[str, str], list[float]] = {key: [] for key in candidates}
    for _ in range(pairs):
        for key, trace in candidates.items():
            gc.collect()
            # The time of this thread, since other programs may run beside it.
            start = time.thread_time()
            trace()
            times[key].append(time.thread_time() - start)

    def ratio(key: tuple[str, str], base: tuple[str, str]) -> float | None:
        if base not in times:
            return None
        return statistics.median(a / b for a, b in zip(times[key], times[base]))

    return [
        {
            "function": key[0],
            "library": key[1],
            "milliseconds": 1e3 * statistics.median(times[key]),
            "to_by_hand": ratio(key, ("apply", "by hand"))
            if key[0] == "apply"
            else None,
            "to_dm_haiku": ratio(key, (key[0], "dm-haiku")),
            "equations": equations[key],
        }
        for key in sorted(times)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--pairs", type=int, default=30, help="how often each is traced"
    )
    parser.add_argument("--json", help="write the numbers to this file")
    parser.add_argument("--model", choices=MODELS, help="measure one model only")
    options = parser.parse_args()

    table = rich.table.Table(title=f"Tracing time, medians of {options.pairs}")
    for title in ("model", "function", "library"):
        table.add_column(title)
    for title in ("ms", "x by hand", "x dm-haiku", "equations"):
        table.add_column(title, justify="right")
    results = {}
    for name, model in MODELS.items():
        if options.model not in (None, name):
            continue
        results[name] = measure(model, options.pairs)
        for row in results[name]:
            ratios = (row["to_by_hand"], row["to_dm_haiku"])
            table.add_row(
                name,
                row["function"],
                row["library"],
                f"{row['milliseconds']:.2f}",
                *("" if r is None else f"{r:.2f}" for r in ratios),
                str(row["equations"]),
            )
        table.add_section()
    rich.console.Console().print(table)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=2)


if __name__ == "__main__":
    main()
