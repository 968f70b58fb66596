"""A checkpoint as a mapping from names to arrays."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from .errors import CorruptCheckpointError, TensorNotFoundError
from .format import wire
from .format.object_graph import OBJECT_GRAPH_KEY, ObjectGraph, parse_object_graph
from .format.saved_model import Signature, read_signatures, variables_prefix
from .format.saver_v1 import SavedSlices
from .format.tensor_bundle import TensorBundle
from .format.tensor_info import TensorInfo
from .locate import locate

__all__ = ["Checkpoint", "open_checkpoint"]


class _Reader(Protocol):
    """What a format's reader offers."""

    path: str

    @property
    def names(self): ...

    def info(self, name: str) -> TensorInfo: ...

    def read(
        self, name: str, verify: bool = True, index: Sequence[slice] | None = None
    ) -> np.ndarray: ...

    def verify(self, name: str) -> None: ...

    def check_files(self) -> None: ...


class Checkpoint(Mapping[str, np.ndarray]):
    """The tensors of a TensorFlow checkpoint by name; made by `open_checkpoint`.

    A tensor is a read-only view of the mapped file where the file allows it, so it
    takes no memory of its own. Its bytes are checked against the checkpoint's CRC32C
    when it is first asked for. Strings are arrays of `bytes` objects.

    All files are opened at once, so that it stays readable while another checkpoint
    takes its place, as `save` and TensorFlow do it, by renaming. Files that are cut
    in place are an error when a tensor is asked for; a view that is out by then can't
    be saved from it, and the system ends the process that uses it (SIGBUS).

    Attributes:
      path: the prefix of its files, or a SavedModel's directory.
      prefix: the prefix of its files, as TensorFlow takes it.
      format: `v2`, `v1` or `saved_model`.
      signatures: the signatures of a SavedModel, else empty.

    Example:
      >>> import tempfile
      >>> from sonnax.converters import write_bundle
      >>> prefix = tempfile.mkdtemp() + "/ckpt-1"
      >>> write_bundle(prefix, {"w": np.eye(2, dtype="float32")})
      >>> checkpoint = open_checkpoint(prefix)
      >>> list(checkpoint), checkpoint.info("w").shape
      (['w'], (2, 2))
      >>> checkpoint["w"]
      array([[1., 0.],
             [0., 1.]], dtype=float32)
    """

    def __init__(
        self,
        path: str,
        format: str,
        reader: _Reader,
        signatures: tuple[Signature, ...] = (),
    ):
        self.path = path
        self.prefix = variables_prefix(path) if format == "saved_model" else path
        self.format = format
        self.signatures = signatures
        self._reader = reader

    def __repr__(self) -> str:
        return f"Checkpoint({self.path!r}, {self.format}, {len(self)} tensors)"

    def __iter__(self) -> Iterator[str]:
        return iter(self._reader.names)

    def __len__(self) -> int:
        return len(self._reader.names)

    def __contains__(self, name: object) -> bool:
        return name in self._reader.names

    def __getitem__(self, name: str) -> np.ndarray:
        return self.read(name)

    def read(
        self,
        name: str,
        verify: bool = True,
        index: Sequence[slice] | None = None,
    ) -> np.ndarray:
        """Returns a tensor or a part of it.

        Args:
          name: one of the checkpoint's keys.
          verify: whether to check its bytes, once per tensor, before they are
            trusted. Without it only bounds are checked, and no byte is read before
            it is used.
          index: a slice of step 1 for each dimension, to read that part only, as
            `jax.make_array_from_callback` asks for it; of a partitioned tensor, the
            stored slices that it does not touch are neither verified nor read.

        Returns:
          A read-only array.

        Raises:
          TensorNotFoundError: there is no such tensor.
          ChecksumError: its bytes changed since they were written.
          CorruptCheckpointError: its file is truncated, or its bytes make no tensor.
          UnsupportedCheckpointError: NumPy has no form for it.
          CheckpointNotFoundError: its data file is missing.
          ValueError: the index does not fit the tensor's shape.
        """
        self._check_name(name)
        return self._reader.read(name, verify, index)

    def info(self, name: str) -> TensorInfo:
        """Returns name, shape, dtype and place of a tensor, without reading it.

        Raises:
          TensorNotFoundError: there is no such tensor.
        """
        self._check_name(name)
        return self._reader.info(name)

    @functools.cached_property
    def object_graph(self) -> ObjectGraph | None:
        """The objects that the tensors belong to; None if it was saved by names.

        Raises:
          CorruptCheckpointError: the graph is unsound.
        """
        if OBJECT_GRAPH_KEY not in self:
            return None
        value = self[OBJECT_GRAPH_KEY]
        try:
            if value.shape != () or value.dtype != object:
                raise wire.WireError(
                    f"it is {value.dtype}{list(value.shape)}, expected a string"
                )
            return parse_object_graph(value.item())
        except wire.WireError as error:
            raise CorruptCheckpointError(
                f"unsound object graph: {error}",
                path=self._reader.path,
                tensor=OBJECT_GRAPH_KEY,
            ) from None

    def verify(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Checks every tensor and the object graph against their checksums.

        Args:
          progress: called after each tensor with the number of tensors verified so
            far and the number of all.

        Returns:
          The number of tensors, all of them sound.

        Raises:
          CheckpointError: the first tensor that is not; see `read`.
        """
        self.check_files()
        for i, name in enumerate(self, start=1):
            self._reader.verify(name)
            if progress is not None:
                progress(i, len(self))
        _ = self.object_graph  # parsing it is its check
        return len(self)

    def check_files(self) -> None:
        """Checks that the data files are there and long enough, reading none.

        Raises:
          CheckpointNotFoundError: a file is missing.
          CorruptCheckpointError: a file is truncated; names the first tensor cut off.
        """
        self._reader.check_files()

    def _check_name(self, name: str) -> None:
        if name not in self:
            import difflib

            # Comparing is quadratic in the names' lengths, which the file chooses.
            names = [each for each in self if len(each) <= 200][:1000]
            similar = difflib.get_close_matches(str(name)[:200], names, n=3)
            hint = f"; similar ones are {similar}" if similar else ""
            raise TensorNotFoundError(
                f"not among the {len(self)} tensors{hint}",
                path=self._reader.path,
                tensor=name,
            )


def open_checkpoint(path: str | os.PathLike) -> Checkpoint:
    """Opens a TensorFlow checkpoint of any format, reading its index only.

    Nothing in the file is trusted, no code from it is run, and no file outside the
    checkpoint's directory is opened.

    Args:
      path: the prefix of a V2 or V1 checkpoint or one of its files, a SavedModel's
        directory, or a directory with a `checkpoint` state file, which means the
        latest checkpoint. `@step` behind a directory or prefix chooses one.

    Returns:
      The tensors by name.

    Raises:
      CheckpointNotFoundError: there is no checkpoint, or several to choose from.
      CorruptCheckpointError: its index is damaged.
      UnsupportedCheckpointError: it needs a later reader.

    Example:
      >>> import tempfile
      >>> from sonnax.converters import write_bundle
      >>> directory = tempfile.mkdtemp()
      >>> write_bundle(directory + "/ckpt-1", {"w": [1.5, 2.5]})
      >>> open_checkpoint(directory)["w"]
      array([1.5, 2.5])
      >>> "v" in open_checkpoint(directory + "@1")
      False
    """
    location = locate(path)
    if location.format == "v1":
        return Checkpoint(location.path, "v1", SavedSlices(location.files))
    if location.format == "v2":
        return Checkpoint(location.path, "v2", TensorBundle(location.path))
    signatures = read_signatures(location.path)
    bundle = TensorBundle(variables_prefix(location.path))
    return Checkpoint(location.path, "saved_model", bundle, signatures)
