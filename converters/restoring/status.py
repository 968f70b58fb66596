"""What a restore matched."""

from __future__ import annotations

from typing import Any

from ...compat.core.variable import Variable
from ..checkpoint import Checkpoint
from ..errors import MismatchError, listed
from .matching import Match
from .trackable import walk

__all__ = ["NamedRestoreStatus", "RestoreStatus"]


class RestoreStatus:
    """What a restore matched; the `assert` methods have TensorFlow's meanings.

    Attributes:
      checkpoint: the checkpoint that was restored.
      restored: what was restored: by the object graph, the name of the variable for
        each path in the checkpoint; by names, the keys of the tensors that each
        variable was made of, by its path from the objects on.
    """

    def __init__(self, match: Match):
        self._match = match

    @property
    def checkpoint(self) -> Checkpoint:
        return self._match.checkpoint

    @property
    def restored(self) -> dict[str, Any]:
        return self._match.restored

    def __repr__(self) -> str:
        return (
            f"RestoreStatus({self.checkpoint.path!r}: {len(self.restored)} variables "
            f"restored, {len(self._match.left())} tensors of the checkpoint left)"
        )

    def assert_existing_objects_matched(self) -> RestoreStatus:
        """Checks that every variable of the objects was restored.

        Returns:
          The status itself.

        Raises:
          MismatchError: naming the variables that the checkpoint does not have.
        """
        match = self._match
        match.match()
        matched = match.matched()
        missing = [
            f"{path} ({obj.name}, shape {obj.shape}){match.about(obj)}"
            for path, obj in walk(match.roots())
            if isinstance(obj, Variable) and id(obj) not in matched
        ]
        if missing:
            raise MismatchError(
                f"{len(missing)} variables have no value in the checkpoint: "
                f"{listed(missing)}. Left over there are "
                f"{listed(match.left())}{match.remedy}.",
                path=self.checkpoint.path,
            )
        return self

    def assert_consumed(self) -> RestoreStatus:
        """Checks that every variable was restored, and every tensor used.

        Returns:
          The status itself.

        Raises:
          MismatchError: naming what is left over, on either side.
        """
        self.assert_existing_objects_matched()
        if left := self._match.left():
            raise MismatchError(
                f"{len(left)} values of the checkpoint have no object to go to: "
                f"{listed(left)}. Pass the objects that they belong to; call modules "
                "once if they make their variables then; or, if they may be left over, "
                f"call expect_partial() instead{self._match.remedy}.",
                path=self.checkpoint.path,
            )
        return self

    def assert_nontrivial_match(self) -> RestoreStatus:
        """Checks that something was matched.

        Returns:
          The status itself.

        Raises:
          MismatchError: if nothing was.
        """
        self._match.match()
        if not self.restored:
            raise MismatchError(
                "nothing in the checkpoint has the name of a variable: it has "
                f"{listed(self._match.names())}, and the objects have "
                f"{listed([path for path, _ in walk(self._match.roots())])}"
                f"{self._match.remedy}.",
                path=self.checkpoint.path,
            )
        return self

    def expect_partial(self) -> RestoreStatus:
        """Says that values may be left over; there is nothing to silence here.

        Returns:
          The status itself.
        """
        return self


# By names or not, it is one class; programs may know it by either name.
NamedRestoreStatus = RestoreStatus
