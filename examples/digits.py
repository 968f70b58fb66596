"""Handwritten digits, 8 x 8 pixels: those that scikit-learn brings along."""

from collections.abc import Iterator

import numpy as np
from sklearn.datasets import load_digits


def load() -> tuple[np.ndarray, np.ndarray]:
    """Returns images in [-1, 1], `[1797, 8, 8, 1]`, and labels, `[1797]`, shuffled."""
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    images = pixels[order].reshape(-1, 8, 8, 1) / 8 - 1
    return images.astype("float32"), labels[order].astype("int32")


def batches(
    images: np.ndarray, labels: np.ndarray, size: int, seed: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draws batches without end."""
    rng = np.random.default_rng(seed)
    while True:
        rows = rng.choice(len(labels), size, replace=False)
        yield images[rows], labels[rows]
