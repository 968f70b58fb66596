"""Every argument of every public function has a value of its own in some case."""

import functools

import distrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rlax

from sonnax import rlax_impl
from sonnax.parity_tests.rlax_impl import (
    test_arrays_and_trees,
    test_distributions,
    test_mpo,
    test_nonlinear_bellman,
    test_policy_functions,
    test_returns,
    test_value_learning,
)
from sonnax.parity_tests.rlax_impl.policy_parity import (
    DTYPES,
    Case,
    assert_parity,
    cast,
    evaluate,
)
from sonnax.parity_tests.witness import Witness

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

RNG = np.random.default_rng(3)
T, A = 5, 3
ERRORS = [
    *RNG.normal(size=[3, T]),
    RNG.uniform(0.5, 1.0, T),
    np.exp(RNG.normal(size=T)),
]
MIX, ALPHA = RNG.uniform(size=T), np.array(0.4)
Q_TM1, Q_T = RNG.normal(size=[2, T, A])
ACTIONS, NEXT_ACTIONS = RNG.integers(0, A, size=[2, T])
PI, MU = RNG.dirichlet(np.ones(A), size=T), RNG.uniform(0.1, 1.0, T)
R_T, DISCOUNTS = RNG.normal(size=T), RNG.uniform(0.5, 1.0, T)
VALUES = RNG.normal(size=T + 1)
EPSILON, SCALE = np.array(0.1), np.array(0.7)
KL = RNG.uniform(size=[2, T])
DEVICES = RNG.normal(size=[2, T])
WEIGHTS = np.array([1.0, 1.0, 0.0, 1.0, 1.0])
STATE = (np.zeros(A), np.ones(A), 2 * np.ones(A))
UNSTOPPED = {"stop_target_gradients": False}


def call(name, *arrays, **options):
    return Case(
        f"{name} {sorted(options)}",
        lambda lib, *x: getattr(lib, name)(*x, **options),
        arrays,
    )


def over_devices(name, function, *arrays):
    """A call that is mapped over an axis of two devices."""

    def mapped(lib, *x):
        return jax.vmap(functools.partial(function, lib), axis_name="device")(*x)

    return Case(f"{name} over devices", mapped, arrays)


def draws(name, function, *arrays):
    return Case(
        name, lambda lib, *x: function(lib, jax.random.key(2), *x), arrays, False
    )


def policy_targets(name, **options):
    def drawn(lib, key, logits):
        policy = distrax.Categorical(logits)
        targets = getattr(lib, name)(policy, key, 3, **options)
        return targets.actions, targets.weights

    return draws(name, drawn, Q_T)


def intrinsic_rewards(lib, embeddings, memory, **options):
    state = lib.IntrinsicRewardState(
        memory=memory, next_memory_index=3, distance_sum=-4.0, distance_count=6
    )
    rewards, state = lib.episodic_memory_intrinsic_rewards(
        embeddings, 2, 0.5, state, max_memory_size=4, **options
    )
    return rewards, state.memory, state.next_memory_index, state.distance_sum


def popart(lib, w, b, shift, scale, moment, targets):
    _, update = lib.popart(A, 0.1, 1e-4, 1e6, "device")
    params, state = {"w": w, "b": b}, lib.PopArtState(shift, scale, moment)
    return update(params, state, targets, jnp.asarray(ACTIONS))


def moments(lib, x):
    init_state, update = lib.create_ema(0.9, pmean_axis_name="device")
    return update(x, init_state(x))[0].mean


def constraint(lib, alpha):
    return lib.LagrangePenalty(alpha, 0.1)


def e_step(lib, alpha, advantages, weights, **options):
    return lib.vmpo_compute_weights_and_temperature_loss(
        *(advantages, weights, jnp.ones_like(weights), constraint(lib, alpha)),
        *(jnp.exp, 0.5),
        **options,
    )


def vmpo(lib, log_probs, advantages, kl, alpha, **options):
    pair = (kl, constraint(lib, alpha))
    return lib.vmpo_loss(log_probs, advantages, pair[1], [pair], **options)


THRESHOLDS = {"clip_rho_threshold": 0.6}
MORE = [
    call(
        "retrace",
        Q_TM1,
        Q_T,
        ACTIONS,
        NEXT_ACTIONS,
        R_T,
        DISCOUNTS,
        PI,
        MU,
        MIX,
        eps=0.3,
    ),
    call(
        "transformed_retrace",
        *(Q_TM1, Q_T, ACTIONS, NEXT_ACTIONS, R_T, DISCOUNTS, PI, MU, MIX),
        eps=0.3,
    ),
    call("importance_corrected_td_errors", R_T, DISCOUNTS, MU, MIX, VALUES),
    call(
        "importance_corrected_td_errors",
        *(R_T, DISCOUNTS, MU, MIX, VALUES),
        stop_target_gradients=True,
    ),
    call("leaky_vtrace", *ERRORS, ALPHA, MIX, **THRESHOLDS),
    call("leaky_vtrace", *ERRORS, ALPHA, MIX, clip_rho_threshold=1.7),
    call("vtrace_td_error_and_advantage", *ERRORS, MIX, **THRESHOLDS),
    call("leaky_vtrace_td_error_and_advantage", *ERRORS, ALPHA, MIX, **THRESHOLDS),
    call("leaky_vtrace_td_error_and_advantage", *ERRORS, ALPHA, MIX, **UNSTOPPED),
    Case(
        "transformed_n_step_returns with many lambdas",
        lambda lib, r, d, v, mix: lib.transformed_n_step_returns(
            lib.IDENTITY_PAIR, r, d, v, 3, lambda_t=mix
        ),
        (R_T, DISCOUNTS, VALUES[1:], MIX),
    ),
    call("hyperbolic_sin", R_T),
    call("hyperbolic_arcsin", R_T),
    draws("categorical_sample", lambda lib, *x: lib.categorical_sample(*x), PI),
    policy_targets("constant_policy_targets", weights_scale=0.3),
    policy_targets("zero_policy_targets", weights_scale=0.3),
    Case(
        "compute_parametric_kl_penalty_and_dual_loss, nothing stopped",
        lambda lib, kl, alpha: lib.compute_parametric_kl_penalty_and_dual_loss(
            [(kl, constraint(lib, alpha))], jnp.exp, use_stop_gradient=False
        ),
        (KL, ALPHA),
    ),
    Case(
        "kl_constraint_loss, nothing stopped",
        lambda lib, kl, alpha: lib.kl_constraint_loss(
            kl, constraint(lib, alpha), jnp.exp, use_stop_gradient=False
        ),
        (KL, ALPHA),
    ),
    Case(
        "vmpo_loss with an exponential dual",
        functools.partial(vmpo, projection_operator=jnp.exp),
        (DEVICES[0], DEVICES[1], KL[0], ALPHA),
    ),
    over_devices(
        "vmpo_loss",
        functools.partial(vmpo, axis_name="device"),
        *(DEVICES, DEVICES[::-1], KL, np.array([0.4, 0.7])),
    ),
    Case(
        "vmpo_compute_weights_and_temperature_loss, nothing stopped",
        functools.partial(e_step, use_stop_gradient=False),
        (ALPHA, R_T, WEIGHTS),
    ),
    over_devices(
        "vmpo_compute_weights_and_temperature_loss",
        functools.partial(e_step, axis_name="device"),
        *(np.array([0.4, 0.7]), DEVICES, np.stack([WEIGHTS, WEIGHTS[::-1]])),
    ),
    Case(
        "get_top_k_weights, nothing stopped",
        lambda lib, w, a: lib.get_top_k_weights(0.5, w, a, use_stop_gradient=False),
        (WEIGHTS, R_T),
    ),
    over_devices(
        "get_top_k_weights",
        lambda lib, w, a: lib.get_top_k_weights(0.5, w, a, "device"),
        *(np.ones([2, T]), DEVICES),
    ),
    draws(
        "noise",
        lambda lib, key, action, noise, prior: [
            lib.add_gaussian_noise(key, action, 0.3),
            lib.add_ornstein_uhlenbeck_noise(key, action, noise, 0.1, 0.3),
            lib.add_dirichlet_noise(key, prior, 0.3, 0.25),
            lib.sample_start_indices(key, 2, 3, 6),
        ],
        *(R_T, MU, PI),
    ),
    Case(
        "intrinsic rewards of another kernel",
        functools.partial(
            intrinsic_rewards,
            constant=0.1,
            epsilon=0.2,
            cluster_distance=0.3,
            max_similarity=0.9,
        ),
        (Q_T, Q_TM1[:4]),
    ),
    over_devices(
        "art",
        lambda lib, targets, *state: lib.art(
            *(lib.PopArtState(*state), targets, jnp.asarray(ACTIONS), 0.1, 0.1, 9.0),
            axis_name="device",
        ),
        *(DEVICES, *(np.stack([x, x]) for x in STATE)),
    ),
    over_devices(
        "popart",
        popart,
        *(np.ones([2, 4, A]), np.ones([2, A]), *(np.stack([x, x]) for x in STATE)),
        DEVICES,
    ),
    over_devices("create_ema", moments, DEVICES),
    over_devices("AllSum", lambda lib, x: lib.AllSum("device")(x), DEVICES),
    Case(
        "states",
        lambda lib, x, y, z: [
            tuple(vars(state).values()) if hasattr(state, "__dict__") else state
            for state in (
                lib.EmaMoments(mean=x, variance=y),
                lib.EmaState(mu=x, nu=y, decay_product=z),
                lib.VTraceOutput(errors=x, pg_advantage=y, q_estimate=z),
            )
        ],
        (R_T, MU, DISCOUNTS),
    ),
]
TREES = [
    Case(
        f"tree: {name}",
        lambda lib, *x, c=c: c(lib, *(test_arrays_and_trees.TREE,) * 2),
        (),
        False,
    )
    for name, c in test_arrays_and_trees.TREE_CALLS.items()
]
ELSEWHERE = [
    *test_arrays_and_trees.CASES,
    *test_distributions.CASES,
    *test_mpo.CASES,
    *test_policy_functions.CASES,
    *(
        case
        for module in (test_nonlinear_bellman, test_returns, test_value_learning)
        for table in module.TABLES.values()
        for case in table
    ),
]
PUBLIC = [name for name in rlax_impl.__all__ if name != "ArgumentError"]


class AllOfRLax:
    """RLax's public names, and those of its modules that are public here."""

    def __getattr__(self, name):
        from rlax._src import (
            exploration,
            moving_averages,
            mpo_ops,
            multistep,
            transforms,
            vtrace,
        )

        modules = (rlax, multistep, mpo_ops, transforms, exploration, vtrace)
        modules += (moving_averages,)
        return next(getattr(m, name) for m in modules if hasattr(m, name))


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_and_gradients_are_those_of_rlax(dtype):
    assert_parity(MORE, rlax_impl, AllOfRLax(), dtype)


def test_every_argument_has_a_value_of_its_own():
    witness, cases = Witness(rlax_impl), [*ELSEWHERE, *MORE, *TREES]
    arrays = [cast(case.arrays, "float32") for case in cases]
    jax.eval_shape(functools.partial(evaluate, cases, witness), arrays)
    missing = witness.unseen(PUBLIC)
    assert not missing, f"No case gives a value of its own to: {missing}"


def test_an_argument_without_a_value_of_its_own_is_listed():
    witness = Witness(rlax_impl)
    witness.huber_loss(jnp.ones(2), 1.0)
    assert witness.unseen(["huber_loss"]) == ["huber_loss(delta)"]
