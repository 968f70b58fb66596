"""`snt.functional` beside Sonnet's: transforms of pure functions, and optimizers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sonnet
import tensorflow as tf

from sonnax import compat as snt

from .libraries import assert_close

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
OPTIMIZERS = {
    "sgd": {"learning_rate": 0.1},
    "momentum": {"learning_rate": 0.1, "momentum": 0.9},
    "adam": {"learning_rate": 0.1},
    "rmsprop": {"learning_rate": 0.1},
}


def made(library, square, mean):
    """The parts of a training step, in either library."""
    with library.functional.variables():
        net = library.nets.MLP([5, 2], w_init=library.initializers.Ones())
    return library.functional.transform(lambda x: mean(square(net(x))))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_with_pure_optimizers_is_sonnets(name):
    losses = []
    for library, array, square, mean in (
        (snt, jnp.asarray, jnp.square, jnp.mean),
        (sonnet, tf.constant, tf.square, tf.reduce_mean),
    ):
        loss = made(library, square, mean)
        optimizer = getattr(library.functional, name)(**OPTIMIZERS[name])
        params = loss.init(array(X))
        state = optimizer.init(params)
        step = library.functional.value_and_grad(loss.apply)
        values = []
        for _ in range(5):
            value, gradients = step(params, array(X))
            params, state = optimizer.apply(state, gradients, params)
            values.append(np.asarray(value))
        losses.append([np.stack(values)])
    assert_close(*losses, 1e-5, "losses")


def test_any_optimizer_can_be_made_pure_and_state_can_be_left_out():
    found = []
    for library, array in ((snt, jnp.asarray), (sonnet, tf.constant)):
        with library.functional.variables():
            net = library.Linear(2, w_init=library.initializers.Ones())
        pure = library.functional.transform_with_state(net)
        f = library.functional.without_state(pure)
        params = f.init(array(X))
        make = library.functional.optimizer(library.optimizers.RMSProp)
        optimizer = make(0.1, momentum=0.5)
        state = optimizer.init(params)
        for _ in range(2):
            params, state = optimizer.apply(state, params, params)
        found.append([np.asarray(f.apply(params, array(X)))])
        norm = library.functional.transform_with_state(
            lambda x, library=library: library.BatchNorm(True, True)(x, True)
        )
        with pytest.raises(ValueError, match="transform_with_state"):
            library.functional.without_state(norm).init(array(X))
    assert_close(*found, 1e-6, "outputs")


def test_optimizer_state_is_a_plain_tree_that_jit_takes():
    adam = snt.functional.adam(0.1)
    params = {"mlp/linear_0": {"w": jnp.ones([2])}, "mlp/linear_1": {"w": jnp.ones([])}}
    state = adam.init(params)
    assert jax.tree.leaves(state)[0].shape is not None
    assert sorted(state[1]) == [
        "adam",
        "adam/m/mlp/linear_0",
        "adam/m/mlp/linear_1",
        "adam/v/mlp/linear_0",
        "adam/v/mlp/linear_1",
    ]
    assert int(state[1]["adam"]["t"]) == 0
    updates = {"mlp/linear_0": {"w": jnp.ones([2])}, "mlp/linear_1": {"w": None}}
    step = jax.jit(adam.apply)
    for count in (1, 2):
        params, state = step(state, updates, params)
        assert int(state[1]["adam"]["t"]) == count
    assert params["mlp/linear_1"]["w"] == 1
    np.testing.assert_allclose(params["mlp/linear_0"]["w"], 0.8, rtol=1e-5)


def test_applying_an_optimizer_costs_the_equations_of_its_rule():
    sgd = snt.functional.sgd(0.1)
    params = {"a": jnp.ones([2]), "b": jnp.ones([3])}
    jaxpr = jax.make_jaxpr(sgd.apply)(sgd.init(params), params, params)
    found = [equation.primitive.name for equation in jaxpr.eqns]
    assert found == ["mul", "sub"] * 2


def test_a_rate_that_is_a_variable_is_part_of_the_state():
    rate = snt.Variable(0.5, trainable=False, name="rate")
    sgd = snt.functional.sgd(rate)
    params = {"w": jnp.array(1.0)}
    state = sgd.init(params)
    params, state = sgd.apply(state, params, params)
    assert float(params["w"]) == 0.5
    state[1]["~"]["rate"] = jnp.array(0.0)
    params, _ = sgd.apply(state, params, params)
    assert float(params["w"]) == 0.5


GRADIENTS = {
    "one argument": ({}, lambda xs: xs[0] * xs[1]),
    "another": ({"argnums": 1}, lambda xs: xs[0] * xs[1]),
    "a tuple of arguments": ({"argnums": (0, 1)}, lambda xs: xs[0] ** 2 * xs[1]),
    "a list of arguments": ({"argnums": [1, 0]}, lambda xs: xs[0] ** 2 * xs[1]),
    "an auxiliary result": (
        {"has_aux": True},
        lambda xs: (xs[0] * xs[1], {"x": xs[0] + 1}),
    ),
}


@pytest.mark.parametrize("about", GRADIENTS)
def test_gradients_have_sonnets_values_and_structure(about):
    options, f = GRADIENTS[about]
    values = (np.float32([1.0, 2.0]), np.float32([3.0, 4.0]))
    for how in ("grad", "value_and_grad"):
        results = []
        for library, array in ((snt, jnp.asarray), (sonnet, tf.constant)):
            transformed = getattr(library.functional, how)(lambda *xs: f(xs), **options)
            results.append(transformed(*map(array, values)))
        ours, theirs = map(jax.tree.flatten, (results[0], results[1]))
        assert ours[1] == theirs[1]
        for a, b in zip(ours[0], theirs[0]):
            assert_close([a], [b], 1e-6, about, "gradients")


def test_jit_and_devices():
    f = snt.functional.jit(lambda x, y: x["a"] + y)
    assert float(f({"a": jnp.ones([])}, 1.0)) == 2
    f = snt.functional.jit(lambda x: x + 1, device="/device:CPU:0")
    assert f(jnp.ones([])).device == jax.devices("cpu")[0]
    placed = snt.functional.device_put({"a": np.ones(2)}, jax.devices()[0])
    assert isinstance(snt.functional.device_get(placed)["a"], np.ndarray)
    with pytest.raises(ValueError, match="no device 'TPU:9'"):
        snt.functional.device_put(1.0, "TPU:9")
