"""Transforms, their pairs, and the errors that use them, are RLax's."""

import jax.numpy as jnp
import numpy as np
import pytest
import rlax

from sonnax import rlax_impl
from sonnax.parity_tests.rlax_impl.policy_parity import (
    DTYPES,
    Case,
    assert_parity,
    assert_same_under_jit_and_vmap,
)

RNG = np.random.default_rng(2)
ANY = np.array([[-30.0, -1.0, -1e-3], [0.0, 0.5, 7.0]])
FRACTIONS = np.array([0.01, 0.3, 0.5, 0.99])
# Below and above the range, on its ends, on a bin, between bins.
SCALARS = np.array([-9.0, -4.0, -3.0, -0.4, 0.0, 1.0, 3.3, 4.0, 11.0])

TRANSFORMS = {
    "identity": (ANY, {}),
    "sigmoid": (ANY, {}),
    "logit": (FRACTIONS, {}),
    "signed_logp1": (ANY, {}),
    "signed_expm1": (ANY / 3, {}),
    "signed_hyperbolic": (ANY, {"eps": 1e-2}),
    "signed_parabolic": (ANY, {"eps": 1e-1}),
    "power": (ANY, {"p": 0.4}),
    "transform_to_2hot": (
        SCALARS,
        {"min_value": -4.0, "max_value": 4.0, "num_bins": 9},
    ),
    "transform_from_2hot": (
        RNG.dirichlet(np.ones(9), size=4),
        {"min_value": -4.0, "max_value": 4.0, "num_bins": 9},
    ),
}
PAIRS = {
    "identity": lambda lib: lib.IDENTITY_PAIR,
    "logarithm": lambda lib: lib.SIGNED_LOGP1_PAIR,
    "hyperbolic": lambda lib: lib.SIGNED_HYPERBOLIC_PAIR,
    "own": lambda lib: lib.TxPair(lambda x: x**3, lambda x: x / 2),
    "arcsine": lambda lib: lib.HYPERBOLIC_SIN_PAIR,
}
TWO_HOT_PAIRS = {
    "two-hot": lambda lib: lib.twohot_pair(-4.0, 4.0, 9),
    "MuZero": lambda lib: lib.muzero_pair(-4.0, 4.0, 9, lib.SIGNED_LOGP1_PAIR),
    "unbiased": lambda lib: lib.unbiased_transform_pair(
        -2.0, 2.0, 9, lib.SIGNED_LOGP1_PAIR
    ),
    "composed": lambda lib: lib.compose_tx(
        lib.HYPERBOLIC_SIN_PAIR, lib.SIGNED_LOGP1_PAIR, lib.twohot_pair(-4.0, 4.0, 5)
    ),
}

ELEMENTWISE = [
    Case(name, lambda lib, x, n=name, o=options: getattr(lib, n)(x, **o), (array,))
    for name, (array, options) in TRANSFORMS.items()
] + [
    Case(f"{name} {way}", lambda lib, x, p=pair, w=way: getattr(p(lib), w)(x), (array,))
    for name, pair in (
        *PAIRS.items(),
        ("discount", lambda lib: lib.DISCOUNT_TRANSFORM_PAIR),
    )
    for way, array in (("apply", FRACTIONS), ("apply_inv", FRACTIONS))
]
TWO_HOT = [
    Case(
        f"{name} pair",
        lambda lib, x, p=pair: p(lib).apply_inv(p(lib).apply(x) ** 2),
        (SCALARS,),
    )
    for name, pair in TWO_HOT_PAIRS.items()
]

T = 5
DISCOUNTS = np.array([0.9, 0.8, 0.0, 1.0, 0.9])
REWARDS, VALUES, MIX = RNG.normal(size=T), RNG.normal(size=T), RNG.uniform(size=T)
Q_TM1, Q_T = RNG.normal(size=[T, 3]), RNG.normal(size=[T, 3])
A_TM1, A_T = RNG.integers(0, 3, T), RNG.integers(0, 3, T)
PI, MU = RNG.dirichlet(np.ones(3), size=T), RNG.uniform(0.1, 1.0, T)


def errors_of(pair, stop):
    options = {"stop_target_gradients": stop}

    def call(name, *arrays, **more):
        def in_library(lib, *x):
            return getattr(lib, name)(*x, tx_pair=pair(lib), **options, **more)

        return Case(f"{name}, {options}", in_library, arrays)

    def returns(name, *arrays, **more):
        def in_library(lib, *x):
            return getattr(lib, name)(pair(lib), *x, **options, **more)

        return Case(f"{name}, {options}", in_library, arrays)

    return [
        returns("transformed_lambda_returns", REWARDS, DISCOUNTS, VALUES, MIX),
        returns("transformed_n_step_returns", REWARDS, DISCOUNTS, VALUES, n=3),
        returns(
            "transformed_general_off_policy_returns_from_action_values",
            *(Q_T, A_T, REWARDS, DISCOUNTS, MIX, PI),
        ),
        call("transformed_q_lambda", Q_TM1, A_TM1, REWARDS, DISCOUNTS, Q_T, MIX),
        call(
            "transformed_retrace",
            *(Q_TM1, Q_T, A_TM1, A_T, REWARDS, DISCOUNTS, PI, MU),
            lambda_=0.9,
        ),
        call(
            "transformed_n_step_q_learning",
            *(Q_TM1, A_TM1, Q_T, A_T, REWARDS, DISCOUNTS),
            n=2,
        ),
    ]


TABLES = {
    "elementwise": ELEMENTWISE,
    "two-hot": TWO_HOT,
    "hyperbolic errors": errors_of(PAIRS["hyperbolic"], stop=True),
    "logarithm errors": errors_of(PAIRS["logarithm"], stop=False),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("table", TABLES)
def test_transformed_values_and_gradients_are_those_of_rlax(table, dtype):
    # The inverse of the hyperbolic transform takes sqrt(1 + 4 eps (...)) - 1 over
    # 2 eps, with eps = 1e-3: it makes a relative rounding of 6e-8 one of 3e-5.
    rounds_more = (table, dtype) == ("hyperbolic errors", "float32")
    tolerance = 1e-4 if rounds_more else None
    assert_parity(TABLES[table], rlax_impl, rlax, dtype, tolerance)


@pytest.mark.parametrize("table", TABLES)
def test_a_compiled_batch_gives_what_its_examples_give(table):
    assert_same_under_jit_and_vmap(TABLES[table][::2], rlax_impl)


def test_the_hyperbolic_sine_and_its_inverse_are_public():
    x = jnp.linspace(-2.0, 2.0, 9)
    np.testing.assert_array_equal(rlax_impl.hyperbolic_sin(x), jnp.sinh(x))
    np.testing.assert_array_equal(rlax_impl.hyperbolic_arcsin(x), jnp.arcsinh(x))


def test_transformed_returns_take_every_argument_by_name():
    ones = jnp.ones(3)
    returns = rlax_impl.transformed_lambda_returns(
        tx_pair=rlax_impl.IDENTITY_PAIR, r_t=ones, discount_t=ones, v_t=ones
    )
    np.testing.assert_array_equal(returns, [4.0, 3.0, 2.0])
