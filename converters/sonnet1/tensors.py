"""A whole checkpoint of Sonnet 1 in Sonnet 2's layouts, without a model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..derived_tensor import DerivedTensor, stored_tensor
from ..named_tensors import NamedTensors
from .layouts import LAYOUTS, Layout, ModuleTensors, Twin

__all__ = ["sonnet2_tensors"]

# Names that a module has all of, and its class; the first that fits counts.
_SIGNS = (
    (("w_gates", "b_gates"), "LSTM"),
    (("wz", "wr", "wh", "uz", "ur", "uh", "bz", "br", "bh"), "GRU"),
    (("in_to_hidden/w", "hidden_to_hidden/w"), "VanillaRNN"),
    (("ema_dw", "ema_cluster_size", "embedding"), "VectorQuantizerEMA"),
    (("moving_mean", "moving_variance"), "BaseBatchNorm"),
    (("gamma", "beta"), "LayerNorm"),
)


def sonnet2_tensors(
    tensors: NamedTensors, forget_bias: float = 1.0
) -> dict[str, DerivedTensor]:
    """Converts those modules that can be told by the names of their tensors.

    They are LSTM, GRU, VanillaRNN, BatchNorm, LayerNorm and VectorQuantizerEMA. All
    other tensors stay as they are: either their layout is the same (linear layers,
    convolutions, embeddings), or names do not tell (the ConvLSTMs, Conv1DTranspose,
    InPlaneConv2D, trainable states), and `restore` into a module is needed.

    Args:
      tensors: the checkpoint.
      forget_bias: the argument of Sonnet 1's LSTMs, 1 by default, which is not in the
        file and is part of Sonnet 2's bias.

    Returns:
      Tensors by Sonnet 2's names of variables.

    Raises:
      UnsupportedCheckpointError: a module has no twin in Sonnet 2.
    """
    tensors.checkpoint.check_files()
    found: dict[str, DerivedTensor] = {}
    used: dict[str, None] = {}
    # Tensors of zeros that take no memory show what the conversion would give.
    blank = {name: _blank(tensors, name) for name in tensors}
    for scope, layout in _modules(tensors):
        module = ModuleTensors(blank, scope, path=tensors.path)
        variables = layout.convert(module, Twin(forget_bias))
        used.update(module.used)
        for path, value in variables.items():
            name = scope + "/".join(part.lstrip("_") for part in path.split("/"))
            found[name] = _converted(
                tensors, scope, layout, path, value, module, forget_bias
            )
    for name in tensors:
        if name not in used:
            key = tensors.keys_by_name[name]
            found[name] = stored_tensor(tensors.checkpoint, key)
    return found


def _modules(tensors: NamedTensors) -> Iterator[tuple[str, Layout]]:
    known: set[str] = set()
    for signs, cls in _SIGNS:
        for name in tensors:
            scope = name.removesuffix(signs[0])
            if scope == name or scope in known or scope.strip("/") == scope != "":
                continue
            if all(f"{scope}{sign}" in tensors for sign in signs):
                known.add(scope)
                yield scope, LAYOUTS[cls]


def _blank(tensors: NamedTensors, name: str) -> np.ndarray:
    info = tensors.info(name)
    return np.broadcast_to(np.zeros((), info.dtype), info.shape)


def _converted(
    tensors: NamedTensors,
    scope: str,
    layout: Layout,
    path: str,
    value: np.ndarray,
    module: ModuleTensors,
    forget_bias: float,
) -> DerivedTensor:
    def read() -> np.ndarray:
        fresh = ModuleTensors(tensors, scope, path=tensors.path)
        return layout.convert(fresh, Twin(forget_bias))[path]

    sources = tuple(tensors.keys_by_name[name] for name in module.used)
    return DerivedTensor(value.shape, value.dtype, read, sources, "Sonnet 1's layout")
