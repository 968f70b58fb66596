"""The order of things: build, restore, call, take gradients, train; on either side."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .capture import Capture
from .model_file import (
    ModelFile,
    UsageError,
    arguments,
    name_of_the_model,
    objects_of,
    optimizer_of,
    trainable_variables,
)
from .recording import Run
from .side import Side
from .structure import flatten, walk


@dataclasses.dataclass
class Request:
    """What to record.

    Attributes:
      spec: the function that builds the model, `file.py:build`.
      inputs: the model's arguments, by name.
      checkpoint: what to restore, or None for the first values of its variables.
      loss: the name of a function `loss(model, *inputs)` in the same file; None is
        the mean square of the outputs.
      gradients: whether to take the gradients of the loss.
      steps: how many steps to train.
    """

    spec: str
    inputs: Mapping[str, np.ndarray]
    checkpoint: str | None = None
    loss: str | None = None
    gradients: bool = False
    steps: int = 0


@dataclasses.dataclass
class _Built:
    objects: Mapping[str, Any]
    name: str

    @property
    def model(self) -> Any:
        return self.objects[self.name]


def write_first_values(request: Request, side: Side, path: str) -> None:
    """Writes the first values of a model's variables as a checkpoint."""
    _Recorder(request, side).write_first_values(path)


def record(request: Request, side: Side, progress: Callable[[str], None]) -> Run:
    """Runs a model and returns what it computed.

    Args:
      request: what to run, with a checkpoint.
      side: the library it is written for.
      progress: called with the name of each part of the work as it begins.

    Raises:
      UsageError: if the files and options do not fit together.
    """
    recorder = _Recorder(request, side)
    run = Run()
    progress("forward")
    recorder.forward(run)
    if request.gradients:
        progress("gradients")
        recorder.gradients(run)
    if request.steps:
        progress("training")
        recorder.train(run)
    return run


class _Recorder:
    def __init__(self, request: Request, side: Side):
        self._request = request
        self._side = side
        self._file = ModelFile(request.spec)
        self._module = self._file.load()

    def write_first_values(self, path: str) -> None:
        built = self._built()
        args, kwargs = self._arguments()
        built.model(*args, **kwargs)
        self._side.save(path, built.objects)

    def forward(self, run: Run) -> None:
        built = self._built()
        check = self._restored(built)
        args, kwargs = self._arguments()
        side = self._side
        # Here, so that the calls in it are not taken for the model's.
        side.create(lambda: built.model(*args, **kwargs))
        capture = Capture(side)
        with side.capturing(capture):
            if side.is_module(built.model):
                built.model(*args, **kwargs)
            else:
                given = dict(flatten([*args, kwargs]))
                capture.enter(built.model, "__call__")
                capture.leave(given, dict(flatten(built.model(*args, **kwargs))))
        check()
        modules = self._paths(built, side.is_module)
        run.calls = capture.calls({**modules, id(built.model): built.name})
        run.variables = self._values(built)

    def gradients(self, run: Run) -> None:
        built = self._built()
        run.loss, gradients = self._step(built, None)()
        paths = self._paths(built, self._side.is_variable)
        variables = trainable_variables(built.model)
        for variable, gradient in zip(variables, gradients):
            path, array = paths[id(variable)], self._side.to_numpy(gradient)
            if array is None:
                # Without a part in the loss: None in TensorFlow, zeros in JAX.
                array = np.zeros_like(self._side.to_numpy(variable))
                run.without_gradient.append(path)
            run.gradients[path] = array

    def train(self, run: Run) -> None:
        built = self._built()
        step = self._step(built, optimizer_of(built.objects, self._request.spec))
        for done in range(1, self._request.steps + 1):
            run.losses.append(step()[0])
            # The drift grows by factors; powers of two show it.
            if done & (done - 1) == 0 or done == self._request.steps:
                run.trained[done] = self._values(built)

    def _built(self) -> _Built:
        """Builds the model anew, so that no part of the work changes the next one."""
        self._side.seed(0)
        spec = self._request.spec
        built = self._file.function(self._module)()
        objects = objects_of(built, self._side.is_module, spec)
        if "" in objects:
            objects = {self._name_of_the_model(): objects[""]}
        return _Built(objects, name_of_the_model(objects, spec))

    def _name_of_the_model(self) -> str:
        checkpoint = self._request.checkpoint
        names = self._side.saved_names(checkpoint) if checkpoint else []
        if len(names) == 1:
            return names[0]
        if "model" in names or not names:
            return "model"
        raise UsageError(
            f"the checkpoint has {names}, and {self._request.spec} returned a module: "
            f"return a dict, such as {{{names[0]!r}: net}}, to say which one it is. "
            "The name 'root' stands for tf.train.Checkpoint(net)."
        )

    def _restored(self, built: _Built) -> Callable[[], Any]:
        checkpoint = self._request.checkpoint
        assert checkpoint is not None
        objects = dict(built.objects)
        if not self._side.is_module(built.model):
            # A function has restored what it needs when it was built.
            return lambda: None
        model = {built.name: objects.pop(built.name)}
        return self._side.restore(checkpoint, model, objects)

    def _step(self, built: _Built, optimizer: Any) -> Callable[[], Any]:
        if not self._side.is_module(built.model):
            raise UsageError(
                f"{self._request.spec} returned a function, of which only the calls "
                "can be compared: gradients and training need a module."
            )
        check = self._restored(built)
        args, kwargs = self._arguments()
        model = built.model
        if self._request.loss is None:

            def loss() -> Any:
                return self._mean_square(model(*args, **kwargs))

        else:
            function = self._file.function(self._module, self._request.loss)

            def loss() -> Any:
                return function(model, *args, **kwargs)

        self._side.create(loss)
        step = self._side.step(loss, model, optimizer)

        def checked_step() -> Any:
            made = step()
            check()
            return made

        return checked_step

    def _mean_square(self, outputs: Any) -> Any:
        floats = [
            leaf
            for _, leaf in flatten(outputs)
            if "float" in str(getattr(leaf, "dtype", ""))
        ]
        if not floats:
            raise UsageError(
                "the model returned no floating array to take a loss of: name a "
                "function loss(model, *inputs) of your files with --loss."
            )
        return sum(map(self._side.mean_square, floats))

    def _arguments(self) -> tuple[list[Any], dict[str, Any]]:
        return arguments(self._request.inputs, self._side.to_array)

    def _paths(self, built: _Built, is_wanted: Callable[[Any], bool]) -> dict[int, str]:
        """Returns the paths of modules or variables by their identity."""
        found = walk(built.objects, self._side.is_module)
        return {id(value): path for path, value in found if is_wanted(value)}

    def _values(self, built: _Built) -> dict[str, np.ndarray]:
        """Returns the values of the model's variables by their paths."""
        side = self._side
        inside = {id(value) for _, value in walk({"": built.model}, side.is_module)}
        return {
            path: np.array(side.to_numpy(value))
            for path, value in walk(built.objects, side.is_module)
            if side.is_variable(value) and id(value) in inside
        }
