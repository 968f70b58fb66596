"""Values of a checkpoint on their way into variables."""
