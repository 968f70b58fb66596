"""Running recurrent cores over sequences."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ..core import frames
from ..core.typing import PyTree
from ..transforms import control_flow


def static_unroll(
    core: Callable[[Any, Any], tuple[Any, Any]],
    input_sequence: PyTree,
    initial_state: PyTree,
    time_major: bool = True,
) -> tuple[Any, Any]:
    """Runs a core over a sequence, one step after the other in Python.

    In a compiled function the steps are laid out one by one: long to compile, and
    fast to run.

    Args:
      core: An `RNNCore`, or a function `(inputs, state) -> (output, state)`.
      input_sequence: A tree of arrays `[time, batch, ...]`.
      initial_state: The state before the first step.
      time_major: Whether time comes first, default True; else `[batch, time, ...]`.

    Returns:
      The outputs of all steps, with time where the inputs have it, and the state
      after the last step.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> total = lambda x, state: (state + x, state + x)
      >>> outputs, state = hk.static_unroll(total, jnp.arange(4), 0)
      >>> outputs.tolist(), state.item()
      ([0, 1, 3, 6], 6)
    """
    axis = 0 if time_major else 1
    sequences, tree = jax.tree.flatten(input_sequence)
    state = initial_state
    outputs = []
    # Unstacking has a cheaper gradient than slicing in every step.
    for step in zip(*(jnp.unstack(x, axis=axis) for x in sequences), strict=True):
        output, state = core(jax.tree.unflatten(tree, step), state)
        outputs.append(output)
    return jax.tree.map(lambda *steps: jnp.stack(steps, axis=axis), *outputs), state


def dynamic_unroll(
    core: Callable[[Any, Any], tuple[Any, Any]],
    input_sequence: PyTree,
    initial_state: PyTree,
    time_major: bool = True,
    reverse: bool = False,
    return_all_states: bool = False,
    unroll: int = 1,
) -> tuple[Any, Any]:
    """Runs a core over a sequence by a scan: quick to compile, whatever its length.

    Args:
      core: An `RNNCore`, or a function `(inputs, state) -> (output, state)`.
      input_sequence: A tree of arrays `[time, batch, ...]`.
      initial_state: The state before the first step.
      time_major: Whether time comes first, default True; else `[batch, time, ...]`.
      reverse: Whether to begin with the last step, default False.
      return_all_states: Whether to return the states after all steps, default False.
      unroll: How many steps one iteration of the loop takes, default 1.

    Returns:
      The outputs of all steps, with time where the inputs have it, and the state
      after the last step, or after every step.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> total = lambda x, state: (state + x, state + x)
      >>> outputs, state = hk.dynamic_unroll(total, jnp.arange(4), 0)
      >>> outputs.tolist(), state.item()
      ([0, 1, 3, 6], 6)
    """

    def step(state, inputs):
        output, state = core(inputs, state)
        return state, (output, state if return_all_states else None)

    def to_time_major(tree):
        if time_major:
            return tree
        return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), tree)

    scan = control_flow.scan if frames.inside_transform() else jax.lax.scan
    state, (outputs, states) = scan(
        step,
        initial_state,
        to_time_major(input_sequence),
        reverse=reverse,
        unroll=unroll,
    )
    if return_all_states:
        state = to_time_major(states)
    return to_time_major(outputs), state
