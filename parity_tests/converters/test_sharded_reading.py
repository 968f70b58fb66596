"""Tensors read into arrays that are spread over devices."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from sonnax import converters

W = np.arange(48, dtype=np.float32).reshape(8, 6)

# Of eight devices each asks for its own part, of a file or of stored slices.
PROGRAM = """
import sys
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
from sonnax import converters

class Counting(converters.Checkpoint):
    elements = 0
    def read(self, *args, **kwargs):
        part = super().read(*args, **kwargs)
        Counting.elements += part.size
        return part

checkpoint = converters.open_checkpoint(sys.argv[1])
checkpoint.__class__ = Counting
mesh = Mesh(np.array(jax.devices()).reshape(4, 2), ("x", "y"))
w = np.arange(48, dtype=np.float32).reshape(8, 6)
for spec, elements in ((P("x", "y"), 48), (P("x"), 96), (P(None, "y"), 192)):
    Counting.elements = 0
    sharding = NamedSharding(mesh, spec)
    array = converters.read_sharded(checkpoint, "w", sharding)
    assert array.sharding == sharding
    np.testing.assert_array_equal(array, w)
    assert Counting.elements <= elements, Counting.elements
print(len(jax.devices()))
"""


def test_each_device_reads_its_own_part(tmp_path):
    converters.write_bundle(tmp_path / "whole", {"w": W})
    flags = "--xla_force_host_platform_device_count=8"
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "whole")],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "8"), ran.stderr


def one_device():
    return NamedSharding(jax.make_mesh((1,), ("x",)), PartitionSpec("x"))


def test_what_is_read_whole_is_checked(tmp_path):
    prefix = tmp_path / "damaged"
    converters.write_bundle(prefix, {"w": W})
    data = tmp_path / "damaged.data-00000-of-00001"
    data.write_bytes(b"\x01" + data.read_bytes()[1:])
    with pytest.raises(converters.ChecksumError):
        converters.read_sharded(prefix, "w", one_device())
    unchecked = converters.read_sharded(prefix, "w", one_device(), verify=False)
    np.testing.assert_array_equal(unchecked[1:], W[1:])


def test_dtypes_that_jax_narrows_lose_nothing_or_are_refused(tmp_path):
    tensors = {"step": np.array([7], np.int64), "big": np.array([2**40], np.int64)}
    converters.write_bundle(tmp_path / "steps", tensors)
    step = converters.read_sharded(tmp_path / "steps", "step", one_device())
    assert step.tolist() == [7]
    with pytest.raises(converters.MismatchError, match="jax_enable_x64"):
        converters.read_sharded(tmp_path / "steps", "big", one_device())


def test_strings_are_refused(tmp_path):
    converters.write_bundle(tmp_path / "text", {"s": np.array([b"a"], object)})
    with pytest.raises(converters.UnsupportedCheckpointError, match="string"):
        converters.read_sharded(tmp_path / "text", "s", one_device())
