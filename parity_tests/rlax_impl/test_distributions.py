"""The distributions give RLax's numbers, gradients and draws."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rlax

from sonnax import rlax_impl
from sonnax.parity_tests.rlax_impl.policy_parity import (
    DTYPES,
    Case,
    assert_parity,
    assert_same,
    assert_same_under_jit_and_vmap,
    cast,
    precision,
    quickly_compiled,
)

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape)


# Random, partly masked, partly tied, and altogether tied.
LOGITS = np.array(
    [normal(4), [0.0, -np.inf, 1.0, -np.inf], [1.0, 2.0, 2.0, 0.0], [1.0] * 4]
)
OTHER_LOGITS = normal(4, 4)
ACTIONS = np.array([0, 2, 3, 1])
# The last two are no actions at all.
ALL_ACTIONS = np.array([[0, 2, 1, 3], [3, 1, -1, 4]])
PROBS = np.array([[0.1, 0.2, 0.3, 0.4], [0.25] * 4, [0.5, 0.3, 0.1, 0.1]])
CERTAIN = np.array([[0.0, 1.0, 0.0, 0.0]] * 4)
WEIGHTS = np.abs(normal(3, 4)) + 0.1
MU, SIGMA, MU_1, SIGMA_1 = normal(3, 4), np.exp(normal(3, 4)), normal(3, 4), WEIGHTS
INSIDE = np.tanh(normal(3, 4))


class Spec:
    minimum = np.array([-2.0, -1.0, 0.0, 1.0], np.float32)
    maximum = np.array([2.0, 1.0, 3.0, 5.0], np.float32)


DISCRETE = {
    "softmax": lambda lib: lib.softmax(),
    "cold softmax": lambda lib: lib.softmax(temperature=0.3),
    "clipped softmax": lambda lib: lib.clipped_entropy_softmax(0.7, 0.8),
    "greedy": lambda lib: lib.greedy(),
    "epsilon-greedy": lambda lib: lib.epsilon_greedy(0.3),
    "purely greedy": lambda lib: lib.epsilon_greedy(0.0),
    "uniform": lambda lib: lib.epsilon_greedy(1.0),
}


def discrete_case(kind, make):
    def call(lib, x, y, a):
        of = make(lib)
        divergence = [] if of.kl is None else [of.kl(x, y)]
        return [of.probs(x), of.entropy(x), of.logprob(a, x), *divergence]

    return Case(kind, call, (LOGITS, OTHER_LOGITS, ALL_ACTIONS))


CASES = [
    *(discrete_case(*item) for item in DISCRETE.items()),
    Case(
        "epsilon as an argument",
        lambda lib, x, e: lib.epsilon_greedy().probs(x, e),
        (LOGITS, np.array(0.4)),
    ),
    Case(
        "importance sampling ratios",
        lambda lib, x, y, a: lib.categorical_importance_sampling_ratios(x, y, a),
        (LOGITS, OTHER_LOGITS, ACTIONS),
    ),
    Case(
        "cross entropy",
        lambda lib, p, x: lib.categorical_cross_entropy(p, x),
        (PROBS, normal(3, 4)),
    ),
    Case(
        "cross entropy of unnormalised labels",
        lambda lib, p, x: lib.categorical_cross_entropy(p, x),
        (WEIGHTS, normal(3, 4)),
    ),
    Case(
        "cross entropy of certain labels",
        lambda lib, x: lib.categorical_cross_entropy(jnp.asarray(CERTAIN, x.dtype), x),
        (OTHER_LOGITS,),
    ),
    Case(
        "categorical kl with a temperature",
        lambda lib, x, y: lib.categorical_kl_divergence(x, y, 0.5),
        (LOGITS, OTHER_LOGITS),
    ),
    Case(
        "categorical kl where both mask the same",
        lambda lib, x, y: lib.categorical_kl_divergence(x, y),
        (LOGITS[1], LOGITS[1]),
        differentiable=False,
    ),
    Case(
        "gaussian with its own sigma",
        lambda lib, x, m: [
            lib.gaussian_diagonal(0.7).prob(x, m),
            lib.gaussian_diagonal(0.7).logprob(x, m),
            lib.gaussian_diagonal(0.7).entropy(m),
            lib.gaussian_diagonal(0.7).kl_to_standard_normal(m),
        ],
        (normal(3, 4), MU),
    ),
    Case(
        "gaussian",
        lambda lib, x, m, s: [
            lib.gaussian_diagonal().prob(x, m, s),
            lib.gaussian_diagonal().logprob(x, m, s),
            lib.gaussian_diagonal().entropy(m, s),
            lib.gaussian_diagonal().kl_to_standard_normal(m, s),
        ],
        (normal(3, 4), MU, SIGMA),
    ),
    Case(
        "gaussian with a negative sigma",
        lambda lib, x, m, s: lib.gaussian_diagonal().logprob(x, m, s),
        (normal(3, 4), MU, -SIGMA),
    ),
    Case(
        "gaussian kl",
        lambda lib, *args: lib.gaussian_diagonal().kl(*args),
        (MU, SIGMA, MU_1, SIGMA_1),
    ),
    Case(
        "multivariate normal kl",
        lambda lib, *args: lib.multivariate_normal_kl_divergence(*args),
        (MU, SIGMA, MU_1, SIGMA_1),
    ),
    Case(
        "squashed gaussian",
        lambda lib, x, m, s: [
            lib.squashed_gaussian().prob(x, m, s, None),
            lib.squashed_gaussian(-3.0, 1.0).logprob(x, m, s, None),
            lib.squashed_gaussian().entropy(m, s),
            lib.squashed_gaussian().kl_to_standard_normal(m, s),
        ],
        (INSIDE, MU, SIGMA),
    ),
    Case(
        "squashed gaussian in a range",
        lambda lib, x, m, s: lib.squashed_gaussian().logprob(
            Spec.minimum + 0.5 * (Spec.maximum - Spec.minimum) * (x + 1), m, s, Spec
        ),
        (0.9 * INSIDE, MU, SIGMA),
    ),
    Case(
        "squashed gaussian on the edge of its range",
        lambda lib, x, m, s: lib.squashed_gaussian().logprob(x, m, s, None),
        (np.ones((3, 4)), MU, SIGMA),
        differentiable=False,
    ),
    Case(
        "squashed gaussian kl",
        lambda lib, *args: lib.squashed_gaussian().kl(*args),
        (MU, SIGMA, MU_1, SIGMA_1),
    ),
]


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_and_gradients_are_those_of_rlax(dtype):
    assert_parity(CASES, rlax_impl, rlax, dtype)


def test_every_function_can_be_compiled_and_mapped():
    assert_same_under_jit_and_vmap(CASES, rlax_impl)


@pytest.mark.parametrize(
    "wrap", [quickly_compiled, lambda f: f], ids=["compiled", "eager"]
)
def test_actions_are_drawn_as_rlax_draws_them(wrap):
    ours, theirs = (
        wrap(
            lambda key, lib=lib: {
                kind: make(lib).sample(key, jnp.asarray(LOGITS))
                for kind, make in DISCRETE.items()
            }
        )
        for lib in (rlax_impl, rlax)
    )
    for key in jax.random.split(jax.random.key(0), 3):
        assert_same(ours(key), theirs(key), 0.0)


def test_probabilities_are_sampled_as_rlax_samples_them():
    probs = jnp.stack([jnp.asarray(WEIGHTS), jnp.asarray(PROBS)])
    for key in jax.random.split(jax.random.key(0), 5):
        draws = [lib.categorical_sample(key, probs) for lib in (rlax_impl, rlax)]
        assert_same(*draws, 0.0)


@pytest.mark.parametrize(
    "probs", [[0.5, -0.5], [jnp.nan, 1.0], [jnp.inf, 1.0], [0.0, 0.0]]
)
def test_no_action_is_drawn_from_what_is_no_distribution(probs):
    key = jax.random.key(0)
    draw = rlax_impl.categorical_sample(key, jnp.array(probs))
    assert draw == rlax.categorical_sample(key, jnp.array(probs)) == -1


@pytest.mark.parametrize("dtype", DTYPES)
def test_continuous_actions_are_drawn_bit_for_bit_as_rlax_draws_them(dtype):
    def draw(lib, key, mu, sigma):
        return [
            lib.gaussian_diagonal(0.5).sample(key, mu),
            lib.gaussian_diagonal().sample(key, mu, sigma),
            lib.squashed_gaussian().sample(key, mu, sigma, None),
            lib.squashed_gaussian().sample(key, mu, sigma, Spec),
        ]

    with precision(dtype):
        parameters = cast((MU, SIGMA), dtype)
        ours, theirs = (
            quickly_compiled(functools.partial(draw, lib)) for lib in (rlax_impl, rlax)
        )
        for key in jax.random.split(jax.random.key(0), 3):
            assert_same(ours(key, *parameters), theirs(key, *parameters), 0.0)


def test_the_gradient_of_a_certain_label_is_finite():
    gradient = jax.grad(
        lambda p: rlax_impl.categorical_cross_entropy(p, OTHER_LOGITS[0])
    )
    assert jnp.all(jnp.isfinite(gradient(jnp.array([0.0, 1.0, 0.0, 0.0]))))


def test_a_missing_parameter_is_named():
    with pytest.raises(rlax_impl.ArgumentError, match=r"epsilon_greedy.*'epsilon'"):
        rlax_impl.epsilon_greedy().probs(jnp.zeros(2))
    with pytest.raises(rlax_impl.ArgumentError, match=r"gaussian_diagonal.*'sigma'"):
        rlax_impl.gaussian_diagonal().entropy(jnp.zeros(2))
    with pytest.raises(rlax_impl.ArgumentError, match=r"softmax_logprob.*'logits'"):
        rlax_impl.softmax().logprob(0, 1.0)
