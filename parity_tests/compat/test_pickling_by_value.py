"""cloudpickle and dill take modules whose class stands in a notebook or `__main__`."""

import importlib
import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

LIBRARIES = ["cloudpickle", "dill"]

NOTEBOOK = """
import functools
import jax, jax.numpy as jnp
import numpy as np
from sonnax import compat as snt

FACTOR = 3.0

class Scaled(snt.Module):
    def __init__(self, size, name=None):
        super().__init__(name=name)
        self.layers = [snt.Linear(size), jax.nn.relu, snt.Linear(2)]

    @snt.once
    def _initialize(self, x):
        self.scale = snt.Variable(lambda: jnp.full([2], FACTOR), name="scale")

    @property
    def doubled(self):
        return self.scale * 2

    @snt.no_name_scope
    def plain(self, x):
        return x + snt.Variable(1.0, name="one")

    @snt.mixed_precision.modes([jnp.float32])
    def halved(self, x):
        return x / 2

    @functools.wraps(doubled.fget)
    def decorated(self):
        return snt.Variable(1.0, name="w")

    def __call__(self, x):
        self._initialize(x)
        for layer in self.layers:
            x = layer(x)
        with snt.mixed_precision.scope(jnp.float32):
            return self.halved(self.plain(x) * self.doubled)

class Shifted(Scaled):
    def __call__(self, x):
        return super().__call__(x) + 1

x = np.ones([3, 4], np.float32)
modules = [Scaled(5), Shifted(5)]
expected = [np.asarray(module(x)) for module in modules]
"""

SAVE = """
import pickle
import cloudpickle, dill
try:
    pickle.loads(pickle.dumps(modules))
except Exception as error:
    raise SystemExit(f"pickle itself: {error!r}")
for library in (cloudpickle, dill):
    with open(library.__name__, "wb") as file:
        library.dump((modules, x, expected), file)
"""

LOAD = """
import sys
import numpy as np
import cloudpickle, dill

hooked = []
for library in (cloudpickle, dill):
    if library is dill:  # it leaves out what the functions of __main__ find there
        import jax, jax.numpy as jnp
        from sonnax import compat as snt
        FACTOR = 3.0
    with open(library.__name__, "rb") as file:
        modules, x, expected = library.load(file)
    for module, y in zip(modules, expected):
        assert "Scaled" not in vars(sys.modules["__main__"])
        np.testing.assert_array_equal(module(x), y)
        assert repr(module) == f"{type(module).__name__}(size=5)", repr(module)
        name = type(module).__name__.lower()
        assert module.variables[0].name == f"{name}/scale:0"
        assert module.decorated().name == f"{name}/w:0"
        module.scale.assign([0.0, 0.0])
        assert not np.array_equal(module(x), y)
        again = type(module)(3)  # the class works as well as its instance
        assert again(x).shape == (3, 2)

        from sonnax import haiku_impl as hk
        def note(method, args, kwargs, context):
            hooked.append((type(context.module).__name__, context.method_name))
            return method(*args, **kwargs)
        with hk.intercept_methods(note):
            hooked.clear()
            module.halved(x)
        assert hooked == [(type(module).__name__, "halved")], hooked
"""


def run(program, folder):
    here = pathlib.Path(__file__).resolve()
    path = [str(here.parents[3]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_a_module_of_a_notebook_is_loaded_in_another_process(tmp_path):
    run(NOTEBOOK + SAVE, tmp_path)
    run(LOAD, tmp_path)


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_each_thread_has_is_pickled_by_name(library):
    pickler = importlib.import_module(library)
    from sonnax.compat import mixed_precision
    from sonnax.haiku_impl import config
    from sonnax.haiku_impl.core import frames

    for held in (frames.thread, config._thread, mixed_precision._mode):
        assert pickler.loads(pickler.dumps(held)) is held
