"""Cases of convolutions."""

from typing import Any

from .case import Case

X1, X2, X3 = (2, 6, 3), (2, 6, 5, 3), (2, 4, 3, 5, 2)


class ChannelsFirst:
    """Runs a module of channels last on channels first: TensorFlow's on a CPU."""

    def __init__(self, module: Any, snt: Any):
        self.module = module
        self.snt = snt

    def __call__(self, x: Any) -> Any:
        move = self.snt.numpy.moveaxis
        return move(self.module(move(x, 1, -1)), -1, 1)

    @property
    def variables(self) -> Any:
        return self.module.variables

    @property
    def trainable_variables(self) -> Any:
        return self.module.trainable_variables


def first(name: str, shape: tuple[int, ...], formats: str, *args: Any, **kwargs: Any):
    """A case with channels first, whose reference has them last."""
    cls = name.partition(" ")[0]
    return Case(
        name,
        lambda snt: getattr(snt, cls)(*args, **kwargs, data_format=formats),
        [shape],
        reference=lambda snt: ChannelsFirst(getattr(snt, cls)(*args, **kwargs), snt),
    )


CASES = [
    Case("Conv1D", lambda snt: snt.Conv1D(4, 3), [X1]),
    Case("Conv1D VALID", lambda snt: snt.Conv1D(4, [2], padding="VALID"), [X1]),
    Case("Conv1D stride", lambda snt: snt.Conv1D(4, 3, stride=2, name="c"), [X1]),
    Case("Conv1D rate", lambda snt: snt.Conv1D(4, 3, rate=2), [X1]),
    Case(
        "Conv1D causal",
        lambda snt: snt.Conv1D(4, 3, rate=2, padding=snt.pad.causal),
        [X1],
    ),
    Case(
        "Conv1D reverse causal",
        lambda snt: snt.Conv1D(4, 3, padding=[snt.pad.reverse_causal]),
        [X1],
    ),
    first("Conv1D first", (2, 3, 6), "NCW", 4, 3, stride=2),
    Case("Conv2D", lambda snt: snt.Conv2D(4, 3), [X2]),
    Case("Conv2D lower case", lambda snt: snt.Conv2D(4, 3, padding="same"), [X2]),
    Case("Conv2D VALID", lambda snt: snt.Conv2D(4, [3, 2], padding="valid"), [X2]),
    Case("Conv2D stride", lambda snt: snt.Conv2D(4, (4, 3), stride=[2, 1]), [X2]),
    Case("Conv2D rate", lambda snt: snt.Conv2D(4, 2, rate=[1, 2]), [X2]),
    Case(
        "Conv2D same of snt.pad",
        lambda snt: snt.Conv2D(4, 4, stride=2, padding=snt.pad.same),
        [X2],
    ),
    Case(
        "Conv2D of two paddings",
        lambda snt: snt.Conv2D(4, 3, padding=[snt.pad.full, snt.pad.valid]),
        [X2],
    ),
    Case(
        "Conv2D without bias",
        lambda snt: snt.Conv2D(4, 3, with_bias=False, w_init=snt.initializers.Ones()),
        [X2],
    ),
    first("Conv2D first", (2, 3, 6, 5), "NCHW", 4, 3),
    Case("Conv3D", lambda snt: snt.Conv3D(3, 2), [X3]),
    Case(
        "Conv3D VALID with strides",
        lambda snt: snt.Conv3D(
            3, [2, 1, 3], stride=[1, 1, 2], padding="VALID", name="volumes"
        ),
        [X3],
    ),
    first("Conv3D first", (2, 2, 4, 3, 5), "NCDHW", 3, 2),
    Case(
        "ConvND",
        lambda snt: snt.ConvND(2, 4, 3, data_format="NHWC", name="conv"),
        [X2],
    ),
    Case(
        "pad.create",
        lambda snt: (
            lambda x: snt.numpy.pad(
                x,
                snt.pad.create([snt.pad.causal, snt.pad.same], [3, 2], [2, 1], 2, -1),
                "constant",
            )
        ),
        [X2],
    ),
    Case("Conv1DTranspose", lambda snt: snt.Conv1DTranspose(4, 3), [X1]),
    Case(
        "Conv1DTranspose VALID",
        lambda snt: snt.Conv1DTranspose(4, 3, stride=2, padding="VALID"),
        [X1],
    ),
    first("Conv1DTranspose first", (2, 3, 6), "NCW", 4, 3, stride=2),
    Case("Conv2DTranspose", lambda snt: snt.Conv2DTranspose(4, 3, stride=2), [X2]),
    Case(
        "Conv2DTranspose VALID",
        lambda snt: snt.Conv2DTranspose(4, [3, 2], stride=[2, 1], padding="VALID"),
        [X2],
    ),
    Case(
        "Conv2DTranspose of a shape",
        lambda snt: snt.Conv2DTranspose(4, 3, output_shape=[11, 10], stride=2),
        [X2],
    ),
    Case(
        "Conv2DTranspose without bias",
        lambda snt: snt.Conv2DTranspose(
            4, 2, stride=3, with_bias=False, w_init=snt.initializers.Ones(), name="t"
        ),
        [X2],
    ),
    first("Conv2DTranspose first", (2, 3, 6, 5), "NCHW", 4, 3, stride=2),
    Case("Conv3DTranspose", lambda snt: snt.Conv3DTranspose(3, 2, stride=2), [X3]),
    Case(
        "Conv3DTranspose VALID",
        lambda snt: snt.Conv3DTranspose(
            3, 2, padding="VALID", b_init=snt.initializers.Ones()
        ),
        [X3],
    ),
    first("Conv3DTranspose first", (2, 2, 4, 3, 5), "NCDHW", 3, 2),
    Case("DepthwiseConv2D", lambda snt: snt.DepthwiseConv2D(3), [X2]),
    Case(
        "DepthwiseConv2D with a multiplier",
        lambda snt: snt.DepthwiseConv2D(
            [3, 2], channel_multiplier=2, stride=2, padding="VALID", name="d"
        ),
        [X2],
    ),
    Case("DepthwiseConv2D rate", lambda snt: snt.DepthwiseConv2D(2, rate=2), [X2]),
    Case(
        "DepthwiseConv2D without bias",
        lambda snt: snt.DepthwiseConv2D(
            3, with_bias=False, w_init=snt.initializers.Ones()
        ),
        [X2],
    ),
    first("DepthwiseConv2D first", (2, 3, 6, 5), "NCHW", 3, 2),
]
