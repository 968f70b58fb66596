"""Which arrays this process can read whole."""

from __future__ import annotations

from typing import Any

from .errors import UnsupportedCheckpointError

__all__ = ["check_addressable"]


def check_addressable(value: Any, path: str, tensor: str) -> None:
    """Checks that no part of an array lies on the devices of other processes alone.

    Args:
      value: an array, or what becomes one; jax need not be imported for others.
      path: the file that it is to be written to.
      tensor: its name there.

    Raises:
      UnsupportedCheckpointError: other processes have parts of it.
    """
    is_here = getattr(value, "is_fully_addressable", True)
    if not is_here and not getattr(value, "is_fully_replicated", False):
        raise UnsupportedCheckpointError(
            "other processes have parts of its array, and a checkpoint is written by "
            "one process: gather it on all of them with jax.experimental."
            "multihost_utils.process_allgather(value, tiled=True), and save what that "
            "returns in one",
            path=path,
            tensor=tensor,
        )
