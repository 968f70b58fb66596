"""The parts of a Markdown document: its sections, blocks of code, and tables."""

import re
from pathlib import Path

import sonnax

ROOT = Path(sonnax.__file__).parent
BLOCK = re.compile(r"^```python( legacy)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)


def read(document):
    return (ROOT / document).read_text()


def without_code(text):
    """The text with blank lines in the place of code, whose comments look like titles.

    Every character stays where it is.
    """
    return FENCE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def headings(document):
    """[(level, title, start, end)]: the text between each heading and the next."""
    text = read(document)
    found = list(HEADING.finditer(without_code(text)))
    ends = [*(m.start() for m in found[1:]), len(text)]
    return [(len(m[1]), m[2], m.end(), end) for m, end in zip(found, ends)]


def parts(document, within=None):
    """[(title, text, line)]: what stands between each heading and the next.

    Args:
      within: a title; then its text, and those of the headings below it, alone.
    """
    text, inside, found = read(document), None, []
    for level, title, start, end in headings(document):
        if inside is not None and level <= inside:
            break
        if within is None or inside is not None or title == within:
            found.append((title, text[start:end], 1 + text[:start].count("\n")))
        if title == within:
            inside = level
    if not found:
        raise KeyError(f"{document} has no section {within!r}")
    return found


def blocks(text, line):
    """[(is legacy, line, code)] of a text that begins at a line."""
    return [
        (bool(m[1]), line + text[: m.start(2)].count("\n"), m[2])
        for m in BLOCK.finditer(text)
    ]


def rows(text, line):
    """[(line, [cell])] of the tables in a text, without their heads.

    A bar inside a cell is written `\\|`, as Markdown wants it.
    """
    lines = without_code(text).split("\n")
    found = []
    for n, row in enumerate(lines):
        is_head = n + 1 < len(lines) and lines[n + 1].startswith("| ---")
        if row.startswith("| ") and not row.startswith("| ---") and not is_head:
            cells = re.split(r"(?<!\\)\|", row.rstrip()[1:-1])
            cells = [cell.strip().replace(r"\|", "|") for cell in cells]
            found.append((line + n, cells))
    return found
