"""Exporting a checkpoint to `.safetensors`, `.npz` or an orbax directory."""

import fnmatch
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import numpy as np

from ..._version import __version__
from ..checkpoint import Checkpoint, open_checkpoint
from ..derived_tensor import DerivedTensor, stored_tensor
from ..format.object_graph import OBJECT_GRAPH_KEY
from ..named_tensors import NamedTensors
from ..parameter_keys import flat_key, module_and_name
from ..renaming import renamed_by
from ..sonnet1.tensors import sonnet2_tensors
from .formats import (
    ExportedTensor,
    ExportError,
    write_npz,
    write_orbax,
    write_safetensors,
)

_WRITERS = {".safetensors": write_safetensors, ".npz": write_npz, "": write_orbax}


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes:
        path: the file or directory that was written.
        keys: the flat key `module/name` that each of the checkpoint's keys became, or
            each name of Sonnet 2's if there was a layout.
        left_out: the checkpoint's tensors that `select` did not match.
        nbytes: the size of the written tensors' values in bytes.
    """

    path: Path
    keys: dict[str, str]
    left_out: tuple[str, ...]
    nbytes: int


def export(
    source: str | os.PathLike | Checkpoint,
    destination: str | os.PathLike,
    *,
    select: str | Iterable[str] | None = None,
    mapping: Mapping[str, str] | None = None,
    dtype: str | np.dtype | type | None = None,
    progress: Callable[[int, int], None] | None = None,
    layout: str | None = None,
    forget_bias: float = 1.0,
) -> Exported:
    """Writes a checkpoint's tensors as `{module: {name: array}}` in another format.

    Tensors are read one by one, checked against their checksum and written at once,
    so that one at most is held in memory beside the mapped files (an orbax directory
    needs all those that `dtype` changes). The destination appears when it is
    complete; a failed export leaves whatever stood there as it was.

    Args:
        source: a checkpoint, or the path of one as `open_checkpoint` takes it.
        destination: a path that ends in `.safetensors` or `.npz`, or has no suffix
            for an orbax directory, which must not exist yet.
        select: glob or globs over flat keys (`model/*`); default: every tensor.
        mapping: regular expressions over whole flat keys to replacements
            (`{"model/(.*)": r"\\1"}`), tried in order after `select`; the first that
            matches renames the tensor.
        dtype: dtype that floating-point tensors are cast to; others keep theirs.
        progress: called with the number of tensors written and the number of all.
        layout: "sonnet1" for a checkpoint that Sonnet 1 saved by names: LSTM, GRU,
            VanillaRNN, BatchNorm, LayerNorm and VectorQuantizerEMA, as told by the
            names of their tensors, get Sonnet 2's names and layouts; `select`,
            `mapping` and the result then speak of those. Default: none.
        forget_bias: with it, the argument that Sonnet 1's LSTMs were made with, which
            the file does not say and Sonnet 2's bias includes. Default: theirs, 1.

    Returns:
        What was written, key by key.

    Raises:
        ValueError: there is no such layout.
        CheckpointError: the source can't be read, or a checksum is wrong.
        ExportError: the format can't hold a tensor, two tensors would get one key,
            or nothing was selected.

    Formats: in `.safetensors` (https://github.com/huggingface/safetensors) and
    `.npz` a tensor's key is `module/name`, or `name` for a variable at the root. In
    an `.npz` a bfloat16 array is stored as NumPy itself does it, as two-byte void
    (`|V2`): `array.view(ml_dtypes.bfloat16)` gives it back.

    Example:

        >>> import tempfile
        >>> from pathlib import Path
        >>> from sonnax.demo import DATA
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     exported = export(DATA, Path(folder, "model.npz"), select="model/mlp/*",
        ...                       mapping={"model/mlp/_layers/(.*)": r"mlp/layer_\\1"})
        ...     with np.load(exported.path) as arrays:
        ...         for key in sorted(arrays):
        ...             print(key, arrays[key].shape)
        mlp/layer_0/b (32,)
        mlp/layer_0/w (256, 32)
        mlp/layer_1/b (10,)
        mlp/layer_1/w (32, 10)
    """
    destination = Path(destination)
    writer = _WRITERS.get(destination.suffix)
    if writer is None:
        raise ExportError(
            f"can't write the format {destination.suffix!r}; end the name in "
            ".safetensors or .npz, or give none for an orbax directory",
            path=str(destination),
        )
    checkpoint = source if isinstance(source, Checkpoint) else open_checkpoint(source)
    offered = _offered(checkpoint, layout, forget_bias)
    flat = {key: flat_key(key) for key in offered}
    selected = [key for key in flat if _is_selected(flat[key], select)]
    if not selected:
        raise ExportError(
            f"none of the {len(flat)} tensors matches select={select!r}; patterns "
            "are globs over keys such as "
            f"{next(iter(flat.values()), 'module/name')!r}",
            path=checkpoint.path,
        )
    names = {key: flat[key] for key in selected}
    renamed = renamed_by(mapping or {}, names, error=ExportError)
    target = None if dtype is None else _float_dtype(dtype)
    tensors = [
        _plan(checkpoint, key, renamed[key], offered[key], target) for key in selected
    ]
    writer(destination, tensors, _metadata(checkpoint, tensors), progress)
    return Exported(
        path=destination,
        keys=renamed,
        left_out=tuple(key for key in flat if key not in renamed),
        nbytes=sum(tensor.nbytes for tensor in tensors),
    )


def _is_selected(flat: str, select: str | Iterable[str] | None) -> bool:
    if select is None:
        return True
    globs = [select] if isinstance(select, str) else select
    return any(fnmatch.fnmatchcase(flat, glob) for glob in globs)


def _float_dtype(dtype: str | np.dtype | type) -> np.dtype:
    try:
        target = np.dtype(dtype)
    except TypeError as error:
        raise ExportError(
            f"dtype={dtype!r}: NumPy and ml_dtypes know no such dtype: "
            "use float32, bfloat16, float16 or float64"
        ) from error
    if not _is_floating(target):
        raise ExportError(
            f"dtype={dtype!r}: tensors are cast between floating-point dtypes only; "
            "use float32, bfloat16, float16 or float64"
        )
    return target


def _is_floating(dtype: np.dtype) -> bool:
    try:
        ml_dtypes.finfo(dtype)
    except ValueError:
        return False
    return dtype.kind != "c"


def _offered(
    checkpoint: Checkpoint, layout: str | None, forget_bias: float
) -> dict[str, DerivedTensor]:
    """Returns what can be written: by the checkpoint's keys, or by Sonnet 2's names."""
    if layout == "sonnet1":
        return sonnet2_tensors(NamedTensors(checkpoint), forget_bias)
    if layout is not None:
        raise ValueError(f"layout={layout!r}: it is None or 'sonnet1'.")
    return {
        key: stored_tensor(checkpoint, key)
        for key in checkpoint
        if key != OBJECT_GRAPH_KEY
    }


def _plan(
    checkpoint: Checkpoint,
    key: str,
    flat: str,
    tensor: DerivedTensor,
    target: np.dtype | None,
) -> ExportedTensor:
    if tensor.dtype is None:
        raise ExportError(
            f"NumPy has no form for a {checkpoint.info(key).dtype_name}; leave it out "
            "with select",
            path=checkpoint.path,
            tensor=key,
        )
    dtype = tensor.dtype
    if target is not None and _is_floating(dtype):
        dtype = target
    dtype = dtype.newbyteorder("<")
    module, name = module_and_name(flat)

    def read() -> np.ndarray:
        return tensor.read().astype(dtype, copy=False)

    return ExportedTensor(key, module, name, tensor.shape, dtype, read)


def _metadata(
    checkpoint: Checkpoint, tensors: Iterable[ExportedTensor]
) -> dict[str, str]:
    """Where the tensors came from, and the structure that their flat keys spell."""
    modules: dict[str, list[str]] = {}
    for tensor in tensors:
        modules.setdefault(tensor.module, []).append(tensor.name)
    return {
        "origin": Path(checkpoint.path).name,
        "origin_format": checkpoint.format,
        "sonnax_version": __version__,
        "modules": json.dumps(modules),
    }
