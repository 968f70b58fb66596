"""`snt.functional`: modules as pure functions over dicts, and JAX's transforms."""

from .optimizers import TransformedOptimizer, adam, momentum, optimizer, rmsprop, sgd
from .pure import (
    Transformed,
    TransformedWithState,
    transform,
    transform_with_state,
    variables,
    without_state,
)
from .transforms import device_get, device_put, grad, jit, value_and_grad

__all__ = [
    "Transformed",
    "TransformedOptimizer",
    "TransformedWithState",
    "adam",
    "device_get",
    "device_put",
    "grad",
    "jit",
    "momentum",
    "optimizer",
    "rmsprop",
    "sgd",
    "transform",
    "transform_with_state",
    "value_and_grad",
    "variables",
    "without_state",
]
