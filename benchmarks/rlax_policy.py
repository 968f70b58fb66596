"""Jitted run time of the heavier policy functions, as a ratio to RLax, in one run.

    python benchmarks/rlax_policy.py

For each case the compiled functions of the two libraries take turns on the same
arrays; the ratio is that of the fastest runs (below 1: rlax_impl is faster).
"""

import argparse
import functools
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import rlax
from sonnax import rlax_impl

RNG = np.random.default_rng(0)


def normal(*shape: int) -> jax.Array:
    return jnp.asarray(RNG.normal(size=shape), jnp.float32)


def mpo(lib, log_probs, q_values, temperature, kl):
    bound = lib.LagrangePenalty(temperature, 0.1)
    return jnp.mean(lib.mpo_loss(log_probs, q_values, bound, [(kl, bound)])[0])


def vmpo(lib, log_probs, advantages, temperature, kl):
    bound = lib.LagrangePenalty(temperature, 0.1)
    return jnp.mean(lib.vmpo_loss(log_probs, advantages, bound, [(kl, bound)])[0])


def policy_gradient(lib, logits, actions, advantages):
    weights = jnp.ones_like(advantages[0])
    losses = jax.vmap(lambda *x: lib.policy_gradient_loss(*x, weights))(
        logits, actions, advantages
    )
    entropies = jax.vmap(lambda x: lib.entropy_loss(x, weights))(logits)
    return jnp.mean(losses + 0.01 * entropies)


def knn(lib, memory, queries):
    return lib.knn_query(memory, queries, 10).neighbor_neg_distances


def intrinsic_rewards(lib, memory, embeddings):
    state_of = {rlax: rlax._src.exploration.IntrinsicRewardState}
    state = state_of.get(lib, rlax_impl.IntrinsicRewardState)(memory=memory)
    return lib.episodic_memory_intrinsic_rewards(
        embeddings, 10, 1.0, state, max_memory_size=len(memory)
    )[0]


TIME, BATCH, ACTIONS, SAMPLES = 64, 128, 18, 20
STEPS = (TIME, BATCH)
ON_SAMPLES = (normal(SAMPLES, *STEPS), normal(SAMPLES, *STEPS))
ON_STEPS = (normal(*STEPS), normal(*STEPS))
DUALS = (jnp.ones(()), normal(*STEPS))
TAKEN = jnp.asarray(RNG.integers(0, ACTIONS, size=(BATCH, TIME)))

# Name: the call, its arrays, and whether its gradient is taken.
CASES: dict[str, tuple[Callable[..., Any], tuple[jax.Array, ...], bool]] = {
    "mpo_loss": (mpo, (*ON_SAMPLES, *DUALS), False),
    "mpo_loss, gradient": (mpo, (*ON_SAMPLES, *DUALS), True),
    "vmpo_loss": (vmpo, (*ON_STEPS, *DUALS), False),
    "vmpo_loss, gradient": (vmpo, (*ON_STEPS, *DUALS), True),
    "policy gradient and entropy, gradient": (
        policy_gradient,
        (normal(BATCH, TIME, ACTIONS), TAKEN, normal(BATCH, TIME)),
        True,
    ),
    "knn_query of 64 in 30000 x 32": (knn, (normal(30_000, 32), normal(64, 32)), False),
    "knn_query of 64 in 5000 x 128": (
        knn,
        (normal(5_000, 128), normal(64, 128)),
        False,
    ),
    "episodic_memory_intrinsic_rewards": (
        intrinsic_rewards,
        (normal(30_000, 32), normal(64, 32)),
        False,
    ),
}


def fastest_runs(
    functions: Sequence[Callable], arrays: tuple, seconds: float
) -> list[float]:
    """Lets the functions take turns for some seconds; gives the fastest of each."""
    for function in functions:
        jax.block_until_ready(function(*arrays))
    fastest = [float("inf")] * len(functions)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for i, function in enumerate(functions):
            start = time.perf_counter()
            jax.block_until_ready(function(*arrays))
            fastest[i] = min(fastest[i], time.perf_counter() - start)
    return fastest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="for each case")
    seconds = parser.parse_args().seconds
    warnings.simplefilter("ignore", PendingDeprecationWarning)

    print(f"{'':40}{'sonnax':>10}{'rlax':>10}{'ratio':>8}")
    for name, (call, arrays, differentiated) in CASES.items():
        functions = []
        for lib in (rlax_impl, rlax):
            of_arrays = functools.partial(call, lib)
            transformed = jax.grad(of_arrays) if differentiated else of_arrays
            functions.append(jax.jit(transformed))
        ours, theirs = fastest_runs(functions, arrays, seconds)
        print(
            f"{name:40}{ours * 1e6:7.0f} us{theirs * 1e6:7.0f} us{ours / theirs:8.2f}"
        )


if __name__ == "__main__":
    main()
