"""Modules inside modules inside modules, more than Python's stack has room for."""

import sys
from typing import Any


class TooDeepError(RecursionError):
    """Modules are nested deeper than Python goes into when it calls or copies them."""

    def __init__(self, doing: str):
        super().__init__(
            f"Python's limit of {sys.getrecursionlimit()} nested calls ended {doing}. "
            "Either modules are nested too deep for it: hold them side by side, in a "
            "list or in snt.Sequential, instead of one inside the other. Or one calls "
            "itself without end: the traceback shows where."
        )


def too_deep(error: RecursionError, doing: str) -> TooDeepError:
    """Returns the error to raise in the place of Python's own.

    Args:
      error: what was raised, by Python or by a module further inside.
      doing: what it ended, for the message.
    """
    return error if isinstance(error, TooDeepError) else TooDeepError(doing)


# About what it takes to pickle or copy what lies between one module and the next.
_ROOM = 100


def _nested(depth: int) -> list[Any]:
    nest: list[Any] = []
    for _ in range(depth):
        nest = [nest]
    return nest


_NEST = _nested(_ROOM)


def check_room(doing: str) -> None:
    """Raises TooDeepError if Python's stack is nearly full.

    What is done inside of C, as pickle does it, has a limit of its own in some of
    Python's versions, and its errors cannot be caught on the way.

    Args:
      doing: what is about to be done, for the error's message.

    Example:
      >>> check_room("the pickling of a module")
    """
    try:
        repr(_NEST)
        _descend(_ROOM)
    except RecursionError as error:
        raise TooDeepError(doing) from error


def _descend(depth: int) -> None:
    if depth:
        _descend(depth - 1)
