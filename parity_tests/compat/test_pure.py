"""Modules as pure functions, under everything that JAX does to functions."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import Mesh, PartitionSpec

from sonnax import compat as snt
from sonnax.haiku_impl.core.errors import NonEmptyStateError

X = jnp.asarray(np.random.default_rng(0).normal(size=(6, 4)), jnp.float32)
KEY = jax.random.key(0)


def network(x):
    return snt.nets.MLP([5, 3])(x)


def by_hand(params, x):
    for i in range(2):
        layer = params[f"mlp/linear_{i}"]
        x = x @ layer["w"] + layer["b"]
        x = jax.nn.relu(x) if i == 0 else x
    return x


def test_trees_have_the_names_of_the_scopes():
    params = snt.functional.transform(network).init(X, rng=KEY)
    assert jax.tree.map(jnp.shape, params) == {
        "mlp/linear_0": {"b": (5,), "w": (4, 5)},
        "mlp/linear_1": {"b": (3,), "w": (5, 3)},
    }


def test_apply_is_the_maths_by_hand_equation_for_equation():
    f = snt.functional.transform(network)
    params = f.init(X, rng=KEY)
    np.testing.assert_allclose(f.apply(params, X), by_hand(params, X), rtol=1e-6)

    def primitives(function):
        jaxpr = jax.make_jaxpr(function)(params, X)
        return [str(eqn.primitive) for eqn in jaxpr.eqns if "name" not in eqn.params]

    ours, hand = primitives(f.apply), primitives(by_hand)
    assert ours.count("dot_general") == hand.count("dot_general") == 2
    assert len(ours) == len(hand)


def test_modules_built_outside_are_closed_over():
    with snt.functional.variables():
        a, b = snt.Linear(4), snt.Linear(4)
    f = snt.functional.transform(lambda x: b(a(x)))
    params = f.init(X, rng=KEY)
    assert sorted(params) == ["linear", "linear_1"]
    assert not np.array_equal(params["linear"]["w"], params["linear_1"]["w"])
    assert f.apply(params, X).shape == (6, 4)


def test_clashing_names_are_an_error_that_says_what_to_do():
    a, b = snt.Linear(4), snt.Linear(4)
    b(a(X))
    with pytest.raises(ValueError, match=r"snt\.functional\.variables"):
        snt.functional.transform(lambda x: b(a(x))).init(X, rng=KEY)


def test_state_needs_transform_with_state():
    f = snt.functional.transform(lambda x: snt.BatchNorm(True, True)(x, True))
    with pytest.raises(NonEmptyStateError, match="transform_with_state"):
        f.init(X, rng=KEY)


def test_a_training_run_under_scan_with_optax():
    def model(x, training):
        hidden = snt.BatchNorm(True, True, 0.9)(snt.Linear(8)(x), training)
        return snt.Linear(1)(snt.Dropout(0.1)(jax.nn.relu(hidden), training))

    f = snt.functional.transform_with_state(model)
    optimizer = optax.adam(1e-2)

    def loss(params, state, key):
        y, state = f.apply(params, state, X, True, rng=key)
        return jnp.mean((y[:, 0] - X[:, 0]) ** 2), state

    def step(carry, key):
        params, state, opt_state = carry
        (value, state), grads = jax.value_and_grad(loss, has_aux=True)(
            params, state, key
        )
        updates, opt_state = optimizer.update(grads, opt_state)
        return (optax.apply_updates(params, updates), state, opt_state), value

    params, state = f.init(X, True, rng=KEY)
    keys = jax.random.split(KEY, 60)
    carry = (params, state, optimizer.init(params))
    (params, state, _), losses = jax.jit(functools.partial(jax.lax.scan, step))(
        carry, keys
    )
    assert losses[-10:].mean() < 0.5 * losses[:10].mean()
    assert int(state["batch_norm/moving_mean"]["counter"]) == 60


def test_checkpointed_gradients_are_the_same():
    f = snt.functional.transform(network)
    params = f.init(X, rng=KEY)

    def loss(apply):
        return jax.jit(jax.grad(lambda p: jnp.sum(apply(p, X) ** 2)))

    plain, remat = loss(f.apply)(params), loss(jax.checkpoint(f.apply))(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), plain, remat)


def test_an_ensemble_under_vmap_and_shard_map():
    f = snt.functional.transform(network)
    keys = jax.random.split(KEY, 2)
    params = jax.vmap(lambda key: f.init(X, rng=key))(keys)
    many = jax.jit(jax.vmap(f.apply, in_axes=(0, None)))(params, X)
    mesh = Mesh(np.array(jax.devices()[:1]), ("batch",))
    first = jax.tree.map(lambda p: p[0], params)
    sharded = jax.shard_map(
        f.apply,
        mesh=mesh,
        in_specs=(PartitionSpec(), PartitionSpec("batch")),
        out_specs=PartitionSpec("batch"),
    )
    np.testing.assert_allclose(sharded(first, X), many[0], rtol=1e-6)


def test_assigning_to_parameters_is_an_error():
    def f(x):
        linear = snt.Linear(2)
        y = linear(x)
        linear.w.assign(linear.w * 0)
        return y

    pure = snt.functional.transform(f)
    params = pure.init(X, rng=KEY)
    with pytest.raises(Exception, match="trainable=False"):
        pure.apply(params, X)


def test_wrong_trees_are_errors():
    f = snt.functional.transform(network)
    with pytest.raises(TypeError, match="apply"):
        f.apply(X, X)
    with pytest.raises(ValueError, match="mlp/linear_0"):
        f.apply({}, X)


def test_modules_keep_their_eager_values():
    linear = snt.Linear(2)
    before = linear(X)
    f = snt.functional.transform(linear)
    params = f.init(X, rng=KEY)
    np.testing.assert_array_equal(params["linear"]["w"], linear.w.numpy())
    f.apply(jax.tree.map(jnp.zeros_like, params), X)
    np.testing.assert_array_equal(linear(X), before)


def test_modules_of_one_name_that_were_never_called_clash_too():
    a, b = snt.Linear(2), snt.Linear(2)
    f = snt.functional.transform(lambda x: b(a(x)))
    with pytest.raises(ValueError, match=r"same place 'linear'/'w'.*variables\(\)"):
        f.init(jnp.ones([1, 2]))
