"""Sonnet 2 modules, optimizers and functional transforms on JAX."""
