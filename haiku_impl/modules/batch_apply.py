"""Functions of a batch, applied to arrays with more or fewer leading dimensions."""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


class BatchApply:
    """Merges leading dimensions, applies a function, and splits them again.

    Unlike `jax.vmap` it calls the function on one large batch.

    Args:
      f: A function of arrays, and trees of arrays, with one batch dimension.
      num_dims: How many dimensions to merge, default 2. Arrays with fewer are passed
        on as they are.

    Raises:
      ValueError: On calling, if no argument has `num_dims` dimensions.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> hk.BatchApply(lambda x: x.reshape(6, 2, 2))(jnp.ones([2, 3, 4])).shape
      (2, 3, 2, 2)
    """

    def __init__(self, f: Callable[..., Any], num_dims: int = 2):
        self._f = f
        self.num_dims = num_dims

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leading: tuple[int, ...] | None = None

        def merge(x):
            nonlocal leading
            shape = jnp.shape(x)
            if len(shape) < self.num_dims:
                return x
            batch, rest = shape[: self.num_dims], shape[self.num_dims :]
            leading = leading or batch
            return jnp.reshape(x, (math.prod(batch), *rest))

        args, kwargs = jax.tree.map(merge, (args, kwargs))
        if leading is None:
            raise ValueError(
                "BatchApply requires at least one input with ndim >= "
                f"{self.num_dims}, to know the dimensions that it merges."
            )
        outputs = self._f(*args, **kwargs)
        return jax.tree.map(lambda x: x.reshape(leading + x.shape[1:]), outputs)


def expand_apply(f: Callable[..., Any], axis: int = 0) -> Callable[..., Any]:
    """Wraps a function so that it sees an axis of size 1 that is not there.

    It applies a function of `[time, batch, ...]` arrays to a single time step.

    Args:
      f: A function of arrays and trees of arrays.
      axis: Where the axis goes, 0 (default) or -1.

    Returns:
      A function of arrays without that axis.

    Raises:
      ValueError: `axis` is neither.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> hk.expand_apply(lambda x: x + x.ndim)(jnp.zeros([2])).tolist()
      [2.0, 2.0]
    """
    if axis not in (0, -1):
        raise ValueError(
            f"expand_apply currently only supports axis=0 or axis=-1, got axis={axis}."
        )

    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = jax.tree.map(lambda x: jnp.expand_dims(x, axis), (args, kwargs))
        return jax.tree.map(lambda x: jnp.squeeze(x, axis), f(*args, **kwargs))

    return wrapper
