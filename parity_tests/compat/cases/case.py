"""A case of the table of modules, and what its inputs are made of."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import pytest
import tensorflow as tf

_running = "float32"


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """Makes a dtype that of the test that runs."""
    global _running
    before, _running = _running, name
    try:
        with jax.enable_x64(name == "float64"):
            yield
    finally:
        _running = before


def dtype() -> tf.DType:
    """The dtype of the test that runs, for modules that have it as an argument."""
    return tf.as_dtype(_running)


def called(module: Any, *args: Any, **kwargs: Any) -> Any:
    return module(*args, **kwargs)


@dataclasses.dataclass(frozen=True)
class Case:
    """A module, and how it is called.

    Attributes:
      name: what is special about it, beginning with the module's name.
      make: `make(snt)` returns the module, or a function, where `snt` is Sonnet or
        sonnax's compat (see `libraries.py`), so that the same line runs in both.
      inputs: for each argument a shape, for normal floats of the dtype of the test, or
        a function of a generator that returns an array of another dtype; in any nest
        of lists and dicts.
      calls: keyword arguments for each of several calls, one after the other.
      call: how the module is called, `call(module, *inputs, **kwargs)`.
      reference: makes what Sonnet runs instead, where it cannot run `make` itself.
      rtol: the relative tolerance in float32, with the reason in the case if it is
        another one.
      rtol64: the relative tolerance in float64.
      random: whether the outputs are random, so that values are not compared.
      excluded: the checks that leave it out, and why: "float64", "gradients",
        "bfloat16".
    """

    name: str
    make: Callable[[Any], Any]
    inputs: Sequence[Any] = ()
    calls: Sequence[Mapping[str, Any]] = ({},)
    call: Callable[..., Any] = called
    reference: Callable[[Any], Any] | None = None
    rtol: float = 1e-5
    rtol64: float = 1e-10
    random: bool = False
    excluded: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def skip_where_excluded(self, *checks: str) -> None:
        for check in checks:
            if check in self.excluded:
                pytest.skip(self.excluded[check])

    def make_sonnet(self, snt: Any) -> Any:
        return (self.reference or self.make)(snt)

    def draw(self, dtype: str, seed: int) -> list[Any]:
        """Returns the inputs of one call, the same for each library."""
        rng = np.random.default_rng(seed)
        return [_draw(spec, rng, dtype) for spec in self.inputs]


def integers(high: int, *shape: int) -> Callable[[np.random.Generator], np.ndarray]:
    """Stands for random ints in [0, high)."""
    return lambda rng: rng.integers(0, high, shape).astype(np.int32)


def _draw(spec: Any, rng: np.random.Generator, dtype: str) -> Any:
    if callable(spec):
        return spec(rng)
    if isinstance(spec, list):
        return [_draw(item, rng, dtype) for item in spec]
    if isinstance(spec, dict):
        return {key: _draw(item, rng, dtype) for key, item in spec.items()}
    return np.asarray(rng.normal(size=spec), dtype)
