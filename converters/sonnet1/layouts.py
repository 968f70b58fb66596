"""How Sonnet 1 laid out the tensors of its modules, and Sonnet 2 its variables.

Each function takes the tensors of one Sonnet-1 module by name, and gives the
variables of its twin by their paths of attributes. The formulas hold for TensorFlow
1.15 and Sonnet 1.36, and were checked by running both.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..derived_tensor import DerivedTensor, constant, joined
from ..errors import CheckpointError, MismatchError
from .module_tensors import ModuleTensors

__all__ = ["LAYOUTS", "Layout", "Target"]

# 1 - decay ** LONG_AGO is 1: an average of so many values needs no correction.
LONG_AGO = 2**30

# What changes the equations of a core of Sonnet 1, by the name of its first tensor.
_VARIANTS = {
    "w_f_diag": "peephole connections (use_peepholes=True)",
    "layer_norm": "layer normalisation (use_layer_norm=True)",
    "batch_norm_h": "batch normalisation (use_batch_norm_h=True)",
    "batch_norm_x": "batch normalisation (use_batch_norm_x=True)",
    "batch_norm_c": "batch normalisation (use_batch_norm_c=True)",
}


@dataclasses.dataclass(frozen=True)
class Target:
    """What the file does not say about a module, and the module itself does.

    Attributes:
      forget_bias: what Sonnet 1 added to the forget gate in each step. It is an
        argument of the constructor, 1 by default.
      shapes: the shapes of the module's variables by path, as far as there are some.
    """

    forget_bias: float = 1.0
    shapes: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)


Variables = dict[str, DerivedTensor]


def lstm(t: ModuleTensors, target: Target) -> Variables:
    """Splits the weights, and puts the gates i, j, f, o in the order i, f, j, o."""
    refuse_variants(t)
    kernel, bias = ("w_gates", "b_gates") if "w_gates" in t else ("kernel", "bias")
    w, b = t[kernel], t[bias]
    check(w.ndim == 2 and w.shape[1] % 4 == 0, "the weights")
    found: Variables = {}
    state_size = w.shape[1] // 4
    if "w_h_projection" in t:
        projection = found["projection"] = t["w_h_projection"]
        fits = projection.ndim == 2 and projection.shape[0] == state_size
        check(fits, "the projection")
        state_size = projection.shape[1]
    check(w.shape[0] > state_size, "the weights")
    check(b.shape == w.shape[1:], "the bias")
    split = w.shape[0] - state_size
    return {
        "_w_i": reordered(w.rows(0, split)),
        "_w_h": reordered(w.rows(split, w.shape[0])),
        "b": with_forget_bias(reordered(b), t, target),
        **found,
    }


def gru(t: ModuleTensors, target: Target) -> Variables:
    """Joins the gates z, r, h."""
    return {
        path: concatenated([t[f"{kind}{gate}"] for gate in "zrh"])
        for path, kind in (("_w_i", "w"), ("_w_h", "u"), ("b", "b"))
    }


def vanilla_rnn(t: ModuleTensors, target: Target) -> Variables:
    """Adds the two biases."""
    return {
        "_input_to_hidden/w": t["in_to_hidden/w"],
        "_hidden_to_hidden/w": t["hidden_to_hidden/w"],
        "_b": added(t, ["in_to_hidden/b", "hidden_to_hidden/b"]),
    }


def conv_lstm(t: ModuleTensors, target: Target) -> Variables:
    """Reorders the gates, and adds the biases and the forget bias."""
    refuse_variants(t)
    w = t["conv/w"]
    biases = [name for name in ("conv/b", "conv_1/b") if name in t]
    b = added(t, biases) if biases else constant(np.zeros(w.shape[-1:], w.dtype))
    return {
        "_input_to_hidden/w": reordered(w),
        "_hidden_to_hidden/w": reordered(t["conv_1/w"]),
        "b": with_forget_bias(reordered(b), t, target),
    }


def conv_1d_transpose(t: ModuleTensors, target: Target) -> Variables:
    """Drops the axis with which Sonnet 1 made one dimension two."""
    w = t["w"]
    return {
        "w": w.reshaped(w.shape[1:]) if w.ndim == 4 and w.shape[0] == 1 else w,
        **renamed(t, {"b": "b"}),
    }


def depthwise_conv_2d(t: ModuleTensors, target: Target) -> Variables:
    """Repeats the kernel of an InPlaneConv2D, which all channels shared."""
    w = t["w"]
    shape = target.shapes.get("w", w.shape)
    if w.shape[2:] == (1, 1) and shape[2:] != (1, 1) and shape[3:] == (1,):
        if t.slot:
            raise t.refuse(
                "w",
                "it is a slot of a kernel that all channels shared in Sonnet 1, and "
                "channels of the twin learn on their own. Restore without the "
                "optimizer.",
            )
        repeated = (*w.shape[:2], *shape[2:])
        w = w.converted("repeated", lambda x: np.broadcast_to(x, repeated), repeated)
    return {"w": w, **renamed(t, {"b": "b"})}


def embed(t: ModuleTensors, target: Target) -> Variables:
    """Puts rows in order that Sonnet 1 had dealt out to the parts one by one."""
    table = t["embeddings"]
    count = len(table.parts)
    if count < 2:
        return {"embeddings": table}
    rows = table.shape[0]
    sizes = [len(range(part, rows, count)) for part in range(count)]
    starts = [sum(sizes[:part]) for part in range(count)]
    if list(table.parts) != starts:
        raise t.refuse(
            "embeddings",
            f"its {count} parts begin at rows {list(table.parts)}, and Sonnet 1 looked "
            f"id i up in part i % {count}, so they would begin at {starts}. Read the "
            "parts with open_checkpoint(path).read(name, index=...).",
        )
    ids = np.arange(rows)
    order = np.array(starts)[ids % count] + ids // count
    return {"embeddings": table.converted("rows in order", lambda x: x[order])}


def batch_norm(t: ModuleTensors, target: Target) -> Variables:
    """Makes moving averages, of values so many that they need no correction."""
    found = renamed(t, {"gamma": "scale", "beta": "offset"})
    if not t.slot:
        # Without gamma and beta Sonnet 1 multiplied by one and added nothing.
        mean = t["moving_mean"]
        for path, fill in (("scale", np.ones), ("offset", np.zeros)):
            found.setdefault(path, constant(fill(mean.size, mean.dtype)))
        for name in ("moving_mean", "moving_variance"):
            found[f"{name}/average"] = found[f"{name}/_hidden"] = t[name]
            found[f"{name}/_counter"] = constant(np.array(LONG_AGO, np.int64))
    # Sonnet 1's first BatchNorm kept the axes that it had reduced.
    return {path: squeezed(x, target.shapes.get(path)) for path, x in found.items()}


def layer_norm(t: ModuleTensors, target: Target) -> Variables:
    """Renames gamma and beta."""
    return renamed(t, {"gamma": "scale", "beta": "offset"})


def trainable_state(t: ModuleTensors, target: Target) -> Variables:
    """Finds the parts of a state by their fields' names, or else their numbers."""
    found: Variables = {}
    for number, path in enumerate(target.shapes):
        field = path.rpartition("/")[2]
        names = f"_{field}/w", f"_{number}/w", f"/initial_state_{number}"
        for name in names:
            if name in t:
                found[path] = t[name]
    return found


def vector_quantizer(t: ModuleTensors, target: Target) -> Variables:
    """Renames the codes."""
    return {"embeddings": t["embedding"]}


def vector_quantizer_ema(t: ModuleTensors, target: Target) -> Variables:
    """Finds what a moving average is made of under the doubled name of the module."""
    found = {"embeddings": t["embedding"]}
    inner = t.scope.strip("/").rpartition("/")[2]
    for name in ("ema_cluster_size", "ema_dw"):
        found[f"{name}/average"] = t[name]
        found[f"{name}/_hidden"] = t[f"{inner}/{name}/biased"]
        steps = t[f"{inner}/{name}/local_step"]
        count = steps.converted("as int64", lambda x: x.astype(np.int64))
        found[f"{name}/_counter"] = dataclasses.replace(count, dtype=np.dtype("int64"))
    return found


# What the functions are made of.


def check(fits: bool, what: str) -> None:
    if not fits:
        raise ValueError(f"{what} has other sizes than the rest")


def refuse_variants(t: ModuleTensors) -> None:
    """Raises an error if a core has equations that no module of Sonnet 2 has."""
    for name in t:
        if (variant := _VARIANTS.get(name.split("/")[0])) is not None:
            raise t.refuse(
                name,
                f"Sonnet 1 made this core with {variant}, which no module of Sonnet 2 "
                "has. Read its tensors with open_checkpoint, and write the step with "
                "jax.numpy.",
            )


def reordered(gates: DerivedTensor) -> DerivedTensor:
    """Returns the gates i, j, f, o along the last axis in the order i, f, j, o.

    Example:
      >>> reordered(constant(np.arange(8))).read().tolist()
      [0, 1, 4, 5, 2, 3, 6, 7]
    """
    check(gates.ndim > 0 and gates.shape[-1] % 4 == 0, "the gates' last axis")

    def convert(x: np.ndarray) -> np.ndarray:
        i, j, f, o = np.split(x, 4, axis=-1)
        return np.concatenate([i, f, j, o], axis=-1)

    return gates.converted("gates i, j, f, o to i, f, j, o", convert)


def with_forget_bias(
    b: DerivedTensor, t: ModuleTensors, target: Target
) -> DerivedTensor:
    """Returns a bias in Sonnet 2's order with the forget bias in it."""
    if t.slot:
        return b

    def convert(x: np.ndarray) -> np.ndarray:
        x, size = x.copy(), x.size // 4
        x[size : 2 * size] += x.dtype.type(target.forget_bias)
        return x

    return b.converted(f"and the forget bias of {target.forget_bias}", convert)


def added(t: ModuleTensors, names: list[str]) -> DerivedTensor:
    """Returns the sum of biases; their slots are equal, and one's is the sum's."""
    biases = {name.replace("/", "_"): t[name] for name in names}
    first = next(iter(biases.values()))
    check(all(b.shape == first.shape for b in biases.values()), "a bias")
    if len(biases) == 1:
        return first

    def sum_of(**values: np.ndarray) -> np.ndarray:
        first, second = values.values()
        return first if t.slot else first + second

    return joined("one bias of two", first.shape, sum_of, biases)


def concatenated(tensors: list[DerivedTensor]) -> DerivedTensor:
    """Returns tensors side by side along their last axis."""
    first = tensors[0]
    check(first.ndim > 0, "a gate")
    check(all(x.shape[:-1] == first.shape[:-1] for x in tensors), "a gate")
    shape = (*first.shape[:-1], sum(x.shape[-1] for x in tensors))
    return joined(
        "side by side",
        shape,
        lambda **each: np.concatenate(list(each.values()), axis=-1),
        {f"part_{i}": x for i, x in enumerate(tensors)},
    )


def renamed(t: ModuleTensors, names: Mapping[str, str]) -> Variables:
    """Returns those tensors that are there, under other names."""
    return {path: t[name] for name, path in names.items() if name in t}


def squeezed(value: DerivedTensor, shape: tuple[int, ...] | None) -> DerivedTensor:
    """Returns the value in a shape that differs by axes of size 1 only, if it does."""
    if shape in (None, value.shape) or _sizes(value.shape) != _sizes(shape):
        return value
    return value.reshaped(shape)


def _sizes(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size != 1]


@dataclasses.dataclass(frozen=True)
class Layout:
    """The layout of a module.

    Attributes:
      function: makes the variables of the twin.
      marks: names of tensors of which a Sonnet-1 module has one at least.
      separator: what stands between the name of the module and those of its tensors.
      forget_bias: returns that argument of the twin's constructor.
      unstated: says what no file tells of such a module, and what is taken instead.
    """

    function: Callable[[ModuleTensors, Target], Variables]
    marks: tuple[str, ...]
    separator: str = "/"
    forget_bias: Callable[[Any], float] = lambda module: 0.0
    unstated: Callable[[Any], str] | None = None

    def is_at(self, tensors: ModuleTensors) -> bool:
        """Returns whether the tensors are those of such a module of Sonnet 1."""
        return any(mark in tensors for mark in self.marks)

    def convert(self, tensors: ModuleTensors, target: Target) -> Variables:
        """Returns the variables of the twin by their paths.

        Raises:
          MismatchError: the tensors have other shapes or dtypes than such a module's.
          TensorNotFoundError: one is missing.
          UnsupportedCheckpointError: Sonnet 2 has no twin.
        """
        explain = functools.partial(self._explained, tensors)
        try:
            found = self.function(tensors, target)
        except CheckpointError:
            raise
        except Exception as error:
            raise explain(error) from error
        return {path: _guarded(value, explain) for path, value in found.items()}

    def _explained(self, tensors: ModuleTensors, error: Exception) -> MismatchError:
        shapes = {name: tensors[name].shape for name in list(tensors)[:8]}
        return MismatchError(
            f"the tensors at {tensors.scope!r}, of shapes {shapes}, are not those "
            f"of a module of Sonnet 1 with a tensor {self.marks[0]!r}: {error}",
            path=tensors.path,
        )


def _guarded(
    value: DerivedTensor, explain: Callable[[Exception], MismatchError]
) -> DerivedTensor:
    """Returns a tensor that is refused clearly if it can't be converted when read."""

    def read() -> np.ndarray:
        try:
            return value.read()
        except CheckpointError:
            raise
        except Exception as error:
            # What NumPy raises depends on what it was given in the place of a tensor.
            raise explain(error) from error

    return dataclasses.replace(value, read=read)


_STATE_MARKS = ("_hidden/w", "_cell/w", "_0/w", "/initial_state_0")
_FORGET_BIAS = operator.attrgetter("_forget_bias")
_ONE_BIAS = "its two biases are one, which learns half as fast as they did together"


def _of_lstm(module: Any) -> str:
    return (
        f"forget_bias (taken: {module._forget_bias}), zoneout and the clipping of "
        "states and gradients inside it (taken: none)"
    )


def _of_batch_norm(module: Any) -> str:
    return (
        f"eps (taken: {module._eps}; Sonnet 1's default is 0.001), the axes, and "
        "whether its moving_variance is biased (by default it was, in BatchNorm)"
    )


def _of_layer_norm(module: Any) -> str:
    return (
        f"the axes (taken: {module._axis}; Sonnet 1's default is all but the first) "
        f"and eps (taken: {module._eps}; 1e-05)"
    )


_LSTM = Layout(lstm, ("w_gates", "kernel"), forget_bias=_FORGET_BIAS, unstated=_of_lstm)
_CONV_LSTM = Layout(
    conv_lstm,
    ("conv/w",),
    forget_bias=_FORGET_BIAS,
    unstated=lambda module: f"forget_bias (taken: {module._forget_bias}); {_ONE_BIAS}",
)

# By the names of compat's classes. Of all others the variables have Sonnet 1's names.
LAYOUTS: dict[str, Layout] = {
    "LSTM": _LSTM,
    "UnrolledLSTM": _LSTM,
    "GRU": Layout(gru, ("wz",)),
    "VanillaRNN": Layout(
        vanilla_rnn, ("in_to_hidden/w",), unstated=lambda module: _ONE_BIAS
    ),
    "Conv1DLSTM": _CONV_LSTM,
    "Conv2DLSTM": _CONV_LSTM,
    "Conv3DLSTM": _CONV_LSTM,
    "Conv1DTranspose": Layout(conv_1d_transpose, ("w",)),
    "DepthwiseConv2D": Layout(depthwise_conv_2d, ("w",)),
    "Embed": Layout(embed, ("embeddings",)),
    "BaseBatchNorm": Layout(batch_norm, ("moving_mean",), unstated=_of_batch_norm),
    "LayerNorm": Layout(layer_norm, ("gamma", "beta"), unstated=_of_layer_norm),
    "TrainableState": Layout(trainable_state, _STATE_MARKS, separator=""),
    "nets.VectorQuantizer": Layout(vector_quantizer, ("embedding",)),
    "nets.VectorQuantizerEMA": Layout(vector_quantizer_ema, ("embedding",)),
}
