"""Recordings of a model with many layers, whose two sides drift apart as real ones do."""

import numpy as np
from sonnax.parity import Call, Recording, Run, Tolerance, compare_recordings

ROUNDING = {"float32": 6e-8, "float64": 1e-16}


def noisy(array, relative, rng):
    """Returns an array with relative noise in most of its elements."""
    noise = rng.normal(size=array.shape) * relative * (rng.random(array.shape) < 0.8)
    return (array * (1 + noise)).astype(array.dtype)


def layered_run(
    precision, layers, *, side="legacy", error_at=None, error=1e-2, steps=0, prefix="model"
):
    """Returns the run of a stack of layers.

    Args:
      precision: "float32" or "float64".
      layers: how many layers.
      side: "legacy", or "port" for one with rounding.
      error_at: the layer from which on the port has an error.
      error: its relative size.
      steps: of training.
      prefix: the beginning of all paths.
    """
    rng, noise_rng = np.random.default_rng(0), np.random.default_rng(1)
    noise = ROUNDING[precision] if side == "port" else 0.0

    def array(shape, grown=1.0, wrong=False):
        exact = rng.normal(size=shape).astype(precision)
        amount = noise * grown + (error if wrong and side == "port" else 0.0)
        return noisy(exact, amount, noise_rng) if amount else exact

    calls, variables, gradients = [], {}, {}
    given = array([8, 16], grown=0)
    for i in range(layers):
        path = f"{prefix}/layers/{i}"
        wrong = error_at is not None and i >= error_at
        # A layer that only reshapes or copies adds no rounding.
        returned = array([8, 16], (1 + i) ** 0.5 if i % 5 else 0, wrong)
        kind = ("Linear", "LayerNorm", "Conv2D")[i % 3]
        fields = {"name": kind.lower(), "type": kind, "method": "__call__", "number": 0}
        calls.append(
            Call(
                path=path,
                parent=None,
                entered=2 * i + 1,
                left=2 * i + 2,
                inputs={"0": given},
                outputs={"": returned},
                **fields,
            )
        )
        variables[f"{path}/w"] = array([16, 16], grown=0)
        gradients[f"{path}/w"] = array([16, 16], 3, wrong)
        given = returned
    growth = [array([], 2.0**k / 8) for k in range(steps.bit_length())]
    losses = [
        float(np.float32(3 / (1 + i / 5)) * (1 + noise * 1.3**min(i, 60) * np.sin(i)))
        for i in range(steps)
    ]
    trained = {
        2**k: {p: noisy(v, noise * 2.0**k, noise_rng) if noise else v for p, v in variables.items()}
        for k in range(len(growth))
    }
    return Run(calls, variables, list(variables), 3.0, gradients, losses, trained)


def layered(layers=12, precisions=("float32", "float64"), **options):
    """Returns the comparison of two sides of a stack of layers."""
    recordings = [
        Recording(
            source,
            {"python": "3.11.2", library: "2.0.2"},
            {"images": np.zeros([8, 16], np.float32)},
            {p: layered_run(p, layers, side=side, **options) for p in precisions},
            checkpoint="first" if side == "legacy" else None,
        )
        for side, source, library in (
            ("legacy", "legacy/model.py:build", "dm-sonnet"),
            ("port", "ported/model.py:build", "sonnax"),
        )
    ]
    return compare_recordings(*recordings, Tolerance())
