"""A warning that sonnax causes is an error in every test, as pyproject.toml says."""

import warnings

import pytest


def warn(category, module):
    """Warns as code of a module does, or as a library that it calls does."""
    code = "import warnings\nwarnings.warn('soon gone', category)"
    exec(code, {"__name__": module, "category": category})


@pytest.mark.parametrize(
    "module",
    ["sonnax", "sonnax.compat.jit", "a_clone.parity_tests.compat.test_jit"],
)
@pytest.mark.parametrize("category", [DeprecationWarning, FutureWarning, UserWarning])
def test_warnings_of_sonnax_are_errors(category, module):
    with pytest.raises(category, match="soon gone"):
        warn(category, module)


@pytest.mark.parametrize("module", ["jax", "jax._src.core", "numpy.lib"])
@pytest.mark.parametrize("category", [DeprecationWarning, FutureWarning])
def test_so_are_those_that_jax_and_numpy_cause_themselves(category, module):
    with pytest.raises(category, match="soon gone"):
        warn(category, module)


def test_those_of_the_real_libraries_are_not():
    with warnings.catch_warnings(record=True) as caught:
        warn(DeprecationWarning, "haiku._src.module")
    assert [str(each.message) for each in caught] == ["soon gone"]


def test_what_sonnax_takes_from_jax_is_watched():
    """A name of JAX that goes away warns at the line of sonnax that takes it."""
    from jax._src.deprecations import deprecation_getattr

    getattribute = deprecation_getattr("jax.old", {"name": ("soon gone", len)})
    code = "getattribute('name')"
    with pytest.raises(DeprecationWarning, match="soon gone"):
        exec(code, {"__name__": "sonnax.compat.jit", "getattribute": getattribute})
