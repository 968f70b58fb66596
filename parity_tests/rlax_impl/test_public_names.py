"""Every name of RLax is here, with the same parameters, and costs little to import."""

import inspect
import subprocess
import sys

import pytest
import rlax

from sonnax import rlax_impl
from sonnax.parity_tests import surface

BELOW_THE_SURFACE = [
    "importance_corrected_td_errors",
    "hyperbolic_sin",
    "hyperbolic_arcsin",
    "IntrinsicRewardState",
    "get_top_k_weights",
    "kl_constraint_loss",
]
(NAMESPACE,) = surface.namespaces("rlax_impl")
PUBLIC = surface.public_names("rlax_impl", NAMESPACE)
# RLax shows the signature of the function inside, without the pair that comes first.
WITH_A_PAIR = [
    "transformed_lambda_returns",
    "transformed_n_step_returns",
    "transformed_general_off_policy_returns_from_action_values",
]


def parameters(function):
    return [
        (p.name, p.kind, "a function" if callable(p.default) else p.default)
        for p in inspect.signature(function).parameters.values()
        if p.name != "tx_pair"
    ]


def test_every_name_is_public():
    assert set(rlax.__all__) <= set(PUBLIC)
    assert set(PUBLIC) | set(BELOW_THE_SURFACE) <= set(rlax_impl.__all__)
    assert all(hasattr(rlax_impl, name) for name in rlax_impl.__all__)
    assert len(set(rlax_impl.__all__)) == len(rlax_impl.__all__)


@pytest.mark.parametrize(
    "name", [n for n in PUBLIC if inspect.isfunction(getattr(rlax, n))]
)
def test_parameters_have_the_same_names_defaults_and_kinds(name):
    ours, theirs = (parameters(getattr(lib, name)) for lib in (rlax_impl, rlax))
    assert ours == theirs


@pytest.mark.parametrize("name", WITH_A_PAIR)
def test_the_pair_comes_first(name):
    assert (
        next(iter(inspect.signature(getattr(rlax_impl, name)).parameters)) == "tx_pair"
    )


def test_named_tuples_have_the_same_fields():
    for name in ("TxPair", "PopArtState", "LagrangePenalty"):
        assert getattr(rlax_impl, name)._fields == getattr(rlax, name)._fields


@pytest.mark.parametrize("name", rlax_impl.__all__)
def test_every_public_function_has_an_example(name):
    value = getattr(rlax_impl, name)
    if inspect.isfunction(value):
        assert ">>>" in (value.__doc__ or "")


def test_the_import_needs_jax_alone():
    program = (
        "import sys, sonnax.rlax_impl;"
        "assert not {'chex', 'distrax', 'optax', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
