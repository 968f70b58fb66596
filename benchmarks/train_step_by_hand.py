"""The models of `train_step.py` in plain JAX, as one writes them for a single program.

Each function of `MODELS` returns parameters, state, and the loss
`loss, state = f(params, state, x)`.
"""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

DECAY, EPS = 0.9, 1e-5
RNG = np.random.default_rng(0)
CHANNELS_LAST = ("NHWC", "HWIO", "NHWC")


def weights(*shape: int) -> jax.Array:
    scale = 1 / np.sqrt(np.prod(shape[:-1]))
    return jnp.asarray(RNG.normal(size=shape) * scale, jnp.float32)


def conv(x: Any, w: Any, stride: int = 1) -> jax.Array:
    return lax.conv_general_dilated(
        x, w, (stride, stride), "SAME", dimension_numbers=CHANNELS_LAST
    )


def mlp() -> tuple[Any, Any, Any]:
    sizes = [64, 256, 256, 10]
    params = [(weights(a, b), jnp.zeros([b])) for a, b in itertools.pairwise(sizes)]

    def loss(params: Any, state: Any, x: Any) -> Any:
        *hidden, (w_last, b_last) = params
        for w, b in hidden:
            x = jax.nn.relu(x @ w + b)
        return jnp.mean(jnp.square(x @ w_last + b_last)), state

    return params, {}, loss


def lstm() -> tuple[Any, Any, Any]:
    params = weights(32, 256), weights(64, 256), jnp.zeros([256])

    def loss(params: Any, state: Any, x: Any) -> Any:
        w_i, w_h, b = params

        def step(carry: Any, x: Any) -> Any:
            h, c = carry
            i, f, g, o = jnp.split(x @ w_i + h @ w_h + b, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zeros = jnp.zeros([x.shape[1], 64])
        _, y = lax.scan(step, (zeros, zeros), x)
        return jnp.mean(jnp.square(y)), state

    return params, {}, loss


def averaged(state: Any, value: Any, decay: float) -> Any:
    """Returns a moving average and its state, corrected for its start at zero."""
    count, hidden = state
    count = count + 1
    hidden = hidden - (hidden - lax.stop_gradient(value)) * (1 - decay)
    return hidden / (1 - decay ** count.astype(jnp.float32)), (count, hidden)


def start(shape: Any) -> Any:
    return jnp.zeros([], jnp.int32), jnp.zeros(shape)


class Norms:
    """Batch norms in the order of their calls: parameters, and state."""

    def __init__(self, params: Any, state: Any):
        self.params, self.state, self.new_state = iter(params), iter(state), []

    def __call__(self, x: Any) -> jax.Array:
        scale, offset = next(self.params)
        mean_state, variance_state = next(self.state)
        mean = jnp.mean(x, (0, 1, 2), keepdims=True)
        variance = jnp.mean(lax.square(x - mean), (0, 1, 2))
        count = x.size // x.shape[-1]
        unbiased = variance * (count / (count - 1))
        _, mean_state = averaged(mean_state, mean.reshape(-1), DECAY)
        _, variance_state = averaged(variance_state, unbiased, DECAY)
        self.new_state.append((mean_state, variance_state))
        return (x - mean) * (lax.rsqrt(variance + EPS) * scale) + offset


def resnet50() -> tuple[Any, Any, Any]:
    # For each block its channels, its stride, and whether its shortcut is projected.
    blocks = [
        (channels, stride if i == 0 else 1, i == 0)
        for channels, count, stride in (
            (256, 3, 1),
            (512, 4, 2),
            (1024, 6, 2),
            (2048, 3, 2),
        )
        for i in range(count)
    ]
    kernels, norms = [weights(7, 7, 3, 64)], [(jnp.ones([64]), jnp.zeros([64]))]

    def add(kernel: Any, scale: float = 1.0) -> None:
        size = kernel.shape[-1]
        kernels.append(kernel)
        norms.append((jnp.full([size], scale), jnp.zeros([size])))

    incoming = 64
    for channels, _, projected in blocks:
        inner = channels // 4
        if projected:
            add(weights(1, 1, incoming, channels))
        add(weights(1, 1, incoming, inner))
        add(weights(3, 3, inner, inner))
        add(weights(1, 1, inner, channels), 0.0)
        incoming = channels
    params = {"kernels": kernels, "norms": norms}
    params["logits"] = (jnp.zeros([2048, 10]), jnp.zeros([10]))
    state = [(start(scale.shape), start(scale.shape)) for scale, _ in norms]

    def padded(x: Any, w: Any, stride: int) -> jax.Array:
        # Alike on both sides, whatever the stride.
        padding = [((k - 1) // 2, k // 2) for k in w.shape[:2]]
        return lax.conv_general_dilated(
            x, w, (stride, stride), padding, dimension_numbers=CHANNELS_LAST
        )

    def loss(params: Any, state: Any, x: Any) -> Any:
        kernel, norm = iter(params["kernels"]), Norms(params["norms"], state)
        x = jax.nn.relu(norm(padded(x, next(kernel), 2)))
        window, strides = (1, 3, 3, 1), (1, 2, 2, 1)
        x = lax.reduce_window(x, -jnp.inf, lax.max, window, strides, "SAME")
        for _, stride, projected in blocks:
            shortcut = x
            if projected:
                shortcut = norm(padded(x, next(kernel), stride))
            y = jax.nn.relu(norm(padded(x, next(kernel), 1)))
            y = jax.nn.relu(norm(padded(y, next(kernel), stride)))
            x = jax.nn.relu(norm(padded(y, next(kernel), 1)) + shortcut)
        w, b = params["logits"]
        logits = jnp.mean(x, (1, 2)) @ w + b
        return jnp.mean(jnp.square(logits - 1.0)), norm.new_state

    return params, state, loss


def vqvae() -> tuple[Any, Any, Any]:
    size, count, cost, decay, epsilon = 16, 64, 0.25, 0.99, 1e-5
    shapes = ((4, 4, 3, 32), (1, 1, 32, 16), (3, 3, 16, 32), (4, 4, 32, 3))
    params = [(weights(*shape), jnp.zeros([shape[-1]])) for shape in shapes]
    state = {
        "codes": weights(size, count),
        "counts": start([count]),
        "sums": start([size, count]),
    }

    def loss(params: Any, state: Any, x: Any) -> Any:
        (w1, b1), (w2, b2), (w3, b3), (w4, b4) = params
        z = conv(jax.nn.relu(conv(x, w1, 2) + b1), w2) + b2
        flat, codes = z.reshape(-1, size), state["codes"]
        distances = (
            jnp.sum(flat**2, 1, keepdims=True)
            - 2 * flat @ codes
            + jnp.sum(codes**2, 0, keepdims=True)
        )
        nearest = jnp.argmin(distances, 1)
        one_hot = jax.nn.one_hot(nearest, count)
        q = codes.T[nearest].reshape(z.shape)
        counts, count_state = averaged(state["counts"], jnp.sum(one_hot, 0), decay)
        sums, sum_state = averaged(state["sums"], flat.T @ one_hot, decay)
        total = jnp.sum(counts)
        smoothed = (counts + epsilon) / (total + count * epsilon) * total
        state = {"codes": sums / smoothed, "counts": count_state, "sums": sum_state}
        commitment = jnp.mean((lax.stop_gradient(q) - z) ** 2)
        y = z + lax.stop_gradient(q - z)
        y = jax.nn.relu(conv(y, w3) + b3)
        y = b4 + lax.conv_transpose(
            y, w4, (2, 2), "SAME", dimension_numbers=CHANNELS_LAST
        )
        return jnp.mean(jnp.square(y - x)) + cost * commitment, state

    return params, state, loss


MODELS = {"MLP": mlp, "ResNet-50": resnet50, "LSTM": lstm, "VQ-VAE": vqvae}
