"""Saving over what is there, by several processes at once, and reading meanwhile."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time

import numpy as np
import pytest

from sonnax import converters
from sonnax.converters.format.replaced_file import replace_file
from sonnax.converters.format.state_file import listed_paths, record_latest
from sonnax.demo import DATA

# Saves to one prefix from the moment that a file appears, many times. Each writer's
# tensors agree with each other, so that a mixture of two checkpoints is seen.
WRITER = """
import os, sys, time
import numpy as np
from sonnax.converters import write_bundle
from sonnax.converters.format.state_file import record_latest
prefix, start, number, saves = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
print(flush=True)
while not os.path.exists(start):
    time.sleep(0.0005)
for i in range(saves):
    value = 1000 * number + i
    write_bundle(prefix, {"a": np.full(3 + value, value), "b": np.full(2, value)})
    record_latest(prefix)
"""


@contextlib.contextmanager
def writers(prefixes, start, saves):
    """Processes that save to each prefix, stopped at the start, and waited for."""
    started = []
    for number, prefix in enumerate(prefixes):
        command = [sys.executable, "-c", WRITER, prefix, start, number, saves]
        started.append(subprocess.Popen(list(map(str, command)), stdout=-1, stderr=-1))
    for process in started:
        assert process.stdout.readline()
    yield started
    for process in started:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()


def assert_whole(prefix):
    """Asserts that the checkpoint is one that some writer wrote."""
    checkpoint = converters.open_checkpoint(prefix)
    a, b = checkpoint["a"], checkpoint["b"]
    assert (len(a), len(b)) == (3 + b[0], 2)
    assert set(a.tolist()) == set(b.tolist())
    return int(b[0])


def test_processes_that_save_to_one_prefix_leave_the_checkpoint_of_one(tmp_path):
    prefix, start = tmp_path / "run" / "ckpt-1", tmp_path / "start"
    with writers([prefix] * 3, start, saves=30):
        start.touch()
    assert assert_whole(prefix) % 1000 == 29
    names = sorted(os.listdir(prefix.parent))
    assert [name.partition("-of-")[0] for name in names] == [
        "checkpoint",
        *[f"ckpt-1.data-0000{i}" for i in range(len(names) - 2)],
        "ckpt-1.index",
    ]


def test_processes_that_save_to_one_folder_are_all_listed(tmp_path):
    prefixes, start = [tmp_path / f"ckpt-{i}" for i in range(3)], tmp_path / "start"
    with writers(prefixes, start, saves=10):
        start.touch()
    assert set(listed_paths(str(tmp_path))) == set(map(str, prefixes))
    assert temporaries(tmp_path) == []


@pytest.mark.parametrize("late", ["ckpt-1.index", "checkpoint"])
def test_a_save_that_stalls_before_its_last_steps_is_not_overtaken(
    late, tmp_path, monkeypatch
):
    prefix, start = str(tmp_path / "ckpt-1"), tmp_path / "start"
    second = prefix if late == "ckpt-1.index" else str(tmp_path / "ckpt-2")
    replace = os.replace
    start.touch()
    with contextlib.ExitStack() as stack:

        def stalled(source, target):
            if target.endswith(late):
                monkeypatch.setattr(os, "replace", replace)
                (other,) = stack.enter_context(writers([second], start, saves=1))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    other.wait(timeout=0.5)
            replace(source, target)

        monkeypatch.setattr(os, "replace", stalled)
        converters.write_bundle(prefix, {"a": np.full(1003, 1000), "b": [1000] * 2})
        record_latest(prefix)
    assert assert_whole(second) == 0
    assert set(listed_paths(str(tmp_path))) == {prefix, second}


def test_a_reader_that_polls_sees_the_old_or_the_new(tmp_path):
    prefix, start = tmp_path / "ckpt-1", tmp_path / "start"
    converters.write_bundle(prefix, {"a": np.full(3, 0), "b": np.full(2, 0)})
    seen = set()
    with writers([prefix], start, saves=150) as (process,):
        start.touch()
        while process.poll() is None:
            seen.add(assert_whole(prefix))
    assert len(seen) > 5


def test_an_open_checkpoint_is_read_to_the_end_while_it_is_overwritten(tmp_path):
    old = {f"v{i}": np.full(5, i) for i in range(4)}
    converters.write_bundle(tmp_path / "m", old)
    checkpoint = converters.open_checkpoint(tmp_path / "m")
    for i in range(3):
        converters.write_bundle(tmp_path / "m", {"v0": np.full(9, i)})
    for name, array in old.items():
        np.testing.assert_array_equal(checkpoint[name], array)
    assert checkpoint.verify() == 4


# What writes each kind of file, twice.
WRITERS = {
    "m.index": lambda folder: converters.write_bundle(folder / "m", {"w": [1.0]}),
    "checkpoint": lambda folder: record_latest(str(folder / "m")),
    "m.npz": lambda folder: converters.export(DATA, folder / "m.npz"),
    "m.safetensors": lambda folder: converters.export(DATA, folder / "m.safetensors"),
    "m.pkl": lambda folder: converters.save_haiku(folder / "m.pkl", {"w": np.ones(1)}),
}


@pytest.mark.parametrize("mode", [0o600, 0o664])
@pytest.mark.parametrize("name", WRITERS)
def test_an_overwritten_file_keeps_its_mode(name, mode, tmp_path):
    WRITERS[name](tmp_path)
    for file in tmp_path.iterdir():
        file.chmod(mode)
    WRITERS[name](tmp_path)
    for file in tmp_path.iterdir():
        # Data files that have new names hold what the old ones held.
        assert stat.S_IMODE(file.stat().st_mode) == mode, file


def test_a_new_file_has_the_mode_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        converters.write_bundle(tmp_path / "m", {"w": [1.0]})
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o640}


@pytest.mark.parametrize("name", ["checkpoint", "m.npz", "m.safetensors", "m.pkl"])
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_stays_a_link_and_its_target_is_replaced(name, dangling, tmp_path):
    target = tmp_path / "elsewhere" / "real"
    target.parent.mkdir()
    if not dangling:
        target.touch()
    (tmp_path / name).symlink_to("elsewhere/real")
    WRITERS[name](tmp_path)
    assert (tmp_path / name).is_symlink()
    assert target.stat().st_size > 0
    assert os.listdir(target.parent) == ["real"]


def test_a_linked_checkpoint_is_saved_to_where_it_lies(tmp_path):
    real, link = tmp_path / "elsewhere" / "ckpt-3", tmp_path / "latest"
    converters.write_bundle(real, {"w": [1.0, 2.0]})
    for suffix in ".index", ".data-00000-of-00001":
        os.symlink(f"elsewhere/ckpt-3{suffix}", f"{link}{suffix}")
    for i in range(3):
        converters.write_bundle(link, {"w": [float(i)]})
        assert os.path.islink(f"{link}.index")
        for prefix in link, real:
            assert converters.open_checkpoint(prefix)["w"].tolist() == [i]
        (index,) = [n for n in os.listdir(tmp_path / "elsewhere") if "index" in n]
        assert index == "ckpt-3.index"
        files = [name for name in os.listdir(tmp_path) if name.startswith("latest")]
        assert all((tmp_path / name).exists() for name in files)
        assert len(files) == len(os.listdir(real.parent))


def test_folders_are_on_the_disk_before_a_save_returns(tmp_path, monkeypatch):
    done = []
    replace, fsync = os.replace, os.fsync

    def recorded_replace(source, target):
        done.append(os.path.basename(target))
        replace(source, target)

    def recorded_fsync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            done.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "replace", recorded_replace)
    monkeypatch.setattr(os, "fsync", recorded_fsync)
    converters.write_bundle(tmp_path / "m", {"w": [1.0]})
    folder = str(tmp_path)
    assert done == ["m.data-00000-of-00001", folder, "m.index", folder]


KILLED = """
import sys, time
import numpy as np
from sonnax.converters import write_bundle
class Slow:
    def __array__(self, *args, **kwargs):
        print(flush=True)
        time.sleep(60)
write_bundle(sys.argv[1], {"a": np.ones(9), "b": Slow()})
"""


@contextlib.contextmanager
def unfinished_save(prefix):
    """A process in the middle of a save."""
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(prefix)], stdout=-1)
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def temporaries(folder):
    return [name for name in os.listdir(folder) if ".tmp-" in name]


def test_what_killed_saves_left_is_cleaned_and_what_others_write_is_not(tmp_path):
    converters.write_bundle(tmp_path / "dead", {"a": [0.0]})
    with unfinished_save(tmp_path / "alive"):
        with unfinished_save(tmp_path / "dead"):
            pass
        # Each has a data file and a lock.
        assert len(temporaries(tmp_path)) == 4
        converters.write_bundle(tmp_path / "other", {"w": [1.0]})
        left = sorted(temporaries(tmp_path))
        assert [name.partition(".tmp-")[0] for name in left] == [
            "alive.data-00000-of-00001",
            "alive",
        ]
        converters.write_bundle(tmp_path / "dead", {"a": [1.0]})
    converters.write_bundle(tmp_path / "dead", {"a": [1.0]})
    assert temporaries(tmp_path) == []
    assert converters.open_checkpoint(tmp_path / "dead")["a"].tolist() == [1.0]


def test_a_save_waits_for_another_of_the_same_prefix(tmp_path):
    prefix, start = tmp_path / "ckpt-1", tmp_path / "start"
    start.touch()
    with unfinished_save(prefix) as first, writers([prefix], start, saves=1) as (last,):
        time.sleep(0.3)
        assert last.poll() is None
        first.send_signal(signal.SIGKILL)
    assert assert_whole(prefix) == 0


def test_a_file_that_is_no_leftover_of_ours_is_left_alone(tmp_path):
    for name in "a.tmp-1", "b.tmp-notours", "note.tmp-0123456789abc":
        (tmp_path / name).touch()
    with replace_file(str(tmp_path / "new")) as file:
        file.write(b"new")
    assert len(os.listdir(tmp_path)) == 4


def test_what_is_no_regular_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "null.npz").symlink_to("/dev/null")
    (tmp_path / "folder.npz").mkdir()
    before = sorted(os.listdir(tmp_path))
    for name in before:
        with pytest.raises(converters.CheckpointError, match="no regular file"):
            converters.export(DATA, tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == before
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_paths_that_no_file_can_have_are_refused(tmp_path):
    for name in "nul\0", "lone \ud800", "a" * 300:
        for write in (
            lambda path: converters.write_bundle(path, {"w": [1.0]}),
            lambda path: converters.export(DATA, f"{path}.npz"),
            lambda path: converters.save_haiku(f"{path}.pkl", {}),
        ):
            with pytest.raises((converters.CheckpointError, OSError)):
                write(f"{tmp_path}/{name}")
    assert os.listdir(tmp_path) == []
