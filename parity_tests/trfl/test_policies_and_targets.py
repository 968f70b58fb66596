"""Policies, target networks and periodic updates behave as TRFL's."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import compat as snt
from sonnax.parity_tests import ledger
from sonnax.parity_tests.trfl.trfl_parity import OURS, tf, their_trfl
from sonnax.rlax_impl import ArgumentError

trfl = OURS.trfl

VALUES = np.array([[1.0, 3.0, 3.0, 0.0], [2.0, 2.0, 2.0, 2.0]], np.float32)
LEGAL = np.array([[1.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 0.0]], np.float32)
ACTIONS = np.array([1, 3], np.int32)


@pytest.mark.parametrize("mask", [None, LEGAL])
@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
def test_an_epsilon_greedy_policy_is_that_of_trfl(epsilon, mask):
    ours = trfl.epsilon_greedy(VALUES, epsilon, mask)
    theirs = their_trfl.epsilon_greedy(VALUES, epsilon, mask)
    assert ours.batch_shape == tuple(theirs.batch_shape)
    assert ours.event_shape == tuple(theirs.event_shape)
    for x, y in [
        (ours.probs, theirs.probs),
        (ours.probs_parameter(), theirs.probs_parameter()),
        (ours.logits_parameter(), theirs.logits_parameter()),
        (ours.log_prob(ACTIONS), theirs.log_prob(ACTIONS)),
        (ours.prob(ACTIONS[:, None]), theirs.prob(ACTIONS[:, None])),
        (ours.entropy(), theirs.entropy()),
        (ours.mode(), theirs.mode()),
    ]:
        ledger.report("values", x, y)
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)


def test_actions_are_drawn_by_their_probabilities():
    policy = trfl.epsilon_greedy(VALUES[0], 0.4)
    actions = policy.sample(20_000, seed=jax.random.key(0))
    assert actions.dtype == jnp.int32
    frequencies = np.bincount(actions, minlength=4) / actions.size
    np.testing.assert_allclose(frequencies, policy.probs, atol=0.02)


def test_a_seed_may_be_a_key_or_a_number_or_the_default_generator():
    policy = trfl.epsilon_greedy(np.tile(VALUES, [20, 1]), 1.0)
    np.testing.assert_array_equal(
        policy.sample(seed=7), policy.sample(seed=jax.random.key(7))
    )
    snt.random.set_seed(1)
    first = policy.sample()
    assert not np.array_equal(first, policy.sample())
    snt.random.set_seed(1)
    np.testing.assert_array_equal(first, policy.sample())


@pytest.mark.parametrize("tau", [1.0, 0.3])
def test_target_variables_move_as_in_trfl(tau):
    values: list[Any] = [np.arange(3, dtype=np.float32), np.float32(2.0)]
    ours, theirs = (
        ([make(v - np.float32(5)) for v in values], [make(v) for v in values])
        for make in (snt.Variable, tf.Variable)
    )
    for _ in range(2):
        trfl.update_target_variables(*ours, tau=tau)
        their_trfl.update_target_variables(*theirs, tau=tau)
    for x, y in zip(ours[0], theirs[0]):
        ledger.report("state", x.numpy(), y.numpy())
        np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=1e-6)


@pytest.mark.parametrize("start", [0, 3, 1_000_000])
def test_a_period_is_counted_as_in_trfl(start):
    def history(library, variable, number):
        counter, calls = variable(number, trainable=False), variable(0)
        counts = []
        for _ in range(8):
            library.periodically(lambda: calls.assign_add(1), 3, counter=counter)
            counts.append((int(counter.numpy()), int(calls.numpy())))
        return counts

    ours = history(trfl, snt.Variable, start)
    theirs = history(their_trfl, tf.Variable, tf.constant(start, tf.int64))
    ledger.report("state", ours, theirs)
    assert ours == theirs


def test_targets_are_updated_every_few_steps_as_in_trfl():
    def history(library, variable, zero):
        target, source = variable(0.0), variable(1.0)
        counter, seen = variable(zero, trainable=False), []
        for _ in range(5):
            source.assign_add(0.5)
            library.periodic_target_update([target], [source], 3, 0.4, counter=counter)
            seen.append(float(target.numpy()))
        return seen

    ours = history(trfl, snt.Variable, 0)
    theirs = history(their_trfl, tf.Variable, tf.constant(0, tf.int64))
    ledger.report("state", ours, theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_shapes_are_those_of_trfl():
    for rank in (None, 2):
        theirs = their_trfl.best_effort_shape(tf.constant(VALUES), rank)
        assert list(trfl.best_effort_shape(jnp.asarray(VALUES), rank)) == list(theirs)


def test_a_period_is_counted_inside_a_compiled_function():
    target, source = snt.Variable(0.0), snt.Variable(1.0)
    counter = snt.Variable(1, trainable=False)

    @snt.jit
    def step():
        source.assign_add(1.0)
        trfl.periodic_target_update([target], [source], 2, counter=counter)

    seen = []
    for _ in range(5):
        step()
        seen.append(float(target.numpy()))
    assert seen == [0.0, 3.0, 3.0, 5.0, 5.0]


@pytest.mark.parametrize("period", [None, 0, 1])
def test_periods_that_need_no_counter_are_those_of_trfl(period):
    ours, theirs = (lib.periodically(lambda: 5, period) for lib in (trfl, their_trfl))
    assert ours == theirs


MISTAKES = {
    "no counter": (lambda: trfl.periodically(int, 2), ArgumentError, "snt.Variable"),
    "negative": (lambda: trfl.periodically(int, -1), ArgumentError, "negative"),
    "no function": (lambda: trfl.periodically(3, 1), TypeError, "must be a function"),
    "integer tau": (
        lambda: trfl.update_target_variables([], [], tau=1),
        TypeError,
        "must be a float",
    ),
    "tau": (
        lambda: trfl.update_target_variables([], [], tau=1.5),
        ValueError,
        "must lie in",
    ),
    "shapes": (
        lambda: trfl.update_target_variables(
            [snt.Variable(jnp.ones(2))], [snt.Variable(jnp.ones(3))]
        ),
        ValueError,
        "of the same shapes",
    ),
    "number": (
        lambda: trfl.update_target_variables([snt.Variable(1.0)], []),
        ValueError,
        "1 and 0",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_explained(name):
    mistake, error, message = MISTAKES[name]
    with pytest.raises(error, match=message):
        mistake()


def test_variables_are_taken_for_arrays():
    q = snt.Variable(VALUES)
    ones = np.ones(2, np.float32)
    loss = trfl.qlearning(q, ACTIONS, ones, ones, snt.Variable(VALUES)).loss
    expected = trfl.qlearning(jnp.asarray(VALUES), ACTIONS, ones, ones, VALUES).loss
    np.testing.assert_array_equal(loss, expected)
