"""Every argument of every function of TRFL has a value of its own in some case."""

import inspect
import types

import numpy as np
import pytest

from sonnax import compat as snt
from sonnax.parity_tests.trfl import test_losses
from sonnax.parity_tests.trfl.trfl_parity import OURS, THEIRS, cast, jax_tfp, tf, tfp
from sonnax.parity_tests.witness import Witness

VALUES = np.array([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]], np.float32)
LEGAL = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]], np.float32)


class Fakes:
    """Sonnet's Variables for ours, TensorFlow's for theirs, with a counter."""
