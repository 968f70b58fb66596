"""The agents of examples/ learn Catch."""

import importlib
import pathlib

import jax
import numpy as np
import pytest

import sonnax

EXAMPLES = pathlib.Path(sonnax.__file__).parent / "examples"


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module


@pytest.mark.parametrize(
    ("name", "budget"), [("dqn_haiku", 1000), ("vtrace_lstm_haiku", 300)]
)
def test_an_agent_learns_to_catch(example, name, budget):
    agent = example(name)
    assert agent.main(budget=0) < 0.5
    assert agent.main(budget=budget) > 0.9


def test_a_game_of_catch_ends_when_the_ball_is_down(example):
    catch = example("catch")
    state, rewards = catch.reset(jax.random.key(3)), []
    for i in range(catch.EPISODE_LENGTH):
        board = np.asarray(catch.observe(state))
        assert board[i, state.ball_column] == 1.0
        assert board.sum() == 2.0
        towards = 1 + np.sign(state.ball_column - state.paddle_column)
        state, outcome = catch.step(jax.random.key(i), state, towards)
        rewards.append((float(outcome.reward), float(outcome.discount)))
    assert rewards == [(0.0, 1.0)] * (catch.EPISODE_LENGTH - 1) + [(1.0, 0.0)]
    assert state.ball_row == 0


def test_a_paddle_elsewhere_loses(example):
    catch = example("catch")
    state = catch.State(*(np.asarray(x) for x in (catch.ROWS - 2, 0, 4)))
    _, outcome = catch.step(jax.random.key(0), state, np.asarray(2))
    assert outcome == (-1.0, 0.0)
