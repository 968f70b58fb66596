"""Where two recordings part, and what is said of it."""

import dataclasses

import numpy as np
import pytest

from sonnax.parity import (
    Run,
    Tolerance,
    as_json,
    compare_recordings,
    is_rounding,
    parting,
    verdict,
)
from sonnax.parity.tables import failure_text

from .recordings import call, chain, recording, with_float64


def compared(legacy, port, **tolerance):
    return compare_recordings(legacy, port, Tolerance(**tolerance))


def first(comparison, precision="float32"):
    found = parting(comparison.runs[precision])
    return None if found is None else (found.kind, found.path)


def test_equal_recordings_agree():
    comparison = compared(recording(chain(1, 2, 3)), recording(chain(1, 2, 3)))
    assert comparison.agrees
    assert first(comparison) is None
    assert verdict(comparison).startswith("The two agree")


def test_the_first_module_whose_output_differs_is_named():
    legacy, port = recording(chain(1, 2, 3, 4)), recording(chain(1, 2, 3.1, 4.2))
    comparison = compared(legacy, port)
    assert not comparison.agrees
    assert first(comparison) == ("module", "model/2")
    assert "at model/2 (Layer)" in verdict(comparison)


def test_code_between_modules_is_told_from_the_modules():
    # Inside `model`, after layer 1 and before layer 2.
    port = chain(1, 2, 3)
    port[2].inputs["0"] = port[2].inputs["0"] + 1
    comparison = compared(recording(chain(1, 2, 3)), recording(port))
    assert first(comparison) == ("between", "model")
    assert "what it gives to model/2 differs" in verdict(comparison)


def test_other_arguments_of_the_model_are_told():
    comparison = compared(recording(chain(1, 2)), recording(chain(1, 2, given=5)))
    assert first(comparison) == ("inputs", "model")


def test_an_error_of_the_outer_module_after_the_last_inner_one():
    port = chain(1, 2)
    port[-1].outputs[""] = port[-1].outputs[""] * 2
    assert first(compared(recording(chain(1, 2)), recording(port))) == (
        "module",
        "model",
    )


def test_a_second_call_of_a_module_is_another_call():
    twice = [call("m", 0, 1), call("m", 2, 3, number=1)]
    other = [call("m", 0, 1), call("m", 2, 3, outputs=9, number=1)]
    comparison = compared(recording(twice), recording(other))
    assert [c.agrees for c in comparison.runs["float32"].calls] == [True, False]
    assert "m #2" in verdict(comparison)


def test_modules_are_matched_by_name_where_paths_differ():
    legacy = [call("model/old", 0, 1, name="tower/linear")]
    port = [call("model/new", 0, 1, name="tower/linear")]
    run = compared(recording(legacy), recording(port)).runs["float32"]
    assert len(run.calls) == 1
    run = compared(recording(legacy), recording([call("x", 0, 1)])).runs["float32"]
    assert (run.only_legacy, run.only_port) == (["model/old"], ["x"])
    assert not run.agrees  # nothing was compared


def test_a_result_of_another_structure_does_not_agree():
    port = chain(1)
    port[-1].outputs["extra"] = np.zeros(3)
    comparison = compared(recording(chain(1)), recording(port))
    assert not comparison.agrees
    assert "the legacy side has none" in failure_text(comparison)


def test_outputs_of_other_names_are_compared_in_order():
    legacy, port = chain(1), chain(1)
    legacy[-1].outputs = {"hidden": np.zeros(2), "cell": np.ones(2)}
    port[-1].outputs = {"0": np.zeros(2), "1": np.ones(2)}
    assert compared(recording(legacy), recording(port)).agrees


def test_rounding_shrinks_and_an_error_does_not():
    legacy = with_float64(recording(chain(1.0, 2.0)), chain(1.0, 2.0))
    rounded = with_float64(recording(chain(1.0, 2.01)), chain(1.0, 2.0))
    wrong = with_float64(recording(chain(1.0, 2.01)), chain(1.0, 2.01))
    assert is_rounding(compared(legacy, rounded)) is True
    assert "It is rounding" in verdict(compared(legacy, rounded))
    assert not compared(legacy, rounded).agrees  # it is beyond the tolerance
    assert is_rounding(compared(legacy, wrong)) is False
    assert "It is real" in verdict(compared(legacy, wrong))
    assert is_rounding(compared(recording(chain(1)), recording(chain(1)))) is None


def test_rounding_that_training_makes_grow_is_rounding_still():
    """Beyond the tolerance in float64 too, and smaller by most of its digits."""
    losses = {"float32": ([1.0, 0.5], [1.0, 0.3]), "float64": ([1.0, 0.5], [1.0, 0.5])}
    losses["float64"][1][1] += 1e-8
    sides = []
    for side in (0, 1):
        made = recording(chain(1), losses=losses["float32"][side])
        made.runs["float64"] = Run(calls=chain(1), losses=losses["float64"][side])
        sides.append(made)
    comparison = compared(*sides)
    assert not comparison.agrees
    assert is_rounding(comparison) is True
    assert "It is rounding" in verdict(comparison)
    sides[1].runs["float64"].losses[1] += 0.1
    assert is_rounding(compared(*sides)) is False


def test_recordings_without_a_common_precision_do_not_agree():
    legacy, port = recording(chain(1)), recording(chain(1), precision="float64")
    assert not compared(legacy, port).agrees


def test_a_small_real_difference_is_found_in_float64_only():
    legacy = with_float64(recording(chain(1.0)), chain(1.0))
    # float32 alone can't tell 1e-7 from rounding; in float64 it stays.
    port = with_float64(recording(chain(1.0)), chain(1.0000002))
    comparison = compared(legacy, port)
    assert comparison.runs["float32"].agrees
    assert not comparison.agrees
    assert "a constant differs" in verdict(comparison)


def test_variables_gradients_and_training_are_compared_after_the_calls():
    ones = {"model/w": np.ones(2, np.float32)}
    twos = {"model/w": 2 * np.ones(2, np.float32)}
    base = {"calls": chain(1), "loss": 1.0, "gradients": ones, "losses": [1.0, 0.5]}
    legacy = recording(**base, variables=ones)
    assert first(compared(legacy, recording(**base, variables=twos))) == (
        "variable",
        "model/w",
    )
    port = recording(**{**base, "gradients": twos}, variables=ones)
    assert first(compared(legacy, port)) == ("gradient", "model/w")
    port = recording(**{**base, "losses": [1.0, 0.6]}, variables=ones)
    assert first(compared(legacy, port)) == ("training", "")
    assert "the loss of step 2 is 0.6 in place of 0.5" in verdict(
        compared(legacy, port)
    )


def test_the_noise_of_a_gradient_that_is_zero_is_no_error():
    noise = {"b": np.float32([3e-9, -2e-9]), "w": np.float32([0.5, 0.1])}
    other = {"b": np.float32([-4e-9, 1e-9]), "w": np.float32([0.5, 0.1])}
    runs = [
        recording(chain(1), loss=1.0, gradients=gradients)
        for gradients in (noise, other)
    ]
    assert compared(*runs).agrees
    zero = {**other, "w": np.float32([0.5, 0.2])}
    port = recording(chain(1), loss=1.0, gradients=zero)
    assert not compared(runs[0], port).agrees


def test_the_drift_of_parameters_decides_nothing():
    legacy = recording(chain(1), losses=[1.0], trained={1: {"w": np.ones(1)}})
    port = recording(chain(1), losses=[1.0], trained={1: {"w": 2 * np.ones(1)}})
    comparison = compared(legacy, port)
    assert comparison.agrees
    assert comparison.runs["float32"].trained[1]["w"].max_absolute == 1


@pytest.mark.parametrize("rtol", [1e-3, 1e-1])
def test_tolerances_are_those_that_are_given(rtol):
    legacy, port = recording(chain(1.0)), recording(chain(1.01))
    assert compared(legacy, port, rtol=rtol).agrees == (rtol == 1e-1)


def test_json_has_no_nan_and_no_infinity():
    import json

    legacy, port = chain(1, 2), chain(1, np.inf)
    comparison = compared(recording(legacy), recording(port))
    text = json.dumps(as_json(comparison), allow_nan=False)
    found = json.loads(text)
    assert not found["agrees"]
    assert found["runs"]["float32"]["parting"]["path"] == "model/1"


def test_a_failure_names_the_worst_first():
    port = chain(1, 2.5, 9)
    text = failure_text(compared(recording(chain(1, 2, 3)), recording(port)))
    assert text.splitlines()[0].startswith("The two part at model/1")
    assert text.index("model/2 ") < text.index("model/1 ", text.index("float32:"))


def test_recordings_keep_no_runs_in_a_comparison():
    legacy = recording(chain(1))
    comparison = compared(legacy, dataclasses.replace(legacy, source="port.py:build"))
    assert comparison.port.source == "port.py:build"
    assert comparison.legacy.runs == {}


def without(name):
    """Returns what one side recorded, and what the other did: it lacks one thing."""
    ones = {"w": np.ones(2, np.float32)}
    full = {
        "calls": chain(1, 2),
        "variables": ones,
        "loss": 1.0,
        "gradients": ones,
        "losses": [1.0, 0.5],
        "trained": {1: ones, 2: ones},
    }
    lacking = {
        "a call": {"calls": chain(1, 2)[1:]},
        "variables": {"variables": {}},
        "gradients": {"loss": None, "gradients": {}},
        "losses": {"losses": [1.0], "trained": {1: ones}},
        "training": {"losses": [], "trained": {}},
        "the variables of a step": {"trained": {1: ones}},
    }[name]
    return recording(**full), recording(**{**full, **lacking})


@pytest.mark.parametrize("is_port", [False, True])
@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("a call", "model/0"),
        ("variables", "variables"),
        ("gradients", "gradients"),
        ("losses", "losses"),
        ("training", "losses"),
        ("the variables of a step", "losses"),
    ],
)
def test_what_one_side_alone_has_is_said_and_decides(what, name, is_port):
    sides = without(what)[:: 1 if is_port else -1]
    comparison = compared(*sides)
    assert comparison.status == "not compared"
    assert not comparison.agrees
    assert [gap.name for gap in comparison.all_gaps] == [name]
    text = verdict(comparison)
    assert text.startswith("What was compared agrees, and not all was")
    assert f"Not compared: {name} (" in text
    assert "--ignore" in text
    assert name in failure_text(comparison)
    assert as_json(comparison)["not_compared"][0]["name"] == name
    # The user may know better, and is told what was left out.
    comparison = compare_recordings(*sides, Tolerance(), ignore=[name])
    assert comparison.agrees
    assert f"Left out: {name}" in verdict(comparison)
    assert f"left out with --ignore: {name}" in failure_text(comparison)


def test_a_module_less_is_compared_by_what_the_next_one_is_given():
    legacy, port = chain(1, 2, 3), chain(1, 2, 3)
    # As a recording has it: one array in two places.
    legacy[0].outputs[""] = legacy[1].inputs["0"]
    sides = recording(legacy), recording(port[1:])
    comparison = compared(*sides)
    assert comparison.agrees
    assert "compared as a part of others: model/0" in failure_text(comparison)
    # Not if that is not compared, or differs.
    port[1].inputs = {"0": port[1].inputs["0"] + 1}
    assert compared(*sides).status == "differ"
    port[1].inputs = {"a": np.zeros(1), "b": np.zeros(1)}
    assert compared(*sides).status == "not compared"
    legacy[0].opaque = {"info": "Info"}
    port[1].inputs = legacy[1].inputs
    assert compared(*sides).status == "not compared"


def test_a_method_that_a_module_calls_of_itself_needs_no_twin():
    helper = call("model/0", 2, 3, method="split", outputs=7, is_own=True)
    made = chain(1, 2)
    made[0].entered, made[0].left = 1, 4
    for each in made[1:]:
        each.entered, each.left = (each.entered or -1) + 10, each.left + 10
    sides = recording(made), recording([helper, *made])
    comparison = compared(*sides)
    assert comparison.agrees
    assert "as a part of others: model/0.split" in failure_text(comparison)
    # Not one that is called from outside.
    helper.is_own = False
    assert compared(*sides).status == "not compared"


def test_a_precision_of_one_side_alone_decides():
    legacy = with_float64(recording(chain(1)), chain(1))
    comparison = compared(legacy, recording(chain(1)))
    assert comparison.status == "not compared"
    assert "float64 (on the legacy side only)" in verdict(comparison)
    port = recording(chain(1))
    assert compare_recordings(legacy, port, Tolerance(), ["float64"]).agrees


def test_a_variable_or_a_gradient_of_one_side_alone_differs():
    ones, more = ({k: np.ones(2, "f4") for k in keys} for keys in ("w", "wb"))
    for field in ("variables", "gradients"):
        sides = [
            recording(chain(1), **{"variables": ones, "loss": 1.0, field: values})
            for values in (ones, more)
        ]
        comparison = compared(*sides)
        assert comparison.status == "differ"
        assert "b, the legacy side has none" in verdict(comparison)


def test_a_difference_is_told_before_what_was_not_compared():
    port = chain(1, 3)
    comparison = compared(recording(chain(1, 2)), recording(port[1:]))
    assert comparison.status == "differ"
    text = verdict(comparison)
    assert text.startswith("The two part at model/1")
    assert "Not compared: model/0 (called on the legacy side only)" in text


def test_no_element_is_no_agreement():
    empty = chain(1)
    for call_ in empty:
        call_.outputs = {"": np.zeros([0, 3], np.float32)}
    comparison = compared(recording(empty), recording(empty))
    assert comparison.status == "not compared"
    assert compared(recording(), recording()).status == "not compared"
    assert "Nothing was compared" in verdict(compared(recording(), recording()))


def test_nan_on_both_sides_is_a_verdict_of_its_own():
    legacy, port = chain(1, np.nan, np.nan), chain(1, np.nan, np.nan)
    port[1].inputs["mask"] = np.float32([np.nan])
    comparison = compared(recording(legacy), recording(port))
    assert comparison.status == "not finite"
    assert not comparison.agrees
    assert first(comparison) == ("nan", "model/1")
    text = verdict(comparison)
    assert text.startswith("The two can't be told apart: model/1 (Layer) returns NaN")
    # The first call that has it, for each side.
    found = comparison.runs["float32"].nonfinite
    assert [each["NaN"].first for each in found] == [
        "what model/1 returns",
        "what model/1 is given",
    ]
    assert [each["NaN"].count for each in found] == [18, 18]
    assert "NaN on the legacy side in float32: 18 elements" in failure_text(comparison)
    assert "NaN on both sides in 6 of 6" in failure_text(comparison)
    told = as_json(comparison)["runs"]["float32"]
    assert told["status"] == "not finite"
    assert told["nonfinite"]["port"]["NaN"]["count"] == 18


@pytest.mark.parametrize(
    "values",
    [
        {"variables": {"w": np.float32([np.nan])}},
        {"loss": 1.0, "gradients": {"w": np.float32([np.nan, 1])}},
        {"loss": np.nan},
        {"losses": [1.0, np.nan]},
        {"losses": [1.0], "trained": {1: {"w": np.float32([np.nan, 1])}}},
    ],
)
def test_nan_on_both_sides_decides_wherever_it_is(values):
    comparison = compared(*(recording(chain(1), **values) for _ in range(2)))
    assert comparison.status == "not finite"
    assert "NaN on both sides" in verdict(comparison)


def test_infinities_in_a_mask_agree_and_are_counted():
    masks = chain(1)
    masks[0].outputs[""][0, 0] = -np.inf
    comparison = compared(recording(masks), recording(masks))
    assert comparison.agrees
    told = "infinite on the port side in float32: 1 elements"
    assert told in failure_text(comparison)


def test_a_real_difference_is_told_before_nan():
    legacy, port = chain(np.nan, 2), chain(np.nan, 3)
    comparison = compared(recording(legacy), recording(port))
    assert comparison.status == "differ"
    assert first(comparison) == ("module", "model/1")


def test_an_object_without_arrays_is_not_compared():
    sides = []
    for _ in range(2):
        calls = chain(1)
        calls[-1].opaque = {"info": "Sampler"}
        sides.append(recording(calls))
    comparison = compared(*sides)
    assert comparison.status == "not compared"
    assert "model:info (no array can be found" in verdict(comparison)
    assert compare_recordings(*sides, Tolerance(), ["model:info"]).agrees
    sides[1].runs["float32"].calls[-1].opaque = {}
    assert compared(*sides).status == "not compared"
    # An array in its place is another thing.
    sides[1].runs["float32"].calls[-1].outputs["info"] = np.zeros(1)
    comparison = compared(*sides)
    assert comparison.status == "differ"
    assert "the legacy side has a Sampler, which is no array" in verdict(comparison)


def test_none_as_a_gradient_is_zero_and_is_said():
    zeros = {"w": np.zeros(2, "f4"), "v": np.ones(2, "f4")}
    legacy = recording(
        chain(1), loss=1.0, gradients=zeros, without_gradient=["w"], variables=zeros
    )
    right = recording(chain(1), loss=1.0, gradients=zeros, variables=zeros)
    comparison = compared(legacy, right)
    assert comparison.agrees
    assert "no gradient (None) on the legacy side, taken as 0: w" in failure_text(
        comparison
    )
    other = {**zeros, "w": np.full(2, 1e-2, "f4")}
    wrong = recording(chain(1), loss=1.0, gradients=other, variables=zeros)
    assert compared(legacy, wrong).status == "differ"


def test_a_gradient_of_another_dtype_differs():
    sides = [
        recording(chain(1), loss=1.0, gradients={"w": np.ones(2, dtype)})
        for dtype in ("f4", "f8")
    ]
    assert "float64 in place of float32" in verdict(compared(*sides))


def test_an_infinite_gradient_hides_no_other():
    sides = [
        recording(
            chain(1),
            loss=1.0,
            gradients={"w": np.float32([np.inf, 1]), "v": np.float32([value])},
        )
        for value in (1.0, 2.0)
    ]
    assert compared(*sides).status == "differ"


def test_other_arguments_are_told_before_all_else():
    legacy, port = recording(chain(1)), recording(chain(1))
    legacy.inputs, port.inputs = ({"x": np.float32([v])} for v in (1, 2))
    comparison = compared(legacy, port)
    assert comparison.status == "differ"
    assert "were given other arguments: x differs, by up to 1.0e+00" in verdict(
        comparison
    )


def test_what_a_call_is_given_can_be_left_out():
    port = chain(1, 2)
    port[1].inputs["0"] = np.zeros([], np.float32)
    sides = recording(chain(1, 2)), recording(port)
    assert compared(*sides).status == "differ"
    assert compare_recordings(*sides, Tolerance(), ["model/1(0)"]).agrees


def test_a_name_of_nothing_is_said():
    sides = recording(chain(1)), recording(chain(1))
    comparison = compare_recordings(*sides, Tolerance(), ["model/0", "modle/*"])
    assert comparison.agrees
    assert "--ignore 'modle/*' is the name of nothing" in failure_text(comparison)


def test_leaving_all_out_is_no_agreement():
    sides = recording(chain(1)), recording(chain(2))
    assert not compare_recordings(*sides, Tolerance(), ["*"]).agrees


def test_nan_in_float64_alone_is_not_rounding():
    legacy = with_float64(recording(chain(1.0)), chain(np.nan))
    port = with_float64(recording(chain(1.01)), chain(np.nan))
    comparison = compared(legacy, port)
    assert is_rounding(comparison) is False
    assert comparison.status == "differ"
