"""Which checkpoint a path means, what a directory holds, and what errors say of it."""

import subprocess
import sys

import numpy as np
import pytest

from sonnax import converters
from sonnax.converters.format.state_file import record_latest

from .crafted_checkpoints import V1_TENSORS, save_v1, write_file


def write(directory, *names):
    for name in names:
        converters.write_bundle(directory / name, {"w": [1.0]})


# Each row: what to open below the directory, and the checkpoint that it means.
PATHS = {
    "": "ckpt-10",
    "@9": "ckpt-9",
    "/ckpt-9": "ckpt-9",
    "/ckpt@9": "ckpt-9",
    "/ckpt-9.index": "ckpt-9",
    "/ckpt-9.data-00000-of-00001": "ckpt-9",
    "/checkpoint": None,
    "@8": None,
    "/ckpt": None,
    "/ckpt-9.meta": None,
    "/ckpt-9.data-00001-of-00002": "ckpt-9",
}


@pytest.mark.parametrize("path", PATHS)
def test_paths_of_a_directory_with_a_state_file(tmp_path, path):
    write(tmp_path, "ckpt-9", "ckpt-10", "ckpt-11")
    record_latest(str(tmp_path / "ckpt-9"))
    record_latest(str(tmp_path / "ckpt-10"))
    if PATHS[path] is None:
        with pytest.raises(converters.CheckpointError):
            converters.open_checkpoint(f"{tmp_path}{path}")
    else:
        opened = converters.open_checkpoint(f"{tmp_path}{path}")
        assert opened.path == str(tmp_path / PATHS[path])


def test_steps_are_numbers(tmp_path):
    write(tmp_path, "ckpt-9", "ckpt-10", "ckpt-100")
    names = ["ckpt-9", "ckpt-10", "ckpt-100"]
    expected = [str(tmp_path / name) for name in names]
    assert converters.list_checkpoints(tmp_path) == expected


def test_a_directory_with_one_checkpoint_needs_no_state_file(tmp_path):
    write(tmp_path, "model")
    assert converters.open_checkpoint(tmp_path).path == str(tmp_path / "model")


def test_nothing_is_guessed_among_several(tmp_path):
    write(tmp_path, "a-1", "b-1")
    with pytest.raises(converters.CheckpointNotFoundError, match="'a-1', 'b-1'"):
        converters.open_checkpoint(tmp_path)
    with pytest.raises(converters.CheckpointNotFoundError, match="2 checkpoints of"):
        converters.open_checkpoint(f"{tmp_path}@1")


def test_a_state_file_that_names_a_lost_checkpoint(tmp_path):
    write(tmp_path, "ckpt-1")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "ckpt-2"')
    with pytest.raises(
        converters.CheckpointNotFoundError, match=r"ckpt-2.*not there.*has 'ckpt-1'"
    ):
        converters.open_checkpoint(tmp_path)


def test_checkpoints_in_a_folder_that_the_state_file_names(tmp_path):
    write(tmp_path / "sub", "ckpt-1")
    (tmp_path / "checkpoint").write_text(
        'model_checkpoint_path: "sub/ckpt-1"\n'
        'all_model_checkpoint_paths: "sub/ckpt-1"\n'
    )
    expected = str(tmp_path / "sub" / "ckpt-1")
    assert converters.open_checkpoint(tmp_path).path == expected
    assert converters.list_checkpoints(tmp_path) == [expected]


def test_missing_paths(tmp_path):
    write(tmp_path, "model")
    cases = {
        tmp_path / "modle": "has 'model'",
        tmp_path / "no" / "model": "there is no such directory",
        tmp_path / "empty": "has no checkpoints",
    }
    (tmp_path / "empty").mkdir()
    for path, message in cases.items():
        with pytest.raises(FileNotFoundError, match=message):
            converters.open_checkpoint(path)
    with pytest.raises(converters.CheckpointNotFoundError, match="no directory"):
        converters.list_checkpoints(tmp_path / "no")


def test_a_missing_data_file(tmp_path):
    write(tmp_path, "model")
    (tmp_path / "model.data-00000-of-00001").unlink()
    checkpoint = converters.open_checkpoint(tmp_path / "model")
    for read in (checkpoint.check_files, checkpoint.verify, lambda: checkpoint["w"]):
        with pytest.raises(
            converters.CheckpointNotFoundError,
            match=r"model\.data-00000-of-00001: can't be opened: No such file",
        ):
            read()


def test_v1_checkpoints_by_prefix_and_by_file(tmp_path):
    for i in range(2):
        tensors = {f"{i}/{name}": row for name, row in V1_TENSORS.items()}
        save_v1(tmp_path / f"model.ckpt-7-0000{i}-of-00002", tensors)
    for path in ("model.ckpt-7", "model.ckpt-7-00001-of-00002", "model.ckpt@7"):
        checkpoint = converters.open_checkpoint(tmp_path / path)
        assert checkpoint.path == str(tmp_path / "model.ckpt-7")
        assert len(checkpoint) == 10
    assert checkpoint.info("1/ints").shard == 1
    (tmp_path / "model.ckpt-7-00000-of-00002").unlink()
    with pytest.raises(converters.CheckpointNotFoundError, match="1 of 2 shards"):
        converters.open_checkpoint(tmp_path / "model.ckpt-7")
    save_v1(tmp_path / "model.ckpt-7-00000-of-00003", V1_TENSORS)
    with pytest.raises(converters.CheckpointNotFoundError, match=r"sets of .2, 3."):
        converters.open_checkpoint(tmp_path / "model.ckpt-7")


def test_a_file_that_is_no_checkpoint(tmp_path):
    write_file(tmp_path / "notes", b"\1" * 100)
    with pytest.raises(converters.CorruptCheckpointError, match="magic number"):
        converters.open_checkpoint(tmp_path / "notes")
    with pytest.raises(converters.CheckpointNotFoundError):
        converters.open_checkpoint("a\0b")


def test_a_missing_tensor_is_a_key_error_with_a_hint(tmp_path):
    converters.write_bundle(tmp_path / "m", {"linear/w": [1.0], "linear/b": [2.0]})
    checkpoint = converters.open_checkpoint(tmp_path / "m")
    assert "linear/w" in checkpoint
    assert checkpoint.get("linear/v") is None
    with pytest.raises(KeyError) as caught:
        checkpoint["linear/v"]
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'm'}.index: tensor 'linear/v': not among")
    assert "'linear/w'" in message


def test_reading_imports_neither_jax_nor_tensorflow(tmp_path):
    converters.write_bundle(tmp_path / "m", {"w": np.ones(3)})
    code = (
        "import sys; from sonnax import converters;"
        f"assert converters.open_checkpoint({str(tmp_path / 'm')!r}).verify() == 1;"
        "assert not {'jax', 'tensorflow', 'google'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
