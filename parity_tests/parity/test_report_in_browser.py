"""The HTML report as a browser shows it."""

import io
import os
import shutil

import numpy as np
import pytest
from matplotlib.image import imread

from sonnax.parity.report import write_report

from .layered_recordings import layered

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_BOXES = "e => [e, ...e.querySelectorAll('text')].map(e => e.getBoundingClientRect())"
# Of a series in float32, by colour scheme.
_BLUE = {"light": (0x28, 0x68, 0xB2), "dark": (0x6B, 0xA7, 0xEA)}


@pytest.fixture(scope="module")
def browser():
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        # CI installs one, so that what nobody ran does not count as passed.
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(f"there is no browser here: none of {', '.join(_BROWSERS)}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(layered(20, steps=33, error_at=11), path)
    return path.as_uri()


@pytest.fixture
def opened(browser, address, request):
    """The page, what it asked for, and what it complained of."""
    page = browser.new_page(**getattr(request, "param", {}))
    asked, said = [], []
    page.on("request", lambda made: asked.append(made.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    yield page, asked, said
    page.close()


def pixels(element):
    """Returns the pixels of an element [height * width, 3], from 0 to 255."""
    image = imread(io.BytesIO(element.screenshot()), format="png")
    return np.rint(image[..., :3] * 255).astype(np.int16).reshape(-1, 3)


def test_it_loads_nothing_and_complains_of_nothing(opened, address):
    page, asked, said = opened
    page.wait_for_load_state("networkidle")
    assert asked == [address]
    assert said == []


def test_the_verdict_is_the_first_thing_that_is_seen(opened):
    page, *_ = opened
    word = page.locator(".word")
    assert word.is_visible()
    assert word.inner_text() == "A real difference"
    box, window = word.bounding_box(), page.viewport_size
    assert box["y"] + box["height"] < window["height"] / 3
    page.get_by_role("link").click()
    row = page.locator("#call-12")
    assert "the two part here" in row.inner_text()
    place, heading = row.bounding_box(), page.locator("#calls thead").bounding_box()
    # In sight, and not under the heading, which stays where the table is scrolled.
    assert max(20, heading["y"] + heading["height"]) <= place["y"] + 1
    assert place["y"] + place["height"] < window["height"]


@pytest.mark.parametrize(
    ("opened", "scheme"),
    [({"color_scheme": scheme}, scheme) for scheme in _BLUE],
    indirect=["opened"],
)
def test_every_plot_is_drawn_in_the_colours_of_the_scheme(opened, scheme):
    page, *_ = opened
    drawings = page.locator("figure svg").all()
    assert len(drawings) == 5
    for drawing in drawings:
        assert drawing.is_visible()
        box = drawing.bounding_box()
        assert box["width"] > 400
        assert 0.3 < box["height"] / box["width"] < 1
        seen = pixels(drawing)
        assert len(np.unique(seen @ [1 << 16, 1 << 8, 1])) > 20
        # The background is that of the page.
        assert (seen.mean() > 200) == (scheme == "light")
        assert (np.abs(seen - _BLUE[scheme]).max(-1) <= 12).sum() > 50


def test_no_text_of_a_plot_is_cut_off_or_lies_on_another(opened):
    page, *_ = opened
    for drawing in page.locator("figure svg").all():
        whole, *boxes = drawing.evaluate(_BOXES)
        assert len(boxes) > 6
        for i, box in enumerate(boxes):
            assert box["x"] >= whole["x"] - 1
            assert box["y"] >= whole["y"] - 1
            assert box["x"] + box["width"] <= whole["x"] + whole["width"] + 1
            assert box["y"] + box["height"] <= whole["y"] + whole["height"] + 1
            for other in boxes[:i]:
                assert not _overlap(box, other)


def _overlap(a, b):
    """Whether two boxes share more than the margins of their letters."""
    across = min(a["x"] + a["width"], b["x"] + b["width"]) - max(a["x"], b["x"])
    down = min(a["y"] + a["height"], b["y"] + b["height"]) - max(a["y"], b["y"])
    return across > 1 and down > 4


@pytest.mark.parametrize(
    "opened", [{"viewport": {"width": 400, "height": 800}}], indirect=True
)
def test_on_a_phone_only_the_boxes_of_tables_scroll_sideways(opened):
    page, *_ = opened
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.locator(".word").is_visible()
    table = page.locator("#calls .scroll")
    assert table.evaluate("e => e.scrollWidth > e.clientWidth")


def test_the_heading_of_a_table_stays_when_it_scrolls(opened):
    page, *_ = opened
    box = page.locator("#calls .scroll")
    box.evaluate("e => { e.scrollTop = e.scrollHeight }")
    heading, around = (x.bounding_box() for x in (page.locator("#calls thead"), box))
    assert abs(heading["y"] - around["y"]) < 3
