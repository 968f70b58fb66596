"""PopArt: learning values on a normalised scale that adapts to the returns.

Several values (tasks, say) may be learned at once: `indices` say which of
`num_outputs` normalisers each number belongs to.

van Hasselt et al., "Learning values across many orders of magnitude", 2016,
https://arxiv.org/abs/1602.07714; Hessel et al., "Multi-task deep reinforcement
learning with PopArt", 2018, https://arxiv.org/abs/1809.04474.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from .arguments import check, expects
from .indexing import batched_index, one_hot

Array = jax.Array
LinearParams = Mapping[str, Array]
AxisName = str | Iterable[str] | None


class PopArtState(NamedTuple):
    """The normalisers, one for each output.

    Attributes:
      shift: running mean of the targets, `[num_outputs]`.
      scale: their standard deviation, `[num_outputs]`.
      second_moment: running mean of their squares, `[num_outputs]`.
    """

    shift: Array
    scale: Array
    second_moment: Array


class PopArtOutput(NamedTuple):
    """A value on both scales.

    Attributes:
      normalized: as the network put it out, `[...]`.
      unnormalized: on the scale of the returns, `[...]`.
    """

    normalized: Array
    unnormalized: Array


@expects(unnormalized="number[...]", indices="int[...]")
def normalize(state: PopArtState, unnormalized: Array, indices: Array) -> Array:
    """Maps values from the scale of the returns to the normalised one.

    Args:
      state: the normalisers.
      unnormalized: values `[...]`.
      indices: which normaliser each belongs to, integers `[...]`.

    Returns:
      `(unnormalized - shift) / scale`, `[...]`.

    >>> state = PopArtState(jnp.array([10.0]), jnp.array([2.0]), jnp.array([104.0]))
    >>> print(normalize(state, jnp.array([14.0]), jnp.array([0])))
    [2.]
    """
    return (unnormalized - state.shift[indices]) / state.scale[indices]


@expects(normalized="number[...]", indices="int[...]")
def unnormalize(state: PopArtState, normalized: Array, indices: Array) -> Array:
    """Maps values from the normalised scale to that of the returns.

    Args:
      state: the normalisers.
      normalized: values `[...]`.
      indices: which normaliser each belongs to, integers `[...]`.

    Returns:
      `scale * normalized + shift`, `[...]`.

    >>> state = PopArtState(jnp.array([10.0]), jnp.array([2.0]), jnp.array([104.0]))
    >>> print(unnormalize(state, jnp.array([2.0]), jnp.array([0])))
    [14.]
    """
    return state.scale[indices] * normalized + state.shift[indices]


@expects(inputs="number[..., N]", indices="int[...]")
def unnormalize_linear(
    state: PopArtState, inputs: Array, indices: Array
) -> PopArtOutput:
    """Picks one output of a linear layer for each position, and unnormalises it.

    Args:
      state: the normalisers.
      inputs: outputs of the layer, `[..., num_outputs]`, normalised.
      indices: which output to pick, integers `[...]`.

    Returns:
      The outputs picked, on both scales, `[...]`.

    Raises:
      ArgumentError: the indices have another shape than the inputs without their last
        axis.

    >>> state = PopArtState(jnp.zeros(2), jnp.array([1.0, 10.0]), jnp.ones(2))
    >>> output = unnormalize_linear(state, jnp.array([[3.0, 4.0]]), jnp.array([1]))
    >>> print(output.normalized, output.unnormalized)
    [4.] [40.]
    """
    check(
        indices.shape == inputs.shape[:-1],
        "unnormalize_linear",
        f"'indices' have shape {list(indices.shape)}, but 'inputs' without their last "
        f"axis have {list(inputs.shape[:-1])}. Give one index for each row.",
    )
    normalized = batched_index(inputs, indices)
    return PopArtOutput(normalized, unnormalize(state, normalized, indices))


@expects(targets="number[...]", indices="int[...]")
def art(
    state: PopArtState,
    targets: Array,
    indices: Array,
    step_size: float | Array,
    scale_lb: float | Array,
    scale_ub: float | Array,
    axis_name: AxisName = None,
) -> PopArtState:
    """Adaptively rescales targets: moves the normalisers towards new returns.

    Args:
      state: the normalisers.
      targets: returns `[...]`.
      indices: which normaliser each belongs to, integers `[...]`.
      step_size: how far to move for each target, from 0 to 1.
      scale_lb: lower bound of the scale.
      scale_ub: upper bound of the scale.
      axis_name: mapped axis, or several, to sum the updates over. Default None.

    Returns:
      The new normalisers; no gradient flows through them.

    Raises:
      ArgumentError: targets and indices differ in shape.

    >>> state = PopArtState(jnp.zeros(1), jnp.ones(1), jnp.ones(1))
    >>> print(art(state, jnp.array([4.0]), jnp.array([0]), 0.5, 1e-4, 1e6).shift)
    [2.]
    """
    check(
        targets.shape == indices.shape,
        "art",
        f"'targets' have shape {list(targets.shape)}, but 'indices' have "
        f"{list(indices.shape)}. Give one index for each target.",
    )

    def move(average: Array, values: Array) -> Array:
        updates = step_size * (values - average[indices])
        rows = one_hot(indices.reshape(-1), average.shape[0])
        total = jnp.sum(updates.reshape(-1, 1) * rows, axis=0)
        if axis_name is not None:
            names = axis_name if isinstance(axis_name, str) else tuple(axis_name)
            total = jax.lax.psum(total, names)
        return average + total

    shift = move(state.shift, targets)
    second_moment = move(state.second_moment, jnp.square(targets))
    variance = jnp.clip(second_moment - jnp.square(shift), scale_lb**2, scale_ub**2)
    return jax.lax.stop_gradient(PopArtState(shift, jnp.sqrt(variance), second_moment))


def pop(params: LinearParams, old: PopArtState, new: PopArtState) -> dict[str, Array]:
    """Preserves outputs precisely: rescales a linear layer as its normalisers move.

    Args:
      params: the layer's `w`, `[num_inputs, num_outputs]`, and `b`, `[num_outputs]`.
      old: the normalisers that they were learned with.
      new: the normalisers to go on with.

    Returns:
      Parameters whose unnormalised outputs are what they were.

    >>> old = PopArtState(jnp.array([0.0]), jnp.array([2.0]), jnp.array([4.0]))
    >>> new = PopArtState(jnp.array([1.0]), jnp.array([1.0]), jnp.array([2.0]))
    >>> params = pop({"w": jnp.array([[3.0]]), "b": jnp.array([5.0])}, old, new)
    >>> print(params["w"], params["b"])
    [[6.]] [9.]
    """
    return {
        "w": params["w"] * (old.scale / new.scale),
        "b": (old.scale * params["b"] + old.shift - new.shift) / new.scale,
    }


def popart(
    num_outputs: int,
    step_size: float | Array | None,
    scale_lb: float | Array,
    scale_ub: float | Array,
    axis_name: AxisName = None,
) -> tuple[
    Callable[[], PopArtState],
    Callable[
        [LinearParams, PopArtState, Array, Array], tuple[LinearParams, PopArtState]
    ],
]:
    """Makes the functions that begin and update PopArt.

    Args:
      num_outputs: outputs of the linear layer to preserve.
      step_size: as of `art`; None switches PopArt off.
      scale_lb: lower bound of the scale.
      scale_ub: upper bound of the scale.
      axis_name: mapped axis, or several, to sum the updates over. Default None.

    Returns:
      `initial_state() -> state` and `popart_update(params, state, targets, indices)
      -> (params, state)`, which does both `art` and `pop`.

    >>> initial_state, popart_update = popart(1, 0.5, 1e-4, 1e6)
    >>> params = {"w": jnp.ones([1, 1]), "b": jnp.zeros(1)}
    >>> params, state = popart_update(
    ...     params, initial_state(), jnp.array([2.0]), jnp.array([0]))
    >>> print(state.shift, unnormalize(state, params["b"], jnp.array([0])))
    [1.] [0.]
    """

    def initial_state() -> PopArtState:
        ones = jnp.ones([num_outputs])
        return PopArtState(jnp.zeros([num_outputs]), ones, ones)

    def popart_update(
        params: LinearParams, state: PopArtState, targets: Array, indices: Array
    ) -> tuple[LinearParams, PopArtState]:
        if step_size is None:
            return params, state
        new = art(state, targets, indices, step_size, scale_lb, scale_ub, axis_name)
        return pop(params, state, new), new

    return initial_state, popart_update
