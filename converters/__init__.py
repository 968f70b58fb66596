"""Reading and writing TensorFlow checkpoints without TensorFlow."""
