"""Recordings of a model of many layers, with the rounding that real ones have."""

import numpy as np

from sonnax.parity import Recording, Run, Tolerance, compare_recordings

from .recordings import call

_ROUNDING = {"float32": 6e-8, "float64": 1e-16}
_TYPES = ("Linear", "LayerNorm", "Conv2D")


def layered(layers=12, precisions=("float32", "float64"), **options):
    """Returns the comparison of two sides of a stack of layers.

    Args:
      layers: how many layers.
      precisions: in which both sides ran.
      **options: `steps` of training; `error_at`, the first layer that is wrong.
    """
    sides = (
        ("legacy/model.py:build", {"python": "3.11.2", "sonnet": "2.0.2"}, "made"),
        ("ported/model.py:build", {"python": "3.11.2", "sonnax": "0.1.0"}, None),
    )
    recordings = [
        Recording(
            source,
            versions,
            {"images": np.zeros([8, 16], np.float32)},
            {p: _run(p, layers, rounds=not made, **options) for p in precisions},
            checkpoint=made,
        )
        for source, versions, made in sides
    ]
    return compare_recordings(*recordings, Tolerance())


def _run(precision, layers, rounds, steps=0, error_at=None):
    exact_rng, noise_rng = np.random.default_rng(0), np.random.default_rng(1)
    noise = _ROUNDING[precision] if rounds else 0.0

    def array(shape, relative=0.0):
        exact = exact_rng.normal(size=shape)
        drawn = noise_rng.normal(size=shape) * (noise_rng.random(shape) < 0.8)
        return (exact * (1 + relative * drawn)).astype(precision)

    calls, variables, gradients = [], {}, {}
    given = array([8, 16])
    for i in range(layers):
        path, time = f"model/layers/{i}", 2 * i
        is_wrong = rounds and error_at is not None and i >= error_at
        # A layer that only moves numbers adds no rounding.
        relative = 1e-2 if is_wrong else noise * (1 + i) ** 0.5 if i % 5 else 0.0
        returned = array([8, 16], relative)
        arrays = {"inputs": {"0": given}, "outputs": {"": returned}}
        made = call(path, time, time + 1, type=_TYPES[i % 3], name=path)
        vars(made).update(arrays)
        calls.append(made)
        variables[f"{path}/w"] = array([16, 16])
        gradients[f"{path}/w"] = array([16, 16], 1e-2 if is_wrong else 3 * noise)
        given = returned
    return Run(
        calls=calls,
        variables=variables,
        loss=3.0,
        gradients=gradients,
        losses=[3 / (1 + i / 5) + noise * i * np.sin(i) for i in range(steps)],
        trained={
            2**k: {p: v * (1 + noise * 2**k * np.cos(k)) for p, v in variables.items()}
            for k in range(steps.bit_length())
        },
    )
