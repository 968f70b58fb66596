"""V-MPO: maximum a posteriori policy optimisation on policy, from state values.

The weights of the E-step are spread over the examples of the batch, those with the
highest advantages, instead of over samples of each. `[*E]` is the shape of the
examples, as in `mpo`.

Song et al., "V-MPO: On-policy maximum a posteriori policy optimization for discrete
and continuous control", 2020, https://arxiv.org/abs/1909.12238.
"""

import jax
import jax.numpy as jnp

from .arguments import check, expects
from .gradients import stop_gradient_if
from .mpo import (
    EPSILON,
    Constraints,
    LagrangePenalty,
    MpoOutputs,
    Numeric,
    Projection,
    check_constraints,
    check_loss_shapes,
    check_temperature,
    compute_parametric_kl_penalty_and_dual_loss,
    project_to_positive,
)
from .reductions import AllSum

Array = jax.Array

# Taken from the advantages of ignored steps, so that they are never among the best.
INFINITY = 1e6


@expects(sample_log_probs="float[...]", advantages="float[...]")
def vmpo_loss(
    sample_log_probs: Array,
    advantages: Array,
    temperature_constraint: LagrangePenalty,
    kl_constraints: Constraints,
    projection_operator: Projection = project_to_positive,
    restarting_weights: Array | None = None,
    importance_weights: Array | None = None,
    top_k_fraction: float = 0.5,
    policy_loss_weight: Numeric = 1.0,
    temperature_loss_weight: Numeric = 1.0,
    kl_loss_weight: Numeric = 1.0,
    alpha_loss_weight: Numeric = 1.0,
    axis_name: str | None = None,
    use_stop_gradient: bool | Array = True,
) -> tuple[Array, MpoOutputs]:
    """Computes the loss of V-MPO: policy, temperature and bounds on divergences.

    Args:
      sample_log_probs: log probabilities of the actions taken, `[*E]`.
      advantages: advantages of these actions, `[*E]`.
      temperature_constraint: bound of the E-step and its temperature.
      kl_constraints: pairs of a divergence between the old and the current policy and
        its bound. A divergence is `[*E]`, or `[*E, size]` if bounded per dimension.
      projection_operator: maps dual variables to where they are positive. Default:
        `clip` from below at 1e-10.
      restarting_weights: `[*E]`; 0 for a step that is ignored because it begins a new
        episode, else 1. Default None: all 1.
      importance_weights: `[*E]`. Default None: all 1.
      top_k_fraction: share of the examples, those with the highest advantages, that
        the policy is fitted to, in (0, 1]. Default 0.5.
      policy_loss_weight: factor of the policy loss. Default 1.
      temperature_loss_weight: factor of the temperature loss. Default 1.
      kl_loss_weight: factor of the divergences. Default 1.
      alpha_loss_weight: factor of the losses of their multipliers. Default 1.
      axis_name: mapped axis (of `shard_map`, `pmap` or `vmap`) to share the E-step
        over. Default None: no sharing.
      use_stop_gradient: whether weights, multipliers and divergences are constants
        where the method takes them to be. Default True.

    Returns:
      The loss of each example, `[*E]`, whose mean is to be minimised, and its parts.

    Raises:
      ArgumentError: shapes, types or `top_k_fraction` don't fit.

    >>> bound = LagrangePenalty(alpha=jnp.array(1.0), epsilon=0.1)
    >>> loss, parts = vmpo_loss(
    ...     jnp.log(jnp.array([0.5, 0.5])), jnp.array([1.0, -1.0]), bound,
    ...     [(jnp.zeros(2), bound)])
    >>> print(parts.normalized_weights, parts.num_samples)
    [1. 0.] 1.0
    """
    if restarting_weights is None:
        restarting_weights = jnp.ones_like(sample_log_probs)
    if importance_weights is None:
        importance_weights = jnp.ones_like(sample_log_probs)
    _check_examples(
        "vmpo_loss",
        sample_log_probs=sample_log_probs,
        advantages=advantages,
        restarting_weights=restarting_weights,
        importance_weights=importance_weights,
    )
    check_constraints("vmpo_loss", kl_constraints, advantages.ndim)

    temperature_loss, weights, num_samples = vmpo_compute_weights_and_temperature_loss(
        advantages,
        restarting_weights,
        importance_weights,
        temperature_constraint,
        projection_operator,
        top_k_fraction,
        axis_name=axis_name,
        use_stop_gradient=use_stop_gradient,
    )
    # The weights sum to 1 over all examples, but the losses will be averaged.
    num_examples = sample_log_probs.size * _axis_size(axis_name)
    policy_loss = -sample_log_probs * weights * num_examples
    kl_loss, alpha_loss = compute_parametric_kl_penalty_and_dual_loss(
        kl_constraints, projection_operator, use_stop_gradient
    )
    check_loss_shapes("vmpo_loss", policy_loss, kl_loss, alpha_loss)

    loss = (
        policy_loss_weight * policy_loss
        + temperature_loss_weight * temperature_loss
        + kl_loss_weight * kl_loss
        + alpha_loss_weight * alpha_loss
    )
    return loss, MpoOutputs(
        temperature_loss, policy_loss, kl_loss, alpha_loss, weights, num_samples
    )


@expects(
    advantages="float[...]",
    restarting_weights="float[...]",
    importance_weights="float[...]",
)
def vmpo_compute_weights_and_temperature_loss(
    advantages: Array,
    restarting_weights: Array,
    importance_weights: Array,
    temperature_constraint: LagrangePenalty,
    projection_operator: Projection,
    top_k_fraction: float,
    axis_name: str | None = None,
    use_stop_gradient: bool | Array = True,
) -> tuple[Array, Array, Array]:
    """Computes the E-step of V-MPO: weights of the examples, the temperature's loss.

    Args:
      advantages: `[*E]`.
      restarting_weights: `[*E]`; 0 for a step to ignore, else 1.
      importance_weights: `[*E]`.
      temperature_constraint: bound of the E-step and its temperature.
      projection_operator: maps the temperature to where it is positive.
      top_k_fraction: share of the examples to use, in (0, 1].
      axis_name: mapped axis to share the E-step over. Default None.
      use_stop_gradient: whether weights are constants; must be True together with an
        `axis_name`. Default True.

    Returns:
      The temperature loss, a scalar; the weights, `[*E]`, which sum to 1 over all
      examples; and the number of examples used.

    Raises:
      ArgumentError: shapes, types or `top_k_fraction` don't fit.

    >>> bound = LagrangePenalty(alpha=jnp.array(1.0), epsilon=0.1)
    >>> ones = jnp.ones(3)
    >>> loss, weights, num_samples = vmpo_compute_weights_and_temperature_loss(
    ...     jnp.log(jnp.array([1.0, 2.0, 1.0])), ones, ones, bound, lambda x: x, 1.0)
    >>> print(weights, num_samples)
    [0.25 0.5  0.25] 3.0
    """
    function = "vmpo_compute_weights_and_temperature_loss"
    _check_examples(
        function,
        advantages=advantages,
        restarting_weights=restarting_weights,
        importance_weights=importance_weights,
    )
    check_temperature(function, temperature_constraint)
    check(
        axis_name is None or use_stop_gradient is True,
        function,
        "'use_stop_gradient' must be True together with 'axis_name': the maximum over "
        "devices has no gradient.",
    )
    temperature = projection_operator(temperature_constraint.alpha)
    importance_weights = stop_gradient_if(use_stop_gradient, importance_weights)
    scaled = restarting_weights * advantages / temperature
    highest = stop_gradient_if(use_stop_gradient, jnp.max(scaled))
    if axis_name is not None:
        highest = jax.lax.pmax(highest, axis_name)
    chosen = get_top_k_weights(
        top_k_fraction, restarting_weights, scaled, axis_name, use_stop_gradient
    )

    all_sum = AllSum(axis_name)
    unnormalized = chosen * importance_weights * jnp.exp(scaled - highest)
    total = all_sum(unnormalized) + EPSILON
    num_samples = all_sum(chosen) + EPSILON
    weights = stop_gradient_if(use_stop_gradient, unnormalized / total)

    log_mean_weight = jnp.log(total) + highest - jnp.log(num_samples)
    temperature_loss = temperature * (temperature_constraint.epsilon + log_mean_weight)
    return temperature_loss, weights, num_samples


@expects(restarting_weights="float[...]", scaled_advantages="float[...]")
def get_top_k_weights(
    top_k_fraction: float,
    restarting_weights: Array,
    scaled_advantages: Array,
    axis_name: str | None = None,
    use_stop_gradient: bool | Array = True,
) -> Array:
    """Sets the weights of all but the highest advantages to zero.

    Args:
      top_k_fraction: share of the examples to keep, in (0, 1]; examples as high as the
        lowest of them stay too.
      restarting_weights: `[*E]`; 0 for a step to ignore, else 1.
      scaled_advantages: `[*E]`.
      axis_name: mapped axis whose examples compete. Default None.
      use_stop_gradient: makes no difference: the choice has no gradient.

    Returns:
      `restarting_weights` where the example is chosen, else 0, `[*E]`.

    Raises:
      ArgumentError: shapes, types or `top_k_fraction` don't fit.

    >>> print(get_top_k_weights(0.5, jnp.ones(4), jnp.array([3.0, 1.0, 4.0, 2.0])))
    [1. 0. 1. 0.]
    """
    function = "get_top_k_weights"
    _check_examples(
        function,
        restarting_weights=restarting_weights,
        scaled_advantages=scaled_advantages,
    )
    check(
        0.0 < top_k_fraction <= 1.0,
        function,
        f"'top_k_fraction' is {top_k_fraction}, but must be in (0, 1].",
    )
    if top_k_fraction == 1.0:
        return restarting_weights
    competing = jax.lax.stop_gradient(
        scaled_advantages - (1.0 - restarting_weights) * INFINITY
    )
    everyone = competing
    if axis_name is not None:
        everyone = jax.lax.all_gather(competing, axis_name)
    top_k = int(top_k_fraction * everyone.size)
    check(
        top_k > 0,
        function,
        f"'top_k_fraction' is {top_k_fraction}, which of {everyone.size} examples "
        "keeps none. Raise it, or use a larger batch.",
    )
    # Sorted, a NaN is the highest, and then none is chosen, as in RLax.
    lowest = jnp.sort(everyone, axis=None)[-top_k]
    return restarting_weights * (competing >= lowest).astype(jnp.float32)


@expects(restarting_weights="float[...]")
def kl_alpha_loss(
    restarting_weights: Array,
    kl_constraints: Constraints = (),
    axis_name: str | None = None,
) -> tuple[Array, Array]:
    """Averages the losses of several bounds over the steps that count.

    Args:
      restarting_weights: `[*E]`; 0 for a step to ignore, else 1.
      kl_constraints: pairs of a divergence, `[*E]` or `[*E, size]`, and its bound,
        whose multiplier is positive already. Default: none, for losses of 0.
      axis_name: mapped axis to average over, too. Default None.

    Returns:
      The loss of the divergences and that of the multipliers, scalars.

    Raises:
      ArgumentError: shapes or types don't fit.

    >>> bound = LagrangePenalty(alpha=jnp.array(2.0), epsilon=0.5)
    >>> kl = jnp.array([0.25, 9.0])
    >>> print(*kl_alpha_loss(jnp.array([1.0, 0.0]), [(kl, bound)]))
    0.5 0.5
    """
    rank = restarting_weights.ndim
    check_constraints("kl_alpha_loss", kl_constraints)
    for index, (kl, _) in enumerate(kl_constraints):
        check(
            kl.shape[:rank] == restarting_weights.shape,
            "kl_alpha_loss",
            f"the divergence of 'kl_constraints[{index}]' has shape {list(kl.shape)}, "
            "which must begin with that of 'restarting_weights', "
            f"{list(restarting_weights.shape)}.",
        )
    if not kl_constraints:
        return jnp.asarray(0.0), jnp.asarray(0.0)
    kl_loss, alpha_loss = compute_parametric_kl_penalty_and_dual_loss(
        kl_constraints, lambda alpha: alpha
    )
    all_sum = AllSum(axis_name)
    num_samples = all_sum(restarting_weights) + EPSILON
    return (
        all_sum(kl_loss * restarting_weights) / num_samples,
        all_sum(alpha_loss * restarting_weights) / num_samples,
    )


def _check_examples(function: str, **arrays: Array) -> None:
    (first, wanted), *others = arrays.items()
    for name, array in others:
        check(
            array.shape == wanted.shape,
            function,
            f"'{name}' has shape {list(array.shape)}, but '{first}' has "
            f"{list(wanted.shape)}. They must be equal.",
        )


def _axis_size(axis_name: str | None) -> int:
    return 1 if axis_name is None else jax.lax.psum(1, axis_name)
