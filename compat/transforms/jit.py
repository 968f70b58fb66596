"""Compiling functions that read and write variables, as `tf.function` does."""

import functools
import sys
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

from ...haiku_impl.core.frames import thread
from ..core.module import Module
from ..core.variable import Variable
from .program import Program

P = ParamSpec("P")
Q = ParamSpec("Q")
S = TypeVar("S")
T = TypeVar("T")

# Python values that choose what is traced; TensorFlow retraces for them as well.
_BY_VALUE = (bool, str, bytes, type(None))
_BY_IDENTITY = (Variable, Module)


class _Identity:
    """Makes an object a key that is equal to itself alone, and lets it go."""

    __slots__ = ("_hash", "ref")

    def __init__(self, value: Any, on_death: Callable[[Any], Any] | None = None):
        self.ref = weakref.ref(value, on_death)
        self._hash = id(value)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, _Identity):
            return self is other
        value = self.ref()
        return value is not None and value is other.ref()


# For each static argument its position or name, its type, and the value.
Static = tuple[tuple[int | str, type, Any], ...]


class Jit(Generic[P, T]):
    """A compiled function; `snt.jit` makes it."""

    def __init__(
        self,
        f: Callable[P, T],
        *,
        static: Iterable[int | str] = (),
        donate_argnums: Sequence[int] = (),
        donate_variables: bool = False,
    ):
        functools.update_wrapper(self, f, updated=())
        self._f = f
        self._static = frozenset(static)
        self._donate: dict[str, Any] = {
            "donate_argnums": donate_argnums,
            "donate_variables": donate_variables,
        }
        self._programs: dict[Static, Program] = {}
        self._bound: weakref.WeakKeyDictionary[Any, Jit] = weakref.WeakKeyDictionary()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        if thread.frames:
            # The function around is compiled, or differentiated, as a whole.
            return self._f(*args, **kwargs)
        static, varying, named = self._split(args, kwargs)
        try:
            program = self._programs.get(static)
        except TypeError as error:
            given = {place: value for place, _, value in static}
            raise ValueError(
                "Non-hashable static arguments are not supported by snt.jit: those of "
                f"{getattr(self._f, '__qualname__', self._f)!r} are {given}. Pass a "
                "tuple in the place of a list, and arrays that are not static."
            ) from error
        if program is None:
            program = self._new_program(static)
        return program(varying, named)

    def _split(self, args: Any, kwargs: Any) -> tuple[Static, Any, Any]:
        """Takes the static arguments out, and leaves None in their places."""
        static = [
            (place, type(value), _Identity(value) if by_identity else value)
            for place, value in (*enumerate(args), *kwargs.items())
            if (by_identity := isinstance(value, _BY_IDENTITY))
            or place in self._static
            or isinstance(value, _BY_VALUE)
        ]
        if not static:
            return (), args, kwargs
        places = {place for place, _, _ in static}
        args = [None if i in places else value for i, value in enumerate(args)]
        kwargs = {k: value for k, value in kwargs.items() if k not in places}
        return tuple(static), args, kwargs

    def _new_program(self, static: Static) -> Program:
        """Makes a program, for as long as the objects among its arguments live."""

        def forget(_: Any) -> None:
            programs.pop(key, None)

        programs = self._programs
        key = tuple(
            (place, kind, _Identity(value.ref(), forget))
            if isinstance(value, _Identity)
            else (place, kind, value)
            for place, kind, value in static
        )
        run = functools.partial(_run, self._f, key)
        return programs.setdefault(key, Program(run, **self._donate))

    def __reduce__(self) -> Any:
        # A function that stands in its module by its name is found there.
        path = getattr(self._f, "__qualname__", "")
        found: Any = sys.modules.get(self._f.__module__)
        for name in path.split("."):
            found = getattr(found, name, None)
        if found is self:
            return path
        return _again, (self._f, {"static": self._static, **self._donate})

    @overload
    def __get__(self, instance: None, owner: type) -> "Jit[P, T]": ...
    @overload
    def __get__(
        self: "Jit[Concatenate[S, Q], T]", instance: S, owner: type | None = None
    ) -> "Jit[Q, T]": ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        if instance not in self._bound:
            # A weak reference, or the method would keep its instance alive.
            ref, f = weakref.ref(instance), cast(Callable[..., T], self._f)

            @functools.wraps(f, updated=())
            def method(*args: Any, **kwargs: Any) -> T:
                return f(ref(), *args, **kwargs)

            self._bound[instance] = Jit(method, static=self._static, **self._donate)
        return self._bound[instance]

    def __repr__(self) -> str:
        return f"<snt.jit of {self._f!r}>"


def _again(f: Callable[..., Any], options: dict[str, Any]) -> Jit:
    return Jit(f, **options)


def _run(f: Callable[..., Any], static: Static, *args: Any, **kwargs: Any) -> Any:
    """Calls a function with its static arguments in their places."""
    merged = list(args)
    for place, _, value in static:
        value = value.ref() if isinstance(value, _Identity) else value
        if isinstance(place, int):
            merged[place] = value
        else:
            kwargs[place] = value
    return f(*merged, **kwargs)


@overload
def jit(
    f: Callable[P, T],
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
    donate_variables: bool = False,
) -> Jit[P, T]: ...
@overload
def jit(
    f: None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
    donate_variables: bool = False,
) -> Callable[[Callable[P, T]], Jit[P, T]]: ...
def jit(
    f: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
    donate_variables: bool = False,
) -> Any:
    """Compiles a function that reads and writes variables, in the place of tf.function.

    The variables that it reaches become inputs and outputs of one XLA executable.
    Those that it creates on its first call get their values first. A call that ends
    with an exception leaves all variables as they were. Other shapes, dtypes or
    static arguments are traced anew; inside another transform of snt's the function
    is part of that one.

    Threads may share it. One makes the variables while the others wait, and what a
    call does to variables happens as a whole: a call that was overtaken by another is
    run again. (Under TensorFlow `assign_add` is safe, and the rest is not.) With
    `donate_variables` calls wait for each other, so that a callback in the program
    must not assign to variables. Modules passed as arguments are not kept alive.

    Args:
      f: a function or method. Without it, a decorator is returned.
      static_argnums: positions of arguments, of any hashable kind, for each value of
        which the function is traced. Bools, strings, None, variables and modules
        always are such; numbers are not, unlike in TensorFlow.
      static_argnames: names of such keyword arguments.
      donate_argnums: positions of arguments whose memory may be reused.
      donate_variables: whether the memory of variables that are assigned to may be
        reused; values read from them earlier are deleted then.

    Returns:
      A function of the same arguments.

    >>> from sonnax import compat as snt
    >>> count = snt.Variable(0, trainable=False)
    >>> @snt.jit
    ... def step(x):
    ...     return x * count.assign_add(1)
    >>> int(step(10)), int(step(10)), int(count)
    (10, 20, 2)
    """
    options: dict[str, Any] = {
        "static": (*_tuple(static_argnums), *_tuple(static_argnames)),
        "donate_argnums": _tuple(donate_argnums),
        "donate_variables": donate_variables,
    }
    return functools.partial(Jit, **options) if f is None else Jit(f, **options)


def _tuple(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, int | str) else tuple(value)
