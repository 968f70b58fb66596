"""Models on sonnax's compat, as the recorder needs them: `python -m` runs one."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .recorder.capture import Capture, is_recorded
from .recorder.model_file import trainable_variables
from .recorder.process import main
from .recorder.structure import flatten


class SonnaxSide:
    """See `recorder.side.Side`.

    Args:
      precision: "float32" or "float64", for which jnp.float32 is changed in this
        process before sonnax and the user's code see it.
    """

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
        if isinstance(value, jax.Array | np.ndarray):
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
        from ..haiku_impl.core.module import intercept_methods

        def intercept(next_f: Any, args: Any, kwargs: Any, context: Any) -> Any:
            module, method = context.module, context.method_name
            is_property = isinstance(getattr(type(module), method, None), property)
            if (
                is_property
                or not is_recorded(method)
                or capture.is_running(module, method)
            ):
                return next_f(*args, **kwargs)
            given = self._leaves([*args, kwargs])
            capture.enter(module, method)
            try:
                outputs = next_f(*args, **kwargs)
            except BaseException:
                capture.abandon()
                raise
            returned = self._leaves(outputs)
            leaves = [*given.values(), *returned.values()]
            if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
                # In the body of a loop: its values come when it runs.
                capture.abandon()

                def arrive(inputs: Any, outputs: Any) -> None:
                    named = dict(zip(given, inputs)), dict(zip(returned, outputs))
                    capture.arrive(module, method, *named)

                # As lists: JAX would sort the keys of dicts.
                values = list(given.values()), list(returned.values())
                jax.debug.callback(arrive, *values)
            else:
                capture.leave(given, returned)
            return outputs

        with intercept_methods(intercept):
            yield
        jax.effects_barrier()

    def _leaves(self, value: Any) -> dict[str, Any]:
        """Returns the arrays in a value by their places, as they are."""
        found = {}
        for path, leaf in flatten(value):
            if self.is_variable(leaf):
                leaf = leaf.value()
            if isinstance(leaf, np.ndarray):
                leaf = leaf.copy()
            if isinstance(leaf, jax.Array | np.ndarray):
                found[path] = leaf
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
