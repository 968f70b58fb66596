"""Temporal difference errors and losses are RLax's: values, gradients, types."""

import numpy as np
import pytest
import rlax

from sonnax import rlax_impl
from sonnax.parity_tests.rlax_impl.policy_parity import (
    DTYPES,
    Case,
    assert_parity,
    assert_same_under_jit_and_vmap,
    distinct,
)

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

RNG = np.random.default_rng(0)
Q = RNG.normal(size=[2, 4])
TIES = np.array([[1.0, 2.0, 2.0, 0.0], [3.0, 3.0, -1.0, 3.0]])
PROBS = np.array([0.1, 0.2, 0.3, 0.4])
ONE = np.array(1.0)
REWARD, DISCOUNT, END = np.array(0.63), np.array(0.9), np.array(0.0)
FIRST, LAST = np.array(1), np.array(3)


def one_step(name, *arrays, **options):
    return [
        Case(
            f"{name} {label}",
            lambda lib, *x, stop=stop: getattr(lib, name)(
                *x, stop_target_gradients=stop, **options
            ),
            arrays,
        )
        for label, stop in (("stopped", True), ("free", False))
    ]


def steps_of(name, *after, **options):
    """A transition as it comes, and one at the end of an episode."""
    return [
        *one_step(name, Q[0], FIRST, REWARD, DISCOUNT, *after, **options),
        *one_step(name, TIES[0], LAST, REWARD, END, *after, **options)[:1],
    ]


ONE_STEP = [
    *one_step("td_learning", ONE, REWARD, DISCOUNT, -ONE),
    *one_step("td_learning", ONE, REWARD, END, -ONE),
    *steps_of("sarsa", Q[1], LAST),
    *steps_of("expected_sarsa", Q[1], PROBS),
    *steps_of("q_learning", Q[1]),
    *steps_of("q_learning", TIES[1]),
    *steps_of("double_q_learning", Q[1], TIES[1]),
    *steps_of("persistent_q_learning", TIES[1], action_gap_scale=0.3),
    *steps_of("qv_learning", ONE),
    *one_step("qv_max", ONE, REWARD, DISCOUNT, Q[1]),
    *one_step("qv_max", ONE, REWARD, DISCOUNT, TIES[1]),
]


def sequence(length):
    """Experience with the end of an episode in its middle and equal values."""
    discounts = RNG.uniform(0.8, 1.0, length)
    discounts[length // 2] = 0.0
    q_t = RNG.normal(size=[length, 4])
    q_t[0, 1] = q_t[0, 2] = 2.0
    pi = np.exp(RNG.normal(size=[length, 4]))
    pi[0, 3] = 0.0
    return {
        "q_tm1": RNG.normal(size=[length, 4]),
        "q_t": q_t,
        "a_tm1": RNG.integers(0, 4, length),
        "a_t": np.full([length], 3),
        "r_t": RNG.normal(size=length),
        "discount_t": discounts,
        "pi_t": pi / pi.sum(axis=1, keepdims=True),
        "mu_t": RNG.uniform(0.1, 1.0, length),
        "v_tm1": RNG.normal(size=length),
        "v_t": RNG.normal(size=length),
        "lambda_": RNG.uniform(size=length),
        "log_rhos": RNG.normal(size=length - 1),
        "qa_tm1": RNG.normal(size=length),
        "qa_t": RNG.normal(size=length - 1),
    }


SEQUENCE_ARGUMENTS = {
    "td_lambda": "v_tm1 r_t discount_t v_t lambda_",
    "sarsa_lambda": "q_tm1 a_tm1 r_t discount_t q_t a_t lambda_",
    "q_lambda": "q_tm1 a_tm1 r_t discount_t q_t lambda_",
    "retrace": "q_tm1 q_t a_tm1 a_t r_t discount_t pi_t mu_t lambda_",
    "retrace_continuous": "qa_tm1 qa_t v_t r_t discount_t log_rhos lambda_",
}


def sequence_cases(name):
    names = SEQUENCE_ARGUMENTS[name].split()
    for length in (5, 1):
        data = sequence(length)
        if name == "retrace_continuous":
            data["lambda_"] = data["lambda_"][1:]
        arrays = tuple(data[n] for n in names)
        yield from one_step(name, *arrays)[length == 1 :]
        if length > 1:
            yield from one_step(name, *arrays[:-1], lambda_=1.0)[1:]


ATOMS, OTHER_ATOMS = np.linspace(-2.0, 2.0, 5), np.linspace(-3.0, 3.0, 4)
UNEVEN = np.array([-1.0, -0.5, 0.5, 0.6, 3.0])
LOGITS, OTHER_LOGITS = RNG.normal(size=[3, 5]), RNG.normal(size=[3, 4])
TIED_LOGITS = np.tile(OTHER_LOGITS[:1], [3, 1])
ACTION = np.array(2)
SELECTOR = np.array([0.0, 1.0, 1.0])
MASS = np.array([0.3, 0.2, 0.4, 0.1])
QUANTILES, TAU = RNG.normal(size=[5, 3]), np.linspace(0.1, 0.9, 5)
TARGETS = np.concatenate([RNG.normal(size=[3, 3]), QUANTILES[:1]])
WEIGHTS = np.array([0.2, 0.0, 0.8])

PROJECTIONS = [
    Case(f"onto {name}", lambda lib, *x: lib.categorical_l2_project(*x), arrays)
    for name, arrays in {
        "other atoms": (OTHER_ATOMS, MASS, ATOMS),
        "uneven atoms": (OTHER_ATOMS, MASS, UNEVEN),
        "the same atoms": (UNEVEN, np.full(5, 0.2), UNEVEN),
        "equal atoms": (OTHER_ATOMS, MASS, np.array([-1.0, 0.0, 0.0, 2.0])),
        "one atom": (OTHER_ATOMS, MASS, np.array([0.5])),
        "a narrow range": (OTHER_ATOMS, MASS, np.array([-0.1, 0.1])),
    }.items()
]
CATEGORICAL = [
    *one_step(
        "categorical_td_learning",
        *(ATOMS, LOGITS[0], REWARD, DISCOUNT, OTHER_ATOMS, OTHER_LOGITS[0]),
    ),
    *one_step(
        "categorical_td_learning",
        *(UNEVEN, LOGITS[0], REWARD, END, OTHER_ATOMS, OTHER_LOGITS[0]),
    )[:1],
    *one_step(
        "categorical_q_learning",
        *(ATOMS, LOGITS, ACTION, REWARD, DISCOUNT, OTHER_ATOMS, OTHER_LOGITS),
    ),
    *one_step(
        "categorical_q_learning",
        *(ATOMS, LOGITS, ACTION, REWARD, DISCOUNT, OTHER_ATOMS, TIED_LOGITS),
    )[:1],
    *one_step(
        "categorical_double_q_learning",
        *(ATOMS, LOGITS, ACTION, REWARD, DISCOUNT, OTHER_ATOMS, OTHER_LOGITS),
        SELECTOR,
    )[1:],
]
QUANTILE = [
    case
    for huber in (0.0, 0.7)
    for case in (
        *one_step(
            "quantile_regression_loss",
            *(QUANTILES[:, 0], TAU, TARGETS[:, 0]),
            huber_param=huber,
        ),
        *one_step(
            "quantile_q_learning",
            *(QUANTILES, TAU, ACTION, REWARD, DISCOUNT, QUANTILES, TARGETS),
            huber_param=huber,
        ),
        *one_step(
            "quantile_expected_sarsa",
            *(QUANTILES, TAU, ACTION, REWARD, DISCOUNT, TARGETS, WEIGHTS),
            huber_param=huber,
        ),
    )
]
SEQUENCES = [case for name in SEQUENCE_ARGUMENTS for case in sequence_cases(name)]
TABLES = {
    "one step": distinct(ONE_STEP),
    "sequences": distinct(SEQUENCES),
    "projections": PROJECTIONS,
    "categorical": distinct(CATEGORICAL),
    "quantile": distinct(QUANTILE),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("table", TABLES)
def test_errors_and_gradients_are_those_of_rlax(table, dtype):
    cases = TABLES[table]
    assert_parity(cases, rlax_impl, rlax, dtype)


@pytest.mark.parametrize("table", TABLES)
def test_a_compiled_batch_gives_what_its_examples_give(table):
    assert_same_under_jit_and_vmap(TABLES[table][::3], rlax_impl)
