"""MIGRATION.md's code for several devices, on four that a process is made to have."""

import json
import os
import subprocess
import sys

import numpy as np

from .documents import blocks, parts

CODE = [
    code
    for _, text, line in parts("MIGRATION.md", within="Several devices")
    for is_legacy, _, code in blocks(text, line)
    if not is_legacy
]


def test_four_devices_compute_what_one_does():
    report = "print(json.dumps([jax.device_count(), result, losses]))"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(["import json", *CODE, report])],
        env=os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    count, by_replicas, by_mesh = json.loads(done.stdout)
    assert count == 4
    on_one = {}
    exec(CODE[0], on_one)
    np.testing.assert_allclose(by_replicas, on_one["result"], rtol=1e-5)
    np.testing.assert_allclose(by_mesh, on_one["result"], rtol=1e-5)
