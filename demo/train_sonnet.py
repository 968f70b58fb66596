"""Train a small dm-sonnet model under TensorFlow and record what it computes.

    python -m sonnax.demo.train_sonnet [FOLDER]

Writes the checkpoint and `recorded.npz` into FOLDER (default: `data/` beside this
file). Needs dm-sonnet, TensorFlow and scikit-learn, whose handwritten digits (1,797
images of 8x8 pixels) are the data; takes about ten seconds on a CPU.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import sonnet as snt
import tensorflow as tf
from sklearn.datasets import load_digits

SEED = 7
BATCH_SIZE = 64
TRAINED_STEPS = 300
SAVE_EVERY = 100
RESUMED_STEPS = 20
TEST_IMAGES = 450


class DigitClassifier(snt.Module):
    """Two normalised convolutions and an MLP: [batch, 8, 8, 1] -> [batch, 10]."""

    def __init__(self, name=None):
        super().__init__(name=name)
        self.convs = [
            snt.Conv2D(16, kernel_shape=3, with_bias=False),
            snt.Conv2D(16, kernel_shape=3, stride=2, with_bias=False),
        ]
        self.norms = [
            snt.BatchNorm(create_scale=True, create_offset=True, decay_rate=0.9)
            for _ in self.convs
        ]
        self.flatten = snt.Flatten()
        self.mlp = snt.nets.MLP([32, 10])

    def __call__(self, images, is_training):
        features = images
        for conv, norm in zip(self.convs, self.norms):
            features = tf.nn.relu(norm(conv(features), is_training=is_training))
        return self.mlp(self.flatten(features))


def mean_cross_entropy(logits, labels):
    """Mean negative log-likelihood of `labels` [batch] under `logits` [batch, 10]."""
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    )


def as_input(pixels):
    """Pixels in 0..16, uint8 [batch, 8, 8], as float32 in 0..1 [batch, 8, 8, 1]."""
    return tf.constant(pixels[..., None], tf.float32) / 16.0


def split_digits(rng):
    """Shuffle the digits: uint8 images and labels, to train with and held out."""
    digits = load_digits()
    order = rng.permutation(len(digits.target))
    images = digits.images.astype(np.uint8)[order]
    labels = digits.target.astype(np.uint8)[order]
    return {
        "train_images": images[TEST_IMAGES:],
        "train_labels": labels[TEST_IMAGES:],
        "test_images": images[:TEST_IMAGES],
        "test_labels": labels[:TEST_IMAGES],
    }


def main(folder):
    """Train, save mid-training, record the evaluation, train on and record that."""
    folder.mkdir(parents=True, exist_ok=True)
    tf.config.set_visible_devices([], "GPU")
    tf.random.set_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    rng = np.random.default_rng(SEED)
    data = split_digits(rng)

    model = DigitClassifier()
    optimizer = snt.optimizers.Adam(learning_rate=1e-3)
    step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")

    @tf.function
    def train_step(images, labels):
        with tf.GradientTape() as tape:
            loss = mean_cross_entropy(model(images, is_training=True), labels)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        step.assign_add(1)
        return loss

    def train_on(indices):
        images, labels = data["train_images"][indices], data["train_labels"][indices]
        return train_step(as_input(images), tf.constant(labels, tf.int32)).numpy()

    def next_batch():
        return rng.choice(len(data["train_labels"]), BATCH_SIZE, replace=False)

    manager = tf.train.CheckpointManager(
        tf.train.Checkpoint(step=step, model=model, optimizer=optimizer),
        directory=folder,
        max_to_keep=2,
    )
    for _ in range(TRAINED_STEPS):
        train_on(next_batch())
        if step.numpy() % SAVE_EVERY == 0:
            manager.save(checkpoint_number=step)

    labels = tf.constant(data["test_labels"], tf.int32)
    logits = model(as_input(data["test_images"]), is_training=False)
    loss = mean_cross_entropy(logits, labels)
    accuracy = np.mean(np.argmax(logits, axis=-1) == data["test_labels"])

    batches = np.stack([next_batch() for _ in range(RESUMED_STEPS)]).astype(np.uint16)
    losses = np.array([train_on(batch) for batch in batches], np.float32)
    np.savez_compressed(
        folder / "recorded.npz",
        **data,
        test_logits=logits.numpy(),
        test_loss=loss.numpy(),
        batches=batches,
        batch_losses=losses,
    )
    print(f"test accuracy {accuracy:.2%}, test loss {loss:.4f}, then losses {losses}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent / "data")
