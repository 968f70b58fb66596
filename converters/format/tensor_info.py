"""What a checkpoint says about a tensor before its values are read."""

from __future__ import annotations

import dataclasses

import numpy as np

__all__ = ["TensorInfo", "TensorSlice"]


@dataclasses.dataclass(frozen=True)
class TensorSlice:
    """One stored part of a partitioned tensor.

    Args:
      start: the index of its first element in the whole tensor.
      shape: its shape.
      shard: the number of the data file that holds it.
      nbytes: the number of bytes stored; None in V1 checkpoints, which don't say.
    """

    start: tuple[int, ...]
    shape: tuple[int, ...]
    shard: int
    nbytes: int | None

    @property
    def index(self) -> tuple[slice, ...]:
        """The slices that select this part of the whole tensor."""
        return tuple(slice(i, i + n) for i, n in zip(self.start, self.shape))


@dataclasses.dataclass(frozen=True)
class TensorInfo:
    """The name, shape, type and place of a tensor.

    Args:
      name: its name; bytes that are not UTF-8 appear as lone surrogates.
      shape: its shape.
      dtype: its NumPy dtype, `object` for strings (of `bytes`), None where NumPy has
        no form for it (resources and variants).
      dtype_name: TensorFlow's name of its type; quantized integers, say `qint8`, are
        plain integers in NumPy.
      nbytes: the bytes of its values; for strings, the bytes stored, which a V1
        checkpoint does not say (None).
      shard: the number of the data file that holds it, None if it is partitioned.
      slices: its stored parts, empty if it is stored whole.

    Example:
      >>> TensorInfo("w", (2, 3), np.dtype("float32"), "float32", 24, 0).size
      6
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype | None
    dtype_name: str
    nbytes: int | None
    shard: int | None
    slices: tuple[TensorSlice, ...] = ()

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=object))
