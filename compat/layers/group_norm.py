"""Normalisation of groups of channels."""

import jax

from ...haiku_impl.numerics.normalization import group_normalize
from ..core.typing import ArrayLike, Initializer, Scalar
from .layer_norm import Axis, AxisNorm


class GroupNorm(AxisNorm):
    """Normalises each example over groups of channels (Wu and He, 2018).

    Args:
      groups: how many groups there are; it divides the number of channels.
      axis: an int, a slice of the axes, or several ints; the axis of the channels
        stands for those of one group. By default all but the batch.
      create_scale: whether there is a trainable scale for each channel, default True.
      create_offset: whether there is a trainable offset for each channel, default
        True.
      eps: added to the variance, default 1e-5.
      scale_init: the initial scale, default ones.
      offset_init: the initial offset, default zeros.
      data_format: where the channels are: "channels_last" (default),
        "channels_first", or a format such as "NHWC".
      name: of the module, default "group_norm".

    Attributes:
      scale: a variable `[channels]`, or `[channels, 1, ...]` for channels first, once
        called; None if not created.
      offset: likewise.

    Raises:
      ValueError: if `axis` is something else, or an initial value is given for what
        is not created.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> norm = snt.GroupNorm(groups=2)
    >>> norm(jnp.array([[1.0, 3.0, 0.0, 8.0]])).round(2).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int,
        axis: Axis = slice(1, None),
        create_scale: bool = True,
        create_offset: bool = True,
        eps: Scalar = 1e-5,
        scale_init: Initializer | None = None,
        offset_init: Initializer | None = None,
        data_format: str = "channels_last",
        name: str | None = None,
    ):
        super().__init__(
            axis,
            create_scale,
            create_offset,
            eps,
            scale_init,
            offset_init,
            data_format,
            name,
        )
        self._groups = groups

    def __call__(
        self,
        inputs: ArrayLike,
        scale: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> jax.Array:
        """Normalises a batch.

        Args:
          inputs: `[batch, ..., channels]`, or as `data_format` says; floating.
          scale: broadcastable to the inputs, where no scale is created.
          offset: broadcastable to the inputs, where no offset is created.

        Returns:
          An array of the shape of the inputs.

        Raises:
          ValueError: if a scale or offset is passed where one is created, the inputs
            have another rank than before, or lack an axis, or if `groups` does not
            divide their channels.
        """
        x, factor, shift = self._prepare(inputs, scale, offset)
        channels = x.shape[self._channel_index]
        if self._groups < 1 or channels % self._groups:
            raise ValueError(
                f"groups={self._groups} must divide the number of channels, and the "
                f"inputs have {channels}."
            )
        return group_normalize(
            x,
            self._groups,
            self._axis,
            factor,
            shift,
            self._eps,
            channel_index=self._channel_index,
            folded=True,
        )
