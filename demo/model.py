"""The demo's model, ported: `train_sonnet.py` with sonnax in place of Sonnet."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from .. import compat as snt


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
            features = jax.nn.relu(norm(conv(features), is_training=is_training))
        return self.mlp(self.flatten(features))


def mean_cross_entropy(logits: ArrayLike, labels: ArrayLike) -> jax.Array:
    """Mean negative log-likelihood of `labels` [batch] under `logits` [batch, 10]."""
    log_probabilities = jax.nn.log_softmax(logits)
    of_labels = jnp.asarray(labels)[:, None]
    return -jnp.mean(jnp.take_along_axis(log_probabilities, of_labels, axis=-1))


def as_input(pixels: np.ndarray) -> jax.Array:
    """Pixels in 0..16, uint8 [batch, 8, 8], as float32 in 0..1 [batch, 8, 8, 1]."""
    return jnp.asarray(pixels[..., None], jnp.float32) / 16.0
