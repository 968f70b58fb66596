"""What TensorFlow 1's optimizers saved, and where Sonnet 2's keep it.

A slot's name is that of its variable with the optimizer's behind it, `linear/w/Adam`;
further slots are numbered, `linear/w/Adam_1`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...compat.core.module import Optimizer
from ...compat.core.variable import Variable
from ...compat.optimizers import Adam, Momentum, RMSProp
from ..derived_tensor import DerivedTensor
from ..errors import MismatchError, listed
from ..named_tensors import NamedTensors

__all__ = ["Slots", "adam_step", "steps_of"]

# The suffix of each list of slots.
_SUFFIXES: Mapping[type, Mapping[str, str]] = {
    Adam: {"m": "/Adam", "v": "/Adam_1"},
    Momentum: {"accumulated_momentum": "/Momentum"},
    RMSProp: {"ms": "/RMSProp", "mom": "/RMSProp_1"},
}
_CENTERED_RMSPROP = {"ms": "/RMSProp", "mg": "/RMSProp_1", "mom": "/RMSProp_2"}

# Below it a float32 has lost digits, or is on its way to.
_SMALLEST = 1e-30


class Slots:
    """The variables for which optimizers may keep others."""

    def __init__(self) -> None:
        self._met: dict[int, tuple[Variable, Any]] = {}
        self._by_name: dict[str, list[int]] = defaultdict(list)

    def meet(self, variable: Variable, place: Any) -> None:
        """Notes a variable and its place."""
        if id(variable) not in self._met:
            self._met[id(variable)] = variable, place
            self._by_name[variable.name].append(id(variable))

    def parameter(
        self, optimizer: Optimizer, attribute: str, slot: Variable
    ) -> tuple[Any, Variable, str] | None:
        """Returns for which variable a slot is kept.

        Args:
          optimizer: who keeps it.
          attribute: in which of its lists.
          slot: the slot.

        Returns:
          The variable's place, the variable, and what follows its name in that of the
          slot; None if it is no slot, or the variable was not met.

        Raises:
          MismatchError: its name does not tell.
        """
        suffix = _suffixes(optimizer).get(attribute)
        owner = None if suffix is None else self.owner(slot)
        if suffix is None or owner is None:
            return None
        return self._met[id(owner)][1], owner, suffix

    def owner(self, slot: Variable) -> Variable | None:
        """Returns the variable for which a slot is kept, if that was met."""
        owner = slot.slot_of() if slot.slot_of is not None else None
        if isinstance(owner, Variable):
            return owner if id(owner) in self._met else None
        # A copy, or what was unpickled, is named after its variable.
        parts = slot.name.split("/")
        for start in range(1, len(parts)):
            owners = self._by_name.get("/".join(parts[start:]), [])
            if len(owners) > 1:
                paths = [self._met[each][1].path for each in owners]
                raise MismatchError(
                    f"the slot {slot.name!r} is named after several variables, "
                    f"{listed(paths)}: give their modules names of their own."
                )
            if owners:
                return self._met[owners[0]][0]
        return None


def _suffixes(optimizer: Optimizer) -> Mapping[str, str]:
    if isinstance(optimizer, RMSProp) and optimizer.centered:
        return _CENTERED_RMSPROP
    classes = [cls for cls in _SUFFIXES if isinstance(optimizer, cls)]
    return _SUFFIXES[classes[0]] if classes else {}


def adam_step(
    tensors: NamedTensors, optimizer: Optimizer, variable: Variable
) -> DerivedTensor | None:
    """Returns the step of an Adam, as it is found from the powers that it saved.

    Args:
      tensors: the checkpoint.
      optimizer: any optimizer.
      variable: one of its variables.

    Returns:
      The step; None for any other variable, or if there are no powers.
    """
    if not isinstance(optimizer, Adam) or variable is not optimizer.step:
        return None
    decays = {
        "beta1_power": float(np.asarray(optimizer.beta1)),
        "beta2_power": float(np.asarray(optimizer.beta2)),
    }
    if not all(name in tensors for name in decays):
        return None
    keys = tuple(tensors.keys_by_name[name] for name in decays)
    return DerivedTensor(
        (), np.dtype("int64"), lambda: steps_of(tensors, decays, tensors.path), keys
    )


def steps_of(
    tensors: Mapping[str, np.ndarray], decays: Mapping[str, float], path: str
) -> np.ndarray:
    """Finds how many steps Adam did, from the powers of its decays that it saved.

    After t steps `beta1_power` is `beta1 ** (t + 1)`. Once it is too small to tell,
    `beta2_power` tells; and once that is, all corrections are 1, as they are with the
    step that is returned.

    Args:
      tensors: the powers by name.
      decays: what each is a power of.
      path: the file, for messages.

    Returns:
      The step, int64 `[]`.

    Raises:
      MismatchError: a tensor is no power of its decay.

    Example:
      >>> tensors = {"beta1_power": np.float32(0.9**4), "beta2_power": np.float32(0)}
      >>> steps_of(tensors, {"beta1_power": 0.9, "beta2_power": 0.999}, "ckpt")
      array(3)
    """
    for name, decay in decays.items():
        stored = np.asarray(tensors[name])
        power = float(stored) if stored.shape == () and stored.dtype.kind == "f" else -1
        if not 0 <= power <= 1 or not 0 < decay < 1:
            raise MismatchError(
                f"it is {stored!r}, and the optimizer's decay is {decay}: both are to "
                "be numbers from 0 to 1.",
                path=path,
                tensor=name,
            )
        if power > _SMALLEST:
            return _step(power, decay, name, path)
    steps = math.ceil(math.log(_SMALLEST) / math.log(max(decays.values())))
    return np.array(steps, np.int64)


def _step(power: float, decay: float, name: str, path: str) -> np.ndarray:
    exponent = math.log(power) / math.log(decay)
    # TensorFlow multiplied float32s, once a step.
    error = exponent * 2**-23 / -math.log(decay) + 0.01
    if round(exponent) < 1 or abs(exponent - round(exponent)) > max(error, 0.01):
        raise MismatchError(
            f"it is {power}, which is no power of the optimizer's {decay}: its "
            f"exponent would be {exponent:.3f}. Make the optimizer with the decays "
            "that the checkpoint's was made with.",
            path=path,
            tensor=name,
        )
    return np.array(round(exponent) - 1, np.int64)
