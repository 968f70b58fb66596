"""Data parallelism: functions run on several devices at once, over a JAX mesh."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ...haiku_impl.core.child import commit, run_child
from ...haiku_impl.core.frames import thread
from ...haiku_impl.core.keys import RNG
from ...haiku_impl.core.random import PRNGSequence
from ..core.discovery import discover
from ..core.typing import PyTree
from ..functional.transforms import as_device
from ..random import next_key
from ..transforms.jit import Jit
from .replica_context import AXIS, ReplicaContext, checked_op, current_thread

# How many functions a replicator keeps compiled.
_CACHE_SIZE = 128


@jax.tree_util.register_pytree_node_class
class PerReplica:
    """One value for each replica, as `run` takes and returns them.

    Args:
      stacked: the values, `[replicas, ...]`.
    """

    def __init__(self, stacked: PyTree):
        self.stacked = stacked

    @property
    def values(self) -> tuple[Any, ...]:
        """The values, one by one."""
        return tuple(self.stacked)

    def tree_flatten(self) -> tuple[tuple[Any], None]:
        return (self.stacked,), None

    @classmethod
    def tree_unflatten(cls, aux: None, children: tuple[Any]) -> "PerReplica":
        return cls(*children)

    def __repr__(self) -> str:
        return f"PerReplica({self.stacked!r})"


class Replicator:
    """Runs functions on several devices, each with its part of the data.

    It has the programming model of Buchlovsky et al., 2019: variables are replicated,
    every replica runs the same function, and they speak to each other through
    collective operations: `get_replica_context().all_reduce`, or `jax.lax`'s over the
    axis "replica". Nothing is reduced on its own: average the gradients before they
    are applied. What a replica assigns to a variable stays its own; what is read
    outside of `run` is the first replica's.

    Args:
      devices: JAX's devices, or their names; by default all of this process.
      cross_device_ops: accepted; XLA plans its communication itself.

    Attributes:
      mesh: the mesh of devices, with the one axis "replica".

    Raises:
      ValueError: a device belongs to another process.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> replicator = snt.distribute.Replicator(devices=["cpu:0"])
    >>> with replicator.scope():
    ...     w = snt.Variable(3.0)
    >>> def forward(x):
    ...     context = snt.distribute.get_replica_context()
    ...     return context.all_reduce("mean", w * x)
    >>> [float(y) for y in replicator.experimental_local_results(
    ...     replicator.run(forward, args=(2.0,)))]
    [6.0]
    """

    def __init__(
        self, devices: Sequence[Any] | None = None, cross_device_ops: Any = None
    ):
        del cross_device_ops
        found = jax.local_devices() if devices is None else map(as_device, devices)
        self.mesh = Mesh(np.asarray(_of_this_process(list(found))), (AXIS,))
        self._compiled = functools.lru_cache(_CACHE_SIZE)(
            lambda fn: Jit(functools.partial(self._replicated, fn))
        )

    @property
    def num_replicas_in_sync(self) -> int:
        """The number of replicas: that of devices."""
        return self.mesh.size

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Says that what is made inside is the replicator's.

        Modules may as well be made outside: `run` replicates whatever it reaches.
        """
        current_thread.scopes += 1
        try:
            yield
        finally:
            current_thread.scopes -= 1

    def run(
        self,
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Runs a function on all replicas, compiled.

        Called many times outside `snt.jit` it should get the same function, which is
        compiled once.

        Args:
          fn: a function that reads and writes variables. Random numbers that it draws
            differ between replicas, but for the initial values of variables.
          args: its arguments: of a `PerReplica` each replica gets its value, of
            anything else the whole.
          kwargs: its keyword arguments, likewise.

        Returns:
          What it returned, a tree of `PerReplica`; of a single replica, just that.
        """
        if thread.frames:
            return self._replicated(fn, *args, **(kwargs or {}))
        return self._compiled(fn)(*args, **(kwargs or {}))

    def _replicated(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        call = functools.partial(self._call, fn, args, kwargs)
        # Variables have the same initial values everywhere.
        found = discover(lambda: call(None), (), {})
        generator = getattr(thread.generator, "token", None)
        draws = RNG in found.written or generator in found.written
        out = call(next_key() if draws else None)
        if self.num_replicas_in_sync > 1:
            return out
        return jax.tree.map(lambda x: x.stacked[0], out, is_leaf=_is_per_replica)

    def _call(self, fn: Callable[..., Any], args: Any, kwargs: Any, key: Any) -> Any:
        leaves, structure = jax.tree.flatten((args, kwargs), is_leaf=_is_per_replica)
        for leaf in leaves:
            if _is_per_replica(leaf):
                self._check_count(leaf)
        stacks = [leaf.stacked if _is_per_replica(leaf) else None for leaf in leaves]

        def one_replica(key: Any, stacks: Any) -> Any:
            own = [
                leaf if stack is None else stack[0]
                for leaf, stack in zip(leaves, stacks)
            ]
            args, kwargs = jax.tree.unflatten(structure, own)
            rng = None
            if key is not None:
                rng = PRNGSequence(jax.random.fold_in(key, jax.lax.axis_index(AXIS)))
            out, writes, _ = run_child(fn, args, kwargs, rng=rng)
            return jax.tree.map(lambda x: jnp.asarray(x)[None], out), writes

        # Whether values are equal on all replicas is the user's business here, as it
        # is in TensorFlow; gradients are each replica's own.
        mapped = jax.shard_map(
            one_replica,
            mesh=self.mesh,
            in_specs=(PartitionSpec(), PartitionSpec(AXIS)),
            out_specs=(PartitionSpec(AXIS), PartitionSpec()),
            check_vma=False,
        )
        out, writes = mapped(key, stacks)
        commit(writes)
        return jax.tree.map(PerReplica, out)

    def _check_count(self, value: PerReplica) -> None:
        count = jnp.shape(value.stacked)[0]
        if count != self.num_replicas_in_sync:
            raise ValueError(
                f"There are {self.num_replicas_in_sync} replicas, but a PerReplica of "
                f"{count} values was passed to run."
            )

    def experimental_distribute_dataset(
        self, dataset: Iterable[Any], options: Any = None
    ) -> Iterator[Any]:
        """Walks over batches, each divided evenly among the replicas.

        Args:
          dataset: trees of arrays `[batch, ...]`.
          options: accepted, and not used.

        Yields:
          Trees of `PerReplica`, with values `[batch / replicas, ...]`.

        Raises:
          ValueError: if a batch cannot be divided evenly.
        """
        for batch in dataset:
            yield jax.tree.map(self._split, batch)

    def _split(self, x: Any) -> PerReplica:
        count = self.num_replicas_in_sync
        size = jnp.shape(x)[0]
        if size % count:
            raise ValueError(
                f"A batch of {size} cannot be divided evenly among {count} replicas."
            )
        return self._placed(np.reshape(x, (count, size // count, *np.shape(x)[1:])))

    def _placed(self, stacked: Any) -> PerReplica:
        sharding = NamedSharding(self.mesh, PartitionSpec(AXIS))
        return PerReplica(jax.device_put(stacked, sharding))

    def experimental_distribute_values_from_function(
        self, value_fn: Callable[[ReplicaContext], Any]
    ) -> Any:
        """Makes a value for each replica.

        Args:
          value_fn: takes a context with the replica's number, and returns a tree of
            arrays.
        """
        count = self.num_replicas_in_sync
        values = [value_fn(ReplicaContext(count, i)) for i in range(count)]
        return jax.tree.map(lambda *each: self._placed(np.stack(each)), *values)

    def experimental_local_results(self, value: PyTree) -> tuple[Any, ...]:
        """Returns the values of a `PerReplica`; of anything else, that alone."""
        return value.values if _is_per_replica(value) else (value,)

    def reduce(self, reduce_op: Any, value: PyTree, axis: int | None = None) -> Any:
        """Reduces what `run` returned over the replicas.

        Args:
          reduce_op: "sum" or "mean", or TensorFlow's constant for it.
          value: a tree of `PerReplica`.
          axis: an axis of each value to reduce over as well.

        Raises:
          ValueError: if there is no such operation.
        """
        function = {"sum": jnp.sum, "mean": jnp.mean}[checked_op(reduce_op)]

        def reduced(each: Any) -> jax.Array:
            stacked = each.stacked if _is_per_replica(each) else jnp.asarray(each)[None]
            axes = (0,) if axis is None else (0, axis % (stacked.ndim - 1) + 1)
            return function(stacked, axis=axes)

        return jax.tree.map(reduced, value, is_leaf=_is_per_replica)


def _of_this_process(devices: list[Any]) -> list[Any]:
    others = [each for each in devices if each.process_index != jax.process_index()]
    if others:
        raise ValueError(
            f"{len(others)} of {len(devices)} devices belong to other processes, "
            f"{others[0]} to process {others[0].process_index}; a replicator runs on "
            f"those of its own, process {jax.process_index()}: pass "
            "devices=jax.local_devices(), and exchange what processes share with jax's "
            "own collectives."
        )
    return devices


class TpuReplicator(Replicator):
    """Runs functions on all TPU cores, as `Replicator` does on other devices.

    Args:
      tpu_cluster_resolver: accepted; JAX finds the TPUs itself.
      experimental_device_assignment: JAX's devices, by default all TPU cores.
      experimental_spmd_xla_partitioning: accepted; JAX always partitions so.

    Raises:
      ValueError: if there are no TPUs.
    """

    def __init__(
        self,
        tpu_cluster_resolver: Any = None,
        experimental_device_assignment: Any = None,
        experimental_spmd_xla_partitioning: bool = False,
    ):
        del tpu_cluster_resolver, experimental_spmd_xla_partitioning
        if experimental_device_assignment is None:
            try:
                experimental_device_assignment = jax.devices("tpu")
            except RuntimeError as error:
                raise ValueError(
                    f"There are no TPUs here, only {jax.devices()}: use "
                    "snt.distribute.Replicator."
                ) from error
        super().__init__(experimental_device_assignment)


def create_variables_eagerly(f: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function as it is: `snt.jit` makes variables first by itself.

    Args:
      f: any function.
    """
    return f


def _is_per_replica(leaf: Any) -> bool:
    return isinstance(leaf, PerReplica)
