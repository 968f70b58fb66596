"""Changing what is read where a module reads its variables."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ...haiku_impl.core.frames import pushed
from ...haiku_impl.core.thread_local import ThreadLocal
from .module import Module
from .variable import Variable


class _Getter(NamedTuple):
    """What one context asks for."""

    getter: Callable[[Variable], Any]
    classes: frozenset[type]
    instances: frozenset[int] | None


class _Thread(ThreadLocal, global_name="_thread"):
    def __init__(self) -> None:
        self.getters: list[_Getter] = []


_thread = _Thread()
_lock = threading.Lock()
# For each class whose attribute access is hooked now, in how many contexts it is, and
# the method that the class itself had before.
_hooked: dict[type, tuple[int, Any]] = {}


@contextlib.contextmanager
def custom_variable_getter(
    getter: Callable[[Variable], Any],
    classes: Iterable[type] | None = None,
    instances: Iterable[Any] | None = None,
) -> Iterator[None]:
    """Applies a function to each variable that is read as an attribute.

    It holds in this thread while the context is active. Variables in lists, tuples
    and dicts are found too.

    Args:
      getter: a function of a variable.
      classes: the classes whose attributes are concerned; by default those of the
        instances, or `snt.Module`.
      instances: the objects concerned, by default all of the classes.

    >>> import jax
    >>> from sonnax import compat as snt
    >>> linear = snt.Linear(1, w_init=snt.initializers.Ones())
    >>> _ = linear(jax.numpy.ones([1, 1]))
    >>> with snt.custom_variable_getter(lambda v: 3 * v.value()):
    ...     float(linear(jax.numpy.ones([1, 1]))[0, 0])
    3.0
    """
    if instances is not None:
        instances = list(instances)
    if classes is None:
        classes = [Module] if instances is None else {type(o) for o in instances}
    concerned = frozenset(classes)
    ids = None if instances is None else frozenset(id(o) for o in instances)
    with contextlib.ExitStack() as stack:
        for cls in concerned:
            stack.enter_context(_hook(cls))
        stack.enter_context(pushed(_thread.getters, _Getter(getter, concerned, ids)))
        yield


@contextlib.contextmanager
def _hook(cls: Any) -> Iterator[None]:
    """Makes attribute access of a class go through the active getters."""
    with _lock:
        count, own = _hooked.get(cls, (0, vars(cls).get("__getattribute__")))
        _hooked[cls] = (count + 1, own)
        if not count:
            cls.__getattribute__ = _hooked_access(cls, own)
    try:
        yield
    finally:
        with _lock:
            count, own = _hooked.pop(cls)
            if count > 1:
                _hooked[cls] = (count - 1, own)
            elif own is None:
                del cls.__getattribute__
            else:
                cls.__getattribute__ = own


def _hooked_access(cls: Any, own: Any) -> Callable[[Any, str], Any]:
    def access(instance: Any, name: str) -> Any:
        if own is None:
            value = super(cls, instance).__getattribute__(name)
        else:
            value = own(instance, name)
        # What Python itself looks up stays as it is, __dict__ above all.
        if name.startswith("__"):
            return value
        for getter, classes, instances in _thread.getters:
            if instances is not None and id(instance) not in instances:
                continue
            # Base classes are hooked too if they are concerned; one applies it.
            nearest = next(c for c in type(instance).__mro__ if c in classes | {cls})
            if cls in classes and nearest is cls:
                value = _mapped(getter, value)
        return value

    return access


def _mapped(getter: Callable[[Variable], Any], value: Any) -> Any:
    """Applies the getter to the variables in a nest; without any, returns it as is."""
    if isinstance(value, Variable):
        return getter(value)
    if isinstance(value, Mapping):
        items = {key: _mapped(getter, item) for key, item in value.items()}
        changed = any(items[key] is not value[key] for key in value)
        return type(value)(items) if changed else value  # type: ignore[call-arg]
    if isinstance(value, list | tuple):
        new = [_mapped(getter, item) for item in value]
        if all(a is b for a, b in zip(new, value)):
            return value
        return type(value)(*new) if hasattr(value, "_fields") else type(value)(new)
    return value
