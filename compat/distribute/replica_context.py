"""What a function that runs on several devices knows of the others."""

from typing import Any

import jax
from jax import lax

from ...haiku_impl.core.thread_local import ThreadLocal
from ..core.typing import PyTree

AXIS = "replica"
"""The name of the mesh's axis, and of the axis that collective operations reduce."""

_COLLECTIVES = {"sum": lax.psum, "mean": lax.pmean}


class _Thread(ThreadLocal, global_name="current_thread"):
    def __init__(self) -> None:
        # How many replicators' scopes are entered.
        self.scopes = 0


current_thread = _Thread()


class ReplicaContext:
    """Where a replica stands, in the place of `tf.distribute.ReplicaContext`.

    Attributes:
      num_replicas_in_sync: the number of replicas.
      replica_id_in_sync_group: the number of this one, an int of shape `[]`.
    """

    def __init__(self, num_replicas_in_sync: int, replica_id: int | jax.Array):
        self.num_replicas_in_sync = num_replicas_in_sync
        self.replica_id_in_sync_group = replica_id

    def all_reduce(self, reduce_op: Any, value: PyTree) -> Any:
        """Returns the sum or mean of what all replicas pass.

        Args:
          reduce_op: "sum" or "mean", or TensorFlow's constant for it.
          value: a tree of arrays.

        Raises:
          ValueError: if there is no such operation.
        """
        name = checked_op(reduce_op)
        return _COLLECTIVES[name](value, AXIS) if axis_size() else value

    def all_gather(self, value: PyTree, axis: int) -> Any:
        """Returns what all replicas pass, concatenated.

        Args:
          value: a tree of arrays.
          axis: along which it is concatenated.
        """
        if not axis_size():
            return value
        return jax.tree.map(
            lambda x: lax.all_gather(x, AXIS, axis=axis, tiled=True), value
        )


def checked_op(reduce_op: Any) -> str:
    """Returns the name of a reduction, "sum" or "mean".

    Raises:
      ValueError: if it is no such.

    >>> checked_op("MEAN")
    'mean'
    """
    name = str(getattr(reduce_op, "name", reduce_op)).lower()
    if name not in _COLLECTIVES:
        raise ValueError(f"There is no reduction {reduce_op!r}: use 'sum' or 'mean'.")
    return name


def axis_size() -> int | None:
    """Returns the number of replicas inside `run`, or another map over the axis."""
    try:
        return lax.axis_size(AXIS)
    except NameError:
        return None


def get_replica_context() -> ReplicaContext | None:
    """Returns the context of the replica that runs, `tf.distribute`'s in Sonnet.

    Inside a replicator's `run`, or a `jax.shard_map` over an axis called "replica", it
    is that of many. Elsewhere it is that of a single replica, but inside a
    replicator's scope there is none.

    >>> get_replica_context().num_replicas_in_sync
    1
    """
    size = axis_size()
    if size is not None:
        return ReplicaContext(size, lax.axis_index(AXIS))
    return None if current_thread.scopes else ReplicaContext(1, 0)
