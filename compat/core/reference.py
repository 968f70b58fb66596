"""Variables as keys of dictionaries and members of sets."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .variable import Variable


class Reference:
    """Stands for a variable as a dictionary's key or in a set."""

    __slots__ = ("_variable",)

    def __init__(self, variable: "Variable"):
        self._variable = variable

    def deref(self) -> "Variable":
        """Returns the variable."""
        return self._variable

    def __hash__(self) -> int:
        return id(self._variable)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and self._variable is other._variable

    def __repr__(self) -> str:
        return f"<Reference to {self._variable!r}>"
