"""Modules of a batch, applied to arrays with more leading axes."""

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from ..core.dtypes import as_array
from ..core.module import Module
from ..core.typing import ArrayLike
from ..core.variable import Variable


class BatchApply(Module):
    """Merges leading axes, calls a module, and splits them again.

    So a module of `[batch, ...]` applies to `[time, batch, ...]`. Arrays with fewer
    axes, and what is no array, are passed on as they are.

    Args:
      module: a function of arrays, or trees of arrays, with one batch axis.
      num_dims: how many axes to merge, default 2.
      name: of the module, default "batch_apply".

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> snt.BatchApply(snt.Flatten())(jnp.ones([2, 3, 4, 5])).shape
    (2, 3, 20)
    """

    def __init__(
        self, module: Callable[..., Any], num_dims: int = 2, name: str | None = None
    ):
        super().__init__(name=name)
        self.module = module
        self.num_dims = num_dims

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the module.

        Args:
          *args: its arguments, with `num_dims` leading axes; the first array tells
            what is split again.
          **kwargs: likewise.

        Returns:
          What the module does, with `num_dims` leading axes.

        Raises:
          ValueError: if there are no arguments, or the batch that the module returns
            is not that of the first.
        """
        leaves = jax.tree.leaves((args, kwargs), is_leaf=_is_array)
        if not leaves:
            raise ValueError("BatchApply requires at least one tensor input.")

        def merge(x: Any) -> Any:
            return merge_leading_dims(x, self.num_dims)

        def split(x: Any) -> Any:
            return split_leading_dim(x, leaves[0], self.num_dims)

        args, kwargs = jax.tree.map(merge, (args, kwargs), is_leaf=_is_array)
        return jax.tree.map(split, self.module(*args, **kwargs), is_leaf=_is_array)


def merge_leading_dims(x: Any, num_dims: int) -> Any:
    """Makes one axis of the first axes of an array.

    Args:
      x: an array or variable; anything else, and an array of fewer axes, is returned
        as it is.
      num_dims: how many axes to merge, at least 1.

    Raises:
      TypeError: if `num_dims` is less than 1.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> snt.merge_leading_dims(jnp.ones([2, 3, 4]), 2).shape
    (6, 4)
    >>> snt.merge_leading_dims("no array", 2)
    'no array'
    """
    if not _is_array(x):
        return x
    if num_dims < 1:
        raise TypeError(f"num_dims must be at least 1, got {num_dims}.")
    if num_dims > len(x.shape):
        return x
    size = math.prod(x.shape[:num_dims])
    return as_array(x).reshape(size, *x.shape[num_dims:])


def split_leading_dim(x: Any, example: ArrayLike, num_dims: int) -> Any:
    """Splits the first axis of an array as those of another.

    Args:
      x: an array or variable; anything else is returned as it is.
      example: an array with the axes wanted.
      num_dims: how many of its axes.

    Raises:
      ValueError: if the axis has another size than those together.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> snt.split_leading_dim(jnp.ones([6, 1]), jnp.ones([2, 3, 9]), 2).shape
    (2, 3, 1)
    """
    if not _is_array(x):
        return x
    shaped: Any = example
    leading = np.shape(shaped)[:num_dims]
    rest = x.shape[1:]
    if math.prod(x.shape) != math.prod((*leading, *rest)):
        raise ValueError(
            f"Cannot split the first axis of shape {x.shape} into {leading}, the first "
            "axes of the example (of BatchApply, its first argument)."
        )
    return as_array(x).reshape(*leading, *rest)


def _is_array(x: Any) -> bool:
    return isinstance(x, jax.Array | np.ndarray | Variable)
