"""Embeddings."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...haiku_impl.numerics.embedding import embedding_lookup
from ..core.dtypes import as_array, as_dtype
from ..core.module import Module
from ..core.typing import ArrayLike, DTypeLike, Initializer
from ..core.variable import Variable
from ..initializers import TruncatedNormal


class Embed(Module):
    """Looks up vectors for numbers.

    Args:
      vocab_size: how many vectors there are.
      embed_dim: the size of a vector, by default `round(6 * vocab_size ** 0.25)`.
      existing_vocab: the vectors, `[vocab_size, embed_dim]`, in place of a size and
        initial values.
      densify_gradients: accepted for Sonnet's sake: JAX's gradients are dense.
      initializer: initial vectors, by default from a truncated normal with stddev 1.
      trainable: whether the vectors are trained, default True.
      dtype: of the vectors, default float32.
      name: of the module, default "embed".

    Attributes:
      vocab_size: how many vectors there are.
      embed_dim: their size.
      embeddings: the vectors, a variable.

    Raises:
      ValueError: if there is neither or both of a size and `existing_vocab`, or the
        size is not positive, or `existing_vocab` is no matrix.

    >>> from sonnax import compat as snt
    >>> embed = snt.Embed(existing_vocab=[[0.0, 1.0], [2.0, 3.0]])
    >>> embed([1, 0, 1]).tolist()
    [[2.0, 3.0], [0.0, 1.0], [2.0, 3.0]]
    """

    def __init__(
        self,
        vocab_size: int | None = None,
        embed_dim: int | None = None,
        existing_vocab: ArrayLike | None = None,
        densify_gradients: bool = False,
        initializer: Initializer | None = None,
        trainable: bool = True,
        dtype: DTypeLike = jnp.float32,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if vocab_size is None and existing_vocab is None:
            raise ValueError("Must provide one of vocab_size or existing_vocab.")
        if existing_vocab is not None and (vocab_size or embed_dim or initializer):
            raise ValueError(
                "If `existing_vocab` is provided, none of `vocab_size`, `embed_dim` "
                "and `initializer` are needed."
            )
        dtype = as_dtype(dtype)
        if existing_vocab is not None:
            vocab: Any = existing_vocab
            shape = np.shape(vocab)
            if len(shape) != 2:
                raise ValueError(
                    "`existing_vocab` must have shape [vocab_size, embed_dim], got "
                    f"{shape}."
                )
            vocab_size, embed_dim = shape
        elif embed_dim is None:
            embed_dim = embedding_dim(vocab_size)  # type: ignore[arg-type]
        self.vocab_size = vocab_size
        self.embed_dim = embed_dim
        self.densify_gradients = densify_gradients
        initial = initializer or TruncatedNormal()

        def vectors() -> jax.Array:
            if existing_vocab is None:
                return initial([vocab_size, embed_dim], dtype)  # type: ignore[list-item]
            return as_array(existing_vocab, dtype)

        self.embeddings = Variable(vectors, trainable=trainable, name="embeddings")

    def __call__(self, inputs: ArrayLike) -> jax.Array:
        """Looks up vectors.

        Args:
          inputs: ints of any shape in [0, vocab_size). In compiled functions, where
            values cannot be checked, those outside are clamped.

        Returns:
          `[*inputs.shape, embed_dim]`.

        Raises:
          TypeError: if the inputs are no ints of 32 or 64 bits.
          IndexError: if one is out of range.
        """
        ids = as_array(inputs)
        if ids.dtype not in (jnp.int32, jnp.int64):
            raise TypeError(f"Embed looks up int32 or int64 numbers, not {ids.dtype}.")
        if isinstance(ids, jax.core.Tracer):
            ids = jnp.maximum(ids, 0)
        else:
            self._check_range(np.asarray(ids))
        return embedding_lookup(as_array(self.embeddings), ids)

    def _check_range(self, ids: np.ndarray) -> None:
        if ids.size and (ids.min() < 0 or ids.max() >= self.vocab_size):
            raise IndexError(
                f"Embed has vectors for the numbers in [0, {self.vocab_size}), and got "
                f"some in [{ids.min()}, {ids.max()}]."
            )


def embedding_dim(vocab_size: int) -> int:
    """Returns the default size of vectors, `6 * vocab_size ** 0.25`, rounded.

    Args:
      vocab_size: how many vectors there are.

    Raises:
      ValueError: if that is not positive.

    >>> embedding_dim(10)
    11
    """
    if not vocab_size or vocab_size <= 0:
        raise ValueError(f"Invalid vocab_size {vocab_size}: it must be positive.")
    return round(6.0 * math.sqrt(math.sqrt(vocab_size)))
