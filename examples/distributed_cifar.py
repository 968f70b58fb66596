"""A convolutional network learns on several devices, each with a part of the batch.

    XLA_FLAGS=--xla_force_host_platform_device_count=4 \\
        python examples/distributed_cifar.py

`snt.distribute.Replicator` is what it is in Sonnet: every replica computes gradients
on its part, and averages them with the others before it applies them. The images are
made on the spot, of the size of CIFAR-10's: a colour and a stripe for each class.
"""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from sonnax import compat as snt

BATCH_SIZE = 64
LEARNING_RATE = 0.05
NUM_CLASSES = 10
IMAGE_SIZE = 32


def batches(seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draws images, `[batch, 32, 32, 3]`, and labels, `[batch]`, without end."""
    rng = np.random.default_rng(seed)
    colours = np.random.default_rng(1).normal(size=(NUM_CLASSES, 3))
    while True:
        labels = rng.integers(0, NUM_CLASSES, BATCH_SIZE).astype("int32")
        images = rng.normal(size=(BATCH_SIZE, IMAGE_SIZE, IMAGE_SIZE, 3))
        for image, label in zip(images, labels):
            image[3 * label : 3 * label + 3] += colours[label]
        yield images.astype("float32"), labels


def main(steps: int = 100) -> float:
    """Trains, and returns the mean loss of the last steps."""
    snt.random.set_seed(0)
    replicator = snt.distribute.Replicator()
    print(f"{replicator.num_replicas_in_sync} replicas")
    with replicator.scope():
        net = snt.nets.Cifar10ConvNet(
            NUM_CLASSES, output_channels=(16, 32, 64), strides=(2, 2, 2)
        )
        optimizer = snt.optimizers.Momentum(LEARNING_RATE, 0.9)

    def loss_fn(images: jax.Array, labels: jax.Array) -> jax.Array:
        logits = net(images, is_training=True)["logits"]
        log_probs = jax.nn.log_softmax(logits)
        return -jnp.mean(jnp.take_along_axis(log_probs, labels[:, None], axis=1))

    def replica_step(images: jax.Array, labels: jax.Array) -> jax.Array:
        loss, gradients = snt.value_and_grad(loss_fn, net)(images, labels)
        context = snt.distribute.get_replica_context()
        loss, gradients = context.all_reduce("mean", (loss, gradients))
        optimizer.apply(gradients, net.trainable_variables)
        return loss

    losses = []
    data = replicator.experimental_distribute_dataset(batches())
    for step, batch in zip(range(steps), data):
        per_replica = replicator.run(replica_step, args=batch)
        losses.append(float(replicator.reduce("mean", per_replica)))
        if step % 20 == 0:
            print(f"step {step}: loss {losses[-1]:.3f}")
    result = float(np.mean(losses[-5:]))
    print(f"loss at the end: {result:.3f}")
    return result


if __name__ == "__main__":
    main()
