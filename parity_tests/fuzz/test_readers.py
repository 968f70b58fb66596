"""The seeds of every reader, and mutations of them, within a time and a memory."""

import signal
import zlib

import numpy as np
import pytest

from ..converters.conftest import limits
from .mutation import mutated
from .readers import FAMILY, READERS
from .seeds import SEEDS, SOUND
from .tensorflow_crashes import v1_crashes, v2_crashes

__all__ = ["limits"]  # a fixture of the readers' own tests
MUTATIONS = 150
SECONDS = 20


def error_of(name, data):
    """Reads the bytes within a time; returns the error that refuses them."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        READERS[name](data)
    except FAMILY as error:
        return error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


@pytest.mark.parametrize("name", READERS)
def test_what_real_writers_wrote_is_read(name):
    for data in SOUND[name]:
        READERS[name](data)


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize("name", READERS)
def test_seeds_and_their_mutations_are_read_or_refused(name):
    errors = [error_of(name, seed) for seed in SEEDS[name]]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    for i in range(MUTATIONS):
        seed = SEEDS[name][i % len(SEEDS[name])]
        errors.append(error_of(name, mutated(seed, rng)))
    assert not any("\n" in str(error) for error in errors)
    assert sum(error is not None for error in errors) > 10


CRASHES = {"v2_index": v2_crashes(), "v1_table": v1_crashes()}


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize("name", CRASHES)
def test_what_crashes_tensorflow_is_refused(name):
    for data in CRASHES[name]:
        assert error_of(name, data) is not None, data
