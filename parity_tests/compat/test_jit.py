"""What legacy training loops do, inside one compiled function."""

import copy
import gc
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import compat as snt


class Agent:
    """Two networks that share a torso, a target network, and everything around."""

    def __init__(self):
        snt.random.set_seed(0)
        self.torso = snt.Sequential([snt.Linear(8), jax.nn.relu])
        self.norm = snt.BatchNorm(True, True, 0.9)
        self.dropout = snt.Dropout(0.5)
        self.actor, self.critic = snt.Linear(3, name="actor"), snt.Linear(1)
        self.epsilon = snt.Variable(1.0, trainable=False, name="epsilon")
        self.step = snt.Variable(0, trainable=False, name="step")
        self.optimizer = snt.optimizers.Adam(1e-2)
        self.traces = 0
        self.target = None

    def features(self, x):
        return self.norm(self.torso(x), is_training=True)

    def loss(self, x):
        hidden = self.dropout(self.features(x), True)
        value = self.critic(hidden)[:, 0]
        return jnp.mean((value - self.epsilon) ** 2) + jnp.mean(self.actor(hidden) ** 2)

    def variables(self):
        modules = self.torso, self.norm, self.actor, self.critic
        return [v for module in modules for v in module.trainable_variables]

    def train(self, x):
        self.traces += 1
        loss, gradients = snt.value_and_grad(self.loss, self.variables)(x)
        self.optimizer.apply(gradients, self.variables())
        self.epsilon.assign(self.epsilon * 0.99)
        self.step.assign_add(1)
        return loss

    def everything(self):
        modules = self.torso, self.norm, self.actor, self.critic, self.optimizer
        found = [v for module in modules for v in module.variables]
        return [v.numpy() for v in [*found, self.epsilon, self.step]]


X = jnp.asarray(np.random.default_rng(0).normal(size=(6, 4)), jnp.float32)


def test_a_training_loop_is_compiled_once_and_equals_the_eager_one():
    eager, compiled = Agent(), Agent()
    for agent in (eager, compiled):
        snt.random.set_seed(0)
        agent.train(X)  # all variables exist from here on
    snt.random.set_seed(1)
    eager_losses = [float(eager.train(X)) for _ in range(4)]
    train = snt.jit(compiled.train)
    snt.random.set_seed(1)
    losses = [float(train(X)) for _ in range(4)]
    assert compiled.step.numpy() == 5
    np.testing.assert_allclose(losses, eager_losses, rtol=2e-4)
    for one, other in zip(compiled.everything(), eager.everything(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_a_thousand_calls_without_a_retrace_or_a_leak():
    agent = Agent()
    train = snt.jit(agent.train)
    for _ in range(4):
        train(X)
    traces = agent.traces
    gc.collect()
    before = len(jax.live_arrays())
    for _ in range(1000):
        loss = train(X)
    del loss
    gc.collect()
    assert agent.traces == traces
    assert len(jax.live_arrays()) <= before
    assert int(agent.step) == 1004


def test_a_target_network_is_a_deep_copy_that_is_updated():
    agent = Agent()
    train = snt.jit(agent.train)
    train(X)
    target = copy.deepcopy(agent.critic)
    start = target.w.numpy()
    train(X)
    np.testing.assert_array_equal(target.w.numpy(), start)
    assert not np.array_equal(agent.critic.w.numpy(), start)

    @snt.jit
    def update():
        for old, new in zip(target.variables, agent.critic.variables):
            old.assign(0.9 * old + 0.1 * new)

    update()
    np.testing.assert_allclose(
        target.w.numpy(), 0.9 * start + 0.1 * agent.critic.w.numpy(), rtol=1e-6
    )


def test_donated_variables_give_the_same_numbers():
    kept, donated = Agent(), Agent()
    snt.random.set_seed(2)
    expected = [float(loss) for loss in map(snt.jit(kept.train), [X] * 3)]
    train = snt.jit(donated.train, donate_variables=True)
    snt.random.set_seed(2)
    assert [float(train(X)) for _ in range(3)] == expected


def test_a_donated_argument_is_gone():
    w = snt.Variable(2.0)
    f = snt.jit(lambda x: w * x, donate_argnums=0)
    x = jnp.ones([128])
    f(x)
    assert x.is_deleted()


def test_variables_are_created_on_the_first_call():
    net = snt.nets.MLP([4, 2])
    f = snt.jit(net)
    y = f(X)
    assert next(v.name for v in net.variables) == "mlp/linear_0/b:0"
    np.testing.assert_allclose(net(X), y, rtol=1e-6)
    assert np.std(net.trainable_variables[1].numpy()) > 0


def test_new_shapes_and_static_values_retrace():
    traces = []
    net = snt.Linear(2)

    @snt.jit
    def f(x, flag=True):
        traces.append((x.shape, flag))
        return net(x) * (2 if flag else 3)

    for x, flag in ((X, True), (X, True), (X[:2], True), (X, False), (X[:2], True)):
        f(x, flag)
    assert len(set(traces)) == 3
    np.testing.assert_allclose(f(X, False), 1.5 * f(X, True), rtol=1e-6)


def test_python_branches_on_attributes():
    class Gate(snt.Module):
        open = True

        def __call__(self, x):
            return x if self.open else -x

    gate = Gate()
    assert float(snt.jit(gate)(1.0)) == 1
    gate.open = False
    assert float(snt.jit(gate)(1.0)) == -1


def test_an_exception_leaves_all_variables_as_they_were():
    v, count = snt.Variable(1.0), snt.Variable(0, trainable=False)
    net = snt.Linear(2)

    @snt.jit
    def f(x, fail):
        v.assign(5.0)
        count.assign_add(1)
        net(x)
        if fail:
            raise KeyError("on purpose")

    with pytest.raises(KeyError):
        f(X, True)
    assert (float(v), int(count)) == (1.0, 0)
    f(X, False)
    assert (float(v), int(count)) == (5.0, 1)
    assert net.w.shape == (4, 2)


def test_methods_compile_for_each_instance_and_let_it_go():
    class Scale(snt.Module):
        def __init__(self, factor):
            super().__init__()
            self.w = snt.Variable(factor)

        @snt.jit
        def __call__(self, x):
            return self.w * x

    two, three = Scale(2.0), Scale(3.0)
    assert [float(two(1.0)), float(three(1.0)), float(two(2.0))] == [2, 3, 4]
    gone = weakref.ref(two)
    del two
    gc.collect()
    assert gone() is None


def test_gradients_of_unused_variables_are_zero():
    used, unused = snt.Variable(2.0), snt.Variable([1.0, 1.0])
    value, (one, other) = snt.value_and_grad(lambda: used**2, [used, unused])()
    assert (float(value), float(one), other.tolist()) == (4, 4, [0, 0])


def test_training_can_be_traced():
    norm = snt.BatchNorm(True, True, 0.5)
    f = snt.jit(lambda x, training: norm(x, training))
    x = X[:, :2]
    trained = f(x, jnp.array(True))
    np.testing.assert_allclose(f(x, jnp.array(False)).shape, trained.shape)
    assert int(norm.moving_mean._counter) == 1
    np.testing.assert_allclose(norm.moving_mean.value[0], x.mean(0), rtol=1e-5)


def test_transforms_carry_state():
    total = snt.Variable(0.0, trainable=False)
    w = snt.Variable(2.0)
    _, ys = snt.scan(lambda c, x: (c, total.assign_add(w * x)), None, jnp.arange(3.0))
    assert ys.tolist() == [0, 2, 6]
    assert snt.vmap(lambda x: w * x)(jnp.arange(3.0)).tolist() == [0, 2, 4]
    assert float(snt.cond(True, lambda: w.assign(3.0), w.value)) == 3 == float(w)
    (gradient,) = snt.grad(snt.remat(lambda: w**2), [w])()
    assert float(gradient) == 6


def test_a_weakly_typed_initial_value_does_not_cost_a_second_trace():
    traces = []
    w = snt.Variable(jnp.asarray(2))

    @snt.jit
    def double():
        traces.append(w)
        return w.assign(w * 2)

    double()
    after_first = len(traces)
    double()
    assert len(traces) == after_first
