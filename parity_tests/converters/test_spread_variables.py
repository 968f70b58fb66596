"""Variables that lie on many devices, and on those of other processes."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from sonnax import converters

# A checkpoint of eight rows is restored into variables laid out over eight devices.
RESTORING = """
import sys
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
from sonnax import compat as snt, converters

mesh = Mesh(np.array(jax.devices()).reshape(4, 2), ("x", "y"))
linear = snt.Linear(8, name="linear")
x = np.ones([1, 8], np.float32)
linear(x)
layouts = {"w": P("x", "y"), "b": P("y")}
for name, spec in layouts.items():
    variable = getattr(linear, name)
    variable.assign(jax.device_put(variable.value(), NamedSharding(mesh, spec)))
placed = snt.Variable(0, dtype="int32", name="placed")
placed.assign(jax.device_put(placed.value(), jax.devices()[3]))

def check():
    for name, spec in layouts.items():
        found = getattr(linear, name).value()
        assert found.sharding == NamedSharding(mesh, spec), found.sharding
        assert {s.data.shape for s in found.addressable_shards} == {
            "w": {(2, 4)}, "b": {(4,)}
        }[name]
    np.testing.assert_array_equal(linear.w.numpy(), np.arange(64.0).reshape(8, 8))
    np.testing.assert_array_equal(linear.b.numpy(), np.arange(8.0))

tensors = {"linear/w": np.arange(64, dtype="f4").reshape(8, 8),
           "linear/b": np.arange(8, dtype="f4"), "placed": np.int32(7)}
converters.write_bundle(sys.argv[1] + "/names", tensors)
names = sys.argv[1] + "/names"
converters.restore(names, linear=linear, placed=placed).assert_consumed()
check()
assert placed.value().devices() == {jax.devices()[3]}
path = converters.save(sys.argv[1] + "/ckpt-1", model=linear)
linear.w.assign(jax.device_put(0 * linear.w.value(), linear.w.value().sharding))
converters.restore(path, model=linear).assert_consumed()
check()
print(len(jax.devices()))
"""

# Two processes with four devices each.
TWO = """
import sys
import jax
import numpy as np
jax.distributed.initialize(sys.argv[2], 2, int(sys.argv[3]))
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
from sonnax import compat as snt, converters

folder = f"{sys.argv[1]}/{sys.argv[3]}"
mesh = Mesh(np.array(jax.devices()), ("x",))
rows = np.arange(8, dtype=np.float32)
def laid_out(spec):
    sharding = NamedSharding(mesh, spec)
    return jax.make_array_from_callback((8,), sharding, lambda index: rows[index])

spread = snt.Variable(np.zeros(8, np.float32), name="spread")
spread.assign(laid_out(P("x")))
for save in (
    lambda: converters.save(folder + "/ckpt-1", spread=spread),
    lambda: converters.save_names(folder + "/ckpt-1", [spread]),
    lambda: converters.write_bundle(folder + "/ckpt-1", {"spread": spread.value()}),
    lambda: converters.save_haiku(folder + "/params.pkl", {"a": {"w": spread.value()}}),
    lambda: converters.save_haiku(folder + "/params.npz", {"a": {"w": spread.value()}}),
):
    try:
        save()
    except converters.UnsupportedCheckpointError as error:
        assert "other processes" in str(error), error
    else:
        raise AssertionError("saved")

same = snt.Variable(np.zeros(8, np.float32), name="same")
same.assign(laid_out(P()))
path = converters.save(folder + "/ckpt-2", spread=same)
converters.restore(path, spread=spread).assert_consumed()
assert not spread.value().is_fully_addressable
for shard in spread.value().addressable_shards:
    np.testing.assert_array_equal(shard.data, rows[shard.index])

for devices in jax.devices(), [jax.devices()[0]], [jax.devices()[-1]]:
    if {each.process_index for each in devices} == {jax.process_index()}:
        continue
    try:
        snt.distribute.Replicator(devices=devices)
    except ValueError as error:
        assert "jax.local_devices()" in str(error), error
    else:
        raise AssertionError("accepted")
print(len(jax.devices()))
"""


def start(program, *arguments, devices):
    flags = f"--xla_force_host_platform_device_count={devices}"
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def assert_saw_eight_devices(process):
    printed, errors = process.communicate(timeout=120)
    assert (process.returncode, printed.strip()) == (0, "8"), errors


def test_a_restored_variable_stays_where_it_is_laid_out(tmp_path):
    assert_saw_eight_devices(start(RESTORING, tmp_path, devices=8))


def test_arrays_of_two_processes_are_refused_and_restored(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    for process in [
        start(TWO, tmp_path, address, number, devices=4) for number in range(2)
    ]:
        assert_saw_eight_devices(process)


class Elsewhere:
    """An array of which other processes have parts."""

    is_fully_addressable = is_fully_replicated = False
    shape, dtype = (2,), np.dtype("f4")


def test_nothing_is_written_before_all_is_known_to_be_here(tmp_path):
    tensors = {"a": np.ones(2), "b": Elsewhere()}
    with pytest.raises(converters.UnsupportedCheckpointError, match="tensor 'b'"):
        converters.write_bundle(tmp_path / "m", tensors)
    assert os.listdir(tmp_path) == []
