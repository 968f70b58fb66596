"""Models on sonnax whose results are objects, each of them right or wrong by a half."""

import collections
import dataclasses

import attrs
import distrax
import jax.numpy as jnp
from tensorflow_probability.substrates import jax as tfp

from sonnax import compat as snt


@dataclasses.dataclass
class Fields:
    logits: object
    loss: object


@attrs.define
class Attributes:
    logits: object
    _loss: object


class Plain:
    def __init__(self, logits, loss):
        self.logits = logits
        self._loss = loss
        self._lock = object()

    @property
    def loss(self):
        return self._loss


class Slots:
    __slots__ = ("logits", "loss")

    def __init__(self, logits, loss):
        self.logits, self.loss = logits, loss


class Opaque:
    """Holds its numbers where nobody finds them."""

    def __init__(self, *arrays):
        self.read = lambda: arrays


Named = collections.namedtuple("Named", "logits loss")
KINDS = {
    "dataclass": Fields,
    "attrs": Attributes,
    "object": Plain,
    "slots": Slots,
    "namedtuple": Named,
    "dict": lambda logits, loss: {"logits": logits, "loss": loss},
    "nested": lambda logits, loss: [{"a": Fields(logits, Named(loss, None))}],
    "tfp": lambda logits, loss: tfp.distributions.Normal(loss, jnp.exp(logits)),
    "tfp independent": lambda logits, loss: tfp.distributions.Independent(
        tfp.distributions.Normal(logits + loss, 1.0), 1
    ),
    "distrax": lambda logits, loss: distrax.Normal(loss, jnp.exp(logits)),
    "distrax categorical": lambda logits, loss: distrax.Categorical(logits * loss),
    "number": lambda logits, loss: float(loss),
    "opaque": Opaque,
}


class Model(snt.Module):
    def __init__(self, kind, factor):
        super().__init__(name="model")
        self.kind, self.factor = kind, factor

    def __call__(self, x):
        return KINDS[self.kind](x, (x * jnp.arange(2.0)).sum() * self.factor)


def of(kind, factor=1.0):
    return snt.allow_empty_variables(Model(kind, factor))
