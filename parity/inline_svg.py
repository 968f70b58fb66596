"""Matplotlib's figures as SVG inside a page, in the colours of the page."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from matplotlib.figure import Figure

from .._printable import printable

_ROLES = (
    "page",
    "ink",
    "muted",
    "grid",
    "band",
    "float32",
    "float64",
    "beyond",
    "legacy",
    "port",
    "first",
    "second",
    "third",
)

# A figure is drawn with a colour of its own for each role, which no one sees: the page
# says what the colour is, once for light and once for dark.
COLOURS = {role: f"#0000{number:02x}" for number, role in enumerate(_ROLES, 1)}

_COLOUR = re.compile(r"#0000[0-9a-f]{2}\b")
_VARIABLES = {colour: f"var(--{role})" for role, colour in COLOURS.items()}
_REFERENCE = re.compile(r"#([\w-]+)")


def inline_svg(
    figure: Figure,
    name: str,
    label: str,
    tooltips: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Returns a figure as an `<svg>` element that refers to nothing outside of it.

    Args:
      figure: drawn with `COLOURS` only.
      name: of the figure in the page, before the ids of its parts.
      label: what a screen reader says.
      tooltips: by the gid of a line of markers, a text for each of them.
    """
    file = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(file, format="svg", metadata=nothing, transparent=True)
    # Matplotlib's own output: no entities, nothing that is not trusted.
    root = ElementTree.fromstring(file.getvalue())
    for gid, texts in (tooltips or {}).items():
        group = root.find(f".//*[@id='{gid}']")
        assert group is not None
        markers = [e for e in group.iter() if e.tag.endswith("}use")]
        for marker, text in zip(markers, texts):
            ElementTree.SubElement(marker, "title").text = printable(text)
    for parent in list(root.iter()):
        for child in list(parent):
            # Its rules would hold for the whole page.
            if child.tag.endswith("}style"):
                parent.remove(child)
        styles = {child.attrib.get("style", "") for child in parent}
        if len(parent) > 1 and len(styles) == 1:
            parent.set("style", styles.pop())
            for child in parent:
                child.attrib.pop("style", None)
    view_box = root.attrib["viewBox"]
    for element in root.iter():
        _simplify(element, name)
    root.attrib = {"viewBox": view_box, "role": "img", "aria-label": printable(label)}
    return ElementTree.tostring(root, encoding="unicode")


def _simplify(element: ElementTree.Element, name: str) -> None:
    """Takes from an element what an HTML page does not need, and marks its ids."""
    element.tag = element.tag.rpartition("}")[2]
    attributes = {}
    for key, value in element.attrib.items():
        key = key.rpartition("}")[2]
        if key == "id":
            # The others are numbers of parts, and no one refers to them.
            if element.tag in ("g", "text"):
                continue
            value = f"{name}-{value}"
        elif key in ("href", "clip-path"):
            value = _REFERENCE.sub(rf"#{name}-\1", value)
        elif key == "style":
            value = _COLOUR.sub(lambda match: _VARIABLES[match[0]], value)
            value = re.sub(r"font-family: [^;]*;? ?", "", value)
        elif key == "d":
            value = " ".join(value.split())
        attributes[key] = value
    element.attrib = attributes
    for part in ("text", "tail"):
        if not (getattr(element, part) or "").strip():
            setattr(element, part, None)
