"""One step of the recurrent cells, from their gates on."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jax import lax

from .linear import add_bias, linear

HAIKU_GATES = "igfo"
SONNET_GATES = "ifgo"


def lstm_update(
    gates: jax.Array,
    cell: jax.Array,
    *,
    order: str,
    forget_bias: float | None = None,
    axis: int = -1,
) -> tuple[jax.Array, jax.Array]:
    """Computes the hidden and cell state of an LSTM (Zaremba et al., 2014).

    The cell forgets, takes in and shows itself by its gates: `c = f * c + i * g`,
    `h = o * tanh(c)`, where `i`, `f` and `o` are sigmoids and `g` is a tanh of
    their parts of `gates`.

    Args:
      gates: The sum of what inputs and hidden state contribute; 4 times the size
        of `cell` along `axis`.
      cell: The previous cell state.
      order: The letters i, f, g, o in the order in which `gates` holds them:
        `HAIKU_GATES` or `SONNET_GATES`.
      forget_bias: Added to the forget gate; None adds nothing.
      axis: Along which the gates lie.

    Returns:
      The hidden state and the cell state.

    Example:
      >>> import jax.numpy as jnp
      >>> hidden, cell = lstm_update(jnp.zeros([1, 4]), jnp.ones([1, 1]), order="igfo")
      >>> cell.tolist()
      [[0.5]]
    """
    sizes = (cell.shape[axis],) * 4
    gate: Mapping[str, jax.Array] = dict(
        zip(order, lax.split(gates, sizes, axis % gates.ndim), strict=True)
    )
    forget = gate["f"] if forget_bias is None else gate["f"] + forget_bias
    kept = jax.nn.sigmoid(forget) * cell
    cell = kept + jax.nn.sigmoid(gate["i"]) * jnp.tanh(gate["g"])
    return jax.nn.sigmoid(gate["o"]) * jnp.tanh(cell), cell


def lstm_sequence(
    x: jax.Array,
    state: tuple[jax.Array, jax.Array],
    w_i: jax.Array,
    w_h: jax.Array,
    b: jax.Array,
    *,
    order: str,
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    """Runs an LSTM over a sequence, whose inputs meet their weights in one product.

    Args:
      x: `[time, batch, inputs]`.
      state: The hidden and the cell state, both `[batch, size]`.
      w_i: `[inputs, 4 * size]`.
      w_h: `[size, 4 * size]`.
      b: `[4 * size]`.
      order: As for `lstm_update`.

    Returns:
      The hidden states, `[time, batch, size]`, and the last state.

    Example:
      >>> import jax.numpy as jnp
      >>> w, state = jnp.zeros([1, 4]), (jnp.zeros([1, 1]), jnp.ones([1, 1]))
      >>> _, (hidden, cell) = lstm_sequence(
      ...     jnp.ones([2, 1, 1]), state, w, w, jnp.zeros([4]), order="igfo")
      >>> cell.tolist()
      [[0.25]]
    """

    def step(
        state: tuple[jax.Array, jax.Array], from_x: jax.Array
    ) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        hidden, cell = state
        gates = from_x + jnp.matmul(hidden, w_h)
        hidden, cell = lstm_update(gates, cell, order=order)
        return (hidden, cell), hidden

    state, outputs = lax.scan(step, state, linear(x, w_i, b))
    return outputs, state


def gru_update(
    x: jax.Array, hidden: jax.Array, w_i: jax.Array, w_h: jax.Array, b: jax.Array
) -> jax.Array:
    """Computes the next state of a gated recurrent unit (Chung et al., 2014).

    The gates lie in the order update `z`, reset `r`, candidate `a`; the reset gate
    multiplies the state before its matrix does: `h = (1 - z) * h + z * a`.

    Args:
      x: `[batch, inputs]` or `[inputs]`.
      hidden: `[batch, size]` or `[size]`.
      w_i: `[inputs, 3 * size]`.
      w_h: `[size, 3 * size]`.
      b: `[3 * size]`.

    Returns:
      The next state, of the shape of `hidden`.

    Example:
      >>> import jax.numpy as jnp
      >>> w_i, w_h, b = jnp.zeros([2, 3]), jnp.zeros([1, 3]), jnp.zeros([3])
      >>> gru_update(jnp.zeros([2]), jnp.ones([1]), w_i, w_h, b).tolist()
      [0.5]
    """
    size = w_h.shape[0]
    parts = (2 * size, size)
    w_h_gates, w_h_candidate = lax.split(w_h, parts, 1)
    b_gates, b_candidate = lax.split(b, parts, 0)
    from_x = jnp.matmul(x, w_i)
    x_gates, x_candidate = lax.split(from_x, parts, from_x.ndim - 1)

    gates = add_bias(x_gates + jnp.matmul(hidden, w_h_gates), b_gates)
    z, r = lax.split(jax.nn.sigmoid(gates), (size, size), gates.ndim - 1)
    candidate = x_candidate + jnp.matmul(r * hidden, w_h_candidate)
    candidate = jnp.tanh(add_bias(candidate, b_candidate))
    return (1 - z) * hidden + z * candidate


def vanilla_update(
    from_inputs: jax.Array,
    from_hidden: jax.Array,
    b: jax.Array | None,
    activation: Callable[[jax.Array], jax.Array],
) -> jax.Array:
    """Computes the next state of a simple recurrent network (Elman, 1990).

    Args:
      from_inputs: `[batch, size]`, the projected inputs.
      from_hidden: `[batch, size]`, the projected previous state.
      b: `[size]`, or None if the projections have their own biases.
      activation: Applied to the sum.

    Returns:
      `[batch, size]`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> vanilla_update(jnp.ones([1]), jnp.ones([1]), None, jax.nn.relu).tolist()
      [2.0]
    """
    total = from_inputs + from_hidden
    return activation(total if b is None else add_bias(total, b))
