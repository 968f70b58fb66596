"""What is to be known beside the verdict: what was not compared, or is not finite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .comparison import Comparison
from .gaps import SIDES, Gap
from .measures import Difference

# So many names are listed.
_LISTED = 5


def remarks(comparison: Comparison) -> list[str]:
    """Returns lines with what else is to be known: what was not compared, and why."""
    lines = [f"not compared: {gap}" for gap in comparison.all_gaps]
    for run in comparison.runs.values():
        lines += [
            f"called on one side only, and compared as a part of others: {title}"
            for title in run.seen_elsewhere
        ]
    lines = list(dict.fromkeys(lines)) + nonfinite_lines(comparison)
    for side, paths in zip(SIDES, _without_gradient(comparison)):
        if paths:
            names = listed([*paths])
            lines.append(f"no gradient (None) on the {side} side, taken as 0: {names}")
    if comparison.left_out:
        lines.append(f"left out with --ignore: {listed(comparison.left_out)}")
    lines += [f"--ignore {name!r} is the name of nothing" for name in comparison.unused]
    return lines


def _without_gradient(comparison: Comparison) -> list[Mapping[str, None]]:
    return [
        dict.fromkeys(
            path for run in comparison.runs.values() for path in run.without_gradient[i]
        )
        for i in range(len(SIDES))
    ]


def nonfinite_lines(comparison: Comparison) -> list[str]:
    """Counts NaN and infinities, and says where the first are, for each side."""
    lines = []
    for precision, run in comparison.runs.items():
        for side, found in zip(SIDES, run.nonfinite):
            lines += [
                f"{kind} on the {side} side in {precision}: {each.count:,} elements, "
                f"first in {each.first}"
                for kind, each in found.items()
                if each.first is not None
            ]
    return lines


def nonfinite_text(difference: Difference) -> str:
    """Counts what is not finite, on the legacy side and the port's."""
    return ", ".join(
        f"{kind} {theirs:,} and {ours:,} of {difference.size:,}"
        for kind, (theirs, ours) in (
            ("NaN", difference.nan),
            ("infinite", difference.infinite),
        )
        if theirs or ours
    )


def listed(names: Sequence[str | Gap]) -> str:
    """Returns the first few of some names, and how many more there are."""
    shown = ", ".join(map(str, names[:_LISTED]))
    more = len(names) - _LISTED
    return f"{shown} and {more:,} more" if more > 0 else shown
