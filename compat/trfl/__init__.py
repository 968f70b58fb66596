"""TRFL's API on JAX: losses and targets of batches, for agents written for Sonnet.

The functions take batches `[batch, ...]`, or sequences of them `[time, batch, ...]`,
and return `LossOutput(loss, extra)`. They take arrays and Variables alike.

>>> import jax.numpy as jnp
>>> from sonnax.compat import trfl
>>> q, ones = jnp.array([[1.0, 2.0]]), jnp.ones(1)
>>> loss, extra = trfl.qlearning(q, jnp.array([0]), ones, ones, q)
>>> print(loss, extra.td_error)
[2.] [2.]
"""

from . import (
    action_value_ops,
    base_ops,
    clipping_ops,
    continuous_retrace_ops,
    discrete_policy_gradient_ops,
    dist_value_ops,
    distribution_ops,
    dpg_ops,
    indexing_ops,
    periodic_ops,
    pixel_control_ops,
    policy_gradient_ops,
    policy_ops,
    retrace_ops,
    sequence_ops,
    target_update_ops,
    value_ops,
    vtrace_ops,
)
from .action_value_ops import (
    double_qlearning,
    persistent_qlearning,
    qlambda,
    qlearning,
    qv_learning,
    sarsa,
    sarsa_lambda,
    sarse,
)
from .base_ops import (
    LossOutput,
    assert_rank_and_shape_compatibility,
    best_effort_shape,
)
from .clipping_ops import huber_loss
from .continuous_retrace_ops import (
    retrace_from_action_log_probs,
    retrace_from_importance_weights,
)
from .discrete_policy_gradient_ops import (
    discrete_policy_entropy_loss,
    discrete_policy_gradient,
    discrete_policy_gradient_loss,
    sequence_advantage_actor_critic_loss,
)
from .dist_value_ops import (
    categorical_dist_double_qlearning,
    categorical_dist_qlearning,
    categorical_dist_td_learning,
)
from .dpg_ops import dpg
from .indexing_ops import batched_index
from .periodic_ops import periodically
from .pixel_control_ops import pixel_control_loss, pixel_control_rewards
from .policy_gradient_ops import (
    policy_entropy_loss,
    policy_gradient,
    policy_gradient_loss,
    sequence_a2c_loss,
)
from .policy_ops import Categorical, epsilon_greedy
from .retrace_ops import retrace, retrace_core
from .sequence_ops import multistep_forward_view, scan_discounted_sum
from .target_update_ops import periodic_target_update, update_target_variables
from .value_ops import generalized_lambda_returns, qv_max, td_lambda, td_learning
from .vtrace_ops import vtrace_from_importance_weights, vtrace_from_logits

__all__ = [
    # Values of states
    "td_learning",
    "td_lambda",
    "generalized_lambda_returns",
    "qv_max",
    # Values of discrete actions
    "qlearning",
    "double_qlearning",
    "persistent_qlearning",
    "sarsa",
    "sarse",
    "qlambda",
    "sarsa_lambda",
    "qv_learning",
    # Distributions of returns
    "categorical_dist_qlearning",
    "categorical_dist_double_qlearning",
    "categorical_dist_td_learning",
    # Off-policy corrections
    "retrace",
    "retrace_core",
    "retrace_from_action_log_probs",
    "retrace_from_importance_weights",
    "vtrace_from_importance_weights",
    "vtrace_from_logits",
    # Policy gradients
    "discrete_policy_entropy_loss",
    "discrete_policy_gradient",
    "discrete_policy_gradient_loss",
    "sequence_advantage_actor_critic_loss",
    "policy_entropy_loss",
    "policy_gradient",
    "policy_gradient_loss",
    "sequence_a2c_loss",
    "dpg",
    # Policies
    "Categorical",
    "epsilon_greedy",
    # Pixel control
    "pixel_control_loss",
    "pixel_control_rewards",
    # Sequences, indexing, clipping
    "multistep_forward_view",
    "scan_discounted_sum",
    "batched_index",
    "huber_loss",
    # Target networks
    "update_target_variables",
    "periodic_target_update",
    "periodically",
    # Results and checks
    "LossOutput",
    "assert_rank_and_shape_compatibility",
    "best_effort_shape",
    # Modules, as in TRFL
    "action_value_ops",
    "base_ops",
    "clipping_ops",
    "continuous_retrace_ops",
    "discrete_policy_gradient_ops",
    "dist_value_ops",
    "distribution_ops",
    "dpg_ops",
    "indexing_ops",
    "periodic_ops",
    "pixel_control_ops",
    "policy_gradient_ops",
    "policy_ops",
    "retrace_ops",
    "sequence_ops",
    "target_update_ops",
    "value_ops",
    "vtrace_ops",
]
