"""MobileNet, version 1 (Howard et al., 2017)."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ..core.module import Module
from ..modules.batch_norm import BatchNorm
from ..modules.conv import Conv2D
from ..modules.depthwise_conv import DepthwiseConv2D
from ..modules.linear import Linear
from ..modules.reshape import Flatten


class MobileNetV1Block(Module):
    """A depthwise and a pointwise convolution.

    Args:
      channels: The number of channels of the result.
      stride: The step of the depthwise convolution.
      use_bn: Whether each convolution is followed by a `BatchNorm`, default True, in
        the place of a bias.
      name: Name of the module.
    """

    def __init__(
        self, channels: int, stride: int, use_bn: bool = True, name: str | None = None
    ):
        super().__init__(name=name)
        self.channels, self.stride = channels, stride
        self.use_bn, self.with_bias = use_bn, not use_bn

    def __call__(self, inputs: jax.Array, is_training: bool) -> jax.Array:
        """Applies the block.

        Args:
          inputs: `[batch, height, width, channels]`.
          is_training: See `BatchNorm`.

        Returns:
          `[batch, height / stride, width / stride, channels]`.
        """
        depthwise = DepthwiseConv2D(
            1,
            kernel_shape=3,
            stride=self.stride,
            padding=((1, 1), (1, 1)),
            with_bias=self.with_bias,
            name="depthwise_conv",
        )
        pointwise = Conv2D(
            self.channels,
            kernel_shape=1,
            padding="VALID",
            with_bias=self.with_bias,
            name="pointwise_conv",
        )
        out = _activated(depthwise(inputs), self.use_bn, is_training)
        return _activated(pointwise(out), self.use_bn, is_training)


def _activated(x: jax.Array, use_bn: bool, is_training: bool) -> jax.Array:
    return jax.nn.relu(BatchNorm(True, True, 0.999)(x, is_training) if use_bn else x)


class MobileNetV1(Module):
    """A classifier of images for small devices.

    Args:
      strides: The steps of the blocks.
      channels: The numbers of channels of the blocks.
      num_classes: The number of classes, default 1000.
      use_bn: Whether there is batch normalisation, default True, in the place of
        biases.
      name: Name of the module.

    Raises:
      ValueError: There are not as many strides as channels.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform_with_state(
      ...     lambda x: hk.nets.MobileNetV1([1], [8], num_classes=5)(x, True))
      >>> params, state = jax.eval_shape(
      ...     f.init, jax.random.PRNGKey(0), jnp.ones([1, 8, 8, 3]))
      >>> params["mobile_net_v1/logits"]["w"].shape
      (8, 5)
    """

    def __init__(
        self,
        strides: Sequence[int] = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1),
        channels: Sequence[int] = (
            *(64, 128, 128, 256, 256),
            *(512, 512, 512, 512, 512, 512),
            *(1024, 1024),
        ),
        num_classes: int = 1000,
        use_bn: bool = True,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if len(strides) != len(channels):
            raise ValueError(
                "`strides` and `channels` must have the same length, got "
                f"{len(strides)} and {len(channels)}."
            )
        self.strides = strides
        self.channels = channels
        self.num_classes = num_classes
        self.use_bn = use_bn
        self.with_bias = not use_bn

    def __call__(self, inputs: jax.Array, is_training: bool) -> jax.Array:
        """Classifies images.

        Args:
          inputs: `[batch, height, width, channels]`.
          is_training: See `BatchNorm`.

        Returns:
          Logits, `[batch, num_classes]`.
        """
        first = Conv2D(32, 3, stride=2, padding="VALID", with_bias=self.with_bias)
        out = _activated(first(inputs), self.use_bn, is_training)
        for channels, stride in zip(self.channels, self.strides, strict=True):
            out = MobileNetV1Block(channels, stride, self.use_bn)(out, is_training)
        pooled = jnp.mean(out, axis=(1, 2))
        return Linear(self.num_classes, name="logits")(Flatten()(pooled))
