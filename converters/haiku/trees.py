"""Checkpoints as the parameters and the state of a Haiku model."""

from __future__ import annotations

import dataclasses
import fnmatch
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, Self

import jax.numpy as jnp
import numpy as np

from ..checkpoint import Checkpoint, open_checkpoint
from ..derived_tensor import DerivedTensor
from ..errors import MismatchError, listed
from ..restoring.variable_values import in_dtype
from .sources import Sources, sources_of
from .twins import reshaped, reversed_kernel

__all__ = ["HaikuReport", "HaikuTrees", "Placed", "to_haiku"]

_TRANSPOSED = re.compile(r"transpose", re.IGNORECASE)

Tree = Mapping[str, Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Placed:
    """Where the value of one array of a tree came from.

    Attributes:
      destination: `module/name` in the tree.
      sources: the checkpoint's keys of the tensors that it is made of.
      why: how they were found, and what was done to them.
    """

    destination: str
    sources: tuple[str, ...]
    why: str


@dataclasses.dataclass(frozen=True)
class HaikuReport:
    """What `to_haiku` did; its text is a table.

    Attributes:
      placed: each array of the trees, in their order.
      left_in_checkpoint: the keys of the tensors that nothing was made of.
      left_in_trees: the arrays that kept their values, as `module/name`.
    """

    placed: tuple[Placed, ...]
    left_in_checkpoint: tuple[str, ...]
    left_in_trees: tuple[str, ...]

    def __str__(self) -> str:
        lines = [
            f"{each.destination} <- {', '.join(each.sources)} ({each.why})"
            for each in self.placed
        ]
        lines += [f"{key}: left in the checkpoint" for key in self.left_in_checkpoint]
        lines += [f"{name}: left as it was" for name in self.left_in_trees]
        return "\n".join(lines)


class HaikuTrees(tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]):
    """The pair of parameters and state, with the report of how they came about.

    Attributes:
      params: `{module: {name: jax.Array}}`.
      state: likewise.
      report: where each array came from, and what is left over.
    """

    report: HaikuReport

    def __new__(cls, params: Any, state: Any, report: HaikuReport) -> Self:
        trees = super().__new__(cls, (params, state))
        trees.report = report
        return trees

    @property
    def params(self) -> dict[str, dict[str, Any]]:
        return self[0]

    @property
    def state(self) -> dict[str, dict[str, Any]]:
        return self[1]


def to_haiku(
    path: str | os.PathLike | Checkpoint,
    like: Tree | tuple[Tree, Tree],
    mapping: Mapping[str, str] | None = None,
    *,
    layout: str | None = None,
    transposed: Iterable[str] | None = None,
    partial: bool = False,
) -> HaikuTrees:
    """Makes the parameters and the state of a Haiku model from a Sonnet checkpoint.

    An array of the trees gets the tensor that mapping gives its name; else that of its
    name as it was recorded with the variable, `mlp/linear_0/w` for `w` of
    `mlp/~/linear_0`; else that of its path from the root (`model/_w_i` is `model/w_i`);
    else, for a module of which nothing was found, the variables of the only module left
    that has the same names and shapes, if no other module of the trees has them. Where
    Haiku lays a module out in another way (LSTM, VanillaRNN, BatchNorm, the ConvLSTMs,
    depthwise kernels), it is converted. For the pure functions of compat nothing has
    to be.

    Args:
      path: what `open_checkpoint` takes, or a checkpoint that is open.
      like: what `init` returned, the parameters or the pair of parameters and state,
        or `jax.ShapeDtypeStruct`s in their places (`jax.eval_shape(f.init, ...)`).
      mapping: regular expressions over whole names, and over paths without leading
        underscores, to replacements, tried in order; the first that matches counts.
      layout: "sonnet1" for a checkpoint of Sonnet 1, else None.
      transposed: globs over modules of the trees that are transposed convolutions of
        Haiku, which takes their windows the other way round. Nothing in the trees
        tells them from compat's, so it must be given, if only as `()`, where a
        module's name speaks of it.
      partial: whether arrays for which nothing is found keep their values.

    Returns:
      `(params, state)`, with a `report` that lists each array, where it came from and
      why, and what is left over on both sides.

    Raises:
      MismatchError: nothing is found for an array, several tensors could be meant,
        or shapes or dtypes differ.
      CheckpointError: the checkpoint can't be read.
      ValueError: there is no such layout.

    Example:
      >>> import tempfile, jax, jax.numpy as jnp
      >>> from sonnax import compat as snt, converters, haiku_impl as hk
      >>> net = snt.nets.MLP([3])
      >>> y = net(jnp.ones([1, 2]))
      >>> path = converters.save(tempfile.mkdtemp() + "/ckpt-1", net=net)
      >>> f = hk.transform(lambda x: hk.nets.MLP([3])(x))
      >>> like = f.init(jax.random.PRNGKey(0), jnp.ones([1, 2]))
      >>> params, state = trees = converters.to_haiku(path, like)
      >>> bool((f.apply(params, None, jnp.ones([1, 2])) == y).all())
      True
      >>> print(trees.report.placed[0].destination, trees.report.placed[0].why)
      mlp/~/linear_0/w the name 'mlp/linear_0/w'
    """
    checkpoint = path if isinstance(path, Checkpoint) else open_checkpoint(path)
    trees = like if isinstance(like, tuple) else (like, {})
    wanted = _wanted(trees)
    sources = sources_of(checkpoint, mapping or {}, layout, wanted)
    found = _found(checkpoint, wanted, sources)
    for name in wanted:
        if _is_transposed(checkpoint, name, wanted[name], transposed) and name in found:
            found[name] = reversed_kernel(found[name])
    missing = [name for name in wanted if name not in found]
    used = {key for tensor in found.values() for key in tensor.sources}
    left = tuple(key for key in sources.keys if key not in used)
    if missing and not partial:
        raise MismatchError(
            f"{len(missing)} arrays of the trees have no value in the checkpoint: "
            f"{listed(missing)}. Left over there are {listed(list(left))}. "
            "mapping={pattern: replacement} renames those; partial=True lets the "
            "arrays keep their values.",
            path=checkpoint.path,
        )
    made = [
        {
            module: {
                name: _array(
                    checkpoint, f"{module}/{name}", old, found.get(f"{module}/{name}")
                )
                for name, old in bundle.items()
            }
            for module, bundle in tree.items()
        }
        for tree in trees
    ]
    placed = tuple(
        Placed(name, found[name].sources, found[name].why)
        for name in wanted
        if name in found
    )
    return HaikuTrees(made[0], made[1], HaikuReport(placed, left, tuple(missing)))


def _wanted(trees: Iterable[Tree]) -> dict[str, tuple[int, ...]]:
    """Returns the shape of each array by `module/name`."""
    return {
        f"{module}/{name}": tuple(np.shape(array))
        for tree in trees
        for module, bundle in tree.items()
        for name, array in bundle.items()
    }


def _found(
    checkpoint: Checkpoint, wanted: Mapping[str, tuple[int, ...]], sources: Sources
) -> dict[str, DerivedTensor]:
    found: dict[str, DerivedTensor] = {}
    for name, shape in wanted.items():
        candidates = {
            kind: table[plain(name)]
            for kind, table in sources.tables.items()
            if plain(name) in table
        }
        for kind, tensors in candidates.items():
            if len(tensors) == 1:
                found[name] = _fitting(checkpoint, name, shape, tensors[0], kind)
                break
        else:
            for kind, tensors in candidates.items():
                raise MismatchError(
                    f"{name!r} could be made of each of "
                    f"{listed([', '.join(t.sources) for t in tensors])}, by the {kind} "
                    f"{plain(name)!r}. Say with mapping which one is meant.",
                    path=checkpoint.path,
                )
    used = {key for tensor in found.values() for key in tensor.sources}
    found.update(_by_structure(checkpoint, wanted, found, sources, used))
    return found


def _fitting(
    checkpoint: Checkpoint,
    name: str,
    shape: tuple[int, ...],
    tensor: DerivedTensor,
    kind: str,
) -> DerivedTensor:
    result = reshaped(tensor, shape)
    if result is None:
        raise MismatchError(
            f"its {kind} is that of {name!r}, whose shape is {shape}, and its own is "
            f"{tensor.shape}. Rename it with mapping if it is another's.",
            path=checkpoint.path,
            tensor=", ".join(tensor.sources),
        )
    why = f"the {kind} {plain(name)!r}, {result.why}".strip(", ")
    return dataclasses.replace(result, why=why)


def _by_structure(
    checkpoint: Checkpoint,
    wanted: Mapping[str, tuple[int, ...]],
    found: Mapping[str, DerivedTensor],
    sources: Sources,
    used: set[str],
) -> dict[str, DerivedTensor]:
    """Matches modules that are the only ones with their names and shapes."""
    modules = _modules({n: s for n, s in wanted.items() if n not in found})
    touched = {name.rpartition("/")[0] for name in found}
    result: dict[str, DerivedTensor] = {}
    for module, leaves in modules.items():
        if module in touched:
            continue
        twins = [m for m, other in modules.items() if other == leaves]
        fits = {
            where: bundle
            for where, bundle in sources.modules.items()
            if {n: t.shape for n, t in bundle.items()} == leaves
            and not any(key in used for t in bundle.values() for key in t.sources)
        }
        if fits and (len(twins) > 1 or len(fits) > 1):
            raise MismatchError(
                f"the modules {twins} have parameters of the same names and shapes, "
                f"{leaves}, and so have {list(fits)} in the checkpoint: say which is "
                "which with mapping.",
                path=checkpoint.path,
            )
        for where, bundle in fits.items():
            for name, tensor in bundle.items():
                why = f"{where!r} alone has the names and shapes, {tensor.why}"
                result[f"{module}/{name}"] = dataclasses.replace(
                    tensor, why=why.strip(", ")
                )
    return result


def _modules(
    shapes: Mapping[str, tuple[int, ...]],
) -> dict[str, dict[str, tuple[int, ...]]]:
    modules: dict[str, dict[str, tuple[int, ...]]] = {}
    for whole, shape in shapes.items():
        module, _, name = whole.rpartition("/")
        modules.setdefault(module, {})[name] = shape
    return modules


def _is_transposed(
    checkpoint: Checkpoint,
    name: str,
    shape: tuple[int, ...],
    transposed: Iterable[str] | None,
) -> bool:
    module, _, leaf = name.rpartition("/")
    if leaf != "w" or len(shape) < 3:
        return False
    if transposed is None:
        if _TRANSPOSED.search(module.rpartition("/")[2]):
            raise MismatchError(
                f"{module!r} seems to be a transposed convolution, whose window Haiku "
                "takes the other way round than Sonnet, and compat as Sonnet does. "
                f"Pass transposed=[{module!r}] for a Haiku model, transposed=() for "
                "compat's.",
                path=checkpoint.path,
            )
        return False
    return any(fnmatch.fnmatchcase(module, glob) for glob in transposed)


def _array(
    checkpoint: Checkpoint, name: str, old: Any, tensor: DerivedTensor | None
) -> Any:
    if tensor is None:
        return old
    sources = ", ".join(tensor.sources)
    value = in_dtype(tensor.read(), old.dtype, name, checkpoint.path, sources)
    return jnp.asarray(value)


def plain(name: str) -> str:
    """Returns a name without Haiku's marks of what was made in a constructor.

    >>> plain("mlp/~/linear_0/w")
    'mlp/linear_0/w'
    """
    return "/".join(part for part in name.split("/") if part != "~")
