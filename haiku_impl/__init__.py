"""A transform core for JAX with the API of Haiku, and its modules."""
