"""`snt.distribute` on eight devices that a process of its own is made to have."""

import json
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import compat as snt


@pytest.fixture(scope="module")
def results():
    command = [sys.executable, "-m", "sonnax.parity_tests.compat.replicas"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("how", ["eight", "eight, compiled around"])
def test_training_on_eight_devices_is_training_on_one_with_the_whole_batch(
    results, how
):
    assert results["replicas"] == 8
    losses, variables = results["one"]
    np.testing.assert_allclose(results[how][0], losses, rtol=1e-5)
    assert list(results[how][1]) == list(variables)
    for name, expected in variables.items():
        # The sums of eight parts round differently, and Adam's first steps have the
        # size of the rate however small the gradient.
        np.testing.assert_allclose(
            results[how][1][name], expected, rtol=2e-4, atol=2e-5, err_msg=name
        )


def test_the_pure_gear_is_sharded_by_jax_itself(results):
    assert results["pure"] < 1e-5


def test_replicas_share_initial_values_but_no_random_numbers(results):
    assert results["random"] == {"equal outputs": 1, "drawn": 8}


def test_replicas_have_values_of_their_own(results):
    assert results["own"] == {
        "x": [2.0 * i for i in range(8)],
        "gathered": [float(i) for i in range(8)],
        "size": [8] * 8,
        "sum": 56.0,
        "last": 10,
    }


def test_mistakes_are_explained(results):
    expected = {
        "uneven": "A batch of 9 cannot be divided evenly among 8 replicas",
        "count": "8 replicas, but a PerReplica of 3 values",
        "operation": "no reduction 'max'",
        "tpu": "no TPUs here",
        "scope": "in a cross-replica context",
    }
    assert sorted(results["refusals"]) == sorted(expected)
    for name, message in expected.items():
        assert message in results["refusals"][name]


def test_one_replica_returns_plain_values():
    replicator = snt.distribute.Replicator(["cpu:0"])
    w = snt.Variable(2.0)
    assert float(replicator.run(lambda x: w * x, (jnp.array(3.0),))) == 6
    assert float(replicator.reduce("mean", jnp.array(3.0))) == 3
    assert snt.distribute.create_variables_eagerly(len) is len
    with pytest.raises(ValueError, match="no TPUs here"):
        snt.distribute.TpuReplicator()
