"""Checkpoints that are sound in unusual ways: TensorFlow reads them, and so do we."""

import numpy as np
import pytest
import tensorflow as tf

from sonnax import converters

from .crafted_checkpoints import (
    TENSORS,
    V1_TENSORS,
    bundle_of_slices,
    read_records,
    reverse_blocks,
    save_v1,
    write_records,
)


def test_blocks_may_stand_in_any_order(tmp_path):
    converters.write_bundle(tmp_path / "model", TENSORS)
    index = tmp_path / "model.index"
    write_records(index, read_records(index), block_size=100)
    assert reverse_blocks(index) > 5
    checkpoint = converters.open_checkpoint(tmp_path / "model")
    assert checkpoint.verify() == len(TENSORS)
    reader = tf.train.load_checkpoint(str(tmp_path / "model"))
    for name in TENSORS:
        np.testing.assert_array_equal(checkpoint[name], reader.get_tensor(name))


@pytest.mark.parametrize("format", ["v1", "v2"])
def test_only_the_tensor_with_a_hole_is_an_error(format, tmp_path):
    if format == "v2":
        rows = {0: np.ones([2, 3], "f4"), 4: np.ones([3, 3], "f4")}
        path = bundle_of_slices(tmp_path / "holed", "holed", [7, 3], rows)
    else:
        path = tmp_path / "holed"
        holed = ((7, 3), 1, {"float_val": [np.ones(15, "<f4").tobytes()]})
        save_v1(path, {"w": ((3,), 1, {"float_val": [np.ones(3, "<f4").tobytes()]})})
        save_holed_v1(path, holed)
    checkpoint = converters.open_checkpoint(path)
    assert checkpoint.info("holed").shape == (7, 3)
    np.testing.assert_array_equal(checkpoint["w"], np.ones(3))
    for ask in (lambda: checkpoint["holed"], checkpoint.verify):
        with pytest.raises(converters.CorruptCheckpointError, match=r"15 elements.*21"):
            ask()


def save_holed_v1(path, holed):
    """Adds a tensor to a V1 checkpoint whose last two rows are missing."""
    from sonnax.converters.format import wire
    from sonnax.converters.format.ordered_code import slice_key
    from sonnax.converters.format.protos import SAVED_TENSOR_SLICES

    shape, number, values = holed
    records = read_records(path)
    meta = wire.decode(SAVED_TENSOR_SLICES, records[b""])
    part = {"extents": [{"start": 0, "length": 5}, {}]}
    dims = {"dims": [{"size": size} for size in shape]}
    meta["meta"]["tensors"].append(
        {"name": "holed", "shape": dims, "type": number, "slices": [part]}
    )
    data = {"data": {"name": "holed", "slice": part, "data": values}}
    key = slice_key(b"holed", ((0, 5), (0, -1)))
    records[key] = wire.encode(SAVED_TENSOR_SLICES, data)
    records[b""] = wire.encode(SAVED_TENSOR_SLICES, meta)
    write_records(path, records)


def test_tensorflows_own_path_of_shards(tmp_path):
    for i in range(2):
        tensors = {f"{i}/{name}": row for name, row in V1_TENSORS.items()}
        save_v1(tmp_path / f"model.ckpt-0000{i}-of-00002", tensors)
    pattern = "model.ckpt-?????-of-00002"
    checkpoint = converters.open_checkpoint(tmp_path / pattern)
    assert checkpoint.path == str(tmp_path / "model.ckpt")
    assert len(checkpoint) == 10
    (tmp_path / "checkpoint").write_text(f'model_checkpoint_path: "{pattern}"\n')
    assert len(converters.open_checkpoint(tmp_path)) == 10
    assert converters.list_checkpoints(tmp_path) == [str(tmp_path / "model.ckpt")]
    with pytest.raises(converters.CheckpointNotFoundError):
        converters.open_checkpoint(tmp_path / "other-?????-of-00002")
