"""The loss of the pixel control auxiliary task."""

import functools

import jax
import jax.numpy as jnp

from .arguments import check, expects
from .general_value_functions import pixel_control_rewards
from .sequence_value_learning import q_lambda

Array = jax.Array
Numeric = Array | float


@expects(
    observations="float[T+1, _, _, _]",
    actions="int[T]",
    action_values="any[T+1, H, W, A]",
    discount_factor="any[] | any[T]",
)
def pixel_control_loss(
    observations: Array,
    actions: Array,
    action_values: Array,
    discount_factor: Numeric,
    cell_size: int,
) -> Array:
    """Computes the Q(1) loss of every cell of a grid over the observations.

    Args:
      observations: images `[T+1, height, width, channels]`, scaled to [0, 1]; height
        and width are multiples of `cell_size`.
      actions: actions taken `[T]`.
      action_values: `[T+1, height / cell_size, width / cell_size, actions]`.
      discount_factor: a scalar or `[T]`.
      cell_size: pixels along the side of a cell.

    Returns:
      Losses `[T, height / cell_size, width / cell_size]`: half of the squared errors.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Jaderberg et al., "Reinforcement Learning with Unsupervised Auxiliary Tasks", 2016,
    https://arxiv.org/abs/1611.05397

    >>> loss = pixel_control_loss(
    ...     jnp.zeros([3, 4, 4, 1]), jnp.array([0, 1]), jnp.ones([3, 2, 2, 5]), 0.9, 2)
    >>> loss.shape
    (2, 2, 2)
    """
    rewards = pixel_control_rewards(observations, cell_size)
    length, *cells = rewards.shape
    check(
        action_values.shape[1:-1] == tuple(cells),
        "pixel_control_loss",
        f"action_values are for a grid of {list(action_values.shape[1:-1])} cells, "
        f"but observations of shape {list(observations.shape)} have {cells} cells of "
        f"size {cell_size}.",
    )
    discounts = jnp.broadcast_to(discount_factor, [length])
    loss_of_cell = functools.partial(q_lambda, lambda_=1.0)
    for _ in cells:
        loss_of_cell = jax.vmap(
            loss_of_cell, in_axes=(-2, None, -1, None, -2), out_axes=-1
        )
    errors = loss_of_cell(
        action_values[:-1], actions, rewards, discounts, action_values[1:]
    )
    return 0.5 * errors**2
