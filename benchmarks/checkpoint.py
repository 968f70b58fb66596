"""Reading a checkpoint of 1 GiB.

    python benchmarks/checkpoint.py [--pairs 5] [--case NAME] [--quick] [--json FILE]

Beside sonnax stands TensorFlow's own reader. Each figure is that of a process of its
own, which tells how long the work took and the most memory it held beyond what its
imports took. With --quick the checkpoint has 4 MiB.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import taking_turns
from taking_turns import Row

LISTING = "opening and listing"

# Each snippet defines prepare(path), which is not timed, and run(prepared).
SONNAX = """
from sonnax import converters
def prepare(path): return path
"""
TENSORFLOW = """
import tensorflow as tf
def prepare(path): return path
"""
TASKS = {
    LISTING: (
        SONNAX + "def run(path): return len(list(converters.open_checkpoint(path)))",
        TENSORFLOW + "def run(path):\n"
        "    return len(tf.train.load_checkpoint(path).get_variable_to_shape_map())",
    ),
    "verified read of everything": (
        SONNAX + "def run(path):\n"
        "    ckpt = converters.open_checkpoint(path)\n"
        "    return [ckpt[name] for name in ckpt]",
        TENSORFLOW + "def run(path):\n"
        "    reader = tf.train.load_checkpoint(path)\n"
        "    names = reader.get_variable_to_shape_map()\n"
        "    return [reader.get_tensor(name) for name in names]",
    ),
    "verified restore of everything into device arrays": (
        "import jax\nimport jax.numpy as jnp\n"
        + SONNAX
        + "jax.devices()\ndef run(path):\n"
        "    ckpt = converters.open_checkpoint(path)\n"
        "    arrays = [jax.device_put(ckpt[name]) for name in ckpt]\n"
        "    return jax.block_until_ready(arrays)",
        TENSORFLOW + "def prepare(path):\n"
        "    reader = tf.train.load_checkpoint(path)\n"
        "    shapes = reader.get_variable_to_shape_map()\n"
        "    return path, {n: tf.Variable(tf.zeros(s)) for n, s in shapes.items()}\n"
        "def run(prepared):\n"
        "    path, variables = prepared\n"
        "    names = list(variables)\n"
        "    dtypes = [tf.float32] * len(names)\n"
        "    values = tf.raw_ops.RestoreV2(prefix=path, tensor_names=names,\n"
        "        shape_and_slices=[''] * len(names), dtypes=dtypes)\n"
        "    for name, value in zip(names, values): variables[name].assign(value)\n"
        "    return variables",
    ),
}
MEASURE = """
import json, resource, sys, threading, time
def resident():
    with open("/proc/self/statm") as f:
        pages = f.read().split()
    # Pages of mapped files can be dropped at any time: they are not counted.
    return (int(pages[1]) - int(pages[2])) * resource.getpagesize()
prepared = prepare(sys.argv[1])
before, peak, done = resident(), 0, threading.Event()
def watch():
    global peak
    while not done.wait(0.002):
        peak = max(peak, resident())
watcher = threading.Thread(target=watch)
watcher.start()
start = time.perf_counter()
result = run(prepared)
seconds = time.perf_counter() - start
peak = max(peak, resident())
done.set()
watcher.join()
print(json.dumps({"seconds": seconds, "bytes": max(peak - before, 0)}))
"""


def write(prefix: str, mib: int) -> None:
    """Writes `mib` tensors of 1 MiB each, as TensorFlow does."""
    import tensorflow as tf

    names = [f"layer_{i}/w" for i in range(mib)]
    values = [tf.random.normal([512, 512]) for _ in names]
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=names,
        shape_and_slices=[""] * mib,
        tensors=values,
    )


def measure(code: str, prefix: str) -> dict[str, float]:
    command = [sys.executable, "-c", code + "\n" + MEASURE, prefix]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(out.stdout.splitlines()[-1])


def rows(options: argparse.Namespace) -> Iterator[Row]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    named = {task: (task, codes) for task, codes in TASKS.items()}
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "model")
        write(prefix, 4 if options.quick else 1024)
        for task, (sonnax, tensorflow) in taking_turns.chosen(named, options):
            given = taking_turns.in_turns(
                {
                    "sonnax": lambda code=sonnax: measure(code, prefix),
                    "TensorFlow": lambda code=tensorflow: measure(code, prefix),
                },
                options.pairs,
                limit=60,
            )
            figures = [(task, "seconds", "s")]
            if task != LISTING:
                figures.append((f"{task}, memory held", "bytes", "bytes"))
            for what, key, unit in figures:
                ours, theirs = ([x[key] for x in given[name]] for name in given)
                yield taking_turns.compared(what, ours, "TensorFlow", theirs, unit)


if __name__ == "__main__":
    taking_turns.main(__doc__, rows, turns=5)
