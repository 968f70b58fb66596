"""The learned scale and offset that the normalisation layers share.

Each of the two is made by the layer, or passed to its call, or there is none.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import jax

from ..core.parameters import get_parameter
from ..core.typing import Initializer


class HasScaleAndOffset(Protocol):
    """A layer with the usual constructor arguments as attributes."""

    create_scale: bool
    create_offset: bool
    scale_init: Initializer
    offset_init: Initializer


def check_passed(layer: HasScaleAndOffset, scale: Any, offset: Any) -> None:
    """Checks the arguments of a layer's call.

    Args:
      layer: The layer.
      scale: What was passed, or None.
      offset: What was passed, or None.

    Raises:
      ValueError: A parameter is passed that the layer makes itself.
    """
    if layer.create_scale and scale is not None:
        raise ValueError("Cannot pass `scale` at call time if `create_scale=True`.")
    if layer.create_offset and offset is not None:
        raise ValueError("Cannot pass `offset` at call time if `create_offset=True`.")


def get_scale_and_offset(
    layer: HasScaleAndOffset,
    shape: Sequence[int],
    dtype: Any,
    scale: jax.Array | None,
    offset: jax.Array | None,
) -> tuple[jax.Array | None, jax.Array | None]:
    """Returns the parameters that the layer makes, or what was passed instead.

    Args:
      layer: The layer, whose method is running.
      shape: Of the parameters.
      dtype: Of the parameters.
      scale: What was passed, or None.
      offset: What was passed, or None.

    Returns:
      The scale and the offset, None where there is none.
    """
    if layer.create_scale:
        scale = get_parameter("scale", shape, dtype, layer.scale_init)
    if layer.create_offset:
        offset = get_parameter("offset", shape, dtype, layer.offset_init)
    return scale, offset
