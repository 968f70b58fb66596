"""Sonnet and compat side by side: one namespace for each, with the same names."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sonnet
import tensorflow as tf
import tree
from sonnet.src.conv import ConvND
from sonnet.src.parallel_linear import ParallelLinears

import sonnax.compat.layers.conv
from sonnax import compat
from sonnax.parity_tests import ledger


class Library:
    """A library's public names, and beside them what its users write with it.

    Attributes:
      nn: activations, `tf.nn` or `jax.nn`.
      numpy: array functions, `tf.experimental.numpy` or `jax.numpy`.
      array: makes an array of the library.
    """

    def __init__(self, library: Any, **more: Any):
        self._library = library
        vars(self).update(more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def __repr__(self) -> str:
        return self._library.__name__


SONNET = Library(
    sonnet,
    nn=tf.nn,
    numpy=tf.experimental.numpy,
    array=tf.convert_to_tensor,
    stop_gradient=tf.stop_gradient,
    Variable=tf.Variable,
    IndexedSlices=tf.IndexedSlices,
    ParallelLinears=ParallelLinears,
    ConvND=ConvND,
)
COMPAT = Library(
    compat,
    nn=jax.nn,
    numpy=jnp,
    array=jnp.asarray,
    stop_gradient=jax.lax.stop_gradient,
    ConvND=sonnax.compat.layers.conv.ConvND,
)


def arrays(library: Library, inputs: Any) -> Any:
    """Returns NumPy inputs as arrays of the library."""
    return tree.map_structure(library.array, inputs)


def leaves(outputs: Any) -> list[np.ndarray]:
    """Returns the arrays of a library's outputs as NumPy's, in order."""
    return [np.asarray(leaf) for leaf in tree.flatten(outputs) if leaf is not None]


def variables_of(module: Any) -> tuple[Any, ...]:
    """Returns the variables of a module; of a function, none."""
    try:
        return tuple(getattr(module, "variables", ()))
    except ValueError:  # none by design
        return ()


def equal_pair(case: Any, dtype: str) -> tuple[Any, Any]:
    """Returns the case's module in both libraries, with equal variables.

    Each is called once, so that all its variables exist. Trainable variables get
    random values.
    """
    pair = []
    for library, make in ((SONNET, case.make_sonnet), (COMPAT, case.make)):
        module = make(library)
        case.call(module, *arrays(library, case.draw(dtype, 0)), **case.calls[0])
        pair.append(module)
    copy_variables(variables_of(pair[0]), variables_of(pair[1]))
    return pair[0], pair[1]


def built(case: Any, module: Any = None) -> Any:
    """Returns compat's module with its variables, without computing its outputs."""
    module = case.make(COMPAT) if module is None else module
    inputs = arrays(COMPAT, case.draw("float32", 0))
    specs = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), inputs)
    compat.build(lambda *args: case.call(module, *args, **case.calls[0]), *specs)
    return module


def copy_variables(theirs: Any, ours: Any) -> None:
    """Gives both the same values: random ones, or Sonnet's if not trainable."""
    assert [v.name for v in theirs] == [v.name for v in ours]
    rng = np.random.default_rng(1)
    for their, our in zip(theirs, ours):
        if their.trainable and their.dtype.is_floating:
            their.assign(rng.normal(size=their.shape).astype(their.dtype.name) * 0.5)
        our.assign(jnp.asarray(their.numpy(), our.dtype))


def assert_close(
    ours: Any, theirs: Any, rtol: float, what: str, kind: str = "values"
) -> None:
    """Compares two lists of arrays; near zero, relative to the array's largest.

    The second are Sonnet's, and what is found counts as the kind: of values, gradients,
    or state.
    """
    ledger.report(kind, ours, theirs)
    assert_near(ours, theirs, rtol, what)


def assert_near(ours: Any, theirs: Any, rtol: float, what: str) -> None:
    """Compares two lists of arrays as `assert_close` does, whosesoever they are."""
    assert len(ours) == len(theirs), (what, len(ours), len(theirs))
    for i, (our, their) in enumerate(zip(ours, theirs)):
        our, their = np.asarray(our), np.asarray(their)
        assert our.shape == their.shape, (what, i, our.shape, their.shape)
        assert same_dtype(our.dtype, their.dtype), (what, i, our.dtype, their.dtype)
        our, their = our.astype("float64"), their.astype("float64")
        scale = np.max(np.abs(their[np.isfinite(their)]), initial=0.0)
        np.testing.assert_allclose(
            our, their, rtol, rtol * scale, err_msg=f"{what}, array {i}"
        )


def same_dtype(ours: Any, theirs: Any) -> bool:
    """Whether a dtype is TensorFlow's, as wide as JAX is allowed to have it."""
    return np.dtype(ours) == jax.dtypes.canonicalize_dtype(np.dtype(theirs))
