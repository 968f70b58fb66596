"""TRFL losses and value operations on JAX."""
