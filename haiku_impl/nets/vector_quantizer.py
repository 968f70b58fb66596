"""Vector quantisers: the bottleneck of a VQ-VAE (van den Oord et al., 2017)."""

import jax
import jax.numpy as jnp
from jax import lax

from ..core.module import Module
from ..core.parameters import get_parameter, get_state, set_state
from ..core.typing import DTypeLike
from ..initializers import VarianceScaling
from ..modules.moving_averages import ExponentialMovingAverage
from ..numerics import quantization
from ..numerics.promotion import promoted


class VectorQuantizer(Module):
    """Replaces vectors by the nearest of a set of learned codes.

    Args:
      embedding_dim: The size of the vectors.
      num_embeddings: The number of codes.
      commitment_cost: The weight of the loss that pulls the inputs to their codes.
      dtype: Of the codes, default float32.
      name: Name of the module.
      cross_replica_axis: A mapped axis over which the perplexity is taken as well.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(
      ...     lambda x: hk.nets.VectorQuantizer(2, 4, commitment_cost=0.25)(x, True))
      >>> x = jnp.ones([3, 2])
      >>> out = f.apply(f.init(jax.random.PRNGKey(0), x), None, x)
      >>> out["quantize"].shape, out["encoding_indices"].shape
      ((3, 2), (3,))
    """

    def __init__(
        self,
        embedding_dim: int,
        num_embeddings: int,
        commitment_cost: float,
        dtype: DTypeLike = jnp.float32,
        name: str | None = None,
        cross_replica_axis: str | None = None,
    ):
        super().__init__(name=name)
        self.embedding_dim, self.num_embeddings = embedding_dim, num_embeddings
        self.commitment_cost = commitment_cost
        self.cross_replica_axis = cross_replica_axis
        self._dtype = dtype

    @property
    def embeddings(self) -> jax.Array:
        """The codes, `[embedding_dim, num_embeddings]`."""
        shape = [self.embedding_dim, self.num_embeddings]
        init = VarianceScaling(distribution="uniform")
        return get_parameter("embeddings", shape, self._dtype, init)

    def __call__(self, inputs: jax.Array, is_training: bool) -> dict[str, jax.Array]:
        """Quantises vectors.

        Args:
          inputs: `[..., embedding_dim]`.
          is_training: Makes no difference here.

        Returns:
          A dict: "quantize", the codes, of the shape of the inputs, with gradients to
          them; "loss", to be minimised; "perplexity", how many codes are in use;
          "encodings", one-hot, and "distances", `[vectors, num_embeddings]`;
          "encoding_indices", `[...]`.
        """
        q = quantization.quantize(inputs, self.embeddings)
        e_latent_loss = quantization.commitment_loss(inputs, q.values)
        q_latent_loss = quantization.codebook_loss(inputs, q.values)
        loss = q_latent_loss + self.commitment_cost * e_latent_loss
        return _report(inputs, q, loss, self.cross_replica_axis)

    def quantize(self, encoding_indices: jax.Array) -> jax.Array:
        """Returns the codes of the given numbers.

        Args:
          encoding_indices: Integers of any shape.

        Returns:
          `[*encoding_indices.shape, embedding_dim]`.
        """
        return quantization.select_codes(self.embeddings, encoding_indices)


def _report(inputs, q, loss, cross_replica_axis):
    return {
        "quantize": quantization.straight_through(inputs, q.values),
        "loss": loss,
        "perplexity": quantization.perplexity(q.encodings, cross_replica_axis),
        "encodings": q.encodings,
        "encoding_indices": q.indices,
        "distances": q.distances,
    }


class VectorQuantizerEMA(Module):
    """Replaces vectors by the nearest of a set of codes, their moving averages.

    A code is the average of the vectors that it replaced, so that no gradient needs
    to reach it; it is state. (Appendix A.1 of the paper.)

    Args:
      embedding_dim: The size of the vectors.
      num_embeddings: The number of codes.
      commitment_cost: The weight of the loss that pulls the inputs to their codes.
      decay: Of the moving averages, between 0 and 1.
      epsilon: Added to the number of vectors that a code replaced, default 1e-5.
      dtype: Of the codes, default float32.
      cross_replica_axis: A mapped axis over which the averages and the perplexity are
        taken as well.
      name: Name of the module.

    Raises:
      ValueError: `decay` is not in [0, 1].

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform_with_state(
      ...     lambda x: hk.nets.VectorQuantizerEMA(2, 4, 0.25, decay=0.9)(x, True))
      >>> params, state = f.init(jax.random.PRNGKey(0), jnp.ones([3, 2]))
      >>> state["vector_quantizer_ema"]["embeddings"].shape
      (2, 4)
    """

    def __init__(
        self,
        embedding_dim: int,
        num_embeddings: int,
        commitment_cost: float,
        decay: float | jax.Array,
        epsilon: float = 1e-5,
        dtype: DTypeLike = jnp.float32,
        cross_replica_axis: str | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if not 0 <= decay <= 1:
            raise ValueError(f"decay must be in range [0, 1], got {decay}.")
        self.embedding_dim, self.num_embeddings = embedding_dim, num_embeddings
        self.commitment_cost = commitment_cost
        self.decay = decay
        self.epsilon = epsilon
        self.cross_replica_axis = cross_replica_axis
        self._dtype = dtype
        self._ema_cluster_size = ExponentialMovingAverage(
            decay, name="ema_cluster_size"
        )
        self._ema_dw = ExponentialMovingAverage(decay, name="ema_dw")

    @property
    def embeddings(self) -> jax.Array:
        """The codes, `[embedding_dim, num_embeddings]`."""
        shape = [self.embedding_dim, self.num_embeddings]
        init = VarianceScaling(distribution="uniform")
        return get_state("embeddings", shape, self._dtype, init)

    @property
    def ema_cluster_size(self) -> ExponentialMovingAverage:
        """The average of how many vectors a code replaced, `[num_embeddings]`."""
        self._ema_cluster_size.initialize([self.num_embeddings], self._dtype)
        return self._ema_cluster_size

    @property
    def ema_dw(self) -> ExponentialMovingAverage:
        """The average of their sums, `[embedding_dim, num_embeddings]`."""
        shape = [self.embedding_dim, self.num_embeddings]
        self._ema_dw.initialize(shape, self._dtype)
        return self._ema_dw

    def __call__(self, inputs: jax.Array, is_training: bool) -> dict[str, jax.Array]:
        """Quantises vectors.

        Args:
          inputs: `[..., embedding_dim]`.
          is_training: Whether to update the codes.

        Returns:
          A dict as from `VectorQuantizer`.
        """
        q = quantization.quantize(inputs, self.embeddings)
        loss = self.commitment_cost * quantization.commitment_loss(inputs, q.values)
        if is_training:
            counts = jnp.sum(q.encodings, axis=0)
            sums = jnp.matmul(*promoted(q.flat_inputs.T, q.encodings))
            if self.cross_replica_axis:
                counts, sums = (
                    lax.psum(x, self.cross_replica_axis) for x in (counts, sums)
                )
            counts, sums = self.ema_cluster_size(counts), self.ema_dw(sums)
            codes = quantization.averaged_codes(counts, sums, self.epsilon)
            set_state("embeddings", codes)
        return _report(inputs, q, loss, self.cross_replica_axis)

    def quantize(self, encoding_indices: jax.Array) -> jax.Array:
        """Returns the codes of the given numbers.

        Args:
          encoding_indices: Integers of any shape.

        Returns:
          `[*encoding_indices.shape, embedding_dim]`.
        """
        return quantization.select_codes(self.embeddings, encoding_indices)
