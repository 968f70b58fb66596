"""The HTML report: what it says, and what a browser shows of it."""

import dataclasses
import html.parser
import re
import subprocess
import sys

import matplotlib
import numpy as np
import pytest

from sonnax.parity import ComparisonError, Tolerance, compare_recordings
from sonnax.parity.report import write_report
from sonnax.parity.tables import call_rows, value_rows

from .layered_recordings import layered
from .recordings import call, chain, recording, with_float64

HOSTILE = (
    "<script>alert(1)</script>\"' onload=x $\\frac{1}{0}$ {{ 7 * 7 }} \u202e\x00層"
)


# Elements without an end.
_EMPTY = {"meta", "input"}


class Page(html.parser.HTMLParser):
    """A page as lists: its tags, its words, and the cells of each row by its id."""

    def __init__(self, text):
        super().__init__()
        self.source = text
        self.tags = []
        self.words = []
        self.cells = {}
        self._open = []
        self._row = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self._open = [*self._open, tag] if tag not in _EMPTY else self._open
        if tag == "tr":
            self._row = self.cells.setdefault(attributes.get("id"), [])
        if tag in ("td", "th"):
            self._row.append("")

    def handle_endtag(self, tag):
        if tag not in _EMPTY:
            assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.words.append(data)
        if {"td", "th"} & {*self._open}:
            self._row[-1] += data

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def attributes(self, name):
        return [found[name] for _, found in self.tags if name in found]

    def of_tag(self, tag):
        return [attributes for found, attributes in self.tags if found == tag]

    @property
    def verdict(self):
        """The class of the verdict, and the word in it."""
        classes = [c.split()[1] for c in self.attributes("class") if "verdict" in c]
        word = re.search(r'<p class="word">(.*?)</p>', self.source)
        return *classes, word[1]

    @property
    def linked(self):
        """The row to which the verdict leads."""
        (target,) = (a["href"][1:] for a in self.of_tag("a"))
        return target, self.cells[target]


def compared(legacy, port, **tolerance):
    return compare_recordings(legacy, port, Tolerance(**tolerance))


def page_of(comparison, tmp_path, restored=None):
    """Returns the page of a comparison in which both sides restored something."""
    legacy = dataclasses.replace(comparison.legacy, restored=restored)
    path = tmp_path / "report.html"
    write_report(dataclasses.replace(comparison, legacy=legacy), path)
    return Page(path.read_text("utf-8"))


def in_float64(calls):
    return [
        dataclasses.replace(
            c,
            inputs={k: v.astype("f8") for k, v in c.inputs.items()},
            outputs={k: v.astype("f8") for k, v in c.outputs.items()},
        )
        for c in calls
    ]


def both(*outputs, **wide):
    """Returns a recording in both precisions; `wide` is what differs in float64."""
    doubles = in_float64(chain(*wide.get("float64", outputs)))
    return with_float64(recording(chain(*outputs)), doubles)


@pytest.fixture(scope="module")
def comparison():
    return layered(6, steps=5, error_at=3)


@pytest.fixture(scope="module")
def page(comparison, tmp_path_factory):
    """A page with all that there is."""
    return page_of(comparison, tmp_path_factory.mktemp("report"), restored="ckpt-7")


VERDICTS = {
    "agreement": (both(1, 2), both(1, 2), ("agree", "Agreement")),
    "rounding": (
        both(1, 2),
        both(1, 2.01, float64=(1, 2)),
        ("rounding", "Only rounding"),
    ),
    "real": (both(1, 2), both(1, 2.01), ("real", "A real difference")),
    "unknown": (
        recording(chain(1, 2)),
        recording(chain(1, 2.01)),
        ("real", "A difference"),
    ),
    "not compared": (
        recording(chain(1, 2)),
        recording(chain(1, 2)[1:]),
        ("rounding", "Not all was compared"),
    ),
    "not a number": (
        recording(chain(1, np.nan)),
        recording(chain(1, np.nan)),
        ("real", "Not a number"),
    ),
    "nothing": (
        recording(),
        recording([call("other", 0, 1)]),
        ("rounding", "Nothing to compare"),
    ),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_verdict_comes_first_by_colour_and_word(name, tmp_path):
    legacy, port, expected = VERDICTS[name]
    page = page_of(compared(legacy, port), tmp_path)
    assert page.verdict == expected
    assert page.text.index(expected[1]) < page.text.index("rtol")
    assert ("--float64" in page.text) == (name == "unknown")


def wrapped(given):
    """Returns the calls of a block that gives something to its own layer."""
    return [
        call("block/0", 1, 2, 1, 2),
        call("block/1", 3, 4, given, 3),
        call("block", 0, 5, 1, 3),
    ]


def values(**arrays):
    return {path: np.float32(value) for path, value in arrays.items()}


def training(*losses):
    trained = {1: values(w=[1.0]), 2: values(w=[losses[-1]])}
    return recording(chain(1), losses=list(losses), trained=trained)


PARTINGS = {
    "module": (recording(chain(1, 2, 3)), recording(chain(1, 5, 6)), "call-2"),
    "between": (recording(wrapped(2)), recording(wrapped(7)), "call-3"),
    "variable": (
        recording(chain(1), variables=values(u=1, v=2)),
        recording(chain(1), variables=values(u=1, v=3)),
        "variable-2",
    ),
    "gradient": (
        recording(chain(1), gradients=values(u=1, v=2), loss=1.0),
        recording(chain(1), gradients=values(u=5, v=2), loss=1.0),
        "gradient-1",
    ),
    "training": (training(3, 2, 1.5), training(3, 2.1, 1.5), "step-2"),
}


@pytest.mark.parametrize("name", PARTINGS)
def test_the_verdict_leads_to_the_row_of_the_parting(name, tmp_path):
    legacy, port, anchor = PARTINGS[name]
    target, cells = page_of(compared(legacy, port), tmp_path).linked
    assert target == anchor
    assert any("the two part here" in cell for cell in cells)


def test_the_call_that_is_given_something_else_is_marked_too(tmp_path):
    legacy, port, _ = PARTINGS["between"]
    page = page_of(compared(legacy, port), tmp_path)
    assert "given something else" in page.cells["call-2"][1]


def test_both_precisions_stand_side_by_side_as_on_the_terminal(page, comparison):
    narrow, wide = (call_rows(comparison.runs[p]) for p in ("float32", "float64"))
    for i, (a, b) in enumerate(zip(narrow, wide), 1):
        number, name, kind, shape, *cells = page.cells[f"call-{i}"]
        assert (number, kind, shape) == (
            str(i),
            comparison.runs["float32"].calls[i - 1].call.type,
            "[8, 16]",
        )
        assert name.split()[0] == a.name
        assert tuple(cells) == a.cells + b.cells
    for i, row in enumerate(value_rows(comparison.runs["float32"].gradients), 1):
        assert tuple(page.cells[f"gradient-{i}"][4:9]) == row.cells
    legacy, port = comparison.runs["float32"].losses[1]
    assert page.cells["step-2"][1:3] == [f"{legacy:.8g}", f"{port:.8g}"]


def test_it_tells_sources_versions_tolerances_and_the_checkpoint(page, tmp_path):
    for text in (
        "legacy/model.py:build",
        "ported/model.py:build",
        "sonnet 2.0.2",
        "ckpt-7",
        "images float32 [8, 16]",
        "0.0001",
        "1e-10",
    ):
        assert text in page.text
    assert "first values of the legacy model" in page_of(layered(1), tmp_path).text


def test_calls_on_one_side_only_are_listed(tmp_path):
    legacy = recording([*chain(1), call("old", 9, 10)])
    page = page_of(
        compared(legacy, recording([*chain(1), call("new", 9, 10)])), tmp_path
    )
    assert re.search(r"legacy side only 1 old .* port's side only 1 new", page.text)


def test_what_was_not_compared_and_what_was_left_out_are_listed(tmp_path):
    legacy = recording([*chain(1), call("old", 9, 10)], loss=1.0)
    sides = legacy, recording([*chain(1), call("new", 9, 10)])
    comparison = compare_recordings(*sides, Tolerance(), ["new", "other"])
    page = page_of(comparison, tmp_path)
    assert page.verdict == ("rounding", "Not all was compared")
    for line in (
        "not compared: old (called on the legacy side only)",
        "not compared: gradients (on the legacy side only)",
        "left out with --ignore: new",
        "--ignore 'other' is the name of nothing",
    ):
        assert line in page.text


def test_nan_on_both_sides_leads_to_its_row_with_its_counts(tmp_path):
    masked = chain(1, np.nan)
    masked[1].outputs[""][0, 0] = -np.inf
    page = page_of(compared(recording(masked), recording(masked)), tmp_path)
    target, cells = page.linked
    assert target == "call-2"
    assert "not a number, first here" in cells[1]
    assert "NaN 5 and 5 of 6, infinite 1 and 1 of 6" in cells[3]
    assert cells[4] == "NaN on both sides in 5 of 6"
    assert "first in what model/1 returns" in page.text


def test_names_are_text_and_nothing_else(tmp_path):
    names = {HOSTILE: np.float32([1.0])}
    sides = [
        dataclasses.replace(
            recording(
                [
                    call(HOSTILE, 0, 1, 1, outputs, type=HOSTILE),
                    call(f"{HOSTILE}{side}", 2, 3),
                ],
                variables=names,
                gradients={HOSTILE: np.float32([1.0 + side])},
                loss=1.0,
                losses=[1.0, 2.0 + side],
                trained={1: names, 2: {HOSTILE: np.float32([3.0 + side])}},
            ),
            source=HOSTILE,
            versions={HOSTILE: HOSTILE},
            inputs=names,
        )
        for side, outputs in enumerate((1.0, 2.0))
    ]
    page = page_of(compared(*sides), tmp_path, restored=HOSTILE)
    assert not page.of_tag("script")
    assert not [n for _, found in page.tags for n in found if n.startswith("on")]
    assert not {"\u202e", "\x00"} & {*page.source}
    shown = HOSTILE.replace("\u202e", "\\u202e").replace("\0", "\\x00")
    assert shown in page.cells["call-1"][1]
    assert shown in page.text


def test_the_page_refers_to_nothing_outside_of_it(page):
    assert not re.search(r"https?:|//|\bsrc\s*=|@import|url\((?!#)", page.source)
    assert not {"script", "link", "img", "iframe", "object"} & {t for t, _ in page.tags}
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    references = re.findall(r"(?:href=\"|url\()#([^\")]+)", page.source)
    assert references
    assert set(references) <= set(ids)


def test_the_same_comparison_makes_the_same_page_whatever_the_settings(
    page, comparison, tmp_path
):
    with matplotlib.rc_context({"font.size": 31.0, "axes.grid": True}):
        again = page_of(comparison, tmp_path, restored="ckpt-7")
        assert matplotlib.rcParams["font.size"] == 31.0
    assert again.source == page.source


def test_each_plot_has_a_title_and_a_label(page):
    drawings = page.of_tag("svg")
    assert len(drawings) == len(page.of_tag("figure")) == 5
    assert all(d["role"] == "img" and d["aria-label"] for d in drawings)
    # A point says whose it is.
    assert "2: model/layers/1 (float32): " in page.text


def broken():
    """Returns recordings that differ in every way that is not a number."""
    bad = np.array([np.nan, np.inf, 1e30, -np.inf], "f4")
    sides = []
    for outputs, losses in (
        ([np.ones(4, "f4"), np.ones([2, 2], "f4"), bad], [1.0, np.inf, np.nan, 1e200]),
        ([bad, np.ones(3, "f4"), bad], [1.0, np.nan, np.nan, -1e305]),
    ):
        calls = [
            dataclasses.replace(call(f"model/{i}", 2 * i, 2 * i + 1), outputs={"": x})
            for i, x in enumerate(outputs)
        ]
        arrays = {"w": outputs[0], "v": outputs[1], "step": np.int64(3)}
        trained = {2**k: arrays for k in range(3)}
        sides.append(
            recording(
                calls,
                variables=arrays,
                gradients=arrays,
                losses=losses,
                trained=trained,
                loss=1.0,
            )
        )
    return compared(*sides)


def test_infinities_nans_and_other_shapes_are_shown(tmp_path):
    page = page_of(broken(), tmp_path)
    assert page.verdict == ("real", "A real difference")
    assert len(page.of_tag("svg")) == 5
    assert "shape [3] in place of [2, 2]" in page.cells["call-2"][4]
    assert page.cells["call-1"][4:6] == ["inf", "inf"]
    assert page.cells["call-3"][4] == "NaN on both sides in 1 of 4"
    assert "3 of 4 steps have a loss that is not finite" in page.text
    assert "3 elements have NaN or infinity on one side only" in page.text
    assert "∞" in page.text


@pytest.mark.parametrize("rtol", [0.0, np.inf, 1e-300])
def test_any_tolerance_can_be_drawn(rtol, tmp_path):
    sides = recording(chain(1, 2)), recording(chain(1, 2.01))
    page = page_of(compared(*sides, rtol=rtol, atol=0.0), tmp_path)
    assert len(page.of_tag("svg")) == 2


def test_what_is_exactly_equal_everywhere_has_no_histogram(tmp_path):
    page = page_of(compared(recording(chain(1, 2)), recording(chain(1, 2))), tmp_path)
    assert "18 of 18 elements (100.0%) are exactly equal" in page.text
    assert len(page.of_tag("svg")) == 1


def with_calls(comparison, count):
    """Returns a comparison with so many calls, which are those it has over again."""
    runs = {}
    for precision, run in comparison.runs.items():
        calls = []
        for i in range(count):
            again = run.calls[i % len(run.calls)]
            moved = {"path": f"model/layers/{i}", "entered": 2 * i, "left": 2 * i + 1}
            made = dataclasses.replace(again.call, **moved)
            calls.append(dataclasses.replace(again, call=made))
        runs[precision] = dataclasses.replace(run, calls=calls)
    return dataclasses.replace(comparison, runs=runs)


@pytest.mark.parametrize("count", [0, 1, 2000])
def test_it_holds_any_number_of_calls(count, tmp_path):
    page = page_of(with_calls(layered(20, error_at=12), count), tmp_path)
    assert len(page.source) < 2e6
    calls = [i for i in page.attributes("id") if re.fullmatch(r"call-\d+", i)]
    assert len(calls) == count


def test_of_many_steps_some_hundreds_are_shown(tmp_path):
    losses = [1.0] * 3001
    other = [*losses[:1776], 1.1, *losses[1777:]]
    sides = [recording(chain(1), losses=x) for x in (losses, other)]
    page = page_of(compared(*sides), tmp_path)
    steps = [int(i[5:]) for i in page.attributes("id") if re.fullmatch(r"step-\d+", i)]
    assert 300 < len(steps) < 500
    assert {1, 1777, 3001} <= set(steps)


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")
    monkeypatch.setattr("os.replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(layered(1), path)
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    assert path.read_text() == "old"


def test_without_the_libraries_it_says_what_to_install():
    code = """
import sys
sys.modules[sys.argv[1]] = None
from sonnax.parity import *
from sonnax.parity.report import write_report
assert not {"jinja2", "matplotlib", "jax"} & {k for k, v in sys.modules.items() if v}
try:
    write_report(Comparison(*[Recording("a", {}, {})] * 2, {}), "never.html")
except ComparisonError as error:
    print(error)
"""
    command = [sys.executable, "-c", code, "matplotlib"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "pip install 'sonnax[report]'" in told


def test_the_error_of_a_missing_library_is_of_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ComparisonError, match=r"sonnax\[report\]"):
        write_report(layered(1), tmp_path / "report.html")
    assert not list(tmp_path.iterdir())
