"""Values that wait for variables: they arrive however the first call is made."""

import copy
import gc
import threading
import time
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import compat as snt
from sonnax import converters

from ..compat.cases import CASES
from ..compat.libraries import COMPAT, arrays, leaves

X = np.ones([2, 3], "float32")


def eagerly(call):
    return call()


def compiled(call):
    return snt.jit(call)()


def in_another_thread(call):
    found = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]


def inside_another_module(call):
    class Outer(snt.Module):
        def __call__(self):
            return call()

    return Outer()()


def pure(call):
    f = snt.functional.transform_with_state(call)
    params, state = f.init(rng=0)
    out, _ = f.apply(params, state, rng=jax.random.key(0))
    return out


def pure_twice(call):
    f = snt.functional.transform_with_state(call)
    jax.eval_shape(lambda: f.init(rng=0))
    return pure(call)


WAYS = [eagerly, compiled, in_another_thread, inside_another_module, pure, pure_twice]
MODULES = [case for case in CASES if isinstance(case.make(COMPAT), snt.Module)]


def made(case):
    with snt.functional.variables():
        return case.make(COMPAT)


def saved(module, path, call):
    """Calls a module, changes its variables, saves it; returns what it gives then."""
    snt.random.set_seed(0)
    call(module)
    for i, variable in enumerate(
        module._flatten(lambda v: isinstance(v, snt.Variable))
    ):
        if jnp.issubdtype(variable.dtype, jnp.floating):
            variable.assign(variable.value() * 0.5 + 0.125 * (i + 1))
    converters.save(path, module=module)


@pytest.mark.parametrize("case", MODULES, ids=lambda case: case.name)
def test_the_first_call_has_restored_values(case, tmp_path):
    inputs = arrays(COMPAT, case.draw("float32", 0))
    call = lambda module: case.call(module, *inputs, **case.calls[0])
    first = made(case)
    call(first)
    if not snt.allow_empty_variables(first).variables:
        pytest.skip("no variables")
    saved(first, tmp_path / "first-1", call)
    start = [variable.numpy() for variable in first.variables]
    snt.random.set_seed(1)
    expected = leaves(call(first))
    for way in WAYS[:-1]:
        twin = made(case)
        status = converters.restore(tmp_path / "first-1", module=twin)
        snt.random.set_seed(1)
        found = leaves(way(lambda twin=twin: call(twin)))
        if not case.random:
            for one, theirs in zip(found, expected, strict=True):
                rtol = max(case.rtol, 1e-5)
                np.testing.assert_allclose(one, theirs, rtol, 1e-5, err_msg=str(way))
        status.assert_consumed()
        fixed = [v for v in twin.variables if v.trainable and way is not pure]
        # What a module made in another's scope is called after that.
        values = dict(zip((v.name for v in first.variables), start, strict=True))
        for variable in fixed if len(values) == len(start) else ():
            if variable.name in values:
                np.testing.assert_array_equal(variable.numpy(), values[variable.name])


class MadeWithoutOnce(snt.Module):
    def __call__(self, x):
        if not hasattr(self, "vq"):
            self.vq = snt.nets.VectorQuantizerEMA(3, 4, 0.25, 0.9)
        return self.vq(x, is_training=False)["quantize"]


class InALaterList(snt.Module):
    def __init__(self):
        super().__init__()
        self.layers = []

    def __call__(self, x):
        if not self.layers:
            self.layers.append(snt.Linear(3))
            self.layers.append(snt.nets.VectorQuantizerEMA(3, 4, 0.25, 0.9))
        return self.layers[1](self.layers[0](x), is_training=False)["quantize"]


class InALaterDict(snt.Module):
    def __init__(self):
        super().__init__()
        self.parts = {"inner": []}

    @snt.once
    def _initialize(self):
        self.parts["inner"].append(snt.Variable(jnp.arange(3.0), name="inner"))

    def __call__(self, x):
        self._initialize()
        return x + self.parts["inner"][0]


class ReadAtOnce(snt.Module):
    def __init__(self):
        super().__init__()
        self.parts = {}

    def __call__(self, x):
        if not self.parts:
            self.parts["w"] = snt.Variable(jnp.arange(3.0), name="w")
        return x + self.parts["w"]


class Twice(snt.Module):
    def __call__(self, x):
        if not hasattr(self, "inner"):
            self.inner = MadeWithoutOnce()
            self.both = (snt.Embed(5, 3), self.inner)
        return self.inner(x) + self.both[0](jnp.array([0, 4]))


LATE = {
    "without once": MadeWithoutOnce,
    "deferred": lambda: snt.Sequential(
        [snt.Linear(3), snt.Deferred(lambda: MadeWithoutOnce())]
    ),
    "deferred embed": lambda: snt.Sequential(
        [
            lambda x: x.astype("int32"),
            snt.Deferred(lambda: snt.Embed(5, 3)),
        ]
    ),
    "list": InALaterList,
    "dict": InALaterDict,
    "read at once": ReadAtOnce,
    "twice": Twice,
}


@pytest.mark.parametrize("layout", [None, "names"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", LATE)
def test_what_is_made_late_has_restored_values(name, way, layout, tmp_path):
    first, twin = LATE[name](), LATE[name]()
    saved(first, tmp_path / "first-1", lambda module: module(X))
    status = converters.restore(tmp_path / "first-1", module=twin, layout=layout)
    expected = way(lambda: first(X))
    np.testing.assert_allclose(way(lambda: twin(X)), expected, rtol=1e-5)
    if way in (eagerly, compiled, in_another_thread, inside_another_module):
        status.assert_existing_objects_matched()


def test_a_first_call_that_fails_leaves_the_values_waiting(tmp_path):
    first, twin = snt.nets.MLP([4, 3]), snt.nets.MLP([4, 3])
    saved(first, tmp_path / "first-1", lambda module: module(X))
    status = converters.restore(tmp_path / "first-1", module=twin)

    @snt.jit
    def fails(x):
        twin(x)
        raise KeyError("after the variables were made")

    with pytest.raises(KeyError):
        fails(X)
    np.testing.assert_allclose(twin(X), first(X), rtol=1e-6)
    status.assert_consumed()


def test_what_does_not_fit_is_said_each_time(tmp_path):
    saved(snt.Linear(3), tmp_path / "first-1", lambda module: module(X))
    twin = snt.Linear(4)
    converters.restore(tmp_path / "first-1", module=twin)
    for _ in range(2):
        with pytest.raises(converters.MismatchError, match="shape"):
            twin(X)
    assert snt.Linear(4)(X).shape == (2, 4)


@pytest.mark.parametrize("layout", [None, "names"])
def test_a_copy_waits_as_well(layout, tmp_path):
    first, twin = snt.nets.MLP([4, 3]), snt.nets.MLP([4, 3])
    saved(first, tmp_path / "first-1", lambda module: module(X))
    status = converters.restore(tmp_path / "first-1", module=twin, layout=layout)
    copied = copy.deepcopy(twin)
    np.testing.assert_allclose(copied(X), first(X), rtol=1e-6)
    np.testing.assert_allclose(twin(X), first(X), rtol=1e-6)
    status.assert_consumed() if layout is None else None


@pytest.mark.parametrize("layout", [None, "names"])
def test_a_restore_that_waits_ends_with_its_modules(layout, tmp_path):
    saved(snt.Linear(4), tmp_path / "net-1", lambda module: module(X))
    net = snt.Linear(4)
    status = converters.restore(tmp_path / "net-1", net=net, layout=layout)
    dead = weakref.ref(net), weakref.ref(status.checkpoint)
    del net, status
    gc.collect()
    assert [each() for each in dead] == [None, None]


def seconds(count, path):
    net = snt.nets.MLP([4] * count)
    converters.restore(path, module=net)
    start = time.perf_counter()
    net._initialize = None
    for layer in net._layers:
        layer._initialize(X_WIDE)
    return time.perf_counter() - start


X_WIDE = jnp.ones([1, 4])


def test_the_first_call_is_linear_in_the_number_of_variables(tmp_path):
    nets = {n: snt.nets.MLP([4] * n) for n in (50, 400)}
    for n, net in nets.items():
        net(X_WIDE)
        converters.save(tmp_path / f"n-{n}", module=net)
    seconds(50, tmp_path / "n-50")
    few, many = (min(seconds(n, tmp_path / f"n-{n}") for _ in range(3)) for n in nets)
    assert many < 8 * 3 * few


def test_a_restore_that_never_completes_slows_no_other_module(tmp_path):
    saved(snt.nets.MLP([4, 3]), tmp_path / "mlp-1", lambda module: module(X))
    kept = [snt.nets.MLP([4, 3]) for _ in range(50)]
    read = []
    real = converters.Checkpoint.read
    for net in kept:
        converters.restore(tmp_path / "mlp-1", module=net)
    try:
        converters.Checkpoint.read = lambda *args, **kwargs: read.append(args)
        snt.nets.MLP([4, 3])(X)
    finally:
        converters.Checkpoint.read = real
    assert not read
    assert not [v for v in vars(snt.Linear(3)) if "wait" in v]


def chain(depth):
    inner = None
    for _ in range(depth):
        outer = snt.Module(name="node")
        if inner is not None:
            outer.n = inner
        outer.w = snt.Variable(np.float32(0), name="w")
        inner = outer
    return inner


def test_five_thousand_nested_modules_are_saved_and_restored(tmp_path):
    depth = 5000
    net, node = chain(depth), None
    node = net
    for i in range(depth):
        node.w.assign(i)
        node = getattr(node, "n", None)
    path = converters.save(tmp_path / "deep-1", net=net)
    twin = chain(depth)
    converters.restore(path, net=twin).assert_consumed()
    assert float(twin.n.n.w) == 2
