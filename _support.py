"""What sonnax runs on: anything older gets one sentence instead of a traceback."""

# Python 3.6 can read this file, so that it can say what is wrong.
import sys

LOWEST_PYTHON = (3, 11)
LOWEST_JAX = (0, 10, 0)


def check_python() -> None:
    """Checks the Python that runs.

    Raises:
      ImportError: it is older than sonnax supports.
    """
    if sys.version_info < LOWEST_PYTHON:
        raise ImportError(
            "sonnax supports Python 3.11 to 3.13, and this is Python "
            f"{sys.version_info[0]}.{sys.version_info[1]}: install it in one of those."
        )


def check_jax() -> None:
    """Checks the JAX that is installed, which is imported for it.

    Raises:
      ImportError: it is older than sonnax supports.
    """
    import jax

    if jax.__version_info__ < LOWEST_JAX:
        raise ImportError(
            f"sonnax supports jax 0.10.0 and newer, and jax {jax.__version__} is "
            "installed: upgrade it with pip install --upgrade jax."
        )
