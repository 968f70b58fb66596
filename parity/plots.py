"""The plots of a report."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from .comparison import ComparedRun
from .inline_svg import COLOURS, inline_svg
from .measures import EDGES
from .plot_axes import Decades, apart, powers
from .report_lines import Line, Step

# Of two sizes, so that both are seen where one lies upon the other.
_MARKERS = {"float32": ("o", 9), "float64": ("D", 5)}
# Above it markers are small, and have no tooltips, which would be most of the page.
_MANY = 500
_WORST = ("first", "second", "third")
# The height of the bar of a single element, on an axis of powers of ten.
_ONE = 0.35
_DASHES = (0, (4, 3))
# Larger losses are not drawn: limits around them could not be computed.
_LARGEST_LOSS = 1e100


class Key(NamedTuple):
    """One entry of a legend: it stands in the page, where a long name can wrap.

    Attributes:
      mark: "dot", "diamond", "bar", "line", "dashes" or "upright".
      role: the role of its colour.
      text: what it is.
    """

    mark: str
    role: str
    text: str


class Plot(NamedTuple):
    """One figure of the page.

    Attributes:
      title: its heading.
      svg: the drawing, or None where there is nothing to draw.
      keys: its legend.
      notes: what to know to read it.
      wide: whether it takes the width of the page.
    """

    title: str
    svg: str | None
    keys: Sequence[Key]
    notes: Sequence[str]
    wide: bool = False


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Sets what all plots share, whatever the user's own settings are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        ink, muted, grid = (COLOURS[role] for role in ("ink", "muted", "grid"))
        matplotlib.rcParams.update(
            {
                "svg.fonttype": "none",
                "svg.hashsalt": "sonnax",
                "text.parse_math": False,
                "text.color": ink,
                "font.size": 11,
                "axes.labelcolor": ink,
                "axes.labelsize": 11,
                "axes.edgecolor": muted,
                "axes.linewidth": 0.8,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.axisbelow": True,
                "grid.color": grid,
                "grid.linewidth": 0.8,
                "xtick.color": muted,
                "ytick.color": muted,
                "xtick.labelcolor": ink,
                "ytick.labelcolor": ink,
                "xtick.labelsize": 10,
                "ytick.labelsize": 10,
                "xtick.major.size": 3,
                "ytick.major.size": 3,
            }
        )
        yield


def by_place(
    name: str,
    title: str,
    axis: str,
    lines: Sequence[Line],
    runs: Mapping[str, ComparedRun],
    marked: Line | None = None,
    wide: bool = False,
) -> Plot:
    """Plots relative differences in the order of a table.

    Args:
      name: of the figure in the page.
      title: its heading.
      axis: what the numbers of the lines are.
      lines: of the table.
      runs: in which they were seen, for their tolerances.
      marked: the line at which the two sides part.
      wide: whether the plot takes the width of the page.
    """
    series = {
        p: [(l, l.differences[p]) for l in lines if p in l.differences] for p in runs
    }
    scale = Decades(
        [d.max_relative for found in series.values() for _, d in found]
        + [*_rtols(runs).values()]
    )
    figure = _figure(880 if wide else 430, 300 if wide else 340)
    axes = figure.subplots()
    keys, tooltips = [], {}
    if marked is not None:
        axes.axvline(marked.number, color=COLOURS["beyond"], lw=1.2)
    for precision, found in series.items():
        marker, size = _MARKERS[precision]
        for beyond in (False, True):
            points = [(l, d) for l, d in found if d.agrees != beyond]
            if not points:
                continue
            gid = f"{precision}-{beyond}"
            role = "beyond" if beyond else precision
            axes.plot(
                [line.number for line, _ in points],
                scale([d.max_relative for _, d in points]),
                linestyle="none",
                marker=marker,
                markersize=size if len(found) <= _MANY else size / 2,
                markerfacecolor=COLOURS[role],
                markeredgecolor=COLOURS["page"],
                markeredgewidth=0.8 if len(found) <= _MANY else 0.2,
                clip_on=False,
                gid=gid,
            )
            tooltips[gid] = [
                f"{line.number}: {line.name} ({precision}): "
                f"{d.problem or f'{d.max_relative:.1e}'}"
                for line, d in points
                if len(found) <= _MANY
            ]
            text = f"{precision}, beyond its tolerance" if beyond else precision
            keys.append(Key(_mark(precision), role, text))
        if rtol := _rtols(runs).get(precision):
            (at,) = scale([rtol])
            axes.axhline(at, color=COLOURS[precision], lw=1.2, ls=_DASHES)
            keys.append(Key("dashes", precision, f"rtol of {precision}, {rtol:g}"))
    if marked is not None:
        keys.append(Key("upright", "beyond", f"first seen at {marked.name}"))
    scale.draw(axes)
    axes.set_ylabel("relative difference")
    axes.set_xlabel(axis)
    axes.set_xlim(0.5, len(lines) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True, min_n_ticks=1))
    label = f"{title}: relative differences of {len(lines)} lines, in order."
    return Plot(
        title, inline_svg(figure, name, label, tooltips), keys, scale.notes(), wide
    )


def histogram(name: str, runs: Mapping[str, ComparedRun]) -> Plot:
    """Plots how many elements of all outputs differ, by how much."""
    title = "Differences of elements"
    counts, notes = {}, []
    for precision, run in runs.items():
        measured = [
            d for c in run.calls for d in c.outputs.values() if d.problem is None
        ]
        counts[precision] = sum(
            (d.histogram for d in measured), np.zeros(len(EDGES) - 1, int)
        )
        exact = sum(d.exact for d in measured)
        elements = sum(math.prod(d.shapes[0] or ()) for d in measured)
        infinite = elements - exact - int(counts[precision].sum())
        share = f" ({exact / elements:.1%})" if elements else ""
        notes.append(
            f"{precision}: {exact:,} of {elements:,} elements{share} are exactly equal."
        )
        if infinite:
            notes.append(
                f"{precision}: {infinite:,} elements have NaN or infinity on one side "
                "only, and are not drawn."
            )
    drawn = {p: count for p, count in counts.items() if count.any()}
    if not drawn:
        return Plot(title, None, [], notes)
    figure = _figure(430, 340)
    axes = figure.subplots()
    keys = []
    for precision, count in drawn.items():
        filled = np.flatnonzero(count)
        axes.bar(
            EDGES[filled],
            np.log10(count[filled]) + _ONE,
            width=EDGES[1] - EDGES[0],
            align="edge",
            facecolor=(COLOURS[precision], 0.3),
            edgecolor=COLOURS[precision],
            linewidth=1,
        )
        keys.append(Key("bar", precision, precision))
        if rtol := _rtols(runs).get(precision):
            at = math.log10(rtol)
            axes.axvline(at, color=COLOURS[precision], lw=1.2, ls=_DASHES)
            keys.append(Key("dashes", precision, f"rtol of {precision}"))
    low, high = axes.get_xlim()
    ticks = powers(math.floor(low), math.ceil(high))
    axes.set_xticks([*ticks], [*ticks.values()])
    axes.set_xlim(math.floor(low), math.ceil(high))
    top = math.ceil(max(math.log10(count.max()) for count in drawn.values()) + 0.01)
    every = -(-top // 5)
    axes.set_yticks(
        [power + _ONE for power in range(0, top + 1, every)],
        [
            f"{10**power:,}" if power < 5 else f"1e{power}"
            for power in range(0, top + 1, every)
        ],
    )
    axes.set_ylim(0, top + _ONE)
    axes.grid(axis="y")
    axes.set_xlabel("difference over the largest element of the array")
    axes.set_ylabel("elements")
    notes.append("An array that several calls return counts for each of them.")
    label = f"{title}: a histogram of relative differences."
    return Plot(title, inline_svg(figure, name, label), keys, notes)


def losses(name: str, steps: Sequence[Step], runs: Mapping[str, ComparedRun]) -> Plot:
    """Plots the loss of each side, and their relative difference."""
    title = "Training loss"
    shown = next(p for p in runs if p in steps[0].losses)
    numbers = np.array([step.number for step in steps])
    curves = np.array(
        [step.losses.get(shown, (math.nan, math.nan)) for step in steps], float
    )
    drawable = np.isfinite(curves) & (np.abs(np.nan_to_num(curves)) < _LARGEST_LOSS)
    curves = np.where(drawable, curves, np.nan)
    figure = _figure(430, 340)
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    marker = "." if len(steps) <= 40 else None
    above.plot(numbers, curves[:, 0], color=COLOURS["legacy"], lw=3, marker=marker)
    above.plot(
        numbers,
        curves[:, 1],
        color=COLOURS["port"],
        lw=1.4,
        ls=(0, (4, 2)),
        marker=marker,
    )
    finite = curves[drawable]
    if finite.size and finite.min() > 0 and finite.max() > 20 * finite.min():
        above.set_yscale("log")
        few = finite.max() < 1e3 * finite.min()
        above.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        above.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        above.minorticks_off()
    above.grid(axis="y")
    above.set_ylabel("loss")
    keys = [
        Key("line", "legacy", f"legacy, {shown}"),
        Key("dashes", "port", f"port, {shown}"),
    ]
    scale = Decades(
        [d.max_relative for step in steps for d in step.differences.values()], room=0.2
    )
    for precision in runs:
        found = [
            (step.number, step.differences[precision].max_relative)
            for step in steps
            if precision in step.differences
        ]
        if found:
            at, values = zip(*found)
            _line(below, at, scale(values), precision, len(found) <= 40)
            text = f"relative difference, {precision}"
            keys.append(Key(_mark(precision), precision, text))
    scale.draw(below, most=4)
    below.set_ylabel("relative difference")
    below.set_xlabel("step")
    below.set_xlim(0.5, len(steps) + 0.5)
    below.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    figure.align_ylabels()
    missing = int((~drawable.all(axis=1)).sum())
    notes = scale.notes()
    if missing:
        notes.append(
            f"{missing} of {len(steps)} steps have a loss that is not finite, or too "
            "large to draw."
        )
    label = f"{title} of both sides over {len(steps)} steps, and their difference."
    return Plot(title, inline_svg(figure, name, label), keys, notes)


def drift(name: str, runs: Mapping[str, ComparedRun]) -> Plot:
    """Plots how variables drift apart in training."""
    title = "Drift of the variables in training"
    series = {
        precision: {
            steps: max((d.max_relative for d in found.values()), default=0.0)
            for steps, found in sorted(run.trained.items())
        }
        for precision, run in runs.items()
        if run.trained
    }
    named = _worst_variables(runs[next(iter(series))])
    scale = Decades(
        value
        for values in (*series.values(), *named.values())
        for value in values.values()
    )
    figure = _figure(430, 340)
    axes = figure.subplots()
    keys = []
    for precision, values in series.items():
        _line(axes, np.log10([*values]), scale(values.values()), precision, True)
        text = f"largest of all, {precision}"
        keys.append(Key(_mark(precision), precision, text))
    for role, (path, values) in zip(_WORST, named.items()):
        axes.plot(
            np.log10([*values]),
            scale(values.values()),
            color=COLOURS[role],
            lw=1,
            ls=(0, (2, 1.5)),
        )
        keys.append(Key("dashes", role, f"{path}, {next(iter(series))}"))
    recorded = sorted({steps for values in series.values() for steps in values})
    ticks = apart(recorded)
    axes.set_xticks(np.log10(ticks), [f"{steps:,}" for steps in ticks])
    margin = 0.04 * math.log10(recorded[-1] / recorded[0]) or 0.3
    low, high = math.log10(recorded[0]), math.log10(recorded[-1])
    axes.set_xlim(low - margin, high + margin)
    scale.draw(axes)
    axes.set_xlabel("steps of training")
    axes.set_ylabel("largest relative difference")
    notes = [
        *scale.notes(),
        "The drift decides nothing: training makes rounding grow.",
    ]
    label = f"{title}: the largest relative difference after some of the steps."
    return Plot(title, inline_svg(figure, name, label), keys, notes)


def _worst_variables(run: ComparedRun) -> dict[str, dict[int, float]]:
    """Returns the variables that differ most after the last step, by path."""
    last = run.trained[max(run.trained)]
    differing = [path for path, d in last.items() if d.max_relative > 0]
    paths = sorted(differing, key=lambda path: -last[path].max_relative)[: len(_WORST)]
    return {
        path: {
            steps: found[path].max_relative
            for steps, found in sorted(run.trained.items())
            if path in found
        }
        for path in paths
    }


def _rtols(runs: Mapping[str, ComparedRun]) -> dict[str, float]:
    """Returns the tolerances that have a place on an axis of powers of ten."""
    rtols = {precision: run.tolerance.rtol for precision, run in runs.items()}
    return {p: rtol for p, rtol in rtols.items() if 0 < rtol < math.inf}


def _line(
    axes: Axes, xs: Any, ys: Sequence[float], precision: str, marked: bool
) -> None:
    marker, size = _MARKERS[precision]
    axes.plot(
        xs,
        ys,
        color=COLOURS[precision],
        lw=size / 4,
        marker=marker if marked else None,
        markersize=size * 0.8,
        clip_on=False,
    )


def _mark(precision: str) -> str:
    return {"float32": "dot", "float64": "diamond"}[precision]


def _figure(width: float, height: float) -> Figure:
    """Returns a figure of a size in the units of the SVG."""
    return Figure(figsize=(width / 72, height / 72), layout="constrained")
