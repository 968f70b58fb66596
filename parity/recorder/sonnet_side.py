"""Sonnet 2 under TensorFlow."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from .capture import Capture, replaced_methods
from .model_file import UsageError, trainable_variables
from .structure import flatten

# Functions of TensorFlow that make arrays of float32 unless they are told otherwise.
_MAKERS = (
    *("cast", "constant", "convert_to_tensor", "eye", "fill", "linspace"),
    *("ones", "ones_like", "range", "zeros", "zeros_like", "one_hot"),
    *("random.normal", "random.uniform", "random.truncated_normal"),
    *("random.stateless_normal", "random.stateless_uniform"),
    *("random.stateless_truncated_normal",),
)


class SonnetSide:
    """See `Side`; functions are run eagerly, so that every call can be seen."""

    library = "sonnet"

    def __init__(self, precision: str) -> None:
        tf.config.run_functions_eagerly(True)
        self.precision = precision
        if precision == "float64":
            _widen_tensorflow()
            # Kept, since it ends when nobody holds it.
            self._scope = tf.variable_creator_scope(_wide_variable)
            self._scope.__enter__()
        # Only now, for the defaults of its arguments.
        import sonnet

        self._sonnet = sonnet

    def versions(self) -> dict[str, str]:
        return {
            "sonnet": self._sonnet.__version__,
            "tensorflow": tf.__version__,
            "python": platform.python_version(),
        }

    def is_module(self, value: Any) -> bool:
        return isinstance(value, tf.Module)

    def is_variable(self, value: Any) -> bool:
        return isinstance(value, tf.Variable)

    def to_numpy(self, value: Any) -> np.ndarray | None:
        if isinstance(value, (tf.Tensor, tf.Variable)) and hasattr(value, "numpy"):
            return np.asarray(value.numpy())
        return (
            np.asarray(value) if isinstance(value, (np.ndarray, np.generic)) else None
        )

    def to_array(self, value: np.ndarray) -> Any:
        if value.dtype in (np.float32, np.float64):
            value = value.astype(self.precision)
        return tf.convert_to_tensor(value)

    def seed(self, seed: int) -> None:
        tf.random.set_seed(seed)

    @contextlib.contextmanager
    def capturing(self, capture: Capture) -> Iterator[None]:
        def captured(cls: type, name: str, method: Any) -> Callable[..., Any]:
            return _captured(cls, name, method, capture)

        with replaced_methods(self._sonnet.Module, captured):
            yield

    def restore(
        self, path: str, model: Mapping[str, Any], others: Mapping[str, Any]
    ) -> Callable[[], Any]:
        if others:
            tf.train.Checkpoint(**others).read(path).expect_partial()
        status = tf.train.Checkpoint(**model).read(path).expect_partial()
        return status.assert_existing_objects_matched

    def save(self, path: str, objects: Mapping[str, Any]) -> None:
        tf.train.Checkpoint(**objects).write(path)

    def saved_names(self, path: str) -> list[str]:
        saved = [name for name, _ in tf.train.list_variables(path)]
        if "_CHECKPOINTABLE_OBJECT_GRAPH" not in saved:
            return []
        own = {"save_counter", "_CHECKPOINTABLE_OBJECT_GRAPH"}
        return sorted({name.split("/")[0] for name in saved} - own)

    def widen(self, path: str, widened: str) -> None:
        reader = tf.train.load_checkpoint(path)
        tensors = {
            name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
        }
        wide = [
            np.float64(v) if getattr(v, "dtype", None) == np.float32 else v
            for v in tensors.values()
        ]
        tf.raw_ops.SaveV2(
            prefix=widened,
            tensor_names=list(tensors),
            shape_and_slices=[""] * len(tensors),
            tensors=wide,
        )

    def create(self, f: Callable[[], Any]) -> None:
        """Nothing: variables get their values from the checkpoint as they are made."""

    def mean_square(self, value: Any) -> Any:
        return tf.reduce_mean(tf.square(value))

    def step(
        self, loss: Callable[[], Any], model: Any, optimizer: Any
    ) -> Callable[[], tuple[float, Sequence[Any]]]:
        def take() -> tuple[float, Sequence[Any]]:
            with tf.GradientTape() as tape:
                value = loss()
            variables = trainable_variables(model)
            gradients = tape.gradient(value, variables)
            if all(gradient is None for gradient in gradients):
                raise UsageError(
                    "the loss does not depend on the model's trainable variables."
                )
            if optimizer is not None:
                optimizer.apply(gradients, variables)
            return float(value), [
                g if g is None else tf.convert_to_tensor(g) for g in gradients
            ]

        return take


def _captured(
    cls: type, name: str, method: Any, capture: Capture
) -> Callable[..., Any]:
    def captured(self: Any, *args: Any, **kwargs: Any) -> Any:
        bound = method.__get__(self, type(self))
        if capture.passes_over(self, name, cls):
            return bound(*args, **kwargs)
        # Before the call, which may assign to a variable that it is given.
        given = unchanging_leaves([*args, kwargs])
        capture.enter(self, name)
        try:
            outputs = bound(*args, **kwargs)
        except BaseException:
            capture.abandon()
            raise
        capture.leave(given, unchanging_leaves(outputs))
        return outputs

    return captured


def unchanging_leaves(value: Any) -> dict[str, Any]:
    """Returns the leaves of a value by their places, as they are now."""
    found = {}
    for path, leaf in flatten(value):
        if isinstance(leaf, tf.Variable):
            leaf = tf.identity(leaf)
        elif isinstance(leaf, np.ndarray):
            leaf = leaf.copy()
        found[path] = leaf
    return found


def _widen_tensorflow() -> None:
    """Makes float32 mean float64 in this process."""
    for path in _MAKERS:
        *scope, name = path.split(".")
        where = functools.reduce(getattr, scope, tf)
        setattr(where, name, _widening(getattr(where, name)))
    tf.float32 = tf.float64
    tf.raw_ops.FusedBatchNormV2 = _batch_norm


def _batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any,
    variance: Any,
    epsilon: float,
    data_format: str,
    is_training: bool,
) -> tuple[Any, ...]:
    """Stands in for TensorFlow's fused operation, which has no float64."""
    axes = [0, 2, 3] if data_format == "NCHW" else [0, 1, 2]
    if is_training:
        mean, variance = tf.nn.moments(x, axes)
    shape = [1 if axis in axes else -1 for axis in range(4)]
    mean_row, variance_row, scale_row, offset_row = (
        tf.reshape(value, shape) for value in (mean, variance, scale, offset)
    )
    y = (x - mean_row) * tf.math.rsqrt(variance_row + epsilon) * scale_row + offset_row
    if is_training:
        # The variance for the moving average is the estimate without bias.
        count = tf.cast(tf.size(x) // tf.size(mean), x.dtype)
        variance = variance * count / tf.maximum(count - 1, 1)
    return y, mean, variance, mean, variance


def _widening(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function of TensorFlow that makes float64 where it made float32."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def wide(*args: Any, **kwargs: Any) -> Any:
        made = function(*args, **kwargs)
        if getattr(made, "dtype", None) != np.float32:
            return made
        if "dtype" in signature.parameters:
            # Made again rather than cast, so that 0.1 has all its digits.
            bound = signature.bind(*args, **kwargs)
            bound.arguments["dtype"] = tf.float64
            with contextlib.suppress(TypeError, ValueError, tf.errors.OpError):
                return function(*bound.args, **bound.kwargs)
        return _cast(made, tf.float64)

    return wide


_cast = tf.cast


def _wide_variable(next_creator: Callable[..., Any], **kwargs: Any) -> Any:
    initial = kwargs["initial_value"]
    value = initial() if callable(initial) else initial
    if kwargs.get("dtype") in (None, np.float32):
        tensor = tf.convert_to_tensor(value)
        if tensor.dtype.is_floating:
            return next_creator(**{**kwargs, "initial_value": tensor, "dtype": None})
    return next_creator(**{**kwargs, "initial_value": value})
