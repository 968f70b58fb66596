"""TRFL's losses of values and policies: outputs and gradients."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sonnax.parity_tests import ledger
from sonnax.parity_tests.trfl.trfl_parity import (
    OURS,
    THEIRS,
    Case,
    assert_parity,
    leaves,
    tf,
)
from sonnax.rlax_impl import ArgumentError

RNG = np.random.default_rng(0)
trfl = OURS.trfl
T, B, A = 4, 3, 5

# One transition of a batch, and one step of a sequence, is the last of its episode.
V_TM1, V_T, R_T = RNG.normal(size=[3, B])
DISCOUNTS = np.array([0.9, 0.0, 1.0])
Q_TM1, Q_T, Q_OTHER = RNG.normal(size=[3, B, A])
Q_T[2, 1:3] = 4.0
A_TM1, A_T = np.array([0, 4, 2]), np.array([3, 3, 1])
PROBS = RNG.dirichlet(np.ones(A), size=B)

R_TB, V_TB = RNG.normal(size=[2, T, B])
LAMBDA, MIX = np.array(0.8), RNG.uniform(size=[T, B])
D_TB = RNG.uniform(0.8, 1.0, size=[T, B])
D_TB[1, 1] = 0.0
END = RNG.normal(size=B)
QS_TM1, QS_T = RNG.normal(size=[2, T, B, A])
ACTIONS, NEXT_ACTIONS = RNG.integers(0, A, size=[2, T, B])
PI = RNG.dirichlet(np.ones(A), size=[T, B])
MU = RNG.uniform(0.2, 1.0, size=[T, B])
LOGITS, OTHER_LOGITS = RNG.normal(size=[2, T, B, A])
ONE = np.s_[:1]

ATOMS, OTHER_ATOMS = np.linspace(-2, 2, 6), np.linspace(-2.5, 2.5, 6)
DIST_TM1, DIST_T = RNG.normal(size=[2, B, A, 6])


def call(name, *arrays, only32=False, label="", **options):
    # What TRFL would call its operations is taken and ignored.
    named = "name" in inspect.signature(getattr(trfl, name)).parameters
    more = {"name": "named"} if named else {}

    def in_library(side, *x):
        return getattr(side.trfl, name)(*x, **options, **more)

    dtypes = ("float32",) if only32 else ("float32", "float64")
    return Case(f"{name} {label or options or ''}", in_library, arrays, dtypes)


VALUES = [
    call("td_learning", V_TM1, R_T, DISCOUNTS, V_T),
    call("qv_max", V_TM1, R_T, DISCOUNTS, Q_T),
    call("qlearning", Q_TM1, A_TM1, R_T, DISCOUNTS, Q_T),
    call("double_qlearning", Q_TM1, A_TM1, R_T, DISCOUNTS, Q_T, Q_OTHER),
    call("double_qlearning", Q_TM1, A_TM1, R_T, DISCOUNTS, Q_OTHER, Q_T, label="ties"),
    call("persistent_qlearning", Q_TM1, A_TM1, R_T, DISCOUNTS, Q_T),
    call(
        "persistent_qlearning",
        *(Q_TM1, A_TM1, R_T, DISCOUNTS, Q_OTHER),
        action_gap_scale=0.2,
    ),
    call("sarsa", Q_TM1, A_TM1, R_T, DISCOUNTS, Q_T, A_T),
    call("sarse", Q_TM1, A_TM1, R_T, DISCOUNTS, Q_T, PROBS),
    call("qv_learning", Q_TM1, A_TM1, R_T, DISCOUNTS, V_T),
    call("huber_loss", RNG.normal(size=7) * 2, quadratic_linear_boundary=0.7),
    call("huber_loss", np.array([-1.0, 0.0, 1.0]), quadratic_linear_boundary=1.0),
    call("batched_index", Q_TM1, A_TM1),
    call("batched_index", QS_TM1, ACTIONS, keepdims=True),
    call("batched_index", Q_TM1, np.array([-1, 5, 0]), label="out of range"),
]
SEQUENCES = [
    call("td_lambda", V_TB, R_TB, D_TB, END),
    call("td_lambda", V_TB, R_TB, D_TB, END, lambda_=0.6),
    call("td_lambda", V_TB[ONE], R_TB[ONE], D_TB[ONE], END, lambda_=0.6, label="one"),
    call("generalized_lambda_returns", R_TB, D_TB, V_TB, END),
    call("generalized_lambda_returns", R_TB, D_TB, V_TB, END, lambda_=0.0),
    call("qlambda", QS_TM1, ACTIONS, R_TB, D_TB, QS_T, lambda_=0.8),
    call("qlambda", QS_TM1, ACTIONS, R_TB, D_TB, QS_T, MIX),
    call("sarsa_lambda", QS_TM1, ACTIONS, R_TB, D_TB, QS_T, NEXT_ACTIONS, lambda_=1.0),
    call("sarsa_lambda", QS_TM1, ACTIONS, R_TB, D_TB, QS_T, NEXT_ACTIONS, MIX),
    call("multistep_forward_view", R_TB, D_TB, V_TB, MIX),
    call("multistep_forward_view", R_TB, D_TB, V_TB, lambda_=0.5, back_prop=False),
    call(
        "multistep_forward_view",
        *(R_TB, D_TB, V_TB),
        lambda_=0.5,
        sequence_lengths=[4, 1, 2],
    ),
    call("scan_discounted_sum", R_TB, D_TB, END),
    call("scan_discounted_sum", R_TB, D_TB, END, reverse=True),
    call("scan_discounted_sum", QS_T, QS_TM1, Q_T, reverse=True, label="of 4 axes"),
    call("scan_discounted_sum", R_TB, D_TB, END, sequence_lengths=[4, 1, 0]),
    call(
        "scan_discounted_sum",
        *(QS_T, QS_TM1, Q_T),
        reverse=True,
        sequence_lengths=[3, 4, 0],
    ),
    call("scan_discounted_sum", R_TB, D_TB, END, back_prop=False),
]


OFF_POLICY = [
    call("retrace", LAMBDA, QS_TM1, QS_T, ACTIONS, R_TB, D_TB, PI, MU),
    call(
        "retrace_core",
        *(LAMBDA, QS_TM1, ACTIONS, R_TB, D_TB, PI, MU, QS_T, NEXT_ACTIONS),
    ),
    call(
        "retrace_core",
        *(LAMBDA, QS_TM1, ACTIONS, R_TB, D_TB, PI, MU, QS_T, NEXT_ACTIONS),
        stop_targnet_gradients=False,
    ),
    call(
        "retrace_from_action_log_probs",
        *(np.log(MU), V_TB, D_TB, R_TB, MIX, -V_TB, END),
        lambda_=0.7,
        only32=True,
    ),
    call(
        "retrace_from_importance_weights",
        *(V_TB, D_TB, R_TB, MIX, -V_TB, END),
        only32=True,
    ),
    call(
        "vtrace_from_logits",
        *(LOGITS, OTHER_LOGITS, ACTIONS, D_TB, R_TB, V_TB, END),
        only32=True,
    ),
    call(
        "vtrace_from_importance_weights",
        *(V_TB, D_TB, R_TB, MIX, END),
        clip_rho_threshold=0.8,
        clip_pg_rho_threshold=None,
        only32=True,
    ),
    call(
        "vtrace_from_importance_weights",
        *(QS_TM1, QS_T, LOGITS, OTHER_LOGITS, Q_T),
        clip_rho_threshold=None,
        clip_pg_rho_threshold=2.0,
        only32=True,
        label="of many axes",
    ),
]
DISTRIBUTIONS = [
    call(
        "categorical_dist_qlearning",
        *(ATOMS, DIST_TM1, A_TM1, R_T, DISCOUNTS, OTHER_ATOMS, DIST_T),
    ),
    call(
        "categorical_dist_double_qlearning",
        *(ATOMS, DIST_TM1, A_TM1, R_T, DISCOUNTS, OTHER_ATOMS, DIST_T, Q_T),
    ),
    call(
        "categorical_dist_td_learning",
        *(ATOMS, DIST_TM1[:, 0], R_T, DISCOUNTS, OTHER_ATOMS, DIST_T[:, 0]),
    ),
    Case(
        "l2_project",
        lambda side, *x: side.trfl.distribution_ops.l2_project(*x),
        (RNG.normal(size=[B, 4]) * 2, RNG.dirichlet(np.ones(4), size=B), ATOMS),
    ),
    Case(
        "factorised divergence of diagonal Gaussians",
        lambda side, *x: side.trfl.distribution_ops.factorised_kl_gaussian(
            *x, both_diagonal=True
        ),
        (Q_TM1, np.exp(Q_T / 2), Q_OTHER, np.exp(Q_TM1 / 2)),
    ),
]
PIXELS = RNG.uniform(0, 255, size=[T + 1, B, 7, 6, 2])
PIXEL_VALUES = RNG.normal(size=[T + 1, B, 2, 3, A])
AUXILIARY = [
    call("pixel_control_rewards", PIXELS, cell_size=2, only32=True),
    call("pixel_control_rewards", PIXELS[..., None], cell_size=3, only32=True),
    call(
        "pixel_control_loss",
        *(PIXELS, ACTIONS, PIXEL_VALUES),
        cell_size=2,
        discount_factor=0.9,
        scale=1 / 255,
        crop_height_dim=(1, 6),
        only32=True,
    ),
    Case(
        "pixel control with cropped columns",
        lambda side, o, a, q, d: side.trfl.pixel_control_loss(
            o, a, q, 2, d, 1.0, crop_width_dim=(0, 4)
        ),
        (PIXELS[:, :, :4], ACTIONS, PIXEL_VALUES[:, :, :, :2], D_TB),
        ("float32",),
    ),
]


def exponential(x):
    return jnp.exp(x) if isinstance(x, jax.Array) else tf.exp(x)


def gaussian(function):
    """A case whose first two arrays are the parameters of a Gaussian policy."""

    def in_library(side, mean, log_scale, *x):
        policy = side.distributions.MultivariateNormalDiag(mean, exponential(log_scale))
        return function(side.trfl, policy, *x)

    return in_library


POLICIES = [
    call("discrete_policy_entropy_loss", LOGITS, only32=True),
    call("discrete_policy_entropy_loss", LOGITS, normalise=True, only32=True),
    Case(
        "entropy of two actions",
        lambda side, x, y: side.trfl.discrete_policy_entropy_loss(
            {"move": x, "turn": [y]}, normalise=True
        ),
        (LOGITS, OTHER_LOGITS[..., :2]),
        ("float32",),
    ),
    call("discrete_policy_gradient", LOGITS, ACTIONS, R_TB),
    call("discrete_policy_gradient_loss", LOGITS, ACTIONS, R_TB),
    Case(
        "policy gradient of two actions",
        lambda side, x, y, a, b, q: side.trfl.discrete_policy_gradient_loss(
            [x, y], [a, b], q
        ),
        (LOGITS, OTHER_LOGITS, ACTIONS, NEXT_ACTIONS, R_TB),
    ),
    call(
        "sequence_advantage_actor_critic_loss",
        *(LOGITS, V_TB, ACTIONS, R_TB, D_TB, END),
        only32=True,
    ),
    call(
        "sequence_advantage_actor_critic_loss",
        *(LOGITS, V_TB, ACTIONS, R_TB, D_TB, END),
        lambda_=0.9,
        entropy_cost=0.1,
        baseline_cost=0.5,
        normalise_entropy=True,
        only32=True,
    ),
    Case(
        "policy_gradient",
        gaussian(lambda lib, policy, a, q: lib.policy_gradient(policy, a, q)),
        (LOGITS, OTHER_LOGITS / 2, QS_T, R_TB),
    ),
    Case(
        "policy_gradient_loss of two policies",
        gaussian(
            lambda lib, policy, a, q: lib.policy_gradient_loss(
                [policy, policy], [a, 2 * a], q
            )
        ),
        (LOGITS, OTHER_LOGITS / 2, QS_T, R_TB),
    ),
    Case(
        "policy_entropy_loss",
        gaussian(
            lambda lib, policy: lib.policy_entropy_loss(policy, scale_op=lambda _: 0.5)
        ),
        (LOGITS, OTHER_LOGITS / 2),
        ("float32",),
    ),
    Case(
        "sequence_a2c_loss",
        gaussian(
            lambda lib, policy, v, a, r, d, end: lib.sequence_a2c_loss(
                *(policy, v, a, r, d, end),
                lambda_=0.9,
                entropy_cost=0.1,
                baseline_cost=0.5,
            )
        ),
        (LOGITS, OTHER_LOGITS / 2, V_TB, QS_T, R_TB, D_TB, END),
        ("float32",),
    ),
]
TABLES = {
    "values": VALUES,
    "sequences": SEQUENCES,
    "off-policy": OFF_POLICY,
    "distributions": DISTRIBUTIONS,
    "pixel control": AUXILIARY,
    "policies": POLICIES,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("table", TABLES)
def test_outputs_and_gradients_are_those_of_trfl(table, dtype):
    for case in TABLES[table]:
        if dtype in case.dtypes:
            assert_parity(case, dtype)


def test_a_full_covariance_divides_as_its_diagonal_does():
    mean, other, scale = jnp.ones(3), jnp.zeros(3), jnp.array([0.5, 1.0, 2.0])
    kl = trfl.distribution_ops.factorised_kl_gaussian
    np.testing.assert_allclose(
        kl(mean, jnp.diag(scale**2), other, jnp.eye(3)),
        kl(mean, scale, other, jnp.ones(3), both_diagonal=True),
        rtol=1e-6,
    )
    root = RNG.normal(size=[2, 3, 3]).astype(np.float32)
    covariances = root @ root.transpose(0, 2, 1) + np.eye(3, dtype=np.float32)
    theirs = THEIRS.trfl.distribution_ops.factorised_kl_gaussian(
        *map(tf.constant, (np.ones(3, "f"), covariances[0], np.zeros(3, "f"))),
        tf.constant(covariances[1]),
    )
    ours = kl(mean, covariances[0], other, covariances[1])
    np.testing.assert_allclose(ours, [x.numpy() for x in theirs], rtol=1e-4)


@pytest.mark.parametrize("options", [{}, {"dqda_clipping": 0.5}, {"clip_norm": True}])
def test_the_deterministic_policy_gradient_takes_the_critic(options):
    if "clip_norm" in options:
        options = options | {"dqda_clipping": 0.5}
    actions = RNG.normal(size=[B, 2]).astype(np.float32)

    @tf.function
    def theirs(states):
        a_max = states * 2.0
        q_max = tf.reduce_sum(-(a_max**2) + a_max[:, ::-1], axis=-1)
        out = THEIRS.trfl.dpg(q_max, a_max, **options)
        return out, tf.gradients(out.loss, states)[0]

    def ours(states):
        return trfl.dpg(
            lambda a: jnp.sum(-(a**2) + a[:, ::-1], axis=-1), states * 2.0, **options
        )

    expected, expected_gradient = theirs(tf.constant(actions))
    out = ours(jnp.asarray(actions))
    ledger.report("values", leaves(out), [x.numpy() for x in leaves(expected)])
    np.testing.assert_allclose(out.loss, expected.loss, rtol=1e-6)
    for x, y in zip(out.extra, expected.extra):
        np.testing.assert_allclose(x, y, rtol=1e-6)
    gradient = jax.grad(lambda states: ours(states).loss.sum())(jnp.asarray(actions))
    ledger.report("gradients", gradient, expected_gradient.numpy())
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-5)


MISTAKES = {
    "a critic's values": (lambda: trfl.dpg(jnp.ones(2), jnp.ones([2, 1])), "function"),
    "a bound of zero": (lambda: trfl.dpg(jnp.sum, jnp.ones([2, 1]), 0.0), "positive"),
    "one sequence": (
        lambda: trfl.qlearning(Q_TM1[0], A_TM1, R_T, DISCOUNTS, Q_T),
        "qlearning: argument 'q_tm1'",
    ),
    "lengths": (
        lambda: trfl.td_lambda(V_TB, R_TB, D_TB[1:], END),
        "'pcontinues' must be",
    ),
    "gap": (
        lambda: trfl.persistent_qlearning(Q_TM1, A_TM1, R_T, DISCOUNTS, Q_T, 1.5),
        "must lie in",
    ),
    "sums": (
        lambda: trfl.sarse(Q_TM1, A_TM1, R_T, DISCOUNTS, Q_T, 2 * PROBS, debug=True),
        "rows .0, 1, 2. sum to",
    ),
    "index": (lambda: trfl.batched_index(Q_TM1, ACTIONS), "values and indices"),
    "negative boundary": (lambda: trfl.huber_loss(R_T, -1.0), "positive"),
    "grid": (
        lambda: trfl.pixel_control_loss(PIXELS, ACTIONS, PIXEL_VALUES, 3, 0.9, 1.0),
        "grid of",
    ),
    "policies": (
        lambda: trfl.discrete_policy_gradient_loss([LOGITS], [ACTIONS] * 2, R_TB),
        "1 policies, but 2 actions",
    ),
    "ranks": (
        lambda: trfl.assert_rank_and_shape_compatibility([R_TB, R_T], 2),
        "must have rank 2",
    ),
    "nothing": (lambda: trfl.assert_rank_and_shape_compatibility([], 2), "empty"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_explained(name):
    mistake, message = MISTAKES[name]
    with pytest.raises(ArgumentError, match=message):
        mistake()
