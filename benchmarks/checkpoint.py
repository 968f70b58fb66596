"""Reading a checkpoint of 1 GiB: sonnax beside TensorFlow's own reader.

    python benchmarks/checkpoint.py [--mib 1024] [--repeats 5] [--json]

Each figure is that of a process of its own, which prints how long the work took and
the most memory it held beyond what its imports took. The two libraries take turns.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from rich.console import Console
from rich.table import Table

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
    "open and list": (
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
    "verified restore into device arrays": (
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
    code = (
        "import sys, tensorflow as tf\n"
        "n = int(sys.argv[2])\n"
        "names = [f'layer_{i}/w' for i in range(n)]\n"
        "values = [tf.random.normal([512, 512]) for _ in range(n)]\n"
        "tf.raw_ops.SaveV2(prefix=sys.argv[1], tensor_names=names,\n"
        "    shape_and_slices=[''] * n, tensors=values)\n"
    )
    subprocess.run([sys.executable, "-c", code, prefix, str(mib)], check=True)


def measure(code: str, prefix: str) -> dict[str, float]:
    command = [sys.executable, "-c", code + "\n" + MEASURE, prefix]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(out.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "model")
        write(prefix, args.mib)
        for task, codes in TASKS.items():
            repeats = range(args.repeats + 1)
            runs = [[measure(c, prefix) for c in codes] for _ in repeats]
            # The first pair warms the page cache.
            ours, theirs = zip(*runs[1:])
            median = lambda values: statistics.median(values)
            rows.append(
                {
                    "task": task,
                    "sonnax_seconds": median([r["seconds"] for r in ours]),
                    "tensorflow_seconds": median([r["seconds"] for r in theirs]),
                    "time_ratio": median(
                        [a["seconds"] / b["seconds"] for a, b in zip(ours, theirs)]
                    ),
                    "sonnax_mib": median([r["bytes"] / 2**20 for r in ours]),
                    "tensorflow_mib": median([r["bytes"] / 2**20 for r in theirs]),
                }
            )
    report = {
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
        "mib": args.mib,
        "repeats": args.repeats,
        "numpy": np.__version__,
        "rows": rows,
    }
    if args.json:
        print(json.dumps(report, indent=2))
        return
    title = f"A checkpoint of {args.mib} MiB, medians of {args.repeats} runs"
    table = Table(title=title)
    for heading in ("", "sonnax", "TensorFlow", "ratio", "sonnax holds", "TF holds"):
        table.add_column(heading, justify="left" if not heading else "right")
    for row in rows:
        table.add_row(
            row["task"],
            f"{row['sonnax_seconds'] * 1e3:.1f} ms",
            f"{row['tensorflow_seconds'] * 1e3:.1f} ms",
            f"{row['time_ratio']:.2f}",
            f"{row['sonnax_mib']:.0f} MiB",
            f"{row['tensorflow_mib']:.0f} MiB",
        )
    Console().print(table)
    print(report["machine"])


if __name__ == "__main__":
    main()
