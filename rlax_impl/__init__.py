"""Building blocks for reinforcement learning: pure functions on JAX arrays."""
