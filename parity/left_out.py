"""What the user leaves out of a comparison, by name."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Mapping, Sequence
from typing import TypeVar

from .recorder.recording import Call, Run

T = TypeVar("T")


class LeftOut:
    """Names that are left out of a comparison.

    Args:
      patterns: globs of paths of modules and variables (`model/flatten`,
        `model/decoder/*`), of calls as they are printed (`model/mlp.reverse #2`), of
        places in what a call returns (`model:info/*`) or is given (`model/norm(1)`),
        or the words `variables`, `gradients`, `losses`, `float64` for all of them. A
        star matches slashes too.

    Attributes:
      names: what was left out, in the order in which it was met.

    Example:
      >>> left_out = LeftOut(["model/head*"])
      >>> left_out("model/head/w"), left_out("model/w"), [*left_out.names]
      (True, False, ['model/head/w'])
    """

    def __init__(self, patterns: str | Sequence[str] = ()):
        self._patterns = [patterns] if isinstance(patterns, str) else [*patterns]
        self._used: set[str] = set()
        self.names: dict[str, None] = {}

    def __call__(self, *names: str) -> bool:
        """Whether a thing is left out that has these names; the first one is shown."""
        matching = [
            pattern
            for pattern in self._patterns
            if any(fnmatch.fnmatchcase(name, pattern) for name in names)
        ]
        self._used.update(matching)
        if matching:
            self.names[names[0]] = None
        return bool(matching)

    @property
    def unused(self) -> list[str]:
        """The patterns that match nothing."""
        return [each for each in self._patterns if each not in self._used]

    def of(self, run: Run) -> Run:
        """Returns a run without what is left out."""
        has_gradients = run.loss is not None or bool(run.gradients)
        gradients = has_gradients and not self("gradients")
        losses = bool(run.losses) and not self("losses")
        variables = bool(run.variables) and not self("variables")
        return Run(
            calls=[
                self._without_places(c) for c in run.calls if not self(c.title, c.path)
            ],
            variables=self._kept(run.variables) if variables else {},
            loss=run.loss if gradients else None,
            gradients=self._kept(run.gradients) if gradients else {},
            without_gradient=[*self._kept(dict.fromkeys(run.without_gradient))]
            if gradients
            else [],
            losses=run.losses if losses else [],
            trained={steps: self._kept(values) for steps, values in run.trained.items()}
            if losses
            else {},
        )

    def _kept(self, by_path: Mapping[str, T]) -> dict[str, T]:
        return {path: value for path, value in by_path.items() if not self(path)}

    def _without_places(self, call: Call) -> Call:
        kept = {
            place
            for place in (*call.outputs, *call.opaque)
            if not self(place_name(call, place))
        }
        return dataclasses.replace(
            call,
            inputs={
                place: array
                for place, array in call.inputs.items()
                if not self(f"{call.title}({place})")
            },
            outputs={p: array for p, array in call.outputs.items() if p in kept},
            opaque={p: name for p, name in call.opaque.items() if p in kept},
        )


def place_name(call: Call, place: str) -> str:
    """Returns the name of a part of what a call returns."""
    return f"{call.title}:{place}" if place else call.title
