"""Embeddings of integers."""

import enum
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ..core.module import Module
from ..core.parameters import get_parameter
from ..core.typing import Initializer
from ..initializers import TruncatedNormal
from ..numerics.embedding import embedding_lookup, one_hot_lookup


class EmbedLookupStyle(enum.Enum):
    """How an embedding finds its rows.

    Attributes:
      ARRAY_INDEX: By a gather, the faster way on CPUs and GPUs.
      ONE_HOT: By a product with one-hot vectors.
    """

    ARRAY_INDEX = 1
    ONE_HOT = 2


class Embed(Module):
    """Looks up a learned vector for each integer.

    Args:
      vocab_size: The number of vectors.
      embed_dim: Their size.
      embedding_matrix: Initial vectors, `[vocab_size, embed_dim]`, in the place of
        both.
      w_init: Their initial values; by default from a truncated normal with stddev 1.
      lookup_style: An `EmbedLookupStyle` or its name, default "ARRAY_INDEX".
      name: Name of the module.
      precision: Of the product in the style "ONE_HOT", default the highest.

    Raises:
      ValueError: There is neither a matrix nor its shape, or they disagree.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda ids: hk.Embed(vocab_size=10, embed_dim=3)(ids))
      >>> ids = jnp.array([[7, 1]])
      >>> f.apply(f.init(jax.random.PRNGKey(0), ids), None, ids).shape
      (1, 2, 3)
    """

    def __init__(
        self,
        vocab_size: int | None = None,
        embed_dim: int | None = None,
        embedding_matrix: np.ndarray | jax.Array | None = None,
        w_init: Initializer | None = None,
        lookup_style: str | EmbedLookupStyle = "ARRAY_INDEX",
        name: str | None = None,
        precision: jax.lax.Precision = jax.lax.Precision.HIGHEST,
    ):
        super().__init__(name=name)
        if embedding_matrix is not None:
            matrix = jnp.asarray(embedding_matrix)
            given = {"vocab_size": vocab_size, "embed_dim": embed_dim}
            for (argument, size), actual in zip(given.items(), matrix.shape):
                if size and size != actual:
                    raise ValueError(
                        f"An `embedding_matrix` was supplied but the `{argument}` of "
                        f"{size} was not consistent with its shape {matrix.shape}."
                    )
            vocab_size, embed_dim = matrix.shape
            w_init = lambda shape, dtype: matrix  # noqa: E731
        elif not (vocab_size and embed_dim):
            raise ValueError(
                "hk.Embed must be supplied either with an initial `embedding_matrix` "
                f"or with `embed_dim` and `vocab_size`; got embed_dim={embed_dim}, "
                f"vocab_size={vocab_size}."
            )
        self.vocab_size = vocab_size
        self.embed_dim = embed_dim
        self.lookup_style = lookup_style
        self.precision = precision
        self.w_init = w_init or TruncatedNormal()

    @property
    def embeddings(self) -> jax.Array:
        """The vectors, `[vocab_size, embed_dim]`."""
        shape = [self.vocab_size, self.embed_dim]
        return get_parameter("embeddings", shape, init=self.w_init)

    def __call__(
        self,
        ids: jax.Array | Sequence[int],
        lookup_style: str | EmbedLookupStyle | None = None,
        precision: jax.lax.Precision | None = None,
    ) -> jax.Array:
        """Looks up vectors.

        Args:
          ids: Integers of any shape. Those out of range give the last vector, or
            zeros in the style "ONE_HOT".
          lookup_style: In the place of the constructor's.
          precision: In the place of the constructor's.

        Returns:
          `[*ids.shape, embed_dim]`.

        Raises:
          ValueError: The ids are no integers.
          AttributeError: There is no style of that name.
          NotImplementedError: The style is no `EmbedLookupStyle`.
        """
        ids = jnp.asarray(ids)
        if not jnp.issubdtype(ids.dtype, jnp.integer):
            raise ValueError(
                "hk.Embed's __call__ method must take an array of integer dtype but "
                f"was called with an array of {ids.dtype}"
            )
        style = lookup_style or self.lookup_style
        if isinstance(style, str):
            style = getattr(EmbedLookupStyle, style.upper())
        if style == EmbedLookupStyle.ARRAY_INDEX:
            return embedding_lookup(self.embeddings, ids)
        if style == EmbedLookupStyle.ONE_HOT:
            precision = self.precision if precision is None else precision
            return one_hot_lookup(self.embeddings, ids, precision)
        raise NotImplementedError(
            f"{style} is not supported by hk.Embed; use one of "
            f"{list(EmbedLookupStyle)}."
        )
