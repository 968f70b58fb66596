"""Sonnet 2's API on JAX.

from sonnax import compat as snt
"""

# ruff: noqa: I001  # grouped by subject, as a table of contents

# Modules and variables.
from .core.module import Module, Optimizer, allow_empty_variables, no_name_scope
from .core.indexed_slices import IndexedSlices
from .core.once import once
from .core.reference import Reference
from .core.variable import Variable

# Stateful transforms: functions that read and write variables.
from .transforms.jit import jit
from .transforms.gradients import grad, value_and_grad
from .transforms.control_flow import cond, remat, scan, switch, vmap, while_loop

# Linear maps and embeddings.
from .layers.bias import Bias
from .layers.embed import Embed
from .layers.linear import Linear
from .layers.parallel_linear import ParallelLinears

# Convolutions.
from .layers.conv import Conv1D, Conv2D, Conv3D
from .layers.conv_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from .layers.depthwise_conv import DepthwiseConv2D

# Normalisation and dropout.
from .layers.batch_norm import BaseBatchNorm, BatchNorm
from .layers.dropout import Dropout
from .layers.group_norm import GroupNorm
from .layers.layer_norm import InstanceNorm, LayerNorm

# Shapes, and modules of modules.
from .layers.batch_apply import BatchApply, merge_leading_dims, split_leading_dim
from .layers.deferred import Deferred
from .layers.reshape import Flatten, Reshape, flatten, reshape
from .layers.sequential import Sequential

# Recurrent cores and unrolling.
from .recurrent.conv_lstm import Conv1DLSTM, Conv2DLSTM, Conv3DLSTM
from .recurrent.deep_rnn import (
    DeepRNN,
    deep_rnn_with_residual_connections,
    deep_rnn_with_skip_connections,
)
from .recurrent.gru import GRU
from .recurrent.lstm import LSTM, LSTMState, UnrolledLSTM
from .recurrent.recurrent_dropout import lstm_with_recurrent_dropout
from .recurrent.rnn_core import RNNCore, UnrolledRNN
from .recurrent.trainable_state import TrainableState
from .recurrent.unroll import dynamic_unroll, static_unroll
from .recurrent.vanilla_rnn import VanillaRNN

# Metrics.
from .layers.metrics import Mean, Metric, Sum
from .layers.moving_averages import ExponentialMovingAverage

# Gradients that are not the function's own.
from .transforms.leaky_clip_by_value import leaky_clip_by_value
from .transforms.scale_gradient import scale_gradient

# Tools.
from .build import build
from .core.custom_getter import custom_variable_getter
from .formatting import format_variables, log_variables

# Namespaces.
from . import (
    distribute,
    functional,
    initializers,
    mixed_precision,
    nets,
    optimizers,
    pad,
    random,
    regularizers,
)

# Lets modules that hold JAX's activations be pickled.
from .core import pickling

pickling.register()

# The version of Sonnet whose API this is: libraries written for Sonnet ask for it.
__version__ = "2.0.2"

__all__ = [
    # Modules and variables.
    "IndexedSlices",
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
    "Bias",
    "Embed",
    "Linear",
    "ParallelLinears",
    # Convolutions.
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "DepthwiseConv2D",
    # Normalisation and dropout.
    "BaseBatchNorm",
    "BatchNorm",
    "Dropout",
    "GroupNorm",
    "InstanceNorm",
    "LayerNorm",
    # Shapes, and modules of modules.
    "BatchApply",
    "Deferred",
    "Flatten",
    "Reshape",
    "Sequential",
    "flatten",
    "merge_leading_dims",
    "reshape",
    "split_leading_dim",
    # Recurrent cores and unrolling.
    "Conv1DLSTM",
    "Conv2DLSTM",
    "Conv3DLSTM",
    "DeepRNN",
    "GRU",
    "LSTM",
    "LSTMState",
    "RNNCore",
    "TrainableState",
    "UnrolledLSTM",
    "UnrolledRNN",
    "VanillaRNN",
    "deep_rnn_with_residual_connections",
    "deep_rnn_with_skip_connections",
    "dynamic_unroll",
    "lstm_with_recurrent_dropout",
    "static_unroll",
    # Metrics.
    "ExponentialMovingAverage",
    "Mean",
    "Metric",
    "Sum",
    # Gradients that are not the function's own.
    "leaky_clip_by_value",
    "scale_gradient",
    # Tools.
    "build",
    "custom_variable_getter",
    "format_variables",
    "log_variables",
    # Namespaces.
    "distribute",
    "functional",
    "initializers",
    "mixed_precision",
    "nets",
    "optimizers",
    "pad",
    "random",
    "regularizers",
]
