"""Cases of linear maps, embeddings, shapes, and modules of modules."""

import numpy as np

from .case import Case, dtype, integers

# Its own arrays have a dtype, whatever that of the inputs.
OWN_DTYPE = dict.fromkeys(["float64", "bfloat16"], "has arrays of one dtype")

CASES = [
    Case("Linear", lambda snt: snt.Linear(3), [(4, 2)]),
    Case("Linear of rank 3", lambda snt: snt.Linear(3, name="l"), [(4, 5, 2)]),
    Case("Linear without bias", lambda snt: snt.Linear(3, with_bias=False), [(4, 2)]),
    Case(
        "Linear with initial values",
        lambda snt: snt.Linear(
            3, w_init=snt.initializers.Ones(), b_init=snt.initializers.Constant(2.0)
        ),
        [(4, 2)],
    ),
    Case("ParallelLinears", lambda snt: snt.ParallelLinears(3), [(2, 4, 5)]),
    Case(
        "ParallelLinears without biases",
        lambda snt: snt.ParallelLinears(3, with_bias=False, name="p"),
        [(2, 4, 5)],
    ),
    Case("Bias", lambda snt: snt.Bias(), [(2, 3, 4)]),
    Case("Bias of a size", lambda snt: snt.Bias(output_size=(3, 4)), [(2, 3, 4)]),
    Case("Bias of a scalar", lambda snt: snt.Bias(bias_dims=[]), [(2, 3, 4)]),
    Case("Bias of the channels", lambda snt: snt.Bias(bias_dims=[-1]), [(2, 3, 4)]),
    Case("Bias of the middle", lambda snt: snt.Bias(bias_dims=[1]), [(2, 3, 4)]),
    Case(
        "Bias with a multiplier",
        lambda snt: snt.Bias(b_init=snt.initializers.Ones(), name="b"),
        [(2, 3)],
        calls=({"multiplier": -1}, {}),
    ),
    Case("Embed", lambda snt: snt.Embed(6, 4, dtype=dtype()), [integers(6, 2, 3)]),
    Case(
        "Embed of default size",
        lambda snt: snt.Embed(6),
        [integers(6, 2)],
        excluded={"bfloat16": "its default dtype is float32"},
    ),
    Case(
        "Embed densified",
        lambda snt: snt.Embed(6, 4, densify_gradients=True, dtype=dtype()),
        [integers(6, 2, 3)],
    ),
    Case(
        "Embed of known vectors",
        lambda snt: snt.Embed(
            existing_vocab=np.arange(6.0).reshape(3, 2),
            trainable=False,
            name="e",
            dtype=dtype(),
        ),
        [integers(3, 4)],
    ),
    Case(
        "Embed in half precision",
        lambda snt: snt.Embed(
            5, 2, initializer=snt.initializers.Ones(), dtype="float16"
        ),
        [integers(5, 4)],
        rtol=1e-3,
        excluded=OWN_DTYPE,
    ),
    Case("Flatten", lambda snt: snt.Flatten(), [(2, 3, 4)]),
    Case("Flatten behind two axes", lambda snt: snt.Flatten(2), [(2, 3, 4, 5)]),
    Case("Reshape", lambda snt: snt.Reshape([2, -1]), [(3, 4, 2)]),
    Case(
        "Reshape behind two axes",
        lambda snt: snt.Reshape((4, 1), preserve_dims=2, name="r"),
        [(3, 2, 4)],
    ),
    Case("reshape", lambda snt: lambda x: snt.reshape(x, [4, -1], 1), [(3, 2, 4)]),
    Case("flatten", lambda snt: lambda x: snt.flatten(x), [(3, 2, 4)]),
    Case(
        "Sequential",
        lambda snt: snt.Sequential([snt.Linear(3), snt.nn.relu, snt.Linear(2)]),
        [(4, 2)],
    ),
    Case("Sequential of nothing", lambda snt: snt.Sequential(), [(4, 2)]),
    Case(
        "Sequential with arguments for the first",
        lambda snt: snt.Sequential([snt.Bias(), snt.nn.tanh, snt.Linear(2)], "s"),
        [(4, 2)],
        calls=({"multiplier": 2.0}, {}),
    ),
    Case(
        "Sequential of a shared module",
        lambda snt: snt.Sequential([linear := snt.Linear(2), snt.nn.tanh, linear]),
        [(4, 2)],
    ),
    Case(
        "Dropout in evaluation",
        lambda snt: snt.Dropout(0.5),
        [(4, 2)],
        calls=({"is_training": False},),
    ),
    Case(
        "Dropout of nothing",
        lambda snt: snt.Dropout(0.0),
        [(4, 2)],
        calls=({"is_training": True},),
    ),
    Case(
        "Dropout",
        lambda snt: snt.Dropout(0.5, noise_shape=[None, 1], seed=3, name="d"),
        [(4, 2)],
        calls=({"is_training": True},),
        random=True,
    ),
    Case("BatchApply", lambda snt: snt.BatchApply(snt.Linear(2)), [(3, 4, 5)]),
    Case(
        "BatchApply of three axes and a nest",
        lambda snt: snt.BatchApply(
            lambda pair, scale: {"x": pair[0] * scale + pair[1], "none": None},
            num_dims=3,
        ),
        [[(2, 3, 4, 5), (2, 3, 4, 5)], ()],
    ),
    Case(
        "merge_leading_dims",
        lambda snt: (
            lambda x, y: (
                snt.merge_leading_dims(x, 2),
                snt.merge_leading_dims(y, 2),
            )
        ),
        [(3, 4, 5), (2,)],
    ),
    Case(
        "split_leading_dim",
        lambda snt: lambda x, y: snt.split_leading_dim(x, y, 2),
        [(12, 5), (3, 4)],
    ),
    Case("Deferred", lambda snt: snt.Deferred(lambda: snt.Linear(3)), [(4, 2)]),
    Case(
        "scale_gradient",
        lambda snt: lambda x: snt.scale_gradient(x, 0.3) ** 2,
        [(4, 2)],
    ),
    Case(
        "leaky_clip_by_value",
        lambda snt: lambda x: snt.leaky_clip_by_value(x, -0.5, 0.4),
        [(8, 5)],
    ),
    Case(
        "leaky_clip_by_value with limits of an axis",
        lambda snt: (
            lambda x: snt.leaky_clip_by_value(
                x,
                np.array([-0.5, 0.0], "float32"),
                np.array([0.4, 0.1], "float32"),
            )
        ),
        [(8, 2)],
        excluded=OWN_DTYPE,
    ),
    *(
        Case(
            f"regularizers.{name}",
            lambda snt, name=name: (
                lambda x, y: getattr(snt.regularizers, name)(0.3)([x, y])
            ),
            [(3, 4), (2, 3, 5)],
        )
        for name in ("L1", "L2", "OffDiagonalOrthogonal")
    ),
]
