"""Vector quantisation."""

from typing import Any

import jax
import jax.numpy as jnp

from ...haiku_impl.numerics import quantization
from ..core.checks import check_same_dtype
from ..core.dtypes import as_array, as_dtype
from ..core.module import Module
from ..core.typing import ArrayLike, BoolLike, DTypeLike, Scalar
from ..core.variable import Variable
from ..initializers import VarianceScaling
from ..layers.moving_averages import ExponentialMovingAverage


class VectorQuantizer(Module):
    """Replaces vectors by the nearest of a set of learned ones, the codes.

    After van den Oord et al., 2017, equation 3. Gradients flow to the inputs as if
    nothing had been replaced, and to the codes through the loss.

    Args:
      embedding_dim: the size of a vector.
      num_embeddings: the number of codes.
      commitment_cost: the weight of the loss that pulls inputs to codes (beta).
      dtype: that of inputs and codes.
      name: the module's name.

    Attributes:
      embeddings: the codes, `[embedding_dim, num_embeddings]`.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> quantizer = snt.nets.VectorQuantizer(4, num_embeddings=8, commitment_cost=0.25)
    >>> outputs = quantizer(jnp.ones([2, 3, 4]), is_training=True)
    >>> outputs["quantize"].shape, outputs["encoding_indices"].shape
    ((2, 3, 4), (2, 3))
    """

    def __init__(
        self,
        embedding_dim: int,
        num_embeddings: int,
        commitment_cost: Scalar,
        dtype: DTypeLike = jnp.float32,
        name: str = "vector_quantizer",
    ):
        super().__init__(name=name)
        self.embedding_dim = embedding_dim
        self.num_embeddings = num_embeddings
        self.commitment_cost: Any = commitment_cost
        self.embeddings = _codes(embedding_dim, num_embeddings, dtype, trainable=True)

    def __call__(
        self, inputs: ArrayLike, is_training: BoolLike
    ) -> dict[str, jax.Array]:
        """Replaces vectors.

        Args:
          inputs: `[..., embedding_dim]`.
          is_training: accepted; it makes no difference.

        Returns:
          `"quantize"`, the codes, of the shape of the inputs; `"loss"`, a scalar to be
          minimised; `"perplexity"`, how many codes the batch has used;
          `"encoding_indices"`, the codes' numbers, `[...]`; `"encodings"`, the same
          one-hot, `[vectors, num_embeddings]`; and `"distances"`, squared, to each
          code, `[vectors, num_embeddings]`.

        Raises:
          ValueError: if the vectors have another size.
          TypeError: if they have another dtype than the codes.
        """
        del is_training
        inputs = _checked(inputs, self)
        found = quantization.quantize(inputs, as_array(self.embeddings))
        loss = quantization.codebook_loss(inputs, found.values)
        commitment = quantization.commitment_loss(inputs, found.values)
        return _outputs(inputs, found, loss + self.commitment_cost * commitment)

    def quantize(self, encoding_indices: ArrayLike) -> jax.Array:
        """Returns the codes of the given numbers, `[*indices.shape, embedding_dim]`."""
        return quantization.select_codes(
            as_array(self.embeddings), as_array(encoding_indices)
        )


class VectorQuantizerEMA(Module):
    """Replaces vectors by the nearest of a set of averaged ones, the codes.

    After van den Oord et al., 2017, appendix A.1: in place of a loss, moving averages
    of the vectors that each code stood for. A code that never stood for any is zero.

    Args:
      embedding_dim: the size of a vector.
      num_embeddings: the number of codes.
      commitment_cost: the weight of the loss that pulls inputs to codes (beta).
      decay: that of the averages, in [0, 1].
      epsilon: added to the count of each code.
      dtype: that of inputs and codes.
      name: the module's name.

    Attributes:
      embeddings: the codes, `[embedding_dim, num_embeddings]`, not trainable.
      ema_cluster_size: the average number of vectors for each code.
      ema_dw: the average of their sums.

    Raises:
      ValueError: if `decay` is not in [0, 1].

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> quantizer = snt.nets.VectorQuantizerEMA(2, 4, commitment_cost=0.25, decay=0.9)
    >>> outputs = quantizer(jnp.ones([3, 2]), is_training=True)
    >>> codes = quantizer.quantize(outputs["encoding_indices"])
    >>> codes[0].round(3).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        embedding_dim: int,
        num_embeddings: int,
        commitment_cost: Scalar,
        decay: float,
        epsilon: float = 1e-5,
        dtype: DTypeLike = jnp.float32,
        name: str = "vector_quantizer_ema",
    ):
        super().__init__(name=name)
        if not 0 <= decay <= 1:
            raise ValueError(f"decay must be in range [0, 1], got {decay}.")
        self.embedding_dim = embedding_dim
        self.num_embeddings = num_embeddings
        self.commitment_cost: Any = commitment_cost
        self.decay = decay
        self.epsilon = epsilon
        self.embeddings = _codes(embedding_dim, num_embeddings, dtype, trainable=False)
        self.ema_cluster_size = ExponentialMovingAverage(decay, name="ema_cluster_size")
        self.ema_cluster_size.initialize(jnp.zeros([num_embeddings], as_dtype(dtype)))
        self.ema_dw = ExponentialMovingAverage(decay, name="ema_dw")
        self.ema_dw.initialize(self.embeddings)

    def __call__(
        self, inputs: ArrayLike, is_training: BoolLike
    ) -> dict[str, jax.Array]:
        """Replaces vectors.

        Args:
          inputs: `[..., embedding_dim]`.
          is_training: whether the codes are averaged anew.

        Returns:
          As for `VectorQuantizer`.

        Raises:
          ValueError: if the vectors have another size.
          TypeError: if they have another dtype than the codes.
        """
        inputs = _checked(inputs, self)
        found = quantization.quantize(inputs, as_array(self.embeddings))
        commitment = quantization.commitment_loss(inputs, found.values)
        if is_training:
            counts = self.ema_cluster_size(jnp.sum(found.encodings, axis=0))
            sums = self.ema_dw(jnp.matmul(found.flat_inputs.T, found.encodings))
            codes = quantization.averaged_codes(counts, sums, self.epsilon)
            self.embeddings.assign(codes)
        return _outputs(inputs, found, self.commitment_cost * commitment)

    def quantize(self, encoding_indices: ArrayLike) -> jax.Array:
        """Returns the codes of the given numbers, `[*indices.shape, embedding_dim]`."""
        return quantization.select_codes(
            as_array(self.embeddings), as_array(encoding_indices)
        )


def _codes(size: int, count: int, dtype: Any, trainable: bool) -> Variable:
    init = VarianceScaling(distribution="uniform")
    return Variable(lambda: init([size, count], dtype), trainable, name="embeddings")


def _checked(inputs: Any, module: Any) -> jax.Array:
    inputs = as_array(inputs)
    check_same_dtype(inputs, as_array(module.embeddings), module)
    if inputs.shape[-1] != module.embedding_dim:
        raise ValueError(
            f"The last axis of the inputs of {module!r} must have size "
            f"{module.embedding_dim}; the inputs have shape {inputs.shape}."
        )
    return inputs


def _outputs(
    inputs: jax.Array, found: quantization.Quantized, loss: jax.Array
) -> dict[str, jax.Array]:
    return {
        "quantize": quantization.straight_through(inputs, found.values),
        "loss": loss,
        "perplexity": quantization.perplexity(found.encodings),
        "encodings": found.encodings,
        "encoding_indices": found.indices,
        "distances": found.distances,
    }
