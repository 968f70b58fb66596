"""Saying what was found: where two models part, and whether it is rounding."""

from __future__ import annotations

import dataclasses

from .comparison import ComparedCall, ComparedRun, Comparison
from .measures import Difference

# Relative differences up to this are what computing in float32 leaves.
_FLOAT32_NOISE = 2e-6
# Of float32's difference, what is left in float64 if it is rounding: 2**-29, and room.
_SHRINKS = 1e-5


@dataclasses.dataclass(frozen=True)
class Parting:
    """The first thing in which the two sides differ.

    Attributes:
      kind: "module", the code of a module; "between", the code of a module between
        the modules that it calls; "inputs", the arguments of the model; "variable",
        "gradient" or "training".
      path: of the module or the variable.
      title: of the call in which it is, or the path.
      text: what to tell the user.
      difference: the difference itself.
    """

    kind: str
    path: str
    title: str
    text: str
    difference: Difference


def parting(run: ComparedRun) -> Parting | None:
    """Returns the first thing in which the two sides differ, or None."""
    return (
        _first_call(run)
        or _first_of(run, "variable", run.variables)
        or _first_of(run, "gradient", run.gradients)
        or _first_step(run)
    )


def _first_call(run: ComparedRun) -> Parting | None:
    """Looks at the beginnings and ends of calls in the order in which they were."""
    events = sorted(
        [(c.call.entered, c, c.inputs) for c in run.calls]
        + [(c.call.left, c, c.outputs) for c in run.calls],
        key=lambda event: event[0],
    )
    open_calls: list[ComparedCall] = []
    for time, compared, differences in events:
        differing = [d for d in differences.values() if not d.agrees]
        if time == compared.call.entered:
            if differing:
                return _between(open_calls, compared, _worst(differing))
            open_calls.append(compared)
        else:
            open_calls.remove(compared)
            if differing:
                return _at(run, compared, _worst(differing))
    return None


def _worst(differences: list[Difference]) -> Difference:
    return max(differences, key=lambda difference: difference.excess)


def _at(run: ComparedRun, compared: ComparedCall, difference: Difference) -> Parting:
    path = compared.call.path
    text = (
        f"at {compared.title} ({compared.call.type}): what it is given agrees, what it "
        f"returns differs, {described(difference)}"
    )
    own = [
        name
        for name, d in run.variables.items()
        if not d.agrees and name.startswith(f"{path}/")
    ]
    if own:
        differs = "" if run.variables[own[0]].problem else " differs"
        text += f"; its variable {own[0]}{differs}, {described(run.variables[own[0]])}"
    return Parting("module", path, compared.title, text, difference)


def _between(
    around: list[ComparedCall], compared: ComparedCall, difference: Difference
) -> Parting:
    if not around:
        text = f"in the arguments of {compared.title}, {described(difference)}"
        return Parting("inputs", compared.call.path, compared.title, text, difference)
    caller = around[-1]
    text = (
        f"in {caller.title} ({caller.call.type}), between the modules that it calls: "
        f"all before agrees, and what it gives to {compared.title} differs, "
        f"{described(difference)}"
    )
    return Parting("between", caller.call.path, caller.title, text, difference)


def _first_of(
    run: ComparedRun, kind: str, differences: dict[str, Difference]
) -> Parting | None:
    differing = {path: d for path, d in differences.items() if not d.agrees}
    if not differing:
        return None
    path = max(differing, key=lambda path: differing[path].excess)
    what = {
        "variable": "in variables after the call, though all outputs agree: most in",
        "gradient": "in gradients, though all outputs agree: most in that of",
    }[kind]
    text = f"{what} {path}, {described(differing[path])}"
    if len(differing) > 1:
        text += f"; {len(differing)} of {len(differences)} differ"
    return Parting(kind, path, path, text, differing[path])


def _first_step(run: ComparedRun) -> Parting | None:
    for step, difference in enumerate(run.loss_differences, 1):
        if not difference.agrees:
            legacy, port = run.losses[step - 1]
            text = (
                f"in training: the loss of step {step} is {port:.8g} in place of "
                f"{legacy:.8g}, relatively {difference.max_relative:.1e}"
            )
            return Parting("training", "", f"step {step}", text, difference)
    return None


def described(difference: Difference) -> str:
    """Says in a few words how large a difference is."""
    if difference.problem is not None:
        return difference.problem
    return (
        f"by up to {difference.max_absolute:.1e} "
        f"(relatively {difference.max_relative:.1e})"
    )


def largest(run: ComparedRun) -> float:
    """Returns the largest relative difference of outputs, variables and losses.

    Not that of gradients: one that should be zero is noise, and all of it differs.
    """
    differences = [
        *(d for call in run.calls for d in call.outputs.values()),
        *run.variables.values(),
        *run.loss_differences,
    ]
    return max((d.max_relative for d in differences), default=0.0)


def is_rounding(comparison: Comparison) -> bool | None:
    """Whether what differs is rounding: None if nothing was run in float64.

    It is if it shrinks with the precision: below the tolerance, or, where training
    makes rounding grow, by most of the digits that float64 has more.
    """
    narrow, wide = (comparison.runs.get(p) for p in ("float32", "float64"))
    if wide is None:
        return None
    if wide.agrees or narrow is None:
        return wide.agrees
    pairs = zip(narrow.deciding(), wide.deciding())
    return bool(wide.calls) and all(
        b.agrees or b.max_relative < _SHRINKS * a.max_relative for a, b in pairs
    )


def verdict(comparison: Comparison) -> str:
    """Returns what was found, in one or two sentences."""
    narrow, wide = (comparison.runs.get(p) for p in ("float32", "float64"))
    if not any(run.calls for run in comparison.runs.values()):
        return (
            "No module call of the one side has a twin on the other: the paths of the "
            "modules differ."
        )
    first = next(
        (p for run in (wide, narrow) if run is not None and (p := parting(run))), None
    )
    rounding = is_rounding(comparison)
    sizes = [f"{largest(run):.1e} in {p}" for p, run in comparison.runs.items()]
    shown = f"relatively {', '.join(sizes)}"
    if first is None:
        tail = " It shrinks with the precision: it is rounding." if rounding else ""
        return f"The two agree: the largest difference is {shown}.{tail}"
    text = f"The two part {first.text}."
    if rounding is None:
        return text
    if rounding:
        return (
            f"{text} It is rounding, since it shrinks with the precision ({shown}): "
            "loosen --rtol, or compare in float64."
        )
    small = wide is not None and largest(wide) < _FLOAT32_NOISE
    if small and narrow is not None and narrow.agrees:
        return (
            f"{text} It is real, since it does not shrink with the precision, but "
            "small: a constant differs, such as an epsilon, or one side computes "
            "something in float32 whatever it is given."
        )
    return f"{text} It is real: it does not shrink with the precision ({shown})."
