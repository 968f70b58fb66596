"""Cases of whole networks."""

from .case import Case, dtype

TRAIN_TWICE_THEN_TEST = (
    {"is_training": True},
    {"is_training": True},
    {"is_training": False},
)
BATCH_NORM = {"create_scale": True, "create_offset": True, "decay_rate": 0.9}
FUSED = {
    "float64": "TensorFlow's fused batch norm, which images get, has float32 alone",
    "gradients": "some are zero but for rounding: test_nets.py compares them",
}


def small_resnet(snt, **options):
    return snt.nets.ResNet(
        [1, 2, 1, 1], 3, channels_per_group_list=[4, 8, 8, 4], **options
    )


def reversed_mlp(snt):
    class AutoEncoder(snt.Module):
        def __init__(self):
            super().__init__(name="auto_encoder")
            self.encoder = snt.nets.MLP([4, 2], activation=snt.nn.tanh)
            self.decoder = None

        def __call__(self, inputs):
            code = self.encoder(inputs)
            if self.decoder is None:
                self.decoder = self.encoder.reverse(activate_final=True)
            return self.decoder(code)

    return AutoEncoder()


CASES = [
    Case("MLP", lambda snt: snt.nets.MLP([4, 3]), [(5, 2)]),
    Case(
        "MLP with every option",
        lambda snt: snt.nets.MLP(
            [4, 3],
            w_init=snt.initializers.Ones(),
            with_bias=False,
            activation=snt.nn.tanh,
            activate_final=True,
            name="no_bias",
        ),
        [(5, 2)],
    ),
    Case(
        "MLP with dropout",
        lambda snt: snt.nets.MLP([4, 3], dropout_rate=0.5, activate_final=True),
        [(5, 2)],
        calls=({"is_training": True},),
        random=True,
    ),
    Case(
        "MLP without its dropout",
        lambda snt: snt.nets.MLP([4, 3], dropout_rate=0.5),
        [(5, 2)],
        calls=({"is_training": False},),
    ),
    Case("MLP reversed", reversed_mlp, [(5, 3)]),
    Case(
        "Cifar10ConvNet",
        lambda snt: snt.nets.Cifar10ConvNet(
            num_classes=3, output_channels=(2, 4), strides=(1, 2)
        ),
        [(3, 6, 6, 3)],
        calls=(
            *TRAIN_TWICE_THEN_TEST,
            {"is_training": False, "test_local_stats": False},
        ),
        excluded=FUSED,
    ),
    Case(
        "ResNet",
        small_resnet,
        [(4, 32, 32, 3)],
        calls=TRAIN_TWICE_THEN_TEST,
        # Fifteen layers, normalised by the moments of a few values each.
        rtol=2e-4,
        excluded=FUSED,
    ),
    Case(
        "ResNet of version 2",
        lambda snt: small_resnet(
            snt, resnet_v2=True, bn_config={"decay_rate": 0.5, "eps": 1e-3}
        ),
        [(4, 32, 32, 3)],
        calls=TRAIN_TWICE_THEN_TEST,
        rtol=2e-4,
        excluded=FUSED,
    ),
    *(
        Case(
            f"resnet.BottleNeckBlockV{version}",
            lambda snt, version=version: getattr(
                snt.nets.resnet, f"BottleNeckBlockV{version}"
            )(8, stride=2, use_projection=True, bn_config=BATCH_NORM),
            [(3, 6, 6, 4)],
            calls=TRAIN_TWICE_THEN_TEST,
            excluded=FUSED,
        )
        for version in (1, 2)
    ),
    Case(
        "resnet.BlockGroup",
        lambda snt: snt.nets.resnet.BlockGroup(8, 2, 1, bn_config=BATCH_NORM),
        [(3, 4, 4, 4)],
        calls=TRAIN_TWICE_THEN_TEST,
        rtol=5e-5,
        excluded=FUSED,
    ),
    Case(
        "VectorQuantizer",
        lambda snt: snt.nets.VectorQuantizer(4, 6, 0.25, dtype=dtype()),
        [(3, 2, 4)],
        calls=({"is_training": True}, {"is_training": False}),
    ),
    Case(
        "VectorQuantizerEMA",
        lambda snt: snt.nets.VectorQuantizerEMA(4, 3, 0.25, 0.9, dtype=dtype()),
        [(7, 2, 4)],
        calls=TRAIN_TWICE_THEN_TEST,
    ),
]
