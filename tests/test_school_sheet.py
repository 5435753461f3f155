"""What is numbered at a school, on the page and on its sheet; which schools have a sheet; numbers that lie over each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from xiqing_space.maps.sheet import Key, Sheet
from xiqing_space.safety.problems import first_schools, school_problems


def problems(*risks: str, most: int = 6) -> pd.DataFrame:
    ids = [f"c{number}" for number in range(len(risks))]
    crossings = pd.DataFrame({"crossing_id": ids, "risk": list(risks), "cross": [4.0, 10.0, 30.0][: len(risks)]})
    children = [50.0, 10.0, 9.0][: len(risks)]
    forest = pd.DataFrame({"school_id": "s", "next_crossing_id": ids, "children": children})
    # of the last one a part comes over another node
    forest = pd.concat([forest, forest.tail(1).assign(children=1.0), forest.tail(1).assign(children=0.0)])
    return school_problems(forest, crossings, most)


def test_problems_by_pupils_and_score() -> None:
    # 50 × 4 = 200 is of low risk and left out; 10 × 10 = 100, (9 + 1) × 30 = 300
    found = problems("low", "high", "very_high")
    assert found[["number", "crossing_id", "children"]].values.tolist() == [[1, "c2", 10.0], [2, "c1", 10.0]]
    assert problems("low", "high", "very_high", most=1)["crossing_id"].tolist() == ["c2"]


def test_a_school_whose_crossings_are_all_of_low_risk_has_none() -> None:
    assert problems("low", "low").empty


def test_row_order_changes_no_number() -> None:
    crossings = pd.DataFrame({"crossing_id": ["b", "a"], "risk": "high", "cross": 10.0})
    forest = pd.DataFrame({"school_id": ["s", "s"], "next_crossing_id": ["b", "a"], "children": 5.0})
    for one, other in ((forest, crossings), (forest[::-1], crossings[::-1])):
        assert school_problems(one, other, 6)["crossing_id"].tolist() == ["a", "b"]


def test_schools_by_pupils_without_an_acceptable_route() -> None:
    # left over: a 100 × 0.1 = 10, b 40 × 0.5 = 20, c outside, d unknown
    schools = pd.DataFrame({"school_id": list("abcd"), "kind": "primary_school", "inside": [True, True, False, True],
                            "children_routed": [100.0, 40.0, 500.0, 500.0], "share_acceptable": [0.9, 0.5, 0.0, np.nan]})  # fmt: skip
    assert first_schools(schools, 20)["school_id"].tolist() == ["b", "a"]
    assert first_schools(schools, 1)["school_id"].tolist() == ["b"]


def test_numbers_at_one_place_are_set_side_by_side() -> None:
    sheet = Sheet((0.0, 0.0, 1000.0, 800.0))
    sheet.labels(np.array([[500.0, 400.0]] * 3), ["1", "2", "3"], 7, every=True)
    places = [text.get_position() for text in sheet.axes.texts]
    assert len(set(places)) == 3
    crowded = Sheet((0.0, 0.0, 1000.0, 800.0))
    crowded.labels(np.array([[500.0, 400.0]] * 3), ["1", "2", "3"], 7)
    assert len(crowded.axes.texts) == 1


def test_lines_of_the_legend_are_evenly_spaced_and_none_lies_over_another() -> None:
    sheet = Sheet((0.0, 0.0, 1000.0, 800.0))
    sheet.furniture("题", "", [("组", [Key("line", "#111111", "长" * 55), Key("line", "#111111", "短")])], [], "")
    rows = [
        text.get_position()[1]
        for text in sheet.figure.texts
        if text.get_text() and set(text.get_text()) <= {"长", "短"}
    ]
    assert len(rows) == 4  # 20 + 20 + 15, and the next key
    assert np.diff(rows)[:2] == pytest.approx([-0.019, -0.019])
    assert rows[3] < rows[2] - 0.015
