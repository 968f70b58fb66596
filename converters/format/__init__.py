"""TensorFlow's files, byte by byte: what needs NumPy only."""
