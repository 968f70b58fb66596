"""Settings for every test, made before any library is imported."""

import os
import pathlib

from sonnax.parity_tests.quick_compilation import flags

# TensorFlow stays off the GPU and says nothing; JAX runs on the CPU unless told.
os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("SONNAX_TEST_GPUS", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Most programs run once: to compile them well takes twice as long as it saves. With
# XLA_FLAGS= (set, but empty) they are compiled as they are for users.
os.environ.setdefault("XLA_FLAGS", flags())


def pytest_addoption(parser):
    parser.addoption(
        "--results",
        type=lambda path: pathlib.Path(path).resolve(),
        metavar="FILE",
        help="write the differences that the tests find to FILE, as Markdown",
    )


def pytest_configure(config):
    if path := config.getoption("--results"):
        from sonnax.parity_tests.ledger import open_ledger
        from sonnax.parity_tests.results import Recorder

        config.pluginmanager.register(Recorder(config, path, open_ledger()))
