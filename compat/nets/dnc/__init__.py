"""Parts of differentiable neural computers (Graves et al., 2016)."""

from . import control, read, util, write

__all__ = ["control", "read", "util", "write"]
