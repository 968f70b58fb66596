"""Checkpoints that TensorFlow writes in this run, and what its reader makes of them."""

import os

import numpy as np
import tensorflow as tf

from sonnax import converters


def save_v2(prefix, tensors, slices=None):
    """Saves (name, tensor) pairs with TensorFlow's own op."""
    names = [name for name, _ in tensors]
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=slices or [""] * len(names),
        tensors=[tensor for _, tensor in tensors],
    )
    return str(prefix)


def save_v1(path, tensors, slices=None):
    """Saves (name, tensor) pairs with TensorFlow's first op."""
    names = [name for name, _ in tensors]
    tf.raw_ops.SaveSlices(
        filename=str(path),
        tensor_names=names,
        shapes_and_slices=slices or [""] * len(names),
        data=[tensor for _, tensor in tensors],
    )
    return str(path)


def assert_same_bits(actual, expected):
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    if actual.dtype == object:
        assert actual.tolist() == expected.tolist()
    else:
        assert actual.tobytes() == expected.tobytes()


def tensorflow_value(reader, prefix, name):
    """Returns a tensor as TensorFlow reads it, strings as an array of objects."""
    try:
        value = reader.get_tensor(name)
    except tf.errors.UnimplementedError:  # V1 slices, which only the op reassembles
        dtype = reader.get_variable_to_dtype_map()[name]
        restored = tf.raw_ops.RestoreSlice(
            file_pattern=prefix, tensor_name=name, shape_and_slice="", dt=dtype
        )
        value = restored.numpy()
    is_text = isinstance(value, bytes) or value.dtype == object
    return np.asarray(value, object) if is_text else np.asarray(value)


def assert_reads_as_tensorflow(path):
    """Compares every tensor with TensorFlow's reader; returns the checkpoint."""
    checkpoint = converters.open_checkpoint(path)
    checkpoint.verify()
    prefix = path
    if checkpoint.format == "saved_model":
        prefix = os.path.join(path, "variables", "variables")
    elif os.path.isdir(path):
        prefix = tf.train.latest_checkpoint(path)
    reader = tf.train.load_checkpoint(prefix)
    shapes = reader.get_variable_to_shape_map()
    assert sorted(checkpoint) == sorted(shapes)
    for name, shape in shapes.items():
        assert checkpoint.info(name).shape == tuple(shape)
        actual = checkpoint[name]
        assert not actual.flags.writeable
        assert_same_bits(actual, tensorflow_value(reader, prefix, name))
    return checkpoint
