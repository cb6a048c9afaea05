"""The picture of a comparison."""

import xml.etree.ElementTree as ET

from bench.figures import Figures
from bench.plot import draw

SVG = "{http://www.w3.org/2000/svg}"
RESULTS = {
    "single": {
        "ours_postgresql_off": Figures("This service <PostgreSQL>", 3_000.0, 300.0, 100.0, 4.0, 12.0),
        "cerbos": Figures("Cerbos", 6_000.0, 200.0, 0.0, 2.0, 6.0),
    }
}


def drawn() -> ET.Element:
    return ET.fromstring(draw(RESULTS, "On a machine & another"))  # noqa: S314 - made by the function under test


def test_it_is_well_formed_whatever_the_names_are() -> None:
    texts = [text.text for text in drawn().iter(f"{SVG}text")]
    assert "This service <PostgreSQL>" in texts
    assert texts[-1] == "On a machine & another"


def test_bars_are_as_long_as_their_figures_and_labelled_with_them() -> None:
    service, database, cerbos = (float(bar.attrib["width"]) for bar in drawn().iter(f"{SVG}rect"))
    assert round(service / database, 1) == 3.0
    assert round((service + database) / cerbos, 1) == 2.0
    values = [text.text for text in drawn().iter(f"{SVG}text") if text.attrib["class"] == "value"]
    assert values == ["400", "200"]


def test_everything_is_within_the_picture() -> None:
    x, y, width, height = map(float, drawn().attrib["viewBox"].split())
    for bar in drawn().iter(f"{SVG}rect"):
        at = bar.attrib
        assert x <= float(at["x"]) <= float(at["x"]) + float(at["width"]) <= x + width
        assert y <= float(at["y"]) <= float(at["y"]) + float(at["height"]) <= y + height


def test_it_is_read_in_the_dark_too() -> None:
    assert "prefers-color-scheme: dark" in draw(RESULTS, "")
