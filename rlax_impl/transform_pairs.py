"""Pairs of a transform of values and its inverse."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .transforms import (
    hyperbolic_arcsin,
    hyperbolic_sin,
    identity,
    signed_expm1,
    signed_hyperbolic,
    signed_logp1,
    signed_parabolic,
    transform_from_2hot,
    transform_from_2hot_nonlinear,
    transform_to_2hot,
    transform_to_2hot_nonlinear,
)

Array = jax.Array


class TxPair(NamedTuple):
    """A transform of values and its inverse.

    Attributes:
      apply: from values to the space in which they are learned.
      apply_inv: back.
    """

    apply: Callable[[Array], Array]
    apply_inv: Callable[[Array], Array]


def _negative_log_of_complement(x: Array) -> Array:
    return -jnp.log(1 - x)


def _complement_of_negative_exp(x: Array) -> Array:
    return 1 - jnp.exp(-x)


IDENTITY_PAIR = TxPair(identity, identity)
SIGNED_LOGP1_PAIR = TxPair(signed_logp1, signed_expm1)
SIGNED_HYPERBOLIC_PAIR = TxPair(signed_hyperbolic, signed_parabolic)
HYPERBOLIC_SIN_PAIR = TxPair(hyperbolic_arcsin, hyperbolic_sin)
DISCOUNT_TRANSFORM_PAIR = TxPair(
    _negative_log_of_complement, _complement_of_negative_exp
)


def twohot_pair(min_value: float, max_value: float, num_bins: int) -> TxPair:
    """Makes the pair of a two-hot encoding over evenly spaced bins and its mean.

    Args:
      min_value: the first bin.
      max_value: the last bin.
      num_bins: number of bins.

    Returns:
      A pair from scalars `[...]` to weights `[..., num_bins]` and back.

    >>> pair = twohot_pair(0.0, 2.0, 3)
    >>> print(pair.apply_inv(pair.apply(jnp.array([1.25]))).round(3))
    [1.25]
    """
    bins: dict[str, Any] = {
        "min_value": min_value,
        "max_value": max_value,
        "num_bins": num_bins,
    }
    return TxPair(
        functools.partial(transform_to_2hot, **bins),
        functools.partial(transform_from_2hot, **bins),
    )


def compose_tx(*tx_list: TxPair) -> TxPair:
    """Makes the pair that applies others one after another.

    Args:
      *tx_list: pairs; the first is applied first and inverted last.

    Returns:
      A pair.

    >>> pair = compose_tx(SIGNED_LOGP1_PAIR, twohot_pair(-3.0, 3.0, 61))
    >>> print(pair.apply_inv(pair.apply(jnp.array([5.0]))).round(2))
    [5.]
    """

    def apply(x: Array) -> Array:
        for pair in tx_list:
            x = pair.apply(x)
        return x

    def apply_inv(x: Array) -> Array:
        for pair in reversed(tx_list):
            x = pair.apply_inv(x)
        return x

    return TxPair(apply, apply_inv)


def muzero_pair(
    min_value: float, max_value: float, num_bins: int, tx: TxPair
) -> TxPair:
    """Makes the pair of MuZero: squash a value, then encode it over even bins.

    Args:
      min_value: the first bin, in the squashed space.
      max_value: the last bin.
      num_bins: number of bins.
      tx: the squashing pair.

    Returns:
      A pair from scalars `[...]` to weights `[..., num_bins]` and back.

    Schrittwieser et al., "Mastering Atari, Go, Chess and Shogi by Planning with a
    Learned Model", 2019, https://arxiv.org/abs/1911.08265

    >>> pair = muzero_pair(-10.0, 10.0, 41, SIGNED_HYPERBOLIC_PAIR)
    >>> print(pair.apply_inv(pair.apply(jnp.array([50.0]))).round(1))
    [50.]
    """
    return compose_tx(tx, twohot_pair(min_value, max_value, num_bins))


def unbiased_transform_pair(
    min_value: float, max_value: float, num_bins: int, tx: TxPair
) -> TxPair:
    """Makes the pair of an encoding over bins that are even in a squashed space.

    The mean is taken over values, not over squashed values: the mean of a mixture is
    the mixture of the means, which `muzero_pair` does not give.

    Args:
      min_value: the first bin, in the squashed space.
      max_value: the last bin.
      num_bins: number of bins.
      tx: the squashing pair; its inverse places the bins.

    Returns:
      A pair from scalars `[...]` to weights `[..., num_bins]` and back.

    >>> pair = unbiased_transform_pair(-10.0, 10.0, 41, SIGNED_HYPERBOLIC_PAIR)
    >>> print(pair.apply_inv(pair.apply(jnp.array([50.0]))).round(1))
    [50.]
    """
    bins = tx.apply_inv(jnp.linspace(min_value, max_value, num_bins))
    return compose_tx(
        IDENTITY_PAIR,
        TxPair(
            functools.partial(transform_to_2hot_nonlinear, bins=bins),
            functools.partial(transform_from_2hot_nonlinear, bins=bins),
        ),
    )
