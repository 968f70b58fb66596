"""Sonnet models on JAX: their code, their checkpoints, their training state.

The subpackages are imported one by one, so that reading a checkpoint does not
cost an import of jax:

    from sonnax import compat as snt          # Sonnet 2's API
    from sonnax import haiku_impl as hk       # Haiku's API: the transform core
    from sonnax import rlax_impl as rlax      # RLax's API
    from sonnax.compat import trfl            # TRFL's API
    from sonnax import converters             # TensorFlow checkpoints <-> JAX
"""

from ._support import check_python
from ._version import __version__

check_python()

__all__ = ["__version__"]
