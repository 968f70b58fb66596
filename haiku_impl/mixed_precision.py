"""Computing in one dtype with parameters in another, per class of modules."""

import contextlib
import dataclasses
from collections.abc import Hashable, Iterator
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from .core import frames
from .core.hooks import GetterContext, custom_creator, custom_getter
from .core.module import MethodContext, Module
from .core.thread_local import ThreadLocal
from .core.typing import PyTree


class PolicyLike(Protocol):
    """What a policy must offer; `jmp.Policy` does."""

    @property
    def param_dtype(self) -> Any: ...

    def cast_to_compute(self, x: PyTree) -> Any: ...

    def cast_to_output(self, x: PyTree) -> Any: ...


@dataclasses.dataclass(frozen=True)
class Policy:
    """The dtypes in which a module keeps parameters, computes, and returns.

    Attributes:
      param_dtype: of new parameters.
      compute_dtype: to which arguments, parameters and state are cast.
      output_dtype: to which results are cast.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> policy = hk.mixed_precision.Policy(jnp.float32, jnp.bfloat16, jnp.float32)
    >>> policy.cast_to_compute({"x": jnp.ones([]), "n": 1})
    {'n': 1, 'x': Array(1, dtype=bfloat16)}
    """

    param_dtype: Any
    compute_dtype: Any
    output_dtype: Any

    def cast_to_param(self, x: PyTree) -> Any:
        """Returns a tree with its floating-point arrays cast to `param_dtype`."""
        return _cast(x, self.param_dtype)

    def cast_to_compute(self, x: PyTree) -> Any:
        """Returns a tree with its floating-point arrays cast to `compute_dtype`."""
        return _cast(x, self.compute_dtype)

    def cast_to_output(self, x: PyTree) -> Any:
        """Returns a tree with its floating-point arrays cast to `output_dtype`."""
        return _cast(x, self.output_dtype)


def _cast(tree: Any, dtype: Any) -> Any:
    def cast(leaf: Any) -> Any:
        floating = hasattr(leaf, "astype") and jnp.issubdtype(leaf.dtype, jnp.floating)
        return leaf.astype(dtype) if floating else leaf

    return jax.tree.map(cast, tree)


class _Thread(ThreadLocal, global_name="_thread"):
    def __init__(self) -> None:
        self.by_class: dict[Hashable, PolicyLike] = {}
        self.active: list[PolicyLike] = []


_thread = _Thread()


def _key(cls: type[Module]) -> Hashable:
    # By name, so that a policy survives the reload of a Python module; but classes
    # made in a function share a name, and are told apart as objects.
    if "<locals>" in cls.__qualname__:
        return cls
    return cls.__module__, cls.__qualname__


def current_policy() -> PolicyLike | None:
    """Returns the policy of the innermost running module that has one, or None."""
    return _thread.active[-1] if _thread.active else None


def get_policy(cls: type[Module]) -> PolicyLike | None:
    """Returns the policy that was set for a class, or None.

    Args:
      cls: a class of modules.
    """
    return _thread.by_class.get(_key(cls))


def set_policy(cls: type[Module], policy: PolicyLike) -> None:
    """Sets the policy of a class of modules, in this thread.

    A policy holds for the modules of the class, and for those that they call unless
    these have a policy of their own.

    Args:
      cls: a class of modules; its subclasses are not meant.
      policy: a `Policy`, or a `jmp.Policy`.

    Raises:
      AssertionError: if the policy is None.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> policy = hk.mixed_precision.Policy(jnp.float32, jnp.bfloat16, jnp.float32)
    >>> def f(x):
    ...     return hk.get_parameter("w", [], init=jnp.ones) * x
    >>> Scale = hk.to_module(f)
    >>> hk.mixed_precision.set_policy(Scale, policy)
    >>> hk.testing.transform_and_run(lambda x: Scale()(x))(jnp.float32(1.01))
    Array(1.0078125, dtype=float32)
    >>> hk.mixed_precision.clear_policy(Scale)
    """
    if policy is None:
        raise AssertionError("To unset a policy use clear_policy; got policy=None.")
    # Outermost, so that other interceptors see what the module sees.
    if _apply_policy not in frames.thread.interceptors:
        frames.thread.interceptors.insert(0, _apply_policy)
    _thread.by_class[_key(cls)] = policy


def clear_policy(cls: type[Module]) -> None:
    """Removes the policy of a class, if it has one.

    Args:
      cls: a class of modules.
    """
    _thread.by_class.pop(_key(cls), None)
    if not _thread.by_class and _apply_policy in frames.thread.interceptors:
        frames.thread.interceptors.remove(_apply_policy)


@contextlib.contextmanager
def push_policy(cls: type[Module], policy: PolicyLike) -> Iterator[None]:
    """Sets the policy of a class while the context is active.

    Args:
      cls: a class of modules.
      policy: as for `set_policy`.

    Raises:
      ValueError: inside a method of the same class.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> half = hk.mixed_precision.Policy(jnp.bfloat16, jnp.bfloat16, jnp.bfloat16)
    >>> with hk.mixed_precision.push_policy(hk.Linear, half):
    ...     hk.mixed_precision.get_policy(hk.Linear) is half
    True
    """
    if policy is None:
        raise AssertionError("To unset a policy use clear_policy; got policy=None.")
    if frames.inside_transform():
        running = frames.thread.frames[-1].scopes[-1].module
        if running is not None and _key(type(running)) == _key(cls):
            raise ValueError(
                f"push_policy was called for {cls.__name__} inside one of its own "
                "methods: a policy for the same class is not supported there. Push it "
                "before the method is called."
            )
    previous = get_policy(cls)
    set_policy(cls, policy)
    try:
        yield
    finally:
        if previous is None:
            clear_policy(cls)
        else:
            set_policy(cls, previous)


def _create(
    next_creator: Any, shape: Any, dtype: Any, init: Any, context: GetterContext
) -> Any:
    return next_creator(shape, _thread.active[-1].param_dtype, init)


def _get(next_getter: Any, value: Any, context: GetterContext) -> Any:
    return next_getter(_thread.active[-1].cast_to_compute(value))


def _apply_policy(next_f: Any, args: Any, kwargs: Any, context: MethodContext) -> Any:
    policy = get_policy(type(context.module))
    if policy is None:
        return next_f(*args, **kwargs)
    with contextlib.ExitStack() as stack:
        if not _thread.active:
            stack.enter_context(custom_creator(_create))
            stack.enter_context(custom_getter(_get, state=True))
        stack.enter_context(frames.pushed(_thread.active, policy))
        args, kwargs = policy.cast_to_compute((args, kwargs))
        return policy.cast_to_output(next_f(*args, **kwargs))
