"""`snt.functional`: modules as pure functions over dicts, and JAX's transforms."""

from .pure import (
    Transformed,
    TransformedWithState,
    transform,
    transform_with_state,
    variables,
    without_state,
)

__all__ = [
    "Transformed",
    "TransformedWithState",
    "transform",
    "transform_with_state",
    "variables",
    "without_state",
]
