"""Looking into programs, and other tools that may still change."""

# isort: skip_file

# Summaries and drawings.
from .tools import jaxpr_info
from .data_structures.array_spec import ArraySpec
from .tools.dot import abstract_to_dot, to_dot
from .tools.summary import MethodInvocation, ModuleDetails, eval_summary, tabulate

# Shapes and keys.
from .transforms.shape_evaluation import fast_eval_shape, optimize_rng_use

# Settings.
from .config import check_jax_usage, module_auto_repr, rng_reserve_size

# What was experimental once.
from .core.hooks import DO_NOT_STORE, GetterContext, custom_creator, custom_getter
from .transforms.layer_stack import LayerStackTransparencyMapping, layer_stack
from .transforms.lift import (
    LiftWithStateUpdater,
    lift,
    lift_with_state,
    transparent_lift,
    transparent_lift_with_state,
)
from .core.module import MethodContext, intercept_methods, name_like
from .core.name_scope import name_scope
from .core.naming import force_name
from .core.parameters import (
    current_name,
    get_current_state,
    get_initial_state,
    get_params,
)
from .core.random import maybe_get_rng_sequence_state, replace_rng_sequence_state

ParamContext = GetterContext

__all__ = [
    # Summaries and drawings.
    "ArraySpec",
    "MethodInvocation",
    "ModuleDetails",
    "abstract_to_dot",
    "eval_summary",
    "jaxpr_info",
    "tabulate",
    "to_dot",
    # Shapes and keys.
    "fast_eval_shape",
    "optimize_rng_use",
    # Settings.
    "check_jax_usage",
    "module_auto_repr",
    "rng_reserve_size",
    # What was experimental once.
    "DO_NOT_STORE",
    "GetterContext",
    "LayerStackTransparencyMapping",
    "LiftWithStateUpdater",
    "MethodContext",
    "ParamContext",
    "current_name",
    "custom_creator",
    "custom_getter",
    "force_name",
    "get_current_state",
    "get_initial_state",
    "get_params",
    "intercept_methods",
    "layer_stack",
    "lift",
    "lift_with_state",
    "maybe_get_rng_sequence_state",
    "name_like",
    "name_scope",
    "replace_rng_sequence_state",
    "transparent_lift",
    "transparent_lift_with_state",
]
