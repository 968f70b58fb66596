"""What could not be compared of two recordings. It decides, since it is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple

from .left_out import place_name
from .recorder.recording import Call, Recording, Run

SIDES = ("legacy", "port")


class Gap(NamedTuple):
    """One thing that was not compared.

    Attributes:
      name: that by which it can be left out.
      text: why it was not.
    """

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name} ({self.text})"


def gaps_of_lone_calls(
    calls: Sequence[Call], side: str, modules: Set[str], compared: Set[int]
) -> Iterator[tuple[Call, Gap | None]]:
    """Yields each call of one side only, and what of it was not compared.

    That is nothing if all it returns is what another call is given or returns, which
    was compared there: so a module that only reshapes needs no twin. And it is nothing
    if a module called its own method, of which other calls were compared: how the code
    of a module is divided into methods is its own business.

    Args:
      calls: the calls.
      side: of which side they are.
      modules: the paths of the modules of that side that have a twin.
      compared: the identities of the arrays of that side that were compared.
    """
    for call in calls:
        is_seen = all(id(array) in compared for array in call.outputs.values())
        is_part = call.is_own and call.path in modules
        text = f"called on the {side} side only"
        is_compared = is_part or (is_seen and not call.opaque)
        yield call, None if is_compared else Gap(call.title, text)


def gaps_of_objects(pairs: Sequence[tuple[Call, Call]]) -> Iterator[Gap]:
    """Yields what calls return on both sides and is no array."""
    for theirs, ours in pairs:
        for place in dict.fromkeys((*theirs.opaque, *ours.opaque)):
            # An array on the one side is a difference, which is found there.
            if place in theirs.outputs or place in ours.outputs:
                continue
            classes = [call.opaque.get(place) for call in (theirs, ours)]
            told = " and ".join(
                f"{name or 'nothing'} on the {side} side"
                for side, name in zip(SIDES, classes)
            )
            text = f"no array can be found in what is returned: {told}"
            yield Gap(place_name(theirs, place), text)


def gaps_of_values(legacy: Run, port: Run) -> Iterator[Gap]:
    """Yields the variables, gradients and steps of training of one side only."""
    # A port that is a function, and no module, has none to show.
    if bool(legacy.variables) != bool(port.variables):
        yield _of_one_side("variables", bool(legacy.variables))
    has_gradients = [run.loss is not None for run in (legacy, port)]
    if has_gradients[0] != has_gradients[1]:
        yield _of_one_side("gradients", has_gradients[0])
    if len(legacy.losses) != len(port.losses):
        text = f"{len(legacy.losses)} steps on the legacy side, {len(port.losses)} on "
        yield Gap("losses", f"{text}the port's")
    elif legacy.trained.keys() != port.trained.keys():
        yield Gap("losses", "the variables were kept after other steps")


def gaps_of_runs(legacy: Recording, port: Recording) -> Iterator[Gap]:
    """Yields the precisions in which one side ran."""
    for precision in sorted(legacy.runs.keys() ^ port.runs.keys()):
        yield _of_one_side(precision, precision in legacy.runs)


def _of_one_side(name: str, is_legacy: bool) -> Gap:
    return Gap(name, f"on the {SIDES[not is_legacy]} side only")
