"""`snt.optimizers`: optimizers of variables."""

from .adam import Adam
from .momentum import Momentum
from .rmsprop import RMSProp
from .sgd import SGD

__all__ = ["SGD", "Adam", "Momentum", "RMSProp"]
