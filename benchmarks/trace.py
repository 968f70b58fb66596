"""Tracing a model with haiku_impl, in this thread's time.

    python benchmarks/trace.py [--pairs 30] [--case NAME] [--quick] [--json FILE]

Each model is traced by haiku_impl, by dm-haiku and, where that makes sense, by the same
maths written by hand in JAX. The equations are those of `apply`, inner programs
included.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import haiku
import jax
import jax.numpy as jnp
import taking_turns
from taking_turns import Row

import sonnax.haiku_impl


class Model(NamedTuple):
    """A model, as a function of the library, and the same maths by hand."""

    name: str
    build: Callable[[Any], Callable[..., Any]]
    shape: tuple[int, ...]
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
    "MLP": Model("a 50-layer MLP", mlp, (8, WIDTH), mlp_by_hand),
    "ResNet-50": Model("ResNet-50", resnet, (1, 32, 32, 3)),
    "transformer": Model("a 12-layer transformer", transformer, (2, 8, WIDTH)),
    "LSTM": Model("a 20-step LSTM", lstm, (20, 4, WIDTH), lstm_by_hand),
}

SONNAX, HAIKU, BY_HAND = "sonnax", "dm-haiku", "by hand"
LIBRARIES = {SONNAX: sonnax.haiku_impl, HAIKU: haiku}


def tracers(model: Model) -> dict[str, dict[str, Callable[[], Any]]]:
    """Returns what traces `apply` and `init`, for each library and by hand."""
    init: dict[str, Callable[[], Any]] = {}
    apply: dict[str, Callable[[], Any]] = {}
    key, x = jax.random.PRNGKey(0), jnp.ones(model.shape)
    for name, hk in LIBRARIES.items():
        f = hk.transform_with_state(model.build(hk))
        params, state = jax.eval_shape(f.init, key, x)
        init[name] = _tracer(f.init, key, x)
        apply[name] = _tracer(f.apply, params, state, key, x)
    if model.by_hand is not None:
        apply[BY_HAND] = _tracer(model.by_hand, list(params.values()), x)
    return {"apply": apply, "init": init}


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


def rows(options: argparse.Namespace) -> Iterator[Row]:
    for model in taking_turns.chosen(MODELS, options):
        made = tracers(model)
        for function, calls in made.items():
            times = taking_turns.seconds_in_turns(
                calls, options.pairs, clock=time.thread_time
            )
            for peer in (name for name in (BY_HAND, HAIKU) if name in calls):
                what = f"tracing `{function}` of {model.name}"
                yield taking_turns.compared(what, times[SONNAX], peer, times[peer])
        counts = {
            name: equation_count(trace().jaxpr) for name, trace in made["apply"].items()
        }
        for peer in (name for name in (BY_HAND, HAIKU) if name in counts):
            what = f"program of {model.name}"
            yield taking_turns.compared(
                what, [counts[SONNAX]], peer, [counts[peer]], unit="equations"
            )


if __name__ == "__main__":
    taking_turns.main(__doc__, rows, turns=30)
