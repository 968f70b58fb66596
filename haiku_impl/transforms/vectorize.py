"""Mapping a function that uses modules over an axis."""

import functools
from collections.abc import Callable, Hashable
from typing import Any, ParamSpec, TypeVar

import jax

from ..core import frames
from ..core.child import commit, run_child
from ..core.random import PRNGSequence, next_rng_keys
from ..core.typing import Axes, PyTree
from .stateful import wrap_like

P = ParamSpec("P")
T = TypeVar("T")


def _with_default(f: Callable[P, T]) -> Callable[P, T]:
    """Lets a program that can't be changed leave `split_rng` out."""

    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if "split_rng" not in kwargs:
            if wrapper.require_split_rng:  # type: ignore[attr-defined]
                raise TypeError(
                    "hk.vmap needs the argument split_rng: True if each element draws "
                    "keys of its own, False if all draw the same. In a program that "
                    "can't be changed, set `hk.vmap.require_split_rng = False`, and "
                    "it is False."
                )
            kwargs["split_rng"] = False
        return f(*args, **kwargs)

    wrapper.require_split_rng = True  # type: ignore[attr-defined]
    return wrapper


@_with_default
def vmap(
    fun: Callable[P, T],
    in_axes: Axes = 0,
    out_axes: PyTree = 0,
    axis_name: str | None = None,
    axis_size: int | None = None,
    *,
    split_rng: bool,
    spmd_axis_name: Hashable | None = None,
) -> Callable[P, T]:
    """Like `jax.vmap`; parameters and state are shared, not mapped.

    To map parameters too, see `lift`.

    Args:
      fun: a function that uses modules, state and keys.
      in_axes: as for `jax.vmap`.
      out_axes: as for `jax.vmap`.
      axis_name: as for `jax.vmap`.
      axis_size: as for `jax.vmap`.
      split_rng: whether each element draws keys of its own (True), or all the same.
        Where parameters are made they must be the same:
        `split_rng=not hk.running_init()`.
      spmd_axis_name: as for `jax.vmap`.

    Returns:
      The mapped function.

    Raises:
      ValueError: when called outside a transformed function; if no axis is mapped;
        if parameters or state would differ from element to element.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def f(x):
    ...     return hk.vmap(lambda _: hk.next_rng_key(), split_rng=True)(x)
    >>> keys = hk.transform(f).apply({}, jax.random.PRNGKey(0), jnp.arange(2))
    >>> bool((keys[0] == keys[1]).all())
    False
    """
    if not jax.tree.leaves(in_axes):
        raise ValueError(
            f"{getattr(fun, '__name__', fun)} must have at least one non-None value in "
            f"in_axes, or there is no axis to map over; got in_axes={in_axes!r}."
        )
    in_axes = tuple(in_axes) if isinstance(in_axes, list) else in_axes

    def pure(args: tuple[Any, ...], key: Any) -> Any:
        rng = PRNGSequence(key) if split_rng else None
        return run_child(fun, args, rng=rng, share_names=False)[:2]

    mapped = jax.vmap(
        wrap_like(pure, fun),
        in_axes=(in_axes, 0 if split_rng else None),
        out_axes=(out_axes, None),
        axis_name=axis_name,
        axis_size=axis_size,
        spmd_axis_name=spmd_axis_name,
    )

    def wrapper(*args: Any) -> Any:
        frame = frames.current("vmap")
        keys = None
        if split_rng:
            keys = next_rng_keys(_mapped_size(args, in_axes, axis_size))
        try:
            out, writes = mapped(args, keys)
        except ValueError as error:
            if split_rng and not frame.frozen and "out_axes" in str(error):
                raise ValueError(
                    "hk.vmap does not support setting split_rng to True during "
                    "initialization, where parameters made from different keys would "
                    "differ, and all elements share them. Use "
                    "`split_rng=not hk.running_init()`."
                ) from error
            raise
        commit(writes)
        return out

    return wrap_like(wrapper, fun)


def _mapped_size(args: Any, in_axes: Any, axis_size: int | None) -> int:
    if axis_size is not None:
        return axis_size

    def size(axis: int | None, tree: Any) -> int | None:
        if axis is None:
            return None
        sizes = {leaf.shape[axis] for leaf in jax.tree.leaves(tree)}
        if len(sizes) > 1:
            raise ValueError(
                f"Axis {axis} is mapped over, and has different sizes in the arrays of "
                f"one argument: {sorted(sizes)}."
            )
        return sizes.pop() if sizes else None

    sizes = jax.tree.map(size, in_axes, args, is_leaf=lambda axis: axis is None)
    # If there are several, JAX says what is wrong with them.
    return jax.tree.leaves(sizes)[0]
