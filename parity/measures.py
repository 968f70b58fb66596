"""How far two arrays are from each other."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

# The edges of a histogram of relative differences: half decades from 1e-18 to 10.
EDGES = np.arange(-18.0, 1.5, 0.5)
_INTEGERS: dict[int, Any] = {2: np.int16, 4: np.int32, 8: np.int64}


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """What difference is allowed: `atol + rtol * abs(legacy)`, for each element.

    Attributes:
      rtol: relative to the element.
      atol: absolute; None is `rtol / 10` times the largest element of the array, for
        elements near zero are left over from larger ones.
    """

    rtol: float = 1e-4
    atol: float | None = None

    def allowed(self, reference: np.ndarray, largest: float) -> np.ndarray:
        """Returns the allowed difference for each element."""
        atol = self.rtol / 10 * largest if self.atol is None else self.atol
        return atol + self.rtol * np.abs(reference)


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far the port's array is from the legacy one.

    Attributes:
      shapes: of the legacy array and of the port's; None where there is no array.
      dtypes: their dtypes.
      max_absolute: the largest absolute difference; inf if one side alone is not
        finite somewhere.
      max_relative: that over the largest absolute value of the legacy array.
      max_ulps: the largest number of representable numbers between two elements; None
        if the dtypes differ, or are no floats.
      cosine: the cosine of the angle between the arrays as vectors; None where one
        is all zeros.
      excess: the largest difference over what is allowed; beyond 1 they differ.
      problem: what makes a comparison meaningless, or None.
      histogram: how many elements have a relative difference between two of `EDGES`.
      exact: how many elements are equal.
      largest: the largest absolute value of the legacy array.
      nan: how many elements are NaN, in the legacy array and in the port's.
      infinite: how many are infinite.
    """

    shapes: tuple[tuple[int, ...] | None, tuple[int, ...] | None]
    dtypes: tuple[str | None, str | None]
    max_absolute: float = math.inf
    max_relative: float = math.inf
    max_ulps: int | None = None
    cosine: float | None = None
    excess: float = math.inf
    problem: str | None = None
    histogram: np.ndarray = dataclasses.field(
        default_factory=lambda: np.zeros(len(EDGES) - 1, int), repr=False
    )
    exact: int = 0
    largest: float = 0.0
    nan: tuple[int, int] = (0, 0)
    infinite: tuple[int, int] = (0, 0)

    @property
    def differs(self) -> bool:
        return not self.excess <= 1  # so that NaN differs

    @property
    def agrees(self) -> bool:
        """Whether they do not differ, and it means something that they don't."""
        return not self.differs and self.problem is None

    @property
    def size(self) -> int:
        """How many elements were compared."""
        return math.prod(self.shapes[0] or ()) if None not in self.shapes else 0


def measure(
    legacy: np.ndarray | None, port: np.ndarray | None, tolerance: Tolerance
) -> Difference:
    """Returns how far two arrays are from each other.

    Infinities equal those of their sign. What is NaN on both sides, or nowhere
    finite on either, does not differ, but does not agree: it has a problem. Integers
    must be equal, and of 32 bits or 64, since JAX has the one or the other by default.

    Args:
      legacy: the array to compare with, or None if there is none.
      port: the array that is compared.
      tolerance: what is allowed.

    Example:
      >>> d = measure(np.float32([1, 2]), np.float32([1, 2.0000002]), Tolerance())
      >>> d.max_ulps, d.agrees, f"{d.max_relative:.1e}"
      (1, True, '1.2e-07')
    """
    shapes = tuple(None if x is None else x.shape for x in (legacy, port))
    dtypes = tuple(None if x is None else x.dtype.name for x in (legacy, port))
    problem = _mismatch(legacy, port)
    if legacy is None or port is None or problem is not None:
        return Difference(shapes, dtypes, problem=problem)  # type: ignore[arg-type]
    if not legacy.size or not _is_number(legacy.dtype):
        return Difference(shapes, dtypes, 0.0, 0.0, excess=0.0)  # type: ignore[arg-type]
    return _measured(legacy, port, tolerance, shapes, dtypes)  # type: ignore[arg-type]


def _mismatch(legacy: np.ndarray | None, port: np.ndarray | None) -> str | None:
    """Says why two arrays differ of which no difference can be computed."""
    if legacy is None or port is None:
        return f"the {'legacy' if legacy is None else 'port'} side has none"
    if legacy.shape != port.shape:
        return f"shape {list(port.shape)} in place of {list(legacy.shape)}"
    if not _same_kind(legacy.dtype, port.dtype):
        return f"{port.dtype} in place of {legacy.dtype}"
    if not _is_number(legacy.dtype) and not np.array_equal(legacy, port):
        theirs, ours = (x.ravel()[:3].tolist() for x in (legacy, port))
        return f"{ours} in place of {theirs}"
    return None


def _same_kind(legacy: np.dtype, port: np.dtype) -> bool:
    if legacy == port or legacy.kind == port.kind in "US":
        return True
    widths = {legacy.itemsize, port.itemsize}
    return legacy.kind == port.kind in "iu" and widths == {4, 8}


def _is_number(dtype: np.dtype) -> bool:
    return dtype.kind in "biufcV"


def _measured(
    legacy: np.ndarray,
    port: np.ndarray,
    tolerance: Tolerance,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    dtypes: tuple[str, str],
) -> Difference:
    is_float = _is_float(legacy.dtype)
    wide = np.complex128 if legacy.dtype.kind == "c" else np.float64
    a, b = legacy.astype(wide), port.astype(wide)
    with np.errstate(invalid="ignore", over="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        delta = np.where(same, 0.0, np.abs(b - a))
        # NaN or infinity on one side only.
        delta = np.where(np.isnan(delta), math.inf, delta)
        largest = float(np.max(np.abs(a), initial=0.0, where=np.isfinite(a)))
        allowed = tolerance.allowed(np.where(np.isfinite(a), a, 0.0), largest)
        if not is_float and legacy.dtype.kind != "c":
            # Not by way of floats, which do not tell 2**53 from the next one.
            allowed, delta = np.zeros_like(delta), _distance(legacy, port)
        over = np.where(delta == 0, 0.0, delta / np.where(allowed > 0, allowed, 1e-300))
    max_absolute, excess = float(delta.max()), float(over.max())
    histogram, exact = _histogram(delta, largest)
    return Difference(
        shapes,
        dtypes,
        max_absolute=max_absolute,
        max_relative=max_absolute / largest if largest else max_absolute and math.inf,
        max_ulps=_ulps(legacy, port) if is_float and dtypes[0] == dtypes[1] else None,
        cosine=_cosine(a, b),
        excess=excess,
        # Where the other elements differ, that is what to say.
        problem=_meaningless(a, b) if excess <= 1 else None,
        histogram=histogram,
        exact=exact,
        largest=largest,
        nan=(int(np.isnan(a).sum()), int(np.isnan(b).sum())),
        infinite=(int(np.isinf(a).sum()), int(np.isinf(b).sum())),
    )


def _meaningless(a: np.ndarray, b: np.ndarray) -> str | None:
    """Says why it means little that two arrays do not differ."""
    nan = int((np.isnan(a) & np.isnan(b)).sum())
    if nan:
        return f"NaN on both sides in {nan:,} of {a.size:,}"
    if not np.isfinite(a).any():
        return f"infinite on both sides in all {a.size:,}"
    return None


def _distance(legacy: np.ndarray, port: np.ndarray) -> np.ndarray:
    """Returns the absolute difference of integers or booleans."""
    if legacy.dtype.kind not in "iu":
        return np.abs(port.astype(np.float64) - legacy.astype(np.float64))
    low, high = np.minimum(legacy, port), np.maximum(legacy, port)
    return (high.astype(np.uint64) - low.astype(np.uint64)).astype(np.float64)


def _is_float(dtype: np.dtype) -> bool:
    return dtype.kind == "f" or dtype.name == "bfloat16"


def _ulps(legacy: np.ndarray, port: np.ndarray) -> int | None:
    """Counts the numbers between two of one dtype, over both signs."""
    integers = _INTEGERS.get(legacy.dtype.itemsize)
    finite = np.isfinite(legacy) & np.isfinite(port)
    if integers is None or not finite.any():
        return None
    a, b = _ordered(legacy[finite], integers), _ordered(port[finite], integers)
    low, high = np.minimum(a, b), np.maximum(a, b)
    return int((high.astype(np.uint64) - low.astype(np.uint64)).max())


def _ordered(x: np.ndarray, integers: Any) -> np.ndarray:
    """Returns integers in the order of floats, which have a sign and a magnitude."""
    bits = x.view(integers).astype(np.int64)
    return np.where(bits < 0, np.iinfo(integers).min - bits, bits)


def _cosine(a: np.ndarray, b: np.ndarray) -> float | None:
    a, b = a.ravel(), b.ravel()
    finite = np.isfinite(a) & np.isfinite(b)
    a, b = a[finite], b[finite]
    # Scaled first, so that squares neither overflow nor vanish.
    scales = [float(np.max(np.abs(x), initial=0.0)) for x in (a, b)]
    if not all(scales):
        return None
    a, b = a / scales[0], b / scales[1]
    cosine = np.vdot(a, b).real / (np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.clip(cosine, -1.0, 1.0))


def _histogram(delta: np.ndarray, largest: float) -> tuple[np.ndarray, int]:
    differing = delta[(delta > 0) & np.isfinite(delta)]
    logs = np.log10(differing / (largest or 1.0))
    counts, _ = np.histogram(np.clip(logs, EDGES[0], EDGES[-1]), EDGES)
    return counts, int((delta == 0).sum())
