"""A wrong argument is named, with what it is, what it must be, and what to do."""

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import rlax_impl
from sonnax.rlax_impl.arguments import expects

rlax: Any = rlax_impl

ONES = jnp.ones(3)
PAIR = [jnp.ones([3, 2]), jnp.zeros([3], jnp.int32)]

MISTAKES = {
    "rank too high": (
        lambda: rlax.td_learning(ONES, 1.0, 0.9, 1.0),
        r"td_learning: argument 'v_tm1' .* float\[\], .* float32\[3\].*jax\.vmap",
    ),
    "rank too low": (
        lambda: rlax.lambda_returns(1.0, ONES, ONES),
        r"lambda_returns: argument 'r_t' .*float\[T\].*axes that are missing",
    ),
    "integer": (
        lambda: rlax.q_learning(ONES, 0, 1, 0.9, ONES),
        r"q_learning: argument 'r_t' must be float\[\].*jnp\.asarray\(r_t, float\)",
    ),
    "float index": (
        lambda: rlax.sarsa(ONES, 0.0, 1.0, 0.9, ONES, 1),
        r"sarsa: argument 'a_tm1' must be int\[\], but is float",
    ),
    "length": (
        lambda: rlax.lambda_returns(ONES, jnp.ones(4), ONES),
        r"argument 'discount_t' .*float32\[4\]. T is 3, from 'r_t'",
    ),
    "one too few": (
        lambda: rlax.truncated_generalized_advantage_estimation(ONES, ONES, 1.0, ONES),
        r"'values' must be float\[T\+1\], but is float32\[3\]. T is 3",
    ),
    "mask": (
        lambda: rlax.vtrace(ONES, ONES, ONES, ONES, ONES, sample_mask=ONES),
        r"vtrace: argument 'sample_mask' must be bool\[T\]",
    ),
    "a list": (
        lambda: rlax.l2_loss([1.0, 2.0]),
        r"l2_loss: argument 'predictions' must be an array .*is a list",
    ),
    "shapes": (
        lambda: rlax.expectile_loss(jnp.ones(2), ONES, 0.5),
        r"expectile_loss: predictions have shape \(2,\) and targets \(3,\)",
    ),
    "grid": (
        lambda: rlax.pixel_control_loss(
            jnp.ones([3, 4, 4, 1]), jnp.array([0, 1]), jnp.ones([3, 3, 2, 2]), 0.9, 2
        ),
        r"pixel_control_loss: action_values are for a grid of \[3, 2\] cells",
    ),
    "mask shape": (
        lambda: rlax.replace_masked(jnp.ones([3, 2]), None, jnp.ones(2)),
        r"source has shape \[2\].*target, \[3, 2\]",
    ),
    "structures": (
        lambda: rlax.tree_select(jnp.array(True), {"a": 1}, {"b": 1}),
        r"tree_select: the trees must have the same structure",
    ),
    "gradient of integers": (
        lambda: rlax.clip_gradient(jnp.array([1]), -1.0, 1.0),
        r"clip_gradient: argument 'x' must hold floating-point numbers.*int32",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_error_names_the_argument(name):
    call, message = MISTAKES[name]
    with pytest.raises(rlax.ArgumentError, match=message):
        call()


def test_errors_are_those_that_users_of_rlax_catch():
    for base in (AssertionError, ValueError):
        with pytest.raises(base):
            rlax.td_learning(ONES, 1.0, 0.9, 1.0)


def test_arguments_are_checked_while_tracing_and_by_name():
    with pytest.raises(rlax.ArgumentError, match="'r_t'"):
        jax.jit(rlax.td_learning)(v_tm1=1.0, r_t=ONES, discount_t=0.9, v_t=1.0)


def test_a_checked_function_keeps_its_signature_and_docstring():
    parameters = inspect.signature(rlax.vtrace).parameters
    assert list(parameters)[:3] == ["v_tm1", "v_t", "r_t"]
    assert "V-trace" in rlax.vtrace.__doc__


def test_a_layout_that_says_nothing_is_refused_at_import():
    with pytest.raises(ValueError, match="'floats' is not a layout"):
        expects(x="floats")
    with pytest.raises(TypeError, match="no arguments"):
        expects(y="float[T]")(lambda x: x)


def test_leading_axes_and_alternatives_may_differ():
    @expects(x="float[..., A]", y="int[] | int[A]")
    def function(x, y):
        return x + y

    function(np.ones([2, 3, 4]), np.arange(4))
    function(np.ones(4), 1)
    with pytest.raises(rlax.ArgumentError, match="A is 4, from 'x'"):
        function(np.ones([2, 4]), np.arange(3))
