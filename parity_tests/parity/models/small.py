"""Small models on sonnax, each of them wrong in a way of its own, or right."""

import jax.numpy as jnp
from sonnax import compat as snt


def linear():
    return snt.Linear(2, w_init=snt.initializers.Ones())


def two_modules():
    return {"first": snt.Linear(2), "second": snt.Linear(2)}


def no_module():
    return lambda x: x


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
