"""A model of twenty layers: an error in its port is found where it was planted."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from sonnax.parity import (
    Recording,
    Tolerance,
    compare,
    compare_recordings,
    parting,
    read_recording,
    record,
    verdict,
)
from sonnax.parity.recorder import session
from sonnax.parity.sonnax_side import SonnaxSide

MODELS = Path(__file__).parent / "models"
LEGACY = str(MODELS / "legacy_tower.py") + ":build"
PORT = str(MODELS / "ported_tower.py")
INPUTS = {
    "images": np.random.default_rng(0).normal(size=(4, 40, 40, 3)).astype("f4"),
    "is_training": np.array(False),
}
WORK = {"loss": "cross_entropy", "gradients": True, "steps": 3, "float64": True}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A checkpoint of the legacy model after some training."""
    found = importlib.util.spec_from_file_location("legacy", LEGACY.split(":")[0])
    legacy = importlib.util.module_from_spec(found)
    found.loader.exec_module(legacy)
    tf.random.set_seed(0)
    objects = legacy.build()
    for _ in range(2):
        with tf.GradientTape() as tape:
            images = tf.constant(INPUTS["images"])
            loss = legacy.cross_entropy(objects["model"], images, True)
        variables = objects["model"].trainable_variables
        objects["optimizer"].apply(tape.gradient(loss, variables), variables)
    prefix = str(tmp_path_factory.mktemp("checkpoint") / "ckpt-2")
    return tf.train.Checkpoint(**objects).write(prefix)


@pytest.fixture(scope="module")
def recorded(checkpoint, tmp_path_factory):
    """The folder of what the legacy model computes, in both precisions."""
    folder = tmp_path_factory.mktemp("recorded") / "tower"
    record(LEGACY, folder, inputs=INPUTS, checkpoint=checkpoint, **WORK)
    return str(folder)


def compared(recorded, checkpoint, name, **work):
    """Compares with a port that runs in this process, in float32."""
    request = session.Request(f"{PORT}:{name}", INPUTS, checkpoint, **work)
    run = session.record(request, SonnaxSide("float32"), lambda text: None)
    port = Recording(request.spec, {}, INPUTS, {"float32": run})
    return compare_recordings(read_recording(recorded), port, Tolerance())


def test_a_right_port_agrees_in_both_precisions(recorded, checkpoint):
    comparison = compare(recorded, f"{PORT}:build", checkpoint=checkpoint, **WORK)
    assert comparison.agrees
    assert "it is rounding" in verdict(comparison)
    for precision, limit in (("float32", 1e-5), ("float64", 1e-12)):
        run = comparison.runs[precision]
        assert not run.gaps
        assert len({c.call.path for c in run.calls}) >= 20
        assert max(c.worst.max_relative for c in run.calls) < limit
        assert len(run.gradients) == 32
        assert len(run.losses) == 3
        # The cell runs in a loop on both sides, and each step of it is seen.
        assert [c.call.number for c in run.calls if c.call.path == "model/core"] == [
            *(0, 0, 1, 2),
        ]


@pytest.mark.parametrize(
    ("port", "kind", "path"),
    [
        ("with_transposed_kernel", "module", "model/dense/2"),
        ("with_wrong_epsilon", "module", "model/blocks/3/norm"),
        ("without_moving_averages", "module", "model/blocks/1/norm"),
        ("with_swapped_gates", "module", "model/core"),
        ("with_other_pooling", "between", "model"),
    ],
)
def test_an_error_is_found_at_the_layer_that_has_it(
    recorded, checkpoint, port, kind, path
):
    comparison = compared(recorded, checkpoint, port)
    first = parting(comparison.runs["float32"])
    assert (first.kind, first.path) == (kind, path)
    assert not comparison.agrees


def test_a_missing_variable_is_named(recorded, checkpoint):
    comparison = compared(recorded, checkpoint, "without_moving_averages")
    assert "model/blocks/1/norm/moving_mean" in verdict(comparison)


def test_an_epsilon_that_is_slightly_wrong_is_found_in_float64(recorded, checkpoint):
    port = f"{PORT}:with_slightly_wrong_epsilon"
    comparison = compare(
        recorded,
        port,
        checkpoint=checkpoint,
        float64=True,
        ignore=["gradients", "losses"],
    )
    assert comparison.runs["float32"].agrees
    first = parting(comparison.runs["float64"])
    assert (first.kind, first.path) == ("module", "model/blocks/3/norm")
    assert "It is real" in verdict(comparison)


def test_a_wrong_gradient_is_found(recorded, checkpoint):
    work = {"loss": "cross_entropy_of_half", "gradients": True}
    comparison = compared(recorded, checkpoint, "build", **work)
    first = parting(comparison.runs["float32"])
    assert first.kind == "gradient"
    assert first.difference.max_relative == pytest.approx(0.5, rel=1e-3)


def test_another_learning_rate_is_found_in_the_second_loss(recorded, checkpoint):
    work = {"loss": "cross_entropy", "steps": 3}
    comparison = compared(recorded, checkpoint, "with_other_learning_rate", **work)
    agreeing = [d.agrees for d in comparison.runs["float32"].loss_differences]
    assert agreeing == [True, False, False]
    assert "the loss of step 2" in verdict(comparison)
