"""Running models in processes of their own, and what is said when that fails.

Both sides are on sonnax here where that makes no difference; `test_planted_errors`
has Sonnet.
"""

from pathlib import Path

import numpy as np
import pytest

from sonnax import compat as snt
from sonnax import converters
from sonnax.parity import (
    ComparisonError,
    ParityError,
    Recording,
    Tolerance,
    assert_parity,
    compare_recordings,
    read_recording,
    record,
)
from sonnax.parity.recorder import session
from sonnax.parity.recorder.model_file import UsageError, read_inputs
from sonnax.parity.sonnax_side import SonnaxSide

from .models import small

MODELS = Path(__file__).parent / "models"
SMALL = str(MODELS / "small.py")
X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


def recorded_here(spec, inputs, checkpoint, **work):
    request = session.Request(spec, inputs, checkpoint, **work)
    return session.record(request, SonnaxSide("float32"), lambda text: None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A recording of the right model, with its first values."""
    folder = tmp_path_factory.mktemp("recordings") / "linear"
    record(f"{SMALL}:linear", folder, inputs=[X], side="sonnax")
    return str(folder)


@pytest.fixture
def checkpoint(tmp_path):
    net = snt.Linear(2)
    net(X)
    converters.save(tmp_path / "ckpt-1", model=net, other=snt.Variable(1.0))
    return str(tmp_path / "ckpt-1")


def test_a_recording_has_its_inputs_and_its_first_values(folder):
    recording = read_recording(folder)
    assert isinstance(recording, Recording)
    np.testing.assert_array_equal(recording.inputs["arr_0"], X)
    (call,) = recording.runs["float32"].calls
    np.testing.assert_array_equal(call.outputs[""], X @ np.ones([2, 2], "f4"))
    saved = converters.open_checkpoint(recording.checkpoint)
    assert "model/w/.ATTRIBUTES/VARIABLE_VALUE" in saved
    assert {"sonnax", "jax", "python"} <= recording.versions.keys()


def test_a_model_agrees_with_its_recording(folder):
    # A function stands for its file; inputs and first values are the recording's.
    comparison = assert_parity(folder, small.linear)
    assert comparison.agrees
    assert comparison.runs["float32"].variables["model/w"].max_absolute == 0


def test_a_failure_is_an_assertion_that_says_where(folder):
    with pytest.raises(ParityError, match="at model") as failure:
        assert_parity(folder, small.shifted)
    assert isinstance(failure.value, AssertionError)
    assert "of allowed" in str(failure.value)
    assert not failure.value.comparison.agrees


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("small.py", "names no function"),
        ("nowhere.py:build", "there is no file 'nowhere.py'"),
        ("no_such_package.models:build", "there is no module"),
        (f"{SMALL}:nothing", "has no function 'nothing'; it has"),
        (f"{SMALL}:NOT_A_FUNCTION", "has no function"),
        (f"{SMALL}:no_model", "it must return a module or another function"),
        (f"{SMALL}:two_modules", "give the name 'model' to the one to compare"),
    ],
)
def test_a_model_that_can_not_be_built_is_told(spec, message, checkpoint):
    with pytest.raises(UsageError, match=message):
        recorded_here(spec, {"arr_0": X}, checkpoint)


def test_a_module_takes_the_only_name_in_the_checkpoint(tmp_path, checkpoint):
    net = snt.Linear(2)
    net(X)
    converters.save(tmp_path / "only", encoder=net)
    run = recorded_here(f"{SMALL}:linear", {"arr_0": X}, str(tmp_path / "only"))
    assert list(run.variables) == ["encoder/b", "encoder/w"]
    # Of several names, it is the one called "model".
    run = recorded_here(f"{SMALL}:linear", {"arr_0": X}, checkpoint)
    assert list(run.variables) == ["model/b", "model/w"]
    converters.save(tmp_path / "two", a=net, b=snt.Variable(1.0))
    with pytest.raises(UsageError, match=r"the checkpoint has \['a', 'b'\]"):
        recorded_here(f"{SMALL}:linear", {"arr_0": X}, str(tmp_path / "two"))


def test_a_variable_that_the_checkpoint_lacks_is_an_error(tmp_path):
    converters.save(tmp_path / "ckpt", model={"b": snt.Variable(np.zeros(2, "f4"))})
    with pytest.raises(converters.CheckpointError, match="model/w"):
        recorded_here(f"{SMALL}:linear", {"arr_0": X}, str(tmp_path / "ckpt"))


def test_results_of_other_dtypes_are_recorded_and_left_out_of_the_loss(tmp_path):
    built = small.wider()
    built["model"](X)
    converters.save(tmp_path / "ckpt", **built)
    run = recorded_here(
        f"{SMALL}:wider", {"arr_0": X}, str(tmp_path / "ckpt"), gradients=True, steps=2
    )
    outputs = run.calls[-1].outputs
    assert {k: v.dtype.name for k, v in outputs.items()} == {
        "half": "bfloat16",
        "ids": "int32",
        "y": "float32",
    }
    expected = sum(np.mean(outputs[k].astype("f4") ** 2) for k in ("half", "y"))
    assert run.loss == pytest.approx(expected, rel=1e-2)
    assert run.losses[1] < run.losses[0]
    assert sorted(run.trained) == [1, 2]


def test_a_function_of_haiku_is_compared_by_the_names_of_its_modules(
    tmp_path, monkeypatch
):
    made = record(f"{SMALL}:mlp", tmp_path / "mlp", inputs=[X], side="sonnax")
    monkeypatch.setenv("MLP_CHECKPOINT", made.checkpoint)
    port = recorded_here(f"{SMALL}:haiku_mlp", {"arr_0": X}, made.checkpoint)
    port = Recording("haiku", {}, made.inputs, {"float32": port})
    comparison = compare_recordings(made, port, Tolerance())
    # What its variables are after the call is not known.
    assert [gap.name for gap in comparison.all_gaps] == ["variables"]
    assert comparison.status == "not compared"
    comparison = compare_recordings(made, port, Tolerance(), ignore="variables")
    assert comparison.agrees
    compared = [c.title for c in comparison.runs["float32"].calls]
    assert compared == ["model/_layers/0", "model/_layers/1", "model"]
    with pytest.raises(UsageError, match="gradients and training need a module"):
        recorded_here(
            f"{SMALL}:haiku_mlp", {"arr_0": X}, made.checkpoint, gradients=True
        )


def test_training_needs_an_optimizer_and_a_loss(checkpoint):
    with pytest.raises(UsageError, match="training steps need an optimizer"):
        recorded_here(f"{SMALL}:linear", {"arr_0": X}, checkpoint, steps=1)
    with pytest.raises(UsageError, match="name a function loss"):
        recorded_here(
            f"{SMALL}:integers_only", {"arr_0": X}, checkpoint, gradients=True
        )
    with pytest.raises(UsageError, match="has no function 'loss'"):
        recorded_here(
            f"{SMALL}:linear", {"arr_0": X}, checkpoint, gradients=True, loss="loss"
        )


def test_inputs_that_can_not_be_read_are_told(tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 and no more")
    np.save(tmp_path / "pickled.npy", np.array([{}], object))
    for name in ("bad.npz", "pickled.npy", "missing.npz"):
        with pytest.raises(UsageError, match="no arrays can be read"):
            read_inputs(str(tmp_path / name))
    np.save(tmp_path / "one.npy", X)
    assert list(read_inputs(str(tmp_path / "one.npy"))) == ["arr_0"]


def test_an_error_of_the_model_names_the_line_that_failed(tmp_path):
    with pytest.raises(ComparisonError, match="the weights are gone") as failure:
        record(f"{SMALL}:failing", tmp_path / "out", inputs=[X], side="sonnax")
    line = (
        Path(SMALL)
        .read_text()
        .splitlines()
        .index('    raise RuntimeError("the weights are gone")')
    )
    assert f"small.py:{line + 1})" in str(failure.value)
    assert "Traceback" in failure.value.traceback
    assert list(tmp_path.iterdir()) == []


def test_an_environment_without_sonnet_is_told(tmp_path, folder):
    bare = tmp_path / "python"
    bare.write_text(
        "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'tensorflow'\" >&2\n"
        "exit 1\n"
    )
    bare.chmod(0o755)
    for python, message in ((bare, "record the legacy model"), ("/no", "be started")):
        with pytest.raises(ComparisonError, match=message):
            record(f"{SMALL}:linear", tmp_path / "o", inputs=[X], python=str(python))


def test_a_recording_must_have_what_is_asked_for(folder, tmp_path):
    port = f"{SMALL}:linear"
    for asked, message in (
        ({"float64": True}, "no float64 run"),
        ({"gradients": True}, "no gradients"),
        ({"steps": 3}, "no 3 steps of training"),
    ):
        with pytest.raises(ComparisonError, match=message):
            assert_parity(folder, port, **asked)
    with pytest.raises(ComparisonError, match="exists already"):
        record(port, folder, inputs=[X])
    with pytest.raises(ComparisonError, match="inputs are needed"):
        assert_parity("legacy.py:build", port)
    with pytest.raises(ComparisonError, match="are no arrays"):
        assert_parity("legacy.py:build", port, inputs={"x": object()})
    with pytest.raises(ComparisonError, match="top level of a file"):
        assert_parity(folder, lambda: None)


def test_a_checkpoint_that_is_damaged_is_told_before_anything_runs(tmp_path):
    (tmp_path / "ckpt.index").write_bytes(b"no index")
    (tmp_path / "ckpt.data-00000-of-00001").write_bytes(b"")
    with pytest.raises(converters.CheckpointError):
        assert_parity("a.py:f", "b.py:f", inputs=[X], checkpoint=tmp_path / "ckpt")
