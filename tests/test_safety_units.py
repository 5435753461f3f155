"""Tag values become numbers with a unit; each answer was worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiqing_space.catalog import load_catalogue
from xiqing_space.safety.units import read_flag, read_lanes, read_length_m, read_oneway, read_speed_kmh

SPEED = load_catalogue().safety["speed"]


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50), ("50 km/h", 50), ("50km/h", 50), ("50 kph", 50), ("30 mph", 48.28032), ("30mph", 48.28032), ("10 knots", 18.52),
        ("CN:urban", 50), ("cn:Urban", 50), ("CN:rural", 70), ("DE:zone:30", 30), ("DE:zone30", 30), ("zone30", 30), ("DE:30", 30),
        ("walk", 7), ("living_street", 20), ("５０", 50), ("６０公里/小时", 60), ("30;50", 50), ("50|30", 50), ("7.5", 7.5), ("7,5", 7.5),
        ("130", 130),
    ],
)  # fmt: skip
def test_speed(text: str, kmh: float) -> None:
    assert read_speed_kmh(text, SPEED) == pytest.approx(kmh, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    ["none", "signals", "variable", "-1", "0", "131", "90 mph", "fast", "", " ", "50;none", "XX:urban", "30 mp", "5 0", "50;",
     "9" * 80, "٣٠", "1e1", "nan", "inf", "50\n60"],
)  # fmt: skip
def test_a_speed_that_cannot_be_read_is_unknown(text: str) -> None:
    assert read_speed_kmh(text, SPEED) is None


@pytest.mark.parametrize(
    ("text", "lanes"), [("2", 2), ("2;3", 3), ("3; 2", 3), ("1.5", 2), ("２", 2), ("4|2", 4), ("2.0", 2), ("12", 12)]
)
def test_lanes(text: str, lanes: int) -> None:
    assert read_lanes(text, 12) == lanes


@pytest.mark.parametrize("text", ["-1", "0", "13", "two", "2 m", "", "2;x", "2-3", "1e1"])
def test_lanes_that_cannot_be_read_are_unknown(text: str) -> None:
    assert read_lanes(text, 12) is None


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("1.5 m", 1.5), ("1.5", 1.5), ("1,5", 1.5), ("1.5m", 1.5), ("150 cm", 1.5), ("0.02 km", 20), ("5'", 1.524), ("5'6\"", 1.6764),
        ("5′6″", 1.6764), ("5’6”", 1.6764), ("5 ft", 1.524), ("5 ft 6 in", 1.6764), ("66\"", 1.6764), ("１．５", 1.5), ("１．５ｍ", 1.5),
        ("3米", 3), ("约3米", 3), ("~3", 3), ("3-4", 4), ("3 - 4 m", 4), ("3~4米", 4), ("10 ft - 12 ft", None), ("2;3", 3), (".5", 0.5),
        ("5'11.5\"", 1.8161),
    ],
)  # fmt: skip
def test_length(text: str, metres: float | None) -> None:
    found = read_length_m(text, 100.0)
    assert found == (None if metres is None else pytest.approx(metres, abs=1e-9))


def test_of_a_range_the_less_favourable_end_counts() -> None:
    assert read_length_m("3-4", 100.0, min) == 3
    assert read_length_m("2;3", 100.0, min) == 2
    assert read_length_m("300-400 cm", 100.0, min) == 3


@pytest.mark.parametrize(
    "text", ["-1", "0", "narrow", "", "101", "1.5 m x 2", "<3", "5 yards", "m", "1.5.2", "3-x", "'6\""]
)
def test_a_length_that_cannot_be_read_is_unknown(text: str) -> None:
    assert read_length_m(text, 100.0) is None


@pytest.mark.parametrize(
    ("text", "oneway"),
    [
        ("yes", (True, 1)), ("1", (True, 1)), ("True", (True, 1)), ("-1", (True, -1)), ("reverse", (True, -1)), ("no", (False, 0)),
        ("reversible", (True, 0)), ("alternating", (True, 0)), ("-1;yes", (True, 0)), ("maybe", None), ("", None),
    ],
)  # fmt: skip
def test_oneway(text: str, oneway: tuple[bool, int] | None) -> None:
    assert read_oneway(text) == oneway


@pytest.mark.parametrize(
    ("text", "flag"), [("yes", True), ("是", True), ("１", True), ("No", False), ("否", False), ("x", None)]
)
def test_flag(text: str, flag: bool | None) -> None:
    assert read_flag(text) is flag


@given(st.text(max_size=80))
def test_no_text_breaks_a_reader_and_no_number_leaves_its_range(text: str) -> None:
    speed, lanes = read_speed_kmh(text, SPEED), read_lanes(text, 12)
    length, oneway = read_length_m(text, 100.0), read_oneway(text)
    assert speed is None or (math.isfinite(speed) and 0 < speed <= SPEED["most_kmh"])
    assert lanes is None or (isinstance(lanes, int) and 0 < lanes <= 12)
    assert length is None or (math.isfinite(length) and 0 < length <= 100)
    assert oneway is None or oneway[1] in (-1, 0, 1)
    read_flag(text)


@given(st.floats(0.01, 80), st.sampled_from(["", " ", "  "]), st.booleans())
def test_units_only_scale(value: float, gap: str, comma: bool) -> None:
    digits = f"{value:.2f}"
    text, value = digits.replace(".", ",") if comma else digits, float(digits)
    assert read_length_m(f"{text}{gap}m", 100.0) == pytest.approx(value, rel=1e-12)
    assert read_length_m(f"{text}{gap}ft", 100.0) == pytest.approx(value * 0.3048, rel=1e-12)
    assert read_speed_kmh(f"{text}{gap}mph", SPEED) == pytest.approx(value * 1.609344, rel=1e-12)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=5))
def test_the_larger_of_a_list_counts_whatever_its_order(values: list[int]) -> None:
    assert read_lanes(";".join(map(str, values)), 12) == max(values)
    assert read_lanes(";".join(map(str, values[::-1])), 12) == max(values)
