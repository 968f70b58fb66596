"""The code in README.md and MIGRATION.md: each block runs, and pairs agree."""

import re

import jax
import numpy as np
import pytest

from .documents import blocks, headings, parts, read, without_code

DOCUMENTS = ("README.md", "MIGRATION.md")
CASES = [
    pytest.param(document, blocks(text, line), id=f"{document}: {title}")
    for document in DOCUMENTS
    for title, text, line in parts(document)
    if blocks(text, line)
]


@pytest.mark.parametrize(("document", "code_blocks"), CASES)
def test_code_of_a_section_runs_and_both_halves_agree(
    document, code_blocks, tmp_path, monkeypatch
):
    """A section's blocks run in order, legacy ones on real Sonnet.

    Where both halves define `result`, it must be the same. A block whose first line
    names a file is that file, for a later block to use.
    """
    monkeypatch.chdir(tmp_path)
    legacy, ported = {"__name__": "legacy"}, {"__name__": "ported"}
    for is_legacy, line, code in code_blocks:
        # Line numbers in a traceback are those of the document.
        padded = "\n" * (line - 1) + code
        if file := re.match(r"# (\w+\.py)\n", code):
            (tmp_path / file[1]).write_text(code)
            continue
        exec(compile(padded, document, "exec"), legacy if is_legacy else ported)
    if "result" in legacy and "result" in ported:
        ours, theirs = (jax.tree.leaves(ns["result"]) for ns in (ported, legacy))
        assert len(ours) == len(theirs)
        for our, their in zip(ours, theirs):
            np.testing.assert_allclose(np.asarray(our), np.asarray(their), rtol=1e-5)


def test_every_fence_of_python_is_run():
    for document in DOCUMENTS:
        found = sum(len(blocks(text, line)) for _, text, line in parts(document))
        assert found == len(re.findall("^```python", read(document), re.MULTILINE))
        assert found >= 2


def test_the_table_of_contents_lists_every_section_in_order():
    document = "MIGRATION.md"
    contents = re.findall(r"^- \[(.*)\]\(#(.*)\)$", read(document), re.MULTILINE)
    titles = [title for level, title, _, _ in headings(document) if level == 2]
    assert [title for title, _ in contents] == titles
    assert [link for _, link in contents] == [anchor(title) for title in titles]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_inside_a_document_have_a_heading(document):
    anchors = [anchor(title) for _, title, _, _ in headings(document)]
    assert len(set(anchors)) == len(anchors), "two headings have one anchor"
    links = set(re.findall(r"\]\(#(.*?)\)", read(document)))
    assert links <= set(anchors)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_rows_of_a_table_have_as_many_cells_as_its_head(document):
    found = re.findall(r"(?:^\|.*\n)+", without_code(read(document)), re.MULTILINE)
    assert found
    for table in found:
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(widths) == 1, table[:200]


def anchor(title):
    """The anchor that GitHub makes of a title."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
