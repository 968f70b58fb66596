"""What TRFL refuses is refused, and what it takes gives its values and types."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import compat as snt
from sonnax.parity_tests.trfl.trfl_parity import OURS, THEIRS, tf
from sonnax.rlax_impl import ArgumentError

RNG = np.random.default_rng(5)
T, B, A = 3, 2, 4
LOGITS = RNG.normal(size=[T, B, A]).astype("f")
ROW = RNG.normal(size=[T, B]).astype("f")
DISTRIBUTIONS = RNG.normal(size=[B, A, 3]).astype("f")
ATOMS = np.float32([-1.0, 0.0, 1.0])
ONES = np.ones(B, "f")
BELOW, ABOVE = np.zeros([T, B], np.int32), np.zeros([T, B], np.int32)
BELOW[1, 1], ABOVE[1, 1] = -1, A

# Each takes a library, the actions, and what makes arrays for it.
OF_ACTIONS = {
    "discrete_policy_gradient": lambda trfl, a, x: trfl.discrete_policy_gradient(
        x(LOGITS), a, x(ROW)
    ),
    "discrete_policy_gradient_loss": (
        lambda trfl, a, x: trfl.discrete_policy_gradient_loss(x(LOGITS), a, x(ROW))
    ),
    "advantage": lambda trfl, a, x: (
        trfl.sequence_advantage_actor_critic_loss(
            x(LOGITS), x(ROW), a, x(ROW), x(ROW), x(ROW[0])
        ).loss
    ),
    "categorical_dist_qlearning": lambda trfl, a, x: (
        trfl.categorical_dist_qlearning(
            *(x(ATOMS), x(DISTRIBUTIONS), a[1], x(ONES), x(ONES)),
            *(x(ATOMS), x(DISTRIBUTIONS)),
        ).loss
    ),
    "categorical_dist_double_qlearning": (
        lambda trfl, a, x: (
            trfl.categorical_dist_double_qlearning(
                *(x(ATOMS), x(DISTRIBUTIONS), a[1], x(ONES), x(ONES)),
                *(x(ATOMS), x(DISTRIBUTIONS), x(LOGITS[0])),
            ).loss
        )
    ),
    "vtrace_from_logits": lambda trfl, a, x: (
        trfl.vtrace_from_logits(
            x(LOGITS), x(LOGITS[::-1]), a, x(ROW), x(ROW), x(ROW), x(ROW[0])
        ).vs
    ),
    "epsilon_greedy": lambda trfl, a, x: trfl.epsilon_greedy(x(LOGITS), 0.3).log_prob(
        a
    ),
}


@pytest.mark.parametrize("actions", [BELOW, ABOVE])
@pytest.mark.parametrize("name", OF_ACTIONS)
def test_an_action_out_of_range_is_refused_as_by_trfl(name, actions):
    with pytest.raises(tf.errors.InvalidArgumentError):
        OF_ACTIONS[name](THEIRS.trfl, tf.constant(actions), tf.constant)
    with pytest.raises(ArgumentError, match=r"must lie in \[0, 4\), but hold \["):
        OF_ACTIONS[name](OURS.trfl, jnp.asarray(actions), jnp.asarray)


@pytest.mark.parametrize("actions", [BELOW, ABOVE])
@pytest.mark.parametrize("name", OF_ACTIONS)
def test_an_action_out_of_range_is_nan_where_it_is_traced(name, actions):
    call = jax.jit(lambda a: OF_ACTIONS[name](OURS.trfl, a, jnp.asarray))
    assert jnp.any(jnp.isnan(call(actions)))
    assert not jnp.any(jnp.isnan(call(jnp.zeros([T, B], int))))


@pytest.mark.parametrize("actions", [BELOW, ABOVE])
def test_retrace_leaves_out_an_action_out_of_range_as_trfl_does(actions):
    policy = np.full([T, B, A], 0.25, "f")

    def call(trfl, actions):
        arguments = (LOGITS, LOGITS, actions, ROW, ROW, policy, 0 * ROW + 0.3)
        return trfl.retrace(0.9, *arguments).loss

    expected = call(THEIRS.trfl, actions)
    np.testing.assert_allclose(call(OURS.trfl, actions), expected, rtol=2e-6)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("tau", [0.3, 1.0])
def test_targets_keep_their_type_as_in_trfl(dtype, tau):
    with jax.enable_x64(dtype == "float64"):
        seen = []
        for trfl, make in ((OURS.trfl, snt.Variable), (THEIRS.trfl, tf.Variable)):
            target, source = (make(np.array([x, 2.0], dtype)) for x in (1.0, 5.0))
            trfl.update_target_variables([target], [source], tau=tau)
            seen.append(target.numpy())
    assert seen[0].dtype == seen[1].dtype == dtype
    np.testing.assert_allclose(*seen, rtol=1e-3 if dtype == "float16" else 1e-6)


def test_targets_of_integers_are_copied_and_not_mixed():
    target, source = snt.Variable(1), snt.Variable(6)
    with pytest.raises(TypeError, match=r"can't be mixed with tau 0\.5"):
        OURS.trfl.update_target_variables([target], [source], tau=0.5)
    OURS.trfl.update_target_variables([target], [source])
    assert target.numpy() == 6
    theirs = tf.Variable(1), tf.Variable(6)
    with pytest.raises((TypeError, tf.errors.InvalidArgumentError)):
        THEIRS.trfl.update_target_variables([theirs[0]], [theirs[1]], tau=0.5)


@pytest.mark.parametrize("tau", [1.0, 0.25])
def test_tau_may_be_a_variable_and_one_copies_over_nan(tau):
    seen = []
    for trfl, make in ((OURS.trfl, snt.Variable), (THEIRS.trfl, tf.Variable)):
        target, source, weight = make(np.float32("nan")), make(3.0), make(tau)
        trfl.update_target_variables([target], [source], tau=weight)
        seen.append(target.numpy())
    np.testing.assert_array_equal(*seen)
    target, source = snt.Variable(float("nan")), snt.Variable(3.0)
    snt.jit(lambda t: OURS.trfl.update_target_variables([target], [source], t))(
        jnp.float32(tau)
    )
    np.testing.assert_array_equal(target.numpy(), seen[1])


@pytest.mark.parametrize("period", [2.5, 3, 1.5])
def test_a_broken_period_is_cut_as_by_trfl(period):
    def history(trfl, make, start):
        counter, calls = make(start, trainable=False), make(0)
        seen = []
        for _ in range(7):
            trfl.periodically(lambda: calls.assign_add(1), period, counter=counter)
            seen.append(int(calls.numpy()))
        return seen

    theirs = history(THEIRS.trfl, tf.Variable, tf.constant(0, tf.int64))
    assert history(OURS.trfl, snt.Variable, 0) == theirs


def test_a_period_may_be_an_argument_of_a_compiled_function():
    counter, calls = snt.Variable(3, trainable=False), snt.Variable(0)
    step = snt.jit(
        lambda period: OURS.trfl.periodically(
            lambda: calls.assign_add(1), period, counter=counter
        )
    )
    seen = []
    for _ in range(5):
        step(2)
        seen.append(int(calls.numpy()))
    assert seen == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_epsilon_greedy_has_the_type_of_its_values(dtype):
    with jax.enable_x64(True):
        policy = OURS.trfl.epsilon_greedy(jnp.asarray(ROW, dtype), np.float64(0.3))
        masked = OURS.trfl.epsilon_greedy(jnp.asarray(ROW, dtype), 0.3, np.ones([T, B]))
    theirs = THEIRS.trfl.epsilon_greedy(tf.cast(ROW, dtype), 0.3)
    assert policy.probs.dtype == masked.probs.dtype == theirs.probs.dtype.name == dtype


def test_losses_of_numpy_arrays_are_arrays_of_jax():
    out = OURS.trfl.td_learning(*([np.ones(2)] * 4))
    assert all(isinstance(x, jax.Array) for x in (out.loss, *out.extra))
    assert out.loss.dtype == jnp.float32


MISTAKES = {
    "a threshold for each step": (
        lambda trfl: trfl.vtrace_from_importance_weights(
            *(ROW, ROW, ROW, ROW, ROW[0]), clip_rho_threshold=np.ones(B, "f")
        ),
        r"clip_rho_threshold must be a number or None, but has shape \[2\]",
    ),
    "floating indices": (
        lambda trfl: trfl.batched_index(LOGITS[0], ONES),
        "batched_index: indices must be integers, but are float32",
    ),
    "ranks of a group": (
        lambda trfl: trfl.base_ops.wrap_rank_shape_assert([[ONES]], [2], "sarsa"),
        "sarsa: Arrays must have rank 2",
    ),
    "a bound": (
        lambda trfl: trfl.base_ops.assert_arg_bounded(2, 0, 1, "sarsa", "scale"),
        r"sarsa: scale .*\[0, 1\]",
    ),
    "shapes to index": (
        lambda trfl: trfl.indexing_ops.assert_compatible_shapes(
            tf.TensorShape([2, 3]), tf.TensorShape([3])
        ),
        "values and indices must have shapes",
    ),
    "retrace": (
        lambda trfl: trfl.retrace(0.9, LOGITS[0], *([ROW] * 6)),
        "retrace: argument 'qs'",
    ),
    "retrace_core": (
        lambda trfl: trfl.retrace_core(0.9, LOGITS[0], *([ROW] * 7)),
        "retrace_core: argument 'q_tm1'",
    ),
    "retrace_from_action_log_probs": (
        lambda trfl: trfl.retrace_from_action_log_probs(ROW[0], *([ROW] * 6)),
        "retrace_from_action_log_probs: argument 'behaviour_action_log_probs'",
    ),
    "retrace_from_importance_weights": (
        lambda trfl: trfl.retrace_from_importance_weights(ROW[0], *([ROW] * 5)),
        "retrace_from_importance_weights: argument 'log_rhos'",
    ),
    "vtrace_from_logits": (
        lambda trfl: trfl.vtrace_from_logits(LOGITS, LOGITS, ROW, *([ROW] * 4)),
        "vtrace_from_logits: argument 'actions'",
    ),
    "td_lambda": (
        lambda trfl: trfl.td_lambda(ROW[0], ROW, ROW, ROW[0]),
        "td_lambda: argument 'state_values'",
    ),
    "advantage": (
        lambda trfl: trfl.sequence_advantage_actor_critic_loss(
            LOGITS, ROW[0], BELOW, ROW, ROW, ROW[0]
        ),
        "sequence_advantage_actor_critic_loss: argument 'baseline_values'",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_names_the_function_and_the_argument_that_were_called(name):
    mistake, message = MISTAKES[name]
    with pytest.raises(Exception):  # noqa: B017
        mistake(THEIRS.trfl)
    with pytest.raises(ArgumentError, match=message):
        mistake(OURS.trfl)
