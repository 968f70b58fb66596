"""The shape and dtype of an array, and how they are written: `f32[8,10]`."""

import dataclasses
import decimal
import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np


class ShapedArray(Protocol):
    """Anything with a shape and a dtype."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...


_SHORT_NAMES = (
    ("complex", "c"),
    ("double", "d"),
    ("float", "f"),
    ("uint", "u"),
    ("int", "s"),
)


def format_array(x: Any) -> str:
    """Returns the dtype and shape of an array as one word.

    >>> format_array(np.zeros([8, 10], "float32")), format_array(np.zeros([], "int64"))
    ('f32[8,10]', 's64[]')
    """
    dtype = getattr(x.dtype, "name", None) or np.dtype(x.dtype).name
    for name, short in _SHORT_NAMES:
        dtype = dtype.replace(name, short)
    return f"{dtype}[{','.join(map(str, x.shape))}]"


def format_bytes(count: int) -> str:
    """Returns a number of bytes in decimal units.

    >>> format_bytes(999), format_bytes(120400)
    ('999.00 B', '120.40 KB')
    """
    value, units = decimal.Decimal(count), ["B", "KB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.2f} {units[0]}"


@dataclasses.dataclass(frozen=True)
class ArraySpec:
    """The shape and dtype of an array.

    Attributes:
      shape: the shape.
      dtype: the dtype.

    >>> from sonnax import haiku_impl as hk
    >>> hk.experimental.ArraySpec((8, 10), np.dtype("float32"))
    f32[8,10]
    """

    shape: Sequence[int]
    dtype: Any

    def __repr__(self) -> str:
        return format_array(self)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @classmethod
    def from_array(cls, array: ShapedArray) -> "ArraySpec":
        """Returns the specification of an array."""
        return cls(array.shape, array.dtype)
