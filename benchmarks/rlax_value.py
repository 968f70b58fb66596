"""Running the compiled value functions of rlax_impl.

    python benchmarks/rlax_value.py [--pairs 100] [--case NAME] [--quick] [--json FILE]

The two libraries run on the same arrays, and their results are compared first.
"""

import argparse
from collections.abc import Iterator
from typing import Any

import against_rlax
import jax.numpy as jnp
import numpy as np
import taking_turns
from against_rlax import Case
from taking_turns import Row

RNG = np.random.default_rng(0)
ACTIONS, ATOMS = 18, 51


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
    what: str,
    name: str,
    arguments: str,
    *shape: int,
    gradient_of: int | None = None,
    **options: Any,
) -> Case:
    data = sequences(*shape)
    return Case(
        f"{what}, {' x '.join(map(str, shape))}",
        lambda lib, *x: getattr(lib, name)(*x, **options),
        tuple(data[argument] for argument in arguments.split()),
        batched=len(shape) > 1,
        gradient_of=gradient_of,
    )


def projection(batch: int) -> Case:
    atoms = np.linspace(-10.0, 10.0, ATOMS).astype(np.float32)
    shifted = RNG.normal(size=[batch, 1]) + 0.99 * atoms
    probs = RNG.dirichlet(np.ones(ATOMS), size=batch)
    return Case(
        f"categorical projection, {batch} x {ATOMS}",
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
        f"gradient of categorical Q-learning, {batch}",
        lambda lib, x, a, r, y: lib.categorical_q_learning(
            jnp.asarray(atoms), x, a, r, 0.99, jnp.asarray(atoms), y
        ),
        (logits[0], actions, rewards, logits[1]),
        batched=True,
        gradient_of=0,
    )


RETURNS = "r_t discount_t v_t"
GAE = "r_t discount_t v_t values"
STEP = "v_tm1 v_t r_t discount_t rho_tm1"
RETRACE = "q_tm1 q_t a_tm1 a_t r_t discount_t pi_t mu_t"
MANY, SHORT = (256, 1000), (256, 100)

# What, the function, its arrays, their shape, and more.
OF_SEQUENCES = (
    ("lambda returns", "lambda_returns", RETURNS, (1000,), {"lambda_": 0.9}),
    ("lambda returns", "lambda_returns", RETURNS, (10_000,), {"lambda_": 0.9}),
    ("lambda returns", "lambda_returns", RETURNS, MANY, {"lambda_": 0.9}),
    (
        "gradient of lambda returns",
        "lambda_returns",
        RETURNS,
        MANY,
        {"lambda_": 0.9, "gradient_of": 2},
    ),
    ("discounted returns", "discounted_returns", RETURNS, MANY, {}),
    ("5-step returns", "n_step_bootstrapped_returns", RETURNS, MANY, {"n": 5}),
    ("advantages", "truncated_generalized_advantage_estimation", GAE, MANY, {}),
    ("V-trace", "vtrace_td_error_and_advantage", STEP, SHORT, {}),
    ("V-trace", "vtrace_td_error_and_advantage", STEP, MANY, {}),
    ("retrace", "retrace", RETRACE, SHORT, {"lambda_": 0.9}),
    (
        "gradient of retrace",
        "retrace",
        RETRACE,
        SHORT,
        {"lambda_": 0.9, "gradient_of": 0},
    ),
)


def rows(options: argparse.Namespace) -> Iterator[Row]:
    cases = [
        *(of_sequences(*first, *shape, **more) for *first, shape, more in OF_SEQUENCES),
        projection(256),
        projection(2048),
        categorical_q_learning(256),
    ]
    named = {case.what: case for case in cases}
    yield from against_rlax.rows_of(
        taking_turns.chosen(named, options), turns=options.pairs
    )


if __name__ == "__main__":
    taking_turns.main(__doc__, rows, turns=100)
