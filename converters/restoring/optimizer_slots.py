"""What TensorFlow 1's optimizers saved, and where Sonnet 2's keep it.

A slot's name is that of its variable with the optimizer's behind it, `linear/w/Adam`;
further slots are numbered, `linear/w/Adam_1`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..errors import MismatchError

__all__ = ["adam_step", "slot_suffixes"]

# By the names of compat's classes, the suffix of each list of slots.
_SUFFIXES = {
    "Adam": {"m": "/Adam", "v": "/Adam_1"},
    "Momentum": {"accumulated_momentum": "/Momentum"},
    "RMSProp": {"ms": "/RMSProp", "mom": "/RMSProp_1"},
}
_CENTERED_RMSPROP = {"ms": "/RMSProp", "mg": "/RMSProp_1", "mom": "/RMSProp_2"}

# Below it a float32 has lost digits, or is on its way to.
_SMALLEST = 1e-30


def slot_suffixes(optimizer: object) -> Mapping[str, str]:
    """Returns what follows a variable's name in those of its slots.

    Args:
      optimizer: one of compat's optimizers, or any other object.

    Returns:
      The suffix by the optimizer's attribute; none for what has no slots.
    """
    if getattr(optimizer, "centered", False):
        return _CENTERED_RMSPROP
    return _SUFFIXES.get(type(optimizer).__name__, {})


def adam_step(
    tensors: Mapping[str, np.ndarray], beta1: float, beta2: float, path: str
) -> tuple[np.ndarray, tuple[str, ...]] | None:
    """Finds how many steps Adam did, from the powers of its decays that it saved.

    After t steps `beta1_power` is `beta1 ** (t + 1)`. Once it is too small to tell,
    `beta2_power` tells; and once that is, all corrections are 1, as they are with the
    step that is returned.

    Args:
      tensors: the checkpoint's tensors by name.
      beta1: the decay of the averages.
      beta2: the decay of the averages of squares.
      path: the file, for messages.

    Returns:
      The step, int64 `[]`, and the names of what was read; None without such tensors.

    Raises:
      MismatchError: a tensor is no power of its decay.

    Example:
      >>> tensors = {"beta1_power": np.float32(0.9**4), "beta2_power": np.float32(0)}
      >>> adam_step(tensors, 0.9, 0.999, "ckpt")[0]
      array(3)
    """
    decays = {"beta1_power": beta1, "beta2_power": beta2}
    if not all(name in tensors for name in decays):
        return None
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
            return _step(power, decay, name, path), tuple(decays)
    steps = math.ceil(math.log(_SMALLEST) / math.log(max(decays.values())))
    return np.array(steps, np.int64), tuple(decays)


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
