"""Reading checkpoints and exported files alike: flat keys to arrays."""

import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import ml_dtypes
import numpy as np

from ..checkpoint import open_checkpoint
from ..errors import (
    CheckpointError,
    CheckpointNotFoundError,
    CorruptCheckpointError,
    UnsupportedCheckpointError,
)
from ..format.object_graph import OBJECT_GRAPH_KEY
from ..parameter_keys import flat_key
from .formats import NPZ_STORED_AS

_STORED_IN_NPZ = {
    np.dtype(stored): np.dtype(getattr(ml_dtypes, name))
    for name, stored in NPZ_STORED_AS.items()
}


class FlatArrays(Mapping[str, np.ndarray]):
    """The arrays of a file by flat key, each read when it is asked for.

    Args:
        path: the file, for messages.
        names: the file's own name of each array by flat key.
        arrays: anything that returns the array of one of those names.
    """

    def __init__(self, path: str, names: dict[str, str], arrays):
        self.path = path
        self._names = names
        self._arrays = arrays

    def __getitem__(self, key: str) -> np.ndarray:
        array = self._arrays[self._names[key]]
        return array.view(_STORED_IN_NPZ.get(array.dtype, array.dtype))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def open_arrays(path: str | os.PathLike) -> FlatArrays:
    """Opens a checkpoint, or a `.safetensors` or `.npz` file, under flat keys.

    Args:
        path: an exported file, or a checkpoint as `open_checkpoint` takes it.

    Returns:
        A mapping from `module/name` to arrays. A checkpoint's arrays are checked
        against their checksums; the other formats have none.

    Raises:
        CheckpointError: the file can't be read.

    Example:

        >>> from sonnax.demo import DATA
        >>> arrays = open_arrays(DATA)
        >>> arrays["model/mlp/_layers/1/b"].shape
        (10,)
    """
    text = os.fspath(path)
    opener = _OPENERS.get(Path(text).suffix)
    if opener is None:
        checkpoint = open_checkpoint(text)
        keys = [key for key in checkpoint if key != OBJECT_GRAPH_KEY]
        names = {flat_key(key): key for key in keys}
        # Keys of both kinds that would fall into one keep their suffix.
        unique = names if len(names) == len(keys) else {key: key for key in keys}
        return FlatArrays(checkpoint.path, unique, checkpoint)
    try:
        arrays = opener(text)
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointNotFoundError(
            f"can't be opened: {error.strerror or error}", path=text
        ) from error
    except zipfile.BadZipFile as error:
        raise CorruptCheckpointError(f"can't be read: {error}", path=text) from error
    return FlatArrays(text, {key: key for key in arrays}, arrays)


class _Safetensors(Mapping[str, np.ndarray]):
    def __init__(self, path: str):
        from safetensors import SafetensorError, safe_open

        try:
            self._file = safe_open(path, framework="np")
        except SafetensorError as error:
            raise CorruptCheckpointError(str(error), path=path) from error
        self._path = path

    def __getitem__(self, key: str) -> np.ndarray:
        try:
            return self._file.get_tensor(key)
        except AttributeError as error:
            # The package looks the dtype up in numpy, which lacks the float8 types.
            raise UnsupportedCheckpointError(
                f"the safetensors package has no NumPy dtype for it: {error}",
                path=self._path,
                tensor=key,
            ) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._file.keys())

    def __len__(self) -> int:
        return len(self._file.keys())


class _Npz(Mapping[str, np.ndarray]):
    def __init__(self, path: str):
        self._path = path
        if os.path.isfile(path) and not zipfile.is_zipfile(path):
            raise CorruptCheckpointError("is no .npz archive", path=path)
        self._file = np.load(path, allow_pickle=False)

    def __getitem__(self, key: str) -> np.ndarray:
        try:
            return self._file[key]
        except Exception as error:
            # NumPy and zipfile raise a dozen classes on damaged members.
            raise CorruptCheckpointError(
                f"can't be read: {error}", path=self._path, tensor=key
            ) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._file)

    def __len__(self) -> int:
        return len(self._file)


_OPENERS = {".safetensors": _Safetensors, ".npz": _Npz}
