"""The score of a run: a table by folder, and the faults that nobody saw."""

import collections
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from .plugin import KILLED, TOO_LONG


def score(entries: Iterable[Mapping[str, Any]], explained: Mapping[str, str]) -> str:
    """Returns the score as Markdown.

    Args:
      entries: what `plugin.read` returns.
      explained: for faults that no test can see, why.
    """
    entries = list(entries)
    by_folder: dict[str, collections.Counter[bool]] = {}
    for entry in entries:
        seen = entry["outcome"] in (KILLED, TOO_LONG)
        for folder in (entry["folder"], "all"):
            by_folder.setdefault(folder, collections.Counter())[seen] += 1
    total = by_folder.pop("all", collections.Counter())
    rows = [
        f"| {name} | {seen.total()} | {seen[True]} | {seen[True] / seen.total():.0%} |"
        for name, seen in [*by_folder.items(), ("**all**", total)]
        if seen
    ]
    left = [entry for entry in entries if entry["outcome"] not in (KILLED, TOO_LONG)]
    survivors = [
        f"- `{entry['name']}` in `{entry['function']}` ({entry['outcome']}): "
        f"{explained.get(entry['name'].partition(' ')[2], 'not explained yet')}"
        for entry in left
    ]
    return "\n".join(
        [
            "| folder | faults | seen | score |",
            "| --- | --: | --: | --: |",
            *rows,
            "",
            *survivors,
            "",
        ]
    )


def explanations(path: pathlib.Path) -> dict[str, str]:
    """Reads `operator: change = why` lines, as a fault is called without its line."""
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = (line.partition(" = ") for line in lines if " = " in line)
    return {fault: why for fault, _, why in pairs}
