"""Residual networks for images (He et al., 2015 and 2016)."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..core.module import Module
from ..modules.batch_norm import BatchNorm
from ..modules.conv import Conv2D
from ..modules.linear import Linear
from ..modules.pool import max_pool

Config = Mapping[str, Any]
Layer = tuple[Conv2D, BatchNorm]


class _Block(Module):
    """What the two kinds of blocks have in common: their layers.

    Args:
      channels: The number of channels of the result.
      stride: The step of the block.
      use_projection: Whether the shortcut is projected to the shape of the result.
      bn_config: Arguments of every `BatchNorm`.
      bottleneck: Whether there are three convolutions, the middle one with a quarter
        of the channels, instead of two.
      name: Name of the module.
    """

    def __init__(
        self,
        channels: int,
        stride: int | Sequence[int],
        use_projection: bool,
        bn_config: Config,
        bottleneck: bool,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.use_projection = use_projection
        bn_config = {"create_scale": True, "create_offset": True, **bn_config}
        if use_projection:
            self.proj_conv = Conv2D(
                channels, 1, stride, with_bias=False, name="shortcut_conv"
            )
        inner = channels // 4 if bottleneck else channels
        # Channels, kernel size and stride of each convolution.
        shapes: list[tuple[int, int, Any]] = [(inner, 3, stride), (inner, 3, 1)]
        if bottleneck:
            shapes = [(inner, 1, 1), (inner, 3, stride), (channels, 1, 1)]
        self.layers: list[Layer] = []
        for i, shape in enumerate(shapes):
            conv = Conv2D(*shape, with_bias=False, name=f"conv_{i}")
            # Bottlenecks of version 1 start as identities.
            start: Config = {}
            if i == 2 and self._zero_last:
                start = {"scale_init": jnp.zeros}
            norm = BatchNorm(name=f"batchnorm_{i}", **start, **bn_config)
            self.layers.append((conv, norm))

    _zero_last = False


class BlockV1(_Block):
    """A block that activates after the addition; see `_Block`."""

    _zero_last = True

    def __init__(
        self,
        channels: int,
        stride: int | Sequence[int],
        use_projection: bool,
        bn_config: Config,
        bottleneck: bool,
        name: str | None = None,
    ):
        created = {"create_scale": True, "create_offset": True}
        bn_config = {**created, "decay_rate": 0.999, **bn_config}
        shape = channels, stride, use_projection
        super().__init__(*shape, bn_config, bottleneck, name)
        if use_projection:
            self.proj_batchnorm = BatchNorm(name="shortcut_batchnorm", **bn_config)

    def __call__(
        self, inputs: jax.Array, is_training: bool, test_local_stats: bool
    ) -> jax.Array:
        """Applies the block.

        Args:
          inputs: `[batch, height, width, channels]`.
          is_training: See `BatchNorm`.
          test_local_stats: See `BatchNorm`.

        Returns:
          `[batch, height / stride, width / stride, channels]`.
        """
        shortcut = inputs
        if self.use_projection:
            projected = self.proj_conv(inputs)
            shortcut = self.proj_batchnorm(projected, is_training, test_local_stats)
        out = inputs
        for i, (conv, norm) in enumerate(self.layers):
            if i > 0:
                out = jax.nn.relu(out)
            out = norm(conv(out), is_training, test_local_stats)
        return jax.nn.relu(out + shortcut)


class BlockV2(_Block):
    """A block that activates before each convolution; see `_Block`."""

    def __call__(
        self, inputs: jax.Array, is_training: bool, test_local_stats: bool
    ) -> jax.Array:
        """Applies the block.

        Args:
          inputs: `[batch, height, width, channels]`.
          is_training: See `BatchNorm`.
          test_local_stats: See `BatchNorm`.

        Returns:
          `[batch, height / stride, width / stride, channels]`.
        """
        out = shortcut = inputs
        for i, (conv, norm) in enumerate(self.layers):
            out = jax.nn.relu(norm(out, is_training, test_local_stats))
            if i == 0 and self.use_projection:
                shortcut = self.proj_conv(out)
            out = conv(out)
        return out + shortcut


class BlockGroup(Module):
    """Blocks in a row, of which the first has the stride and the projection.

    Args:
      channels: The number of channels of the result.
      num_blocks: The number of blocks.
      stride: The step of the first block.
      bn_config: Arguments of every `BatchNorm`.
      resnet_v2: Whether the blocks are of version 2.
      bottleneck: Whether the blocks have bottlenecks.
      use_projection: Whether the first block projects its shortcut.
      name: Name of the module.
    """

    def __init__(
        self,
        channels: int,
        num_blocks: int,
        stride: int | Sequence[int],
        bn_config: Config,
        resnet_v2: bool,
        bottleneck: bool,
        use_projection: bool,
        name: str | None = None,
    ):
        super().__init__(name=name)
        block = BlockV2 if resnet_v2 else BlockV1
        self.blocks: list[BlockV1 | BlockV2] = [
            block(
                channels,
                stride if i == 0 else 1,
                use_projection and i == 0,
                bn_config,
                bottleneck,
                name=f"block_{i}",
            )
            for i in range(num_blocks)
        ]

    def __call__(
        self, inputs: jax.Array, is_training: bool, test_local_stats: bool
    ) -> jax.Array:
        """Applies the blocks.

        Args:
          inputs: `[batch, height, width, channels]`.
          is_training: See `BatchNorm`.
          test_local_stats: See `BatchNorm`.

        Returns:
          `[batch, height / stride, width / stride, channels]`.
        """
        out = inputs
        for block in self.blocks:
            out = block(out, is_training, test_local_stats)
        return out


def _config(blocks: Sequence[int], bottleneck: bool) -> dict[str, Any]:
    return {
        "blocks_per_group": tuple(blocks),
        "bottleneck": bottleneck,
        "channels_per_group": tuple((256 if bottleneck else 64) << i for i in range(4)),
        "use_projection": (bottleneck, True, True, True),
    }


class ResNet(Module):
    """A classifier of images with shortcuts past its convolutions.

    Args:
      blocks_per_group: The number of blocks in each of the four groups.
      num_classes: The number of classes.
      bn_config: Arguments of every `BatchNorm`; by default scale and offset, a decay
        of 0.9 and an epsilon of 1e-5.
      resnet_v2: Whether to normalise and activate before the convolutions (2016),
        default False (2015).
      bottleneck: Whether the blocks have bottlenecks, default True.
      channels_per_group: The numbers of channels of the groups.
      use_projection: Whether the groups project their first shortcut.
      logits_config: Arguments of the last `Linear`; by default its weights are zero.
      name: Name of the module.
      initial_conv_config: Arguments of the first `Conv2D`; by default 64 channels, a
        window of 7, a stride of 2 and no bias.
      strides: The steps of the groups.

    Raises:
      ValueError: A sequence does not have four elements.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform_with_state(
      ...     lambda x: hk.nets.ResNet([1, 1, 1, 1], 10)(x, is_training=True))
      >>> x = jnp.ones([1, 32, 32, 3])
      >>> params, state = jax.eval_shape(f.init, jax.random.PRNGKey(0), x)
      >>> params["res_net/~/logits"]["w"].shape
      (2048, 10)
    """

    CONFIGS = {  # noqa: RUF012
        18: _config((2, 2, 2, 2), False),
        34: _config((3, 4, 6, 3), False),
        50: _config((3, 4, 6, 3), True),
        101: _config((3, 4, 23, 3), True),
        152: _config((3, 8, 36, 3), True),
        200: _config((3, 24, 36, 3), True),
    }

    BlockGroup = BlockGroup
    BlockV1 = BlockV1
    BlockV2 = BlockV2

    def __init__(
        self,
        blocks_per_group: Sequence[int],
        num_classes: int,
        bn_config: Config | None = None,
        resnet_v2: bool = False,
        bottleneck: bool = True,
        channels_per_group: Sequence[int] = (256, 512, 1024, 2048),
        use_projection: Sequence[bool] = (True, True, True, True),
        logits_config: Config | None = None,
        name: str | None = None,
        initial_conv_config: Config | None = None,
        strides: Sequence[int] = (1, 2, 2, 2),
    ):
        super().__init__(name=name)
        for argument, value in (
            ("blocks_per_group", blocks_per_group),
            ("channels_per_group", channels_per_group),
            ("strides", strides),
        ):
            if len(value) != 4:
                raise ValueError(
                    f"`{argument}` must be of length 4 not {len(value)}: there are "
                    "four groups."
                )
        self.resnet_v2 = resnet_v2
        created = {"create_scale": True, "create_offset": True}
        norm: Config = {
            **created,
            "decay_rate": 0.9,
            "eps": 1e-5,
            **(bn_config or {}),
        }
        conv: Config = {
            "output_channels": 64,
            "kernel_shape": 7,
            "stride": 2,
            "with_bias": False,
            "name": "initial_conv",
            **(initial_conv_config or {}),
        }
        self.initial_conv = Conv2D(**conv)
        if not resnet_v2:
            self.initial_batchnorm = BatchNorm(name="initial_batchnorm", **norm)
        self.block_groups = [
            BlockGroup(
                channels_per_group[i],
                blocks_per_group[i],
                strides[i],
                norm,
                resnet_v2,
                bottleneck,
                use_projection[i],
                name=f"block_group_{i}",
            )
            for i in range(4)
        ]
        if resnet_v2:
            self.final_batchnorm = BatchNorm(name="final_batchnorm", **norm)
        logits: Config = {"w_init": jnp.zeros, "name": "logits"}
        self.logits = Linear(num_classes, **{**logits, **(logits_config or {})})

    def __call__(
        self, inputs: jax.Array, is_training: bool, test_local_stats: bool = False
    ) -> jax.Array:
        """Classifies images.

        Args:
          inputs: `[batch, height, width, channels]`.
          is_training: See `BatchNorm`.
          test_local_stats: See `BatchNorm`.

        Returns:
          Logits, `[batch, num_classes]`.
        """
        out = self.initial_conv(inputs)
        if not self.resnet_v2:
            normed = self.initial_batchnorm(out, is_training, test_local_stats)
            out = jax.nn.relu(normed)
        out = max_pool(out, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
        for group in self.block_groups:
            out = group(out, is_training, test_local_stats)
        if self.resnet_v2:
            normed = self.final_batchnorm(out, is_training, test_local_stats)
            out = jax.nn.relu(normed)
        return self.logits(jnp.mean(out, axis=(1, 2)))


class _ResNetOfDepth(ResNet):
    _depth: int

    def __init__(
        self,
        num_classes: int,
        bn_config: Config | None = None,
        resnet_v2: bool = False,
        logits_config: Config | None = None,
        name: str | None = None,
        initial_conv_config: Config | None = None,
        strides: Sequence[int] = (1, 2, 2, 2),
    ):
        shape = self.CONFIGS[self._depth]
        super().__init__(
            num_classes=num_classes,
            bn_config=bn_config,
            resnet_v2=resnet_v2,
            strides=strides,
            logits_config=logits_config,
            initial_conv_config=initial_conv_config,
            name=name,
            **shape,
        )


class ResNet18(_ResNetOfDepth):
    """A `ResNet`, which explains the arguments, of 18 layers."""

    _depth = 18


class ResNet34(_ResNetOfDepth):
    """A `ResNet`, which explains the arguments, of 34 layers."""

    _depth = 34


class ResNet50(_ResNetOfDepth):
    """A `ResNet`, which explains the arguments, of 50 layers."""

    _depth = 50


class ResNet101(_ResNetOfDepth):
    """A `ResNet`, which explains the arguments, of 101 layers."""

    _depth = 101


class ResNet152(_ResNetOfDepth):
    """A `ResNet`, which explains the arguments, of 152 layers."""

    _depth = 152


class ResNet200(_ResNetOfDepth):
    """A `ResNet`, which explains the arguments, of 200 layers."""

    _depth = 200
