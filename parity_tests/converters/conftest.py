"""A sound checkpoint, and limits of memory and time for reading unsound ones."""

import resource
import signal

import pytest

from sonnax import converters

from .crafted_checkpoints import GRAPH, TENSORS
from .guarded_reading import SECONDS

MEMORY = 256 << 20


@pytest.fixture
def limits():
    """Limits the memory and the time that a test's reads may take."""
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))

    def stop(*_):
        raise TimeoutError(f"a read took more than {SECONDS} s")

    previous = signal.signal(signal.SIGALRM, stop)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, previous)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture
def sound(tmp_path):
    """The prefix of a sound checkpoint."""
    prefix = str(tmp_path / "sound")
    converters.write_bundle(prefix, TENSORS, GRAPH)
    return prefix
