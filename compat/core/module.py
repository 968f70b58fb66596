"""Modules: objects that hold variables and other modules."""

import abc
import functools
import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import jax

from ...haiku_impl.core import constructors
from ...haiku_impl.core.frames import thread
from ...haiku_impl.core.module import call_hooked, full_name, params_and_state
from ...haiku_impl.core.naming import is_identifier, snake_case
from .construction import Construction
from .depth import check_room, too_deep
from .naming import NameScope, child_scope
from .once import once
from .variable import Variable
from .waiting import run_watched

T = TypeVar("T")

_UNSCOPED = "__sonnax_no_name_scope__"
_SCOPED_METHOD = "__sonnax_scoped__"
_MAY_BE_EMPTY = "__sonnax_allow_empty_variables__"
# A parameter of the environment of Sonnet's, for shorter stack traces.
_SCOPED = os.environ.get("SNT_MODULE_NAME_SCOPES", "").lower() not in ("0", "false")


def no_name_scope(method: T) -> T:
    """Marks a method so that what it makes is not named as its module's.

    Args:
      method: a method that makes modules or variables for its caller, such as
        `transpose`.

    >>> from sonnax import compat as snt
    >>> class Twin(snt.Module):
    ...     @snt.no_name_scope
    ...     def clone(self):
    ...         return snt.Variable(1.0, name="w")
    >>> Twin().clone().name
    'w:0'
    """
    setattr(method, _UNSCOPED, True)
    return method


def allow_empty_variables(module_or_cls: T) -> T:
    """Lets `variables` of a module be empty, which is an error otherwise.

    Args:
      module_or_cls: a module, or a class of modules.

    >>> from sonnax import compat as snt
    >>> snt.allow_empty_variables(snt.Module()).variables
    ()
    """
    setattr(module_or_cls, _MAY_BE_EMPTY, True)
    return module_or_cls


def _with_name_scope(
    method: Callable[..., Any], owner: Callable[[], type]
) -> Callable[..., Any]:
    if not _SCOPED or getattr(method, _UNSCOPED, False):
        return method
    inner = getattr(method, "__sonnax_once__", None)
    if inner is not None:
        # The scope goes inside, where it costs nothing after the first call.
        return once(_with_name_scope(inner, owner))
    if _is_scoped(method):  # of a class that was pickled by value
        return method

    @functools.wraps(method)
    def wrapped(self: "Module", *args: Any, **kwargs: Any) -> Any:
        try:
            scope = self._name_scope
        except AttributeError:
            raise AttributeError(
                f"The constructor of snt.Module must be called before other methods: "
                f"add `super().__init__(name=name)` at the top of "
                f"{type(self).__name__}.__init__, or mark the method "
                f"{method.__name__} with @snt.no_name_scope."
            ) from None
        run = method
        if thread.interceptors or thread.method_hooks:
            run = functools.partial(call_hooked, method, method.__name__, owner())
        if self._sonnax_waits is not None or thread.watched:
            run = functools.partial(run_watched, run)
        outer = thread.name_scope
        if outer is scope:  # by another method of the module, so that all is set
            return run(self, *args, **kwargs)
        thread.name_scope = scope
        try:
            if thread.frames:
                with jax.named_scope(self._name):
                    return run(self, *args, **kwargs)
            return run(self, *args, **kwargs)
        except RecursionError as error:
            raise too_deep(error, f"a call of {method.__qualname__}") from None
        finally:
            thread.name_scope = outer

    setattr(wrapped, _SCOPED_METHOD, method)
    return wrapped


def _is_scoped(method: Callable[..., Any]) -> bool:
    # A decorator of the user's copies the mark, but wraps another function.
    inner = getattr(method, _SCOPED_METHOD, None)
    return inner is not None and inner is getattr(method, "__wrapped__", None)


class ModuleMetaclass(abc.ABCMeta):
    """Wraps the methods of modules so that they run inside the module's name scope."""

    def __new__(
        mcs: Any, name: str, bases: tuple[type, ...], namespace: dict[str, Any]
    ) -> Any:
        def owner() -> type:
            return cls

        methods = []
        # What the base class itself has is read by those who watch methods.
        for key, value in namespace.items() if bases else ():
            if key == "name_scope" or (key.startswith("__") and key != "__call__"):
                continue
            if isinstance(value, property):
                fget, fset, fdel = (
                    f and _with_name_scope(f, owner)
                    for f in (value.fget, value.fset, value.fdel)
                )
                namespace[key] = property(fget, fset, fdel, value.__doc__)
            elif inspect.isfunction(value):
                methods.append(key)
        namespace.setdefault("__repr__", _repr)
        constructors.document(namespace)
        cls = super().__new__(mcs, name, bases, namespace)
        for key in methods:
            # Fetched from the class, so that decorators that are descriptors bind.
            setattr(cls, key, _with_name_scope(getattr(cls, key), owner))
        return cls

    if not TYPE_CHECKING:  # for a type checker a call is one of __init__

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            module = cls.__new__(cls, *args, **kwargs)
            outer = thread.name_scope
            try:
                module.__init__(*args, **kwargs)
            except RecursionError as error:
                raise too_deep(error, f"the making of a {cls.__name__}") from None
            finally:
                # The base constructor has entered the module's scope.
                thread.name_scope = outer
            if not hasattr(module, "_name_scope"):
                raise ValueError(
                    "Constructing a snt.Module without calling the super constructor "
                    "is not supported. Add the following as the first line in __init__ "
                    f"of {cls.__name__}:\n\nsuper().__init__(name=name)"
                )
            module._auto_repr = Construction(cls, args, kwargs)
            return module

    @property
    def __signature__(cls) -> inspect.Signature:
        return constructors.signature(cls)


_ABSENT = object()


def _restore(attributes: dict[str, Any], name: str, previous: Any) -> None:
    if previous is _ABSENT:
        attributes.pop(name, None)
    else:
        attributes[name] = previous


def _repr(module: "Module") -> str:
    return str(module._auto_repr)


class Module(metaclass=ModuleMetaclass):
    """The base class of modules: objects that hold variables and other modules.

    Methods run inside the module's name scope, so that the variables and modules
    they make have names such as `mlp/linear_0/w:0`. Attributes, and lists, tuples
    and dicts of them, are searched for variables.

    >>> from sonnax import compat as snt
    >>> class Scale(snt.Module):
    ...     @snt.once
    ...     def _initialize(self, x):
    ...         self.w = snt.Variable(2.0, name="w")
    ...     def __call__(self, x):
    ...         self._initialize(x)
    ...         return self.w * x
    >>> scale = Scale()
    >>> float(scale(3.0)), [v.name for v in scale.variables]
    (6.0, ['scale/w:0'])
    """

    _name: str
    _name_scope: NameScope
    _auto_repr: Construction
    # What waits for variables of the module, such as the values of a checkpoint.
    _sonnax_waits: Any = None

    def __init__(self, name: str | None = None):
        """Names the module and enters its scope; subclasses call it first.

        Args:
          name: a Python identifier, by default the class's name in snake case.

        Raises:
          ValueError: if the name is not an identifier.
        """
        if name is None:
            name = snake_case(type(self).__name__)
        elif not is_identifier(name):
            raise ValueError(
                f"{name!r} is not a valid module name. Module names must be valid "
                "Python identifiers (e.g. a valid class name)."
            )
        self._name = name
        self._name_scope = child_scope(name)
        if not getattr(type(self).__init__, _UNSCOPED, False):
            thread.name_scope = self._name_scope

    def __setattr__(self, name: str, value: Any) -> None:
        if thread.frames:
            attributes = vars(self)
            undo = attributes, name, attributes.get(name, _ABSENT)
            thread.frames[-1].on_failure.append(functools.partial(_restore, *undo))
        object.__setattr__(self, name, value)
        if (waits := self._sonnax_waits) is not None:
            waits.attribute_set(self, name, value)

    def __reduce_ex__(self, protocol: Any) -> Any:
        check_room(f"the copying or pickling of a {type(self).__name__}")
        return super().__reduce_ex__(protocol)

    @property
    def name(self) -> str:
        """The name that was passed to the constructor, or the class's."""
        return self._name

    @property
    def name_scope(self) -> NameScope:
        """The scope of the module: enter it to name variables as the module's."""
        return self._name_scope

    @classmethod
    def with_name_scope(cls, method: Callable[..., T]) -> Callable[..., T]:
        """Makes a method enter its module's name scope; all methods do so already."""

        @functools.wraps(method)
        def wrapped(self: "Module", *args: Any, **kwargs: Any) -> T:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return wrapped

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables of the module (by attribute name), then of its submodules.

        Raises:
          ValueError: if there are none, see `allow_empty_variables`.
        """
        return self._not_empty(self._flatten(_is_variable), "variables")

    @property
    def trainable_variables(self) -> tuple[Variable, ...]:
        """Those of `variables` that are trainable.

        Raises:
          ValueError: if there are none, see `allow_empty_variables`.
        """
        found = self._flatten(lambda leaf: _is_variable(leaf) and leaf.trainable)
        return self._not_empty(found, "trainable_variables")

    @property
    def non_trainable_variables(self) -> tuple[Variable, ...]:
        """Those of `variables` that are not trainable; there may be none."""
        return tuple(
            self._flatten(lambda leaf: _is_variable(leaf) and not leaf.trainable)
        )

    @property
    def submodules(self) -> tuple["Module", ...]:
        """The modules inside this one, at any depth."""
        return tuple(self._flatten(lambda leaf: isinstance(leaf, Module)))

    def _flatten(self, predicate: Callable[[Any], bool]) -> Iterator[Any]:
        return _leaves(self, predicate, {id(self)})

    def _not_empty(self, found: Iterable[T], which: str) -> tuple[T, ...]:
        values = tuple(found)
        if not values and not getattr(self, _MAY_BE_EMPTY, False):
            raise ValueError(
                f"{self!r} does not currently contain any {which}.\n\nMost modules "
                "create their variables when they are first called. Pass an example "
                f"input to the module, module(x), before you ask for module.{which}. "
                "If it has none by design, call snt.allow_empty_variables(module), or "
                "put it as a decorator on the class."
            )
        return values


@full_name.register
def _(module: Module) -> str:
    return module.name_scope.key


@params_and_state.register
def _(module: Module) -> tuple[dict[str, Any], dict[str, Any]]:
    params: dict[str, Any] = {}
    state: dict[str, Any] = {}
    for variable in module._flatten(_is_variable):
        tree = params if variable.trainable else state
        tree["/".join(variable.key)] = variable.value()
    return params, state


def _is_variable(leaf: Any) -> bool:
    return isinstance(leaf, Variable)


def _leaves(
    module: Module, predicate: Callable[[Any], bool], seen: set[int]
) -> Iterator[Any]:
    """Walks a module's own attributes in order of name, then the modules in them."""
    waiting = [module]
    while waiting:
        submodules = []
        attributes = vars(waiting.pop())
        for key in sorted(attributes):
            for leaf in flatten(attributes[key]):
                if id(leaf) in seen:
                    continue
                seen.add(id(leaf))
                if predicate(leaf):
                    yield leaf
                if isinstance(leaf, Module):
                    submodules.append(leaf)
        waiting += reversed(submodules)


def flatten(structure: Any) -> Iterator[Any]:
    """Walks lists, tuples, named tuples in field order, and dicts in order of key.

    >>> list(flatten({"b": [1, (2,)], "a": 3}))
    [3, 1, 2]
    """
    waiting = [structure]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping):
            waiting += [item[key] for key in sorted(item, reverse=True)]
        elif isinstance(item, Sequence) and not isinstance(item, str | bytes):
            waiting += reversed(item)
        else:
            yield item


class Optimizer(Module):
    """The base class of optimizers."""

    @abc.abstractmethod
    def apply(self, updates: Sequence[Any], parameters: Sequence[Variable]) -> None:
        """Changes each parameter by its update.

        Args:
          updates: gradients, one for each parameter; None leaves it as it is.
          parameters: variables.
        """
