"""Sonnet 2's API on JAX.

from sonnax import compat as snt
"""

# Modules and variables.
from .module import Module, Optimizer, allow_empty_variables, no_name_scope
from .once import once
from .variable import Reference, Variable

# Stateful transforms: functions that read and write variables.
from .jit import jit
from .gradients import grad, value_and_grad
from .control_flow import cond, remat, scan, switch, vmap, while_loop

# Namespaces.
from . import functional, random

__all__ = [
    "Module",
    "Optimizer",
    "Reference",
    "Variable",
    "allow_empty_variables",
    "cond",
    "functional",
    "grad",
    "jit",
    "no_name_scope",
    "once",
    "random",
    "remat",
    "scan",
    "switch",
    "value_and_grad",
    "vmap",
    "while_loop",
]
