"""A Sonnet model of twenty layers, some of them its own."""

import sonnet as snt
import tensorflow as tf


class Dense(snt.Module):
    @snt.once
    def _initialize(self, x):
        size = x.shape[-1]
        init = snt.initializers.Orthogonal()
        self.w = tf.Variable(init([size, size], x.dtype), name="w")

    def __call__(self, x):
        self._initialize(x)
        return tf.tanh(tf.matmul(x, self.w))


class Block(snt.Module):
    def __init__(self, channels, name=None):
        super().__init__(name=name)
        self.conv = snt.Conv2D(channels, 3, stride=2)
        self.norm = snt.BatchNorm(create_scale=True, create_offset=True, eps=1e-5)

    def __call__(self, x, is_training):
        return tf.nn.relu(self.norm(self.conv(x), is_training=is_training))


class Cell(snt.RNNCore):
    def __init__(self, size, name=None):
        super().__init__(name=name)
        self.size = size
        self.gates = snt.Linear(4 * size)

    def initial_state(self, batch_size, **kwargs):
        return tf.zeros([batch_size, self.size]), tf.zeros([batch_size, self.size])

    def __call__(self, x, state):
        hidden, cell = state
        i, f, g, o = tf.split(self.gates(tf.concat([x, hidden], -1)), 4, -1)
        cell = tf.sigmoid(f + 1.0) * cell + tf.sigmoid(i) * tf.tanh(g)
        hidden = tf.sigmoid(o) * tf.tanh(cell)
        return hidden, (hidden, cell)


class Tower(snt.Module):
    def __init__(self):
        super().__init__()
        self.stem = snt.Conv2D(6, 3)
        self.blocks = [Block(6) for _ in range(4)]
        self.dense = [Dense() for _ in range(4)]
        self.norm = snt.LayerNorm(-1, create_scale=True, create_offset=True)
        self.core = Cell(6)
        self.head = snt.nets.MLP([8, 8, 3])

    def __call__(self, images, is_training):
        x = self.stem(images)
        for block in self.blocks:
            x = block(x, is_training)
        x = tf.reduce_mean(x, [1, 2])
        for dense in self.dense:
            x = x + dense(x)
        x = self.norm(x)
        steps = tf.stack([x, 0.5 * x, -x])
        x, _ = snt.dynamic_unroll(self.core, steps, self.core.initial_state(x.shape[0]))
        return self.head(x[-1])


def build():
    return {"model": Tower(), "optimizer": snt.optimizers.Adam(1e-3)}


def cross_entropy(model, images, is_training):
    labels = tf.range(images.shape[0]) % 3
    logits = model(images, is_training)
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    )
