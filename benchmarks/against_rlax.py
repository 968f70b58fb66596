"""A function of rlax_impl and of RLax, timed: for `rlax_value.py`, `rlax_policy.py`."""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import rlax
import taking_turns
from taking_turns import Row

from sonnax import rlax_impl

LIBRARIES = {"sonnax": rlax_impl, "RLax": rlax}


class Case(NamedTuple):
    """A function of a library and arrays, over batches or not.

    `gradient_of` is the position of the array by which to differentiate the sum of the
    squared results; without it the function itself runs.
    """

    what: str
    call: Callable[..., Any]
    arrays: tuple[Any, ...]
    batched: bool = False
    gradient_of: int | None = None


def compiled(case: Case, library: Any) -> Callable[[], Any]:
    call: Callable[..., Any] = functools.partial(case.call, library)
    if case.batched:
        call = jax.vmap(call)
    function = call
    if case.gradient_of is not None:

        def loss(*arrays: jax.Array) -> jax.Array:
            return jnp.sum(jnp.square(call(*arrays)))

        function = jax.grad(loss, argnums=case.gradient_of)
    arrays = jax.device_put(case.arrays)
    run = jax.jit(function)
    return lambda: jax.block_until_ready(run(*arrays))


def rows_of(cases: Iterable[Case], turns: int) -> Iterator[Row]:
    for case in cases:
        runs = {name: compiled(case, library) for name, library in LIBRARIES.items()}
        for x, y in zip(*(jax.tree.leaves(run()) for run in runs.values())):
            np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-4)
        times = taking_turns.seconds_in_turns(runs, turns)
        yield taking_turns.compared(case.what, times["sonnax"], "RLax", times["RLax"])
