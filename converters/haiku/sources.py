"""What a checkpoint has to offer to the arrays of a Haiku model, by name and path."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from ..checkpoint import Checkpoint
from ..derived_tensor import DerivedTensor, stored_tensor
from ..format.object_graph import OBJECT_GRAPH_KEY
from ..named_tensors import NamedTensors
from ..parameter_keys import flat_key
from ..renaming import renamed_by
from ..sonnet1.tensors import sonnet2_tensors
from .twins import haiku_names, twins_of

__all__ = ["Sources", "sources_of"]

Table = dict[str, list[DerivedTensor]]
Modules = dict[str, dict[str, DerivedTensor]]

# Sonnet's optimizers name what they keep after the variables it is kept for.
_SLOT = re.compile(
    r"(.*/)?(adam/[mv]|momentum/accumulated_momentum|rms_prop/(momentum|rms|mg))/.*"
)


@dataclasses.dataclass(frozen=True)
class Sources:
    """What arrays can be made of.

    Attributes:
      keys: the checkpoint's keys.
      tables: by "mapping", "name" and "path", what there is under each.
      modules: by scope, the variables of each module, in Sonnet's and in Haiku's form.
    """

    keys: tuple[str, ...]
    tables: dict[str, Table]
    modules: Modules


def sources_of(
    checkpoint: Checkpoint,
    mapping: Mapping[str, str],
    layout: str | None,
    wanted: Mapping[str, tuple[int, ...]],
) -> Sources:
    """Lists a checkpoint's tensors by what the arrays of a model may be called.

    Args:
      checkpoint: the checkpoint.
      mapping: regular expressions over names and paths to replacements; what it
        renames is under "mapping" alone.
      layout: "sonnet1" or None.
      wanted: the names of the model's arrays, which tell whether it is Haiku's or
        compat's where both have the same names.

    Returns:
      Tensors that are read when they are asked for.

    Raises:
      MismatchError: the mapping is no regular expressions.
      ValueError: there is no such layout.
    """
    if layout not in (None, "sonnet1"):
        raise ValueError(f"layout={layout!r}: it is None or 'sonnet1'.")
    keys = tuple(key for key in checkpoint if key != OBJECT_GRAPH_KEY)
    tables: dict[str, Table] = {"mapping": {}, "name": {}, "path": {}}
    if layout == "sonnet1":
        converted = sonnet2_tensors(NamedTensors(checkpoint, mapping))
        tables["name"] = {name: [tensor] for name, tensor in converted.items()}
    else:
        stored = {key: stored_tensor(checkpoint, key) for key in keys}
        for kind, names in _names(checkpoint, keys).items():
            for key, name in names.items():
                new = renamed_by(mapping, {key: name}, path=checkpoint.path)[key]
                _add(tables["mapping" if new != name else kind], new, stored[key])
    leaves = {
        "/".join(part for part in name.split("/") if part != "~") for name in wanted
    }
    # Names of Sonnet 2 need not be unique; paths are.
    modules = _modules(tables["path"] or tables["name"])
    for table in tables.values():
        _add_twins(table, leaves)
    return Sources(keys, tables, modules)


def _names(checkpoint: Checkpoint, keys: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Returns the name that was recorded of each key, and its path from the root.

    Paths are without the underscores of private attributes.
    """
    paths = {key: flat_key(key) for key in keys}
    graph = checkpoint.object_graph
    if graph is None:
        return {"name": paths}
    names = dict(paths)
    for node in graph.nodes:
        for attribute, key in node.attributes.items():
            if key in names and node.full_names.get(attribute):
                names[key] = node.full_names[attribute]
    return {"name": names, "path": {key: _public(p) for key, p in paths.items()}}


def _public(path: str) -> str:
    return "/".join(part.lstrip("_") for part in path.split("/"))


def _add(table: Table, name: str, tensor: DerivedTensor) -> None:
    for each in haiku_names(name):
        if tensor not in (known := table.setdefault(each, [])):
            known.append(tensor)


def _modules(table: Table) -> Modules:
    """Returns the variables of each module, and those of its twin."""
    modules: Modules = {}
    for name, tensors in table.items():
        scope, _, leaf = name.rpartition("/")
        if not _SLOT.fullmatch(name):
            modules.setdefault(scope, {})[leaf] = tensors[0]
    for scope, module in list(modules.items()):
        twin = twins_of(module)
        if twin is not None:
            for name, tensor in twin.haiku.items():
                inner, _, leaf = name.rpartition("/")
                modules.setdefault(f"{scope}/{inner}", {})[leaf] = tensor
    return modules


def _add_twins(table: Table, leaves: set[str]) -> None:
    """Adds, or puts in the place of Sonnet's, what Haiku's twins are made of."""
    scopes = {name.rpartition("/")[0] for name in table}
    for scope in scopes:
        prefix = f"{scope}/" if scope else ""
        names = (
            "w_i",
            "w_h",
            "b",
            "projection",
            "input_to_hidden/w",
            "hidden_to_hidden/w",
        )
        module = {
            name: table[prefix + name][0]
            for name in names
            if len(table.get(prefix + name, [])) == 1
        }
        twin = twins_of(module)
        if twin is None or all(prefix + name in leaves for name in twin.sonnet):
            continue
        for name, tensor in twin.haiku.items():
            if prefix + name in leaves:
                table[prefix + name] = [tensor]
