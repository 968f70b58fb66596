"""JAX's transforms and control flow for functions that use modules."""
