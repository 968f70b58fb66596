"""Batch normalisation over the whole batch, wherever its parts are."""

from typing import Any

import jax

from ...haiku_impl.numerics.normalization import moments_of_squares
from ..core.once import once
from ..layers.batch_norm import BaseBatchNorm
from .replica_context import AXIS, axis_size, get_replica_context


class CrossReplicaBatchNorm(BaseBatchNorm):
    """Batch normalisation by the moments of the batches of all replicas.

    The variance is the mean of squares less the square of the mean, so that the
    replicas exchange two means, and it is tracked as it is in every data format.

    Args:
      create_scale: whether there is a trainable scale for each channel.
      create_offset: whether there is a trainable offset for each channel.
      moving_mean: a metric that is updated with the means of batches.
      moving_variance: a metric that is updated with their variances.
      eps: added to the variance, default 1e-5.
      scale_init: the initial scale, default ones.
      offset_init: the initial offset, default zeros.
      data_format: as for `BaseBatchNorm`.
      name: of the module.

    Raises:
      ValueError: if an initial value is given for what is not created.
      TypeError: when called in the scope of a replicator, but not in its `run`.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> norm = snt.distribute.CrossReplicaBatchNorm(
    ...     False, False, snt.Mean(), snt.Mean())
    >>> norm(jnp.array([[1.0], [3.0]]), is_training=True).round(2).tolist()
    [[-1.0], [1.0]]
    """

    @once
    def _initialize(self, inputs: jax.Array) -> None:
        super()._initialize(inputs)
        self._fused = False

    def _moments(
        self, inputs: jax.Array, use_batch_stats: Any
    ) -> tuple[jax.Array, jax.Array]:
        if get_replica_context() is None:
            raise TypeError(
                f"{self!r} was called in a cross-replica context, in a replicator's "
                "scope: call it in a function that the replicator runs, "
                "replicator.run(fn)."
            )
        if not use_batch_stats:
            return super()._moments(inputs, False)
        axis_name = AXIS if axis_size() else None
        return moments_of_squares(inputs, self._axis, axis_name=axis_name)
