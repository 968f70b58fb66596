"""Small models on sonnax, each of them wrong in a way of its own, or right."""

import os

import jax
import jax.numpy as jnp

from sonnax import compat as snt
from sonnax import converters
from sonnax import haiku_impl as hk


def linear():
    return snt.Linear(2, w_init=snt.initializers.Ones())


def two_modules():
    return {"first": snt.Linear(2), "second": snt.Linear(2)}


def no_model():
    return 3


def mlp():
    return snt.nets.MLP([4, 2])


def haiku_mlp():
    """A function of Haiku's that has restored its own parameters."""
    f = hk.without_apply_rng(hk.transform(lambda x: hk.nets.MLP([4, 2])(x)))
    like = jax.eval_shape(f.init, jax.random.PRNGKey(0), jnp.ones([1, 2]))
    params, _ = converters.to_haiku(os.environ["MLP_CHECKPOINT"], like)
    return lambda x: f.apply(params, x)


def failing():
    raise RuntimeError("the weights are gone")


class Wider(snt.Module):
    def __init__(self):
        super().__init__()
        self.inner = snt.Linear(2)

    def __call__(self, x):
        y = self.inner(x)
        return {"half": y.astype(jnp.bfloat16), "ids": jnp.argmax(y, -1), "y": y}


def wider():
    return {"model": Wider(), "optimizer": snt.optimizers.SGD(0.01)}


def integers_only():
    return snt.allow_empty_variables(Integers())


class Integers(snt.Module):
    def __call__(self, x):
        return jnp.argmax(x, -1)


class Shifted(snt.Linear):
    """Its method calls that of its base class, which is a part of it."""

    def __call__(self, x):
        return super().__call__(x) + 1


def shifted():
    return Shifted(2, w_init=snt.initializers.Ones())


NOT_A_FUNCTION = 3
