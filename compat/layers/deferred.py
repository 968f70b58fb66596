"""Modules whose construction waits until they are needed."""

from collections.abc import Callable, Iterable
from typing import Any

from ..core.module import Module, no_name_scope


class Deferred(Module):
    """Stands for a module that is made when it is first called.

    So a module can depend on what is known of another only once that has been called.
    From then on attributes are those of the module, which is named as if it had been
    made where it was first called.

    Args:
      constructor: makes the module, without arguments.
      call_methods: the methods that make it, by default `__call__` alone.
      name: of this module, default "deferred".

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> encoder = snt.Linear(2)
    >>> decoder = snt.Deferred(lambda: snt.Linear(encoder.input_size))
    >>> decoder(encoder(jnp.ones([1, 5]))).shape
    (1, 5)
    >>> decoder
    Deferred(Linear(output_size=5))
    """

    def __init__(
        self,
        constructor: Callable[[], Any],
        call_methods: Iterable[str] = ("__call__",),
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._constructor: Callable[[], Any] | None = constructor
        self._target: Any = None
        for method in call_methods:
            # Python looks __call__ up on the class, which has one.
            if method != "__call__":
                setattr(self, method, _Method(self, method))

    @property
    @no_name_scope
    def target(self) -> Any:
        """The module, which is made now if it has not been yet."""
        if self._target is None:
            assert self._constructor is not None
            self._target = self._constructor()
            self._constructor = None
        return self._target

    @no_name_scope
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the module."""
        return self.target(*args, **kwargs)

    def __repr__(self) -> str:
        # A repr must not have the effect of making the module.
        shown = self._constructor if self._target is None else self._target
        return f"Deferred({shown!r})"

    __str__ = __repr__

    def __getattr__(self, name: str) -> Any:
        target = vars(self).get("_target")
        if target is None:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}. If it is "
                "one of the deferred module, call that first."
            )
        return getattr(target, name)

    def __setattr__(self, name: str, value: Any) -> None:
        owner = self._owner(name)
        if owner is self:
            super().__setattr__(name, value)
        else:
            setattr(owner, name, value)

    def __delattr__(self, name: str) -> None:
        owner = self._owner(name)
        if owner is self:
            super().__delattr__(name)
        else:
            delattr(owner, name)

    @no_name_scope
    def _owner(self, name: str) -> Any:
        """Returns the module once it is made, or this one, for its own attributes."""
        target = vars(self).get("_target")
        own = target is None or name in ("_target", "_constructor")
        return self if own else target


class _Method:
    """A method of the deferred module that makes the module."""

    def __init__(self, deferred: Deferred, name: str):
        self._deferred = deferred
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._deferred.target, self._name)(*args, **kwargs)
