"""What a session asks of the library on its side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from .capture import Capture


class Side(Protocol):
    """What Sonnet and sonnax do in different ways.

    Attributes:
      precision: "float32"; or "float64", and then float32 means float64 in this
        process.
      library: the package whose own modules these are.
    """

    precision: str
    library: str

    def versions(self) -> dict[str, str]:
        """Returns the versions of what it runs on, by name."""

    def is_module(self, value: Any) -> bool:
        """Whether a value is a module of the library."""

    def is_variable(self, value: Any) -> bool:
        """Whether a value is a variable of the library."""

    def to_numpy(self, value: Any) -> np.ndarray | None:
        """Returns an array or a variable as NumPy's; None for anything else."""

    def to_array(self, value: np.ndarray) -> Any:
        """Returns an array of the library, in the precision of the side."""

    def seed(self, seed: int) -> None:
        """Seeds the library's random numbers."""

    def capturing(self, capture: Capture) -> AbstractContextManager[None]:
        """Returns a context in which the calls of modules are captured."""

    def restore(
        self, path: str, model: Mapping[str, Any], others: Mapping[str, Any]
    ) -> Callable[[], Any]:
        """Restores a checkpoint into the model and what there is of the others.

        Returns:
          A function that fails if a variable of the model was not in it.
        """

    def save(self, path: str, objects: Mapping[str, Any]) -> None:
        """Writes a checkpoint."""

    def saved_names(self, path: str) -> list[str]:
        """Returns the names under a checkpoint's root; none if it has no objects."""

    def widen(self, path: str, widened: str) -> None:
        """Writes a checkpoint again, with float64 for float32."""

    def create(self, f: Callable[[], Any]) -> None:
        """Makes the variables that a function needs, where that takes a call."""

    def mean_square(self, value: Any) -> Any:
        """Returns the mean of the squares of an array."""

    def step(
        self, loss: Callable[[], Any], model: Any, optimizer: Any
    ) -> Callable[[], tuple[float, Sequence[Any]]]:
        """Returns what makes a step of training, and returns loss and gradients.

        Without an optimizer it changes only what the loss itself does.
        """
