"""A GAN learns a ring of eight Gaussians: Goodfellow et al., 2014.

    python examples/gan.py

Two networks and two optimizers, each with its own gradients, in one compiled step.
"""

import math

import jax
import jax.numpy as jnp

from sonnax import compat as snt

BATCH_SIZE = 128
NOISE_SIZE = 8
MODES = 8
SPREAD = 0.05
LEARNING_RATE = 1e-3
BETA1 = 0.5


def draw_real(key: jax.Array, count: int) -> jax.Array:
    """Draws points, `[count, 2]`, around eight places on the unit circle."""
    mode_key, noise_key = jax.random.split(key)
    angles = jax.random.randint(mode_key, [count], 0, MODES) * (2 * math.pi / MODES)
    centers = jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=1)
    return centers + SPREAD * jax.random.normal(noise_key, [count, 2])


def main(steps: int = 2000) -> float:
    """Trains, and returns the mean distance of what is generated from the circle."""
    snt.random.set_seed(0)
    generator = snt.nets.MLP([64, 64, 2], name="generator")
    discriminator = snt.nets.MLP([64, 64, 1], name="discriminator")
    generator_optimizer = snt.optimizers.Adam(LEARNING_RATE, BETA1, name="g")
    discriminator_optimizer = snt.optimizers.Adam(LEARNING_RATE, BETA1, name="d")

    def generate(count: int) -> jax.Array:
        return generator(jax.random.normal(snt.random.next_key(), [count, NOISE_SIZE]))

    def discriminator_loss() -> jax.Array:
        real = discriminator(draw_real(snt.random.next_key(), BATCH_SIZE))
        fake = discriminator(jax.lax.stop_gradient(generate(BATCH_SIZE)))
        return jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake))

    def generator_loss() -> jax.Array:
        return jnp.mean(jax.nn.softplus(-discriminator(generate(BATCH_SIZE))))

    @snt.jit
    def train_step() -> tuple[jax.Array, jax.Array]:
        losses = []
        for loss, net, optimizer in (
            (discriminator_loss, discriminator, discriminator_optimizer),
            (generator_loss, generator, generator_optimizer),
        ):
            value, gradients = snt.value_and_grad(loss, net)()
            optimizer.apply(gradients, net.trainable_variables)
            losses.append(value)
        return losses[0], losses[1]

    for step in range(steps):
        d_loss, g_loss = train_step()
        if step % 500 == 0:
            print(f"step {step}: discriminator {d_loss:.3f}, generator {g_loss:.3f}")
    radius = jnp.linalg.norm(generate(1000), axis=1)
    distance = float(jnp.mean(jnp.abs(radius - 1)))
    print(f"mean distance from the circle: {distance:.3f}")
    return distance


if __name__ == "__main__":
    main()
