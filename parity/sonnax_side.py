"""Models on sonnax's compat, as the recorder needs them: `python -m` runs one."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .recorder.capture import Capture, replaced_methods
from .recorder.model_file import trainable_variables
from .recorder.process import main
from .recorder.structure import flatten


class SonnaxSide:
    """See `recorder.side.Side`.

    Args:
      precision: "float32" or "float64", for which jnp.float32 is changed in this
        process before sonnax and the user's code see it.
    """

    library = "sonnax.compat"

    def __init__(self, precision: str):
        self.precision = precision
        if precision == "float64":
            jax.config.update("jax_enable_x64", True)
            jnp.float32 = jnp.float64
        from .. import compat, converters

        self._snt = compat
        self._converters = converters

    def versions(self) -> dict[str, str]:
        from .._version import __version__

        return {
            "sonnax": __version__,
            "jax": jax.__version__,
            "device": jax.devices()[0].device_kind,
            "python": platform.python_version(),
        }

    def is_module(self, value: Any) -> bool:
        return isinstance(value, self._snt.Module)

    def is_variable(self, value: Any) -> bool:
        return isinstance(value, self._snt.Variable)

    def to_numpy(self, value: Any) -> np.ndarray | None:
        if isinstance(value, self._snt.Variable):
            return np.asarray(value.numpy())
        if isinstance(value, jax.Array | np.ndarray | np.generic):
            return np.asarray(value)
        return None

    def to_array(self, value: np.ndarray) -> Any:
        if value.dtype in (np.float32, np.float64):
            value = value.astype(self.precision)
        return jnp.asarray(value)

    def seed(self, seed: int) -> None:
        self._snt.random.set_seed(seed)

    @contextlib.contextmanager
    def capturing(self, capture: Capture) -> Iterator[None]:
        from ..haiku_impl.core.module import Module

        def captured(cls: type, name: str, method: Any) -> Callable[..., Any]:
            return self._captured(cls, name, method, capture)

        with (
            replaced_methods(self._snt.Module, captured),
            replaced_methods(Module, captured),
        ):
            yield
        jax.effects_barrier()

    def _captured(
        self, cls: type, name: str, method: Any, capture: Capture
    ) -> Callable[..., Any]:
        def captured(module: Any, *args: Any, **kwargs: Any) -> Any:
            bound = method.__get__(module, type(module))
            if capture.passes_over(module, name, cls):
                return bound(*args, **kwargs)
            given = self._leaves([*args, kwargs])
            capture.enter(module, name)
            try:
                outputs = bound(*args, **kwargs)
            except BaseException:
                capture.abandon()
                raise
            self._leave(capture, given, self._leaves(outputs))
            return outputs

        return captured

    def _leave(
        self,
        capture: Capture,
        given: dict[str, Any],
        returned: dict[str, Any],
    ) -> None:
        """Notes the end of a call: now, or when the loop whose body it is in runs."""
        arrays = [
            {k: leaf for k, leaf in leaves.items() if isinstance(leaf, jax.Array)}
            for leaves in (given, returned)
        ]
        if not any(isinstance(x, jax.core.Tracer) for d in arrays for x in d.values()):
            capture.leave(given, returned)
            return
        call = capture.abandon()

        def arrive(*values: Any) -> None:
            named = (dict(zip(names, found)) for names, found in zip(arrays, values))
            inputs, outputs = (
                {**leaves, **found} for leaves, found in zip((given, returned), named)
            )
            capture.arrive(call, inputs, outputs)

        # As lists: JAX would sort the keys of dicts.
        jax.debug.callback(arrive, *(list(found.values()) for found in arrays))

    def _leaves(self, value: Any) -> dict[str, Any]:
        """Returns the leaves of a value by their places, as they are now."""
        found = {}
        for path, leaf in flatten(value):
            if self.is_variable(leaf):
                leaf = leaf.value()
            is_array = isinstance(leaf, jax.Array)
            if is_array and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
                leaf = jax.random.key_data(leaf)
            found[path] = leaf.copy() if isinstance(leaf, np.ndarray) else leaf
        return found

    def restore(
        self, path: str, model: Mapping[str, Any], others: Mapping[str, Any]
    ) -> Callable[[], Any]:
        checkpoint = self._converters.open_checkpoint(path)
        if others:
            self._converters.restore(checkpoint, **others)
        status = self._converters.restore(checkpoint, **model)
        return status.assert_existing_objects_matched

    def save(self, path: str, objects: Mapping[str, Any]) -> None:
        self._converters.save(path, **objects)

    def saved_names(self, path: str) -> list[str]:
        graph = self._converters.open_checkpoint(path).object_graph
        return sorted({*graph.nodes[0].children} - {"save_counter"}) if graph else []

    def widen(self, path: str, widened: str) -> None:
        checkpoint = self._converters.open_checkpoint(path)
        tensors = {name: checkpoint[name] for name in checkpoint}
        self._converters.write_bundle(
            widened,
            {
                name: value.astype(np.float64) if value.dtype == np.float32 else value
                for name, value in tensors.items()
            },
        )

    def create(self, f: Callable[[], Any]) -> None:
        self._snt.build(f)

    def mean_square(self, value: Any) -> Any:
        return jnp.mean(jnp.square(value))

    def step(
        self, loss: Callable[[], Any], model: Any, optimizer: Any
    ) -> Callable[[], tuple[float, Sequence[Any]]]:
        variables = trainable_variables(model)

        @self._snt.jit
        def take() -> Any:
            value, gradients = self._snt.value_and_grad(loss, variables)()
            if optimizer is not None:
                optimizer.apply(gradients, variables)
            return value, gradients

        def taken() -> tuple[float, Sequence[Any]]:
            value, gradients = take()
            return float(value), gradients

        return taken


if __name__ == "__main__":
    main(SonnaxSide)
