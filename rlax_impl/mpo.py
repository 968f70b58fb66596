"""Maximum a posteriori policy optimisation (MPO).

An E-step reweights sampled actions by their values; an M-step fits the policy to
them under bounds on how far it may move. Every bound is a Lagrangian with a learned
multiplier. The functions treat each example by itself: the shape of the examples,
`[*E]` below, may be `[time, batch]`, `[batch]` or any other, as long as it is the same
everywhere.

Abdolmaleki et al., "Maximum a posteriori policy optimisation", 2018,
https://arxiv.org/abs/1806.06920, and "Relative entropy regularized policy iteration",
2018, https://arxiv.org/abs/1812.02256.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .arguments import check, expects
from .gradients import stop_gradient_if

Array = jax.Array
Numeric = float | Array
Projection = Callable[[Any], Any]

EPSILON = 1e-10

project_to_positive: Projection = functools.partial(jnp.clip, min=EPSILON)


class LagrangePenalty(NamedTuple):
    """A bound, and the dual variable that enforces it.

    Attributes:
      alpha: the dual variable, a scalar, or `[size]` if each dimension has its own.
      epsilon: the bound, a scalar.
      per_dimension: whether the last axis of the divergence holds dimensions that are
        bounded separately. Default False.
    """

    alpha: Numeric
    epsilon: Numeric
    per_dimension: bool = False


class MpoOutputs(NamedTuple):
    """What the losses of MPO and V-MPO are made of.

    Attributes:
      temperature_loss: `[*E]`; in V-MPO a scalar.
      policy_loss: `[*E]`.
      kl_loss: `[*E]`.
      alpha_loss: `[*E]`.
      normalized_weights: weights of the E-step: of each sample in MPO, `[*E]` in V-MPO.
      num_samples: how many samples the weights are spread over.
    """

    temperature_loss: Numeric
    policy_loss: Array
    kl_loss: Numeric
    alpha_loss: Numeric
    normalized_weights: Array
    num_samples: Numeric


Constraints = Sequence[tuple[Array, LagrangePenalty]]


@expects(sample_log_probs="float[...]", sample_q_values="float[...]")
def mpo_loss(
    sample_log_probs: Array,
    sample_q_values: Array,
    temperature_constraint: LagrangePenalty,
    kl_constraints: Constraints,
    projection_operator: Projection = project_to_positive,
    policy_loss_weight: Numeric = 1.0,
    temperature_loss_weight: Numeric = 1.0,
    kl_loss_weight: Numeric = 1.0,
    alpha_loss_weight: Numeric = 1.0,
    sample_axis: int = 0,
    use_stop_gradient: bool | Array = True,
) -> tuple[Array, MpoOutputs]:
    """Computes the loss of MPO: policy, temperature and bounds on divergences.

    Args:
      sample_log_probs: log probabilities of sampled actions under the current policy,
        `[*E]` with an axis of samples at `sample_axis`.
      sample_q_values: values of the same actions, of the same shape.
      temperature_constraint: bound of the E-step and its temperature.
      kl_constraints: pairs of a divergence between the target and the current policy
        and its bound. A divergence is `[*E]`, or `[*E, size]` if bounded per dimension.
      projection_operator: maps dual variables to where they are positive. Default:
        `clip` from below at 1e-10.
      policy_loss_weight: factor of the policy loss. Default 1.
      temperature_loss_weight: factor of the temperature loss. Default 1.
      kl_loss_weight: factor of the divergences. Default 1.
      alpha_loss_weight: factor of the losses of their multipliers. Default 1.
      sample_axis: where the samples are; may be negative. Default 0.
      use_stop_gradient: whether weights, multipliers and divergences are constants
        where the method takes them to be. Default True.

    Returns:
      The loss of each example, `[*E]`, and its parts.

    Raises:
      ArgumentError: shapes, types or `sample_axis` don't fit.

    >>> bound = LagrangePenalty(alpha=jnp.array(1.0), epsilon=0.1)
    >>> log_probs, q_values = jnp.log(jnp.array([0.5, 0.5])), jnp.array([0.0, 0.0])
    >>> loss, parts = mpo_loss(log_probs, q_values, bound, [(jnp.array(0.3), bound)])
    >>> print(parts.normalized_weights, parts.policy_loss)
    [0.5 0.5] 0.6931472
    """
    check(
        sample_log_probs.shape == sample_q_values.shape,
        "mpo_loss",
        f"'sample_log_probs' has shape {list(sample_log_probs.shape)}, but "
        f"'sample_q_values' has {list(sample_q_values.shape)}. They must be equal.",
    )
    check_constraints("mpo_loss", kl_constraints, sample_q_values.ndim - 1)

    temperature_loss, weights, num_samples = mpo_compute_weights_and_temperature_loss(
        sample_q_values, temperature_constraint, projection_operator, sample_axis
    )
    weights = stop_gradient_if(use_stop_gradient, weights)
    policy_loss = -jnp.sum(weights * sample_log_probs, axis=sample_axis)
    kl_loss, alpha_loss = compute_parametric_kl_penalty_and_dual_loss(
        kl_constraints, projection_operator, use_stop_gradient
    )
    check_loss_shapes("mpo_loss", policy_loss, kl_loss, alpha_loss)

    loss = (
        policy_loss_weight * policy_loss
        + temperature_loss_weight * temperature_loss
        + kl_loss_weight * kl_loss
        + alpha_loss_weight * alpha_loss
    )
    return loss, MpoOutputs(
        temperature_loss, policy_loss, kl_loss, alpha_loss, weights, num_samples
    )


@expects(sample_q_values="float[...]")
def mpo_compute_weights_and_temperature_loss(
    sample_q_values: Array,
    temperature_constraint: LagrangePenalty,
    projection_operator: Projection,
    sample_axis: int = 0,
) -> tuple[Array, Array, int]:
    """Computes the E-step of MPO: weights of the samples, and the temperature's loss.

    Args:
      sample_q_values: values of sampled actions, `[*E]` with an axis of samples at
        `sample_axis`.
      temperature_constraint: bound of the divergence between the reweighted and the
        sampling policy, and the temperature.
      projection_operator: maps the temperature to where it is positive.
      sample_axis: where the samples are; may be negative. Default 0.

    Returns:
      The temperature loss, `[*E]` (the convex dual, `temperature * (epsilon +
      log mean exp(q / temperature))`); the weights, `softmax(q / temperature)`; and
      the number of samples.

    Raises:
      ArgumentError: shapes, types or `sample_axis` don't fit.

    >>> bound = LagrangePenalty(alpha=jnp.array(2.0), epsilon=0.5)
    >>> q_values = 2 * jnp.log(jnp.array([1.0, 3.0]))
    >>> loss, weights, num_samples = mpo_compute_weights_and_temperature_loss(
    ...     q_values, bound, lambda x: x)
    >>> print(weights.round(4), num_samples, f"{loss:.4f}")
    [0.25 0.75] 2 2.3863
    """
    function = "mpo_compute_weights_and_temperature_loss"
    check_temperature(function, temperature_constraint)
    rank = sample_q_values.ndim
    check(
        -rank <= sample_axis < rank,
        function,
        f"'sample_axis' is {sample_axis}, but 'sample_q_values' has {rank} axes.",
    )
    num_samples = sample_q_values.shape[sample_axis]
    temperature = projection_operator(temperature_constraint.alpha)
    scaled = sample_q_values / temperature

    # One exponential serves the weights and their normaliser.
    highest = jnp.max(scaled, axis=sample_axis, keepdims=True)
    highest = jax.lax.stop_gradient(jnp.where(jnp.isfinite(highest), highest, 0.0))
    unnormalized = jnp.exp(scaled - highest)
    total = jnp.sum(unnormalized, axis=sample_axis, keepdims=True)
    log_total = jnp.squeeze(jnp.log(total) + highest, axis=sample_axis)

    temperature_loss = temperature * temperature_constraint.epsilon + temperature * (
        log_total - jnp.log(num_samples)
    )
    return temperature_loss, unnormalized / total, num_samples


def compute_parametric_kl_penalty_and_dual_loss(
    kl_constraints: Constraints,
    projection_operator: Projection,
    use_stop_gradient: bool | Array = True,
) -> tuple[Numeric, Numeric]:
    """Sums the losses of several bounds on divergences.

    Args:
      kl_constraints: pairs of a divergence, `[*E]` or `[*E, size]`, and its bound.
      projection_operator: maps dual variables to where they are positive.
      use_stop_gradient: as of `kl_constraint_loss`. Default True.

    Returns:
      The loss of the divergences and that of the multipliers, each `[*E]`.

    >>> bound = LagrangePenalty(alpha=jnp.array(2.0), epsilon=0.25)
    >>> kl_loss, alpha_loss = compute_parametric_kl_penalty_and_dual_loss(
    ...     [(jnp.array([0.5]), bound)] * 2, lambda x: x)
    >>> print(kl_loss, alpha_loss)
    [2.] [-1.]
    """
    check_constraints("compute_parametric_kl_penalty_and_dual_loss", kl_constraints)
    losses = [
        kl_constraint_loss(kl, penalty, projection_operator, use_stop_gradient)
        for kl, penalty in kl_constraints
    ]
    return sum(loss[0] for loss in losses), sum(loss[1] for loss in losses)


@expects(kl="float[...]")
def kl_constraint_loss(
    kl: Array,
    penalty: LagrangePenalty,
    projection_operator: Projection,
    use_stop_gradient: bool | Array = True,
) -> tuple[Array, Array, Array]:
    """Computes the losses that keep a divergence at its bound.

    The multiplier rises while the divergence is above the bound and falls while it is
    below; the divergence is penalised in proportion to the multiplier. Each of the two
    takes the other as a constant.

    Args:
      kl: divergence of each example, `[*E]`, or `[*E, size]` if bounded per dimension.
      penalty: the bound and its multiplier.
      projection_operator: maps the multiplier to where it is positive.
      use_stop_gradient: whether each takes the other as a constant. Default True.

    Returns:
      The loss of the divergence and that of the multiplier, both `[*E]`, and the
      projected multiplier.

    >>> bound = LagrangePenalty(alpha=jnp.array(2.0), epsilon=0.5)
    >>> for part in kl_constraint_loss(jnp.array([0.25, 1.0]), bound, lambda x: x):
    ...     print(part)
    [0.5 2. ]
    [ 0.5 -1. ]
    2.0
    """
    check_constraints("kl_constraint_loss", [(kl, penalty)])
    alpha = projection_operator(penalty.alpha)
    kl_loss = stop_gradient_if(use_stop_gradient, alpha) * kl
    alpha_loss = alpha * (penalty.epsilon - stop_gradient_if(use_stop_gradient, kl))
    if penalty.per_dimension:
        kl_loss, alpha_loss = jnp.sum(kl_loss, axis=-1), jnp.sum(alpha_loss, axis=-1)
    return kl_loss, alpha_loss, alpha


def check_temperature(function: str, penalty: LagrangePenalty) -> None:
    """Raises `ArgumentError` unless temperature and bound are floating numbers."""
    _check_penalty(function, "temperature_constraint", penalty)


def check_constraints(
    function: str, kl_constraints: Constraints, rank: int | None = None
) -> None:
    """Raises `ArgumentError` unless divergences and bounds have the right form.

    Args:
      function: the name to begin the message with.
      kl_constraints: pairs of a divergence and its bound.
      rank: number of axes of the examples, if it is known.
    """
    for index, (kl, penalty) in enumerate(kl_constraints):
        name = f"kl_constraints[{index}]"
        _check_penalty(function, name, penalty)
        check(
            _is_floating(kl),
            function,
            f"the divergence of '{name}' must be floating, but is "
            f"{jnp.result_type(kl)}. Convert it.",
        )
        wanted = None if rank is None else rank + penalty.per_dimension
        check(
            wanted is None or jnp.ndim(kl) == wanted,
            function,
            f"the divergence of '{name}' must have {wanted} axes with per_dimension="
            f"{penalty.per_dimension}, but has shape {list(jnp.shape(kl))}.",
        )


def check_loss_shapes(
    function: str, policy_loss: Numeric, kl_loss: Numeric, alpha_loss: Numeric
) -> None:
    """Raises `ArgumentError` unless the divergences have the shape of the examples."""
    shapes = [list(jnp.shape(part)) for part in (policy_loss, kl_loss, alpha_loss)]
    check(
        shapes[0] == shapes[1] == shapes[2],
        function,
        f"the examples have shape {shapes[0]}, but the sums over 'kl_constraints' "
        f"have {shapes[1]} (divergences) and {shapes[2]} (multipliers). Give at least "
        "one divergence, and each the shape of the examples.",
    )


def _check_penalty(function: str, name: str, penalty: LagrangePenalty) -> None:
    check(
        jnp.ndim(penalty.epsilon) == 0,
        function,
        f"the epsilon of '{name}' must be a scalar, but has shape "
        f"{list(jnp.shape(penalty.epsilon))}.",
    )
    for field in ("alpha", "epsilon"):
        value = getattr(penalty, field)
        check(
            _is_floating(value),
            function,
            f"the {field} of '{name}' must be floating, but is "
            f"{jnp.result_type(value)}. Convert it, for example with "
            f"jnp.asarray({field}, float).",
        )


def _is_floating(value: Numeric) -> bool:
    return jnp.issubdtype(jnp.result_type(value), jnp.floating)
