"""Two recordings beside each other: what differs, by how much, and since where."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from .measures import Difference, Tolerance, measure
from .recorder.recording import Call, Recording, Run

Differences = dict[str, Difference]

# The float64 run is held to this part of the tolerances of float32.
_FLOAT64_PART = 1e-6


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
        return max(self.outputs.values(), key=lambda difference: difference.excess)

    @property
    def agrees(self) -> bool:
        return all(difference.agrees for difference in self.outputs.values())

    @property
    def title(self) -> str:
        """The module's path, and what tells this call from its others."""
        call = self.call
        method = "" if call.method == "__call__" else f".{call.method}"
        return f"{call.path}{method}" + (f" #{call.number + 1}" if call.number else "")


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
        by path. They show the drift, and decide nothing: an optimizer that divides by
        the size of a gradient makes noise as large as steps.
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

    @property
    def agrees(self) -> bool:
        """Whether all that decides is within its tolerance."""
        return bool(self.calls) and all(d.agrees for d in self.deciding())

    def deciding(self) -> Iterator[Difference]:
        """Yields the differences that decide."""
        for call in self.calls:
            yield from call.outputs.values()
        yield from self.variables.values()
        yield from self.gradients.values()
        yield from self.loss_differences
        if self.loss is not None:
            yield self.loss


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What a legacy model and its port computed, side by side.

    Attributes:
      legacy: the recording of the legacy side, without its runs.
      port: that of the port.
      runs: the two sides in each precision, "float32" and perhaps "float64".
    """

    legacy: Recording
    port: Recording
    runs: Mapping[str, ComparedRun]

    @property
    def agrees(self) -> bool:
        """Whether every difference is within its tolerance."""
        return bool(self.runs) and all(run.agrees for run in self.runs.values())


def compare_recordings(
    legacy: Recording, port: Recording, tolerance: Tolerance
) -> Comparison:
    """Compares what two sides recorded.

    Args:
      legacy: the recording to compare with.
      port: the recording that is compared.
      tolerance: what is allowed in float32; in float64 it is a millionth of that.
    """
    runs = {}
    for precision in legacy.runs.keys() & port.runs.keys():
        allowed = tolerance
        if precision == "float64":
            atol = tolerance.atol and tolerance.atol * _FLOAT64_PART
            allowed = Tolerance(tolerance.rtol * _FLOAT64_PART, atol)
        runs[precision] = _compare(
            legacy.runs[precision], port.runs[precision], allowed
        )
    return Comparison(
        dataclasses.replace(legacy, runs={}),
        dataclasses.replace(port, runs={}),
        dict(sorted(runs.items())),
    )


def _compare(legacy: Run, port: Run, tolerance: Tolerance) -> ComparedRun:
    pairs, only_legacy, only_port = _matched(legacy.calls, port.calls)
    calls = [
        ComparedCall(
            theirs,
            _differences(theirs.inputs, ours.inputs, tolerance, common=True),
            _differences(theirs.outputs, ours.outputs, tolerance),
        )
        for theirs, ours in pairs
    ]
    losses = list(zip(legacy.losses, port.losses))
    return ComparedRun(
        tolerance=tolerance,
        calls=calls,
        only_legacy=only_legacy,
        only_port=only_port,
        # A port that is a function, and no module, has none to show.
        variables=(
            _differences(legacy.variables, port.variables, tolerance)
            if port.variables
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
            measure(np.array(a), np.array(b), tolerance) for a, b in losses
        ],
        trained={
            steps: _differences(values, port.trained[steps], tolerance)
            for steps, values in legacy.trained.items()
            if steps in port.trained
        },
    )


def _matched(
    legacy: Sequence[Call], port: Sequence[Call]
) -> tuple[list[tuple[Call, Call]], list[str], list[str]]:
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
    return pairs, [_title(c) for c in left], [_title(c) for c in ours.values()]


def _title(call: Call) -> str:
    return ComparedCall(call, {}, {}).title


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
    if len(legacy) == len(port) and not legacy.keys() & port.keys():
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


def _gradient_differences(legacy: Run, port: Run, tolerance: Tolerance) -> Differences:
    """Compares gradients; one that is nearly zero, to the largest of all."""
    if legacy.loss is None or port.loss is None:
        return {}
    largest = max(
        (float(np.max(np.abs(g), initial=0.0)) for g in legacy.gradients.values()),
        default=0.0,
    )
    if tolerance.atol is None:
        tolerance = dataclasses.replace(tolerance, atol=tolerance.rtol / 100 * largest)
    gradients = {
        path: gradient.astype(port.gradients[path].dtype)
        if path in port.gradients
        else gradient
        for path, gradient in legacy.gradients.items()
    }
    return _differences(gradients, port.gradients, tolerance)
