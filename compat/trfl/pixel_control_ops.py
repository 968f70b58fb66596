"""The pixel control auxiliary task."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ...haiku_impl.numerics import ties
from ...rlax_impl.arguments import ArgumentError, check, expects
from ..core.dtypes import as_array
from .action_value_ops import qlambda
from .base_ops import LossOutput

Array = jax.Array
Numeric = Array | float
Crop = tuple[int | None, int | None]


class PixelControlExtra(NamedTuple):
    """Losses and rewards of the cells, each `[time, batch, rows, columns]`."""

    spatial_loss: Array
    pseudo_rewards: Array


def pixel_control_rewards(observations: Array, cell_size: int) -> Array:
    """Computes the mean absolute change of the pixels in each cell of a grid.

    Args:
      observations: images `[T+1, batch, height, width, channels...]` in [0, 1]. What
        does not fill a cell at the right and at the bottom is left out.
      cell_size: pixels along the side of a cell.

    Returns:
      Rewards `[T, batch, height / cell_size, width / cell_size]`.

    Jaderberg et al., "Reinforcement Learning with Unsupervised Auxiliary Tasks", 2016,
    https://arxiv.org/abs/1611.05397

    >>> pixel_control_rewards(jnp.zeros([3, 1, 4, 6, 3]), 2).shape
    (2, 1, 2, 3)
    """
    observations = as_array(observations)
    rows, columns = (size // cell_size for size in observations.shape[2:4])
    observations = observations[:, :, : rows * cell_size, : columns * cell_size]
    change = ties.absolute(observations[1:] - observations[:-1])
    cells = (rows, cell_size, columns, cell_size)
    change = change.reshape(*change.shape[:2], *cells, -1)
    return jnp.mean(change, axis=(3, 5, 6))


def pixel_control_loss(
    observations: Array,
    actions: Array,
    action_values: Array,
    cell_size: int,
    discount_factor: Numeric,
    scale: Numeric,
    crop_height_dim: Crop = (None, None),
    crop_width_dim: Crop = (None, None),
) -> LossOutput:
    """Computes the Q(1) loss of every cell of a grid over the observations.

    Args:
      observations: images `[T+1, batch, height, width, channels...]`.
      actions: actions that were taken `[T, batch]`.
      action_values: `[T+1, batch, rows, columns, actions]`.
      cell_size: pixels along the side of a cell.
      discount_factor: a scalar or `[T, batch]`.
      scale: factor that brings the observations to [0, 1].
      crop_height_dim: first and last row of the observations to look at, the last one
        excluded. Default: all.
      crop_width_dim: first and last column. Default: all.

    Returns:
      `LossOutput(loss, PixelControlExtra(spatial_loss, pseudo_rewards))`; the loss is
      `[batch]`, summed over time and cells.

    Raises:
      ArgumentError: the grid of the values is not that of the observations, or the
        discount has another rank.

    Jaderberg et al., "Reinforcement Learning with Unsupervised Auxiliary Tasks", 2016,
    https://arxiv.org/abs/1611.05397

    >>> pixel_control_loss(
    ...     jnp.zeros([3, 1, 4, 4, 3]), jnp.zeros([2, 1], int),
    ...     jnp.ones([3, 1, 2, 2, 5]), 2, 0.5, 1 / 255).loss.shape
    (1,)
    """
    observations = as_array(observations)
    if crop_height_dim[0] is not None:
        observations = observations[:, :, slice(*crop_height_dim)]
    if crop_width_dim[0] is not None:
        observations = observations[:, :, :, slice(*crop_width_dim)]
    rewards = pixel_control_rewards(observations * scale, cell_size)
    return _loss(rewards, as_array(actions), as_array(action_values), discount_factor)


@expects(
    rewards="float[T, B, _, _]",
    actions="int[T, B]",
    action_values="float[T+1, B, _, _, _]",
)
def _loss(
    rewards: Array, actions: Array, action_values: Array, discount_factor: Numeric
) -> LossOutput:
    length, _, *cells = rewards.shape
    check(
        list(action_values.shape[2:4]) == cells,
        "pixel_control_loss",
        f"action_values are for a grid of {list(action_values.shape[2:4])} cells, but "
        f"the observations have {cells}.",
    )
    discounts = jnp.asarray(discount_factor, rewards.dtype)
    if discounts.ndim not in (0, 2):
        raise ArgumentError(
            "pixel_control_loss: discount_factor must be a scalar or [time, batch], "
            f"but has shape {list(discounts.shape)}."
        )

    def of_cells(x: Array) -> Array:
        x = x.reshape(x.shape + (1, 1) * (x.ndim == 2))
        return jnp.broadcast_to(x, rewards.shape).reshape(length, -1)

    values = action_values.reshape(length + 1, -1, action_values.shape[-1])
    loss, _ = qlambda(
        values[:-1],
        of_cells(actions),
        of_cells(rewards),
        of_cells(discounts),
        values[1:],
        lambda_=1,
    )
    spatial_loss = loss.reshape(rewards.shape)
    return LossOutput(
        jnp.sum(spatial_loss, axis=(0, 2, 3)),
        PixelControlExtra(spatial_loss, rewards),
    )
