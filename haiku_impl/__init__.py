"""A transform core for JAX with the API of Haiku, and its modules.

    from sonnax import haiku_impl as hk
"""

# Transforms.
from .transform import (
    Transformed,
    TransformedWithState,
    get_original_fn,
    transform,
    transform_with_state,
    with_empty_state,
    without_state,
)
from .multi_transform import (
    MultiTransformed,
    MultiTransformedWithState,
    multi_transform,
    multi_transform_with_state,
    without_apply_rng,
)
from .context import new_context

# Modules and their names.
from .module import (
    MethodContext,
    Module,
    intercept_methods,
    name_like,
    transparent,
)
from .name_scope import name_scope
from .naming import force_name

# Parameters, state and random keys.
from .hooks import (
    DO_NOT_STORE,
    GetterContext,
    SetterContext,
    custom_creator,
    custom_getter,
    custom_setter,
)
from .parameters import (
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
from .random import (
    PRNGSequence,
    maybe_get_rng_sequence_state,
    maybe_next_rng_key,
    next_rng_key,
    next_rng_keys,
    replace_rng_sequence_state,
    reserve_rng_keys,
    with_rng,
)

# Types, errors, and namespaces.
from . import config, data_structures
from .errors import (
    JaxUsageError,
    MissingRNGError,
    NonEmptyStateError,
    StateChangedError,
)
from .typing import (
    ModuleProtocol,
    MutableParams,
    MutableState,
    Params,
    State,
    SupportsCall,
)
