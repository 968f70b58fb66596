"""Axes of powers of ten, for differences that can also be zero or infinite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes

from .inline_svg import COLOURS


class Decades:
    """An axis of powers of ten, with a place for zero and one for infinity.

    Args:
      values: all that are drawn.
      room: the part of the axis that such a place takes.
    """

    def __init__(self, values: Iterable[float], room: float = 0.09):
        values = list(values)
        finite = [math.log10(v) for v in values if 0 < v < math.inf]
        self._low = math.floor(min(finite, default=-8))
        self._high = max(math.ceil(max(finite, default=-7)), self._low + 1)
        gap = max(1.0, room * (self._high - self._low))
        self._half = gap / 2
        self._zero = self._low - gap if 0 in values else None
        has_infinity = any(not math.isfinite(v) for v in values)
        self._infinity = self._high + gap if has_infinity else None

    def __call__(self, values: Iterable[float]) -> list[float]:
        """Returns where values are on the axis."""
        return [self._place(value) for value in values]

    def _place(self, value: float) -> float:
        special = self._zero if value == 0 else self._infinity
        if value == 0 or not math.isfinite(value):
            assert special is not None
            return special
        return math.log10(value)

    def draw(self, axes: Axes, most: int = 8) -> None:
        """Sets the limits and the ticks of the vertical axis."""
        ticks = powers(self._low, self._high, most)
        margin = 0.04 * (self._high - self._low)
        bottom, top = self._low - margin, self._high + margin
        if self._zero is not None:
            bottom = self._zero - self._half
            ticks[self._zero] = "equal"
            axes.axhspan(bottom, self._zero + self._half, color=COLOURS["band"], lw=0)
        if self._infinity is not None:
            top = self._infinity + self._half
            ticks[self._infinity] = "∞"
            axes.axhspan(self._infinity - self._half, top, color=COLOURS["band"], lw=0)
        axes.set_yticks([*ticks], [*ticks.values()])
        axes.set_ylim(bottom, top)
        axes.grid(axis="y")

    def notes(self) -> list[str]:
        """Returns what to say of the places that are not numbers."""
        notes = []
        if self._zero is not None:
            notes.append("What is exactly equal has no logarithm: it is on the floor.")
        if self._infinity is not None:
            notes.append(
                "∞: another shape or dtype, or NaN or infinity on one side only."
            )
        return notes


def powers(low: int, high: int, most: int = 8) -> dict[float, str]:
    """Returns the labels of round powers of ten, by their logarithms.

    >>> powers(-9, 1, most=4)
    {-9: '1e-9', -6: '1e-6', -3: '1e-3', 0: '1e0'}
    """
    every = max(1, -(-(high - low) // most))
    return {p: f"1e{p}" for p in range(-(-low // every) * every, high + 1, every)}


def apart(steps: Sequence[int]) -> list[int]:
    """Returns some of the steps, so that their labels do not touch on a log axis.

    >>> apart([1, 2, 4, 8, 16, 32, 64, 65])
    [1, 2, 4, 8, 16, 32, 65]
    """
    room = max(math.log10(steps[-1] / steps[0]) / 9, 1e-9)
    kept = [steps[-1]]
    for step in reversed(steps[:-1]):
        if math.log10(kept[-1] / step) >= room:
            kept.append(step)
    return kept[::-1]
