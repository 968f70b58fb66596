"""The demo's data are what real Sonnet computes, and what the script makes."""

import subprocess
import sys

import numpy as np
import pytest
import sonnet
import tensorflow as tf

from sonnax.converters import open_checkpoint
from sonnax.demo import DATA, RECORDED, train_sonnet


@pytest.fixture(scope="module")
def recorded():
    with np.load(RECORDED) as arrays:
        return dict(arrays)


def test_real_sonnet_computes_the_recorded_numbers(recorded):
    model = train_sonnet.DigitClassifier()
    optimizer = sonnet.optimizers.Adam(1e-3)
    step = tf.Variable(0, dtype=tf.int64)
    status = tf.train.Checkpoint(step=step, model=model, optimizer=optimizer).restore(
        tf.train.latest_checkpoint(DATA)
    )
    images, labels = recorded["test_images"], recorded["test_labels"].astype(int)
    logits = model(train_sonnet.as_input(images), is_training=False)
    scale = np.abs(logits).max()
    np.testing.assert_allclose(logits, recorded["test_logits"], atol=2e-6 * scale)
    loss = train_sonnet.mean_cross_entropy(logits, labels)
    np.testing.assert_allclose(loss, recorded["test_loss"], rtol=1e-5)
    for batch, expected in zip(recorded["batches"], recorded["batch_losses"]):
        images, labels = (
            recorded["train_images"][batch],
            recorded["train_labels"][batch],
        )
        with tf.GradientTape() as tape:
            logits = model(train_sonnet.as_input(images), is_training=True)
            loss = train_sonnet.mean_cross_entropy(logits, labels.astype(int))
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        np.testing.assert_allclose(loss, expected, rtol=1e-4)
    status.assert_consumed()


def test_the_generator_makes_this_recording(recorded, tmp_path):
    # A process of its own: the script makes all of TensorFlow deterministic.
    script = [sys.executable, "-m", "sonnax.demo.train_sonnet", str(tmp_path)]
    subprocess.run(script, check=True, capture_output=True)
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {path.name for path in DATA.iterdir()}
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 500_000
    made, kept = open_checkpoint(tmp_path), open_checkpoint(DATA)
    assert list(made) == list(kept)
    assert made.object_graph.nodes == kept.object_graph.nodes
    with np.load(tmp_path / "recorded.npz") as arrays:
        for name in "train_images", "train_labels", "test_images", "batches":
            np.testing.assert_array_equal(arrays[name], recorded[name])
        predicted = arrays["test_logits"].argmax(axis=-1)
    assert np.mean(predicted == recorded["test_labels"]) >= 0.97
