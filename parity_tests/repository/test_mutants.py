"""The faults of `make mutants`: drawn by a seed, planted where they say, and seen."""

import ast
import subprocess
import sys

import pytest

from sonnax.parity_tests.mutants import operators, score


def test_a_seed_draws_the_same_faults_and_another_one_others():
    first, again, other = (operators.drawn(60, seed) for seed in (1, 1, 2))
    assert first == again
    assert len({*first} & {*other}) < 30
    assert {mutant.folder for mutant in first} == {*operators.FOLDERS}
    assert len({mutant.operator for mutant in first}) >= 7


@pytest.mark.parametrize("seed", range(3))
def test_a_fault_changes_its_function_and_nothing_else(seed):
    for mutant in operators.drawn(70, seed):
        before = ast.parse((operators.ROOT / mutant.file).read_text())
        after = operators.planted(mutant)
        compile(after, mutant.file, "exec")
        assert ast.dump(before) != ast.dump(after), mutant.name
        assert _without(before, mutant.function) == _without(after, mutant.function)


def _without(tree, function):
    *classes, name = function.split(".")
    place = tree
    for part in classes:
        place = next(n for n in place.body if getattr(n, "name", "") == part)
    place.body = [n for n in place.body if getattr(n, "name", "") != name]
    return ast.dump(tree)


PLANT = """
from sonnax.haiku_impl.numerics import pooling
from sonnax.parity_tests.mutants import operators, planting

path = operators.ROOT / "haiku_impl/numerics/pooling.py"
mutants = operators.mutants_of("numerics", path)
mutant = next(m for m in mutants if (m.function, m.operator) == ("max_pool", "swap"))
before = pooling.max_pool.__code__
assert planting.plant(mutant)
assert pooling.max_pool.__code__ is not before
"""


def test_a_planted_fault_is_what_those_run_who_imported_the_function():
    subprocess.run([sys.executable, "-c", PLANT], check=True, timeout=120)


def test_the_score_counts_by_folder_and_explains_what_is_left():
    fault = {"folder": "trfl", "function": "f", "seconds": 1.0}
    text = score.score(
        [
            {**fault, "name": "a.py:1 swap: x -> y", "outcome": "killed"},
            {**fault, "name": "a.py:2 axis: 0 -> 1", "outcome": "survived"},
        ],
        {"axis: 0 -> 1": "one axis only"},
    )
    assert "| trfl | 2 | 1 | 50% |" in text
    assert "`a.py:2 axis: 0 -> 1` in `f` (survived): one axis only" in text
