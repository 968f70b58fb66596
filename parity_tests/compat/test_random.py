"""Random keys: from the default generator, or from a pure function's key."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import compat as snt
from sonnax.haiku_impl.core.errors import MissingRNGError

X = jnp.ones([50])


def test_dropout_differs_from_call_to_call_and_repeats_with_the_seed():
    dropout = snt.Dropout(0.5)
    for call in (lambda: dropout(X, True), snt.jit(lambda: dropout(X, True))):
        snt.random.set_seed(7)
        first, second = call(), call()
        assert not np.array_equal(first, second)
        snt.random.set_seed(7)
        np.testing.assert_array_equal(call(), first)
        np.testing.assert_array_equal(call(), second)


def test_compiled_and_eager_draws_are_the_same():
    dropout = snt.Dropout(0.3)
    snt.random.set_seed(3)
    eager = [dropout(X, True) for _ in range(3)]
    snt.random.set_seed(3)
    compiled = snt.jit(lambda: dropout(X, True))
    np.testing.assert_array_equal([compiled() for _ in range(3)], eager)


def test_initial_values_differ_and_repeat():
    def values():
        snt.random.set_seed(1)
        a, b = snt.Linear(3), snt.Linear(3)
        a(jnp.ones([1, 3])), b(jnp.ones([1, 3]))
        return a.w.numpy(), b.w.numpy()

    first, second = values(), values()
    assert not np.array_equal(*first)
    np.testing.assert_array_equal(first, second)


def test_pure_functions_take_keys():
    f = snt.functional.transform(lambda x: snt.Dropout(0.5)(x, True))
    draw = jax.jit(lambda key: f.apply({}, X, rng=key))
    one, other = draw(jax.random.key(0)), draw(jax.random.key(1))
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(draw(jax.random.key(0)), one)
    with pytest.raises(MissingRNGError, match="rng="):
        f.apply({}, X)


def test_pure_functions_leave_the_default_generator():
    snt.random.set_seed(0)
    expected = snt.random.next_key()
    snt.random.set_seed(0)
    f = snt.functional.transform(lambda x: snt.Linear(2)(x))
    f.init(jnp.ones([1, 2]), rng=jax.random.key(0))
    assert snt.random.next_key() == expected


def test_dropout_has_its_rate_and_scale():
    snt.random.set_seed(0)
    y = np.asarray(snt.Dropout(0.25)(jnp.ones([100, 100]), True))
    assert set(np.unique(y)) == {0, np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.02
    rows = np.asarray(snt.Dropout(0.5, noise_shape=[None, 1])(jnp.ones([64, 5]), True))
    assert (rows == rows[:, :1]).all()
    assert 0 < (rows == 0).mean() < 1
    infinite = snt.Dropout(0.5)(jnp.full([64], jnp.inf), True)
    assert not jnp.isnan(infinite).any()


def test_a_rate_may_be_a_variable_and_training_may_be_traced():
    rate = snt.Variable(0.0, trainable=False)
    dropout = snt.Dropout(rate)
    call = snt.jit(lambda x, training: dropout(x, training))
    np.testing.assert_array_equal(call(X, jnp.array(True)), X)
    rate.assign(0.5)
    assert set(np.unique(call(X, jnp.array(True)))) == {0, 2}
    np.testing.assert_array_equal(call(X, jnp.array(False)), X)


def test_threads_have_generators_of_their_own():
    found = []

    def run():
        snt.random.set_seed(5)
        found.append(snt.random.next_key())

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1] == found[2]


def test_seeding_inside_a_transform_is_an_error():
    with pytest.raises(ValueError, match="outside"):
        snt.jit(lambda: snt.random.set_seed(0))()
