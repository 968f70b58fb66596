"""The ported model on Sonnet's checkpoint, beside what Sonnet recorded."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from .. import compat as snt
from .. import converters
from . import DATA, RECORDED
from .model import DigitClassifier, as_input, mean_cross_entropy

LEARNING_RATE = 1e-3
# About 20 times what float32's rounding was measured to make of each.
LOGIT_TOLERANCE = 1e-5
LOSS_TOLERANCE = 1e-4
TIMED_CALLS = 5


@dataclass(frozen=True)
class Evaluation:
    """The test set through one gear.

    Attributes:
        gear: how the model was called.
        accuracy: the share of test images that it classifies rightly.
        loss: the mean cross-entropy on them.
        max_difference: the largest |difference| of a logit from Sonnet's.
        max_relative_difference: the same, each in units of its image's largest logit.
        first_call: seconds, compilation included.
        later_call: seconds, the best of several.
    """

    gear: str
    accuracy: float
    loss: float
    max_difference: float
    max_relative_difference: float
    first_call: float
    later_call: float

    @property
    def passed(self) -> bool:
        """Whether every logit is within `LOGIT_TOLERANCE` of Sonnet's, relatively."""
        return self.max_relative_difference <= LOGIT_TOLERANCE


@dataclass(frozen=True)
class Resumption:
    """The training steps after the checkpoint.

    Attributes:
        first_step: the number of the first of them.
        losses: their losses here.
        sonnet_losses: Sonnet's on the same batches.
        max_relative_difference: the largest of them all.
        seconds: how long the steps took, compilation included.
    """

    first_step: int
    losses: list[float]
    sonnet_losses: list[float]
    max_relative_difference: float
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every loss is within `LOSS_TOLERANCE` of Sonnet's, relatively."""
        return self.max_relative_difference <= LOSS_TOLERANCE


@dataclass(frozen=True)
class Comparison:
    """Everything that the demo measured.

    Attributes:
        sonnet_accuracy: Sonnet's own on the test images.
        sonnet_loss: Sonnet's own loss on them.
        evaluations: one for each gear.
        resumption: the resumed training.
    """

    sonnet_accuracy: float
    sonnet_loss: float
    evaluations: list[Evaluation]
    resumption: Resumption

    @property
    def passed(self) -> bool:
        """Whether every number is within its tolerance."""
        gears = all(evaluation.passed for evaluation in self.evaluations)
        return gears and self.resumption.passed


def compare_with_recording(
    checkpoint: Path = DATA, recorded: Path = RECORDED
) -> Comparison:
    """Restores the port, evaluates it in three gears, and trains it on.

    Args:
        checkpoint: the checkpoint to restore.
        recorded: the `.npz` that `train_sonnet.py` wrote with it.

    Returns:
        The numbers, beside Sonnet's.

    Raises:
        CheckpointError: the checkpoint can't be read, or does not fit the model.
    """
    with np.load(recorded) as arrays:
        data = dict(arrays)
    # Sonnet names both convolutions conv2_d; as keys of a dict they must differ.
    with snt.functional.variables():
        net = DigitClassifier()
    optimizer = snt.optimizers.Adam(LEARNING_RATE)
    step = snt.Variable(0, trainable=False, name="step")
    status = converters.restore(checkpoint, model=net, optimizer=optimizer, step=step)
    # An accelerator multiplies float32 in fewer bits unless it is told not to.
    with jax.default_matmul_precision("float32"):
        evaluations = _evaluate_gears(net, data)
        resumption = _resume(net, optimizer, step, data)
    status.assert_consumed()
    return Comparison(
        sonnet_accuracy=_accuracy(data["test_logits"], data["test_labels"]),
        sonnet_loss=float(data["test_loss"]),
        evaluations=evaluations,
        resumption=resumption,
    )


def _evaluate_gears(
    net: DigitClassifier, data: dict[str, np.ndarray]
) -> list[Evaluation]:
    """The model called eagerly, compiled with its variables, and as a pure function."""

    def classify(images: jax.Array) -> jax.Array:
        return net(images, is_training=False)

    def classify_purely(images: jax.Array) -> jax.Array:
        logits, _ = apply(params, state, images)
        return logits

    eager = _evaluate("eager", classify, data)
    compiled = _evaluate("snt.jit", snt.jit(classify), data)
    pure = snt.functional.transform_with_state(classify)
    params, state = pure.init(as_input(data["test_images"]))
    apply = jax.jit(pure.apply)
    return [eager, compiled, _evaluate("pure, jax.jit", classify_purely, data)]


def _evaluate(
    gear: str, classify: Callable[[jax.Array], jax.Array], data: dict[str, np.ndarray]
) -> Evaluation:
    images, expected = as_input(data["test_images"]), data["test_logits"]
    first_call, output = _timed(classify, images)
    later_call = min(_timed(classify, images)[0] for _ in range(TIMED_CALLS))
    logits = np.asarray(output)
    difference = np.abs(logits - expected)
    scale = np.abs(expected).max(axis=-1, keepdims=True)
    return Evaluation(
        gear=gear,
        accuracy=_accuracy(logits, data["test_labels"]),
        loss=float(mean_cross_entropy(logits, data["test_labels"])),
        max_difference=float(difference.max()),
        max_relative_difference=float((difference / scale).max()),
        first_call=first_call,
        later_call=later_call,
    )


def _resume(
    net: DigitClassifier,
    optimizer: snt.optimizers.Adam,
    step: snt.Variable,
    data: dict[str, np.ndarray],
) -> Resumption:
    def loss_fn(images: jax.Array, labels: jax.Array) -> jax.Array:
        return mean_cross_entropy(net(images, is_training=True), labels)

    @snt.jit
    def train_step(images: jax.Array, labels: jax.Array) -> jax.Array:
        variables = net.trainable_variables
        loss, gradients = snt.value_and_grad(loss_fn, variables)(images, labels)
        optimizer.apply(gradients, variables)
        step.assign_add(1)
        return loss

    first_step = int(step.numpy()) + 1
    start = time.perf_counter()
    losses = [
        float(
            train_step(
                as_input(data["train_images"][batch]), data["train_labels"][batch]
            )
        )
        for batch in data["batches"]
    ]
    expected = data["batch_losses"]
    return Resumption(
        first_step=first_step,
        losses=losses,
        sonnet_losses=expected.tolist(),
        max_relative_difference=float(np.max(np.abs(losses / expected - 1))),
        seconds=time.perf_counter() - start,
    )


def _accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(np.argmax(logits, axis=-1) == labels))


def _timed(
    function: Callable[[jax.Array], jax.Array], images: jax.Array
) -> tuple[float, jax.Array]:
    start = time.perf_counter()
    result = jax.block_until_ready(function(images))
    return time.perf_counter() - start, result
