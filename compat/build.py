"""Creating the variables of a module without computing its outputs."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ..haiku_impl.core.child import run_child
from .core.discovery import discover
from .core.dtypes import as_array, as_dtype

# What an unknown size is traced as: two sizes, to see what depends on it.
_UNKNOWN_SIZES = (32, 64)


@dataclasses.dataclass(frozen=True)
class PartialSpec:
    """An array of which not every size is known, which JAX's own specs must be.

    Attributes:
      shape: its sizes, None for each that is unknown.
      dtype: its dtype.
    """

    shape: tuple[int | None, ...]
    dtype: Any


def build(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Creates the variables that a call would create, and computes nothing else.

    Variables get their initial values; what the call would assign to variables is
    not assigned.

    Args:
      f: a module or a function.
      *args: its arguments. A list or tuple of ints and Nones stands for a float32
        array of that shape, where None is any size. A `jax.ShapeDtypeStruct`, or
        anything of TensorFlow with a shape and a dtype, stands for an array too.
      **kwargs: more arguments, in which lists are lists.

    Returns:
      What `f` would return, with a `jax.ShapeDtypeStruct` for each array. Where sizes
      follow from unknown ones it is something else with a `shape`, in which those are
      None, and a `dtype`.

    >>> from sonnax import compat as snt
    >>> net = snt.Linear(10)
    >>> snt.build(net, [None, 28]).shape, [v.shape for v in net.variables]
    ((None, 10), [(10,), (28, 10)])
    """
    args = tuple(_promoted(arg) for arg in args)
    leaves, structure = jax.tree.flatten((args, kwargs), is_leaf=_is_spec)
    specs = {i: leaf for i, leaf in enumerate(leaves) if _is_spec(leaf)}

    def call(arrays: list[jax.Array]) -> Any:
        given = dict(zip(specs, arrays))
        merged = [given.get(i, leaf) for i, leaf in enumerate(leaves)]
        call_args, call_kwargs = jax.tree.unflatten(structure, merged)
        return f(*call_args, **call_kwargs)

    first, second = ([_sized(s, n) for s in specs.values()] for n in _UNKNOWN_SIZES)
    discover(call, ([jnp.zeros(s.shape, s.dtype) for s in first],), {})
    outputs = _outputs(call, first)
    if first == second:
        return outputs
    return jax.tree.map(_merged, outputs, _outputs(call, second))


def _promoted(arg: Any) -> Any:
    if isinstance(arg, list | tuple) and all(isinstance(n, int | None) for n in arg):
        return PartialSpec(tuple(arg), jnp.float32)
    return arg


def _is_spec(leaf: Any) -> bool:
    of_tensorflow = type(leaf).__module__.startswith("tensorflow")
    return isinstance(leaf, PartialSpec | jax.ShapeDtypeStruct) or (
        of_tensorflow and hasattr(leaf, "shape") and hasattr(leaf, "dtype")
    )


def _sized(spec: Any, unknown: int) -> jax.ShapeDtypeStruct:
    shape = tuple(unknown if size is None else int(size) for size in spec.shape)
    return jax.ShapeDtypeStruct(shape, as_dtype(spec.dtype))


def _outputs(call: Callable[..., Any], specs: list[jax.ShapeDtypeStruct]) -> Any:
    outputs = []

    def trace(arrays: list[jax.Array]) -> None:
        out, _, _ = run_child(call, (arrays,))
        outputs.append(jax.tree.map(_spec, out))

    jax.eval_shape(trace, specs)
    return outputs[0]


def _spec(leaf: Any) -> Any:
    if not hasattr(leaf, "shape") and not isinstance(leaf, int | float):
        return leaf
    array = as_array(leaf)
    return jax.ShapeDtypeStruct(array.shape, array.dtype)


def _merged(one: Any, other: Any) -> Any:
    if not isinstance(one, jax.ShapeDtypeStruct):
        return one
    shape = tuple(a if a == b else None for a, b in zip(one.shape, other.shape))
    return one if shape == one.shape else PartialSpec(shape, one.dtype)
