"""What RLax takes is taken, with the values and types that it gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rlax

from sonnax import rlax_impl
from sonnax.parity_tests.rlax_impl.policy_parity import assert_same

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

KEY = jax.random.key(3)
MASK = np.array([[True, False, True], [False, True, True]])
INTEGERS = np.array([[1, 0, 1], [0, 3, 1]])
ACTIONS = np.array([1, 2])
SEQUENCE = np.linspace(0.2, 0.8, 4, dtype=np.float32)
PRIOR = np.full([2, 3], 1 / 3, np.float32)
POLICIES = {
    "softmax": lambda lib: lib.softmax(0.7),
    "clipped": lambda lib: lib.clipped_entropy_softmax(0.7, 0.5),
    "greedy": lambda lib: lib.greedy(),
    "epsilon-greedy": lambda lib: lib.epsilon_greedy(0.3),
}


def every_function(policy, weights):
    return [
        policy.probs(weights),
        policy.sample(KEY, weights),
        policy.entropy(weights),
        policy.logprob(ACTIONS, weights),
    ]


def intrinsic_rewards(lib, embeddings):
    state, rewards = None, []
    for _ in range(2):
        reward, state = lib.episodic_memory_intrinsic_rewards(
            embeddings, 2, 0.5, state, max_memory_size=5
        )
        rewards.append(reward)
    return rewards, state.memory, state.next_memory_index


ACCEPTED = {
    **{
        f"{name} of {kind}": lambda lib, make=make, x=x: every_function(make(lib), x)
        for name, make in POLICIES.items()
        for kind, x in (("a mask", MASK), ("integers", INTEGERS))
    },
    "samples of a mask": lambda lib: lib.categorical_sample(KEY, MASK),
    "divergence of masks": lambda lib: lib.categorical_kl_divergence(MASK, MASK),
    "ratios of integers": lambda lib: lib.categorical_importance_sampling_ratios(
        INTEGERS, 2 - INTEGERS, ACTIONS
    ),
    "entropy of a mask": lambda lib: lib.categorical_cross_entropy(MASK, PRIOR),
    "a last value in an axis": lambda lib: lib.discounted_returns(
        SEQUENCE, SEQUENCE, SEQUENCE[:1]
    ),
    "a prior of booleans": lambda lib: lib.add_dirichlet_noise(KEY, MASK, 0.3, 0.25),
    **{
        f"alpha {list(np.shape(alpha))}": lambda lib, a=alpha: lib.add_dirichlet_noise(
            KEY, PRIOR, a, 0.25
        )
        for alpha in (np.float32([0.3]), np.float32([0.3, 0.2, 0.1]))
    },
    **{
        f"fraction {shape}": lambda lib, s=shape: lib.add_dirichlet_noise(
            KEY, PRIOR, 0.3, np.full(s, 0.25, np.float32)
        )
        for shape in ([1], [3], [2, 1], [2, 3])
    },
    "integer embeddings": lambda lib: intrinsic_rewards(lib, INTEGERS),
    "boolean embeddings": lambda lib: intrinsic_rewards(lib, MASK),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_rlax_takes_is_taken(name):
    ours, theirs = (ACCEPTED[name](lib) for lib in (rlax_impl, rlax))
    assert_same(ours, theirs, 2e-6)


MU = SIGMA = SEQUENCE


def continuous(lib, mu, sigma):
    gaussian, squashed = lib.gaussian_diagonal(), lib.squashed_gaussian()
    return [
        gaussian.sample(KEY, mu, sigma),
        gaussian.logprob(mu, mu, sigma),
        gaussian.entropy(mu, sigma),
        lib.gaussian_diagonal(0.5).entropy(mu),
        gaussian.kl_to_standard_normal(mu, sigma),
        gaussian.kl(mu, sigma, mu, sigma),
        squashed.entropy(mu, sigma),
        squashed.kl_to_standard_normal(mu, sigma),
        lib.multivariate_normal_kl_divergence(mu, sigma, mu, sigma),
    ]


def steps(lib, rewards, mix):
    return [
        lib.n_step_bootstrapped_returns(rewards, rewards, rewards, 2, mix),
        lib.n_step_bootstrapped_returns(rewards, rewards, rewards, 2, 0.5),
        lib.transformed_n_step_returns(
            lib.SIGNED_LOGP1_PAIR, rewards, rewards, rewards, 2, mix
        ),
    ]


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("second", ["bfloat16", "float32", "int32"])
@pytest.mark.parametrize("first", ["bfloat16", "float16", "float32", "int32"])
def test_narrow_and_mixed_types_come_out_as_in_rlax(first, second, x64):
    with jax.enable_x64(x64):
        x, y = jnp.asarray(MU + 1, first), jnp.asarray(SIGMA + 1, second)
        functions = [continuous]
        if "int32" not in (first, second):
            functions.append(steps)
        for function in functions:
            if (first, second, x64) == ("int32", "int32", False):
                continue
            ours, theirs = (function(lib, x, y) for lib in (rlax_impl, rlax))
            assert_same(ours, theirs, 3e-2)


def test_a_number_is_no_name_in_a_layout():
    with pytest.raises(rlax_impl.ArgumentError, match=r"float\[1\]"):
        rlax_impl.discounted_returns(SEQUENCE, SEQUENCE, SEQUENCE[:2])
