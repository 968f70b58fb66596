"""The messages in MIGRATION.md's Troubleshooting: an example of each, or its source."""

import ast
import functools
import re
import warnings

import pytest

from .documents import ROOT, blocks, parts, rows

SECTION = parts("MIGRATION.md", within="Troubleshooting")
ROWS = {title: rows(text, line) for title, text, line in SECTION if rows(text, line)}
PACKAGES = ("cli", "compat", "converters", "haiku_impl", "rlax_impl")


@pytest.fixture(scope="module")
def namespace(tmp_path_factory):
    """What the block at the top of the section defines."""
    found = {"__name__": "troubleshooting"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("troubleshooting"))
        for _, _, code in blocks(*SECTION[0][1:]):
            exec(code, found)
        yield found


def message_of(code, namespace):
    """What an expression raises, or warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            eval(code, namespace)
        except Exception as error:
            return " ".join(str(error).split())
    return " ".join(str(warning.message) for warning in caught)


@functools.cache
def sources():
    """All strings of the package, those of f-strings in parts."""
    found = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value)
    return "\n".join(found)


@pytest.mark.parametrize("title", ROWS)
def test_every_message_is_one_that_there_is(title, namespace):
    for line, (quoted, example, _) in ROWS[title]:
        assert re.fullmatch('".+"', quoted), f"line {line}: {quoted}"
        phrase = quoted[1:-1]
        if not example:
            assert phrase in sources(), f"line {line}: no source has {phrase!r}"
            continue
        found = message_of(example.strip("`"), namespace)
        assert phrase in found, f"line {line}: {example} says {found!r}"


def test_there_are_messages_of_every_kind():
    assert len(ROWS) == 5
    assert all(len(table) >= 10 for table in ROWS.values())
