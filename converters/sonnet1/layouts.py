"""How Sonnet 1 laid out the tensors of its modules, and Sonnet 2 its variables.

Each function takes the tensors of one Sonnet-1 module by name, and gives the
variables of its twin by their paths of attributes. The formulas hold for TensorFlow
1.15 and Sonnet 1.36, and were checked by running both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from ..errors import (
    CheckpointError,
    MismatchError,
    TensorNotFoundError,
    UnsupportedCheckpointError,
)

__all__ = ["LAYOUTS", "Layout", "ModuleTensors", "Twin"]

# 1 - decay ** LONG_AGO is 1: an average of so many values needs no correction.
LONG_AGO = 2**30

# Tensors of Sonnet 1's LSTM that change its equations.
_VARIANTS = {
    "w_f_diag": "peephole connections (use_peepholes=True)",
    "layer_norm": "layer normalisation (use_layer_norm=True)",
    "batch_norm_h": "batch normalisation (use_batch_norm_h=True)",
    "batch_norm_x": "batch normalisation (use_batch_norm_x=True)",
    "batch_norm_c": "batch normalisation (use_batch_norm_c=True)",
}


class ModuleTensors(Mapping[str, np.ndarray]):
    """The tensors of one module, by their names inside its scope.

    Args:
      tensors: all tensors of the checkpoint by name.
      scope: what the names of the module's tensors begin with, such as `mlp/`.
      slot: what follows the name of a variable in those of an optimizer's slots.
      path: the file, for messages.

    Attributes:
      scope: as above.
      path: as above.
      used: the whole names of the tensors that were read.

    Example:
      >>> tensors = ModuleTensors({"a/w": np.eye(2), "b": np.zeros(1)}, "a/")
      >>> list(tensors), tensors["w"].shape, tensors.used
      (['w'], (2, 2), {'a/w': None})
    """

    def __init__(
        self,
        tensors: Mapping[str, np.ndarray],
        scope: str,
        slot: str = "",
        path: str | None = None,
    ):
        self.scope = scope
        self.used: dict[str, None] = {}
        self._tensors = tensors
        self._slot = slot
        self.path = path

    def __contains__(self, name: object) -> bool:
        return f"{self.scope}{name}{self._slot}" in self._tensors

    def __getitem__(self, name: str) -> np.ndarray:
        whole = f"{self.scope}{name}{self._slot}"
        if whole not in self._tensors:
            raise TensorNotFoundError(
                f"the module at {self.scope!r} needs it beside "
                f"{sorted(self)[:5]}, and the checkpoint does not have it.",
                path=self.path,
                tensor=whole,
            )
        self.used[whole] = None
        return self._tensors[whole]

    def __iter__(self) -> Iterator[str]:
        for name in self._tensors:
            if name.startswith(self.scope) and name.endswith(self._slot):
                yield name[len(self.scope) : len(name) - len(self._slot)]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def refuse(self, name: str, reason: str) -> UnsupportedCheckpointError:
        """Returns the error for a tensor that Sonnet 2 has no twin for."""
        return UnsupportedCheckpointError(
            reason, path=self.path, tensor=f"{self.scope}{name}"
        )


@dataclasses.dataclass(frozen=True)
class Twin:
    """What the file does not say about a module, and its twin does.

    Attributes:
      forget_bias: what Sonnet 1 added to the forget gate in each step. It is an
        argument of the constructor, 1 by default.
      shapes: the shapes of the twin's variables by path, as far as there are some.
      is_slot: whether the tensors are an optimizer's, which have the layout of the
        variables but not their constants.
    """

    forget_bias: float = 1.0
    shapes: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    is_slot: bool = False


Variables = dict[str, np.ndarray]


def lstm(t: ModuleTensors, twin: Twin) -> Variables:
    """Splits the weights, and puts the gates i, j, f, o in the order i, f, j, o."""
    refuse_variants(t)
    kernel, bias = ("w_gates", "b_gates") if "w_gates" in t else ("kernel", "bias")
    w = reordered(t[kernel])
    b = reordered(t[bias])
    found: Variables = {}
    state_size = w.shape[1] // 4
    if "w_h_projection" in t:
        projection = found["projection"] = t["w_h_projection"]
        check(projection.ndim == 2 and len(projection) == state_size, "the projection")
        state_size = projection.shape[1]
    check(w.ndim == 2 and len(w) > state_size, "the weights")
    check(b.shape == w.shape[1:], "the bias")
    split = len(w) - state_size
    b = with_forget_bias(b, twin)
    return {"_w_i": w[:split], "_w_h": w[split:], "b": b, **found}


def check(fits: bool, what: str) -> None:
    if not fits:
        raise ValueError(f"{what} has other sizes than the rest")


def refuse_variants(t: ModuleTensors) -> None:
    """Raises an error if an LSTM has equations that no module of Sonnet 2 has."""
    for name in t:
        if name.split("/")[0] in _VARIANTS:
            raise t.refuse(
                name,
                f"Sonnet 1 made this LSTM with {_VARIANTS[name.split('/')[0]]}, which "
                "no module of Sonnet 2 has. Read its tensors with open_checkpoint, and "
                "write the step with jax.numpy.",
            )


def gru(t: ModuleTensors, twin: Twin) -> Variables:
    """Joins the gates z, r, h."""
    return {
        path: np.concatenate([t[f"{kind}{gate}"] for gate in "zrh"], axis=-1)
        for path, kind in (("_w_i", "w"), ("_w_h", "u"), ("b", "b"))
    }


def vanilla_rnn(t: ModuleTensors, twin: Twin) -> Variables:
    """Adds the two biases."""
    return {
        "_input_to_hidden/w": t["in_to_hidden/w"],
        "_hidden_to_hidden/w": t["hidden_to_hidden/w"],
        "_b": added(t["in_to_hidden/b"], t["hidden_to_hidden/b"], twin),
    }


def conv_lstm(t: ModuleTensors, twin: Twin) -> Variables:
    """Reorders the gates, and adds the two biases and the forget bias."""
    found = {
        "_input_to_hidden/w": reordered(t["conv/w"]),
        "_hidden_to_hidden/w": reordered(t["conv_1/w"]),
    }
    if "conv/b" in t:
        b = reordered(added(t["conv/b"], t["conv_1/b"], twin))
    else:
        w = found["_input_to_hidden/w"]
        b = np.zeros(w.shape[-1:], w.dtype)
    return {**found, "b": with_forget_bias(b, twin)}


def conv_1d_transpose(t: ModuleTensors, twin: Twin) -> Variables:
    """Drops the axis with which Sonnet 1 made one dimension two."""
    w = t["w"]
    return {"w": w[0] if w.ndim == 4 else w, **renamed(t, {"b": "b"})}


def depthwise_conv_2d(t: ModuleTensors, twin: Twin) -> Variables:
    """Repeats the kernel of an InPlaneConv2D, which all channels share."""
    w = t["w"]
    shape = twin.shapes.get("w", w.shape)
    if w.shape[2:] == (1, 1) and shape[2:] != (1, 1):
        if twin.is_slot:
            raise t.refuse(
                "w",
                "it is a slot of a kernel that all channels shared in Sonnet 1, and "
                "channels of the twin learn on their own. Restore without the "
                "optimizer.",
            )
        w = np.broadcast_to(w, shape)
    return {"w": w, **renamed(t, {"b": "b"})}


def batch_norm(t: ModuleTensors, twin: Twin) -> Variables:
    """Makes moving averages, of values so many that they need no correction."""
    found = renamed(t, {"gamma": "scale", "beta": "offset"})
    if not twin.is_slot:
        # Without gamma and beta Sonnet 1 multiplied by one and added nothing.
        for path, constant in (("scale", np.ones), ("offset", np.zeros)):
            if path not in found:
                found[path] = constant(t["moving_mean"].size, t["moving_mean"].dtype)
        for name in ("moving_mean", "moving_variance"):
            found[f"{name}/average"] = found[f"{name}/_hidden"] = t[name]
            found[f"{name}/_counter"] = np.array(LONG_AGO, np.int64)
    # Sonnet 1's first BatchNorm kept the axes that it had reduced.
    return {path: squeezed(x, twin.shapes.get(path)) for path, x in found.items()}


def layer_norm(t: ModuleTensors, twin: Twin) -> Variables:
    """Renames gamma and beta."""
    return renamed(t, {"gamma": "scale", "beta": "offset"})


def trainable_state(t: ModuleTensors, twin: Twin) -> Variables:
    """Finds the parts of a state by their fields' names, or else their numbers."""
    found: Variables = {}
    for number, path in enumerate(twin.shapes):
        field = path.rpartition("/")[2]
        names = f"_{field}/w", f"_{number}/w", f"/initial_state_{number}"
        for name in names:
            if name in t:
                found[path] = t[name]
    return found


def vector_quantizer(t: ModuleTensors, twin: Twin) -> Variables:
    """Renames the codes."""
    return {"embeddings": t["embedding"]}


def vector_quantizer_ema(t: ModuleTensors, twin: Twin) -> Variables:
    """Finds what a moving average is made of under the doubled name of the module."""
    found = {"embeddings": t["embedding"]}
    inner = t.scope.strip("/").rpartition("/")[2]
    for name in ("ema_cluster_size", "ema_dw"):
        found[f"{name}/average"] = t[name]
        found[f"{name}/_hidden"] = t[f"{inner}/{name}/biased"]
        steps = t[f"{inner}/{name}/local_step"]
        found[f"{name}/_counter"] = np.asarray(steps).astype(np.int64)
    return found


# What the functions are made of.


def reordered(gates: np.ndarray) -> np.ndarray:
    """Returns the gates i, j, f, o along the last axis in the order i, f, j, o.

    Example:
      >>> reordered(np.arange(8)).tolist()
      [0, 1, 4, 5, 2, 3, 6, 7]
    """
    i, j, f, o = np.split(gates, 4, axis=-1)
    return np.concatenate([i, f, j, o], axis=-1)


def with_forget_bias(b: np.ndarray, twin: Twin) -> np.ndarray:
    """Returns a copy of a bias in Sonnet 2's order, with the forget bias in it."""
    b, size = b.copy(), b.size // 4
    if not twin.is_slot:
        b[size : 2 * size] += b.dtype.type(twin.forget_bias)
    return b


def added(a: np.ndarray, b: np.ndarray, twin: Twin) -> np.ndarray:
    """Returns the sum of two biases; their slots are equal, and one's is the sum's."""
    return a if twin.is_slot else a + b


def renamed(t: ModuleTensors, names: Mapping[str, str]) -> Variables:
    """Returns those tensors that are there, under other names."""
    return {path: t[name] for name, path in names.items() if name in t}


def squeezed(value: np.ndarray, shape: tuple[int, ...] | None) -> np.ndarray:
    """Returns the value in a shape that differs by axes of size 1 only, if it does."""
    if shape is None or ones_removed(value.shape) != ones_removed(shape):
        return value
    return value.reshape(shape)


def ones_removed(shape: Iterable[int]) -> list[int]:
    return [size for size in shape if size != 1]


@dataclasses.dataclass(frozen=True)
class Layout:
    """The layout of a module.

    Attributes:
      function: makes the variables of the twin.
      marks: names of tensors of which a Sonnet-1 module has one at least.
      separator: what stands between the name of the module and those of its tensors.
    """

    function: Callable[[ModuleTensors, Twin], Variables]
    marks: tuple[str, ...]
    separator: str = "/"

    def is_at(self, tensors: ModuleTensors) -> bool:
        """Returns whether the tensors are those of such a module of Sonnet 1."""
        return any(mark in tensors for mark in self.marks)

    def convert(self, tensors: ModuleTensors, twin: Twin) -> Variables:
        """Returns the variables of the twin by their paths.

        Raises:
          MismatchError: the tensors have other shapes or dtypes than such a module's.
          TensorNotFoundError: one is missing.
          UnsupportedCheckpointError: Sonnet 2 has no twin.
        """
        try:
            return self.function(tensors, twin)
        except CheckpointError:
            raise
        except Exception as error:
            # What NumPy raises depends on what it was given in the place of a tensor.
            shapes = {name: tensors[name].shape for name in list(tensors)[:8]}
            raise MismatchError(
                f"the tensors at {tensors.scope!r}, of shapes {shapes}, are not those "
                f"of a module of Sonnet 1 with a tensor {self.marks[0]!r}: {error}",
                path=tensors.path,
            ) from error


_STATE_MARKS = ("_hidden/w", "_cell/w", "_0/w", "/initial_state_0")

# By the names of compat's classes. Of all others the variables have Sonnet 1's names.
LAYOUTS: dict[str, Layout] = {
    "LSTM": Layout(lstm, ("w_gates", "kernel")),
    "UnrolledLSTM": Layout(lstm, ("w_gates", "kernel")),
    "GRU": Layout(gru, ("wz",)),
    "VanillaRNN": Layout(vanilla_rnn, ("in_to_hidden/w",)),
    "Conv1DLSTM": Layout(conv_lstm, ("conv/w",)),
    "Conv2DLSTM": Layout(conv_lstm, ("conv/w",)),
    "Conv3DLSTM": Layout(conv_lstm, ("conv/w",)),
    "Conv1DTranspose": Layout(conv_1d_transpose, ("w",)),
    "DepthwiseConv2D": Layout(depthwise_conv_2d, ("w",)),
    "BaseBatchNorm": Layout(batch_norm, ("moving_mean",)),
    "LayerNorm": Layout(layer_norm, ("gamma", "beta")),
    "TrainableState": Layout(trainable_state, _STATE_MARKS, separator=""),
    "VectorQuantizer": Layout(vector_quantizer, ("embedding",)),
    "VectorQuantizerEMA": Layout(vector_quantizer_ema, ("embedding",)),
}
