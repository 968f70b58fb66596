"""Methods that run at most once for each object."""

import functools
import threading
from collections.abc import Callable
from typing import Any, ParamSpec

from ...haiku_impl.core.cells import creating
from ...haiku_impl.core.child import creates
from ...haiku_impl.core.frames import thread

P = ParamSpec("P")

_DONE = "_sonnax_once"


def once(f: Callable[P, object]) -> Callable[P, None]:
    """Makes a function run at most once; a method, once for each instance.

    A call that ends with an exception does not count, nor does one inside a
    transformed function that ends with an exception later on. Where several threads
    call it at once, one runs it and the others wait.

    Args:
      f: a function or method that returns None.

    Raises:
      ValueError: when called, if `f` returns something.

    >>> from sonnax import compat as snt
    >>> @snt.once
    ... def greet():
    ...     print("Hello")
    >>> greet()
    Hello
    >>> greet()
    """
    is_method = "." in f.__qualname__.rpartition("<locals>.")[2]
    done_without_instance: set[Any] = set()
    # Not the function itself: deep copies and pickles must still find it.
    mark = f"{f.__module__}.{f.__qualname__}"

    @functools.wraps(f)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        if is_method:
            done = vars(args[0]).setdefault(_DONE, set())
        else:
            done = done_without_instance
        if mark not in done or _is_made_elsewhere(done):
            _run(mark, done, lambda: f(*args, **kwargs))

    wrapped.__sonnax_once__ = f  # type: ignore[attr-defined]
    return wrapped


# What other threads have run without values for the variables made: that may yet be
# undone. For the number of each set of marks, that of the thread.
_unsettled: dict[int, int] = {}


def _is_made_elsewhere(done: set[str]) -> bool:
    own = threading.get_ident()
    return bool(_unsettled) and _unsettled.get(id(done), own) != own


# Apart, since classes of a notebook are pickled with all that their methods name.
def _run(mark: str, done: set[str], f: Callable[[], object]) -> None:
    with creating:
        if mark in done:  # since another thread has been here
            return
        if f() is not None:
            raise ValueError(
                f"@snt.once decorated functions cannot return values: {mark} did. "
                "Keep the value in an attribute."
            )
        if thread.frames:
            creates(lambda: _unsettled.pop(id(done), None))
            _unsettled[id(done)] = threading.get_ident()
            thread.frames[-1].on_failure.append(lambda: done.discard(mark))
        done.add(mark)
