"""A VQ-VAE learns to write digits in a code of 16 symbols: van den Oord et al., 2017.

    python examples/vqvae.py

The codes follow moving averages, which are state that the compiled step carries along.
"""

import itertools

import digits
import jax
import jax.numpy as jnp

from sonnax import compat as snt

BATCH_SIZE = 64
LEARNING_RATE = 3e-3
CODE_SIZE = 8
NUM_CODES = 16
COMMITMENT_COST = 0.25
DECAY = 0.95


class VQVAE(snt.Module):
    """Encodes images `[batch, 8, 8, 1]` as 2 x 2 codes, and decodes them."""

    def __init__(self, name=None):
        super().__init__(name=name)
        self.encoder = snt.Sequential(
            [
                snt.Conv2D(32, 3, stride=2),
                jax.nn.relu,
                snt.Conv2D(64, 3, stride=2),
                jax.nn.relu,
                snt.Conv2D(CODE_SIZE, 1),
            ]
        )
        self.quantizer = snt.nets.VectorQuantizerEMA(
            CODE_SIZE, NUM_CODES, COMMITMENT_COST, DECAY
        )
        self.decoder = snt.Sequential(
            [
                snt.Conv2DTranspose(64, 3, stride=2),
                jax.nn.relu,
                snt.Conv2DTranspose(32, 3, stride=2),
                jax.nn.relu,
                snt.Conv2D(1, 3),
            ]
        )

    def __call__(self, images, is_training):
        quantized = self.quantizer(self.encoder(images), is_training)
        return self.decoder(quantized["quantize"]), quantized


def main(steps: int = 500) -> float:
    """Trains, and returns the mean squared error of the last reconstructions."""
    snt.random.set_seed(0)
    model = VQVAE()
    optimizer = snt.optimizers.Adam(LEARNING_RATE)

    def loss_fn(images: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        reconstructed, quantized = model(images, is_training=True)
        error = jnp.mean((reconstructed - images) ** 2)
        return error + quantized["loss"], (error, quantized["perplexity"])

    @snt.jit
    def train_step(images: jax.Array) -> tuple[jax.Array, jax.Array]:
        (_, measures), gradients = snt.value_and_grad(loss_fn, model, has_aux=True)(
            images
        )
        optimizer.apply(gradients, model.trainable_variables)
        return measures

    batches = digits.batches(*digits.load(), BATCH_SIZE)
    for step, (images, _) in enumerate(itertools.islice(batches, steps)):
        error, perplexity = train_step(images)
        if step % 100 == 0:
            print(f"step {step}: error {error:.3f}, codes in use {perplexity:.1f}")
    print(f"error at the end: {error:.3f}")
    return float(error)


if __name__ == "__main__":
    main()
