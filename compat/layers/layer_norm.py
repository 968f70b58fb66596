"""Normalisation of single examples."""

from collections.abc import Sequence
from typing import Any

import jax

from ...haiku_impl.numerics.layout import (
    broadcastable_shape,
    get_channel_index,
    normalize_axis_argument,
)
from ...haiku_impl.numerics.normalization import check_inits, moments, normalize_folded
from ..core.checks import check_passed
from ..core.dtypes import as_array
from ..core.module import Module
from ..core.once import once
from ..core.typing import ArrayLike, Initializer, Scalar
from ..core.variable import Variable
from ..initializers import Ones, Zeros

Axis = int | slice | Sequence[int]


class AxisNorm(Module):
    """The base of norms over chosen axes, with a scale and an offset per channel."""

    _axis: Any

    def __init__(
        self,
        axis: Axis,
        create_scale: bool,
        create_offset: bool,
        eps: Scalar,
        scale_init: Initializer | None,
        offset_init: Initializer | None,
        data_format: str,
        name: str | None,
    ):
        super().__init__(name=name)
        check_inits(create_scale, create_offset, scale_init, offset_init)
        self._axis = normalize_axis_argument(axis)
        self._eps = eps
        self._data_format = data_format
        self._channel_index = get_channel_index(data_format)
        self._rank: int | None = None
        self._create_scale = create_scale
        self._create_offset = create_offset
        self._scale_init = scale_init or Ones()
        self._offset_init = offset_init or Zeros()
        self.scale: Variable | None = None
        self.offset: Variable | None = None

    @once
    def _initialize(self, inputs: jax.Array) -> None:
        self._rank = inputs.ndim
        if isinstance(self._axis, slice):
            self._axis = tuple(range(self._rank))[self._axis]
        for axis in self._axis:
            if not -self._rank <= axis < self._rank:
                raise ValueError(
                    f"{self!r} normalises over axis {axis}, which inputs of shape "
                    f"{inputs.shape} do not have."
                )
        channels = inputs.shape[self._channel_index]
        shape = broadcastable_shape(channels, self._channel_index, self._rank - 2)
        dtype = inputs.dtype
        if self._create_scale:
            self.scale = Variable(lambda: self._scale_init(shape, dtype), name="scale")
        if self._create_offset:
            self.offset = Variable(
                lambda: self._offset_init(shape, dtype), name="offset"
            )

    def _prepare(self, inputs: Any, scale: Any, offset: Any) -> tuple[Any, Any, Any]:
        """Returns the inputs, and the scale and the offset that apply, or None."""
        inputs = as_array(inputs)
        check_passed(self._create_scale, scale, "scale")
        check_passed(self._create_offset, offset, "offset")
        self._initialize(inputs)
        if inputs.ndim != self._rank:
            raise ValueError(
                f"{self!r} was called first with inputs of rank {self._rank}, and now "
                f"with shape {inputs.shape}: make another module for them."
            )
        given = (
            self.scale if scale is None else scale,
            (self.offset if offset is None else offset),
        )
        scale, offset = (None if x is None else as_array(x) for x in given)
        return inputs, scale, offset


class LayerNorm(AxisNorm):
    """Normalises each example over chosen axes (Ba et al., 2016).

    Args:
      axis: an int, a slice of the axes, or several ints: `-1` for the channels alone,
        `slice(1, None)` for all but the batch.
      create_scale: whether there is a trainable scale for each channel.
      create_offset: whether there is a trainable offset for each channel.
      eps: added to the variance, default 1e-5.
      scale_init: the initial scale, default ones.
      offset_init: the initial offset, default zeros.
      data_format: where the channels are: "channels_last" (default),
        "channels_first", or a format such as "NHWC".
      name: of the module, default "layer_norm".

    Attributes:
      scale: a variable `[channels]`, or `[channels, 1, ...]` for channels first, once
        called; None if not created.
      offset: likewise.

    Raises:
      ValueError: if `axis` is something else, or an initial value is given for what
        is not created.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> norm = snt.LayerNorm(-1, create_scale=True, create_offset=True)
    >>> norm(jnp.array([[1.0, 3.0], [0.0, 8.0]])).round(2).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: Axis,
        create_scale: bool,
        create_offset: bool,
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
            have another rank than before, or lack an axis.
        """
        inputs, scale, offset = self._prepare(inputs, scale, offset)
        mean, variance = moments(inputs, self._axis)
        return normalize_folded(inputs, mean, variance, scale, offset, self._eps)


class InstanceNorm(LayerNorm):
    """Normalises each channel of each example over space (Ulyanov et al., 2016).

    Args:
      create_scale: whether there is a trainable scale for each channel.
      create_offset: whether there is a trainable offset for each channel.
      eps: added to the variance, default 1e-5.
      scale_init: the initial scale, default ones.
      offset_init: the initial offset, default zeros.
      data_format: where the channels are: "channels_last" (default),
        "channels_first", or a format such as "NHWC".
      name: of the module, default "instance_norm".

    Raises:
      ValueError: if an initial value is given for what is not created.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> norm = snt.InstanceNorm(create_scale=True, create_offset=True)
    >>> norm(jnp.array([[[1.0, 0.0], [3.0, 8.0]]])).round(2).tolist()
    [[[-1.0, -1.0], [1.0, 1.0]]]
    """

    def __init__(
        self,
        create_scale: bool,
        create_offset: bool,
        eps: Scalar = 1e-5,
        scale_init: Initializer | None = None,
        offset_init: Initializer | None = None,
        data_format: str = "channels_last",
        name: str | None = None,
    ):
        first = get_channel_index(data_format) == 1
        super().__init__(
            slice(2, None) if first else slice(1, -1),
            create_scale,
            create_offset,
            eps,
            scale_init,
            offset_init,
            data_format,
            name,
        )
