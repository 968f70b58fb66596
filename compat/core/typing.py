"""Types of what Sonnet's modules and functions take."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import jax
import jax.typing
import numpy as np

from ...haiku_impl.core.typing import PyTree as PyTree


class SupportsJaxArray(Protocol):
    """What JAX makes an array of, such as a `Variable`."""

    def __jax_array__(self) -> jax.Array: ...


class SupportsArray(Protocol):
    """What NumPy makes an array of, such as a tensor of TensorFlow's."""

    def __array__(self) -> np.ndarray: ...


class NamedDType(Protocol):
    """A dtype of TensorFlow's."""

    @property
    def name(self) -> str: ...

    @property
    def as_numpy_dtype(self) -> Any: ...


class Nested(Protocol):
    """Nested lists and tuples of numbers and arrays; strings are none."""

    def __len__(self) -> int: ...

    def __contains__(self, value: object, /) -> bool: ...

    def __getitem__(self, index: int, /) -> "ArrayLike": ...


ArrayLike = jax.typing.ArrayLike | SupportsJaxArray | SupportsArray | Nested
"""An array, a variable, a number, or nested lists of them."""

DTypeLike = jax.typing.DTypeLike | NamedDType
"""A dtype, or its name, as JAX, NumPy or TensorFlow spell it."""

Initializer = Callable[[Sequence[int], Any], jax.Array]
"""An initializer, or any function of a shape and a dtype."""

Scalar = float | np.number | np.ndarray | jax.Array | SupportsJaxArray
"""A number, or an array or variable of shape `[]`."""

BoolLike = bool | np.bool_ | np.ndarray | jax.Array | SupportsJaxArray
"""A flag, which may be an array of shape `[]`."""
