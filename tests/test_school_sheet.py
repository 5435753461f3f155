"""What is numbered on a school's sheet: crossings that are no low risk, by pupils × score; none where there is none."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from xiqing_space.maps.figures import _problems


def atlas(*risks: str) -> SimpleNamespace:
    ids = [f"c{number}" for number in range(len(risks))]
    crossings = pd.DataFrame({"crossing_id": ids, "risk": list(risks), "cross": [4.0, 10.0, 30.0][: len(risks)]})
    crossed = pd.DataFrame({"school_id": "s", "next_crossing_id": ids, "children": [50.0, 10.0, 9.0][: len(risks)]})
    return SimpleNamespace(crossings=crossings, crossed=crossed)


def test_problems_by_pupils_and_score() -> None:
    # 50 × 4 = 200 is of low risk and left out; 10 × 10 = 100, 9 × 30 = 270
    assert _problems(atlas("low", "high", "very_high"), "s")["crossing_id"].tolist() == ["c2", "c1"]


def test_a_school_whose_crossings_are_all_of_low_risk_has_none() -> None:
    assert _problems(atlas("low", "low"), "s").empty
    assert _problems(atlas("high"), "elsewhere").empty
