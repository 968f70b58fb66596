"""Every module runs under the settings with which JAX finds mistakes in programs."""

import contextlib

import jax
import jax.numpy as jnp
import pytest

from .cases import CASES
from .cases.case import precision
from .libraries import COMPAT, arrays
from .test_vmap_and_bfloat16 import pure, specs


@contextlib.contextmanager
def strict_settings():
    """What JAX computes silently is an error, and so is a tracer that is kept."""
    with (
        jax.numpy_dtype_promotion("strict"),
        jax.numpy_rank_promotion("raise"),
        jax.checking_leaks(),
    ):
        yield


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_is_promoted_and_no_tracer_is_kept(case, dtype):
    case.skip_where_excluded(dtype)

    def run(key, *inputs):
        return f.apply(*f.init(*inputs, rng=key), *inputs, rng=key)

    with precision(dtype), strict_settings():
        f, inputs = pure(case), specs(case, jnp.dtype(dtype))
        jax.eval_shape(run, jax.random.key(0), *inputs)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_nan_is_made_on_the_way(case):
    module, inputs = case.make(COMPAT), arrays(COMPAT, case.draw("float32", 0))
    with jax.debug_nans(True):
        for kwargs in case.calls:
            case.call(module, *inputs, **kwargs)
