"""Residual networks for images."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ...haiku_impl.numerics.pooling import max_pool
from ..core.module import Module
from ..core.typing import ArrayLike, BoolLike
from ..initializers import Zeros
from ..layers.linear import Linear
from .resnet_blocks import BlockGroup, scaled_norm, unbiased_conv
from .resnet_blocks import BottleNeckBlockV1 as BottleNeckBlockV1
from .resnet_blocks import BottleNeckBlockV2 as BottleNeckBlockV2


class ResNet(Module):
    """A residual network, after He et al., 2015 (v1) and 2016 (v2).

    Args:
      blocks_per_group_list: the number of blocks in each of the 4 groups.
      num_classes: how many classes there are.
      bn_config: arguments of the batch norms, by default `decay_rate` 0.9 and `eps`
        1e-5.
      resnet_v2: whether blocks are of version 2.
      channels_per_group_list: the number of channels in each of the 4 groups.
      name: the module's name.

    Raises:
      ValueError: if there are not 4 groups.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> net = snt.nets.ResNet([1, 1, 1, 1], 10, channels_per_group_list=[8, 8, 8, 8])
    >>> net(jnp.ones([1, 32, 32, 3]), is_training=True).shape
    (1, 10)
    """

    def __init__(
        self,
        blocks_per_group_list: Sequence[int],
        num_classes: int,
        bn_config: Mapping[str, Any] | None = None,
        resnet_v2: bool = False,
        channels_per_group_list: Sequence[int] = (256, 512, 1024, 2048),
        name: str | None = None,
    ):
        super().__init__(name=name)
        for argument, value in (
            ("blocks_per_group_list", blocks_per_group_list),
            ("channels_per_group_list", channels_per_group_list),
        ):
            if len(value) != 4:
                raise ValueError(
                    f"`{argument}` must be of length 4 not {len(value)}: {value}."
                )
        if bn_config is None:
            bn_config = {"decay_rate": 0.9, "eps": 1e-5}
        self._resnet_v2 = resnet_v2
        self._initial_conv = unbiased_conv(64, 7, 2, "initial_conv")
        if not resnet_v2:
            self._initial_batchnorm = scaled_norm(bn_config, "initial_batchnorm")
        self._block_groups = [
            BlockGroup(
                channels=channels,
                num_blocks=num_blocks,
                stride=1 if i == 0 else 2,
                bn_config=bn_config,
                resnet_v2=resnet_v2,
                name=f"block_group_{i}",
            )
            for i, (channels, num_blocks) in enumerate(
                zip(channels_per_group_list, blocks_per_group_list)
            )
        ]
        if resnet_v2:
            self._final_batchnorm = scaled_norm(bn_config, "final_batchnorm")
        self._logits = Linear(output_size=num_classes, w_init=Zeros(), name="logits")

    def __call__(self, inputs: ArrayLike, is_training: BoolLike) -> jax.Array:
        """Classifies images.

        Args:
          inputs: `[batch, height, width, channels]`.
          is_training: whether batch norms learn.

        Returns:
          Logits, `[batch, num_classes]`.
        """
        net = self._initial_conv(inputs)
        if not self._resnet_v2:
            net = jax.nn.relu(self._initial_batchnorm(net, is_training=is_training))
        net = max_pool(net, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
        for group in self._block_groups:
            net = group(net, is_training)
        if self._resnet_v2:
            net = jax.nn.relu(self._final_batchnorm(net, is_training=is_training))
        return self._logits(jnp.mean(net, axis=(1, 2)))


class ResNet50(ResNet):
    """A residual network of 50 layers.

    Args:
      num_classes: how many classes there are.
      bn_config: as for `ResNet`.
      resnet_v2: as for `ResNet`.
      name: the module's name.

    >>> from sonnax import compat as snt
    >>> snt.nets.ResNet50(1000).name
    'res_net50'
    """

    def __init__(
        self,
        num_classes: int,
        bn_config: Mapping[str, Any] | None = None,
        resnet_v2: bool = False,
        name: str | None = None,
    ):
        super().__init__(
            [3, 4, 6, 3],
            num_classes=num_classes,
            bn_config=bn_config,
            resnet_v2=resnet_v2,
            name=name,
        )
