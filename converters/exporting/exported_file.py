"""Reading checkpoints and exported files alike: flat keys to arrays."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from ..checkpoint import open_checkpoint
from ..format.object_graph import OBJECT_GRAPH_KEY
from ..parameter_keys import flat_key
from .npz_file import NpzFile
from .safetensors_file import SafetensorsFile


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
        return self._arrays[self._names[key]]

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
    text = os.fsdecode(path)
    opener = _OPENERS.get(Path(text).suffix)
    if opener is None:
        checkpoint = open_checkpoint(text)
        keys = [key for key in checkpoint if key != OBJECT_GRAPH_KEY]
        names = {flat_key(key): key for key in keys}
        # Keys of both kinds that would fall into one keep their suffix.
        unique = names if len(names) == len(keys) else {key: key for key in keys}
        return FlatArrays(checkpoint.path, unique, checkpoint)
    arrays = opener(text)
    return FlatArrays(text, {key: key for key in arrays}, arrays)


_OPENERS: dict[str, Callable[[str], Mapping[str, np.ndarray]]] = {
    ".safetensors": SafetensorsFile,
    ".npz": NpzFile,
}
