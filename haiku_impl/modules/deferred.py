"""Modules whose construction waits until they are needed."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from ..core import frames
from ..core.module import Module

T = TypeVar("T", bound=Module)


class Deferred(Generic[T]):
    """Stands for a module that is made when it is first called.

    So a module can depend on what is known of another only once that has been
    called. After the construction, attributes are those of the module, which is
    named as if it had been made where the `Deferred` was.

    Args:
      factory: Makes the module.
      call_methods: The methods, beside attributes and `target`, that make it; by
        default `__call__`.

    Raises:
      ValueError: There is no transformed function running.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> def autoencoder(x):
      ...     encoder = hk.Linear(2)
      ...     decoder = hk.Deferred(lambda: hk.Linear(encoder.input_size))
      ...     return decoder(encoder(x))
      >>> x = jnp.ones([1, 5])
      >>> f = hk.transform(autoencoder)
      >>> f.apply(f.init(jax.random.PRNGKey(0), x), None, x).shape
      (1, 5)
    """

    def __init__(
        self, factory: Callable[[], T], call_methods: Sequence[str] = ("__call__",)
    ):
        scope = frames.current("Deferred").scopes[-1]
        self._factory: Callable[[], T] | None = factory
        self._made_in = scope.module, scope.method_name
        self._target: T | None = None
        for name in call_methods:
            # Python looks __call__ up on the class, which has one.
            if name != "__call__":
                setattr(self, name, _call_of_target(self, name))

    @property
    def target(self) -> T:
        """The module, which is made now if it has not been yet."""
        if self._target is None:
            assert self._factory is not None
            scope = frames.current("Deferred").scopes[-1]
            calling = scope.module, scope.method_name
            if self._made_in[0] is not None:
                scope.module, scope.method_name = self._made_in
            try:
                self._target = self._factory()
            finally:
                scope.module, scope.method_name = calling
            self._factory = None
        return self._target

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        target: Any = self.target
        return target(*args, **kwargs)

    def __str__(self) -> str:
        return f"Deferred({self.target})"

    def __repr__(self) -> str:
        return f"Deferred({self.target!r})"

    def __getattr__(self, name: str) -> Any:
        target = self.__dict__.get("_target")
        if target is None:
            raise AttributeError(
                f"'{type(self).__name__}' object has no attribute '{name}': its "
                "module has not been made yet; call it, or read its `target`, first."
            )
        return getattr(target, name)

    def __setattr__(self, name: str, value: Any) -> None:
        target = self.__dict__.get("_target")
        if target is None or name in self.__dict__:
            super().__setattr__(name, value)
        else:
            setattr(target, name, value)

    def __delattr__(self, name: str) -> None:
        target = self.__dict__.get("_target")
        if target is None or name in self.__dict__:
            super().__delattr__(name)
        else:
            delattr(target, name)


def _call_of_target(deferred: Deferred[Any], method_name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(deferred.target, method_name)(*args, **kwargs)

    return call
