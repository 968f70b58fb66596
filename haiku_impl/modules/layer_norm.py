"""Normalisation within each example: layer, instance and RMS."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ..core.module import Module
from ..core.parameters import get_parameter
from ..core.typing import Initializer
from ..numerics.layout import absolute_axes, get_channel_index, normalize_axis_argument
from ..numerics.normalization import (
    check_inits,
    moments,
    moments_of_squares,
    normalize,
    rms_normalize,
)
from .scale_and_offset import check_passed, get_scale_and_offset

AxisOrAxes = int | Sequence[int] | slice


class LayerNorm(Module):
    """Normalises by the moments over some axes (Ba et al., 2016).

    Args:
      axis: The axes to reduce over: an int, ints, or a slice of the axes.
      create_scale: Whether to multiply by a learned scale.
      create_offset: Whether to add a learned offset.
      eps: Added to the variance, default 1e-5.
      scale_init: The initial scale, default ones.
      offset_init: The initial offset, default zeros.
      use_fast_variance: Whether to take the variance as E[x^2] - E[x]^2, which is
        faster and less exact; default False.
      name: Name of the module.
      param_axis: The axes along which scale and offset vary; by default the last,
        whatever `axis` is.

    Raises:
      ValueError: An initial value is given for a parameter that is not created, or
        axes that are no axes.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.LayerNorm(-1, True, True, eps=0.0)(x))
      >>> x = jnp.array([[1.0, 3.0]])
      >>> f.apply(f.init(None, x), None, x).tolist()
      [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: AxisOrAxes,
        create_scale: bool,
        create_offset: bool,
        eps: float = 1e-5,
        scale_init: Initializer | None = None,
        offset_init: Initializer | None = None,
        use_fast_variance: bool = False,
        name: str | None = None,
        *,
        param_axis: AxisOrAxes | None = None,
    ):
        super().__init__(name=name)
        check_inits(create_scale, create_offset, scale_init, offset_init)
        self.axis = normalize_axis_argument(axis)
        self.eps = eps
        self.create_scale, self.create_offset = create_scale, create_offset
        self.scale_init = scale_init or jnp.ones
        self.offset_init = offset_init or jnp.zeros
        self.use_fast_variance = use_fast_variance
        self.param_axis = normalize_axis_argument(
            -1 if param_axis is None else param_axis
        )

    def __call__(
        self,
        inputs: jax.Array,
        scale: jax.Array | None = None,
        offset: jax.Array | None = None,
    ) -> jax.Array:
        """Normalises an array.

        Args:
          inputs: `[batch, ..., channels]`.
          scale: To multiply by, if the module has no scale of its own.
          offset: To add, if the module has no offset of its own.

        Returns:
          An array of the shape of `inputs`.

        Raises:
          ValueError: A parameter is passed that the module has created.
        """
        check_passed(self, scale, offset)
        inputs = jnp.asarray(inputs)
        take_moments = moments_of_squares if self.use_fast_variance else moments
        mean, variance = take_moments(inputs, absolute_axes(self.axis, inputs.ndim))
        shape = _parameter_shape(inputs.shape, self.param_axis)
        scale, offset = get_scale_and_offset(self, shape, inputs.dtype, scale, offset)
        return normalize(inputs, mean, variance, scale, offset, self.eps)


def _parameter_shape(
    input_shape: tuple[int, ...], param_axis: tuple[int, ...] | slice
) -> tuple[int, ...]:
    axes = absolute_axes(param_axis, len(input_shape))
    if axes == (len(input_shape) - 1,):
        # Without leading ones, as parameter files have it.
        return input_shape[-1:]
    return tuple(size if i in axes else 1 for i, size in enumerate(input_shape))


class InstanceNorm(LayerNorm):
    """Normalises by the moments over the spatial axes (Ulyanov et al., 2016).

    Args:
      create_scale: Whether to multiply by a learned scale for each channel.
      create_offset: Whether to add a learned offset for each channel.
      eps: Added to the variance, default 1e-5.
      scale_init: The initial scale, default ones.
      offset_init: The initial offset, default zeros.
      data_format: Where the channels are: "channels_last" (default) or
        "channels_first", or a name such as "NHWC".
      name: Name of the module.

    Raises:
      ValueError: An initial value is given for a parameter that is not created.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.InstanceNorm(True, True, eps=0.0)(x))
      >>> x = jnp.array([[[1.0], [3.0]]])
      >>> f.apply(f.init(None, x), None, x).tolist()
      [[[-1.0], [1.0]]]
    """

    def __init__(
        self,
        create_scale: bool,
        create_offset: bool,
        eps: float = 1e-5,
        scale_init: Initializer | None = None,
        offset_init: Initializer | None = None,
        data_format: str = "channels_last",
        name: str | None = None,
    ):
        channel_index = get_channel_index(data_format)
        spatial = slice(2, None) if channel_index == 1 else slice(1, -1)
        created = create_scale, create_offset, eps, scale_init, offset_init
        super().__init__(spatial, *created, name=name, param_axis=channel_index)


class RMSNorm(Module):
    """Divides by the root mean square over some axes (Zhang and Sennrich, 2019).

    Args:
      axis: The axes to average over: an int, ints, or a slice of the axes.
      eps: Added to the mean square, default 1e-5.
      scale_init: The initial scale, default ones.
      name: Name of the module.
      create_scale: Whether to multiply by a learned scale, default True.
      param_axis: The axes along which the scale varies, by default the last.

    Raises:
      ValueError: An initial value is given for a scale that is not created, or axes
        that are no axes.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.RMSNorm(-1, eps=0.0)(x))
      >>> x = jnp.array([[3.0, -3.0]])
      >>> f.apply(f.init(None, x), None, x).tolist()
      [[1.0, -1.0]]
    """

    def __init__(
        self,
        axis: AxisOrAxes,
        eps: float = 1e-5,
        scale_init: Initializer | None = None,
        name: str | None = None,
        create_scale: bool = True,
        *,
        param_axis: AxisOrAxes | None = None,
    ):
        super().__init__(name=name)
        check_inits(create_scale, False, scale_init, None)
        self.axis = normalize_axis_argument(axis)
        self.eps = eps
        self.create_scale = create_scale
        self.scale_init = scale_init or jnp.ones
        self.param_axis = normalize_axis_argument(
            -1 if param_axis is None else param_axis
        )

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Normalises an array.

        Args:
          inputs: `[batch, ..., channels]`.

        Returns:
          An array of the shape of `inputs`.
        """
        inputs = jnp.asarray(inputs)
        scale = None
        if self.create_scale:
            shape = _parameter_shape(inputs.shape, self.param_axis)
            scale = get_parameter("scale", shape, inputs.dtype, self.scale_init)
        axes = absolute_axes(self.axis, inputs.ndim)
        return rms_normalize(inputs, axes, scale, self.eps)
