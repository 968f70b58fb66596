"""`snt.nets`: networks."""

from . import dnc
from .cifar10_convnet import Cifar10ConvNet
from .mlp import MLP
from .resnet import ResNet, ResNet50
from .vqvae import VectorQuantizer, VectorQuantizerEMA

__all__ = [
    "MLP",
    "Cifar10ConvNet",
    "ResNet",
    "ResNet50",
    "VectorQuantizer",
    "VectorQuantizerEMA",
    "dnc",
]
