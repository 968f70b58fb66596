"""The code in README.md and MIGRATION.md: each block runs, and pairs agree."""

import re
from pathlib import Path

import numpy as np
import pytest
import sonnax

ROOT = Path(sonnax.__file__).parent
BLOCK = re.compile(r"^```python( legacy)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def sections(document):
    """[(title, [(is legacy, line, code)])] of the sections that have code."""
    text = (ROOT / document).read_text()
    parts = re.split(r"^(#+ .*)$", text, flags=re.MULTILINE)
    line = 1 + parts[0].count("\n")
    for title, body in zip(parts[1::2], parts[2::2]):
        blocks = [
            (bool(m[1]), line + body[: m.start(2)].count("\n"), m[2])
            for m in BLOCK.finditer(body)
        ]
        line += body.count("\n")
        if blocks:
            yield title.lstrip("# "), blocks


CASES = [
    pytest.param(document, blocks, id=f"{document}: {title}")
    for document in ("README.md", "MIGRATION.md")
    for title, blocks in sections(document)
]


@pytest.mark.parametrize(("document", "blocks"), CASES)
def test_code_of_a_section_runs_and_both_halves_agree(
    document, blocks, tmp_path, monkeypatch
):
    """A section's blocks run in order, legacy ones on real Sonnet.

    Where both halves define `result`, it must be the same.
    """
    monkeypatch.chdir(tmp_path)
    legacy, ported = {"__name__": "legacy"}, {"__name__": "ported"}
    for is_legacy, line, code in blocks:
        # Line numbers in a traceback are those of the document.
        padded = "\n" * (line - 1) + code
        exec(compile(padded, document, "exec"), legacy if is_legacy else ported)
    if "result" in legacy and "result" in ported:
        np.testing.assert_allclose(
            np.asarray(ported["result"]), np.asarray(legacy["result"]), rtol=1e-5
        )


def test_the_documents_have_code():
    assert len(CASES) >= 5
