"""The formats that an export can write, one tensor after another."""

import json
import math
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import CheckpointError
from ..format.replaced_file import new_folder, replace_file
from .safetensors_file import DTYPES

Progress = Callable[[int, int], None]

NPZ_STORED_AS = {"bfloat16": "V2"}
LONGEST_KEY = 60_000  # bytes: a zip archive's names end at 65,535


class ExportError(CheckpointError):
    """A checkpoint can't be exported as asked: the message says which part and why."""


@dataclass(frozen=True)
class ExportedTensor:
    """One tensor on its way out: known by shape and dtype, read when it is written.

    Attributes:
        source: the tensor's key in the checkpoint.
        module: the path of the module that it belongs to, `""` for the root.
        name: its name there.
        shape: its shape.
        dtype: the dtype that it is written in.
        read: returns its values, in that dtype.
    """

    source: str
    module: str
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    read: Callable[[], np.ndarray]

    @property
    def key(self) -> str:
        """The flat key: `module/name`, or `name` at the root."""
        return f"{self.module}/{self.name}" if self.module else self.name

    @property
    def nbytes(self) -> int:
        """The size of its values in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


def write_safetensors(
    destination: Path,
    tensors: Sequence[ExportedTensor],
    metadata: dict[str, str],
    progress: Progress | None = None,
) -> None:
    """Writes a `.safetensors` file: the header first, then tensor by tensor.

    The `safetensors` package takes every tensor at once; this takes one at a time.
    Format: https://github.com/huggingface/safetensors#format. Wider dtypes come
    first, so that each tensor is aligned to its item size.

    Args:
        destination: the file to write.
        tensors: what to write.
        metadata: strings for the header's `__metadata__`.
        progress: called with the number of tensors written and the number of all.

    Raises:
        ExportError: the format has no dtype for a tensor.
    """
    for tensor in tensors:
        _require_dtype(tensor, DTYPES, destination)
        _require_plain_key(tensor, destination)
    ordered = sorted(tensors, key=lambda t: (-t.dtype.itemsize, t.key))
    header: dict[str, object] = {"__metadata__": metadata}
    start = 0
    for tensor in ordered:
        header[tensor.key] = {
            "dtype": DTYPES[tensor.dtype.name],
            "shape": tensor.shape,
            "data_offsets": (start, start + tensor.nbytes),
        }
        start += tensor.nbytes
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    with _replacing(destination) as file:
        file.write(len(encoded).to_bytes(8, "little"))
        file.write(encoded)
        for tensor in _reported(ordered, progress):
            file.write(_raw_bytes(tensor.read()))


def write_npz(
    destination: Path,
    tensors: Sequence[ExportedTensor],
    metadata: dict[str, str],
    progress: Progress | None = None,
) -> None:
    """Writes an uncompressed `.npz`, member by member; it has no room for metadata.

    Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
    NumPy has no name for bfloat16 and writes it as two-byte void, and so does this.

    Args:
        destination: the file to write.
        tensors: what to write.
        metadata: not written.
        progress: called with the number of tensors written and the number of all.

    Raises:
        ExportError: the format has no dtype for a tensor.
    """
    native = (np.bool_, np.number)
    for tensor in tensors:
        if not issubclass(tensor.dtype.type, native):
            _require_dtype(tensor, NPZ_STORED_AS, destination)
        _require_plain_key(tensor, destination)
    with _replacing(destination) as file, zipfile.ZipFile(file, "w") as archive:
        for tensor in _reported(tensors, progress):
            stored = np.dtype(NPZ_STORED_AS.get(tensor.dtype.name, tensor.dtype))
            header = {
                "descr": np.lib.format.dtype_to_descr(stored),
                "fortran_order": False,
                "shape": tensor.shape,
            }
            # A fixed date: the same tensors give the same bytes.
            entry = zipfile.ZipInfo(f"{tensor.key}.npy")
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array_header_1_0(member, header)
                member.write(_raw_bytes(tensor.read()))


def write_orbax(
    destination: Path,
    tensors: Sequence[ExportedTensor],
    metadata: dict[str, str],
    progress: Progress | None = None,
) -> None:
    """Writes an orbax checkpoint directory of the nested dict of arrays.

    `orbax.checkpoint.StandardCheckpointer().restore(destination)` reads it.

    Args:
        destination: the directory to create.
        tensors: what to write.
        metadata: strings for the checkpoint's custom metadata.
        progress: called with the number of tensors read and the number of all.

    Raises:
        ExportError: orbax is not installed, the directory exists, or orbax can't
            hold a tensor.
    """
    try:
        import orbax.checkpoint as ocp
    except ImportError as error:
        raise ExportError(
            "an orbax directory needs orbax-checkpoint (pip install 'sonnax[orbax]'): "
            f"{error}",
            path=str(destination),
        ) from error
    if destination.exists():
        raise ExportError("exists already; choose another name", path=str(destination))
    joined: dict[str, str] = {}
    for tensor in tensors:
        if 0 in tensor.shape or tensor.dtype.kind == "O":
            raise ExportError(
                f"orbax can't store a tensor of shape {tensor.shape} and dtype "
                f"{tensor.dtype.name}; leave it out with select",
                path=str(destination),
                tensor=tensor.source,
            )
        # Orbax joins module and name with a dot and stores the array under that.
        twin = joined.setdefault(f"{tensor.module}.{tensor.name}", tensor.source)
        if twin != tensor.source:
            raise ExportError(
                f"orbax would store {twin!r} and {tensor.source!r} under one name; "
                "rename one of them with mapping",
                path=str(destination),
            )
    tree: dict[str, dict[str, np.ndarray]] = {}
    for tensor in _reported(tensors, progress):
        tree.setdefault(tensor.module, {})[tensor.name] = tensor.read()
    with _written(destination), new_folder(str(destination)) as folder:
        try:
            with ocp.StandardCheckpointer() as checkpointer:
                checkpointer.save(folder, tree, custom_metadata=metadata)
        except Exception as error:
            # Of a full disk tensorstore says so in a ValueError.
            raise ExportError(
                f"orbax can't write it: {_line(error)}", path=str(destination)
            ) from error


def _raw_bytes(array: np.ndarray) -> memoryview:
    """The values in C order, without a copy where they lie so already."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _require_dtype(
    tensor: ExportedTensor, names: dict[str, str], destination: Path
) -> None:
    if tensor.dtype.name not in names:
        raise ExportError(
            f"{destination.suffix} has no form for {tensor.dtype.name}; leave it out "
            "with select",
            path=str(destination),
            tensor=tensor.source,
        )


def _require_plain_key(tensor: ExportedTensor, destination: Path) -> None:
    """Refuses what a zip archive would cut short, or JSON could not say in UTF-8."""
    key = tensor.key
    encoded = key.encode(errors="replace")
    if (
        "\0" in key
        or key == "__metadata__"
        or len(encoded) > LONGEST_KEY
        or encoded.decode() != key
    ):
        raise ExportError(
            f"{destination.suffix} can't hold the key {key[:80]!r}; rename it with "
            "mapping or leave it out with select",
            path=str(destination),
            tensor=tensor.source[:80],
        )


def _reported(
    tensors: Sequence[ExportedTensor], progress: Progress | None
) -> Iterator[ExportedTensor]:
    """Yields each tensor; it counts once the caller comes back for the next."""
    for done, tensor in enumerate(tensors, 1):
        yield tensor
        if progress is not None:
            progress(done, len(tensors))


def _line(error: Exception) -> str:
    """What an error of another library says, on one line that is not too long."""
    return " ".join(str(error).split())[:500]


@contextmanager
def _replacing(destination: Path) -> Iterator[BinaryIO]:
    """`replace_file` with the errors of an export."""
    with _written(destination), replace_file(str(destination)) as file:
        yield file


@contextmanager
def _written(destination: Path) -> Iterator[None]:
    """Turns the operating system's errors into those of an export."""
    try:
        yield
    except CheckpointError:
        # A missing data file is an OSError too, but not the destination's.
        raise
    except OSError as error:
        raise ExportError(
            f"can't be written: {error.strerror or error}", path=str(destination)
        ) from error
