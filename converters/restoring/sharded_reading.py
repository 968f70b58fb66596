"""Reading a tensor into an array that is spread over devices."""

from __future__ import annotations

import os
from typing import Any

import jax
import numpy as np

from ..checkpoint import Checkpoint, open_checkpoint
from ..errors import UnsupportedCheckpointError
from .variable_values import in_dtype

__all__ = ["read_sharded"]


def read_sharded(
    checkpoint: str | os.PathLike | Checkpoint,
    name: str,
    sharding: jax.sharding.Sharding,
    *,
    verify: bool | None = None,
) -> jax.Array:
    """Reads a tensor into a `jax.Array`, each device's part from the file on its own.

    The whole tensor is never in memory: a part is copied from the mapped file when its
    device asks for it, and of a partitioned tensor only the slices that it touches.

    Args:
      checkpoint: a checkpoint that is open, or what `open_checkpoint` takes.
      name: the tensor's key.
      sharding: where its parts go, such as a `jax.sharding.NamedSharding`.
      verify: whether to check the bytes before they are used. A checksum is that of a
        whole tensor, so checking reads all of it. By default it is checked where the
        devices of this process ask for all of it together, and not where they ask for
        a part: then bounds are checked alone.

    Returns:
      The array, of the tensor's dtype, or its 32-bit form where jax_enable_x64 is off
      and no value changes by it.

    Raises:
      TensorNotFoundError: there is no such tensor.
      MismatchError: values would change in 32 bits.
      UnsupportedCheckpointError: NumPy has no form for it, or jax.
      CheckpointError: it can't be read.
      ValueError: the sharding does not fit its shape.

    Example:
      >>> import tempfile
      >>> from sonnax import converters
      >>> prefix = tempfile.mkdtemp() + "/ckpt-1"
      >>> w = np.arange(6, dtype="float32").reshape(2, 3)
      >>> converters.write_bundle(prefix, {"w": w})
      >>> mesh = jax.make_mesh((1,), ("data",))
      >>> rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
      >>> read_sharded(prefix, "w", rows).tolist()
      [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    """
    if not isinstance(checkpoint, Checkpoint):
        checkpoint = open_checkpoint(checkpoint)
    info = checkpoint.info(name)
    shape = tuple(info.shape)
    if info.dtype is None or info.dtype == object:
        raise UnsupportedCheckpointError(
            f"jax has no arrays of {info.dtype_name}.",
            path=checkpoint.path,
            tensor=name,
        )
    if verify is None:
        verify = _all_is_asked_for(sharding, shape)
    dtype = jax.dtypes.canonicalize_dtype(info.dtype)

    def part(index: Any) -> Any:
        found = checkpoint.read(name, verify, _bounded(index, shape))
        return in_dtype(found, dtype, f"jax.Array of {name}", checkpoint.path, name)

    return jax.make_array_from_callback(shape, sharding, part)


def _bounded(index: tuple[slice, ...], shape: tuple[int, ...]) -> list[slice]:
    return [slice(*each.indices(size)) for each, size in zip(index, shape, strict=True)]


def _all_is_asked_for(sharding: Any, shape: tuple[int, ...]) -> bool:
    parts = {
        tuple((each.start, each.stop) for each in _bounded(index, shape))
        for index in sharding.addressable_devices_indices_map(shape).values()
    }
    asked = sum(int(np.prod([stop - start for start, stop in part])) for part in parts)
    return asked >= int(np.prod(shape))
