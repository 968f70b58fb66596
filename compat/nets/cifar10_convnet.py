"""A convolutional network for CIFAR-10."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..core.module import Module
from ..core.typing import ArrayLike, BoolLike, Initializer
from ..layers.batch_norm import BatchNorm
from ..layers.conv import Conv2D
from ..layers.linear import Linear


class Cifar10ConvNet(Module):
    """A VGG (Simonyan and Zisserman, 2014) with strides for pooling, and batch norm.

    Images are best scaled to [-1, 1].

    Args:
      num_classes: how many classes there are.
      w_init: the initializer of weights, by default that of each layer.
      b_init: the initializer of biases, by default zeros.
      data_format: where images have their channels, "NHWC" or "NCHW".
      output_channels: the number of channels of each convolution.
      strides: the stride of each convolution.
      name: the module's name.

    Raises:
      ValueError: if there are not as many strides as numbers of channels.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> net = snt.nets.Cifar10ConvNet(output_channels=(4, 8), strides=(1, 2))
    >>> outputs = net(jnp.ones([2, 8, 8, 3]), is_training=True)
    >>> outputs["logits"].shape, [a.shape for a in outputs["activations"]]
    ((2, 10), [(2, 8, 8, 4), (2, 4, 4, 8), (2, 8)])
    """

    def __init__(
        self,
        num_classes: int = 10,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NHWC",
        output_channels: Sequence[int] = (
            *(64, 64),
            *(128, 128, 128),
            *(256, 256, 256),
            *(512, 512, 512),
        ),
        strides: Sequence[int] = (1, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1),
        name: str | None = None,
    ):
        super().__init__(name=name)
        if len(strides) != len(output_channels):
            raise ValueError(
                "The numbers of output_channels and strides must be equal: they are "
                f"{len(output_channels)} and {len(strides)}."
            )
        self._num_classes = num_classes
        self._data_format = data_format
        self._conv_modules = [
            Conv2D(
                output_channels=channels,
                kernel_shape=[3, 3],
                stride=stride,
                w_init=w_init,
                b_init=b_init,
                data_format=data_format,
                name=f"conv_2d_{i}",
            )
            for i, (channels, stride) in enumerate(zip(output_channels, strides))
        ]
        self._bn_modules = [
            BatchNorm(
                create_offset=True,
                create_scale=False,
                decay_rate=0.999,
                data_format=data_format,
                name=f"batch_norm_{i}",
            )
            for i in range(len(strides))
        ]
        self._logits_module = Linear(
            num_classes, w_init=w_init, b_init=b_init, name="logits"
        )

    def __call__(
        self, inputs: ArrayLike, is_training: BoolLike, test_local_stats: bool = True
    ) -> dict[str, Any]:
        """Classifies images.

        Args:
          inputs: `[batch, height, width, channels]`, or as the data format has it.
          is_training: whether batch norms learn.
          test_local_stats: whether they use the batch's own statistics when they do
            not learn.

        Returns:
          `"logits"`, `[batch, num_classes]`, and `"activations"`, a list of what each
          layer put out, the last of them `[batch, channels]`.
        """
        activations = []
        net: Any = inputs
        for conv, norm in zip(self._conv_modules, self._bn_modules):
            net = norm(
                conv(net), is_training=is_training, test_local_stats=test_local_stats
            )
            net = jax.nn.relu(net)
            activations.append(net)
        # Sonnet takes the mean over these axes in every data format.
        flat_output = jnp.mean(net, axis=(1, 2))
        activations.append(flat_output)
        logits = self._logits_module(flat_output)
        return {"logits": logits, "activations": activations}
