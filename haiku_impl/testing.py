"""Running a function that uses modules in one line, for tests and notebooks."""

import functools
from collections.abc import Callable
from typing import Any

import jax

from .core.transform import transform_with_state


def transform_and_run(
    f: Callable[..., Any] | None = None,
    seed: int | None = 42,
    run_apply: bool = True,
    jax_transform: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None,
    *,
    map_rng: Callable[[Any], Any] | None = None,
) -> Any:
    """Wraps a function so that calling it runs its `init`, and then its `apply`.

    Args:
      f: a function that uses modules; if None, a decorator is returned.
      seed: the seed of init's key, apply's is one more; None for no keys.
      run_apply: whether to run `apply`, default True.
      jax_transform: applied to `init` and to `apply`, such as `jax.jit`.
      map_rng: applied to each key, for a `jax_transform` that maps over keys.

    Returns:
      A function of the arguments of `f` that returns what `apply` computes, or None
      if `apply` doesn't run.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> hk.testing.transform_and_run(lambda x: hk.Bias()(x))(jnp.ones([1, 1])).tolist()
    [[1.0]]
    """
    if f is None:
        return lambda f: transform_and_run(
            f, seed, run_apply, jax_transform, map_rng=map_rng
        )

    def key(offset: int) -> Any:
        if seed is None:
            return None
        rng = jax.random.PRNGKey(seed + offset)
        return rng if map_rng is None else map_rng(rng)

    @functools.wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        init, apply = transform_with_state(lambda: f(*args, **kwargs))
        if jax_transform is not None:
            init, apply = jax_transform(init), jax_transform(apply)
        params, state = init(key(0))
        return apply(params, state, key(1))[0] if run_apply else None

    return run
