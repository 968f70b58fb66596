"""Running the compiled policy functions of rlax_impl.

    python benchmarks/rlax_policy.py [--pairs 60] [--case NAME] [--quick] [--json FILE]

The two libraries run on the same arrays, and their results are compared first.
"""

import argparse
from collections.abc import Iterator

import against_rlax
import jax
import jax.numpy as jnp
import numpy as np
import rlax
import taking_turns
from against_rlax import Case
from taking_turns import Row

from sonnax import rlax_impl

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


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
    # RLax does not export its own.
    state_of = {
        rlax: rlax._src.exploration.IntrinsicRewardState,
        rlax_impl: rlax_impl.IntrinsicRewardState,
    }
    return lib.episodic_memory_intrinsic_rewards(
        embeddings, 10, 1.0, state_of[lib](memory=memory), max_memory_size=len(memory)
    )[0]


TIME, BATCH, ACTIONS, SAMPLES = 64, 128, 18, 20
STEPS = (TIME, BATCH)


def rows(options: argparse.Namespace) -> Iterator[Row]:
    on_samples = normal(SAMPLES, *STEPS), normal(SAMPLES, *STEPS)
    on_steps = normal(*STEPS), normal(*STEPS)
    duals = np.float32(1.0), normal(*STEPS)
    taken = RNG.integers(0, ACTIONS, size=(BATCH, TIME))
    on_actions = normal(BATCH, TIME, ACTIONS), taken, normal(BATCH, TIME)
    many, wide = (30_000, 32), (5_000, 128)
    cases = (
        Case("V-MPO loss", vmpo, (*on_steps, *duals)),
        Case("gradient of the V-MPO loss", vmpo, (*on_steps, *duals), gradient_of=0),
        Case("MPO loss", mpo, (*on_samples, *duals)),
        Case("gradient of the MPO loss", mpo, (*on_samples, *duals), gradient_of=0),
        Case(
            "gradient of policy gradient and entropy",
            policy_gradient,
            on_actions,
            gradient_of=0,
        ),
        Case("10 neighbours of 64 in 30000 x 32", knn, (normal(*many), normal(64, 32))),
        Case(
            "10 neighbours of 64 in 5000 x 128", knn, (normal(*wide), normal(64, 128))
        ),
        Case(
            "intrinsic rewards of 64 beside 30000 x 32",
            intrinsic_rewards,
            (normal(*many), normal(64, 32)),
        ),
    )
    named = {case.what: case for case in cases}
    yield from against_rlax.rows_of(
        taking_turns.chosen(named, options), turns=options.pairs
    )


if __name__ == "__main__":
    taking_turns.main(__doc__, rows, turns=60)
