"""An MLP learns digits the way Sonnet code is written: modules, an optimizer, a step.

    python examples/mlp_on_digits.py

The step was a `tf.function` with a `tf.GradientTape` in it; now it is under `snt.jit`,
with `snt.value_and_grad`.
"""

import itertools

import digits
import jax
import jax.numpy as jnp

from sonnax import compat as snt

BATCH_SIZE = 64
LEARNING_RATE = 3e-3
TRAINING_IMAGES = 1500


def main(steps: int = 500) -> float:
    """Trains, and returns the share of unseen images that it classifies rightly."""
    snt.random.set_seed(0)
    net = snt.Sequential([snt.Flatten(), snt.nets.MLP([64, 10])])
    optimizer = snt.optimizers.Adam(LEARNING_RATE)

    def loss_fn(images: jax.Array, labels: jax.Array) -> jax.Array:
        log_probs = jax.nn.log_softmax(net(images))
        return -jnp.mean(jnp.take_along_axis(log_probs, labels[:, None], axis=1))

    @snt.jit
    def train_step(images: jax.Array, labels: jax.Array) -> jax.Array:
        loss, gradients = snt.value_and_grad(loss_fn, net)(images, labels)
        optimizer.apply(gradients, net.trainable_variables)
        return loss

    @snt.jit
    def accuracy(images: jax.Array, labels: jax.Array) -> jax.Array:
        return jnp.mean(jnp.argmax(net(images), axis=1) == labels)

    images, labels = digits.load()
    training = images[:TRAINING_IMAGES], labels[:TRAINING_IMAGES]
    unseen = images[TRAINING_IMAGES:], labels[TRAINING_IMAGES:]
    batches = digits.batches(*training, BATCH_SIZE)
    for step, batch in enumerate(itertools.islice(batches, steps)):
        loss = train_step(*batch)
        if step % 100 == 0:
            print(f"step {step}: loss {loss:.3f}")
    result = float(accuracy(*unseen))
    print(f"accuracy on unseen images: {result:.1%}")
    return result


if __name__ == "__main__":
    main()
