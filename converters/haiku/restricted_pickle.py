"""Unpickling of arrays and containers, and of nothing else.

A pickle is a program. This one may build dicts, lists, tuples, numbers, strings and
arrays; whatever NumPy, jax and Haiku put into a pickle for those is replaced by
functions of this file, so that no other code runs on what the file says.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
from typing import Any, ClassVar

import ml_dtypes
import numpy as np

from ..errors import CorruptCheckpointError, UnsupportedCheckpointError

__all__ = ["load_arrays"]


def load_arrays(data: bytes, path: str | None = None) -> Any:
    """Returns what a pickle of arrays and containers holds.

    Args:
      data: the pickle, of any protocol.
      path: the file, for messages.

    Returns:
      Containers and NumPy arrays; jax's arrays become NumPy's.

    Raises:
      UnsupportedCheckpointError: it needs something else; nothing of it was run.
      CorruptCheckpointError: it is no sound pickle, or one that would become much
        larger than the file, by naming one thing many times.

    Example:
      >>> load_arrays(pickle.dumps({"linear": {"w": np.ones(2)}}))
      {'linear': {'w': array([1., 1.])}}
      >>> try:
      ...     load_arrays(pickle.dumps(print))
      ... except ValueError as error:
      ...     print(error)
      the pickle asks for builtins.print, and may hold arrays and containers only
    """
    try:
        loaded = _Unpickler(data, path).load()
        return _Finisher(_EXPANSION * len(data)).finished(loaded)[0]
    except UnsupportedCheckpointError:
        raise
    except Exception as error:
        # The opcodes of an unsound pickle raise a dozen classes.
        raise CorruptCheckpointError(
            f"is no sound pickle of arrays: {error!r:.300}", path=path
        ) from error


# What is named many times may take so many times the bytes of the file.
_EXPANSION = 16


class _Dtype:
    """Stands in for numpy.dtype, whose state is not trusted."""

    def __init__(self, name: Any, align: Any = False, copy: Any = True):
        dtype = np.dtype(name) if isinstance(name, str | type) else None
        plain = dtype is not None and dtype.kind in "biufcOSU"
        if not plain and name not in _ML_DTYPES.values():
            raise ValueError(f"the dtype {name!r} is none of plain values")
        self.dtype = np.dtype(name)

    def __setstate__(self, state: Any) -> None:
        order = state[1]
        if order in ("<", ">", "="):
            if self.dtype.kind in "biufcU":
                self.dtype = self.dtype.newbyteorder(order)
        elif order != "|":
            raise ValueError(f"the byte order {order!r}")


class _Array:
    """Stands in for an array whose values come after it."""

    value: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, is_fortran, values = state[-5:]
        self.value = _array(values, dtype.dtype, shape, "F" if is_fortran else "C")


def _array(values: Any, dtype: np.dtype, shape: Any, order: Any) -> np.ndarray:
    if not isinstance(shape, tuple) or not all(
        type(n) is int and n >= 0 for n in shape
    ):
        raise ValueError(f"the shape {shape!r}")
    if dtype.kind == "O":
        raise ValueError("an array of objects")
    if len(values) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{len(values)} bytes for a {dtype} array of shape {shape}")
    flat = np.frombuffer(bytes(values), dtype) if values else np.zeros(0, dtype)
    native = flat.astype(flat.dtype.newbyteorder("="), copy=False)
    return native.reshape(shape, order=order)


def _reconstruct(subtype: Any, shape: Any, code: Any) -> _Array:
    return _Array()


def _frombuffer(values: Any, dtype: _Dtype, shape: Any, order: str) -> np.ndarray:
    return _array(values, dtype.dtype, shape, order)


def _scalar(dtype: _Dtype, values: Any) -> Any:
    return _array(values, dtype.dtype, (), "C")[()]


def _jax_array(function: Any, args: Any, state: Any, aval: Any) -> _Array:
    array = _Array()
    array.__setstate__(state)
    return array


def _encoded(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise ValueError(f"the encoding {encoding!r}")
    return text.encode("latin-1")


def _empty_bytes() -> bytes:
    """Stands in for `bytes`, which older protocols call for an empty array."""
    return b""


def _mapping(items: Any = ()) -> dict:
    """Stands in for dicts of other makes, such as Haiku's."""
    made: dict[Any, Any] = {}
    for key, value in items.items() if isinstance(items, dict) else items:
        made[_key(key)] = value
    return made


def _key(key: Any) -> Any:
    # The hash of nested tuples could take for ever.
    if not isinstance(key, str | bytes | int | float):
        raise ValueError(f"a dict's key of type {type(key).__name__}")
    return key


_ML_DTYPES = {
    name: getattr(ml_dtypes, name)
    for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2")
}

_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encoded,
    ("__builtin__", "bytes"): _empty_bytes,
    ("jax._src.array", "_reconstruct_array"): _jax_array,
    ("collections", "OrderedDict"): _mapping,
    ("haiku._src.data_structures", "FlatMapping"): _mapping,
    ("haiku._src.data_structures", "FlatMap"): _mapping,
    ("haiku._src.data_structures", "frozendict"): _mapping,
    **{("ml_dtypes", name): dtype for name, dtype in _ML_DTYPES.items()},
    **{
        (f"numpy.{core}.multiarray", name): function
        for core in ("core", "_core")
        for name, function in (("_reconstruct", _reconstruct), ("scalar", _scalar))
    },
    **{
        (f"numpy.{core}.numeric", "_frombuffer"): _frombuffer
        for core in ("core", "_core")
    },
}


_SIZED = (str, bytes, bytearray, tuple, list, dict)

# The one in Python: that in C allocates whatever the file asks for.
_PythonUnpickler: Any = pickle._Unpickler


class _Unpickler(_PythonUnpickler):
    """Reads a pickle whose every object is built by functions of this file."""

    dispatch: ClassVar[dict[int, Any]] = dict(_PythonUnpickler.dispatch)

    def __init__(self, data: bytes, path: str | None):
        super().__init__(io.BytesIO(data))
        self._path = path
        self._left = _EXPANSION * len(data)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise UnsupportedCheckpointError(
                f"the pickle asks for {module}.{name}, and may hold arrays and "
                "containers only",
                path=self._path,
            )
        return _ALLOWED[module, name]

    def _pay(self, *arguments: Any) -> None:
        """Takes what a call may copy from what the file may make copied in all."""
        for each in arguments:
            self._left -= len(each) if isinstance(each, _SIZED) else 1
            if isinstance(each, tuple):
                self._pay(*each)
        if self._left < 0:
            raise ValueError(f"it copies more than {_EXPANSION} times its bytes")

    def load_reduce(self) -> None:
        self._pay(self.stack[-1])
        super().load_reduce()

    def load_newobj(self) -> None:
        self._pay(self.stack[-1])
        super().load_newobj()

    def _instantiate(self, klass: Any, args: Any) -> None:
        self._pay(*args)
        super()._instantiate(klass, args)

    def load_bytearray(self) -> None:
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(self.read(size))

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1][_key(key)] = value

    def load_setitems(self) -> None:
        items = self.pop_mark()
        for key, value in zip(items[::2], items[1::2], strict=True):
            self.stack[-1][_key(key)] = value

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.append(_mapping(zip(items[::2], items[1::2], strict=True)))

    def load_build(self) -> None:
        state = self.stack.pop()
        self._pay(state)
        if not isinstance(self.stack[-1], _Array | _Dtype):
            raise ValueError(f"a state for a {type(self.stack[-1]).__name__}")
        self.stack[-1].__setstate__(state)

    def load_set(self) -> None:
        raise ValueError("a set")

    dispatch |= {
        pickle.BYTEARRAY8[0]: load_bytearray,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
        pickle.DICT[0]: load_dict,
        pickle.BUILD[0]: load_build,
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_newobj,
        pickle.EMPTY_SET[0]: load_set,
        pickle.FROZENSET[0]: load_set,
    }


class _Finisher:
    """Puts arrays in the places of what stood in for them, in all containers.

    Args:
      most: what the result may count as a tree, in which a container that is in many
        places stands many times: a leaf counts its bytes, and each container one.
    """

    def __init__(self, most: int):
        self._most = most
        # By id: one container may be in many places. One that is begun is None.
        self._known: dict[int, tuple[Any, int] | None] = {}

    def finished(self, value: Any) -> tuple[Any, int]:
        """Returns what stands for a value in the end, and how much it counts."""
        if isinstance(value, _Array):
            if value.value is None:
                raise ValueError("an array without values")
            return value.value, 1 + value.value.nbytes
        if isinstance(value, type | _Dtype) or callable(value):
            raise ValueError(f"{value!r} among the arrays")
        if not isinstance(value, dict | list | tuple):
            return value, 1 + getattr(value, "nbytes", 0)
        if id(value) not in self._known:
            self._known[id(value)] = None
            self._known[id(value)] = self._container(value)
        result = self._known[id(value)]
        if result is None:
            raise ValueError("a container that holds itself")
        return result

    def _container(self, value: Any) -> tuple[Any, int]:
        items = value.values() if isinstance(value, dict) else value
        made, count = [], 1
        for each in items:
            one, size = self.finished(each)
            made.append(one)
            count += size
            if count > self._most:
                raise ValueError(
                    f"as a tree it takes more than {_EXPANSION} times its bytes"
                )
        if isinstance(value, dict):
            return dict(zip(value, made)), count
        return (made if isinstance(value, list) else tuple(made)), count
