"""Files of dm-haiku's parameters: `.npz` archives and pickles."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..addressable import check_addressable
from ..errors import UnsupportedCheckpointError
from ..exporting.exported_file import open_arrays
from ..exporting.formats import ExportedTensor, write_npz
from ..format.mapped_file import read_file
from ..format.replaced_file import replace_file
from .restricted_pickle import load_arrays

__all__ = ["load_haiku", "save_haiku"]

# Between a module's name, which has slashes of its own, and a parameter's.
SEPARATOR = "//"


def load_haiku(path: str | os.PathLike) -> Any:
    """Reads parameters of dm-haiku without running code from the file.

    Args:
      path: an `.npz` with a key `module//name` for each array, or a pickle of nested
        containers of arrays, which may have any other suffix.

    Returns:
      From an `.npz`, `{module: {name: array}}`; from a pickle, what was pickled: a dict
      such as this, or a pair of parameters and state. Arrays are NumPy's.

    Raises:
      UnsupportedCheckpointError: a pickle holds something else than arrays and
        containers, or a key has no `//`.
      CorruptCheckpointError: the file is no such archive or pickle.
      CheckpointNotFoundError: it can't be opened.

    Example:
      >>> import tempfile
      >>> path = tempfile.mkdtemp() + "/params.npz"
      >>> save_haiku(path, {"mlp/~/linear_0": {"b": np.zeros(2)}})
      >>> load_haiku(path)
      {'mlp/~/linear_0': {'b': array([0., 0.])}}
    """
    text = os.fsdecode(path)
    if Path(text).suffix == ".npz":
        return _from_npz(text)
    return load_arrays(read_file(text), text)


def _from_npz(path: str) -> dict[str, dict[str, np.ndarray]]:
    arrays = open_arrays(path)
    params: dict[str, dict[str, np.ndarray]] = {}
    for key in arrays:
        module, separator, name = key.rpartition(SEPARATOR)
        if not separator:
            raise UnsupportedCheckpointError(
                f"its key has no {SEPARATOR!r} between module and name: open_arrays "
                "reads archives with other keys.",
                path=path,
                tensor=key,
            )
        params.setdefault(module, {})[name] = arrays[key]
    return params


def save_haiku(path: str | os.PathLike, params: Any) -> None:
    """Writes parameters as dm-haiku's users do; the file appears when it is complete.

    Args:
      path: a name that ends in `.npz`, for `{module: {name: array}}` under keys
        `module//name`; or another, for a pickle of any nested dicts, lists and tuples
        of arrays, which become NumPy's.
      params: the arrays.

    Raises:
      ExportError: an `.npz` can't hold an array, or the file can't be written.
      UnsupportedCheckpointError: other processes have parts of an array.
      OSError: the pickle can't be written.

    Example:
      >>> import tempfile
      >>> path = tempfile.mkdtemp() + "/params.pkl"
      >>> save_haiku(path, ({"linear": {"w": np.ones(1)}}, {}))
      >>> load_haiku(path)
      ({'linear': {'w': array([1.])}}, {})
    """
    text = os.fsdecode(path)
    if Path(text).suffix == ".npz":
        tensors = [
            _exported(text, module, name, array)
            for module, bundle in params.items()
            for name, array in bundle.items()
        ]
        write_npz(Path(text), tensors, {})
        return
    values = _as_numpy(params, text)
    with replace_file(text) as file:
        pickle.dump(values, file, protocol=4)


def _exported(path: str, module: str, name: str, array: Any) -> ExportedTensor:
    key = f"{module}{SEPARATOR}{name}"
    value = _array(array, path, key)
    # A tensor's key is its module and its name with one slash between.
    return ExportedTensor(
        key, f"{module}/", name, value.shape, value.dtype, lambda: value
    )


def _as_numpy(value: Any, path: str, name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {
            key: _as_numpy(each, path, f"{name}/{key}") for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        parts = (_as_numpy(each, path, f"{name}/{i}") for i, each in enumerate(value))
        return type(value)(parts)
    return _array(value, path, name[1:]) if hasattr(value, "shape") else value


def _array(value: Any, path: str, name: str) -> np.ndarray:
    check_addressable(value, path, name)
    return np.asarray(value)
