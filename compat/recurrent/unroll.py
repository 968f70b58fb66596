"""Running a recurrent core over a sequence."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ..core.discovery import discover
from ..core.typing import ArrayLike, PyTree
from ..transforms.control_flow import scan

Core = Callable[[Any, Any], tuple[Any, Any]]


def static_unroll(
    core: Core,
    input_sequence: PyTree,
    initial_state: PyTree,
    sequence_length: ArrayLike | None = None,
) -> tuple[Any, Any]:
    """Runs a core over a sequence, step by step in Python.

    A function that is compiled holds the core once for each step.

    Args:
      core: an RNNCore, or a function `outputs, state = core(inputs, state)`.
      input_sequence: a tree of arrays `[time, batch, ...]`.
      initial_state: the state before the first step.
      sequence_length: int `[batch]`, the length of each sequence: after it, outputs
        and state stay as they are. The outputs of a sequence of length 0 are zeros,
        and parts of outputs and state that are scalars go on.

    Returns:
      Outputs, a tree of arrays `[time, batch, ...]`, and the last state.

    Raises:
      ValueError: if there are no steps, or arrays with different numbers of them.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> core = lambda x, state: (x + state, x + state)
    >>> snt.static_unroll(core, jnp.ones([3, 1]), jnp.zeros([1]))[0].tolist()
    [[1.0], [2.0], [3.0]]
    """
    num_steps = _num_steps(input_sequence)
    outputs, state = None, initial_state
    all_outputs = []
    for t in range(num_steps):
        inputs = jax.tree.map(lambda x, t=t: x[t], input_sequence)
        new_outputs, new_state = core(inputs, state)
        if outputs is None:
            outputs = jax.tree.map(jnp.zeros_like, new_outputs)
        outputs, state = _freeze(
            t, sequence_length, (outputs, state), (new_outputs, new_state)
        )
        all_outputs.append(outputs)
    return jax.tree.map(lambda *steps: jnp.stack(steps), *all_outputs), state


def dynamic_unroll(
    core: Core,
    input_sequence: PyTree,
    initial_state: PyTree,
    sequence_length: ArrayLike | None = None,
    parallel_iterations: int = 1,
    swap_memory: bool = False,
) -> tuple[Any, Any]:
    """Runs a core over a sequence, as one loop: `jax.lax.scan`.

    Args:
      core: as for `static_unroll`.
      input_sequence: as for `static_unroll`.
      initial_state: as for `static_unroll`.
      sequence_length: as for `static_unroll`.
      parallel_iterations: accepted; XLA plans its loops itself.
      swap_memory: accepted, likewise.

    Returns:
      Outputs, a tree of arrays `[time, batch, ...]`, and the last state.

    Raises:
      ValueError: if there are no steps, or arrays with different numbers of them.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> core = snt.GRU(4)
    >>> outputs, state = snt.dynamic_unroll(
    ...     core, jnp.ones([5, 2, 3]), core.initial_state(2), jnp.array([1, 5]))
    >>> outputs.shape, bool((outputs[0, 0] == outputs[4, 0]).all())
    ((5, 2, 4), True)
    """
    del parallel_iterations, swap_memory
    num_steps = _num_steps(input_sequence)
    if sequence_length is None:

        def step(state: Any, inputs: Any) -> tuple[Any, Any]:
            outputs, state = core(inputs, state)
            return state, outputs

        state, outputs = scan(step, initial_state, input_sequence)
        return outputs, state

    def masked_step(carry: Any, x: Any) -> tuple[Any, Any]:
        t, inputs = x
        new = core(inputs, carry[1])
        outputs, state = _freeze(t, sequence_length, carry, new)
        return (outputs, state), outputs

    before = _zero_outputs(core, input_sequence, initial_state)
    steps = (jnp.arange(num_steps), input_sequence)
    (_, state), outputs = scan(masked_step, (before, initial_state), steps)
    return outputs, state


def _num_steps(input_sequence: Any) -> int:
    lengths = {jnp.shape(x)[0] for x in jax.tree.leaves(input_sequence)}
    if len(lengths) > 1:
        raise ValueError(
            "The arrays of input_sequence need a consistent number of time steps; they "
            f"have {sorted(lengths)}."
        )
    (num_steps,) = lengths or {0}
    if num_steps == 0:
        raise ValueError("input_sequence needs at least a single time step.")
    return num_steps


def _zero_outputs(core: Core, input_sequence: Any, state: Any) -> Any:
    """Returns zeros of the shapes of a core's outputs."""
    shapes: list[Any] = []

    def note_shapes(input_sequence: Any, state: Any) -> None:
        outputs, _ = core(jax.tree.map(lambda x: x[0], input_sequence), state)
        shapes.append(jax.tree.map(jax.typeof, outputs))

    discover(note_shapes, (input_sequence, state), {})
    return jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes[-1])


def _freeze(t: Any, sequence_length: Any, old: Any, new: Any) -> Any:
    """Returns `new`, but `old` for those sequences that have ended before step `t`."""
    if sequence_length is None:
        return new
    ended = jnp.asarray(t) >= jnp.asarray(sequence_length)

    def freeze(old: Any, new: Any) -> Any:
        if jnp.ndim(new) == 0:
            return new
        return jnp.where(ended.reshape(-1, *(1,) * (jnp.ndim(new) - 1)), old, new)

    return jax.tree.map(freeze, old, new)
