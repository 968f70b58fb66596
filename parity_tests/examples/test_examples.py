"""The examples run, and learn something in a few steps."""

import importlib.util
import pathlib

import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
# For each example: how many steps, and between what its result lies then.
RESULTS = {
    "mlp_on_digits": (40, 0.6, 1.0),
    "functional_mlp": (40, 0.6, 1.0),
    "vqvae": (20, 0.0, 0.7),
    "gan": (20, 0.0, 2.0),
    "distributed_cifar": (3, 0.0, 4.0),
}


@pytest.mark.parametrize("name", RESULTS)
def test_example_learns_in_a_few_steps(name, monkeypatch, capsys):
    steps, low, high = RESULTS[name]
    # As for a script, the folder is where its imports come from.
    monkeypatch.syspath_prepend(EXAMPLES)
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    result = example.main(steps=steps)
    assert low <= result <= high
    assert "step 0" in capsys.readouterr().out
