"""Variables: what reading, computing with and assigning to them returns."""

from typing import assert_type

import jax
import jax.numpy as jnp
import numpy as np

from sonnax import compat as snt

v = snt.Variable([1.0, 2.0], name="v", dtype=jnp.float32)
x = jnp.ones([2])

assert_type(v, snt.Variable)
assert_type(v.value(), jax.Array)
assert_type(v.numpy(), np.ndarray)
assert_type(v.shape, tuple[int, ...])
assert_type(v[0], jax.Array)

assert_type(v + 1, jax.Array)
assert_type(1 - v, jax.Array)
assert_type(x * v, jax.Array)
assert_type(v @ v, jax.Array)
assert_type(v**2, jax.Array)
assert_type(-v, jax.Array)
assert_type(abs(v), jax.Array)
assert_type(v == 1, jax.Array)
assert_type(v < x, jax.Array)
assert_type(divmod(v, 2), tuple[jax.Array, jax.Array])
assert_type(float(v), float)
assert_type(v.assign(np.ones([2])), jax.Array)
assert_type(v.assign_add([1.0, 1.0]), jax.Array)
assert_type(jnp.sum(v.value()), jax.Array)

snt.Variable(lambda: jnp.zeros([2]), trainable=False)

v + "text"  # type: ignore
v.assign("text")  # type: ignore[arg-type]
snt.Variable(1.0, nam="v")  # type: ignore[call-arg]
snt.Variable(1.0, dtype=3)  # type: ignore[arg-type]
# JAX's functions take a variable; its annotations do not know that.
jnp.sum(v)  # type: ignore[arg-type]
