"""A case of the table of modules, and what its functions are made of."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Case(NamedTuple):
    """A function to be transformed, and the arrays to call it with.

    It is built from `hk`, which is Haiku or sonnax's `haiku_impl`, so that the same
    line runs in both.

    Attributes:
      name: what is special about it, beginning with the module's name.
      build: `build(hk)` returns the function; it runs inside the transform.
      args: shapes of floating inputs, or arrays of another dtype.
    """

    name: str
    build: Callable[[Any], Callable[..., Any]]
    args: Sequence[Any]

    def inputs(self, dtype: Any) -> list[jax.Array]:
        rng = np.random.default_rng(0)
        return [
            jnp.asarray(rng.normal(size=arg), dtype)
            if isinstance(arg, tuple)
            else jnp.asarray(arg)
            for arg in self.args
        ]

    def function(self, hk: Any) -> Callable[..., Any]:
        def f(*inputs):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                return self.build(hk)(*inputs)

        return f


def called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Fixes the arguments after the inputs."""
    return lambda *inputs: function(*inputs, *args, **kwargs)


def twice(module: Any) -> Any:
    """Calls a module two times, so that its state matters."""

    def run(*inputs):
        first = module(*inputs)
        return first, module(*inputs)

    return run


def key() -> jax.Array:
    return jax.random.PRNGKey(3)


INITIALIZERS: dict[str, Callable[[Any], Any]] = {
    "constant": lambda init: init.Constant(0.3),
    "normal": lambda init: init.RandomNormal(0.2, 1.0),
    "truncated": lambda init: init.TruncatedNormal(0.2, 1.0, lower=-1.0, upper=1.5),
    "uniform": lambda init: init.RandomUniform(-1.0, 2.0),
    "he_uniform": lambda init: init.VarianceScaling(2.0, "fan_in", "uniform"),
    "glorot_normal": lambda init: init.VarianceScaling(
        1.0, "fan_avg", "truncated_normal"
    ),
    "out_normal": lambda init: init.VarianceScaling(0.5, "fan_out", "Normal"),
    "heads": lambda init: init.VarianceScaling(
        1.0, "fan_in", "normal", fan_in_axes=[0]
    ),
    "uniform_scaling": lambda init: init.UniformScaling(1.5),
    "orthogonal": lambda init: init.Orthogonal(0.7),
    "orthogonal_rows": lambda init: init.Orthogonal(axis=0),
    "identity": lambda init: init.Identity(2.0),
}


def initial(hk: Any, name: str) -> Any:
    return INITIALIZERS[name](hk.initializers)
