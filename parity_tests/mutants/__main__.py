"""`python -m sonnax.parity_tests.mutants`: see `--help`."""

import argparse
import pathlib
import sys

import pytest

from . import operators, plugin, reach, score

TESTS = ("compat", "haiku_impl", "trfl", "rlax_impl", "converters")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("mutants"))
    parser.add_argument("--count", type=int, default=420, help="of faults")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=300, help="for one fault")
    parser.add_argument("--record", action="store_true", help="only reach, anew")
    parser.add_argument("--tests", nargs="*", default=TESTS, help="of parity_tests")
    options = parser.parse_args()
    folders = [str(operators.ROOT / "parity_tests" / test) for test in options.tests]
    common = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", *folders]

    if options.record or not any(options.folder.glob("reach-*.json")):
        recorder = reach.Reach(options.folder.resolve())
        status = pytest.main(common, plugins=[recorder])
        if status or options.record:
            return int(status)
        print("Run it again: the faults need a process in which no test has run.")
        return 0

    options.folder.mkdir(exist_ok=True)
    results = options.folder / f"seed-{options.seed}.jsonl"
    planter = plugin.Planter(
        operators.drawn(options.count, options.seed),
        reach.tests_by_line(options.folder),
        results.resolve(),
        options.workers,
        options.seconds,
    )
    status = pytest.main(common, plugins=[planter])
    why = score.explanations(pathlib.Path(__file__).with_name("explained.txt"))
    print(score.score(plugin.read(results), why))
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
