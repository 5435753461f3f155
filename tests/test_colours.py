"""Colours: classes stay apart for colour-blind eyes and in grey print; text and marks stand out; one file holds them all."""

from __future__ import annotations

import re
from importlib import resources
from itertools import combinations, pairwise

import numpy as np
import pytest
from colour_sight import SEEN_BY, apart, contrast, difference, grey, lab, luminance, read, seen

from xiqing_space.catalog import load_catalogue

COLOURS = load_catalogue().colours
GROUND, PAPER = "#f4f2ed", "#ffffff"
# A line or dot is about a third of a degree wide on a screen. There a difference of some 7 in lightness is noticed half of the time (Stone,
# Szafir, Setlur 2014, "An engineering model for color difference as a function of size"); neighbours are given more than that with a margin.
APART, GREY_STEP = 11.0, 12.0
ORDERS = {"risk": list(COLOURS["risk"].values()), "defaulted": list(COLOURS["defaulted"].values())}
STYLES = {
    "page.css": resources.files("xiqing_space.maps").joinpath("page.css").read_text("utf-8"),
    "review.css": resources.files("xiqing_space.report").joinpath("review.css").read_text("utf-8"),
}
SCRIPTS = {
    one.name: one.read_text("utf-8")
    for one in resources.files("xiqing_space.maps").iterdir()
    if one.name.endswith((".js", "figures.py"))
}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [  # Sharma, Wu, Dalal (2005), table 1: pairs 1, 7, 17, 25, 31
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ],
)
def test_the_measure_of_difference_gives_the_published_values(
    first: tuple[float, ...], second: tuple[float, ...], expected: float
) -> None:
    assert difference(np.array(first), np.array(second)) == pytest.approx(expected, abs=1e-4)
    assert difference(np.array(second), np.array(first)) == pytest.approx(expected, abs=1e-4)


def test_the_other_measures_on_colours_worked_out_by_hand() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.005)  # the grey that just fails
    assert contrast("#00000080", "#ffffff") == pytest.approx(1.05 / (127 / 255 + 0.05), abs=0.01)  # half of the light
    assert lab(read("#ffffff")[0]) == pytest.approx([100.0, 0.0, 0.0], abs=0.02)
    assert grey("#777777") == pytest.approx(50.0, abs=0.1)
    for eye in SEEN_BY:  # nobody sees grey in colour
        assert seen("#808080", eye) == pytest.approx(seen("#808080", "everyone"), abs=1e-5)
    assert luminance(seen("#ff0000", "protanopia")) < luminance(seen("#ff0000", "everyone"))  # red is dark to them
    assert apart("#d62728", "#2ca02c", "deuteranopia") < apart("#d62728", "#2ca02c", "everyone") / 2


@pytest.mark.parametrize("eye", SEEN_BY)
@pytest.mark.parametrize("order", ORDERS)
def test_classes_stay_apart(order: str, eye: str) -> None:
    for one, other in combinations(ORDERS[order], 2):
        assert apart(one, other, eye) >= APART, (one, other)


@pytest.mark.parametrize("order", ORDERS)
def test_grey_print_keeps_the_order_pale_to_dark(order: str) -> None:
    for paler, darker in pairwise(ORDERS[order]):
        assert grey(paler) - grey(darker) >= GREY_STEP


def test_homes_stay_apart_in_colour_and_grey() -> None:
    covered, partly, missing, unknown = (
        COLOURS["homes"][one] for one in ("covered", "partly", "not_covered", "unknown")
    )
    for eye in SEEN_BY:
        for one, other in combinations((covered, partly, missing, unknown), 2):
            assert apart(one, other, eye) >= APART
    for one, other in combinations((covered, partly, missing, unknown), 2):
        assert abs(grey(one) - grey(other)) >= GREY_STEP
    # a pale or hollow dot stands out by its edge
    for name, edge in COLOURS["home_edges"].items():
        assert max(contrast(edge, GROUND), contrast(COLOURS["homes"][name], GROUND)) >= 3


def test_what_asks_for_action_stands_out_from_land_and_paper() -> None:
    marks, risk, defaulted = COLOURS["marks"], COLOURS["risk"], COLOURS["defaulted"]
    lines = [marks[one] for one in ("spot", "reach", "sight", "flow", "problem", "advice", "crossing_edge")]
    # the palest classes recede on purpose: there is nothing to mend, or everything was seen
    for colour in (*lines, risk["medium"], risk["high"], risk["very_high"], *(defaulted[one] for one in "234")):
        assert contrast(colour, GROUND) >= 3, colour
        assert contrast(colour, PAPER) >= 3, colour


def rules(style: str) -> list[tuple[str, dict[str, str]]]:
    """Selectors and declarations, variables put in."""
    names = dict(re.findall(r"--([a-z_]+):(#[0-9a-fA-F]+)", style)) | COLOURS["homes"] | COLOURS["marks"]
    flat = re.sub(r"@media[^{]*\{((?:[^{}]*\{[^{}]*\})*)\}", r"\1", style)
    flat = re.sub(r"var\(--([a-z_]+)\)", lambda found: names[found[1]], flat)
    return [
        (who.strip(), dict(pair.split(":", 1) for pair in body.split(";") if ":" in pair))
        for who, body in re.findall(r"([^{}]+)\{([^{}]*)\}", flat)
    ]


def colour_in(text: str) -> str | None:
    found = re.search(r"#[0-9a-fA-F]{3,8}\b", text)
    return found[0] if found else None


@pytest.mark.parametrize("name", STYLES)
def test_text_reads_on_its_background(name: str) -> None:
    pairs = 0
    for who, what in rules(STYLES[name]):
        text, back = colour_in(what.get("color", "")), colour_in(what.get("background", ""))
        if text is None and back is None:
            continue
        if text is None:
            text = "#222222" if "font" in what or who in ("body", "th", "main") else None
        grounds = [back] if back and len(back) in (4, 7) else [PAPER, GROUND]
        if ".switch button[aria-pressed=true] small" in who or ".open small" in who:
            grounds = ["#1f3a5f"]
        if text is None:
            continue
        for ground in grounds:
            assert contrast(text, ground) >= 4.5, (who, text, ground)
            pairs += 1
    assert pairs >= 5


@pytest.mark.parametrize("name", STYLES)
def test_focus_and_the_edges_of_controls_can_be_seen(name: str) -> None:
    checked = 0
    for who, what in rules(STYLES[name]):
        edge = colour_in(what.get("outline", "")) or (
            colour_in(what.get("border", ""))
            if re.search(r"button|select|input|language|gate|problem|repair|opening", who)
            else None
        )
        if edge:
            assert contrast(edge, PAPER) >= 3, (who, edge)
            checked += 1
    assert checked >= 1


def test_no_class_has_a_colour_of_its_own_elsewhere() -> None:
    mine = {colour.lower() for table in COLOURS.values() for colour in table.values()} - {
        "#ffffff",
        "#333333",
        "#666666",
    }
    for name, text in {**SCRIPTS, **STYLES}.items():
        typed = {one.lower() for one in re.findall(r"#[0-9a-fA-F]{6}\b", text)}
        assert not typed & mine, name
