"""Batch normalisation."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ..core.module import Module
from ..core.typing import Initializer
from ..numerics.layout import get_channel_index
from ..numerics.normalization import check_inits, moments_of_squares, normalize
from .moving_averages import ExponentialMovingAverage
from .scale_and_offset import check_passed, get_scale_and_offset


class BatchNorm(Module):
    """Normalises by the moments of the batch (Ioffe and Szegedy, 2015).

    Evaluation uses moving averages of the moments, which are state.

    Args:
      create_scale: Whether to multiply by a learned scale.
      create_offset: Whether to add a learned offset.
      decay_rate: Of the moving averages.
      eps: Added to the variance, default 1e-5.
      scale_init: The initial scale, default ones.
      offset_init: The initial offset, default zeros.
      axis: The axes to reduce over; by default all but the channels.
      cross_replica_axis: The mapped axis, or axes, over which the moments are
        averaged as well; None (default) is none.
      cross_replica_axis_index_groups: How the replicas on that axis are grouped.
      data_format: Where the channels are: "channels_last" (default) or
        "channels_first", or a name such as "NHWC".
      name: Name of the module.

    Raises:
      ValueError: An initial value is given for a parameter that is not created, or
        groups without an axis.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform_with_state(
      ...     lambda x, training: hk.BatchNorm(True, True, 0.9)(x, training))
      >>> x = jnp.array([[1.0], [3.0]])
      >>> params, state = f.init(None, x, True)
      >>> y, state = f.apply(params, state, None, x, True)
      >>> y.round(2).tolist(), state["batch_norm/~/mean_ema"]["average"].tolist()
      ([[-1.0], [1.0]], [[2.0]])
    """

    def __init__(
        self,
        create_scale: bool,
        create_offset: bool,
        decay_rate: float,
        eps: float = 1e-5,
        scale_init: Initializer | None = None,
        offset_init: Initializer | None = None,
        axis: Sequence[int] | None = None,
        cross_replica_axis: str | Sequence[str] | None = None,
        cross_replica_axis_index_groups: Sequence[Sequence[int]] | None = None,
        data_format: str = "channels_last",
        name: str | None = None,
    ):
        super().__init__(name=name)
        check_inits(create_scale, create_offset, scale_init, offset_init)
        if cross_replica_axis is None and cross_replica_axis_index_groups is not None:
            raise ValueError(
                "`cross_replica_axis` name must be specified if "
                "`cross_replica_axis_index_groups` are used."
            )
        self.eps = eps
        self.create_scale, self.create_offset = create_scale, create_offset
        self.scale_init = scale_init or jnp.ones
        self.offset_init = offset_init or jnp.zeros
        self.cross_replica_axis = cross_replica_axis
        self.cross_replica_axis_index_groups = cross_replica_axis_index_groups
        self.axis = axis
        self.channel_index = get_channel_index(data_format)
        self.mean_ema = ExponentialMovingAverage(decay_rate, name="mean_ema")
        self.var_ema = ExponentialMovingAverage(decay_rate, name="var_ema")

    def __call__(
        self,
        inputs: jax.Array,
        is_training: bool,
        test_local_stats: bool = False,
        scale: jax.Array | None = None,
        offset: jax.Array | None = None,
    ) -> jax.Array:
        """Normalises a batch.

        Args:
          inputs: `[batch, ..., channels]` or `[batch, channels, ...]`.
          is_training: Whether to use the moments of this batch, and to update the
            moving averages by them.
          test_local_stats: Whether to use the moments of this batch in any case.
          scale: To multiply by, if the module has no scale of its own.
          offset: To add, if the module has no offset of its own.

        Returns:
          An array of the shape of `inputs`.

        Raises:
          ValueError: A parameter is passed that the module has created, or there are
            no moving averages yet.
        """
        check_passed(self, scale, offset)
        inputs = jnp.asarray(inputs)
        axis = self.axis
        if axis is None:
            channel_axes = (self.channel_index, self.channel_index + inputs.ndim)
            axis = [i for i in range(inputs.ndim) if i not in channel_axes]

        if is_training or test_local_stats:
            mean, variance = moments_of_squares(
                inputs,
                axis,
                axis_name=self.cross_replica_axis,
                axis_index_groups=self.cross_replica_axis_index_groups,
            )
        else:
            mean = self.mean_ema.average.astype(inputs.dtype)
            variance = self.var_ema.average.astype(inputs.dtype)
        if is_training:
            self.mean_ema(mean)
            self.var_ema(variance)

        shape = [1 if i in axis else size for i, size in enumerate(inputs.shape)]
        scale, offset = get_scale_and_offset(self, shape, inputs.dtype, scale, offset)
        return normalize(inputs, mean, variance, scale, offset, self.eps)
