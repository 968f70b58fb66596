"""What holds where threads share modules: measured beside Sonnet under TensorFlow."""

import concurrent.futures
import sys
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf

from sonnax import compat as snt

COUNT = 16
X = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3)), jnp.float32)


@pytest.fixture(autouse=True)
def switch_often():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def at_once(f):
    """Calls `f(i)` in many threads at the same time."""
    barrier = threading.Barrier(COUNT)

    def run(i):
        barrier.wait(timeout=60)
        return f(i)

    with concurrent.futures.ThreadPoolExecutor(COUNT) as pool:
        return list(pool.map(run, range(COUNT)))


class Own(snt.Module):
    """Makes its variables in the middle of things."""

    def __init__(self):
        super().__init__()
        self.mlp = snt.nets.MLP([5, 4])

    @snt.once
    def _make(self, x):
        self.scale = snt.Variable(jax.random.normal(snt.random.next_key(), [4]))
        self.norm = snt.BatchNorm(True, True)

    def __call__(self, x):
        y = self.mlp(x)
        self._make(y)
        return self.norm(y, is_training=False) * self.scale


FIRST_CALLS = {
    "eager": lambda net: net,
    "jit": lambda net: snt.jit(net),
    "jit of each thread": lambda net: lambda x: snt.jit(lambda x: net(x))(x),
    "grad": lambda net: (
        lambda x: snt.value_and_grad(
            lambda x: (jnp.sum(net(x)), net(x)), argnums=0, has_aux=True
        )(x)[0][1]
    ),
    "remat": lambda net: snt.remat(net),
    "scan": lambda net: lambda x: snt.scan(lambda c, x: (c, net(x)), (), x[None])[1][0],
}


@pytest.mark.parametrize("how", FIRST_CALLS)
def test_first_calls_make_one_set_of_variables_and_return_its_values(how):
    for _ in range(3):
        net = Own()
        f = FIRST_CALLS[how](net)
        results = at_once(lambda i, f=f: f(X))
        assert len(net.variables) == 13
        for result in results:
            np.testing.assert_allclose(result, net(X), rtol=1e-5)


def test_eager_and_compiled_first_calls_may_meet():
    for _ in range(3):
        net = Own()
        compiled = snt.jit(net)
        results = at_once(lambda i, net=net, f=compiled: (f if i % 2 else net)(X))
        for result in results:
            np.testing.assert_allclose(result, net(X), rtol=1e-5)


def test_shapes_that_are_new_may_meet():
    net = Own()
    f = snt.jit(net)
    for i, result in enumerate(at_once(lambda i: f(jnp.ones([1 + i % 4, 3])))):
        np.testing.assert_allclose(result, net(jnp.ones([1 + i % 4, 3])), rtol=1e-5)


def additions(library, compiled):
    v = library.Variable(0.0, trainable=False)
    add = compiled(lambda: v.assign_add(1.0))
    add()

    def many(_):
        for _ in range(50):
            add()

    at_once(many)
    return float(v)


@pytest.mark.parametrize("how", ["eager", "compiled"])
def test_no_addition_is_lost_as_in_tensorflow(how):
    expected = 1 + 50 * COUNT
    ours = {"eager": lambda f: f, "compiled": snt.jit}[how]
    tensorflows = {"eager": lambda f: f, "compiled": tf.function}[how]
    assert additions(tf, tensorflows) == expected
    assert additions(snt, ours) == expected


@pytest.mark.parametrize("donate", [False, True])
def test_a_compiled_call_happens_as_a_whole(donate):
    total = snt.Variable(jnp.zeros([]), trainable=False)
    product = snt.Variable(jnp.zeros([3]), trainable=False)

    @snt.jit(donate_variables=donate)
    def step():
        total.assign(total + 1)
        product.assign(product + total)

    @snt.jit(donate_variables=donate)
    def other():
        total.assign(total + 1)
        product.assign(product + total)

    at_once(lambda i: [(step, other)[i % 2]() for _ in range(20)])
    n = 20 * COUNT
    assert float(total) == n
    assert product.numpy().tolist() == [n * (n + 1) / 2] * 3


def test_rows_are_added_without_a_loss():
    table = snt.Variable(jnp.zeros([2, 1]))
    one = snt.IndexedSlices(jnp.ones([1, 1]), jnp.array([1]))
    at_once(lambda i: [table.scatter_add(one) for _ in range(20)])
    assert table.numpy().tolist() == [[0], [20 * COUNT]]


def test_a_callback_may_assign_while_the_program_runs():
    seen = snt.Variable(0, trainable=False)
    total = snt.Variable(0.0, trainable=False)

    @snt.jit
    def step(x):
        jax.debug.callback(lambda _: seen.assign_add(1), x)
        return total.assign_add(jnp.sum(x))

    for _ in range(5):
        jax.block_until_ready(step(jnp.ones([4])))
    jax.effects_barrier()
    assert (float(total), int(seen)) == (20, 5)


def test_a_failure_in_one_thread_lets_the_others_go_on():
    net = Own()

    @snt.jit
    def fails(x):
        net(x)
        raise KeyError("on purpose")

    def run(i):
        if i % 2:
            with pytest.raises(KeyError):
                fails(X)
            return None
        return net(X)

    for result in at_once(run):
        if result is not None:
            np.testing.assert_allclose(result, net(X), rtol=1e-5)
