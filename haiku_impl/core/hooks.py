"""Functions that a user puts around the creation and use of parameters and state."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, final

from . import frames
from .typing import Initializer


@final
class DoNotStore:
    """The type of `DO_NOT_STORE`."""

    def _refuse(self, attribute: str) -> Any:
        raise ValueError(
            f"DO_NOT_STORE does not have a {attribute}: it stands for a value that is "
            "not kept. A custom getter must supply the value itself."
        )

    @property
    def shape(self) -> Any:
        return self._refuse("shape")

    @property
    def dtype(self) -> Any:
        return self._refuse("dtype")


DO_NOT_STORE = DoNotStore()
"""Returned by a creator, a setter or an initialiser to keep nothing in the trees.

A creator that returns it needs a getter beside it that supplies the value.
"""


class _Named:
    full_name: str

    @property
    def module_name(self) -> str:
        return self.full_name.rpartition("/")[0]

    @property
    def name(self) -> str:
        return self.full_name.rpartition("/")[2]


class _GetterFields(NamedTuple):
    full_name: str
    module: Any
    original_dtype: Any
    original_shape: Sequence[int]
    original_init: Initializer | None
    lifted_prefix_name: str | None


class GetterContext(_Named, _GetterFields):
    """What a creator or getter is told about the parameter or state in question.

    Attributes:
      full_name: such as `mlp/~/linear_0/w`; `module_name` and `name` are its parts.
      module: the module that asks, or None outside any module.
      original_dtype: the dtype that was asked for.
      original_shape: the shape that was asked for.
      original_init: the initialiser that was given, or None.
      lifted_prefix_name: the names of the lifted modules around, with a `/` at the
        end; None during `apply` and where nothing is lifted.
    """

    __slots__ = ()


class _SetterFields(NamedTuple):
    full_name: str
    module: Any
    original_dtype: Any
    original_shape: Any
    lifted_prefix_name: str | None


class SetterContext(_Named, _SetterFields):
    """What a setter is told about the state that is being set.

    Attributes:
      full_name: such as `batch_norm/~/mean_ema/average`.
      module: the module that sets it, or None outside any module.
      original_dtype: the dtype of the value, or a tree of dtypes.
      original_shape: the shape of the value, or a tree of shapes.
      lifted_prefix_name: as for `GetterContext`.
    """

    __slots__ = ()


NextCreator = Callable[[Sequence[int], Any, Initializer], Any]
Creator = Callable[[NextCreator, Sequence[int], Any, Initializer, GetterContext], Any]
NextGetter = Callable[[Any], Any]
Getter = Callable[[NextGetter, Any, GetterContext], Any]
NextSetter = Callable[[Any], Any]
Setter = Callable[[NextSetter, Any, SetterContext], Any]


def run_creators(
    creators: Sequence[Creator],
    context: GetterContext,
    shape: Sequence[int],
    dtype: Any,
    init: Initializer,
) -> Any:
    """Makes a value, through the creators from the outermost inwards."""
    waiting = list(reversed(creators))

    def next_creator(shape: Sequence[int], dtype: Any, init: Initializer) -> Any:
        if not waiting:
            return init(shape, dtype)
        return waiting.pop()(next_creator, shape, dtype, init, context)

    return next_creator(shape, dtype, init)


def run_chain(
    functions: Sequence[Callable[[NextGetter, Any, Any], Any]],
    context: GetterContext | SetterContext,
    value: Any,
) -> Any:
    """Passes a value through getters or setters, from the outermost inwards."""
    waiting = list(reversed(functions))

    def next_function(value: Any) -> Any:
        if not waiting:
            return value
        return waiting.pop()(next_function, value, context)

    return next_function(value)


def _around(
    param_stack: list[Any], state_stack: list[Any], hook: Any, params: bool, state: bool
) -> contextlib.AbstractContextManager[Any]:
    stack = contextlib.ExitStack()
    if params:
        stack.enter_context(frames.pushed(param_stack, hook))
    if state:
        stack.enter_context(frames.pushed(state_stack, hook))
    return stack


def custom_creator(
    creator: Creator, *, params: bool = True, state: bool = False
) -> contextlib.AbstractContextManager[Any]:
    """Runs `creator` whenever a new parameter or piece of state is made.

    Args:
      creator: `creator(next_creator, shape, dtype, init, context)` returns the
        initial value, usually `next_creator(shape, dtype, init)` with other
        arguments.
      params: whether it runs for parameters.
      state: whether it runs for state.

    Returns:
      A context in which the creator is active.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def zeros(next_creator, shape, dtype, init, context):
    ...     return next_creator(shape, dtype, jnp.zeros)
    >>> def f():
    ...     with hk.custom_creator(zeros):
    ...         return hk.get_parameter("w", [], init=jnp.ones)
    >>> float(hk.transform(f).init(None)["~"]["w"])
    0.0
    """
    frames.current("custom_creator")
    return custom_creator_unsafe(creator, params=params, state=state)


def custom_creator_unsafe(
    creator: Creator, *, params: bool = True, state: bool = False
) -> contextlib.AbstractContextManager[Any]:
    """`custom_creator` for use outside a transformed function."""
    thread = frames.thread
    return _around(thread.param_creators, thread.state_creators, creator, params, state)


def custom_getter(
    getter: Getter, *, params: bool = True, state: bool = False
) -> contextlib.AbstractContextManager[Any]:
    """Runs `getter` whenever a parameter or piece of state is read.

    Args:
      getter: `getter(next_getter, value, context)` returns the value to use,
        usually `next_getter(...)` of some change to `value`.
      params: whether it runs for parameters.
      state: whether it runs for state.

    Returns:
      A context in which the getter is active.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def half(next_getter, value, context):
    ...     return next_getter(value.astype(jnp.bfloat16))
    >>> def f():
    ...     with hk.custom_getter(half):
    ...         return hk.get_parameter("w", [], init=jnp.ones)
    >>> f = hk.transform(f)
    >>> f.apply(f.init(None), None).dtype
    dtype(bfloat16)
    """
    frames.current("custom_getter")
    thread = frames.thread
    return _around(thread.param_getters, thread.state_getters, getter, params, state)


def custom_setter(setter: Setter) -> contextlib.AbstractContextManager[Any]:
    """Runs `setter` whenever state is set.

    Args:
      setter: `setter(next_setter, value, context)` returns the value to keep,
        usually `next_setter(value)`.

    Returns:
      A context in which the setter is active.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def doubled(next_setter, value, context):
    ...     return next_setter(2 * value)
    >>> def f():
    ...     with hk.custom_setter(doubled):
    ...         hk.set_state("x", jnp.ones([]))
    >>> params, state = hk.transform_with_state(f).init(None)
    >>> float(state["~"]["x"])
    2.0
    """
    frames.current("custom_setter")
    return frames.pushed(frames.thread.state_setters, setter)
