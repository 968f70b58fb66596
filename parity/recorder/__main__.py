"""Records a Sonnet model: `python -m recorder model.py:build --input batch.npz`."""

from __future__ import annotations

from .process import main
from .sonnet_side import SonnetSide

main(SonnetSide)
