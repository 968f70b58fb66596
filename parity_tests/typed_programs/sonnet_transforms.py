"""Sonnet's transforms: the arguments and results of the function stay known."""

from typing import assert_type

import jax
import jax.numpy as jnp

from sonnax import compat as snt

x = jnp.ones([2, 3])
net = snt.Linear(3)


def loss(inputs: jax.Array, weight: float = 1.0) -> jax.Array:
    return weight * net(inputs).sum()


@snt.jit
def step(inputs: jax.Array) -> tuple[jax.Array, int]:
    return net(inputs), 1


class Counter(snt.Module):
    def __init__(self) -> None:
        super().__init__()
        self.n = snt.Variable(0, trainable=False)

    @snt.jit
    def add(self, amount: int) -> jax.Array:
        return self.n.assign_add(amount)

    @snt.jit(static_argnums=0)
    def repeat(self, times: int) -> jax.Array:
        return self.n * times


assert_type(step(x), tuple[jax.Array, int])
assert_type(snt.jit(loss)(x, weight=2.0), jax.Array)
assert_type(Counter().add(1), jax.Array)
assert_type(Counter().repeat(times=2), jax.Array)

Gradients = tuple[jax.Array, ...]
assert_type(snt.value_and_grad(loss, net)(x), tuple[jax.Array, Gradients])
assert_type(
    snt.value_and_grad(loss, net.trainable_variables)(x, 2.0),
    tuple[jax.Array, Gradients],
)
assert_type(
    snt.value_and_grad(loss, lambda: net.trainable_variables)(x),
    tuple[jax.Array, Gradients],
)
assert_type(snt.value_and_grad(loss, net.w)(x), tuple[jax.Array, jax.Array])
assert_type(snt.grad(loss, net)(x), Gradients)
assert_type(snt.grad(loss, [net.w])(x), list[jax.Array])
assert_type(snt.remat(loss)(x), jax.Array)
assert_type(snt.vmap(loss)(x), jax.Array)
assert_type(snt.cond(True, lambda: net(x), lambda: x), jax.Array)
assert_type(snt.switch(1, [lambda: net(x), lambda: x]), jax.Array)
assert_type(snt.while_loop(lambda y: y.sum() < 3, lambda y: y + 1, x), jax.Array)
assert_type(
    snt.scan(lambda carry, y: (carry + y, carry), x[0], x), tuple[jax.Array, jax.Array]
)

f = snt.functional.transform(loss)
params = f.init(x)
assert_type(f.apply(params, x, rng=jax.random.key(0)), jax.Array)
g = snt.functional.transform_with_state(loss)
assert_type(g.apply(*g.init(x), x)[0], jax.Array)
assert_type(snt.functional.jit(loss)(x), jax.Array)
optimizer = snt.functional.adam(learning_rate=0.1)
assert_type(optimizer, snt.functional.TransformedOptimizer)

step("text")  # type: ignore[arg-type]
step()  # type: ignore[call-arg]
Counter().add("text")  # type: ignore[arg-type]
Counter().repeat(time=2)  # type: ignore[call-arg]
snt.jit(loss, static_argnum=0)  # type: ignore[call-overload]
snt.grad(loss, net)()  # type: ignore[call-arg]
snt.value_and_grad(loss, net)(x, "text")  # type: ignore[arg-type]
snt.remat(loss)("text")  # type: ignore[arg-type]
snt.vmap(loss)("text")  # type: ignore[arg-type]
snt.functional.jit(loss)(weight=1.0)  # type: ignore[call-arg]
snt.functional.adam(learning_rat=0.1)  # type: ignore[call-arg]
