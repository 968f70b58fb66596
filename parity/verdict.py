"""Saying what was found: where two models part, and whether it is rounding."""

from __future__ import annotations

import dataclasses

from .comparison import (
    AGREE,
    DIFFER,
    NAN,
    ComparedCall,
    ComparedRun,
    Comparison,
    worst_of,
)
from .measures import Difference
from .remarks import listed, nonfinite_lines, nonfinite_text

# Relative differences up to this are what computing in float32 leaves.
_FLOAT32_NOISE = 2e-6
# Of float32's difference, what is left in float64 if it is rounding: 2**-29, and room.
_SHRINKS = 1e-5


@dataclasses.dataclass(frozen=True)
class Parting:
    """The first thing in which the two sides differ, or that is NaN on both.

    Attributes:
      kind: "module", the code of a module; "between", the code of a module between
        the modules that it calls; "inputs", the arguments of the model; "variable",
        "gradient" or "training"; "nan", what is NaN on both sides.
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
    """Returns the first thing in which the two sides differ, or None.

    If they differ nowhere, it is the first thing of which that tells nothing.
    """
    return (
        _first_call(run)
        or _first_of(run, "variable", run.variables)
        or _first_of(run, "gradient", run.gradients)
        or _first_loss(run)
        or _first_step(run)
        or _first_nan(run)
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
        differing = [d for d in differences.values() if d.differs]
        if time == compared.call.entered:
            if differing:
                return _between(open_calls, compared, worst_of(differing))
            open_calls.append(compared)
        else:
            open_calls.remove(compared)
            if differing:
                return _at(run, compared, worst_of(differing))
    return None


def _at(run: ComparedRun, compared: ComparedCall, difference: Difference) -> Parting:
    path = compared.call.path
    text = (
        f"at {compared.title} ({compared.call.type}): what it is given agrees, what it "
        f"returns differs, {described(difference)}"
    )
    own = [
        name
        for name, d in run.variables.items()
        if d.differs and name.startswith(f"{path}/")
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
    differing = {path: d for path, d in differences.items() if d.differs}
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


def _first_loss(run: ComparedRun) -> Parting | None:
    if run.loss is None or not run.loss.differs:
        return None
    text = f"in the loss, though all gradients agree, {described(run.loss)}"
    return Parting("training", "", "loss", text, run.loss)


def _first_step(run: ComparedRun) -> Parting | None:
    for step, difference in enumerate(run.loss_differences, 1):
        if difference.differs:
            legacy, port = run.losses[step - 1]
            text = (
                f"in training: the loss of step {step} is {port:.8g} in place of "
                f"{legacy:.8g}, relatively {difference.max_relative:.1e}"
            )
            return Parting("training", "", f"step {step}", text, difference)
    for (what, *where), difference in run.deciding():
        if what == "trained" and difference.differs:
            steps, path = where
            text = f"in the variable {path} after {steps} steps of training, "
            text += described(difference)
            return Parting("training", path, path, text, difference)
    return None


def _first_nan(run: ComparedRun) -> Parting | None:
    calls = {call.title: call.call for call in run.calls}
    for (what, *where), difference in run.deciding():
        if difference.agrees:
            continue
        if what == "call":
            call = calls[where[0]]
            text = f"{call.title} ({call.type}) returns {difference.problem}"
            return Parting("nan", call.path, call.title, text, difference)
        title = " ".join((what, *where))
        text = f"the {title} is {difference.problem}"
        path = "" if what == "loss" else where[-1]
        return Parting("nan", path, path or title, text, difference)
    return None


def described(difference: Difference) -> str:
    """Says in a few words how large a difference is."""
    if difference.problem is not None:
        return difference.problem
    text = (
        f"by up to {difference.max_absolute:.1e} "
        f"(relatively {difference.max_relative:.1e})"
    )
    counts = nonfinite_text(difference)
    return f"{text}; {counts}" if counts else text


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
    before = {} if narrow is None else dict(narrow.deciding())
    after = dict(wide.deciding())
    return (
        bool(wide.calls)
        and all(key in after for key, d in before.items() if d.differs)
        and all(d.agrees or _shrinks(before.get(key), d) for key, d in after.items())
    )


def _shrinks(before: Difference | None, after: Difference) -> bool:
    if before is None or after.problem is not None:
        return False
    return after.max_relative < _SHRINKS * before.max_relative


def verdict(comparison: Comparison) -> str:
    """Returns what was found, in one or two sentences."""
    found, status = _finding(comparison), comparison.status
    gaps = comparison.all_gaps
    if gaps:
        found += f" Not compared: {listed(gaps)}."
    if gaps and status not in (DIFFER, NAN):
        found += " Compare it too, or leave it out by name with --ignore."
    if status == AGREE and comparison.left_out:
        found += f" Left out: {listed(comparison.left_out)}."
    return found


def _finding(comparison: Comparison) -> str:
    """Returns what is to be said of what was compared."""
    inputs = {n: d for n, d in comparison.inputs.items() if d.differs}
    if inputs:
        name, difference = next(iter(inputs.items()))
        text = f"{name} differs, {described(difference)}"
        return f"The two models were given other arguments: {text}."
    if not any(run.calls for run in comparison.runs.values()):
        return (
            "Nothing was compared: no module call of the one side has a twin on the "
            "other that returns an array."
        )
    found = (parting(run) for _, run in runs_by_weight(comparison))
    first = next((each for each in found if each is not None), None)
    if first is not None and first.kind != "nan":
        return _difference(comparison, first)
    if first is not None:
        where = "; ".join(nonfinite_lines(comparison))
        return f"The two can't be told apart: {first.text}. {where}."
    sizes = f"the largest difference is relatively {_sizes(comparison)}"
    if comparison.status != AGREE:
        return f"What was compared agrees, and not all was: {sizes}."
    tail = " It shrinks with the precision: it is rounding."
    return f"The two agree: {sizes}.{tail if is_rounding(comparison) else ''}"


def runs_by_weight(comparison: Comparison) -> list[tuple[str, ComparedRun]]:
    """Returns the runs by precision: those that differ first, that in float64 first."""
    runs = sorted(comparison.runs.items(), reverse=True)
    return sorted(runs, key=lambda item: item[1].status != DIFFER)


def _sizes(comparison: Comparison) -> str:
    return ", ".join(f"{largest(run):.1e} in {p}" for p, run in comparison.runs.items())


def _difference(comparison: Comparison, first: Parting) -> str:
    narrow, wide = (comparison.runs.get(p) for p in ("float32", "float64"))
    rounding, shown = is_rounding(comparison), f"relatively {_sizes(comparison)}"
    text = f"The two part {first.text}."
    if rounding is None:
        return text
    if rounding:
        return (
            f"{text} It is rounding, since it shrinks with the precision ({shown}): "
            "loosen --rtol, or compare in float64."
        )
    small = wide is not None and largest(wide) < _FLOAT32_NOISE
    if small and narrow is not None and narrow.status != DIFFER:
        return (
            f"{text} It is real, since it does not shrink with the precision, but "
            "small: a constant differs, such as an epsilon, or one side computes "
            "something in float32 whatever it is given."
        )
    return f"{text} It is real: it does not shrink with the precision ({shown})."
