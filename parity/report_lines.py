"""The lines of a report: calls, variables and steps, in each precision."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple

from .comparison import ComparedCall, ComparedRun, Comparison, Differences
from .measures import Difference
from .remarks import nonfinite_text
from .tables import Row, call_rows, value_rows
from .verdict import Parting, parting, runs_by_weight

_MOST_STEPS = 400


@dataclasses.dataclass
class Line:
    """One call, variable or gradient.

    Attributes:
      number: its place in the table, from 1.
      anchor: its id in the page.
      name: its path.
      kind: the class of the module, or the dtype.
      shape: of the legacy array.
      differences: by precision.
      rows: the same as text, by precision.
    """

    number: int
    anchor: str
    name: str
    kind: str
    shape: str
    differences: dict[str, Difference] = dataclasses.field(default_factory=dict)
    rows: dict[str, Row] = dataclasses.field(default_factory=dict)

    @property
    def beyond(self) -> bool:
        """Whether it is beyond its tolerance in any precision."""
        return not all(d.agrees for d in self.differences.values())


class Step(NamedTuple):
    """One step of training: the two losses and their difference, by precision."""

    number: int
    anchor: str
    losses: dict[str, tuple[float, float]]
    differences: dict[str, Difference]

    @property
    def beyond(self) -> bool:
        return not all(d.agrees for d in self.differences.values())


class Place(NamedTuple):
    """Where the two sides part.

    Attributes:
      parting: what differs there.
      precision: the run in which it was seen.
      anchor: the id of the line of the module, variable or step that is to blame.
      seen: that of the line at which the difference is first seen: another one where
        a module gives something different to a module that it calls.
    """

    parting: Parting
    precision: str
    anchor: str
    seen: str


def call_lines(runs: Mapping[str, ComparedRun]) -> list[Line]:
    """Returns a line for each call, in the legacy order of their ends."""
    lines = _Lines("call")
    for precision, run in runs.items():
        for compared, row in zip(run.calls, call_rows(run)):
            outputs = list(compared.outputs.values())
            shape = _shape(compared.worst)
            if len(outputs) > 1:
                place = next(
                    k for k, d in compared.outputs.items() if d is compared.worst
                )
                shape += f" ({place}, of {len(outputs)})"
            key = compared.call.key
            lines.add(key, precision, row, compared.worst, compared.call.type, shape)
    return lines.all


def value_lines(what: str, differences: Mapping[str, Differences]) -> list[Line]:
    """Returns a line for each variable or gradient.

    Args:
      what: "variable" or "gradient".
      differences: by precision and path.
    """
    lines = _Lines(what)
    for precision, by_path in differences.items():
        for (path, d), row in zip(by_path.items(), value_rows(by_path)):
            dtype = d.dtypes[0] or d.dtypes[1] or ""
            lines.add(path, precision, row, d, dtype, _shape(d))
    return lines.all


class _Lines:
    def __init__(self, what: str):
        self._what = what
        self._by_key: dict[Hashable, Line] = {}

    @property
    def all(self) -> list[Line]:
        return list(self._by_key.values())

    def add(
        self,
        key: Hashable,
        precision: str,
        row: Row,
        difference: Difference,
        kind: str,
        shape: str,
    ) -> None:
        """Adds one precision to the line of a key, or begins a line."""
        if key not in self._by_key:
            number = len(self._by_key) + 1
            anchor = f"{self._what}-{number}"
            self._by_key[key] = Line(number, anchor, row.name, kind, shape)
        line = self._by_key[key]
        line.differences[precision] = difference
        line.rows[precision] = row


def step_lines(runs: Mapping[str, ComparedRun]) -> list[Step]:
    """Returns a line for each step of training."""
    trained = {p: run for p, run in runs.items() if run.losses}
    count = max((len(run.losses) for run in trained.values()), default=0)
    return [
        Step(
            i + 1,
            f"step-{i + 1}",
            {p: r.losses[i] for p, r in trained.items() if i < len(r.losses)},
            {p: r.loss_differences[i] for p, r in trained.items() if i < len(r.losses)},
        )
        for i in range(count)
    ]


def shown_steps(steps: list[Step], place: Place | None) -> list[Step]:
    """Returns the steps to show: some hundreds at most, and that of the parting."""
    every = -(-len(steps) // _MOST_STEPS)
    return [
        step
        for step in steps
        if step.number == 1
        or step.number % every == 0
        or step.number == len(steps)
        or (place is not None and step.anchor == place.anchor)
    ]


def first_parting(
    comparison: Comparison, lines: Iterable[Line], steps: Iterable[Step]
) -> Place | None:
    """Returns where the two sides part: what the verdict speaks of."""
    for precision, run in runs_by_weight(comparison):
        found = parting(run)
        if found is None:
            continue
        seen_call = _call_that_has(run, found.difference)
        if seen_call is not None:
            blamed = seen_call
            if found.kind == "between":
                blamed = _caller(run, seen_call) or seen_call
            anchors = {id(l.differences.get(precision)): l.anchor for l in lines}
            return Place(
                found,
                precision,
                anchors[id(blamed.worst)],
                anchors[id(seen_call.worst)],
            )
        every: list[Line | Step] = [*lines, *steps]
        for line in every:
            if line.differences.get(precision) is found.difference:
                return Place(found, precision, line.anchor, line.anchor)
    return None


def _call_that_has(run: ComparedRun, difference: Difference) -> ComparedCall | None:
    for compared in run.calls:
        if any(
            d is difference
            for d in (*compared.inputs.values(), *compared.outputs.values())
        ):
            return compared
    return None


def _caller(run: ComparedRun, compared: ComparedCall) -> ComparedCall | None:
    """Returns the innermost call around another one."""
    entered = compared.call.entered
    around = [c for c in run.calls if c.call.entered < entered < c.call.left]
    return max(around, key=lambda c: c.call.entered, default=None)


def _shape(d: Difference) -> str:
    shape = d.shapes[0] if d.shapes[0] is not None else d.shapes[1]
    counts = nonfinite_text(d)
    text = f"[{', '.join(map(str, shape or ()))}]"
    return f"{text} {counts}" if counts else text
