"""Running an old model and its port side by side, module by module."""
