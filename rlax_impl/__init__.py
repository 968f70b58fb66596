"""Building blocks for reinforcement learning: pure functions on JAX arrays.

The functions take one transition or one sequence, and `jax.vmap` maps them over a
batch. A suffix `_tm1` marks what is at hand at the start of a step, `_t` what comes
of it: an action `a_tm1` in a state with values `q_tm1` gives a reward `r_t`, a
discount `discount_t` (0 where an episode ends) and a state with values `q_t`.

>>> import jax
>>> import jax.numpy as jnp
>>> from sonnax import rlax_impl as rlax
>>> errors = jax.vmap(rlax.q_learning)(
...     jnp.ones([2, 3]), jnp.array([0, 2]), jnp.ones(2), 0.5 * jnp.ones(2),
...     jnp.ones([2, 3]))
>>> rlax.l2_loss(errors)
Array([0.125, 0.125], dtype=float32)
"""

# isort: skip_file
# ruff: noqa: E402

from .._support import check_jax

check_jax()

from .arguments import ArgumentError
from .continuous_distributions import (
    gaussian_diagonal,
    multivariate_normal_kl_divergence,
    squashed_gaussian,
)
from .discrete_distributions import (
    categorical_cross_entropy,
    categorical_importance_sampling_ratios,
    categorical_kl_divergence,
    categorical_sample,
    clipped_entropy_softmax,
    epsilon_greedy,
    greedy,
    softmax,
)
from .distributional_value_learning import (
    categorical_double_q_learning,
    categorical_l2_project,
    categorical_q_learning,
    categorical_td_learning,
    quantile_expected_sarsa,
    quantile_q_learning,
    quantile_regression_loss,
)
from .embedding import embed_oar
from .episodic_memory import knn_query
from .exploration_noise import (
    add_dirichlet_noise,
    add_gaussian_noise,
    add_ornstein_uhlenbeck_noise,
)
from .general_value_functions import feature_control_rewards, pixel_control_rewards
from .gradients import clip_gradient
from .indexing import batched_index, lhs_broadcast, one_hot, replace_masked
from .interruptions import fix_step_type_on_interruptions
from .intrinsic_rewards import IntrinsicRewardState, episodic_memory_intrinsic_rewards
from .losses import expectile_loss, huber_loss, l2_loss, likelihood, log_loss
from .moving_averages import EmaMoments, EmaState, create_ema
from .mpo import (
    LagrangePenalty,
    compute_parametric_kl_penalty_and_dual_loss,
    kl_constraint_loss,
    mpo_compute_weights_and_temperature_loss,
    mpo_loss,
)
from .multistep import (
    discounted_returns,
    importance_corrected_td_errors,
    lambda_returns,
    n_step_bootstrapped_returns,
    truncated_generalized_advantage_estimation,
)
from .nested_updates import conditional_update, periodic_update
from .nonlinear_bellman import (
    transformed_general_off_policy_returns_from_action_values,
    transformed_lambda_returns,
    transformed_n_step_q_learning,
    transformed_n_step_returns,
    transformed_q_lambda,
    transformed_retrace,
)
from .off_policy_returns import (
    general_off_policy_returns_from_action_values,
    general_off_policy_returns_from_q_and_v,
)
from .pixel_control import pixel_control_loss
from .policy_gradients import (
    clipped_surrogate_pg_loss,
    dpg_loss,
    entropy_loss,
    policy_gradient_loss,
    qpg_loss,
    rm_loss,
    rpg_loss,
)
from .policy_targets import (
    PolicyTarget,
    constant_policy_targets,
    sampled_policy_distillation_loss,
    zero_policy_targets,
)
from .pop_art import (
    PopArtState,
    art,
    normalize,
    pop,
    popart,
    unnormalize,
    unnormalize_linear,
)
from .reductions import AllSum
from .sequence_value_learning import (
    q_lambda,
    retrace,
    retrace_continuous,
    sarsa_lambda,
    td_lambda,
)
from .subsequences import extract_subsequences, sample_start_indices
from .transform_pairs import (
    DISCOUNT_TRANSFORM_PAIR,
    HYPERBOLIC_SIN_PAIR,
    IDENTITY_PAIR,
    SIGNED_HYPERBOLIC_PAIR,
    SIGNED_LOGP1_PAIR,
    TxPair,
    compose_tx,
    muzero_pair,
    twohot_pair,
    unbiased_transform_pair,
)
from .transforms import (
    hyperbolic_arcsin,
    hyperbolic_sin,
    identity,
    logit,
    power,
    sigmoid,
    signed_expm1,
    signed_hyperbolic,
    signed_logp1,
    signed_parabolic,
    transform_from_2hot,
    transform_to_2hot,
)
from .trees import (
    transpose_first_axis_to_last,
    transpose_last_axis_to_first,
    tree_fn,
    tree_map_zipped,
    tree_replace_masked,
    tree_select,
    tree_split_key,
    tree_split_leaves,
)
from .value_learning import (
    double_q_learning,
    expected_sarsa,
    persistent_q_learning,
    q_learning,
    qv_learning,
    qv_max,
    sarsa,
    td_learning,
)
from .vmpo import (
    get_top_k_weights,
    vmpo_compute_weights_and_temperature_loss,
    vmpo_loss,
)
from .vtrace import (
    VTraceOutput,
    leaky_vtrace,
    leaky_vtrace_td_error_and_advantage,
    vtrace,
    vtrace_td_error_and_advantage,
)

__all__ = [
    # Value learning, one step
    "td_learning",
    "sarsa",
    "expected_sarsa",
    "q_learning",
    "double_q_learning",
    "persistent_q_learning",
    "qv_learning",
    "qv_max",
    # Value learning, sequences
    "td_lambda",
    "sarsa_lambda",
    "q_lambda",
    "retrace",
    "retrace_continuous",
    # Value learning, distributions of returns
    "categorical_l2_project",
    "categorical_td_learning",
    "categorical_q_learning",
    "categorical_double_q_learning",
    "quantile_regression_loss",
    "quantile_q_learning",
    "quantile_expected_sarsa",
    # Returns over several steps
    "lambda_returns",
    "n_step_bootstrapped_returns",
    "discounted_returns",
    "importance_corrected_td_errors",
    "truncated_generalized_advantage_estimation",
    "general_off_policy_returns_from_action_values",
    "general_off_policy_returns_from_q_and_v",
    # V-trace
    "vtrace",
    "leaky_vtrace",
    "vtrace_td_error_and_advantage",
    "leaky_vtrace_td_error_and_advantage",
    "VTraceOutput",
    # Non-linear Bellman equations
    "transformed_lambda_returns",
    "transformed_n_step_returns",
    "transformed_general_off_policy_returns_from_action_values",
    "transformed_q_lambda",
    "transformed_retrace",
    "transformed_n_step_q_learning",
    "TxPair",
    "IDENTITY_PAIR",
    "SIGNED_LOGP1_PAIR",
    "SIGNED_HYPERBOLIC_PAIR",
    "HYPERBOLIC_SIN_PAIR",
    "DISCOUNT_TRANSFORM_PAIR",
    "compose_tx",
    "twohot_pair",
    "muzero_pair",
    "unbiased_transform_pair",
    # Transforms of values
    "identity",
    "sigmoid",
    "logit",
    "signed_logp1",
    "signed_expm1",
    "signed_hyperbolic",
    "signed_parabolic",
    "hyperbolic_sin",
    "hyperbolic_arcsin",
    "power",
    "transform_to_2hot",
    "transform_from_2hot",
    # Policies
    "softmax",
    "clipped_entropy_softmax",
    "greedy",
    "epsilon_greedy",
    "categorical_sample",
    "categorical_importance_sampling_ratios",
    "categorical_cross_entropy",
    "categorical_kl_divergence",
    "gaussian_diagonal",
    "squashed_gaussian",
    "multivariate_normal_kl_divergence",
    # Policy gradients
    "policy_gradient_loss",
    "entropy_loss",
    "dpg_loss",
    "qpg_loss",
    "rpg_loss",
    "rm_loss",
    "clipped_surrogate_pg_loss",
    # Policy targets
    "PolicyTarget",
    "constant_policy_targets",
    "zero_policy_targets",
    "sampled_policy_distillation_loss",
    # MPO and V-MPO
    "LagrangePenalty",
    "mpo_loss",
    "mpo_compute_weights_and_temperature_loss",
    "compute_parametric_kl_penalty_and_dual_loss",
    "kl_constraint_loss",
    "vmpo_loss",
    "vmpo_compute_weights_and_temperature_loss",
    "get_top_k_weights",
    # Exploration
    "add_gaussian_noise",
    "add_ornstein_uhlenbeck_noise",
    "add_dirichlet_noise",
    "IntrinsicRewardState",
    "episodic_memory_intrinsic_rewards",
    "knn_query",
    # General value functions
    "pixel_control_rewards",
    "feature_control_rewards",
    "pixel_control_loss",
    # Normalization of targets
    "PopArtState",
    "normalize",
    "unnormalize",
    "unnormalize_linear",
    "art",
    "pop",
    "popart",
    "EmaMoments",
    "EmaState",
    "create_ema",
    # Losses
    "l2_loss",
    "huber_loss",
    "likelihood",
    "log_loss",
    "expectile_loss",
    # Gradients
    "clip_gradient",
    # Updates
    "conditional_update",
    "periodic_update",
    # Sequences of experience
    "extract_subsequences",
    "sample_start_indices",
    "fix_step_type_on_interruptions",
    "embed_oar",
    # Arrays
    "batched_index",
    "one_hot",
    "lhs_broadcast",
    "replace_masked",
    "AllSum",
    # Trees
    "tree_select",
    "tree_map_zipped",
    "tree_split_key",
    "tree_split_leaves",
    "tree_replace_masked",
    "tree_fn",
    "transpose_last_axis_to_first",
    "transpose_first_axis_to_last",
    # Errors
    "ArgumentError",
]
