"""How two checkpoints differ, tensor by tensor."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .exported_file import open_arrays

CHUNK = 1 << 20  # elements that are widened to float64 at a time
_NO_NUMBERS = "OSUMm"


@dataclass(frozen=True)
class Change:
    """A tensor that is in both checkpoints and not the same.

    Attributes:
        key: its flat key.
        shapes: its shape in each.
        dtypes: the name of its dtype in each.
        max_difference: the largest |difference| of an element; NaN if one of two is
            NaN, None where the shapes differ or the values are no numbers.
    """

    key: str
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    dtypes: tuple[str, str]
    max_difference: float | None


@dataclass(frozen=True)
class Difference:
    """What `difference` found.

    Attributes:
        added: the keys that only the second checkpoint has.
        removed: the keys that only the first has.
        changed: the tensors in both that are not the same, bit for bit.
        unchanged: how many are.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[Change, ...]
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def difference(
    first: str | os.PathLike,
    second: str | os.PathLike,
    progress: Callable[[int, int], None] | None = None,
) -> Difference:
    """Compares two checkpoints or exported files of any formats, by flat key.

    Args:
        first: a checkpoint, `.safetensors` or `.npz` file.
        second: another one.
        progress: called with the number of tensors compared and the number of all.

    Returns:
        The added, removed and changed tensors; false if there are none.

    Raises:
        CheckpointError: one of them can't be read, or a checksum is wrong.

    Example:

        >>> from sonnax.demo import DATA
        >>> found = difference(DATA / "ckpt-200", DATA / "ckpt-300")
        >>> [change.key for change in found.changed if not change.shapes[0]][0]
        'model/norms/0/moving_mean/_counter'
        >>> bool(difference(DATA, DATA / "ckpt-300"))
        False
    """
    a, b = open_arrays(first), open_arrays(second)
    shared = [key for key in a if key in b]
    changed = []
    for done, key in enumerate(shared, 1):
        change = _change(key, a[key], b[key])
        if change is not None:
            changed.append(change)
        if progress is not None:
            progress(done, len(shared))
    return Difference(
        added=tuple(key for key in b if key not in a),
        removed=tuple(key for key in a if key not in b),
        changed=tuple(changed),
        unchanged=len(shared) - len(changed),
    )


def _change(key: str, a: np.ndarray, b: np.ndarray) -> Change | None:
    largest = None
    if a.shape == b.shape:
        if a.dtype == b.dtype and _same(a, b):
            return None
        if a.dtype.kind not in _NO_NUMBERS and b.dtype.kind not in _NO_NUMBERS:
            largest = _max_difference(a, b)
    return Change(key, (a.shape, b.shape), (a.dtype.name, b.dtype.name), largest)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    if a.dtype.hasobject:
        return bool(np.array_equal(a, b))
    return all(
        np.array_equal(x.view(np.uint8), y.view(np.uint8)) for x, y in _chunks(a, b)
    )


def _max_difference(a: np.ndarray, b: np.ndarray) -> float:
    wide = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.float64
    largest = 0.0
    for x, y in _chunks(a, b):
        if x.dtype == y.dtype and x.dtype.kind in "iu":
            # In float64 integers beyond 2**53 would be the same.
            apart = np.maximum(x, y).astype("u8") - np.minimum(x, y).astype("u8")
            largest = max(largest, float(apart.max(initial=0)))
            continue
        x, y = x.astype(wide), y.astype(wide)
        equal = (x == y) | (np.isnan(x) & np.isnan(y))
        with np.errstate(invalid="ignore"):
            apart = np.where(equal, 0, np.abs(x - y))
        largest = float(np.maximum(largest, apart.max(initial=0)))
    return largest


def _chunks(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    a, b = a.reshape(-1), b.reshape(-1)
    for start in range(0, a.size, CHUNK):
        yield a[start : start + CHUNK], b[start : start + CHUNK]
