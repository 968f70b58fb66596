"""How many NaN and infinities each side computed, and where the first ones are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from .recorder.recording import Run

_TESTS = {"NaN": np.isnan, "infinite": np.isinf}


@dataclasses.dataclass(frozen=True)
class NonFinite:
    """The elements of one kind in what one side computed.

    Attributes:
      count: how many there are in all that calls return, in variables, gradients and
        losses, and after training.
      first: where the first one is, in the order in which things were computed: it
        may be in what a call is given.
    """

    count: int = 0
    first: str | None = None


def nonfinite(run: Run) -> dict[str, NonFinite]:
    """Returns what a run has that is "NaN", and what is "infinite"."""
    found = dict.fromkeys(_TESTS, NonFinite())
    for where, array, is_given in _in_order(run):
        if array.dtype.kind not in "fcV":
            continue
        for kind, test in _TESTS.items():
            count = int(test(array).sum())
            if count:
                before = found[kind]
                total = before.count + (0 if is_given else count)
                found[kind] = NonFinite(total, before.first or where)
    return found


def _in_order(run: Run) -> Iterator[tuple[str, np.ndarray, bool]]:
    """Yields where an array is, the array, and whether a call was given it."""
    events = [(c.entered, f"what {c.title} is given", c.inputs) for c in run.calls]
    events += [(c.left, f"what {c.title} returns", c.outputs) for c in run.calls]
    entered = {call.entered for call in run.calls}
    for time, where, arrays in sorted(events, key=lambda event: event[0]):
        for array in arrays.values():
            yield where, array, time in entered
    for path, array in run.variables.items():
        yield f"the variable {path}", array, False
    for path, array in run.gradients.items():
        yield f"the gradient of {path}", array, False
    for step, loss in enumerate(run.losses, 1):
        yield f"the loss of step {step}", np.array(loss, float), False
    for steps, values in sorted(run.trained.items()):
        for path, array in values.items():
            yield f"the variable {path} after {steps} steps", array, False
