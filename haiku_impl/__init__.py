"""A transform core for JAX with the API of Haiku, and its modules.

from sonnax import haiku_impl as hk
"""

# isort: skip_file
# ruff: noqa: E402

from .._support import check_jax

check_jax()

# Transforms: a function that uses modules becomes pure functions.
from .core.transform import (
    Transformed,
    TransformedWithState,
    get_original_fn,
    transform,
    transform_with_state,
    with_empty_state,
    without_state,
)
from .core.multi_transform import (
    MultiTransformed,
    MultiTransformedWithState,
    multi_transform,
    multi_transform_with_state,
    without_apply_rng,
)
from .core.context import new_context
from .transforms.lift import (
    LiftWithStateUpdater,
    lift,
    lift_with_state,
    transparent_lift,
    transparent_lift_with_state,
)
from .transforms.layer_stack import LayerStackTransparencyMapping, layer_stack

# Modules and their names.
from .core.module import (
    MethodContext,
    Module,
    intercept_methods,
    name_like,
    transparent,
)
from .core.name_scope import name_scope
from .core.naming import force_name
from .transforms.to_module import to_module

# Parameters and state.
from .core.hooks import (
    DO_NOT_STORE,
    GetterContext,
    SetterContext,
    custom_creator,
    custom_getter,
    custom_setter,
)
from .core.parameters import (
    current_name,
    get_current_state,
    get_initial_state,
    get_parameter,
    get_params,
    get_state,
    params_frozen,
    running_init,
    set_state,
)

# Random keys.
from .core.random import (
    PRNGSequence,
    maybe_get_rng_sequence_state,
    maybe_next_rng_key,
    next_rng_key,
    next_rng_keys,
    replace_rng_sequence_state,
    reserve_rng_keys,
    with_rng,
)

# JAX's transforms and control flow inside transformed functions.
from .transforms.stateful import eval_shape, grad, jit, remat, value_and_grad
from .transforms.vectorize import vmap
from .transforms.control_flow import cond, fori_loop, map, scan, switch, while_loop

# Linear maps, and modules made of modules.
from .modules.linear import Bias, Linear
from .modules.sequential import Sequential
from .modules.batch_apply import BatchApply, expand_apply
from .modules.reshape import Flatten, Reshape
from .modules.deferred import Deferred
from .modules.attention import MultiHeadAttention

# Categories, embeddings, dropout.
from .modules.categorical import multinomial, one_hot
from .modules.embed import Embed, EmbedLookupStyle
from .modules.dropout import dropout

# Convolutions and pooling.
from .modules.conv import Conv1D, Conv2D, Conv3D, ConvND
from .modules.conv_transpose import (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
    ConvNDTranspose,
)
from .modules.depthwise_conv import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    DepthwiseConv3D,
    SeparableDepthwiseConv2D,
)
from .numerics.layout import get_channel_index
from .modules.pool import AvgPool, MaxPool, avg_pool, max_pool

# Normalization and moving averages.
from .modules.batch_norm import BatchNorm
from .modules.group_norm import GroupNorm
from .modules.layer_norm import InstanceNorm, LayerNorm, RMSNorm
from .modules.moving_averages import EMAParamsTree, ExponentialMovingAverage
from .modules.spectral_norm import SNParamsTree, SpectralNorm

# Recurrent cores and their unrolling.
from .recurrent.cores import GRU, LSTM, LSTMState, RNNCore, VanillaRNN
from .recurrent.conv_lstm import Conv1DLSTM, Conv2DLSTM, Conv3DLSTM
from .recurrent.wrappers import (
    DeepRNN,
    IdentityCore,
    ResetCore,
    deep_rnn_with_skip_connections,
)
from .recurrent.unroll import dynamic_unroll, static_unroll

# Types and errors.
from .core.errors import (
    JaxUsageError,
    MissingRNGError,
    NonEmptyStateError,
    StateChangedError,
)
from .core.typing import (
    ModuleProtocol,
    MutableParams,
    MutableState,
    Params,
    State,
    SupportsCall,
)

# Looking into a program.
from .tools.dot import to_dot

# Namespaces.
from . import (
    config,
    data_structures,
    experimental,
    initializers,
    mixed_precision,
    nets,
    pad,
    testing,
)

__all__ = [
    # Transforms.
    "Transformed",
    "TransformedWithState",
    "get_original_fn",
    "transform",
    "transform_with_state",
    "with_empty_state",
    "without_state",
    "MultiTransformed",
    "MultiTransformedWithState",
    "multi_transform",
    "multi_transform_with_state",
    "without_apply_rng",
    "new_context",
    "LiftWithStateUpdater",
    "lift",
    "lift_with_state",
    "transparent_lift",
    "transparent_lift_with_state",
    "LayerStackTransparencyMapping",
    "layer_stack",
    # Modules and their names.
    "MethodContext",
    "Module",
    "intercept_methods",
    "name_like",
    "transparent",
    "name_scope",
    "force_name",
    "to_module",
    # Parameters and state.
    "DO_NOT_STORE",
    "GetterContext",
    "SetterContext",
    "custom_creator",
    "custom_getter",
    "custom_setter",
    "current_name",
    "get_current_state",
    "get_initial_state",
    "get_parameter",
    "get_params",
    "get_state",
    "params_frozen",
    "running_init",
    "set_state",
    # Random keys.
    "PRNGSequence",
    "maybe_get_rng_sequence_state",
    "maybe_next_rng_key",
    "next_rng_key",
    "next_rng_keys",
    "replace_rng_sequence_state",
    "reserve_rng_keys",
    "with_rng",
    # JAX's transforms and control flow inside transformed functions.
    "eval_shape",
    "grad",
    "jit",
    "remat",
    "value_and_grad",
    "vmap",
    "cond",
    "fori_loop",
    "map",
    "scan",
    "switch",
    "while_loop",
    # Linear maps, and modules made of modules.
    "Bias",
    "Linear",
    "Sequential",
    "BatchApply",
    "expand_apply",
    "Flatten",
    "Reshape",
    "Deferred",
    "MultiHeadAttention",
    # Categories, embeddings, dropout.
    "multinomial",
    "one_hot",
    "Embed",
    "EmbedLookupStyle",
    "dropout",
    # Convolutions and pooling.
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "ConvND",
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "ConvNDTranspose",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "DepthwiseConv3D",
    "SeparableDepthwiseConv2D",
    "get_channel_index",
    "AvgPool",
    "MaxPool",
    "avg_pool",
    "max_pool",
    # Normalization and moving averages.
    "BatchNorm",
    "GroupNorm",
    "InstanceNorm",
    "LayerNorm",
    "RMSNorm",
    "EMAParamsTree",
    "ExponentialMovingAverage",
    "SNParamsTree",
    "SpectralNorm",
    # Recurrent cores and their unrolling.
    "GRU",
    "LSTM",
    "LSTMState",
    "RNNCore",
    "VanillaRNN",
    "Conv1DLSTM",
    "Conv2DLSTM",
    "Conv3DLSTM",
    "DeepRNN",
    "IdentityCore",
    "ResetCore",
    "deep_rnn_with_skip_connections",
    "dynamic_unroll",
    "static_unroll",
    # Types and errors.
    "JaxUsageError",
    "MissingRNGError",
    "NonEmptyStateError",
    "StateChangedError",
    "ModuleProtocol",
    "MutableParams",
    "MutableState",
    "Params",
    "State",
    "SupportsCall",
    # Looking into a program.
    "to_dot",
    # Namespaces.
    "config",
    "data_structures",
    "experimental",
    "initializers",
    "mixed_precision",
    "nets",
    "pad",
    "testing",
]

# Layers.

# Recurrent cores.
