"""Modules: objects that name the parameters which their methods use."""

import contextlib
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import jax

from ..config import get_config
from . import constructors, frames
from .auto_repr import auto_repr
from .frames import NamedFrame, Scope, thread
from .naming import local_name, snake_case, unique_name

T = TypeVar("T")

_UNSCOPED = "__sonnax_unscoped"
_NAMED_LIKE = "__sonnax_named_like"


class MethodContext(NamedTuple):
    """What an interceptor is told about the method call it stands in for.

    Attributes:
      module: the module whose method is called.
      method_name: the method's name.
      orig_method: the bound method itself; calling it skips all interceptors.
      orig_class: the class that defines the method.
    """

    module: "Module"
    method_name: str
    orig_method: Callable[..., Any]
    orig_class: type["Module"]


Interceptor = Callable[
    [Callable[..., Any], tuple[Any, ...], dict[str, Any], MethodContext], Any
]


def intercept_methods(
    interceptor: Interceptor,
) -> contextlib.AbstractContextManager[Any]:
    """Runs `interceptor` in place of every module method called in the context.

    Args:
      interceptor: `interceptor(next_f, args, kwargs, context)` returns the result,
        usually that of `next_f(*args, **kwargs)`, changed or not.

    Returns:
      A context in which the interceptor is active.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def shout(next_f, args, kwargs, context):
    ...     print(context.module.name, context.method_name)
    ...     return next_f(*args, **kwargs)
    >>> def f(x):
    ...     module = hk.Flatten()
    ...     with hk.intercept_methods(shout):
    ...         return module(x)
    >>> _ = hk.transform(f).apply({}, None, jnp.ones([2, 3]))
    flatten __call__
    """
    return frames.pushed(thread.interceptors, interceptor)


def intercept_methods_global(interceptor: Interceptor) -> None:
    """Runs `interceptor` outside all others, in this thread and in new ones."""
    thread.interceptors.insert(0, interceptor)
    frames._global_interceptors.insert(0, interceptor)


MethodHook = Callable[["Module", str], contextlib.AbstractContextManager[Any]]


def hook_methods(hook: MethodHook) -> contextlib.AbstractContextManager[Any]:
    """Enters `hook(module, method_name)` around every module method called."""
    return frames.pushed(thread.method_hooks, hook)


def call_hooked(
    method: Callable[..., Any],
    method_name: str,
    owner: type["Module"],
    module: "Module",
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Calls a method through the interceptors and hooks of the thread."""
    bound = functools.partial(method, module)
    context = MethodContext(module, method_name, bound, owner)
    waiting = list(reversed(thread.interceptors))

    def next_f(*args: Any, **kwargs: Any) -> Any:
        if not waiting:
            return bound(*args, **kwargs)
        return waiting.pop()(next_f, args, kwargs, context)

    with contextlib.ExitStack() as stack:
        for hook in thread.method_hooks:
            stack.enter_context(hook(module, method_name))
        return next_f(*args, **kwargs)


def _wrapped(
    method_name: str, method: Callable[..., Any], owner: Callable[[], type]
) -> Callable[..., Any]:
    """Returns `method` run inside its module's scope."""
    if getattr(method, _UNSCOPED, False):
        return method
    scope_name = getattr(method, _NAMED_LIKE, method_name)

    prefix = "" if method_name == "__call__" else f"{method_name}/"

    @functools.wraps(method)
    def wrapped(self: "Module", *args: Any, **kwargs: Any) -> Any:
        stack = thread.frames
        if not stack or not isinstance(stack[-1], NamedFrame):
            raise ValueError(_OUTSIDE.format(type(self).__name__))
        run = method
        if thread.interceptors or thread.method_hooks:
            run = functools.partial(call_hooked, method, method_name, owner())
        scopes = stack[-1].scopes
        scopes.append(Scope(self, scope_name))
        try:
            name = getattr(self, "module_name", None)
            if name is None:
                out = run(self, *args, **kwargs)
                # The constructor has set it now.
                name = getattr(self, "module_name", None)
            else:
                with jax.named_scope(prefix + local_name(name)):
                    out = run(self, *args, **kwargs)
            if name is not None:
                for scope in scopes[1:]:
                    if scope.module is not self:
                        scope.module._submodules.add(name)
            return out
        finally:
            scopes.pop()

    return wrapped


_OUTSIDE = (
    "All `hk.Module`s must be initialized inside an `hk.transform`: a method of {} was "
    "called outside one. Make and call modules inside a function f, and use "
    "hk.transform(f).init and .apply."
)


class _ModuleMetaclass(type(Protocol)):  # type: ignore[misc]
    """Wraps the methods of modules so that they run inside the module's scope.

    It derives from Protocol's metaclass (and so from ABCMeta), so that a module
    may be abstract, and may implement a protocol.
    """

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]
    ) -> type:
        def owner() -> type:
            return cls

        methods = []
        for key, value in namespace.items():
            if key == "module_name" or (key.startswith("__") and key != "__call__"):
                continue
            if isinstance(value, property):
                getter, setter, deleter = (
                    f and _wrapped(key, f, owner)
                    for f in (value.fget, value.fset, value.fdel)
                )
                namespace[key] = property(getter, setter, deleter, value.__doc__)
            elif inspect.isfunction(value):
                methods.append(key)

        # Without it, a class with abstract methods would pass for a protocol.
        namespace.setdefault("_is_protocol", False)
        namespace.setdefault("__repr__", _repr)
        constructors.document(namespace)
        cls = super().__new__(mcs, name, bases, namespace)
        for key in methods:
            # Fetched from the class, so that decorators that are descriptors bind.
            setattr(cls, key, _wrapped(key, getattr(cls, key), owner))
        return cls

    if not TYPE_CHECKING:  # for a type checker a call is one of __init__

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            module = cls.__new__(cls, *args, **kwargs)
            # Past any __setattr__ of the class, whose constructor has not run yet.
            if get_config().module_auto_repr:
                object.__setattr__(module, "_constructed_with", (args, kwargs))
            _run_init(module, cls, args, kwargs)
            if not hasattr(module, "module_name"):
                raise ValueError(
                    f"{cls.__name__}.__init__ did not call the super constructor, "
                    "which names the module: add `super().__init__(name=name)` as its "
                    "first line."
                )
            return module

    @property
    def __signature__(cls) -> inspect.Signature:
        return constructors.signature(cls)


def _run_init(
    module: Any, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    init = cls.__dict__.get("_wrapped_init")
    if init is None or init.__wrapped__ is not cls.__init__:
        init = _wrapped("__init__", cls.__init__, lambda: cls)
        type.__setattr__(cls, "_wrapped_init", init)
    init(module, *args, **kwargs)


def _repr(module: "Module") -> str:
    made_with = module._constructed_with
    if made_with is None or not getattr(module, "AUTO_REPR", True):
        return object.__repr__(module)
    return auto_repr(type(module), *made_with)


class Module(metaclass=_ModuleMetaclass):
    """The base class of modules.

    A module is an object whose methods use parameters and state by local names;
    the module gives them their whole names. Modules are made and used inside a
    function that is passed to `hk.transform`.

    Attributes:
      name: the last component of the name.
      module_name: the whole name, such as `mlp/~/linear_0`.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> class AddBias(hk.Module):
    ...     def __call__(self, x):
    ...         return x + hk.get_parameter("b", x.shape[-1:], init=jnp.ones)
    >>> f = hk.transform(lambda x: AddBias()(x))
    >>> params = f.init(None, jnp.zeros([1, 2]))
    >>> params
    {'add_bias': {'b': Array([1., 1.], dtype=float32)}}
    """

    name: str
    module_name: str
    _submodules: set[str]
    _constructed_with: tuple[tuple[Any, ...], dict[str, Any]] | None = None

    def __init__(self, name: str | None = None):
        """Names the module; subclasses call it before they make anything.

        Args:
          name: a Python identifier, by default the class's name in snake case. It
            is made unique by a number.

        Raises:
          ValueError: if the name is not an identifier, or is taken.
        """
        if name is None:
            # A dataclass may have a field of this name.
            name = getattr(self, "name", None) or snake_case(type(self).__name__)
        self._submodules = set()
        self.module_name = unique_name(name)
        self.name = local_name(self.module_name)
        self._creation_frame_id = thread.frames[-1].id

    __post_init__ = __init__

    def params_dict(self) -> Mapping[str, jax.Array]:
        """Returns `{full name: value}` of the module's and submodules' parameters."""
        return _subtree(self, "params_dict", "params")

    def state_dict(self) -> Mapping[str, Any]:
        """Returns `{full name: value}` of the module's and submodules' state."""
        return _subtree(self, "state_dict", "state")


# No method, since those run in a scope of their own, and interceptors see them.
def _subtree(module: Module, caller: str, which: str) -> dict[str, Any]:
    tree = getattr(frames.current(f"Module.{caller}"), which)
    return {
        f"{owner}/{name}": value.current if which == "state" else value
        for owner, bundle in tree.items()
        if owner == module.module_name
        or owner.startswith(module.module_name + "/")
        or owner in module._submodules
        for name, value in bundle.items()
    }


@functools.singledispatch
def full_name(module: Any) -> str:
    """Returns the whole name of a module of any library, such as `mlp/~/linear_0`."""
    return module.module_name


@functools.singledispatch
def params_and_state(module: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Returns `{full name: value}` of a module's parameters, and of its state.

    Those of submodules are included. It is for the transformed function that runs.
    """
    return module.params_dict(), module.state_dict()


def transparent(method: T) -> T:
    """Marks a method as having no scope: what it makes belongs to its caller.

    Args:
      method: the method of a module class.

    >>> from sonnax import haiku_impl as hk
    >>> class Twin(hk.Module):
    ...     @hk.transparent
    ...     def clone(self):
    ...         return hk.Flatten(name="clone")
    >>> hk.testing.transform_and_run(lambda: Twin().clone().module_name)()
    'clone'
    """
    setattr(method, _UNSCOPED, True)
    return method


def name_like(method_name: str) -> Callable[[T], T]:
    """Marks a method so that what it makes is named as in another method.

    It keeps parameter names when code moves between methods. Numbers are counted
    within each method, so give modules of one class names of their own.

    Args:
      method_name: the method to be named like; it need not exist.

    >>> from sonnax import haiku_impl as hk
    >>> class Encoder(hk.Module):
    ...     @hk.name_like("__call__")
    ...     def encode(self):
    ...         return hk.Flatten().module_name
    >>> hk.testing.transform_and_run(lambda: Encoder().encode())()
    'encoder/flatten'
    """

    def decorator(method: T) -> T:
        setattr(method, _NAMED_LIKE, method_name)
        return method

    return decorator
