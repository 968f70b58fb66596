"""Timing in turns, and the row that every benchmark gives for what it compared.

The sides to be compared take turns in one run, so that a slow moment of the machine
falls on all of them. A row's ratio is the median of the ratios turn by turn, and its
quartiles say how far those ratios lie apart.
"""

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import rich.box
import rich.console
import rich.table

T = TypeVar("T")

WARM_UP_CALLS = 2
FEWEST_TURNS = 5


class Row(NamedTuple):
    """What sonnax needs for something and what a peer needs for it, as medians.

    The unit is "s", "bytes" or the name of what is counted. Without a peer the last
    fields are None; a count has one turn and no quartiles.
    """

    what: str
    unit: str
    sonnax: float
    turns: int = 1
    peer: str | None = None
    peers: float | None = None
    ratio: float | None = None
    quartiles: tuple[float, float] | None = None


def in_turns(
    measures: Mapping[str, Callable[[], T]], turns: int, limit: float = 30.0
) -> dict[str, list[T]]:
    """Lets each measure take its turn, again and again; returns what each gave.

    No turn begins after `limit` seconds, but for the fewest that tell noise from a
    difference.
    """
    names, given = list(measures), {name: [] for name in measures}
    # What stands already is not looked through by any collection that follows.
    gc.collect()
    gc.freeze()
    try:
        end = time.perf_counter() + limit
        for i in range(turns):
            if i >= FEWEST_TURNS and time.perf_counter() > end:
                break
            # Each comes first in its turn: what ran before has left its mark on the
            # caches.
            for name in names[i % len(names) :] + names[: i % len(names)]:
                gc.collect()
                given[name].append(measures[name]())
    finally:
        gc.unfreeze()
    return given


def seconds_in_turns(
    calls: Mapping[str, Callable[[], Any]],
    turns: int,
    clock: Callable[[], float] = time.perf_counter,
    shortest_turn: float = 0.02,
    limit: float = 30.0,
) -> dict[str, list[float]]:
    """Warms the calls up and times them in turns; returns the seconds of one call.

    A call waits for its own result. A short one is repeated within its turn, each of
    them as often as the quickest.
    """

    def seconds(call: Callable[[], Any], repeats: int) -> float:
        start = clock()
        for _ in range(repeats):
            call()
        return (clock() - start) / repeats

    quickest = min(
        min(seconds(call, 1) for _ in range(WARM_UP_CALLS)) for call in calls.values()
    )
    repeats = max(1, int(shortest_turn / max(quickest, 1e-7)))
    measures = {
        name: lambda call=call: seconds(call, repeats) for name, call in calls.items()
    }
    return in_turns(measures, turns, limit)


def compared(
    what: str,
    sonnax: Sequence[float],
    peer: str | None = None,
    peers: Sequence[float] = (),
    unit: str = "s",
) -> Row:
    """Makes a row of what each of two sides gave in turns, or of one side alone."""
    row = Row(what, unit, statistics.median(sonnax), len(sonnax))
    if peer is None:
        return row
    ratios = [a / b for a, b in zip(sonnax, peers, strict=True)]
    quartiles = None
    if len(ratios) > 1:
        low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
        quartiles = low, high
    return row._replace(
        peer=peer,
        peers=statistics.median(peers),
        ratio=statistics.median(ratios),
        quartiles=quartiles,
    )


def chosen(cases: Mapping[str, T], options: argparse.Namespace) -> Iterator[T]:
    """Gives the cases whose names hold `options.case`; the first alone if quick."""
    named = [case for name, case in cases.items() if options.case in name]
    if not named:
        sys.exit(f"no case has {options.case!r} in its name: {', '.join(cases)}")
    yield from named[:1] if options.quick else named


def amount(value: float, unit: str) -> str:
    """Writes a value in its unit, with three digits.

    >>> amount(0.00123, "s"), amount(2**30, "bytes"), amount(28, "equations")
    ('1.23 ms', '1,024 MiB', '28 equations')
    """
    if unit == "bytes":
        mebibytes = value / 2**20
        return f"{mebibytes:,.{1 if mebibytes < 10 else 0}f} MiB"
    if unit != "s":
        return f"{value:,.0f} {unit}"
    scale, symbol = next(
        (each for each in ((1, "s"), (1e-3, "ms")) if value >= 0.9995 * each[0]),
        (1e-6, "µs"),
    )
    scaled = value / scale
    digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    return f"{scaled:.{digits}f} {symbol}"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


HEADINGS = (
    "what",
    "sonnax",
    "peer",
    "its figure",
    "ratio",
    "middle half",
    "turns",
)


def cells(row: Row) -> tuple[str, ...]:
    """Writes a row as texts, one for each of HEADINGS."""
    return (
        row.what,
        amount(row.sonnax, row.unit),
        row.peer or "",
        "" if row.peers is None else amount(row.peers, row.unit),
        "" if row.ratio is None else _ratio(row.ratio),
        " to ".join(map(_ratio, row.quartiles)) if row.quartiles else "",
        str(row.turns) if row.unit in ("s", "bytes") else "",
    )


def print_tables(groups: Mapping[str, Iterable[Row]]) -> None:
    """Prints the rows of each group under its title."""
    console = rich.console.Console()
    if not console.is_terminal:
        console.width = 120
    for title, rows in groups.items():
        table = rich.table.Table(title=title, box=rich.box.SIMPLE, title_justify="left")
        for heading in HEADINGS:
            left = heading in ("what", "peer")
            table.add_column(heading, justify="left" if left else "right")
        for row in rows:
            table.add_row(*cells(row))
        console.print(table)


def main(
    document: str, rows: Callable[[argparse.Namespace], Iterable[Row]], turns: int
) -> None:
    """Runs one benchmark from the command line: measures, and prints its rows."""
    title = document.splitlines()[0].rstrip(".")
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument(
        "--pairs", type=int, default=turns, help="turns of each side (%(default)s)"
    )
    parser.add_argument("--case", default="", help="only cases with this in their name")
    parser.add_argument(
        "--quick", action="store_true", help="the first case alone, at its smallest"
    )
    parser.add_argument(
        "--json", metavar="FILE", help="write a line for each row; - for no table"
    )
    options = parser.parse_args()
    measured = []
    for row in rows(options):
        measured.append(row)
        if options.json == "-":
            print(json.dumps(row._asdict()), flush=True)
    if options.json == "-":
        return
    print_tables({title: measured})
    if options.json:
        with open(options.json, "w") as file:
            file.writelines(json.dumps(row._asdict()) + "\n" for row in measured)
