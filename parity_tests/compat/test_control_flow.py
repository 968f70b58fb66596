"""snt's control flow outside the ordinary: odd conditions, no steps, constants."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf

from sonnax import compat as snt
from sonnax import haiku_impl as hk
from sonnax.haiku_impl.core.module import hook_methods


@pytest.mark.parametrize("pred", [-1, 0, 2, 0.5, 0.0, -0.25, True, False])
@pytest.mark.parametrize("wrap", [lambda f: f, snt.jit])
def test_every_number_but_zero_is_true(pred, wrap):
    ours = wrap(lambda: snt.cond(pred, lambda: 1.0, lambda: 2.0))()
    assert float(ours) == float(tf.cond(tf.constant(pred), lambda: 1.0, lambda: 2.0))
    assert float(ours) == float(jax.lax.cond(pred, lambda: 1.0, lambda: 2.0))


@pytest.mark.parametrize("wrap", [lambda f: f, snt.jit])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_of_no_steps_makes_variables_and_empty_outputs(wrap, reverse):
    linear, total = snt.Linear(3), snt.Variable(2.0, trainable=False)

    def step(carry, x):
        total.assign_add(1.0)
        return carry, {"y": linear(x)}

    f = wrap(lambda xs: snt.scan(step, jnp.ones(2), xs, reverse=reverse))
    carry, ys = f(jnp.zeros([0, 4, 5]))
    assert carry.tolist() == [1, 1]
    assert ys["y"].shape == (0, 4, 3)
    assert linear.w.numpy().shape == (5, 3)
    assert float(total) == 2


def test_a_scan_of_no_steps_without_inputs():
    _, ys = snt.scan(lambda c, _: (c, c), jnp.float32(1), None, length=0)
    assert ys.shape == (0,)


def test_remat_leaves_arrays_in_variables():
    v, n = snt.Variable(1.0), snt.Variable(0, trainable=False)
    snt.remat(lambda: (v.assign(3.0), n.assign_add(1)))()
    assert type(v.value()) is type(n.value()) is type(jnp.ones([]))
    assert (float(v), int(n)) == (3, 1)
    assert int(snt.jit(lambda: n.assign_add(1))()) == 2


def test_control_flow_in_a_pure_function_carries_state():
    net, total = snt.Linear(2), snt.Variable(0.0, trainable=False)

    def f(xs):
        def step(carry, x):
            snt.cond(carry > 2, lambda: total.assign_add(1.0), total.value)
            return carry + 1, net(x)

        return snt.scan(step, 0, xs)

    f = snt.functional.transform_with_state(f)
    xs = jnp.ones([5, 1, 3])
    params, state = f.init(xs, rng=0)
    (count, ys), state = jax.jit(f.apply)(params, state, xs)
    assert (int(count), float(state["~"]["Variable"])) == (5, 2)
    np.testing.assert_allclose(ys[0], xs[0] @ params["linear"]["w"], rtol=1e-6)


def test_modules_show_in_haikus_tables():
    mlp = snt.nets.MLP([3, 2])
    columns = ("module", "owned_params", "output", "params_size")
    table = hk.experimental.tabulate(mlp, columns=columns)(jnp.ones([1, 4]))
    for text in ("mlp (MLP)", "mlp/linear_0 (Linear)", "w: f32[4,3]", "23"):
        assert text in table
    assert "Conv2D" not in table


def test_method_hooks_are_entered_around_modules():
    calls = []

    class Hook:
        def __init__(self, module, name):
            calls.append((module.name, name))

        def __enter__(self):
            pass

        def __exit__(self, *unused):
            pass

    linear = snt.Linear(2)
    with hook_methods(Hook):
        linear(jnp.ones([1, 1]))
    assert ("linear", "__call__") in calls
