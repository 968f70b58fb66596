"""Every module runs under the settings with which JAX finds mistakes in programs."""

import jax
import jax.numpy as jnp
import pytest

from sonnax import haiku_impl as hk

from .cases import CASES
from .module_parity import key

all_cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@all_cases
def test_nothing_is_promoted_and_no_tracer_is_kept(case, dtype):
    inputs = case.inputs(dtype)
    f = hk.transform_with_state(case.function(hk))

    def run(*inputs):
        return f.apply(*f.init(key(), *inputs), key(), *inputs)

    with (
        jax.numpy_dtype_promotion("strict"),
        jax.numpy_rank_promotion("raise"),
        jax.checking_leaks(),
    ):
        jax.eval_shape(run, *inputs)


@all_cases
def test_no_nan_is_made_on_the_way(case):
    inputs = case.inputs(jnp.float32)
    f = hk.transform_with_state(case.function(hk))
    with jax.debug_nans(True):
        f.apply(*f.init(key(), *inputs), key(), *inputs)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_batch_norm_takes_an_input_without_axes(data_format):
    import haiku

    def run(library):
        f = library.transform_with_state(
            lambda x: library.BatchNorm(True, True, 0.9, data_format=data_format)(
                x, True
            )
        )
        x = jnp.float32(3.0)
        return f.apply(*f.init(key(), x), key(), x)

    assert jax.tree.map(float, run(hk)[0]) == jax.tree.map(float, run(haiku)[0])
