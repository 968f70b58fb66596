"""The tensors of one module of Sonnet 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..derived_tensor import DerivedTensor
from ..errors import TensorNotFoundError, UnsupportedCheckpointError
from ..named_tensors import NamedTensors

__all__ = ["ModuleTensors"]


class ModuleTensors(Mapping[str, DerivedTensor]):
    """The tensors of one module, by their names inside its scope.

    Args:
      tensors: all tensors of the checkpoint.
      scope: what the names of the module's tensors begin with, such as `mlp/`.
      slot: what follows the name of a variable in those of an optimizer's slots.

    Attributes:
      scope: as above.
      slot: as above.
      path: the file, for messages.

    Example:
      >>> import numpy as np, tempfile
      >>> from sonnax.converters import open_checkpoint, write_bundle
      >>> prefix = tempfile.mkdtemp() + "/ckpt-1"
      >>> write_bundle(prefix, {"a/w": np.eye(2), "b": np.zeros(1)})
      >>> tensors = ModuleTensors(NamedTensors(open_checkpoint(prefix)), "a/")
      >>> list(tensors), tensors["w"].shape
      (['w'], (2, 2))
    """

    def __init__(self, tensors: NamedTensors, scope: str, slot: str = ""):
        self.scope = scope
        self.slot = slot
        self.path = tensors.path
        self._tensors = tensors

    def __contains__(self, name: object) -> bool:
        return f"{self.scope}{name}{self.slot}" in self._tensors

    def __getitem__(self, name: str) -> DerivedTensor:
        whole = f"{self.scope}{name}{self.slot}"
        if whole not in self._tensors:
            raise TensorNotFoundError(
                f"the module at {self.scope!r} needs it beside "
                f"{sorted(self)[:5]}, and the checkpoint does not have it.",
                path=self.path,
                tensor=whole,
            )
        return self._tensors.stored(whole)

    def __iter__(self) -> Iterator[str]:
        for name in self._tensors.beginning_with(self.scope):
            if name.endswith(self.slot):
                yield name[len(self.scope) : len(name) - len(self.slot)]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def refuse(self, name: str, reason: str) -> UnsupportedCheckpointError:
        """Returns the error for a tensor that Sonnet 2 has no twin for."""
        return UnsupportedCheckpointError(
            reason, path=self.path, tensor=f"{self.scope}{name}"
        )
