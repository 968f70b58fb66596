"""The blocks of residual networks, in both versions."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax

from .. import pad
from ..core.module import Module
from ..initializers import Zeros
from ..layers.batch_norm import BatchNorm
from ..layers.conv import Conv2D


def unbiased_conv(channels: int, window: int, stride: Any, name: str) -> Conv2D:
    """Makes a convolution that is padded alike on both sides, whatever its stride."""
    return Conv2D(
        output_channels=channels,
        kernel_shape=window,
        stride=stride,
        with_bias=False,
        padding=pad.same,
        name=name,
    )


def scaled_norm(config: Mapping[str, Any], name: str, **more: Any) -> BatchNorm:
    """Makes a batch norm with a scale and an offset."""
    arguments = {"create_scale": True, "create_offset": True, **config}
    return BatchNorm(name=name, **arguments, **more)


class BottleNeckBlockV1(Module):
    """A block of three convolutions, after He et al., 2015: norms follow convolutions.

    Args:
      channels: the number of channels of the result; within it is a quarter.
      stride: that of the middle convolution.
      use_projection: whether the shortcut has a convolution.
      bn_config: arguments of the batch norms.
      name: the module's name.
    """

    def __init__(
        self,
        channels: int,
        stride: int | Sequence[int],
        use_projection: bool,
        bn_config: Mapping[str, Any],
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._use_projection = use_projection
        if use_projection:
            self._proj_conv = unbiased_conv(channels, 1, stride, "shortcut_conv")
            self._proj_batchnorm = scaled_norm(bn_config, "shortcut_batchnorm")
        inner = channels // 4
        self._layers: list[Any] = [
            [
                unbiased_conv(inner, 1, 1, "conv_0"),
                scaled_norm(bn_config, "batchnorm_0"),
            ],
            [
                unbiased_conv(inner, 3, stride, "conv_1"),
                scaled_norm(bn_config, "batchnorm_1"),
            ],
            [
                unbiased_conv(channels, 1, 1, "conv_2"),
                # The block starts as its shortcut (Goyal et al., 2017).
                scaled_norm(bn_config, "batchnorm_2", scale_init=Zeros()),
            ],
        ]

    def __call__(self, inputs: Any, is_training: Any) -> jax.Array:
        """Maps `[batch, height, width, channels]`.

        Args:
          inputs: images.
          is_training: whether batch norms learn.
        """
        shortcut = inputs
        if self._use_projection:
            shortcut = self._proj_conv(inputs)
            shortcut = self._proj_batchnorm(shortcut, is_training=is_training)
        net = inputs
        for i, (conv, norm) in enumerate(self._layers):
            net = norm(conv(net), is_training=is_training)
            net = jax.nn.relu(net) if i < 2 else net
        return jax.nn.relu(net + shortcut)


class BottleNeckBlockV2(Module):
    """A block of three convolutions, after He et al., 2016: norms go before them.

    Args:
      channels: the number of channels of the result; within it is a quarter.
      stride: that of the middle convolution.
      use_projection: whether the shortcut has a convolution.
      bn_config: arguments of the batch norms.
      name: the module's name.
    """

    def __init__(
        self,
        channels: int,
        stride: int | Sequence[int],
        use_projection: bool,
        bn_config: Mapping[str, Any],
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._use_projection = use_projection
        if use_projection:
            self._proj_conv = unbiased_conv(channels, 1, stride, "shortcut_conv")
        inner = channels // 4
        self._conv_0 = unbiased_conv(inner, 1, 1, "conv_0")
        self._bn_0 = scaled_norm(bn_config, "batchnorm_0")
        self._conv_1 = unbiased_conv(inner, 3, stride, "conv_1")
        self._bn_1 = scaled_norm(bn_config, "batchnorm_1")
        self._conv_2 = unbiased_conv(channels, 1, 1, "conv_2")
        self._bn_2 = scaled_norm(bn_config, "batchnorm_2")

    def __call__(self, inputs: Any, is_training: Any) -> jax.Array:
        """Maps `[batch, height, width, channels]`.

        Args:
          inputs: images.
          is_training: whether batch norms learn.
        """
        shortcut = inputs
        net = jax.nn.relu(self._bn_0(inputs, is_training=is_training))
        if self._use_projection:
            shortcut = self._proj_conv(net)
        net = self._conv_0(net)
        net = self._conv_1(jax.nn.relu(self._bn_1(net, is_training=is_training)))
        net = self._conv_2(jax.nn.relu(self._bn_2(net, is_training=is_training)))
        return net + shortcut


class BlockGroup(Module):
    """Blocks of one size one after the other, the first of them with the stride.

    Args:
      channels: the number of channels of the results.
      num_blocks: how many blocks there are.
      stride: that of the first block.
      bn_config: arguments of the batch norms.
      resnet_v2: whether blocks are of version 2.
      name: the module's name.
    """

    def __init__(
        self,
        channels: int,
        num_blocks: int,
        stride: int | Sequence[int],
        bn_config: Mapping[str, Any],
        resnet_v2: bool = False,
        name: str | None = None,
    ):
        super().__init__(name=name)
        block = BottleNeckBlockV2 if resnet_v2 else BottleNeckBlockV1
        self._blocks = [
            block(
                channels=channels,
                stride=stride if i == 0 else 1,
                use_projection=i == 0,
                bn_config=bn_config,
                name=f"block_{i}",
            )
            for i in range(num_blocks)
        ]

    def __call__(self, inputs: Any, is_training: Any) -> jax.Array:
        """Maps `[batch, height, width, channels]`.

        Args:
          inputs: images.
          is_training: whether batch norms learn.
        """
        net = inputs
        for block in self._blocks:
            net = block(net, is_training=is_training)
        return net
