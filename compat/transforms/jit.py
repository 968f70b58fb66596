"""Compiling functions that read and write variables, as `tf.function` does."""

import functools
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

import jax

from ...haiku_impl.core.cells import Cell, Token, own_value
from ...haiku_impl.core.child import Writes, run_child
from ...haiku_impl.core.frames import thread
from ..core.discovery import discover
from ..core.module import Module
from ..core.variable import Variable

P = ParamSpec("P")
Q = ParamSpec("Q")
S = TypeVar("S")
T = TypeVar("T")

# Python values that choose what is traced; TensorFlow retraces for them as well.
_BY_VALUE = (bool, str, bytes, type(None))
_BY_IDENTITY = (Variable, Module)


class _Identity:
    """Makes an object a key that is equal to itself alone."""

    __slots__ = ("value",)

    def __init__(self, value: Any):
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.value is other.value


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
        # Cells that are inputs only, and those that may be outputs too: the two are
        # apart so that only the latter are donated.
        self._held: list[Cell] = []
        self._changed: list[Cell] = []
        self._discovered = False
        self._bound: weakref.WeakKeyDictionary[Any, Jit] = weakref.WeakKeyDictionary()
        self._compiled = jax.jit(
            self._pure,
            static_argnums=0,
            donate_argnums=(
                *((2,) if donate_variables else ()),
                *(i + 3 for i in donate_argnums),
            ),
        )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        if thread.frames:
            # The function around is compiled, or differentiated, as a whole.
            return self._f(*args, **kwargs)
        static, varying, named = self._split(args, kwargs)
        if not self._discovered:
            found = discover(functools.partial(self._run, static), varying, named)
            self._lift(found.read, found.written)
            self._discovered = True
        held = [own_value(cell) for cell in self._held]
        changed = [own_value(cell) for cell in self._changed]
        out, writes = self._compiled(static, held, changed, *varying, **named)
        for token, value in zip(writes.keys, writes.values):
            token.cell._value = value
        return out

    def _split(self, args: Any, kwargs: Any) -> tuple[Static, Any, Any]:
        """Takes the static arguments out, and leaves None in their places."""
        static = [
            (place, type(value), value)
            for place, value in (*enumerate(args), *kwargs.items())
            if place in self._static or isinstance(value, _BY_VALUE)
        ]
        static += [
            (place, type(value), _Identity(value))
            for place, value in (*enumerate(args), *kwargs.items())
            if isinstance(value, _BY_IDENTITY)
        ]
        if not static:
            return (), args, kwargs
        places = {place for place, _, _ in static}
        args = [None if i in places else value for i, value in enumerate(args)]
        kwargs = {k: value for k, value in kwargs.items() if k not in places}
        return tuple(static), args, kwargs

    def _run(self, static: Static, *args: Any, **kwargs: Any) -> Any:
        merged = list(args)
        for place, _, value in static:
            value = value.value if isinstance(value, _Identity) else value
            if isinstance(place, int):
                merged[place] = value
            else:
                kwargs[place] = value
        return self._f(*merged, **kwargs)

    def _pure(
        self,
        static: Static,
        held: list[Any],
        changed: list[Any],
        *args: Any,
        **kwargs: Any,
    ) -> tuple[Any, Writes]:
        tokens = (cell.token for cell in (*self._held, *self._changed))
        given = Writes(tokens, [*held, *changed])
        f = functools.partial(self._run, static)
        out, writes, child = run_child(f, args, kwargs, given=given)
        # A variable met now for the first time is a constant of this trace, or its
        # creation; the next call traces again, since it has more inputs.
        self._lift(list(child.cells), writes.keys)
        return out, writes

    def _lift(self, read: Sequence[Cell], written: Iterable[Any]) -> None:
        """Makes inputs of the cells read, and outputs too of those written."""
        changed = {key.cell for key in written if isinstance(key, Token)}
        changed.update(self._changed)
        cells = dict.fromkeys([*self._held, *self._changed, *read])
        self._held = [cell for cell in cells if cell not in changed]
        self._changed = [cell for cell in cells if cell in changed]

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
