"""An MLP learns digits as pure functions: `snt.functional`.

    python examples/functional_mlp.py

The modules are Sonnet's and stand outside; parameters and the optimizer's state are
plain dicts that the step takes and returns, so that jax.jit needs to know nothing else.
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
    with snt.functional.variables():
        net = snt.nets.MLP([64, 10])

    def logits_fn(images: jax.Array) -> jax.Array:
        return net(snt.flatten(images))

    def loss_fn(images: jax.Array, labels: jax.Array) -> jax.Array:
        log_probs = jax.nn.log_softmax(logits_fn(images))
        return -jnp.mean(jnp.take_along_axis(log_probs, labels[:, None], axis=1))

    logits = snt.functional.transform(logits_fn)
    loss = snt.functional.transform(loss_fn)
    optimizer = snt.functional.adam(learning_rate=LEARNING_RATE)
    loss_and_gradients = snt.functional.value_and_grad(loss.apply)

    @snt.functional.jit
    def train_step(params, optimizer_state, images, labels):
        value, gradients = loss_and_gradients(params, images, labels)
        params, optimizer_state = optimizer.apply(optimizer_state, gradients, params)
        return params, optimizer_state, value

    images, labels = digits.load()
    training = images[:TRAINING_IMAGES], labels[:TRAINING_IMAGES]
    batches = digits.batches(*training, BATCH_SIZE)
    params = loss.init(*next(batches), rng=jax.random.key(0))
    optimizer_state = optimizer.init(params)
    for step, batch in enumerate(itertools.islice(batches, steps)):
        params, optimizer_state, value = train_step(params, optimizer_state, *batch)
        if step % 100 == 0:
            print(f"step {step}: loss {value:.3f}")
    predicted = logits.apply(params, images[TRAINING_IMAGES:]).argmax(axis=1)
    result = float(jnp.mean(predicted == labels[TRAINING_IMAGES:]))
    print(f"accuracy on unseen images: {result:.1%}")
    return result


if __name__ == "__main__":
    main()
