"""How long the compiled value functions of rlax_impl and of RLax run.

    python benchmarks/rlax_value.py [--pairs 200] [--json result.json] [--case NAME]

The two libraries take turns on the same arrays, in one run. Shown are the medians, and
the median of the ratios pair by pair: below 1, rlax_impl is faster.
"""

import argparse
import functools
import json
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import rich.console
import rich.table
import rlax
from sonnax import rlax_impl

LIBRARIES = {"rlax_impl": rlax_impl, "RLax": rlax}
RNG = np.random.default_rng(0)
ACTIONS, ATOMS = 18, 51


class Case(NamedTuple):
    """A function of one sequence or transition, and how many there are at once."""

    call: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    batched: bool
    differentiated: int | None = None


def sequences(*shape: int) -> dict[str, np.ndarray]:
    pi = RNG.dirichlet(np.ones(ACTIONS), size=shape)
    arrays = {
        "r_t": RNG.normal(size=shape),
        "discount_t": RNG.uniform(0.9, 1.0, size=shape),
        "v_t": RNG.normal(size=shape),
        "v_tm1": RNG.normal(size=shape),
        "values": RNG.normal(size=(*shape[:-1], shape[-1] + 1)),
        "rho_tm1": np.exp(RNG.normal(size=shape)),
        "q_tm1": RNG.normal(size=(*shape, ACTIONS)),
        "q_t": RNG.normal(size=(*shape, ACTIONS)),
        "pi_t": pi,
        "mu_t": RNG.uniform(0.1, 1.0, size=shape),
    }
    floats = {name: x.astype(np.float32) for name, x in arrays.items()}
    actions = RNG.integers(0, ACTIONS, size=(2, *shape), dtype=np.int32)
    return floats | {"a_tm1": actions[0], "a_t": actions[1]}


def of_sequences(
    name: str,
    arguments: str,
    *shape: int,
    gradient_of: int | None = None,
    **options: Any,
) -> Case:
    data = sequences(*shape)
    return Case(
        lambda lib, *x: getattr(lib, name)(*x, **options),
        tuple(data[argument] for argument in arguments.split()),
        batched=len(shape) > 1,
        differentiated=gradient_of,
    )


def projection(batch: int) -> Case:
    atoms = np.linspace(-10.0, 10.0, ATOMS).astype(np.float32)
    shifted = RNG.normal(size=[batch, 1]) + 0.99 * atoms
    probs = RNG.dirichlet(np.ones(ATOMS), size=batch)
    return Case(
        lambda lib, z, p: lib.categorical_l2_project(z, p, jnp.asarray(atoms)),
        (shifted.astype(np.float32), probs.astype(np.float32)),
        batched=True,
    )


def categorical_q_learning(batch: int) -> Case:
    atoms = np.linspace(-10.0, 10.0, ATOMS).astype(np.float32)
    logits = RNG.normal(size=[2, batch, ACTIONS, ATOMS]).astype(np.float32)
    actions = RNG.integers(0, ACTIONS, size=batch, dtype=np.int32)
    rewards = RNG.normal(size=batch).astype(np.float32)
    return Case(
        lambda lib, x, a, r, y: lib.categorical_q_learning(
            jnp.asarray(atoms), x, a, r, 0.99, jnp.asarray(atoms), y
        ),
        (logits[0], actions, rewards, logits[1]),
        batched=True,
        differentiated=0,
    )


RETURNS = "r_t discount_t v_t"
STEP = "v_tm1 v_t r_t discount_t rho_tm1"
RETRACE = "q_tm1 q_t a_tm1 a_t r_t discount_t pi_t mu_t"
CASES = {
    "lambda returns, 1000": of_sequences("lambda_returns", RETURNS, 1000, lambda_=0.9),
    "lambda returns, 10000": of_sequences(
        "lambda_returns", RETURNS, 10_000, lambda_=0.9
    ),
    "lambda returns, 256 x 1000": of_sequences(
        "lambda_returns", RETURNS, 256, 1000, lambda_=0.9
    ),
    "its gradient, 256 x 1000": of_sequences(
        "lambda_returns", RETURNS, 256, 1000, lambda_=0.9, gradient_of=2
    ),
    "discounted returns, 256 x 1000": of_sequences(
        "discounted_returns", RETURNS, 256, 1000
    ),
    "5-step returns, 256 x 1000": of_sequences(
        "n_step_bootstrapped_returns", RETURNS, 256, 1000, n=5
    ),
    "advantages, 256 x 1000": of_sequences(
        "truncated_generalized_advantage_estimation",
        "r_t discount_t v_t values",
        *(256, 1000),
    ),
    "V-trace, 256 x 100": of_sequences("vtrace_td_error_and_advantage", STEP, 256, 100),
    "V-trace, 256 x 1000": of_sequences(
        "vtrace_td_error_and_advantage", STEP, 256, 1000
    ),
    "retrace, 256 x 100": of_sequences("retrace", RETRACE, 256, 100, lambda_=0.9),
    "its gradient, 256 x 100": of_sequences(
        "retrace", RETRACE, 256, 100, lambda_=0.9, gradient_of=0
    ),
    "projection, 256 x 51": projection(256),
    "projection, 2048 x 51": projection(2048),
    "gradient of C51, 256": categorical_q_learning(256),
}


def compiled(case: Case, library: Any) -> Callable[[], Any]:
    call: Callable[..., Any] = functools.partial(case.call, library)
    if case.batched:
        call = jax.vmap(call)
    function = call
    if case.differentiated is not None:

        def loss(*arrays: jax.Array) -> jax.Array:
            return jnp.sum(jnp.square(call(*arrays)))

        function = jax.grad(loss, argnums=case.differentiated)
    arrays = jax.device_put(case.arrays)
    run = jax.jit(function)
    return lambda: jax.block_until_ready(run(*arrays))


def measure(case: Case, pairs: int) -> dict[str, float]:
    """Times both libraries in turn; which goes first alternates."""
    runs = {name: compiled(case, library) for name, library in LIBRARIES.items()}
    expected, found = (jax.tree.leaves(run()) for run in runs.values())
    for x, y in zip(expected, found):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-4)
    times: dict[str, list[float]] = {name: [] for name in runs}
    order = list(runs)
    for _ in range(pairs):
        order.reverse()
        for name in order:
            start = time.perf_counter()
            runs[name]()
            times[name].append(time.perf_counter() - start)
    ratios = [a / b for a, b in zip(times["rlax_impl"], times["RLax"])]
    return {
        **{name: 1e6 * statistics.median(values) for name, values in times.items()},
        "ratio": statistics.median(ratios),
        "ratio_of_fastest": min(times["rlax_impl"]) / min(times["RLax"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=200, help="runs of each")
    parser.add_argument("--json", help="write the numbers to this file")
    parser.add_argument("--case", choices=CASES, help="measure one case only")
    options = parser.parse_args()
    warnings.simplefilter("ignore", PendingDeprecationWarning)

    table = rich.table.Table(title=f"Run time on {jax.devices()[0].device_kind}")
    table.add_column("case")
    for title in ("rlax_impl, us", "RLax, us", "ratio", "of the fastest"):
        table.add_column(title, justify="right")
    results = {}
    for name, case in CASES.items():
        if options.case in (None, name):
            results[name] = row = measure(case, options.pairs)
            table.add_row(
                name,
                *(f"{row[library]:.1f}" for library in LIBRARIES),
                *(f"{row[ratio]:.2f}" for ratio in ("ratio", "ratio_of_fastest")),
            )
    rich.console.Console().print(table)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=2)


if __name__ == "__main__":
    main()
