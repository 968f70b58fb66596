"""Tensors that are made of a checkpoint's tensors, once they are needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from .checkpoint import Checkpoint

__all__ = ["DerivedTensor", "constant", "joined", "stored_tensor"]


@dataclasses.dataclass(frozen=True)
class DerivedTensor:
    """A tensor known by shape and dtype, that is read and converted when asked for.

    Attributes:
      shape: its shape.
      dtype: its dtype, None where NumPy has no form for it.
      read: returns it.
      sources: the checkpoint's keys of what it is made of.
      why: what is done to them; empty for a tensor as it is stored.
      parts: where the slices of a partitioned tensor begin, along its first axis.

    Example:
      >>> ones = DerivedTensor((2, 1), np.dtype("f4"), lambda: np.ones([2, 1]), ("w",))
      >>> ones.converted("transposed", np.transpose, (1, 2)).read()
      array([[1., 1.]])
    """

    shape: tuple[int, ...]
    dtype: np.dtype | None
    read: Callable[[], np.ndarray]
    sources: tuple[str, ...]
    why: str = ""
    parts: tuple[int, ...] = ()

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(np.prod(self.shape))

    def converted(
        self,
        why: str,
        function: Callable[[np.ndarray], np.ndarray],
        shape: tuple[int, ...] | None = None,
    ) -> DerivedTensor:
        """Returns what a function makes of it, in another shape or the same."""
        return dataclasses.replace(
            self,
            shape=self.shape if shape is None else shape,
            read=lambda: function(self.read()),
            why=f"{self.why}, {why}".strip(", "),
        )

    def rows(self, start: int, stop: int) -> DerivedTensor:
        """Returns a part along the first axis."""
        shape = (stop - start, *self.shape[1:])
        return self.converted(f"rows {start} to {stop}", lambda x: x[start:stop], shape)

    def reshaped(self, shape: tuple[int, ...]) -> DerivedTensor:
        """Returns the same numbers in another shape."""
        why = f"{list(self.shape)} as {list(shape)}"
        return self.converted(why, lambda x: x.reshape(shape), shape)


def stored_tensor(checkpoint: Checkpoint, key: str) -> DerivedTensor:
    """Returns a tensor as it is stored."""
    info = checkpoint.info(key)
    starts = {part.start[0] for part in info.slices if part.start}
    parts = tuple(sorted(starts)) if len(starts) == len(info.slices) else ()
    return DerivedTensor(
        tuple(info.shape), info.dtype, lambda: checkpoint[key], (key,), parts=parts
    )


def constant(value: np.ndarray) -> DerivedTensor:
    """Returns a tensor that is in no checkpoint.

    Example:
      >>> constant(np.zeros(2)).sources
      ()
    """
    return DerivedTensor(value.shape, value.dtype, lambda: value, ())


def joined(
    why: str,
    shape: tuple[int, ...],
    function: Callable[..., np.ndarray],
    parts: Mapping[str, DerivedTensor],
) -> DerivedTensor:
    """Returns what a function makes of several tensors, passed to it by name."""
    first = next(iter(parts.values()))
    return DerivedTensor(
        shape,
        first.dtype,
        lambda: function(**{name: part.read() for name, part in parts.items()}),
        tuple(key for part in parts.values() for key in part.sources),
        why,
    )
