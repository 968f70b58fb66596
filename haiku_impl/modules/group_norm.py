"""Group normalisation."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ..core.module import Module
from ..core.typing import Initializer
from ..numerics.layout import (
    broadcastable_shape,
    get_channel_index,
    normalize_axis_argument,
)
from ..numerics.normalization import check_inits, group_normalize
from .scale_and_offset import check_passed, get_scale_and_offset


class GroupNorm(Module):
    """Normalises groups of channels by their moments (Wu and He, 2018).

    Args:
      groups: Into how many groups the channels are divided.
      axis: The axes to reduce over, of which the channels stand for those of one
        group: an int, ints, or a slice; by default all but the first.
      create_scale: Whether to multiply by a learned scale for each channel, default
        True.
      create_offset: Whether to add a learned offset for each channel, default True.
      eps: Added to the variance, default 1e-5.
      scale_init: The initial scale, default ones.
      offset_init: The initial offset, default zeros.
      data_format: Where the channels are: "channels_last" (default) or
        "channels_first", or a name such as "NHWC".
      name: Name of the module.

    Raises:
      ValueError: An initial value is given for a parameter that is not created, or
        axes that are no axes.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.GroupNorm(2, eps=0.0)(x))
      >>> x = jnp.array([[1.0, 3.0, 10.0, 20.0]])
      >>> f.apply(f.init(None, x), None, x).tolist()
      [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int,
        axis: int | slice | Sequence[int] = slice(1, None),
        create_scale: bool = True,
        create_offset: bool = True,
        eps: float = 1e-5,
        scale_init: Initializer | None = None,
        offset_init: Initializer | None = None,
        data_format: str = "channels_last",
        name: str | None = None,
    ):
        super().__init__(name=name)
        check_inits(create_scale, create_offset, scale_init, offset_init)
        self.groups = groups
        self.axis = normalize_axis_argument(axis)
        self.eps = eps
        self.data_format = data_format
        self.channel_index = get_channel_index(data_format)
        self.create_scale, self.create_offset = create_scale, create_offset
        self.scale_init = scale_init or jnp.ones
        self.offset_init = offset_init or jnp.zeros
        self.rank: int | None = None

    def __call__(
        self,
        x: jax.Array,
        scale: jax.Array | None = None,
        offset: jax.Array | None = None,
    ) -> jax.Array:
        """Normalises an array.

        Args:
          x: `[batch, ..., channels]` or `[batch, channels, ...]`, of the same rank in
            every call.
          scale: To multiply by, if the module has no scale of its own.
          offset: To add, if the module has no offset of its own.

        Returns:
          An array of the shape of `x`.

        Raises:
          ValueError: The rank has changed, the groups do not divide the channels, or
            a parameter is passed that the module has created.
        """
        x = jnp.asarray(x)
        if self.rank not in (None, x.ndim):
            raise ValueError(
                "The rank of the inputs cannot change between calls, the original "
                f"call was rank={self.rank} but this call was rank={x.ndim}."
            )
        check_passed(self, scale, offset)
        channels = x.shape[self.channel_index]
        if channels % self.groups:
            raise ValueError(
                "The number of channels must be divisible by the number of groups, "
                f"was channels={channels}, groups={self.groups}"
            )
        self.rank = x.ndim
        shape = broadcastable_shape(channels, self.channel_index, x.ndim - 2)
        scale, offset = get_scale_and_offset(self, shape, x.dtype, scale, offset)
        return group_normalize(
            x,
            self.groups,
            self.axis,
            scale,
            offset,
            self.eps,
            channel_index=self.channel_index,
        )
