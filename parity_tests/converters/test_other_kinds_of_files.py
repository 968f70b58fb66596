"""Files that are no checkpoints are named for what they are."""

import pickle
import tarfile

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from sonnax import converters
from sonnax.cli.main import main


def meta_graph(path):
    with tf.Graph().as_default():
        tf.compat.v1.train.export_meta_graph(filename=str(path))


def frozen_graph(path):
    with tf.Graph().as_default() as graph:
        tf.constant(1.0)
        path.write_bytes(graph.as_graph_def().SerializeToString())


def hdf5(path):
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500))


def npz(path):
    with open(path, "wb") as file:
        np.savez(file, w=np.ones(3))


def npy(path):
    with open(path, "wb") as file:
        np.save(file, np.ones(3))


def torch(path):
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", b"\x80\x02.")


def old_torch(path):
    with open(path, "wb") as file:
        pickle.dump(0x1950A86A20F9469CFC6C, file, protocol=2)
        pickle.dump(1001, file, protocol=2)


def safetensors(path):
    converters.write_bundle(path.with_name("source"), {"w": np.ones(3)})
    converters.export(path.with_name("source"), path)


def tar(path):
    with tarfile.open(path, "w") as archive:
        archive.add(__file__)


KINDS = {
    "model.ckpt-7.meta": (meta_graph, "meta graph.*without .meta"),
    "frozen.pb": (frozen_graph, "frozen graph.*constants"),
    "model.h5": (hdf5, "HDF5.*Keras.*h5py"),
    "weights.npz": (npz, "npz archive: converters.open_arrays"),
    "weights.npy": (npy, "npy array: read it with numpy.load"),
    "model.pt": (torch, "PyTorch.*weights_only"),
    "old.pt": (old_torch, "PyTorch.*weights_only"),
    "w.safetensors": (safetensors, "safetensors file: converters.open_arrays"),
    "params.pkl": (
        lambda path: path.write_bytes(pickle.dumps({"w": 1})),
        "a pickle: converters.load_haiku",
    ),
    "model.tar": (tar, "a tar archive: unpack it"),
    "model.tar.gz": (lambda path: path.write_bytes(b"\x1f\x8b\x08"), "unpack it"),
    "README.md": (
        lambda path: path.write_text("# Ein Modell für Würfel\n" * 40),
        "a text: pass the checkpoint's prefix",
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_it_is_said_what_a_file_is_and_what_to_do(name, tmp_path):
    write, message = KINDS[name]
    write(tmp_path / name)
    with pytest.raises(converters.UnsupportedCheckpointError, match=message):
        converters.open_checkpoint(tmp_path / name)
    result = CliRunner().invoke(main, ["inspect", str(tmp_path / name)])
    assert result.exit_code == 1
    assert "magic" not in result.output


def test_a_checkpoint_knows_the_prefix_that_tensorflow_takes(tmp_path):
    module = tf.Module()
    module.w = tf.Variable(1.0)
    tf.saved_model.save(module, str(tmp_path / "saved"))
    prefix = converters.open_checkpoint(tmp_path / "saved").prefix
    assert tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
    converters.write_bundle(tmp_path / "model", {"w": np.ones(3)})
    for path in ("model", "model.index"):
        found = converters.open_checkpoint(tmp_path / path).prefix
        assert found == str(tmp_path / "model")
