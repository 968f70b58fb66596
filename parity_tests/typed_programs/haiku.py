"""Haiku's modules and transforms."""

from typing import Any, assert_type

import jax
import jax.numpy as jnp

from sonnax import haiku_impl as hk

x = jnp.ones([2, 3])
key = jax.random.key(0)


def forward(inputs: jax.Array, is_training: bool = True) -> jax.Array:
    net = hk.Linear(3)
    assert_type(net, hk.Linear)
    assert_type(net(inputs), jax.Array)
    w = hk.get_parameter("w", [3], jnp.float32, init=jnp.ones)
    assert_type(w, jax.Array)
    assert_type(hk.next_rng_key(), jax.Array)
    assert_type(hk.nets.MLP([3, 4])(inputs), jax.Array)
    assert_type(hk.BatchNorm(True, True, 0.9)(inputs, is_training), jax.Array)

    lstm = hk.LSTM(4)
    state = lstm.initial_state(2)
    assert_type(state, hk.LSTMState)
    assert_type(lstm(inputs, state), tuple[jax.Array, hk.LSTMState])
    gru = hk.GRU(4)
    assert_type(gru(inputs, gru.initial_state(2)), tuple[jax.Array, jax.Array])

    assert_type(hk.remat(net)(inputs), jax.Array)
    assert_type(hk.jit(net)(inputs), jax.Array)
    assert_type(hk.vmap(net, split_rng=False)(inputs), jax.Array)
    assert_type(hk.fori_loop(0, 3, lambda i, y: net(y), inputs), jax.Array)

    hk.Linear(3, with_bais=False)  # type: ignore[call-arg]
    hk.Linear("a")  # type: ignore[arg-type]
    hk.nets.MLP(3)  # type: ignore[arg-type]
    lstm(inputs)  # type: ignore[call-arg]
    hk.vmap(net)  # type: ignore[call-arg]
    hk.remat(net)()  # type: ignore[call-arg]
    hk.get_parameter("w", 3)  # type: ignore[arg-type]
    return net(inputs) + w


f = hk.transform(forward)
params = f.init(key, x)
assert_type(f.apply(params, key, x), jax.Array)
assert_type(f.apply(params, None, x, is_training=False), jax.Array)
g = hk.without_apply_rng(f)
assert_type(g.apply(params, x), jax.Array)
h = hk.transform_with_state(forward)
params, state = h.init(42, x)
assert_type(h.apply(params, state, key, x)[0], jax.Array)
assert_type(hk.without_apply_rng(h).apply(params, state, x)[0], jax.Array)
assert_type(hk.without_state(h).apply(params, key, x), jax.Array)

encode = hk.transform(lambda y: hk.Linear(2)(y))
assert_type(encode.apply(encode.init(key, x), None, x), jax.Array)


def train(model: hk.Transformed, values: hk.Params) -> Any:
    """What a program says that does not care for arguments."""
    return model.apply(values, None, x, 1, anything="goes")


train(f, params)
train(hk.Transformed(f.init, f.apply), params)

f.apply(params, None)  # type: ignore[call-arg]
f.apply(params, x)  # type: ignore[call-arg]
f.apply(params, None, x, is_trainin=False)  # type: ignore[call-arg]
f.init(key, "text")  # type: ignore[arg-type]
g.apply(params, None, x)  # type: ignore[arg-type]
