"""JAX's transforms of pure functions, with the signatures of `snt.functional`."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from jax.sharding import Sharding

from ..core.typing import PyTree

P = ParamSpec("P")
T = TypeVar("T")

ArgNums = int | Sequence[Any] | Mapping[str, Any]
"""The position of an argument, or several in lists, tuples or dicts."""
Device: TypeAlias = str | jax.Device | Sharding
"""A device or its name, or how to lay out on several."""


def as_device(device: Device | None) -> jax.Device | Sharding | None:
    """Returns the device of a name such as "cpu:0" or TensorFlow's "/device:CPU:0".

    Args:
      device: a name, one of JAX's devices or shardings, or None.

    Raises:
      ValueError: if there is no such device.
    """
    if not isinstance(device, str):
        return device
    kind, _, number = device.lower().rpartition("device:")[2].partition(":")
    try:
        return jax.devices(kind)[int(number or 0)]
    except (RuntimeError, IndexError, ValueError) as error:
        raise ValueError(
            f"There is no device {device!r}. There are {jax.devices()}, and those that "
            "jax.devices(kind) lists."
        ) from error


def jit(f: Callable[P, T], device: Device | None = None) -> Callable[P, T]:
    """Compiles a pure function: `jax.jit`.

    Args:
      f: a pure function of trees of arrays.
      device: where it runs, a name or a device; None leaves it to JAX.

    >>> from sonnax import compat as snt
    >>> int(snt.functional.jit(lambda x: x + 1)(2))
    3
    """
    compiled = jax.jit(f)
    if device is None:
        return compiled

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = jax.device_put((args, kwargs), as_device(device))
        return compiled(*args, **kwargs)

    return wrapped


def value_and_grad(
    f: Callable[P, T], argnums: ArgNums = 0, has_aux: bool = False
) -> Callable[P, tuple[T, Any]]:
    """Returns a function that computes a pure function and its gradient.

    Args:
      f: a pure function that returns an array; that of several numbers is
        differentiated as their sum. With `has_aux` it returns a pair, of the array and
        anything else.
      argnums: the position of the argument to differentiate by, or several in lists,
        tuples or dicts.
      has_aux: whether `f` returns something beside the array.

    Returns:
      A function that returns what `f` does, and gradients in the structure of
      `argnums`.

    >>> from sonnax import compat as snt
    >>> f = snt.functional.value_and_grad(lambda x, y: x * y, argnums=[0, 1])
    >>> value, gradients = f(2.0, 3.0)
    >>> float(value), [float(g) for g in gradients]
    (6.0, [3.0, 2.0])
    """
    numbers, structure = jax.tree.flatten(argnums)

    def summed(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        out: Any = f(*args, **kwargs)
        value = jnp.asarray(out[0] if has_aux else out)
        return (value.sum() if value.ndim else value), out

    differentiated = jax.value_and_grad(summed, tuple(numbers), has_aux=True)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        (_, out), gradients = differentiated(*args, **kwargs)
        return out, jax.tree.unflatten(structure, gradients)

    return wrapped


def grad(
    f: Callable[P, Any], argnums: ArgNums = 0, has_aux: bool = False
) -> Callable[P, Any]:
    """Returns a function that computes the gradient of a pure function.

    Args:
      f: as for `value_and_grad`.
      argnums: as for `value_and_grad`.
      has_aux: as for `value_and_grad`.

    Returns:
      A function that returns the gradients; with `has_aux`, a pair of them and what
      `f` returned beside the array.

    >>> from sonnax import compat as snt
    >>> float(snt.functional.grad(lambda x: x**2)(3.0))
    6.0
    """
    differentiated = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        out, gradients = differentiated(*args, **kwargs)
        return (gradients, out[1]) if has_aux else gradients

    return wrapped


def device_put(t: PyTree, device: Device | None = None) -> PyTree:
    """Puts a tree of arrays on a device.

    Args:
      t: arrays, in any tree.
      device: a name, a device or a sharding; None is JAX's default.

    >>> from sonnax import compat as snt
    >>> snt.functional.device_put([1.0], "cpu")[0].device.platform
    'cpu'
    """
    return jax.device_put(t, as_device(device))


def device_get(t: PyTree) -> PyTree:
    """Returns a tree of arrays as NumPy's arrays.

    Args:
      t: arrays, in any tree.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> snt.functional.device_get([jnp.ones([2])])
    [array([1., 1.], dtype=float32)]
    """
    return jax.device_get(t)
