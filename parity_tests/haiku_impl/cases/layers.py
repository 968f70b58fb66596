"""Cases of the basic layers and of the initialisers."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .case import Case, called, initial, key

IDS = np.array([[0, 3], [5, 1]], np.int32)

INITIALIZERS = [
    Case(
        f"initializers.{name} {shape}",
        lambda hk, name=name, shape=shape: lambda x: initial(hk, name)(shape, x.dtype),
        [(1,)],
    )
    for name, shapes in {
        "constant": [(2, 3)],
        "normal": [(), (4, 3)],
        "truncated": [(4, 3)],
        "uniform": [(4, 3)],
        "he_uniform": [(5,), (4, 3)],
        "glorot_normal": [(3, 3, 4, 2)],
        "out_normal": [(3, 4, 2)],
        "heads": [(3, 4, 2)],
        "uniform_scaling": [(4, 3)],
        "orthogonal": [(4, 3), (3, 4), (2, 3, 4)],
        "orthogonal_rows": [(3, 4), (2, 3, 4)],
        "identity": [(3, 4), (2, 3, 3)],
    }.items()
    for shape in shapes
]

BASIC = [
    Case("Linear", lambda hk: hk.Linear(3), [(2, 4)]),
    Case("Linear of a vector", lambda hk: hk.Linear(3), [(4,)]),
    Case("Linear of a sequence", lambda hk: hk.Linear(3), [(2, 5, 4)]),
    Case("Linear without bias", lambda hk: hk.Linear(3, with_bias=False), [(2, 4)]),
    Case(
        "Linear with initial values",
        lambda hk: hk.Linear(
            3, w_init=initial(hk, "uniform"), b_init=initial(hk, "normal"), name="mine"
        ),
        [(2, 4)],
    ),
    Case(
        "Linear with precision",
        lambda hk: called(hk.Linear(3), precision=jax.lax.Precision.HIGHEST),
        [(2, 4)],
    ),
    Case("Bias", lambda hk: hk.Bias(b_init=initial(hk, "normal")), [(2, 3, 4)]),
    Case("Bias with a size", lambda hk: hk.Bias(output_size=(3, 4)), [(2, 3, 4)]),
    Case("Bias, scalar", lambda hk: hk.Bias(bias_dims=[]), [(2, 3, 4)]),
    Case("Bias of the last", lambda hk: hk.Bias(bias_dims=[-1]), [(2, 3, 4)]),
    Case("Bias of the second", lambda hk: hk.Bias(bias_dims=[1]), [(2, 3, 4)]),
    Case("Bias, multiplied", lambda hk: called(hk.Bias(name="b"), -1), [(2, 3)]),
    Case(
        "Sequential",
        lambda hk: hk.Sequential([hk.Linear(4), jax.nn.relu, hk.Linear(2)], name="s"),
        [(2, 3)],
    ),
    Case("Sequential of nothing", lambda hk: hk.Sequential([]), [(2, 3)]),
    Case(
        "Sequential with arguments",
        lambda hk: called(hk.Sequential([jnp.add, jnp.sin]), 1.0),
        [(2, 3)],
    ),
    Case("Reshape", lambda hk: hk.Reshape((2, -1), name="r"), [(2, 3, 4)]),
    Case("Reshape, trailing", lambda hk: hk.Reshape((12,), -2), [(5, 2, 3, 4)]),
    Case("Reshape, preserving", lambda hk: hk.Reshape((2, 2), 2), [(2, 3, 4)]),
    Case("Reshape of too little", lambda hk: hk.Reshape((2, 2), 2), [(2, 3)]),
    Case("Flatten", lambda hk: hk.Flatten(name="f"), [(2, 3, 4)]),
    Case("Flatten, preserving", lambda hk: hk.Flatten(2), [(2, 3, 4, 5)]),
    Case(
        "BatchApply",
        lambda hk: called(hk.BatchApply(hk.Linear(3), num_dims=2)),
        [(2, 3, 4)],
    ),
    Case(
        "BatchApply of three",
        lambda hk: hk.BatchApply(lambda x, y: {"sum": x + y}, 3),
        [(2, 3, 4), ()],
    ),
    Case("expand_apply", lambda hk: hk.expand_apply(hk.Linear(3)), [(4,)]),
    Case("expand_apply, last", lambda hk: hk.expand_apply(jnp.cumsum, -1), [(1,)]),
    Case("one_hot", lambda hk: called(hk.one_hot, 4), [IDS]),
    Case("one_hot, dtype", lambda hk: called(hk.one_hot, 4, jnp.int8), [IDS]),
    Case("multinomial", lambda hk: lambda x: hk.multinomial(key(), x, 3), [(2, 4)]),
    Case("multinomial, one", lambda hk: lambda x: hk.multinomial(key(), x, 1), [(4,)]),
    Case("dropout", lambda hk: lambda x: hk.dropout(key(), 0.3, x), [(4, 5)]),
    Case("dropout of nothing", lambda hk: lambda x: hk.dropout(key(), 0.0, x), [(4,)]),
    Case(
        "dropout, broadcast",
        lambda hk: lambda x: hk.dropout(key(), np.float16(0.3), x, broadcast_dims=[1]),
        [(4, 5)],
    ),
    Case(
        "dropout, traced rate",
        lambda hk: lambda x, r: hk.dropout(key(), r, x),
        [(4, 5), np.float32(0.3)],
    ),
    Case(
        "Deferred",
        lambda hk: deferred_autoencoder(hk),
        [(2, 4)],
    ),
    Case("Embed", lambda hk: hk.Embed(6, 3, name="e"), [IDS]),
    Case(
        "Embed with initial values",
        lambda hk: hk.Embed(6, 3, w_init=initial(hk, "uniform")),
        [IDS],
    ),
    Case("Embed of a matrix", lambda hk: hk.Embed(embedding_matrix=np.eye(6)), [IDS]),
    Case("Embed by one-hot", lambda hk: hk.Embed(6, 3, lookup_style="one_hot"), [IDS]),
    Case(
        "Embed by one-hot with precision",
        lambda hk: called(
            hk.Embed(6, 3, precision=jax.lax.Precision.HIGH),
            lookup_style=hk.EmbedLookupStyle.ONE_HOT,
        ),
        [IDS],
    ),
]


def deferred_autoencoder(hk: Any) -> Any:
    class Autoencoder(hk.Module):
        def __init__(self):
            super().__init__()
            self.encoder = hk.Linear(3)
            self.decoder = hk.Deferred(
                lambda: hk.Linear(self.encoder.input_size, name="decoder")
            )

        def __call__(self, x):
            return self.decoder(self.encoder(x))

    return Autoencoder()
