"""Starting: imports, and the command line.

    python benchmarks/start_up.py [--pairs 5] [--case NAME] [--quick] [--json FILE]

Each figure is the wall time of a process of its own, that of the interpreter included.
The demo has no peer: it restores a checkpoint of Sonnet, runs it in three ways, trains
on and exports.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import taking_turns
from taking_turns import Row

import sonnax

CHECKPOINT = Path(sonnax.__file__).parent / "demo" / "data" / "ckpt-300"
LIST = "import sys, tensorflow; print(tensorflow.train.list_variables(sys.argv[1]))"

# What, the arguments of the interpreter, the peer and its arguments.
CASES = (
    (
        "`import sonnax.haiku_impl`",
        ("-c", "import sonnax.haiku_impl"),
        "`import haiku`",
        ("-c", "import haiku"),
    ),
    (
        "`import sonnax.rlax_impl`",
        ("-c", "import sonnax.rlax_impl"),
        "`import rlax`",
        ("-c", "import rlax"),
    ),
    (
        "`import sonnax.compat`",
        ("-c", "import sonnax.compat"),
        "`import sonnet`",
        ("-c", "import sonnet"),
    ),
    (
        "`sonnax inspect` of the demo's checkpoint",
        ("-m", "sonnax", "inspect", str(CHECKPOINT)),
        "`tf.train.list_variables`",
        ("-c", LIST, str(CHECKPOINT)),
    ),
    ("`sonnax demo`", ("-m", "sonnax", "demo"), None, ()),
)


def seconds(arguments: tuple[str, ...], folder: str) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,  # the demo writes into the folder it runs in
    )
    return time.perf_counter() - start


def rows(options: argparse.Namespace) -> Iterator[Row]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    named = {case[0]: case for case in CASES}
    with tempfile.TemporaryDirectory() as folder:
        for what, ours, peer, theirs in taking_turns.chosen(named, options):
            sides = {"sonnax": ours} | ({peer: theirs} if peer else {})
            if not options.quick:
                # The first one reads the files from the disk.
                for arguments in sides.values():
                    seconds(arguments, folder)
            times = taking_turns.in_turns(
                {
                    name: lambda arguments=arguments: seconds(arguments, folder)
                    for name, arguments in sides.items()
                },
                options.pairs,
            )
            yield taking_turns.compared(
                what, times["sonnax"], peer, times.get(peer, ())
            )


if __name__ == "__main__":
    taking_turns.main(__doc__, rows, turns=5)
