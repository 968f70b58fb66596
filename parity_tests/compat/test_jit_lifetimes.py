"""What a compiled function needs, keeps, gives up, and undoes."""

import copy
import gc
import pickle
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import compat as snt

X = jnp.asarray(np.random.default_rng(0).normal(size=(6, 4)), jnp.float32)


def test_donated_variables_may_be_made_by_the_function_itself():
    snt.random.set_seed(0)
    kept, donated = snt.BatchNorm(True, True), snt.BatchNorm(True, True)
    expected = [snt.jit(kept)(X, is_training=True) for _ in range(3)]
    train = snt.jit(donated, donate_variables=True)
    found = [train(X, is_training=True) for _ in range(3)]
    np.testing.assert_array_equal(found, expected)
    assert int(donated.moving_mean._counter) == 3


def test_donated_variables_may_share_one_array():
    zeros = jnp.zeros([3])
    one, other = snt.Variable(zeros), snt.Variable(zeros)
    read_only = snt.Variable(jnp.ones([3]))

    @snt.jit(donate_variables=True)
    def step(x):
        one.assign_add(x + read_only)
        other.assign_sub(x)
        return x

    for _ in range(2):
        step(jnp.ones([3]))
    one.assign(read_only.value())
    step(one.value())
    assert one.numpy().tolist() == [3, 3, 3]
    assert other.numpy().tolist() == [-3, -3, -3]
    assert read_only.numpy().tolist() == [1, 1, 1]


class ByOnce(snt.Module):
    @snt.once
    def _make(self, x):
        self.inner = snt.Linear(2)
        self.w = snt.Variable(lambda: jax.random.normal(snt.random.next_key(), [4]))

    def __call__(self, x):
        self._make(x)
        return self.inner(x * self.w)


class ByAttribute(snt.Module):
    def __call__(self, x):
        if not hasattr(self, "codes"):
            self.codes = snt.nets.VectorQuantizerEMA(4, 3, 0.25, 0.9)
            self.w = snt.Variable(x[0])
        return self.codes(x * self.w, True)["quantize"]


FIRST_CALLS = {
    "jit": lambda net: snt.jit(net)(X),
    "grad": lambda net: snt.grad(lambda: jnp.sum(net(X)), net)(),
    "grad of arguments": lambda net: snt.grad(lambda x: jnp.sum(net(x)), argnums=0)(X),
    "vmap": lambda net: snt.vmap(lambda x: net(x[None]))(X),
    "scan": lambda net: snt.scan(lambda c, x: (c, net(x[None])), (), X),
    "remat": lambda net: snt.remat(net)(X),
    "cond": lambda net: snt.cond(True, net, lambda x: jnp.sum(net(x)), X),
}


@pytest.mark.parametrize("make", [ByOnce, ByAttribute])
@pytest.mark.parametrize("how", ["jit", "grad of arguments", "scan", "remat"])
@pytest.mark.parametrize("when", [1, 2])
def test_a_first_call_that_is_interrupted_leaves_the_module_as_it_was(
    make, how, when, monkeypatch
):
    net = make()
    before = set(vars(net))
    calls = []

    def interrupted(original):
        def run(*args, **kwargs):
            calls.append(original)
            if len(calls) == when:
                raise KeyboardInterrupt
            return original(*args, **kwargs)

        return run

    # Where a program is compiled, as Ctrl-C would interrupt it.
    from jax._src import compiler

    with monkeypatch.context() as patch:
        patch.setattr(
            compiler,
            "compile_or_get_cached",
            interrupted(compiler.compile_or_get_cached),
        )
        jax.clear_caches()
        try:
            FIRST_CALLS[how](net)
        except KeyboardInterrupt:
            made = set(vars(net)) - before - {"_sonnax_once"}
            assert all(np.isfinite(v.numpy()).all() for v in net._flatten(is_variable))
            if when == 1:
                assert not made
        else:
            assert len(calls) < when
    FIRST_CALLS[how](net)
    assert all(np.isfinite(v.numpy()).all() for v in net.variables)


def is_variable(leaf):
    return isinstance(leaf, snt.Variable)


def test_an_initializer_that_fails_once_can_be_tried_again():
    class FailsOnce(snt.initializers.Initializer):
        calls = 0

        def __call__(self, shape, dtype):
            def fail(_):
                type(self).calls += 1
                if type(self).calls == 1:
                    raise RuntimeError("out of memory, say")
                return np.ones(shape, dtype)

            spec = jax.ShapeDtypeStruct(shape, dtype)
            return jax.pure_callback(fail, spec, jnp.zeros([]))

    net = snt.Linear(2, w_init=FailsOnce())
    f = snt.jit(net)
    with pytest.raises(Exception, match="out of memory"):
        f(X)
    np.testing.assert_allclose(f(X), X @ jnp.ones([4, 2]), rtol=1e-6)


def test_a_module_that_is_an_argument_is_let_go_and_costs_others_nothing():
    traces = []

    @snt.jit
    def call(module, x):
        traces.append(module)
        return module(x)

    nets = [snt.Linear(2) for _ in range(3)]
    for net in nets:
        call(net, X)
        call(net, X)
    traces.clear()
    for net in nets:
        call(net, X)
    assert not traces
    (own,) = {
        len(program._lifted.held) + len(program._lifted.changed)
        for program in call._programs.values()
    }
    # Two variables, and the random key that the first call drew.
    assert own == 3
    gone = [weakref.ref(net) for net in nets]
    gone += [weakref.ref(net.w) for net in nets]
    del nets, net
    gc.collect()
    assert [ref() for ref in gone] == [None] * 6
    assert not call._programs


def test_a_module_that_is_exchanged_is_let_go_and_the_new_one_is_used():
    class Agent:
        net = snt.Linear(1, w_init=snt.initializers.Ones())

    f = snt.jit(lambda x: Agent.net(x))
    f(X)
    gone = weakref.ref(Agent.net)
    Agent.net = snt.Linear(1, w_init=snt.initializers.Zeros())
    gc.collect()
    assert gone() is None
    assert not np.any(f(X))
    Agent.net.w.assign(jnp.ones([4, 1]))
    assert np.any(f(X))


def test_variables_that_live_for_one_call_are_no_inputs():
    traces = []

    @snt.jit
    def f(x):
        traces.append(x)
        v = snt.Variable(x, trainable=False)
        v.assign_add(x)
        return v.value()

    for _ in range(3):
        assert f(2.0) == 4
    gc.collect()
    count = len(traces)
    assert f(3.0) == 6
    assert len(traces) == count <= 3


class Stepper(snt.Module):
    def __init__(self):
        super().__init__()
        self.n = snt.Variable(0, trainable=False)
        self.step = snt.jit(self.count)

    def count(self):
        return self.n.assign_add(1)

    @snt.jit
    def method(self):
        return self.n.assign_add(10)


@snt.jit
def twice(x):
    return 2 * x


def test_compiled_functions_are_copied_and_pickled():
    import cloudpickle

    stepper = Stepper()
    stepper.step()
    stepper.method()
    copied = copy.deepcopy(stepper)
    pickled = pickle.loads(pickle.dumps(stepper))
    for other in (copied, pickled):
        assert [int(other.step()), int(other.method())] == [12, 22]
    assert int(stepper.n) == 11
    assert pickle.loads(pickle.dumps(twice)) is twice
    by_value = cloudpickle.loads(cloudpickle.dumps(snt.jit(lambda x: 3 * x)))
    assert float(by_value(2.0)) == 6
