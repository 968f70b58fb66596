"""Modules of Sonnet's: what they are, and what calling them returns."""

from typing import assert_type

import jax
import jax.numpy as jnp
import numpy as np

from sonnax import compat as snt

x = jnp.ones([2, 3])

net = snt.Linear(3)
assert_type(net, snt.Linear)
assert_type(net(x), jax.Array)
assert_type(net(np.ones([2, 3])), jax.Array)
assert_type(net([[1.0, 2.0, 3.0]]), jax.Array)
assert_type(net(net.w), jax.Array)
assert_type(net.variables, tuple[snt.Variable, ...])
assert_type(net.name, str)

assert_type(snt.nets.MLP([3, 4], w_init=snt.initializers.Ones())(x), jax.Array)
assert_type(snt.Linear(3, b_init=lambda shape, dtype: jnp.ones(shape)), snt.Linear)
assert_type(snt.Conv2D(4, kernel_shape=[3, 3], padding=snt.pad.same)(x), jax.Array)
assert_type(snt.BatchNorm(True, True)(x, is_training=True), jax.Array)
assert_type(snt.LayerNorm(-1, True, True)(x), jax.Array)
assert_type(snt.Dropout(0.1)(x, is_training=False), jax.Array)
assert_type(snt.Embed(10, dtype="float32")([[1, 2]]), jax.Array)
assert_type(snt.Flatten()(x), jax.Array)
assert_type(snt.ExponentialMovingAverage(0.9)(x), jax.Array)
assert_type(snt.initializers.Zeros()([2], jnp.float32), jax.Array)

lstm = snt.LSTM(hidden_size=4)
state = lstm.initial_state(batch_size=2)
assert_type(state, snt.LSTMState)
assert_type(lstm(x, state), tuple[jax.Array, snt.LSTMState])
assert_type(state.hidden, jax.Array)
gru = snt.GRU(4)
assert_type(gru(x, gru.initial_state(2)), tuple[jax.Array, jax.Array])
assert_type(snt.UnrolledLSTM(4)(x, state), tuple[jax.Array, snt.LSTMState])

snt.optimizers.Adam(0.1).apply([x], net.trainable_variables)


class Scale(snt.Module):
    """A module of a user's."""

    def __init__(self, factor: float, name: str | None = None):
        super().__init__(name=name)
        self.factor = factor

    @snt.once
    def _initialize(self, inputs: jax.Array) -> None:
        self.w = snt.Variable(lambda: jnp.full(inputs.shape, self.factor), name="w")

    def __call__(self, inputs: jax.Array) -> jax.Array:
        self._initialize(inputs)
        return self.w * inputs


scale = Scale(2.0, name="double")
assert_type(scale, Scale)
assert_type(scale(x), jax.Array)

# Wrong calls.
snt.Linear("a")  # type: ignore[arg-type]
snt.Linear(3, with_bais=False)  # type: ignore[call-arg]
snt.Linear()  # type: ignore[call-arg]
snt.Linear(3)("text")  # type: ignore[arg-type]
snt.Linear(3)(x, True)  # type: ignore[call-arg]
snt.BatchNorm(True, True)(x)  # type: ignore[call-arg]
snt.LSTM(4, w_init=None)  # type: ignore[call-arg]
lstm(x, gru.initial_state(2))  # type: ignore[arg-type]
snt.optimizers.SGD(learning_rat=0.1)  # type: ignore[call-arg]
net.no_such_attribute  # type: ignore[attr-defined]
Scale("a")  # type: ignore[arg-type]
Scale(2.0, nam="b")  # type: ignore[call-arg]
scale._initialize("text")  # type: ignore[arg-type]
