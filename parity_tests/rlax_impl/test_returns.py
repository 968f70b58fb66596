"""Multistep returns and V-trace are RLax's: values, gradients, types."""

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
    assert_same_under_jit_and_vmap,
    distinct,
)

RNG = np.random.default_rng(1)


def sequence(length):
    """Experience in which an episode ends, one action was certain, one impossible."""
    discounts = RNG.uniform(0.8, 1.0, length)
    discounts[length // 2] = 0.0
    ratios = np.exp(RNG.normal(size=length))
    ratios[0], ratios[-1] = 0.0, 3.0
    return {
        "r_t": RNG.normal(size=length),
        "discount_t": discounts,
        "v_t": RNG.normal(size=length),
        "v_tm1": RNG.normal(size=length),
        "values": RNG.normal(size=length + 1),
        "lambda_": RNG.uniform(size=length),
        "rho_tm1": ratios,
        "q_t": RNG.normal(size=[length, 3]),
        "a_t": RNG.integers(0, 3, length),
        "pi_t": np.full([length, 3], 1 / 3),
        "c_t": RNG.uniform(size=length),
        "qa_t": RNG.normal(size=length - 1),
        "ca_t": RNG.uniform(size=length - 1),
        "sample_mask": np.arange(length) % 3 != 1,
        "end": np.array(1.5),
        "alpha": np.array(0.4),
    }


LONG, SHORT = sequence(6), sequence(1)


def cases(name, arguments, *options):
    """The call on a sequence and on one step, with each of the options."""
    return [
        Case(
            f"{name} {option} of {data['r_t'].size} steps",
            lambda lib, *x, option=option: getattr(lib, name)(*x, **option),
            tuple(data[argument] for argument in arguments.split()),
        )
        for data, option in (
            *((LONG, option) for option in options or ({},)),
            (SHORT, options[-1] if options else {}),
        )
    ]


STOP, FREE = {"stop_target_gradients": True}, {"stop_target_gradients": False}
STEP = "v_tm1 v_t r_t discount_t rho_tm1"


def masked(name):
    names = f"{STEP} sample_mask".split()
    return [
        Case(
            f"{name} with a mask",
            lambda lib, *x: getattr(lib, name)(*x[:-1], sample_mask=x[-1]),
            tuple(LONG[argument] for argument in names),
        )
    ]


TABLES = {
    "lambda": [
        *cases("lambda_returns", "r_t discount_t v_t lambda_", {}, STOP),
        *cases("lambda_returns", "r_t discount_t v_t", {"lambda_": 0.7}),
        *cases("discounted_returns", "r_t discount_t v_t"),
        *cases("discounted_returns", "r_t discount_t end", {}, STOP),
    ],
    "n steps": [
        *cases("n_step_bootstrapped_returns", "r_t discount_t v_t", {"n": 2}),
        *cases("n_step_bootstrapped_returns", "r_t discount_t v_t", {"n": 6}),
        *cases("n_step_bootstrapped_returns", "r_t discount_t v_t", {"n": 9}),
        *cases(
            "n_step_bootstrapped_returns",
            "r_t discount_t v_t",
            {"n": 1, "lambda_t": 0.5} | STOP,
        ),
        Case(
            "n_step_bootstrapped_returns with many lambdas",
            lambda lib, r, d, v, mix: lib.n_step_bootstrapped_returns(r, d, v, 3, mix),
            (LONG["r_t"], LONG["discount_t"], LONG["v_t"], LONG["lambda_"]),
        ),
    ],
    "advantages": [
        *cases(
            "truncated_generalized_advantage_estimation",
            "r_t discount_t lambda_ values",
            *({}, STOP),
        ),
        *cases(
            "truncated_generalized_advantage_estimation", "r_t discount_t end values"
        ),
    ],
    "off-policy": [
        *cases(
            "general_off_policy_returns_from_action_values",
            "q_t a_t r_t discount_t c_t pi_t",
            *({}, STOP),
        ),
        *cases(
            "general_off_policy_returns_from_q_and_v",
            "qa_t v_t r_t discount_t ca_t",
            *({}, STOP),
        ),
    ],
    "V-trace": [
        *cases("vtrace", STEP, {}, FREE),
        *cases("vtrace", f"{STEP} lambda_", {"clip_rho_threshold": 0.5}),
        *masked("vtrace"),
        *cases("vtrace_td_error_and_advantage", STEP, {}, FREE),
        *cases(
            "vtrace_td_error_and_advantage",
            f"{STEP} lambda_",
            {"clip_pg_rho_threshold": 2.0},
        ),
        *masked("vtrace_td_error_and_advantage"),
    ],
    "leaky V-trace": [
        *cases("leaky_vtrace", f"{STEP} alpha lambda_", {}, FREE),
        *masked("leaky_vtrace"),
        *cases(
            "leaky_vtrace_td_error_and_advantage",
            f"{STEP} alpha lambda_",
            {"clip_pg_rho_threshold": 2.0},
        ),
        *masked("leaky_vtrace_td_error_and_advantage"),
    ],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("table", TABLES)
def test_returns_and_gradients_are_those_of_rlax(table, dtype):
    chosen = distinct(TABLES[table])
    assert_parity(chosen, rlax_impl, rlax, dtype)


@pytest.mark.parametrize("table", TABLES)
def test_a_compiled_batch_gives_what_its_examples_give(table):
    assert_same_under_jit_and_vmap(TABLES[table][::3], rlax_impl)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_importance_corrected_errors_are_those_of_rlax(dtype):
    from rlax._src import multistep

    arguments = "r_t discount_t rho_tm1 lambda_ values"
    chosen = list(cases("importance_corrected_td_errors", arguments, {}, STOP))
    assert_parity(chosen, rlax_impl, multistep, dtype)


def test_whether_to_stop_gradients_may_be_decided_at_run_time():
    data = {name: jnp.asarray(x, jnp.float32) for name, x in LONG.items()}

    @jax.jit
    def slope(stop):
        def total(rewards):
            returns = rlax_impl.lambda_returns(
                rewards, data["discount_t"], data["v_t"], 0.9, stop
            )
            return jnp.sum(returns)

        return jax.grad(total)(data["r_t"])

    assert jnp.all(slope(True) == 0)
    assert jnp.all(slope(False) != 0)


def test_returns_can_be_computed_in_a_scan():
    data = [jnp.asarray(LONG[n], jnp.float32) for n in ("r_t", "discount_t", "v_t")]
    rows = [jnp.stack([x, jnp.flip(x)]) for x in data]

    def returns(row):
        r_t, discount_t, v_t = row
        return rlax_impl.lambda_returns(r_t, discount_t, v_t, 0.9)

    _, scanned = jax.lax.scan(lambda carry, row: (carry, returns(row)), None, rows)
    np.testing.assert_allclose(scanned, jax.vmap(returns)(rows), 1e-6)


def test_checks_leave_nothing_in_the_jaxpr():
    ones = jnp.ones(3)
    text = str(jax.make_jaxpr(rlax_impl.discounted_returns)(ones, ones, ones))
    equations = [line for line in text.splitlines() if " = " in line]
    assert sum("scan[" in line for line in equations) == 1
    assert not any("check" in line or "assert" in line for line in equations)
