"""Batch normalisation."""

from typing import Any

import jax
import numpy as np

from ...haiku_impl.numerics.layout import broadcastable_shape, get_channel_index
from ...haiku_impl.numerics.normalization import (
    bessel_corrected,
    check_inits,
    moments,
    normalize,
    normalize_folded,
)
from ..core.checks import check_passed
from ..core.dtypes import as_array
from ..core.module import Module
from ..core.naming import NameScope
from ..core.once import once
from ..core.typing import ArrayLike, BoolLike, Initializer, Scalar
from ..core.variable import Variable
from ..initializers import Ones, Zeros
from ..transforms.control_flow import cond
from .metrics import Metric
from .moving_averages import ExponentialMovingAverage


class BaseBatchNorm(Module):
    """Normalises by the moments of a batch, and keeps track of them by given metrics.

    The moments are taken over all axes but the channels (Ioffe and Szegedy, 2015).
    Where TensorFlow has a fused operation, for inputs of rank 4 with their channels
    last, the variance that is tracked is the unbiased one, `n / (n - 1)` times that
    of the batch.

    Args:
      create_scale: whether there is a trainable scale for each channel.
      create_offset: whether there is a trainable offset for each channel.
      moving_mean: a metric that is updated with the means of batches.
      moving_variance: a metric that is updated with their variances.
      eps: added to the variance, default 1e-5.
      scale_init: the initial scale, default ones.
      offset_init: the initial offset, default zeros.
      data_format: where the channels are: "channels_last" (default),
        "channels_first", or a format such as "NHWC".
      name: of the module.

    Attributes:
      scale: a variable `[channels]`, or `[channels, 1, ...]` for channels first, once
        called; not trainable if it is not created for training.
      offset: likewise.

    Raises:
      ValueError: if an initial value is given for what is not created.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> norm = snt.BaseBatchNorm(False, False, snt.Mean(), snt.Mean())
    >>> norm(jnp.array([[1.0], [3.0]]), is_training=True).round(2).tolist()
    [[-1.0], [1.0]]
    >>> norm.moving_mean.value.tolist()
    [[2.0]]
    """

    def __init__(
        self,
        create_scale: bool,
        create_offset: bool,
        moving_mean: Metric,
        moving_variance: Metric,
        eps: Scalar = 1e-5,
        scale_init: Initializer | None = None,
        offset_init: Initializer | None = None,
        data_format: str = "channels_last",
        name: str | None = None,
    ):
        super().__init__(name=name)
        check_inits(create_scale, create_offset, scale_init, offset_init)
        self._eps = eps
        self.moving_mean = moving_mean
        self.moving_variance = moving_variance
        self._data_format = data_format
        self._channel_index = get_channel_index(data_format)
        self._create_scale = create_scale
        self._create_offset = create_offset
        self._scale_init = scale_init or Ones()
        self._offset_init = offset_init or Zeros()

    def __call__(
        self,
        inputs: ArrayLike,
        is_training: BoolLike,
        test_local_stats: BoolLike = False,
        scale: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> jax.Array:
        """Normalises a batch.

        Args:
          inputs: `[batch, ..., channels]`, or as `data_format` says; floating.
          is_training: whether the moments of the batch are used and tracked; a bool,
            or an array `[]`, which may be traced.
          test_local_stats: whether the moments of the batch are used if not training,
            likewise, default False.
          scale: broadcastable to the inputs, where no scale is created.
          offset: broadcastable to the inputs, where no offset is created.

        Returns:
          An array of the shape of the inputs.

        Raises:
          ValueError: if a scale or offset is passed where one is created.
        """
        inputs = as_array(inputs)
        check_passed(self._create_scale, scale, "scale")
        check_passed(self._create_offset, offset, "offset")
        self._initialize(inputs)
        if isinstance(is_training, jax.core.Tracer):
            return cond(
                is_training,
                lambda: self(inputs, True, test_local_stats, scale, offset),
                lambda: self(inputs, False, test_local_stats, scale, offset),
            )
        if not is_training and isinstance(test_local_stats, jax.core.Tracer):
            return cond(
                test_local_stats,
                lambda: self(inputs, False, True, scale, offset),
                lambda: self(inputs, False, False, scale, offset),
            )

        mean, variance = self._moments(inputs, is_training or test_local_stats)
        rescale = normalize if self._fused else normalize_folded
        out = rescale(
            inputs,
            mean,
            variance,
            as_array(self.scale if scale is None else scale),
            as_array(self.offset if offset is None else offset),
            self._eps,
        )
        if is_training:
            if self._fused:
                variance = bessel_corrected(variance, inputs.size // mean.size)
            self.moving_mean.update(mean)
            self.moving_variance.update(variance)
        return out

    @once
    def _initialize(self, inputs: jax.Array) -> None:
        rank = inputs.ndim
        self._fused = rank == 4 and self._channel_index == -1
        channel_axis = self._channel_index % rank
        self._axis = tuple(axis for axis in range(rank) if axis != channel_axis)
        channels = inputs.shape[channel_axis]

        self.shape = tuple(channels if i == channel_axis else 1 for i in range(rank))
        self._initialize_metrics(inputs)
        shape = broadcastable_shape(channels, self._channel_index, rank - 2)
        dtype = inputs.dtype
        self.scale = Variable(
            lambda: self._scale_init(shape, dtype),
            name="scale",
            trainable=self._create_scale,
        )
        self.offset = Variable(
            lambda: self._offset_init(shape, dtype),
            name="offset",
            trainable=self._create_offset,
        )

    def _initialize_metrics(self, inputs: jax.Array) -> None:
        metrics = self.moving_mean, self.moving_variance
        if all(isinstance(metric, ExponentialMovingAverage) for metric in metrics):
            # They need the shape and dtype alone, which cost no equations.
            values: Any = [np.zeros(self.shape, inputs.dtype)] * 2
        else:
            values = moments(inputs, self._axis)
        for metric, value in zip(metrics, values):
            metric.initialize(value)

    def _moments(
        self, inputs: jax.Array, use_batch_stats: Any
    ) -> tuple[jax.Array, jax.Array]:
        """Returns mean and variance, whose reduced axes have size 1."""
        if use_batch_stats:
            return moments(inputs, self._axis)
        return as_array(self.moving_mean.value), as_array(self.moving_variance.value)


class BatchNorm(BaseBatchNorm):
    """Normalises by the moments of a batch, or by moving averages of them.

    See `BaseBatchNorm` for what is averaged. Before any training step the averages
    are zero, so an evaluation then divides by `sqrt(eps)`.

    Args:
      create_scale: whether there is a trainable scale for each channel.
      create_offset: whether there is a trainable offset for each channel.
      decay_rate: of the exponential moving averages, default 0.999.
      eps: added to the variance, default 1e-5.
      scale_init: the initial scale, default ones.
      offset_init: the initial offset, default zeros.
      data_format: where the channels are: "channels_last" (default),
        "channels_first", or a format such as "NHWC".
      name: of the module, default "batch_norm".

    Raises:
      ValueError: if an initial value is given for what is not created.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> norm = snt.BatchNorm(create_scale=True, create_offset=True)
    >>> norm(jnp.array([[1.0], [3.0]]), is_training=True).round(2).tolist()
    [[-1.0], [1.0]]
    >>> norm(jnp.array([[2.5], [3.0]]), is_training=False).round(2).tolist()
    [[0.5], [1.0]]
    """

    def __init__(
        self,
        create_scale: bool,
        create_offset: bool,
        decay_rate: float = 0.999,
        eps: Scalar = 1e-5,
        scale_init: Initializer | None = None,
        offset_init: Initializer | None = None,
        data_format: str = "channels_last",
        name: str | None = None,
    ):
        super().__init__(
            create_scale,
            create_offset,
            None,  # type: ignore[arg-type]  # made below, in the module's scope
            None,  # type: ignore[arg-type]
            eps,
            scale_init,
            offset_init,
            data_format,
            name,
        )
        # As in Sonnet, the averages of an unnamed subclass are named as this class's.
        prefix = self._name_scope.name.removesuffix(f"{self._name}/")
        scope = f"{prefix}{name or 'batch_norm'}/"
        with NameScope(scope, self._name_scope.key):
            self.moving_mean = ExponentialMovingAverage(decay_rate, "moving_mean")
            self.moving_variance = ExponentialMovingAverage(
                decay_rate, "moving_variance"
            )
