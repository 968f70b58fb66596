"""Runs the fuzz targets, guided by coverage: python -m sonnax.parity_tests.fuzz.

Each target has a process of its own, as libFuzzer ends the one it runs in. What it
finds is kept as a file, which `--replay` reads again.
"""

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

_MEGABYTES, _SECONDS_EACH = 2048, 10
_MEMORY = "/dev/shm"


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all readers")
    parser.add_argument("--reader", action="append", help="only these; default: all")
    parser.add_argument("--found", default="fuzz-found", help="folder for findings")
    parser.add_argument("--replay", help="a finding, to be read by --reader")
    parser.add_argument("--corpus", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.corpus:
        _fuzz(arguments.reader[0], arguments.corpus, arguments.seconds, arguments.found)
    from .readers import READERS

    names = arguments.reader or list(READERS)
    if arguments.replay:
        data = pathlib.Path(arguments.replay).read_bytes()
        for name in names:
            READERS[name](data)
        return 0
    seconds = max(1, arguments.seconds // len(names))
    failed = [name for name in names if not _passes(name, seconds, arguments.found)]
    print(
        f"{len(names)} readers, {seconds} s each; found something: {failed or 'none'}"
    )
    return 1 if failed else 0


def _passes(name: str, seconds: int, found: str) -> bool:
    """Runs one target in a process of its own; says whether it found nothing."""
    from .seeds import SEEDS

    os.makedirs(found, exist_ok=True)
    # A hundred files a second are better written to memory.
    memory = _MEMORY if os.path.isdir(_MEMORY) else None
    with tempfile.TemporaryDirectory(prefix="sonnax-fuzz-", dir=memory) as folder:
        corpus = os.path.join(folder, "corpus")
        os.mkdir(corpus)
        for i, data in enumerate(SEEDS[name]):
            pathlib.Path(corpus, str(i)).write_bytes(data)
        command = [sys.executable, "-m", __spec__.name.removesuffix(".__main__")]
        command += ["--reader", name, "--seconds", str(seconds), "--found", found]
        ran = subprocess.run(
            [*command, "--corpus", corpus],
            env={**os.environ, "TMPDIR": folder},
            stderr=subprocess.PIPE,
        )
    lines = ran.stderr.decode(errors="replace").splitlines()
    done = [line for line in lines if line.startswith("#") and " cov: " in line]
    print(f"{name}: {' '.join(done[-1:])}", flush=True)
    if ran.returncode:
        print("\n".join(lines[-40:]), flush=True)
    return ran.returncode == 0


def _fuzz(name: str, corpus: str, seconds: int, found: str) -> None:
    """Fuzzes in this process, and ends it."""
    import atheris

    with atheris.instrument_imports(include=["sonnax.converters", "sonnax.parity"]):
        from .readers import FAMILY, READERS

    def one(data: bytes) -> None:
        with contextlib.suppress(*FAMILY):
            READERS[name](data)

    options = {
        "max_total_time": seconds,
        "timeout": _SECONDS_EACH,
        "rss_limit_mb": _MEGABYTES,
        "artifact_prefix": os.path.join(found, f"{name}-"),
        "max_len": 1 << 16,
    }
    flags = [f"-{option}={value}" for option, value in options.items()]
    atheris.Setup([sys.argv[0], *flags, corpus], one)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
