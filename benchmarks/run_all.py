"""Runs every benchmark and writes the table of README.md.

    python benchmarks/run_all.py [--pairs N] [--quick] [--json FILE] [--no-readme]

Each benchmark runs in a process of its own, one after the other. The table takes the
place of what stands in README.md between two comments; it is written when all of them
have ended well, and not otherwise.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import machine
import rich.console
import rich.progress
import taking_turns
from taking_turns import Row

FOLDER = Path(__file__).resolve().parent
README = FOLDER.parent / "README.md"
BEGIN, END = "<!-- begin: make bench -->\n", "<!-- end: make bench -->\n"

# In the order of the table.
SCRIPTS = {
    "trace.py": "Tracing a model of Haiku's API",
    "demo_trace.py": "Tracing the demo's model, of Sonnet's API",
    "train_step.py": "Training steps of Sonnet's API, compiled",
    "layers.py": "Layers of Sonnet's API, compiled",
    "rlax_value.py": "Value functions, compiled",
    "rlax_policy.py": "Policy functions, compiled",
    "checkpoint.py": "A checkpoint of 1 GiB",
    "start_up.py": "Starting",
}

Groups = Mapping[str, Sequence[Row]]


class BenchmarkError(Exception):
    """A benchmark ended with an error; the message holds what it wrote to stderr."""


def rows_of(script: str, arguments: Sequence[str]) -> Iterator[Row]:
    """Runs a benchmark and gives its rows as they are measured."""
    command = [sys.executable, str(FOLDER / script), "--json", "-", *arguments]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        ) as process:
            try:
                for line in process.stdout:
                    yield Row(**json.loads(line))
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            errors.seek(0)
            raise BenchmarkError(
                f"{script} ended with status {process.returncode}:\n{errors.read()}"
            )


def measure(
    arguments: Sequence[str], tell: Callable[[int, str], None]
) -> dict[str, list[Row]]:
    """Runs every benchmark; `tell` hears how many have ended, and the latest row."""
    groups: dict[str, list[Row]] = {}
    for ended, script in enumerate(SCRIPTS):
        tell(ended, script)
        groups[script] = []
        for row in rows_of(script, arguments):
            groups[script].append(row)
            tell(ended, f"{script}: {row.what}")
    tell(len(SCRIPTS), "")
    return groups


def markdown(about: Mapping[str, str], groups: Groups) -> str:
    """Writes the description of the machine and the table."""
    heading = (
        f"Measured by `make bench` on {about['date']}: {about['processor']}, "
        f"{about['cores']} cores, {about['memory']} of memory; {about['system']}; "
        f"{about['versions']}. The load of the machine was {about['load']} when the "
        "run began."
    )
    alignments = [
        "---" if h in ("what", "peer") else "--:" for h in taking_turns.HEADINGS
    ]
    lines = [taking_turns.HEADINGS, alignments]
    for script, rows in groups.items():
        title = f"**{SCRIPTS[script]}** (`benchmarks/{script}`)"
        lines.append((title, *[""] * (len(taking_turns.HEADINGS) - 1)))
        lines.extend(map(taking_turns.cells, rows))
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{heading}\n\n{table}\n"


def replaced(document: str, text: str) -> str:
    """Puts a text between the two comments of a document."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(
            f"no table to replace: the lines {BEGIN.strip()} and {END.strip()} must "
            "both stand in the document, in this order"
        )
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def write(path: Path, text: str) -> None:
    """Replaces a file at once: a reader sees the old text or the new one."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    shutil.copymode(path, new)
    os.replace(new, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", help="turns of each side; each has its own default")
    parser.add_argument(
        "--quick", action="store_true", help="the first case of each; README.md stays"
    )
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this file")
    parser.add_argument("--no-readme", action="store_true", help="README.md stays")
    options = parser.parse_args()
    arguments = ["--pairs", options.pairs] if options.pairs else []
    arguments += ["--quick"] * options.quick
    about = machine.description()
    if float(about["load"]) > 0.25 * machine.cores():
        print(
            f"the load of this machine is {about['load']}: other programs run, and "
            "the ratios will scatter",
            file=sys.stderr,
        )

    console = rich.console.Console(stderr=True)
    columns = (
        rich.progress.BarColumn(20),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TimeElapsedColumn(),
        rich.progress.TextColumn("{task.description}"),
    )
    try:
        with rich.progress.Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        ) as progress:
            task = progress.add_task("", total=len(SCRIPTS))
            groups = measure(
                arguments,
                lambda ended, what: progress.update(
                    task, completed=ended, description=what
                ),
            )
    except BenchmarkError as error:
        sys.exit(str(error))

    taking_turns.print_tables({SCRIPTS[name]: rows for name, rows in groups.items()})
    if options.json:
        rows = {name: [row._asdict() for row in rows] for name, rows in groups.items()}
        content = {"machine": about, "benchmarks": rows}
        Path(options.json).write_text(json.dumps(content, indent=2) + "\n")
    if not (options.quick or options.no_readme):
        write(README, replaced(README.read_text(), markdown(about, groups)))


if __name__ == "__main__":
    main()
