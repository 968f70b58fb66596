"""Two recordings beside each other: what differs, by how much, and since where."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from .gaps import (
    SIDES,
    Gap,
    gaps_of_lone_calls,
    gaps_of_objects,
    gaps_of_runs,
    gaps_of_values,
)
from .left_out import LeftOut
from .measures import Difference, Tolerance, measure
from .nonfinite import NonFinite, nonfinite
from .recorder.recording import Call, Recording, Run

Differences = dict[str, Difference]

# The float64 run is held to this part of the tolerances of float32.
_FLOAT64_PART = 1e-6

# What can be found, the worst first. Only the last one means that all is the same.
DIFFER = "differ"
NAN = "not finite"
NOT_COMPARED = "not compared"
AGREE = "agree"
STATUSES = (DIFFER, NAN, NOT_COMPARED, AGREE)


@dataclasses.dataclass(frozen=True)
class ComparedCall:
    """One call of a module's method on both sides.

    Attributes:
      call: as the legacy side recorded it.
      inputs: the differences of the arrays it was given, by place.
      outputs: those of the arrays it returned.
    """

    call: Call
    inputs: Differences
    outputs: Differences

    @property
    def worst(self) -> Difference:
        """The output that exceeds its tolerance by most."""
        return worst_of(self.outputs.values())

    @property
    def agrees(self) -> bool:
        return all(difference.agrees for difference in self.outputs.values())

    @property
    def title(self) -> str:
        """The module's path, and what tells this call from its others."""
        return self.call.title


def worst_of(differences: Iterable[Difference]) -> Difference:
    """Returns the largest difference; if none is too large, one that tells nothing."""
    return max(differences, key=lambda d: (d.differs, d.problem is not None, d.excess))


@dataclasses.dataclass(frozen=True)
class ComparedRun:
    """What the two sides computed in one precision.

    Attributes:
      tolerance: what is allowed.
      calls: the calls that both sides made, in the legacy order of their ends.
      only_legacy: the calls that only the legacy side made.
      only_port: those that only the port made.
      variables: the differences of the variables after the model was called, by path.
      loss: the difference of the first loss, or None.
      gradients: the differences of the gradients, by the path of the variable.
      losses: the loss of each step of training, on either side.
      loss_differences: the differences of those.
      trained: the differences of the variables after some of the steps, by steps and
        by path. They show the drift, whose size decides nothing: an optimizer that
        divides by the size of a gradient makes noise as large as steps.
      gaps: what was not compared.
      seen_elsewhere: the calls of one side only of which all was compared: another
        call is given or returns what they return, or they are a part of it.
      without_gradient: the variables that have none on the legacy side and on the
        port's; zeros stand for it.
      nonfinite: what each side has that is "NaN" or "infinite".
    """

    tolerance: Tolerance
    calls: Sequence[ComparedCall]
    only_legacy: Sequence[str]
    only_port: Sequence[str]
    variables: Differences
    loss: Difference | None
    gradients: Differences
    losses: Sequence[tuple[float, float]]
    loss_differences: Sequence[Difference]
    trained: Mapping[int, Differences]
    gaps: Sequence[Gap] = ()
    seen_elsewhere: Sequence[str] = ()
    without_gradient: tuple[Sequence[str], Sequence[str]] = ((), ())
    nonfinite: tuple[Mapping[str, NonFinite], ...] = ()

    @property
    def status(self) -> str:
        """The worst thing that was found, one of `STATUSES`."""
        found = [d for _, d in self.deciding()]
        if any(d.differs for d in found):
            return DIFFER
        if not all(d.agrees for d in found):
            return NAN
        elements = sum(d.size for call in self.calls for d in call.outputs.values())
        return NOT_COMPARED if self.gaps or not elements else AGREE

    @property
    def agrees(self) -> bool:
        """Whether all was compared, and all is within its tolerance."""
        return self.status == AGREE

    def deciding(self) -> Iterator[tuple[tuple[str, ...], Difference]]:
        """Yields the differences that decide, with what tells each from the others."""
        for call in self.calls:
            for place, difference in call.inputs.items():
                # NaN that is given is of interest only if something comes of it.
                if difference.differs or difference.agrees:
                    yield ("given", call.title, place), difference
            for place, difference in call.outputs.items():
                yield ("call", call.title, place), difference
        for what, differences in (
            ("variable", self.variables),
            ("gradient", self.gradients),
        ):
            for path, difference in differences.items():
                yield (what, path), difference
        if self.loss is not None:
            yield ("loss",), self.loss
        for step, difference in enumerate(self.loss_differences, 1):
            yield ("loss", str(step)), difference
        for steps, trained in self.trained.items():
            for path, difference in trained.items():
                if _is_more_than_drift(difference):
                    yield ("trained", str(steps), path), difference


def _is_more_than_drift(difference: Difference) -> bool:
    return difference.problem is not None or any(
        ours != theirs for theirs, ours in (difference.nan, difference.infinite)
    )


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What a legacy model and its port computed, side by side.

    Attributes:
      legacy: the recording of the legacy side, without its runs.
      port: that of the port.
      runs: the two sides in each precision, "float32" and perhaps "float64".
      inputs: the differences of the model's arguments, by name.
      gaps: the precisions in which one side alone ran.
      left_out: the names of what the user left out.
      unused: what the user left out and is nowhere.
    """

    legacy: Recording
    port: Recording
    runs: Mapping[str, ComparedRun]
    inputs: Differences = dataclasses.field(default_factory=dict)
    gaps: Sequence[Gap] = ()
    left_out: Sequence[str] = ()
    unused: Sequence[str] = ()

    @property
    def status(self) -> str:
        """The worst thing that was found in any run, one of `STATUSES`."""
        if any(difference.differs for difference in self.inputs.values()):
            return DIFFER
        found = {run.status for run in self.runs.values()}
        if self.gaps or not found:
            found.add(NOT_COMPARED)
        return next(status for status in STATUSES if status in found)

    @property
    def agrees(self) -> bool:
        """Whether all was compared, and every difference is within its tolerance."""
        return self.status == AGREE

    @property
    def all_gaps(self) -> list[Gap]:
        """What was not compared in any run."""
        gaps = [*self.gaps, *(gap for run in self.runs.values() for gap in run.gaps)]
        return list(dict.fromkeys(gaps))


def compare_recordings(
    legacy: Recording,
    port: Recording,
    tolerance: Tolerance,
    ignore: str | Sequence[str] = (),
) -> Comparison:
    """Compares what two sides recorded.

    Args:
      legacy: the recording to compare with.
      port: the recording that is compared.
      tolerance: what is allowed in float32; in float64 it is a millionth of that.
      ignore: the names of what is not compared, see `LeftOut`.
    """
    left_out = LeftOut(ignore)
    sides = []
    for recording in (legacy, port):
        kept = {p: left_out.of(r) for p, r in recording.runs.items() if not left_out(p)}
        sides.append(dataclasses.replace(recording, runs=kept))
    runs = {}
    for precision in sides[0].runs.keys() & sides[1].runs.keys():
        allowed = tolerance
        if precision == "float64":
            atol = tolerance.atol and tolerance.atol * _FLOAT64_PART
            allowed = Tolerance(tolerance.rtol * _FLOAT64_PART, atol)
        theirs, ours = (side.runs[precision] for side in sides)
        runs[precision] = _compare(theirs, ours, allowed)
    return Comparison(
        dataclasses.replace(legacy, runs={}),
        dataclasses.replace(port, runs={}),
        dict(sorted(runs.items())),
        inputs=_differences(legacy.inputs, port.inputs, Tolerance(0.0, 0.0)),
        gaps=list(gaps_of_runs(*sides)),
        left_out=[*left_out.names],
        unused=left_out.unused,
    )


def _compare(legacy: Run, port: Run, tolerance: Tolerance) -> ComparedRun:
    pairs, *alone = _matched(legacy.calls, port.calls)
    lone = [
        found
        for i, side in enumerate(SIDES)
        for found in gaps_of_lone_calls(
            alone[i], side, {pair[i].path for pair in pairs}, _compared_arrays(pairs, i)
        )
    ]
    calls = [
        ComparedCall(
            theirs,
            _differences(theirs.inputs, ours.inputs, tolerance, common=True),
            _output_differences(theirs, ours, tolerance),
        )
        for theirs, ours in pairs
    ]
    has_both = bool(legacy.variables) and bool(port.variables)
    losses = list(zip(legacy.losses, port.losses))
    return ComparedRun(
        tolerance=tolerance,
        calls=[compared for compared in calls if compared.outputs],
        only_legacy=[call.title for call in alone[0]],
        only_port=[call.title for call in alone[1]],
        variables=(
            _differences(legacy.variables, port.variables, tolerance)
            if has_both
            else {}
        ),
        loss=(
            None
            if legacy.loss is None or port.loss is None
            else measure(np.array(legacy.loss), np.array(port.loss), tolerance)
        ),
        gradients=_gradient_differences(legacy, port, tolerance),
        losses=losses,
        loss_differences=[
            measure(np.array(a, float), np.array(b, float), tolerance)
            for a, b in losses
        ],
        trained={
            steps: _differences(values, port.trained[steps], tolerance)
            for steps, values in legacy.trained.items()
            if steps in port.trained
        },
        gaps=[
            *(gap for _, gap in lone if gap is not None),
            *gaps_of_objects(pairs),
            *gaps_of_values(legacy, port),
        ],
        seen_elsewhere=[call.title for call, gap in lone if gap is None],
        without_gradient=(legacy.without_gradient, port.without_gradient),
        nonfinite=(nonfinite(legacy), nonfinite(port)),
    )


def _matched(
    legacy: Sequence[Call], port: Sequence[Call]
) -> tuple[list[tuple[Call, Call]], list[Call], list[Call]]:
    """Pairs calls by path, method and number; what is left over, by name."""
    ours = {call.key: call for call in port}
    pairs = [(call, ours.pop(call.key)) for call in legacy if call.key in ours]
    by_name = {(call.name, call.method, call.number): call for call in ours.values()}
    paired = {id(call) for call, _ in pairs}
    left = []
    for call in legacy:
        if id(call) in paired:
            continue
        twin = by_name.pop((call.name, call.method, call.number), None)
        if twin is None:
            left.append(call)
        else:
            pairs.append((call, twin))
            del ours[twin.key]
    pairs.sort(key=lambda pair: pair[0].left)
    return pairs, left, [*ours.values()]


def _compared_arrays(pairs: Sequence[tuple[Call, Call]], side: int) -> set[int]:
    """Returns the identities of the arrays of one side that are compared."""
    found: set[int] = set()
    for pair in pairs:
        call, given = pair[side], pair[side].inputs
        if not _are_in_order(pair[0].inputs, pair[1].inputs):
            common = pair[0].inputs.keys() & pair[1].inputs.keys()
            given = {place: array for place, array in given.items() if place in common}
        found.update(map(id, (*given.values(), *call.outputs.values())))
    return found


def _output_differences(legacy: Call, port: Call, tolerance: Tolerance) -> Differences:
    """Compares what two calls returned; where one has no array, that is told."""
    differences = _differences(legacy.outputs, port.outputs, tolerance)
    for side, call in zip(SIDES, (legacy, port)):
        for place in differences.keys() & call.opaque.keys():
            problem = f"the {side} side has a {call.opaque[place]}, which is no array"
            differences[place] = dataclasses.replace(
                differences[place], problem=problem
            )
    return differences


def _differences(
    legacy: Mapping[str, np.ndarray],
    port: Mapping[str, np.ndarray],
    tolerance: Tolerance,
    common: bool = False,
) -> Differences:
    """Compares arrays by their places, or in order where the places have other names.

    Args:
      common: whether places on one side only are left out.
    """
    if _are_in_order(legacy, port):
        return {
            name: measure(legacy[name], ours, tolerance)
            for name, ours in zip(legacy, port.values())
        }
    names = [name for name in legacy if name in port]
    if not common:
        names = [*legacy, *(name for name in port if name not in legacy)]
    return {
        name: measure(legacy.get(name), port.get(name), tolerance) for name in names
    }


def _are_in_order(legacy: Mapping[str, object], port: Mapping[str, object]) -> bool:
    return len(legacy) == len(port) and not legacy.keys() & port.keys()


def _gradient_differences(legacy: Run, port: Run, tolerance: Tolerance) -> Differences:
    """Compares gradients; one that is nearly zero, to the largest of all."""
    if legacy.loss is None or port.loss is None:
        return {}
    largest = max(
        (
            float(np.max(np.abs(g), initial=0.0, where=np.isfinite(g)))
            for g in legacy.gradients.values()
        ),
        default=0.0,
    )
    if tolerance.atol is None:
        tolerance = dataclasses.replace(tolerance, atol=tolerance.rtol / 100 * largest)
    return _differences(legacy.gradients, port.gradients, tolerance)
