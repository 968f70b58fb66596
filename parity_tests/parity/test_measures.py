"""How far two arrays are from each other, on awkward arrays too."""

import math

import hypothesis.extra.numpy as arrays_of
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonnax.parity import Tolerance, measure

EXACT = Tolerance(0.0, 0.0)


@settings(max_examples=60, deadline=None)
@given(
    arrays_of.arrays(np.float32, st.integers(1, 20), elements=st.floats(width=32)),
    st.integers(0, 2**32 - 1),
)
def test_agreement_is_that_of_numpy(legacy, seed):
    rng = np.random.default_rng(seed)
    nudged = (1 + rng.normal(size=legacy.shape) * 1e-6).astype(np.float32)
    with np.errstate(over="ignore"):
        port = legacy * nudged
    tolerance = Tolerance(rtol=1e-6, atol=1e-7)
    wide = legacy.astype(np.float64), port.astype(np.float64)
    expected = np.allclose(wide[1], wide[0], 1e-6, 1e-7, equal_nan=True)
    found = measure(legacy, port, tolerance)
    assert found.differs != expected
    # Of NaN on both sides, and of infinities alone, nothing is known.
    has_meaning = np.isfinite(legacy).any() and not np.isnan(legacy).any()
    assert found.agrees == (expected and has_meaning)


@pytest.mark.parametrize(
    ("legacy", "port", "ulps"),
    [
        (np.float32(1), np.nextafter(np.float32(1), np.float32(2)), 1),
        (np.float32(0), np.float32(-0.0), 0),
        # From the smallest negative number over both zeros to the smallest positive.
        (np.float32(-1e-45), np.float32(1e-45), 2),
        (np.float64(1), np.float64(1) + 3 * np.finfo(np.float64).eps, 3),
        (np.float64(-1.7e308), np.float64(1.7e308), None),
        (ml_dtypes.bfloat16(1), ml_dtypes.bfloat16(1.0078125), 1),
        (np.float16(1), np.float16(1.001), 1),
    ],
)
def test_units_in_the_last_place(legacy, port, ulps):
    found = measure(np.array([legacy]), np.array([port]), EXACT).max_ulps
    if ulps is None:  # more than an int64 holds, and still counted
        assert found > 2**63
    else:
        assert found == ulps


def test_nan_and_infinity_differ_from_all_but_themselves():
    special = np.float32([np.nan, np.inf, -np.inf, 1])
    assert measure(special, special, EXACT).max_absolute == 0
    assert not measure(special, special, EXACT).differs
    for other in ([0, np.inf, -np.inf, 1], [np.nan, -np.inf, -np.inf, 1]):
        found = measure(special, np.float32(other), Tolerance(1.0))
        assert found.max_absolute == math.inf
        assert not found.agrees


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([np.nan, 1], "NaN on both sides in 1 of 2"),
        ([np.nan, np.nan], "NaN on both sides in 2 of 2"),
        ([np.inf, -np.inf], "infinite on both sides in all 2"),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.complex64, ml_dtypes.bfloat16])
def test_what_is_not_finite_on_both_sides_tells_nothing(values, problem, dtype):
    found = measure(np.array(values, dtype), np.array(values, dtype), Tolerance())
    assert found.problem == problem
    assert not found.agrees
    assert not found.differs


def test_infinities_beside_numbers_agree_and_are_counted():
    masked = np.float32([-np.inf, 1, 2])
    found = measure(masked, masked, EXACT)
    assert found.agrees
    assert found.infinite == (1, 1)
    assert measure(masked, np.float32([np.nan, 1, 2]), EXACT).nan == (0, 1)


def test_nan_on_one_side_differs_whatever_is_allowed():
    for allowed in (1.0, np.inf):
        found = measure(np.float32([1, 2]), np.float32([np.nan, 2]), Tolerance(allowed))
        assert found.differs


def test_relative_differences_are_of_the_largest_element():
    found = measure(np.array([100.0, 1e-9]), np.array([100.0, 2e-6]), Tolerance(1e-6))
    assert found.max_relative == pytest.approx(2e-8, rel=1e-3)
    assert found.agrees  # what is left over near zero
    assert not measure(np.array([1e-9]), np.array([2e-6]), Tolerance(1e-6)).agrees


def test_integers_must_be_equal_and_may_be_narrower():
    assert measure(np.int64([7]), np.int32([7]), EXACT).agrees
    assert not measure(np.int64([700]), np.int64([701]), Tolerance(1.0)).agrees
    assert not measure(np.array([True]), np.array([False]), Tolerance(1.0)).agrees
    assert not measure(np.uint8([7]), np.uint32([7]), EXACT).agrees


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_integers_are_not_compared_as_floats(dtype):
    large = np.array([2**53, np.iinfo(dtype).max - 1], dtype)
    for i in range(2):
        other = large.copy()
        other[i] += 1
        found = measure(large, other, Tolerance(1.0))
        assert found.differs
        assert found.max_absolute == 1
    assert measure(large, large, EXACT).agrees
    far = measure(np.int64([-(2**63)]), np.int64([2**63 - 1]), EXACT)
    assert far.max_absolute == 2.0**64


def test_texts_are_equal_or_not():
    assert measure(np.array("sum"), np.array("sum"), EXACT).agrees
    found = measure(np.array("sum"), np.array("mean"), Tolerance(1.0))
    assert found.problem == "['mean'] in place of ['sum']"
    assert found.differs


@pytest.mark.parametrize(
    ("legacy", "port", "problem"),
    [
        (np.zeros([2, 3]), np.zeros([3, 2]), "shape [3, 2] in place of [2, 3]"),
        (np.zeros(2, "f4"), np.zeros(2, "f8"), "float64 in place of float32"),
        (np.zeros(2, "i4"), np.zeros(2, "f4"), "float32 in place of int32"),
        (np.zeros(2), None, "the port side has none"),
        (None, np.zeros(2), "the legacy side has none"),
    ],
)
def test_arrays_that_can_not_be_compared_do_not_agree(legacy, port, problem):
    found = measure(legacy, port, Tolerance(1.0))
    assert found.problem == problem
    assert not found.agrees


def test_cosine_and_histogram():
    a = np.float64([3e200, 4e200])
    assert measure(a, np.float64([-4e200, 3e200]), EXACT).cosine == pytest.approx(0)
    assert measure(a, 2 * a, EXACT).cosine == pytest.approx(1)
    assert measure(np.zeros(2), np.ones(2), EXACT).cosine is None
    found = measure(np.float64([1, 1, 1]), np.float64([1, 1 + 1e-6, 1 + 2e-6]), EXACT)
    assert found.exact == 1
    assert found.histogram.sum() == 2


def test_nothing_and_complex_numbers():
    assert measure(np.zeros([0, 3]), np.zeros([0, 3]), EXACT).agrees
    found = measure(np.complex64([1 + 1j]), np.complex64([1 + 2j]), Tolerance())
    assert found.max_absolute == 1
