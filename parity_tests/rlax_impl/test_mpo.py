"""MPO and V-MPO give RLax's losses, parts and gradients."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rlax
from rlax._src import mpo_ops

from sonnax import rlax_impl
from sonnax.parity_tests.rlax_impl.policy_parity import (
    DTYPES,
    Case,
    assert_parity,
    assert_same,
    assert_same_under_jit_and_vmap,
    cast,
)
from sonnax.rlax_impl import vmpo as vmpo_module

RNG = np.random.default_rng(2)

S, T, B, D = 6, 3, 2, 4
LOG_PROBS, Q = RNG.normal(size=(S, T, B)), RNG.normal(size=(S, T, B))
KL, KL_PER_DIMENSION = RNG.uniform(size=(T, B)), RNG.uniform(size=(T, B, D))
ALPHA, ALPHAS = np.array(0.7), RNG.uniform(0.1, 1.0, size=D)
TEMPERATURE = np.array(0.3)
TIED = np.round(RNG.normal(size=(T, B)))
WEIGHTS = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
IMPORTANCE = RNG.uniform(0.5, 1.5, size=(T, B))


def below_surface(lib, name):
    if lib is rlax:
        return getattr(mpo_ops, name)
    return getattr(vmpo_module if name == "kl_alpha_loss" else lib, name)


def constraints(lib, kl, kl_per_dimension, alpha, alphas, epsilon=0.1):
    return [
        (kl, lib.LagrangePenalty(alpha, epsilon)),
        (kl_per_dimension, lib.LagrangePenalty(alphas, epsilon, True)),
    ]


def mpo(lib, log_probs, q, temperature, *rest, **kwargs):
    bound = lib.LagrangePenalty(temperature, 0.1)
    return lib.mpo_loss(log_probs, q, bound, constraints(lib, *rest), **kwargs)


def vmpo(lib, log_probs, advantages, temperature, *rest, **kwargs):
    bound = lib.LagrangePenalty(temperature, 0.1)
    return lib.vmpo_loss(
        log_probs, advantages, bound, constraints(lib, *rest), **kwargs
    )


def weighted_vmpo(lib, restarting, importance, *rest, **kwargs):
    return vmpo(
        lib,
        *rest,
        restarting_weights=restarting,
        importance_weights=importance,
        **kwargs,
    )


DUALS = (TEMPERATURE, KL, KL_PER_DIMENSION, ALPHA, ALPHAS)
MOVED = tuple(np.moveaxis(x, 0, 1) for x in (LOG_PROBS, Q))
UNSTOPPED = {"use_stop_gradient": False}
LOSS_WEIGHTS = {
    "policy_loss_weight": 0.5,
    "temperature_loss_weight": 2.0,
    "kl_loss_weight": 3.0,
    "alpha_loss_weight": 4.0,
}
MPO: dict[str, tuple[tuple, dict]] = {
    "mpo": ((LOG_PROBS, Q), {}),
    "mpo, samples in the middle": (MOVED, {"sample_axis": 1}),
    "mpo, negative axis": (MOVED, {"sample_axis": -2}),
    "mpo, one sample": ((LOG_PROBS[:1], Q[:1]), {}),
    "mpo, tied values": ((LOG_PROBS, np.zeros_like(Q)), {}),
    "mpo, masked samples": ((LOG_PROBS, np.where(Q > 1, -np.inf, Q)), {}),
    "mpo, weighted": ((LOG_PROBS, Q), LOSS_WEIGHTS),
    "mpo, nothing stopped": ((LOG_PROBS, Q), UNSTOPPED),
    "mpo, exponential dual": ((LOG_PROBS, Q), {"projection_operator": jnp.exp}),
}
VMPO: dict[str, tuple[tuple, dict]] = {
    "vmpo": ((LOG_PROBS[0], Q[0]), {}),
    "vmpo, all examples": ((LOG_PROBS[0], Q[0]), {"top_k_fraction": 1.0}),
    "vmpo, one example": ((LOG_PROBS[0], Q[0]), {"top_k_fraction": 0.2}),
    "vmpo, tied": ((LOG_PROBS[0], TIED), {"top_k_fraction": 0.35}),
    "vmpo, weighted": ((LOG_PROBS[0], Q[0]), LOSS_WEIGHTS),
    "vmpo, nothing stopped": ((LOG_PROBS[0], Q[0]), UNSTOPPED),
}
CASES = [
    *(
        Case(name, functools.partial(mpo, **kwargs), (*arrays, *DUALS))
        for name, (arrays, kwargs) in MPO.items()
    ),
    *(
        Case(name, functools.partial(vmpo, **kwargs), (*arrays, *DUALS))
        for name, (arrays, kwargs) in list(VMPO.items())[:2]
    ),
    *(
        Case(
            name + ", with weights",
            functools.partial(weighted_vmpo, **kwargs),
            (WEIGHTS, IMPORTANCE, *arrays, *DUALS),
        )
        for name, (arrays, kwargs) in list(VMPO.items())[1:]
    ),
    Case(
        "vmpo, every step ignored",
        weighted_vmpo,
        (np.zeros((T, B)), IMPORTANCE, LOG_PROBS[0], Q[0], *DUALS),
    ),
    Case(
        "mpo_compute_weights_and_temperature_loss",
        lambda lib, q, t: lib.mpo_compute_weights_and_temperature_loss(
            q, lib.LagrangePenalty(t, 0.1), jnp.exp, 2
        ),
        (Q, TEMPERATURE),
    ),
    Case(
        "vmpo_compute_weights_and_temperature_loss",
        lambda lib, a, w, i, t: lib.vmpo_compute_weights_and_temperature_loss(
            a, w, i, lib.LagrangePenalty(t, 0.1), jnp.exp, 0.5
        ),
        (Q[0], WEIGHTS, IMPORTANCE, TEMPERATURE),
    ),
    Case(
        "compute_parametric_kl_penalty_and_dual_loss",
        lambda lib, *x: lib.compute_parametric_kl_penalty_and_dual_loss(
            constraints(lib, *x), jnp.exp
        ),
        DUALS[1:],
    ),
    Case(
        "kl_constraint_loss",
        lambda lib, kl, alpha: below_surface(lib, "kl_constraint_loss")(
            kl, lib.LagrangePenalty(alpha, 0.1), jnp.exp
        ),
        (KL, ALPHA),
    ),
    Case(
        "get_top_k_weights",
        lambda lib, w, a: below_surface(lib, "get_top_k_weights")(0.5, w, a),
        (WEIGHTS, TIED),
    ),
    Case(
        "kl_alpha_loss",
        lambda lib, w, *x: below_surface(lib, "kl_alpha_loss")(w, constraints(lib, *x)),
        (WEIGHTS, *DUALS[1:]),
    ),
    Case(
        "kl_alpha_loss without constraints",
        lambda lib, w: below_surface(lib, "kl_alpha_loss")(w),
        (WEIGHTS,),
    ),
]


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_and_gradients_are_those_of_rlax(dtype):
    assert_parity(CASES, rlax_impl, rlax, dtype)


def test_every_function_can_be_compiled_and_mapped():
    assert_same_under_jit_and_vmap(CASES, rlax_impl)


def test_the_e_step_is_shared_over_a_mapped_axis():
    arrays = cast((LOG_PROBS, Q, *DUALS), "float32")
    weights = jnp.stack([jnp.asarray(WEIGHTS, jnp.float32)] * S)

    def shared(lib):
        def loss(log_probs, advantages, restarting):
            return vmpo(
                lib,
                log_probs,
                advantages,
                *arrays[2:],
                restarting_weights=restarting,
                axis_name="device",
            )

        def penalty(restarting):
            return below_surface(lib, "kl_alpha_loss")(
                restarting, constraints(lib, *arrays[3:]), "device"
            )

        return (
            jax.vmap(loss, axis_name="device")(*arrays[:2], weights),
            jax.vmap(penalty, axis_name="device")(weights),
        )

    assert_same(shared(rlax_impl), shared(rlax), 1e-5)


BOUND = rlax_impl.LagrangePenalty(jnp.array(1.0), 0.1)
ONES = jnp.ones((2, 3))
WRONG = {
    r"mpo_loss: 'sample_log_probs' has shape": lambda: rlax_impl.mpo_loss(
        ONES, jnp.ones((2, 4)), BOUND, [(jnp.ones(3), BOUND)]
    ),
    r"mpo_loss: argument 'sample_q_values'": lambda: rlax_impl.mpo_loss(
        ONES, jnp.ones((2, 3), int), BOUND, [(jnp.ones(3), BOUND)]
    ),
    r"'sample_axis' is 2": lambda: rlax_impl.mpo_loss(
        ONES, ONES, BOUND, [(jnp.ones(3), BOUND)], sample_axis=2
    ),
    r"kl_constraints\[1\]' must have 1 axes": lambda: rlax_impl.mpo_loss(
        ONES, ONES, BOUND, [(jnp.ones(3), BOUND), (ONES, BOUND)]
    ),
    r"epsilon of 'temperature_constraint'": lambda: rlax_impl.mpo_loss(
        ONES, ONES, BOUND._replace(epsilon=ONES), [(jnp.ones(3), BOUND)]
    ),
    r"alpha of 'kl_constraints\[0\]' must be floating": lambda: rlax_impl.mpo_loss(
        ONES, ONES, BOUND, [(jnp.ones(3), BOUND._replace(alpha=1))]
    ),
    r"mpo_loss: .* at least one divergence": lambda: rlax_impl.mpo_loss(
        ONES, ONES, BOUND, []
    ),
    r"vmpo_loss: 'advantages' has shape": lambda: rlax_impl.vmpo_loss(
        ONES, jnp.ones(3), BOUND, [(ONES, BOUND)]
    ),
    r"'top_k_fraction' is 0.0": lambda: rlax_impl.vmpo_loss(
        ONES, ONES, BOUND, [(ONES, BOUND)], top_k_fraction=0.0
    ),
    r"'top_k_fraction' is 0.1, which of 6 examples": lambda: rlax_impl.vmpo_loss(
        ONES, ONES, BOUND, [(ONES, BOUND)], top_k_fraction=0.1
    ),
    r"'use_stop_gradient' must be True": lambda: rlax_impl.vmpo_loss(
        ONES, ONES, BOUND, [(ONES, BOUND)], axis_name="i", use_stop_gradient=False
    ),
    r"kl_alpha_loss: the divergence": lambda: vmpo_module.kl_alpha_loss(
        ONES, [(jnp.ones(2), BOUND)]
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_argument_is_named(message):
    with pytest.raises(rlax_impl.ArgumentError, match=message):
        WRONG[message]()
