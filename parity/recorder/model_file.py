"""Loading the user's own code: `file.py:build`, its objects, and its loss."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


class UsageError(ValueError):
    """The user's files or options do not fit together; the message says how."""


class ModelFile:
    """A Python file or module with a function that builds a model.

    Args:
      spec: `file.py:build` or `package.module:build`.

    Raises:
      UsageError: if there is no such file, module or function.
    """

    def __init__(self, spec: str):
        self.spec = spec
        where, _, name = spec.rpartition(":")
        if not where or not name.isidentifier():
            raise UsageError(
                f"{spec!r} names no function: write file.py:build or "
                "package.module:build, where build() returns the model."
            )
        self._where = where
        self._build_name = name
        if where.endswith(".py"):
            self._where = os.path.abspath(where)
            if not os.path.isfile(where):
                raise UsageError(f"there is no file {where!r} (of {spec!r}).")

    def load(self) -> Any:
        """Runs the file, and returns it as a new module."""
        if not self._where.endswith(".py"):
            if os.getcwd() not in sys.path:
                sys.path.insert(0, os.getcwd())
            sys.modules.pop(self._where, None)
            try:
                return importlib.import_module(self._where)
            except ModuleNotFoundError as error:
                if error.name != self._where.partition(".")[0]:
                    raise
                raise UsageError(
                    f"there is no module {self._where!r} (of {self.spec!r})."
                ) from error
        # As if the file were run: what lies beside it can be imported.
        folder = os.path.dirname(self._where)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        name = os.path.splitext(os.path.basename(self._where))[0]
        found = importlib.util.spec_from_file_location(name, self._where)
        assert found is not None
        assert found.loader is not None
        module = importlib.util.module_from_spec(found)
        sys.modules[name] = module
        found.loader.exec_module(module)
        return module

    def function(self, module: Any, name: str | None = None) -> Callable[..., Any]:
        """Returns a function of the loaded file, by default the one that builds."""
        name = name or self._build_name
        found = getattr(module, name, None)
        if not callable(found):
            there = [
                key
                for key, value in vars(module).items()
                if callable(value) and not key.startswith("_")
            ]
            raise UsageError(
                f"{self._where} has no function {name!r}; it has {sorted(there)}."
            )
        return found


def objects_of(built: Any, is_module: Callable[[Any], bool], spec: str) -> Any:
    """Returns what `build()` made as `{name: object}`, as a checkpoint takes it.

    The name of the one object is the empty string where `build` gave none.
    """
    if is_module(built) or callable(built):
        return {"": built}
    if isinstance(built, Mapping) and any(map(callable, built.values())):
        return dict(built)
    raise UsageError(
        f"{spec} returned {built!r}; it must return a module or another function, or a "
        "dict of what tf.train.Checkpoint was given: {'model': net, 'optimizer': "
        "optimizer}."
    )


def name_of_the_model(objects: Mapping[str, Any], spec: str) -> str:
    """Returns the name of the one object that can be called, or "model"."""
    callables = [name for name in objects if callable(objects[name])]
    if "model" in callables:
        return "model"
    if len(callables) != 1:
        raise UsageError(
            f"{spec} returned {sorted(objects)}, of which {callables} can be called: "
            "give the name 'model' to the one to compare."
        )
    return callables[0]


def trainable_variables(model: Any) -> Any:
    """Returns the trainable variables of a model, in its own order."""
    try:
        return model.trainable_variables
    except ValueError as error:  # as either library has it where there are none
        raise UsageError(
            f"{type(model).__name__} has no trainable variables to take gradients "
            "with respect to: leave out --grad and --steps."
        ) from error


def optimizer_of(objects: Mapping[str, Any], spec: str) -> Any:
    """Returns the one object that has a method `apply`."""
    found = [value for value in objects.values() if hasattr(value, "apply")]
    if len(found) != 1:
        raise UsageError(
            f"training steps need an optimizer, and {spec} returned {len(found)} of "
            "them: return {'model': net, 'optimizer': snt.optimizers.Adam(1e-3)}."
        )
    return found[0]


def read_inputs(path: str) -> dict[str, np.ndarray]:
    """Reads the arguments of the model from an .npz or .npy file.

    Raises:
      UsageError: if it can't be read.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"arr_0": loaded}
        with loaded:
            return {name: loaded[name] for name in loaded.files}
    except Exception as error:  # a zip file can be damaged in many ways
        raise UsageError(
            f"{path}: no arrays can be read from it ({error}). Write the model's "
            "arguments with numpy.savez(path, x=..., is_training=False), or "
            "numpy.savez(path, x, y) to pass them by position."
        ) from error


def arguments(
    inputs: Mapping[str, np.ndarray], make: Callable[[np.ndarray], Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Returns the positional arguments and the named ones.

    `arr_0`, `arr_1`, ... are positional, as `numpy.savez` names them. A bool, int or
    string that is no array is passed as Python's.
    """
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, array in inputs.items():
        is_plain = array.ndim == 0 and array.dtype.kind in "biuU"
        value = array.item() if is_plain else make(array)
        if name == f"arr_{len(positional)}":
            positional.append(value)
        else:
            named[name] = value
    return positional, named
