"""`sonnax demo`: the port gives what Sonnet recorded, and says so when it does not."""

import dataclasses
import json

import click.testing
import numpy as np
import pytest

from sonnax.cli.main import main
from sonnax.demo import DATA, comparison


@pytest.fixture(scope="module")
def compared():
    return comparison.compare_with_recording()


def run(*arguments):
    return click.testing.CliRunner().invoke(main, [str(each) for each in arguments])


def test_each_gear_gives_the_logits_that_sonnet_recorded(compared):
    assert compared.sonnet_accuracy >= 0.98
    assert [each.gear for each in compared.evaluations] == [
        "eager",
        "snt.jit",
        "pure, jax.jit",
    ]
    for evaluation in compared.evaluations:
        assert evaluation.accuracy == compared.sonnet_accuracy
        assert evaluation.max_relative_difference < 5e-6
        np.testing.assert_allclose(evaluation.loss, compared.sonnet_loss, rtol=1e-5)


def test_training_resumes_with_the_losses_that_sonnet_recorded(compared):
    assert compared.resumption.first_step == 301
    assert len(compared.resumption.losses) == 20
    np.testing.assert_allclose(
        compared.resumption.losses, compared.resumption.sonnet_losses, rtol=5e-5
    )


def test_the_numbers_of_another_checkpoint_are_out_of_tolerance():
    other = comparison.compare_with_recording(DATA / "ckpt-200")
    assert not any(evaluation.passed for evaluation in other.evaluations)
    assert not other.resumption.passed


def test_the_command_prints_the_proof_and_exports(tmp_path):
    result = run("demo", "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    for expected in (
        "model/convs/0/w",
        "Sonnet, recorded",
        "eager",
        "snt.jit",
        "pure, jax.jit",
        "320",
        "every number is within its tolerance",
    ):
        assert expected in result.stdout
    exported = tmp_path / "out" / "digits.safetensors"
    assert run("diff", DATA, exported).stdout.endswith("0 changed, 22 the same\n")


@pytest.mark.parametrize("part", ["logits", "losses"])
def test_a_number_out_of_tolerance_ends_with_1(part, compared, monkeypatch, tmp_path):
    if part == "logits":
        wrong = dataclasses.replace(
            compared.evaluations[1], max_relative_difference=2e-5
        )
        worse = dataclasses.replace(compared, evaluations=[wrong])
    else:
        wrong = dataclasses.replace(compared.resumption, max_relative_difference=2e-4)
        worse = dataclasses.replace(compared, resumption=wrong)
    monkeypatch.setattr(comparison, "compare_with_recording", lambda: worse)
    result = run("demo", "--output", tmp_path)
    assert result.exit_code == 1
    assert "a number is out of tolerance" in result.stdout
    result = run("demo", "--output", tmp_path, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["passed"] is False
