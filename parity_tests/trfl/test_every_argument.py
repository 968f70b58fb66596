"""Every argument of every function of TRFL has a value of its own in some case."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import compat as snt
from sonnax.parity_tests import ledger
from sonnax.parity_tests.trfl import test_losses
from sonnax.parity_tests.trfl.trfl_parity import (
    OURS,
    THEIRS,
    Case,
    assert_parity,
    cast,
    tf,
    their_trfl,
)
from sonnax.parity_tests.witness import Witness

VALUES = np.array([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]], np.float32)
LEGAL = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]], np.float32)
gaussian, T, B = test_losses.gaussian, test_losses.T, test_losses.B
LOGITS, OTHER, QS_T = test_losses.LOGITS, test_losses.OTHER_LOGITS, test_losses.QS_T
R_TB, V_TB, D_TB = test_losses.R_TB, test_losses.V_TB, test_losses.D_TB
QS_TM1, ACTIONS, MIX = test_losses.QS_TM1, test_losses.ACTIONS, test_losses.MIX
PI, MU, END = test_losses.PI, test_losses.MU, test_losses.END

IGNORED = {"policy_vars": (), "name": "named"}
POLICY = (LOGITS, OTHER / 2)
OFF_POLICY = (QS_TM1, QS_T, ACTIONS, R_TB, D_TB, PI, MU)


def of_a_policy(name, call, *arrays, dtypes=("float32",)):
    return Case(name, gaussian(call), (*POLICY, *arrays), dtypes)


def call(name, *arrays, **options):
    def in_library(side, *x):
        return getattr(side.trfl, name)(*x, **options)

    return Case(name, in_library, arrays, ("float32",))


MORE = [
    of_a_policy(
        "policy_gradient",
        lambda lib, policy, a, q: lib.policy_gradient(policy, a, q, **IGNORED),
        *(QS_T, R_TB),
    ),
    of_a_policy(
        "policy_gradient_loss",
        lambda lib, policy, a, q: lib.policy_gradient_loss(policy, a, q, **IGNORED),
        *(QS_T, R_TB),
    ),
    of_a_policy(
        "policy_entropy_loss",
        lambda lib, policy: lib.policy_entropy_loss(policy, **IGNORED),
    ),
    of_a_policy(
        "sequence_a2c_loss",
        lambda lib, policy, v, a, r, d, end: lib.sequence_a2c_loss(
            *(policy, v, a, r, d, end),
            entropy_cost=0.1,
            entropy_scale_op=lambda _: 0.3,
            **IGNORED,
        ),
        *(V_TB, QS_T, R_TB, D_TB, END),
    ),
    call("retrace", np.array(0.8), *OFF_POLICY, stop_targnet_gradients=False),
    call(
        "retrace_from_importance_weights",
        *(V_TB, D_TB, R_TB, MIX, -V_TB, END),
        lambda_=0.6,
    ),
    call(
        "vtrace_from_logits",
        *(LOGITS, OTHER, ACTIONS, D_TB, R_TB, V_TB, END),
        clip_rho_threshold=0.7,
        clip_pg_rho_threshold=1.4,
    ),
    call(
        "sarse",
        *(QS_TM1[0], ACTIONS[0], R_TB[0], D_TB[0], QS_T[0], PI[0]),
        debug=True,
    ),
    Case(
        "epsilon_greedy",
        lambda side, q, epsilon: side.trfl.epsilon_greedy(q, epsilon, LEGAL).probs,
        (VALUES, np.array(0.3)),
        ("float32",),
    ),
    Case(
        "shapes",
        lambda side, q: [
            side.trfl.assert_rank_and_shape_compatibility([q, q], 2),
            q + side.trfl.best_effort_shape(q, with_rank=2)[1],
        ],
        (VALUES,),
    ),
]


def targets(trfl, variable):
    target, source = variable(1.0), variable(5.0)
    counter = variable(np.int64(3), trainable=False, dtype=tf.int64)
    seen = []
    for _ in range(4):
        trfl.update_target_variables(
            [target], [source], tau=0.3, use_locking=True, name="named"
        )
        trfl.periodic_target_update(
            *([target], [source], 2),
            tau=0.5,
            use_locking=True,
            counter=counter,
            name="named",
        )
        trfl.periodically(
            lambda: source.assign_add(2.0), 3, counter=counter, name="named"
        )
        seen.append((target.numpy(), source.numpy(), counter.numpy()))
    return seen


def actions_up_the_gradient(trfl):
    return trfl.dpg(
        lambda a: jnp.sum(-(a**2), axis=-1),
        *(jnp.asarray(VALUES), 0.5),
        clip_norm=True,
        name="named",
    )


@pytest.mark.parametrize("case", MORE, ids=lambda case: case.name)
def test_outputs_and_gradients_are_those_of_trfl(case):
    assert_parity(case, "float32")


def test_targets_are_those_of_trfl():
    ours, theirs = targets(OURS.trfl, snt.Variable), targets(THEIRS.trfl, tf.Variable)
    ledger.report("state", ours, theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_every_argument_has_a_value_of_its_own():
    witness = Witness(OURS.trfl)
    side = OURS._replace(trfl=witness)
    for table in (*test_losses.TABLES.values(), MORE):
        for case in table:
            arrays = [cast(x, "float32") for x in case.arrays]
            jax.eval_shape(functools.partial(case.call, side), *arrays)
    targets(witness, snt.Variable)
    # test_losses holds its numbers to TRFL's, where it takes other arguments.
    actions_up_the_gradient(witness)
    functions = [n for n in dir(their_trfl) if callable(getattr(their_trfl, n))]
    missing = witness.unseen(functions)
    assert not missing, f"No case gives a value of its own to: {missing}"
