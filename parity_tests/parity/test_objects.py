"""Results that are objects: taken apart by name, or said to be opaque."""

import collections
import dataclasses
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from sonnax.parity import Recording, Run, Tolerance, compare_recordings, verdict
from sonnax.parity.recorder.capture import Capture
from sonnax.parity.recorder.parts import parts
from sonnax.parity.recorder.sonnet_side import unchanging_leaves
from sonnax.parity.recorder.structure import flatten
from sonnax.parity.sonnax_side import SonnaxSide

from .models import objects

X = np.float32([[1, 2], [3, 4]])


def recorded(model):
    side = SonnaxSide("float32")
    capture = Capture(side)
    with side.capturing(capture):
        model(jnp.asarray(X))
    run = Run(calls=capture.calls({id(model): "model"}))
    return Recording("model.py:build", {}, {}, {"float32": run})


def compared(kind, factor):
    sides = (recorded(objects.of(kind, each)) for each in (1.0, factor))
    return compare_recordings(*sides, Tolerance())


@pytest.mark.parametrize("kind", [kind for kind in objects.KINDS if kind != "opaque"])
def test_objects_are_compared_by_what_is_in_them(kind):
    assert compared(kind, 1.0).agrees
    comparison = compared(kind, 0.5)
    assert comparison.status == "differ"
    assert "at model (Model)" in verdict(comparison)


def test_an_object_in_which_nothing_is_found_is_said():
    for factor in (1.0, 0.5):
        comparison = compared("opaque", factor)
        assert comparison.status == "not compared"
        told = "function on the legacy side and function on the port side"
        assert told in verdict(comparison)
        assert [gap.name for gap in comparison.all_gaps] == ["model:read"]


def test_the_parts_of_one_side_are_named_as_those_of_another():
    named = [
        dict(flatten(objects.KINDS[kind](X, 1.0)))
        for kind in ("dataclass", "attrs", "slots", "namedtuple", "dict")
    ]
    assert all(found.keys() == {"logits", "loss"} for found in named)
    # A private lock is no result; a private array is.
    assert dict(flatten(objects.Plain(X, X))).keys() == {"logits", "loss"}


def sonnets(result):
    """Returns what is recorded of a result under TensorFlow."""
    side = SimpleNamespace(
        to_numpy=lambda v: np.array(v) if hasattr(v, "dtype") else None,
        is_module=lambda value: isinstance(value, tf.Module),
        precision="float32",
    )
    capture = Capture(side)
    capture.enter(SimpleNamespace(name="m"), "f")
    capture.leave({}, unchanging_leaves(result))
    return Recording("a", {}, {}, {"float32": Run(calls=capture.calls({}))})


@pytest.mark.parametrize("other", ["substrate", "distrax"])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Normal", {"loc": 0.5, "scale": [1.0, 2.0]}),
        ("Bernoulli", {"logits": [1.0, 2.0]}),
        ("MultivariateNormalDiag", {"loc": [1.0, 2.0], "scale_diag": [3.0, 4.0]}),
    ],
)
def test_a_distribution_of_tensorflow_agrees_with_that_of_jax(name, arguments, other):
    import distrax
    from tensorflow_probability.substrates import jax as substrate

    library = {"substrate": substrate.distributions, "distrax": distrax}[other]
    legacy = getattr(tfp.distributions, name)(
        **{k: tf.constant(v) for k, v in arguments.items()}
    )
    port, wrong = (
        getattr(library, name)(
            **{k: factor * jnp.array(v) for k, v in arguments.items()}
        )
        for factor in (1.0, 1.5)
    )
    side = SonnaxSide("float32")

    def of(result):
        capture = Capture(side)
        capture.enter(SimpleNamespace(name="m"), "f")
        capture.leave({}, side._leaves(result))
        return Recording("b", {}, {}, {"float32": Run(calls=capture.calls({}))})

    theirs = sonnets(legacy)
    assert compare_recordings(theirs, of(port), Tolerance()).agrees
    assert not compare_recordings(theirs, of(wrong), Tolerance()).agrees


def test_another_distribution_of_the_same_parameters_differs():
    kinds = tfp.distributions.Normal, tfp.distributions.Laplace
    sides = [sonnets(kind(tf.zeros(2), tf.ones(2))) for kind in kinds]
    comparison = compare_recordings(*sides, Tolerance())
    assert comparison.status == "differ"
    assert "['Laplace'] in place of ['Normal']" in verdict(comparison)


@pytest.mark.parametrize("result", ["a", 3, 2.5, True, 1 + 2j, b"\0a", np.float32(3)])
def test_plain_values_are_results_too(result):
    recording = sonnets({"x": result, "y": tf.ones(2)})
    (call,) = recording.runs["float32"].calls
    assert call.outputs.keys() == {"x", "y"}
    assert compare_recordings(recording, recording, Tolerance()).agrees


def test_none_and_modules_are_nothing_to_compare():
    (call,) = sonnets([None, tf.Module(), tf.ones(1)]).runs["float32"].calls
    assert (call.outputs.keys(), call.opaque) == ({"2"}, {})
    assert sonnets([None]).runs["float32"].calls == []


def test_what_contains_itself_has_an_end():
    class Node:
        def __init__(self):
            self.value, self.next = 1.0, self

    found = dict(flatten(Node()))
    assert found["value"] == 1.0
    chain = None
    for _ in range(10_000):
        chain = [chain]
    assert len(dict(flatten(chain))) == 1


def test_classes_functions_and_arrays_have_no_parts():
    @dataclasses.dataclass
    class Data:
        x: int = 3

    for whole in (Data, len, X, tf.ones(1), tf.Variable(1.0), "text", None, 3):
        assert parts(whole) is None
    assert parts(Data()) == [("x", 3)]
    assert parts(collections.deque()) is None
