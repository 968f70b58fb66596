"""Tensors that are made of a checkpoint's tensors, once they are needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from .checkpoint import Checkpoint
from .format.tensor_info import TensorInfo

__all__ = ["DerivedTensor", "stored_tensor"]


@dataclasses.dataclass(frozen=True)
class DerivedTensor:
    """A tensor known by shape and dtype, that is read and converted when asked for.

    Attributes:
      shape: its shape.
      dtype: its dtype, None where NumPy has no form for it.
      read: returns it.
      sources: the checkpoint's keys of what it is made of.
      why: what is done to them; empty for a tensor as it is stored.

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


def stored_tensor(checkpoint: Checkpoint, key: str) -> DerivedTensor:
    """Returns a tensor as it is stored."""
    info: TensorInfo = checkpoint.info(key)
    return DerivedTensor(tuple(info.shape), info.dtype, lambda: checkpoint[key], (key,))


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
