"""Cumulants: rewards for auxiliary tasks, made from what an agent observes."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from .arguments import ArgumentError, check, expects

Array = jax.Array


@expects(observations="float[_, H, W, C]")
def pixel_control_rewards(observations: Array, cell_size: int) -> Array:
    """Computes how much the pixels of each cell of a grid change from step to step.

    Args:
      observations: images `[time + 1, height, width, channels]`, scaled to [0, 1].
      cell_size: height and width of a cell; the image's must be multiples of it.

    Returns:
      Mean absolute change over the pixels and channels of each cell,
      `[time, height / cell_size, width / cell_size]`.

    Raises:
      ArgumentError: cells of this size don't tile the image.

    Jaderberg et al., "Reinforcement learning with unsupervised auxiliary tasks", 2016,
    https://arxiv.org/abs/1611.05397.

    >>> black, white = jnp.zeros([4, 2, 3]), jnp.ones([4, 2, 3])
    >>> print(pixel_control_rewards(jnp.stack([black, white, white]), cell_size=2))
    [[[1.]
      [1.]]
    <BLANKLINE>
     [[0.]
      [0.]]]
    """
    time, height, width, channels = observations.shape
    check(
        height % cell_size == 0 and width % cell_size == 0,
        "pixel_control_rewards",
        f"'observations' are {height} pixels high and {width} wide, which must be "
        f"multiples of 'cell_size', {cell_size}. Crop them.",
    )
    change = jnp.abs(observations[1:] - observations[:-1])
    cells = (height // cell_size, cell_size, width // cell_size, cell_size)
    return jnp.mean(change.reshape(time - 1, *cells, channels), axis=(2, 4, 5))


@expects(features="float[_, D]")
def feature_control_rewards(
    features: Array,
    cumulant_type: str = "absolute_change",
    discount: float | Array | None = None,
) -> Array:
    """Computes a reward for each feature from how it changes from step to step.

    Args:
      features: `[time + 1, size]`.
      cumulant_type: one of `feature` (its new value), `absolute_change` (the default),
        `increase`, `decrease` and `potential` (`discount * new - old`).
      discount: for `potential` only.

    Returns:
      Rewards `[time, size]`.

    Raises:
      ArgumentError: the type is unknown, or `potential` has no discount.

    Jaderberg et al., "Reinforcement learning with unsupervised auxiliary tasks", 2016,
    https://arxiv.org/abs/1611.05397; the potential is that of Ng et al., "Policy
    invariance under reward transformations", 1999.

    >>> features = jnp.array([[1.0], [3.0], [2.0]])
    >>> print(feature_control_rewards(features).T)
    [[2. 1.]]
    >>> print(feature_control_rewards(features, "potential", discount=0.5).T)
    [[ 0.5 -2. ]]
    """
    function = "feature_control_rewards"
    if cumulant_type not in CUMULANTS:
        raise ArgumentError(
            f"{function}: 'cumulant_type' is {cumulant_type!r}, but must be one of "
            f"{', '.join(CUMULANTS)}."
        )
    check(
        cumulant_type != "potential" or discount is not None,
        function,
        "'discount' is None, but the cumulant 'potential' needs one. Give a number.",
    )
    return CUMULANTS[cumulant_type](features[:-1], features[1:], discount)


CUMULANTS: dict[str, Callable] = {
    "feature": lambda old, new, discount: new,
    "absolute_change": lambda old, new, discount: jnp.abs(new - old),
    "increase": lambda old, new, discount: new - old,
    "decrease": lambda old, new, discount: old - new,
    "potential": lambda old, new, discount: discount * new - old,
}
