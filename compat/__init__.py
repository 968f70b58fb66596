"""Sonnet 2's API on JAX.

from sonnax import compat as snt
"""

# ruff: noqa: I001  # grouped by subject, as a table of contents

# Modules and variables.
from .module import Module, Optimizer, allow_empty_variables, no_name_scope
from .once import once
from .variable import Reference, Variable

# Stateful transforms: functions that read and write variables.
from .jit import jit
from .gradients import grad, value_and_grad
from .control_flow import cond, remat, scan, switch, vmap, while_loop

# Linear maps and embeddings.
from .linear import Linear

# Convolutions.
from .conv import Conv1D, Conv2D, Conv3D

# Normalisation and regularisation.
from .batch_norm import BaseBatchNorm, BatchNorm

# Shapes, and modules of modules.
from .reshape import Flatten, Reshape, flatten, reshape
from .sequential import Sequential

# Metrics.
from .metrics import Mean, Metric, Sum
from .moving_averages import ExponentialMovingAverage

# Namespaces.
from . import functional, initializers, nets, optimizers, pad, random, regularizers

__all__ = [
    # Modules and variables.
    "Module",
    "Optimizer",
    "Reference",
    "Variable",
    "allow_empty_variables",
    "no_name_scope",
    "once",
    # Stateful transforms.
    "cond",
    "grad",
    "jit",
    "remat",
    "scan",
    "switch",
    "value_and_grad",
    "vmap",
    "while_loop",
    # Linear maps and embeddings.
    "Linear",
    # Convolutions.
    "Conv1D",
    "Conv2D",
    "Conv3D",
    # Normalisation and regularisation.
    "BaseBatchNorm",
    "BatchNorm",
    # Shapes, and modules of modules.
    "Flatten",
    "Reshape",
    "Sequential",
    "flatten",
    "reshape",
    # Metrics.
    "ExponentialMovingAverage",
    "Mean",
    "Metric",
    "Sum",
    # Namespaces.
    "functional",
    "initializers",
    "nets",
    "optimizers",
    "pad",
    "random",
    "regularizers",
]
