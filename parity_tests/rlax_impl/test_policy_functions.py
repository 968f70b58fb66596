"""Losses of policies, exploration, PopArt and the rest give RLax's numbers."""

import functools

import distrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rlax

from sonnax import rlax_impl
from sonnax.parity_tests.rlax_impl.policy_parity import (
    DTYPES,
    Case,
    assert_parity,
    assert_same,
    assert_same_under_jit_and_vmap,
    cast,
    distinct,
    precision,
    quickly_compiled,
)

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

RNG = np.random.default_rng(1)


def normal(*shape):
    return RNG.normal(size=shape)


T, A = 5, 4
LOGITS, Q, ADV, WEIGHTS = normal(T, A), normal(T, A), normal(T), np.abs(normal(T))
ACTIONS = np.array([0, 3, 1, 1, 2])
TIED = np.ones((T, A))
MASKED = np.where(np.arange(A) == 2, -np.inf, LOGITS)
STOPS = {"": {}, ", nothing stopped": {"use_stop_gradient": False}}
INDICES = np.array([0, 2, 2, 1, 0])
STATE = (normal(3), np.abs(normal(3)) + 0.5, np.abs(normal(3)) + 2.0)
STEPS = np.array([[0, 1, 1, 0, 1, 2, 0], [1, 0, 0, 1, 2, 2, 1]]).T


def loss_cases(name, arrays, *args):
    for which, stop in STOPS.items():
        yield Case(
            name + which,
            lambda lib, *x, stop=stop: getattr(lib, name)(*x, *args, **stop),
            arrays,
        )


def distill(lib, logits, weights, **kwargs):
    targets = lib.PolicyTarget(actions=ACTIONS, weights=weights)
    return lib.sampled_policy_distillation_loss(
        distrax.Categorical(logits), targets, **kwargs
    )


def distill_continuous(lib, mu, actions, weights, **kwargs):
    targets = lib.PolicyTarget(actions=actions, weights=weights)
    policy = distrax.MultivariateNormalDiag(mu, jnp.ones_like(mu))
    return lib.sampled_policy_distillation_loss(policy, targets, **kwargs)


def popart_update(lib, w, b, shift, scale, moment, targets, **kwargs):
    _, update = lib.popart(3, 0.1, 1e-4, 1e6, **kwargs)
    state = lib.PopArtState(shift, scale, moment)
    return update({"w": w, "b": b}, state, targets, jnp.asarray(INDICES))


def pop(lib, w, b, shift, scale, moment, new_shift, new_scale):
    old = lib.PopArtState(shift, scale, moment)
    return lib.pop(
        {"w": w, "b": b}, old, old._replace(shift=new_shift, scale=new_scale)
    )


def two_ema_steps(lib, x, y):
    init_state, update = lib.create_ema(decay=0.9)
    state = init_state({"x": x, "y": y})
    moments = [state.debiased_moments()]
    for scale in (1.0, 2.0):
        new, state = update({"x": scale * x, "y": y - scale}, state)
        moments.append(new)
    return moments, state


def three_rewards(lib, *embeddings):
    state, rewards = None, []
    for step in embeddings:
        reward, state = lib.episodic_memory_intrinsic_rewards(
            step, 3, 0.5, state, max_memory_size=8
        )
        rewards.append(reward)
    return rewards, state


CASES = [
    *loss_cases("dpg_loss", (normal(A), normal(A))),
    *loss_cases("dpg_loss", (normal(A), normal(A)), 0.5),
    *loss_cases("dpg_loss", (normal(A), normal(A)), 100.0),
    *loss_cases("dpg_loss", (normal(A), np.zeros(A)), 0.5),
    *loss_cases("policy_gradient_loss", (LOGITS, ACTIONS, ADV, WEIGHTS)),
    *loss_cases("policy_gradient_loss", (MASKED, np.zeros(T, int), ADV, np.zeros(T))),
    *loss_cases("policy_gradient_loss", (normal(1, A), ACTIONS[:1], ADV[:1], ADV[1:2])),
    *loss_cases("qpg_loss", (LOGITS, Q)),
    *loss_cases("rm_loss", (LOGITS, Q)),
    *loss_cases("rpg_loss", (LOGITS, Q)),
    *loss_cases("rpg_loss", (TIED, np.arange(A) * np.ones((T, 1)))),
    *loss_cases("clipped_surrogate_pg_loss", (WEIGHTS, ADV), 0.2),
    *loss_cases("clipped_surrogate_pg_loss", (np.ones(T), ADV), 0.0),
    Case("entropy_loss", lambda lib, x, w: lib.entropy_loss(x, w), (LOGITS, WEIGHTS)),
    Case(
        "entropy_loss of a mask", lambda lib, x: lib.entropy_loss(x, x[:, 0]), (MASKED,)
    ),
    Case("distillation", distill, (LOGITS, WEIGHTS)),
    Case("distillation of the impossible", distill, (MASKED, np.zeros(T))),
    Case(
        "distillation with gradients of the targets",
        functools.partial(distill, stop_target_gradients=False),
        (LOGITS, WEIGHTS),
    ),
    Case("continuous distillation", distill_continuous, (Q, LOGITS, WEIGHTS)),
    Case(
        "continuous distillation with gradients of the targets",
        functools.partial(distill_continuous, stop_target_gradients=False),
        (Q, LOGITS, WEIGHTS),
    ),
    Case(
        "pixel_control_rewards",
        lambda lib, x: lib.pixel_control_rewards(x, 2),
        (normal(3, 4, 6, 2),),
    ),
    Case(
        "pixel_control_rewards of one step",
        lambda lib, x: lib.pixel_control_rewards(x, 4),
        (normal(2, 4, 4, 1),),
    ),
    *(
        Case(
            f"feature_control_rewards, {kind}",
            lambda lib, x, kind=kind: lib.feature_control_rewards(x, kind, 0.9),
            (normal(T, 3),),
        )
        for kind in ("feature", "absolute_change", "increase", "decrease", "potential")
    ),
    Case(
        "normalize, unnormalize",
        lambda lib, x, i, *state: (
            lib.normalize(lib.PopArtState(*state), x, i),
            lib.unnormalize(lib.PopArtState(*state), x, i),
        ),
        (ADV, INDICES, *STATE),
    ),
    Case(
        "unnormalize_linear",
        lambda lib, x, i, *state: lib.unnormalize_linear(lib.PopArtState(*state), x, i),
        (normal(T, 3), INDICES, *STATE),
    ),
    Case(
        "art",
        lambda lib, x, i, *state: lib.art(
            lib.PopArtState(*state), x, i, 0.3, 1e-4, 1e6
        ),
        (ADV, INDICES, *STATE),
    ),
    Case(
        "art at the bounds of its scale",
        lambda lib, x, i, *state: lib.art(lib.PopArtState(*state), x, i, 1.0, 2.0, 2.5),
        (np.zeros((2, 3)), INDICES[:3] * np.ones((2, 1), int), *STATE),
    ),
    Case("pop", pop, (normal(2, 3), normal(3), *STATE, normal(3), STATE[1][::-1])),
    Case("popart", popart_update, (normal(2, 3), normal(3), *STATE, ADV)),
    Case("create_ema", two_ema_steps, (normal(3), normal(2, 2))),
    Case(
        "intrinsic rewards", three_rewards, (normal(3, 2), normal(3, 2), normal(3, 2))
    ),
    Case(
        "knn_query",
        lambda lib, x, y: dict(vars(lib.knn_query(x, y, 3))),
        (normal(7, 2), normal(T, 2)),
    ),
    Case(
        "knn_query for more than there are",
        lambda lib, x, y: dict(vars(lib.knn_query(x, y, 30))),
        (np.ones((3, 2)), normal(T, 2)),
    ),
    Case(
        "knn_query with a metric",
        lambda lib, x, y: dict(
            vars(lib.knn_query(x, y, 3, lambda a, b: jnp.max(jnp.abs(a - b))))
        ),
        (normal(7, 2), normal(T, 2)),
    ),
    Case("embed_oar", lambda lib, *x: lib.embed_oar(*x, A), (LOGITS, ACTIONS, ADV)),
    Case(
        "fix_step_type_on_interruptions",
        lambda lib, x: lib.fix_step_type_on_interruptions(x),
        (STEPS,),
        differentiable=False,
    ),
    Case(
        "extract_subsequences",
        lambda lib, x, i: lib.extract_subsequences(x, i, 3, 2),
        (normal(T, 2, 3), np.array([[0, 2], [1, 1]])),
    ),
    Case(
        "extract_subsequences of one step",
        lambda lib, x, i: lib.extract_subsequences(x, i),
        (normal(1, 2), np.array([[0], [0]])),
    ),
    Case(
        "conditional_update",
        lambda lib, x, y, b: lib.conditional_update({"a": x}, {"a": y}, b),
        (LOGITS, Q, np.array(True)),
    ),
    Case(
        "periodic_update",
        lambda lib, x, y, n: lib.periodic_update([x], [y], n, 3),
        (LOGITS, Q, np.array(4)),
    ),
    Case("AllSum", lambda lib, x: lib.AllSum()(x, axis=0), (LOGITS,)),
]
CASES = distinct(CASES)


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_and_gradients_are_those_of_rlax(dtype):
    assert_parity(CASES, rlax_impl, rlax, dtype)


def test_every_function_can_be_compiled_and_mapped():
    assert_same_under_jit_and_vmap(CASES, rlax_impl)


@pytest.mark.parametrize("dtype", DTYPES)
def test_noise_is_drawn_bit_for_bit_as_rlax_draws_it(dtype):
    def draw(lib, key, action, noise, prior):
        return [
            lib.add_gaussian_noise(key, action, 0.3),
            lib.add_ornstein_uhlenbeck_noise(key, action, noise, 0.1, 0.3),
            lib.add_dirichlet_noise(key, prior, 0.3, 0.25),
            lib.sample_start_indices(key, 4, 3, 6),
            lib.sample_start_indices(key, 2, 3, 2),
        ]

    with precision(dtype):
        arrays = cast((normal(A), normal(A), np.full((3, A), 1 / A)), dtype)
        ours, theirs = (
            quickly_compiled(functools.partial(draw, lib)) for lib in (rlax_impl, rlax)
        )
        for key in jax.random.split(jax.random.key(0), 3):
            assert_same(ours(key, *arrays), theirs(key, *arrays), 0.0)


@pytest.mark.parametrize("name", ["constant_policy_targets", "zero_policy_targets"])
def test_policy_targets_are_those_of_rlax(name):
    policy = distrax.Categorical(jnp.asarray(LOGITS, jnp.float32))
    targets = [
        getattr(lib, name)(policy, jax.random.key(1), 7) for lib in (rlax_impl, rlax)
    ]
    assert_same(*((t.actions, t.weights) for t in targets), 0.0)
    scaled = rlax_impl.constant_policy_targets(policy, jax.random.key(1), 7, 2.5)
    np.testing.assert_array_equal(scaled.weights, np.full((7, T), 2.5, np.float32))


def test_popart_preserves_outputs_and_learns_the_scale_of_its_targets():
    initial_state, update = rlax_impl.popart(2, 0.1, 1e-4, 1e6)
    params = {"w": jnp.ones([3, 2]), "b": jnp.zeros(2)}
    inputs, indices = jnp.asarray(normal(4, 3)), jnp.array([0, 1, 0, 1])

    def outputs(params, state):
        normalized = inputs @ params["w"] + params["b"]
        return rlax_impl.unnormalize_linear(state, normalized, indices).unnormalized

    state = initial_state()
    before = outputs(params, state)
    for _ in range(50):
        params, state = update(params, state, jnp.array([7.0, 1e3, 9.0, 3e3]), indices)
    np.testing.assert_allclose(outputs(params, state), before, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(state.shift, [8.0, 2e3], rtol=0.1)


def test_popart_without_a_step_size_changes_nothing():
    initial_state, update = rlax_impl.popart(2, None, 1e-4, 1e6)
    state, params = initial_state(), {"w": jnp.ones([3, 2]), "b": jnp.zeros(2)}
    assert update(params, state, jnp.ones(2), jnp.array([0, 1])) == (params, state)


@pytest.mark.parametrize("axis_name", ["i", ("i",)])
def test_normalisers_are_shared_over_a_mapped_axis(axis_name):
    targets = jnp.asarray(normal(2, 3), jnp.float32)
    indices = jnp.array([[0, 1, 2], [0, 0, 1]])

    def shared(lib):
        state = lib.PopArtState(*cast(STATE, "float32"))
        bounds = {"step_size": 0.1, "scale_lb": 0.1, "scale_ub": 9.0}
        update = functools.partial(lib.art, state, axis_name=axis_name, **bounds)
        return jax.vmap(update, axis_name="i")(targets, indices)

    assert_same(shared(rlax_impl), shared(rlax), 1e-6)


def test_averages_are_shared_over_a_mapped_axis():
    def shared(lib):
        init_state, update = lib.create_ema(0.9, pmean_axis_name="i")
        values = jnp.arange(6.0).reshape(2, 3)
        return jax.vmap(lambda x: update(x, init_state(x)), axis_name="i")(values)

    assert_same(shared(rlax_impl), shared(rlax), 1e-6)


def test_sums_are_shared_over_a_mapped_axis():
    total = jax.vmap(rlax_impl.AllSum("i"), axis_name="i")(jnp.ones((2, 3)))
    np.testing.assert_array_equal(total, [6.0, 6.0])


def test_states_are_carried_through_a_scan():
    init_state, update = rlax_impl.create_ema(0.5)
    values = jnp.arange(4.0)
    state, moments = jax.lax.scan(
        lambda state, x: update(x, state)[::-1], init_state(values[0]), values
    )
    assert moments.mean.shape == (4,)
    np.testing.assert_allclose(state.decay_product, 0.5**4)


def test_states_have_the_leaves_of_those_of_rlax():
    for name, fields in {
        "EmaState": ("mu", "nu", "decay_product"),
        "EmaMoments": ("mean", "variance"),
        "PolicyTarget": ("actions", "weights"),
    }.items():
        values = dict(zip(fields, range(9)))
        ours, theirs = (getattr(lib, name)(**values) for lib in (rlax_impl, rlax))
        assert_same(ours, theirs, 0.0)


WRONG = {
    "dpg_loss.*'dqda_t'": lambda lib: lib.dpg_loss(jnp.ones(2), jnp.ones(3)),
    "policy_gradient_loss.*'a_t'": lambda lib: lib.policy_gradient_loss(
        jnp.ones((2, 3)), jnp.ones(2), jnp.ones(2), jnp.ones(2)
    ),
    "entropy_loss.*'logits_t'": lambda lib: lib.entropy_loss(jnp.ones(3), jnp.ones(3)),
    "qpg_loss.*'q_t'": lambda lib: lib.qpg_loss(jnp.ones((2, 3)), jnp.ones(2)),
    "pixel_control_rewards.*'cell_size'": lambda lib: lib.pixel_control_rewards(
        jnp.ones((2, 4, 5, 1)), 2
    ),
    "feature_control_rewards.*'up'": lambda lib: lib.feature_control_rewards(
        jnp.ones((2, 3)), "up"
    ),
    "feature_control_rewards.*'discount'": lambda lib: lib.feature_control_rewards(
        jnp.ones((2, 3)), "potential"
    ),
    "art: .*'targets'": lambda lib: lib.art(
        lib.popart(1, 0.1, 1e-4, 1)[0](), jnp.ones(2), jnp.zeros(3, int), 0.1, 0.1, 1.0
    ),
    "unnormalize_linear.*'indices'": lambda lib: lib.unnormalize_linear(
        lib.popart(1, 0.1, 1e-4, 1)[0](), jnp.ones((2, 1)), jnp.zeros(3, int)
    ),
    "knn_query.*'query_points'": lambda lib: lib.knn_query(
        jnp.ones((3, 2)), jnp.ones((1, 4)), 1
    ),
    "episodic_memory_intrinsic_rewards.*memory": lambda lib: (
        lib.episodic_memory_intrinsic_rewards(
            jnp.ones((1, 2)), 1, 1.0, lib.IntrinsicRewardState(memory=jnp.ones((4, 3)))
        )
    ),
    "extract_subsequences.*'trajectories' have 3": lambda lib: lib.extract_subsequences(
        jnp.ones((3, 1)), jnp.zeros((1, 1), int), 3, 1
    ),
    "extract_subsequences.*'trajectories'": lambda lib: lib.extract_subsequences(
        jnp.ones((3, 2)), jnp.zeros((1, 1), int)
    ),
    "sample_start_indices.*'num_start_indices'": lambda lib: lib.sample_start_indices(
        jax.random.key(0), 1, 4, 2
    ),
    "add_gaussian_noise.*'action'": lambda lib: lib.add_gaussian_noise(
        jax.random.key(0), jnp.ones(2, int), 1.0
    ),
    "embed_oar.*'reward'": lambda lib: lib.embed_oar(
        jnp.ones((2, 3)), jnp.zeros(2, int), jnp.ones((2, 1)), 2
    ),
    "fix_step_type_on_interruptions.*'step_type'": lambda lib: (
        lib.fix_step_type_on_interruptions(jnp.zeros(3, int))
    ),
    "sampled_policy_distillation_loss.*weights": lambda lib: (
        lib.sampled_policy_distillation_loss(
            distrax.Categorical(jnp.zeros(3)),
            lib.PolicyTarget(actions=jnp.zeros(2, int), weights=jnp.ones(3)),
        )
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_argument_is_named(message):
    with pytest.raises(rlax_impl.ArgumentError, match=message):
        WRONG[message](rlax_impl)
