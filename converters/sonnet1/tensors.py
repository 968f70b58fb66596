"""A whole checkpoint of Sonnet 1 in Sonnet 2's layouts, without a model."""

from __future__ import annotations

from collections.abc import Iterator

from ..derived_tensor import DerivedTensor
from ..named_tensors import NamedTensors
from .layouts import LAYOUTS, Layout, Target, refuse_variants
from .module_tensors import ModuleTensors

__all__ = ["sonnet2_tensors"]

# Names that a module has all of, and its class; the first that fits counts.
_SIGNS = (
    (("w_gates", "b_gates"), "LSTM"),
    (("wz", "wr", "wh", "uz", "ur", "uh", "bz", "br", "bh"), "GRU"),
    (("in_to_hidden/w", "hidden_to_hidden/w"), "VanillaRNN"),
    (("ema_dw", "ema_cluster_size", "embedding"), "nets.VectorQuantizerEMA"),
    (("moving_mean", "moving_variance"), "BaseBatchNorm"),
    (("gamma", "beta"), "LayerNorm"),
    (("embeddings",), "Embed"),
)


def sonnet2_tensors(
    tensors: NamedTensors, forget_bias: float = 1.0
) -> dict[str, DerivedTensor]:
    """Converts those modules that can be told by the names of their tensors.

    They are LSTM, GRU, VanillaRNN, BatchNorm, LayerNorm, VectorQuantizerEMA and Embed.
    All other tensors stay as they are: either their layout is the same (linear layers,
    convolutions), or names do not tell (the ConvLSTMs, Conv1DTranspose, InPlaneConv2D,
    trainable states), and `restore` into a module is needed.

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
    _check_cores(tensors)
    found: dict[str, DerivedTensor] = {}
    used: set[str] = set()
    for scope, layout in _modules(tensors):
        module = ModuleTensors(tensors, scope)
        for path, tensor in layout.convert(module, Target(forget_bias)).items():
            name = scope + "/".join(part.lstrip("_") for part in path.split("/"))
            found[name] = tensor
            used.update(tensor.sources)
    for name, key in tensors.keys_by_name.items():
        if key not in used:
            found[name] = tensors.stored(name)
    return found


def _check_cores(tensors: NamedTensors) -> None:
    """Raises an error if a ConvLSTM, which stays as it is, is one without a twin."""
    for name in tensors:
        scope = name.removesuffix("conv_1/w")
        if scope != name and f"{scope}conv/w" in tensors:
            w_i = tensors.stored(f"{scope}conv/w").shape
            w_h = tensors.stored(name).shape
            # Of two convolutions in a row the second takes what the first gives.
            if len(w_h) > 2 and w_i[-1:] == w_h[-1:] == (4 * w_h[-2],):
                refuse_variants(ModuleTensors(tensors, scope))


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
