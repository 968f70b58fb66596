"""XLA's options for programs that run once, of which none needs jax to be imported."""

import importlib.metadata

_JAXLIB = tuple(map(int, importlib.metadata.version("jaxlib").split(".")[:3]))

# To compile a program well would take longer than it saves.
OPTIONS: dict[str, int | bool] = {"xla_backend_optimization_level": 0}
if _JAXLIB < (0, 11, 2):
    # Such programs of bfloat16 end the process there; later versions lack the option.
    OPTIONS["xla_cpu_use_fusion_emitters"] = False


def flags() -> str:
    """Returns the options as XLA_FLAGS has them.

    Example:
      >>> "--xla_backend_optimization_level=0" in flags()
      True
    """
    return " ".join(f"--{name}={str(value).lower()}" for name, value in OPTIONS.items())
