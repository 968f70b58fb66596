"""The port of `legacy_tower`, right and with one error planted at a time."""

import jax
import jax.numpy as jnp

from sonnax import compat as snt


class Dense(snt.Module):
    @snt.once
    def _initialize(self, x):
        size = x.shape[-1]
        init = snt.initializers.Orthogonal()
        self.w = snt.Variable(init([size, size], x.dtype), name="w")

    def __call__(self, x):
        self._initialize(x)
        return jnp.tanh(x @ self.w)


class TransposedDense(Dense):
    def __call__(self, x):
        self._initialize(x)
        return jnp.tanh(x @ self.w.value().T)


class NormWithoutAverages(snt.Module):
    """Normalises by the batch, whatever it is told."""

    @snt.once
    def _initialize(self, x):
        self.scale = snt.Variable(jnp.ones(x.shape[-1:], x.dtype), name="scale")
        self.offset = snt.Variable(jnp.zeros(x.shape[-1:], x.dtype), name="offset")

    def __call__(self, x, is_training):
        self._initialize(x)
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        normed = (x - mean) / jnp.sqrt(variance + 1e-5)
        return normed * self.scale + self.offset


class Block(snt.Module):
    def __init__(self, channels, eps=1e-5, name=None):
        super().__init__(name=name)
        self.conv = snt.Conv2D(channels, 3, stride=2)
        self.norm = snt.BatchNorm(create_scale=True, create_offset=True, eps=eps)

    def __call__(self, x, is_training):
        return jax.nn.relu(self.norm(self.conv(x), is_training=is_training))


class Cell(snt.RNNCore):
    def __init__(self, size, name=None):
        super().__init__(name=name)
        self.size = size
        self.gates = snt.Linear(4 * size)

    def initial_state(self, batch_size, **kwargs):
        return jnp.zeros([batch_size, self.size]), jnp.zeros([batch_size, self.size])

    def split(self, gates):
        return jnp.split(gates, 4, -1)

    def __call__(self, x, state):
        hidden, cell = state
        i, f, g, o = self.split(self.gates(jnp.concatenate([x, hidden], -1)))
        cell = jax.nn.sigmoid(f + 1.0) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        return hidden, (hidden, cell)


class SwappedCell(Cell):
    def split(self, gates):
        i, f, g, o = jnp.split(gates, 4, -1)
        return f, i, g, o


class Tower(snt.Module):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.stem = snt.Conv2D(6, 3)
        self.blocks = [Block(6) for _ in range(4)]
        self.dense = [Dense() for _ in range(4)]
        self.norm = snt.LayerNorm(-1, create_scale=True, create_offset=True)
        self.core = Cell(6)
        self.head = snt.nets.MLP([8, 8, 3])

    def pool(self, x):
        return jnp.mean(x, (1, 2))

    def __call__(self, images, is_training):
        x = self.stem(images)
        for block in self.blocks:
            x = block(x, is_training)
        x = self.pool(x)
        for dense in self.dense:
            x = x + dense(x)
        x = self.norm(x)
        steps = jnp.stack([x, 0.5 * x, -x])
        x, _ = snt.dynamic_unroll(self.core, steps, self.core.initial_state(x.shape[0]))
        return self.head(x[-1])


class TowerWithMaxPool(Tower):
    def pool(self, x):
        return jnp.max(x, (1, 2))


def build(tower=None, learning_rate=1e-3):
    return {
        "model": tower or Tower(),
        "optimizer": snt.optimizers.Adam(learning_rate),
    }


def with_transposed_kernel():
    tower = Tower()
    tower.dense[2] = TransposedDense(name="dense")
    return build(tower)


def with_wrong_epsilon():
    tower = Tower()
    tower.blocks[3] = Block(6, eps=1e-3)
    return build(tower)


def with_slightly_wrong_epsilon():
    tower = Tower()
    tower.blocks[3] = Block(6, eps=1.1e-5)
    return build(tower)


def without_moving_averages():
    tower = Tower()
    tower.blocks[1].norm = NormWithoutAverages(name="batch_norm")
    return build(tower)


def with_swapped_gates():
    tower = Tower()
    tower.core = SwappedCell(6, name="cell")
    return build(tower)


def with_other_pooling():
    return build(TowerWithMaxPool(name="tower"))


def with_other_learning_rate():
    return build(learning_rate=1.1e-3)


def cross_entropy(model, images, is_training):
    labels = jnp.arange(images.shape[0]) % 3
    logits = jax.nn.log_softmax(model(images, is_training))
    return -jnp.mean(jnp.take_along_axis(logits, labels[:, None], 1))


def cross_entropy_of_half(model, images, is_training):
    """A loss with the same value as the right one, and half its gradient."""
    loss = cross_entropy(model, images, is_training)
    return 0.5 * loss + 0.5 * jax.lax.stop_gradient(loss)
