"""Scores of streets and crossings: the worked examples to their printed digits, shares of defaults, and ranges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scored_rows import (
    CATALOGUE,
    CROSSING_SOURCED,
    FACTORS,
    SEGMENT_SOURCED,
    along_of,
    cross_of,
    crossing,
    junction,
    street,
)

from xiqing_space.safety.score import (
    along_score,
    decimal_star,
    facility_factor,
    risk_class,
    score_crossings,
    score_segments,
    scored_per_second,
    speed_factor,
)

# --- worked by hand: standards.md §B1.3

TERTIARY = {"speed_kmh": 40.0, "flow_per_lane": 3000.0}
SECONDARY = {"speed_kmh": 50.0, "flow_per_lane": 6000.0}
PRIMARY = {"speed_kmh": 60.0, "flow_per_lane": 9000.0}
WIDE = {"sidewalk_left": "separated_3m", "sidewalk_right": "separated_3m"}
NO_WALK = {"sidewalk_left": "none", "sidewalk_right": "none"}
MIDDLE = {"sidewalk_left": "separated_1_3m", "sidewalk_right": "separated_1_3m"}
FENCED = {"sidewalk_left": "barrier", "sidewalk_right": "barrier"}
CROSS_3 = junction(4, road_highway="tertiary", control="marked", **TERTIARY)
CROSS_2 = junction(4, road_highway="secondary", arterial=True, lanes_crossed=4, control="marked", **SECONDARY)
CROSS_1 = junction(4, road_highway="primary", arterial=True, lanes_crossed=6, control="marked", **PRIMARY)
EXAMPLES = [
    ("living street", street(speed_kmh=20.0, calming=True, flow_per_lane=200.0, **NO_WALK),
     crossing(speed_kmh=20.0, calming=True, flow_per_lane=200.0), 1.63, 0.35, 1.97, 5),
    ("residential", street(), junction(3), 0.44, 1.30, 1.74, 5),
    ("residential, no sidewalk", street(**NO_WALK), junction(3), 5.53, 1.30, 6.83, 4),
    ("tertiary, zebra", street(**TERTIARY), CROSS_3, 2.86, 6.18, 9.04, 3.9),
    ("with a guard", street(**TERTIARY), CROSS_3 | {"guard": True}, 2.86, 3.71, 6.57, 4),
    ("tertiary 30, raised zebra, calmed", street(speed_kmh=30.0, flow_per_lane=3000.0, calming=True),
     CROSS_3 | {"speed_kmh": 30.0, "raised": True, "calming": True}, 0.89, 1.15, 2.04, 5),
    ("secondary, zebra", street(lanes_per_dir=2, **SECONDARY), CROSS_2, 12.87, 39.70, 52.57, 2),
    ("secondary, signal", street(lanes_per_dir=2, **SECONDARY), CROSS_2 | {"control": "signals"}, 12.87, 7.14, 20.01, 3),
    ("secondary, signal and island", street(lanes_per_dir=2, **SECONDARY, **MIDDLE),
     CROSS_2 | {"control": "signals", "island": True}, 7.72, 2.98, 10.70, 3),
    ("primary, zebra", street(lanes_per_dir=3, **PRIMARY), CROSS_1, 38.43, 284.9, 323.3, 1),
    ("primary, signal and island", street(lanes_per_dir=3, **PRIMARY, **WIDE),
     CROSS_1 | {"control": "signals", "island": True}, 9.99, 10.37, 20.36, 3),
    ("primary, footbridge", street(lanes_per_dir=3, **PRIMARY, **FENCED), CROSS_1 | {"control": "grade_separated"},
     1.15, 0.93, 2.09, 5),
]  # fmt: skip


@pytest.mark.parametrize(("edge", "over", "along", "cross", "total", "star"), [one[1:] for one in EXAMPLES],
                         ids=[one[0] for one in EXAMPLES])  # fmt: skip
def test_worked_examples_to_the_printed_digits(
    edge: dict[str, Any], over: dict[str, Any], along: float, cross: float, total: float, star: float
) -> None:
    mine, theirs = float(along_score(pd.DataFrame([edge]), FACTORS)[0]), cross_of(over)
    assert round(mine, 2) == along
    assert round(theirs, 1 if theirs > 100 else 2) == cross
    assert round(mine + theirs, 1 if theirs > 100 else 2) == total
    shown = float(decimal_star([mine + theirs], CATALOGUE)[0])
    assert (shown if star != int(star) else math.floor(shown)) == star


def test_the_high_speed_rule_off() -> None:
    assert round(cross_of(CROSS_1, speed_rule=False), 1) == 138.3
    table = score_crossings(pd.DataFrame([CROSS_1]), CATALOGUE)
    assert table["cross_no_speed_rule"].round(1).tolist() == [138.3]
    assert table["cross"].round(1).tolist() == [284.9]
    # at 54.9 km/h, with a signal, or under the road it does not apply
    for quiet in ({"speed_kmh": 54.9}, {"control": "signals"}, {"control": "grade_separated"}):
        assert cross_of(CROSS_1 | quiet) == cross_of(CROSS_1 | quiet, speed_rule=False)
    assert cross_of(CROSS_1 | {"speed_kmh": 55.0}) == pytest.approx(
        2.06 * cross_of(CROSS_1 | {"speed_kmh": 55.0}, speed_rule=False)
    )


def test_speed_curve_as_printed() -> None:
    printed = {
        20: 0.092,
        25: 0.152,
        30: 0.249,
        35: 0.404,
        40: 0.642,
        45: 0.989,
        50: 1.459,
        55: 2.035,
        60: 2.66,
        65: 3.26,
        70: 3.76,
    }
    for speed, value in printed.items():
        assert float(speed_factor([speed], FACTORS)[0]) == pytest.approx(value, abs=0.006)


def test_stars_as_checked_on_samples_and_at_the_ends() -> None:
    scores = [0.0, 1.3, 2.9999, 3.0, 5.4, 8.3, 9.0, 12.5, 24.0, 28.6, 54.0, 82.2, 200.0, 200.1, 9999.0, np.nan]
    stars = [5.9, 5.5, 5.0, 5.0, 4.6, 4.1, 4.0, 3.7, 3.0, 2.8, 2.0, 1.8, 1.0, 1.0, 1.0]
    found = decimal_star(scores, CATALOGUE)
    assert found[:-1].tolist() == stars
    assert np.isnan(found[-1])


def test_risk_classes_begin_where_the_one_before_ends() -> None:
    for which in ("along", "cross"):
        found = risk_class([0, 2.9999, 3, 8.9999, 9, 23.9999, 24, np.nan], which, CATALOGUE)
        assert found.tolist() == ["low", "low", "medium", "medium", "high", "high", "very_high", None]


def test_both_sides_count_alike_and_are_averaged() -> None:
    one = along_of(sidewalk_left="none", sidewalk_right="separated_0_1m")
    assert one == along_of(sidewalk_left="separated_0_1m", sidewalk_right="none")
    assert one == pytest.approx((12.6 + 1.0) / 2 * along_of())


def test_a_guard_is_worth_more_on_a_main_road() -> None:
    for highway, arterial, factor in (("tertiary", False, 0.6), ("tertiary_link", False, 0.6), ("primary", True, 0.6),
                                      ("residential", False, 0.9), ("service", False, 0.9)):  # fmt: skip
        row = crossing(road_highway=highway, arterial=arterial)
        assert cross_of(row | {"guard": True}) == pytest.approx(factor * cross_of(row))


def test_legs_count_at_junctions_only() -> None:
    plain = cross_of(crossing(legs=4))
    assert [round(cross_of(junction(legs)) / plain, 6) for legs in (0, 1, 2, 3, 4, 6)] == [1.0, 1.0, 1.0, 1.1, 1.2, 1.2]
    assert cross_of(crossing(place="over", legs=4)) == plain


def test_every_cell_of_the_facility_table() -> None:
    cells = {
        ("none", False, False): 1.0, ("none", False, True): 0.6, ("none", True, False): 0.5, ("none", True, True): 0.3,
        ("marked", False, False): 0.667, ("marked", False, True): 0.4, ("marked", True, False): 0.333, ("marked", True, True): 0.2,
        ("signals", False, False): 0.12, ("signals", False, True): 0.12, ("signals", True, False): 0.05, ("signals", True, True): 0.05,
        **{("grade_separated", island, raised): 0.0045 for island in (False, True) for raised in (False, True)},
    }  # fmt: skip
    keys = list(cells)
    found = facility_factor(*(list(part) for part in zip(*keys, strict=True)), FACTORS)
    assert dict(zip(keys, found.tolist(), strict=True)) == cells


def test_a_footpath_away_from_roads_scores_nothing_and_is_not_doubted() -> None:
    foot = street(road_class="foot", sidewalk_left=None, sidewalk_right=None, speed_kmh=0.0, lanes_per_dir=0, flow_per_lane=0.0,
                  **{f"{name}_from": None for name in SEGMENT_SOURCED})  # fmt: skip
    row = score_segments(pd.DataFrame([foot]), CATALOGUE).iloc[0]
    assert [row["along"], row["low_along"], row["high_along"], row["share_defaulted"]] == [0.0, 0.0, 0.0, 0.0]
    assert (row["risk"], row["weak_zone"], row["decimal_star"]) == ("low", False, 5.9)


def test_missing_is_missing_and_no_word_is_guessed() -> None:
    assert math.isnan(along_of(sidewalk_left=None))
    assert math.isnan(along_of(flow_per_lane=np.nan))
    assert math.isnan(cross_of(crossing(control=None)))
    with pytest.raises(KeyError, match="mud"):
        along_of(surface="mud")


def test_empty_tables() -> None:
    none = score_segments(pd.DataFrame([street()]).iloc[:0], CATALOGUE)
    assert none.empty
    assert "along" in none
    assert score_crossings(pd.DataFrame([crossing()]).iloc[:0], CATALOGUE).empty


def test_weak_zone() -> None:
    rows = [street(), street(speed_kmh=55.0), street(lanes_per_dir=3), street(speed_kmh=54.0, lanes_per_dir=2)]
    assert score_segments(pd.DataFrame(rows), CATALOGUE)["weak_zone"].tolist() == [False, True, True, False]
    over = [crossing(), crossing(lanes_crossed=3), crossing(speed_kmh=60.0)]
    assert score_crossings(pd.DataFrame(over), CATALOGUE)["weak_zone"].tolist() == [False, True, True]


# --- shares and ranges, worked by hand


def test_share_defaulted() -> None:
    rows = [
        street(),
        street(sidewalk_left_from="default"),
        street(sidewalk_left_from="default", sidewalk_right_from="default", lit_from=None),
        street(speed_kmh_from="default", lanes_per_dir_from="default", lit_from="default", sidewalk_left_from="default",
               sidewalk_right_from="default"),
        street(speed_kmh_from="survey", surface_from="default", calming_from="default"),
    ]  # fmt: skip
    assert score_segments(pd.DataFrame(rows), CATALOGUE)["share_defaulted"].tolist() == [0, 0.125, 0.5, 1, 0]
    over = [
        crossing(),
        crossing(control_from="default", guard_from=None),
        crossing(lit_from="default", lanes_crossed_from="default"),
    ]
    assert score_crossings(pd.DataFrame(over), CATALOGUE)["share_defaulted"].tolist() == [0, 0.25, 0.5]


def test_range_of_a_secondary_road_that_nobody_looked_at() -> None:
    # 40 / 60 km/h, 1 / 3 lanes, sidewalk 1–3 m / none, lit / unlit, good / medium surface, calmed / not; flow stays 6000: 3.58
    row = street(road_class="secondary", speed_kmh=50.0, lanes_per_dir=2, flow_per_lane=6000.0,
                 **{f"{name}_from": "default" for name in SEGMENT_SOURCED})  # fmt: skip
    found = score_segments(pd.DataFrame([row]), CATALOGUE).iloc[0]
    s40, s60 = 4.868 / (1 + math.exp(0.1035 * 18.2)), 4.868 / (1 + math.exp(-0.1035 * 1.8))
    assert found["low_along"] == pytest.approx(1.76 * 0.6 * 1.0 * 1.0 * 0.8 * s40 * 3.58, abs=1e-4)
    assert found["high_along"] == pytest.approx(1.76 * 12.6 * 1.8 * 1.25 * 1.4 * s60 * 3.58, abs=1e-4)
    assert round(found["along"], 2) == 12.87
    # with a G number it is a highway: 80 km/h and unlit at worst, 50 km/h and 0–1 m at best
    found = score_segments(pd.DataFrame([row | {"road_status": "highway"}]), CATALOGUE).iloc[0]
    s50, s80 = 4.868 / (1 + math.exp(0.1035 * 8.2)), 4.868 / (1 + math.exp(-0.1035 * 21.8))
    assert found["low_along"] == pytest.approx(1.76 * 1.0 * 0.8 * s50 * 3.58, abs=1e-4)
    assert found["high_along"] == pytest.approx(1.76 * 12.6 * 1.8 * 1.25 * 1.4 * s80 * 3.58, abs=1e-4)


def test_range_of_a_crossing_that_nobody_looked_at() -> None:
    row = junction(3, road_highway="secondary", arterial=True, speed_kmh=50.0, lanes_crossed=4, flow_per_lane=6000.0,
                   **{f"{name}_from": "default" for name in CROSSING_SOURCED})  # fmt: skip
    found = score_crossings(pd.DataFrame([row]), CATALOGUE).iloc[0]
    s40, s60 = 4.868 / (1 + math.exp(0.1035 * 18.2)), 4.868 / (1 + math.exp(-0.1035 * 1.8))
    # best: marked, island, raised, lit, 2 lanes; worst: nothing, unlit, 6 lanes, 60 km/h with the rule; a guard is not assumed
    assert found["low_cross"] == pytest.approx(2.374 * 0.2 * 2 * 1.1 * s40 * 3.58, abs=1e-4)
    assert found["high_cross"] == pytest.approx(2.374 * 6 * 1.1 * 1.25 * s60 * 3.58 * 2.06, abs=1e-3)
    # a highway by its number is faster; a number of another country's form is none
    for ref, faster in (("S115", True), ("g104;S3", True), ("GC-1", False), ("A66", False)):
        other = score_crossings(pd.DataFrame([row | {"road_ref": ref}]), CATALOGUE).iloc[0]
        assert bool(other["high_cross"] > found["high_cross"]) is faster


def test_a_bridge_is_there_or_not() -> None:
    row = crossing(
        place="over", control="grade_separated", road_highway="primary", arterial=True, control_from="default"
    )
    found = score_crossings(pd.DataFrame([row]), CATALOGUE).iloc[0]
    assert found["low_cross"] == found["cross"] == found["high_cross"]


def test_what_is_seen_leaves_no_range() -> None:
    found = score_segments(pd.DataFrame([street(), street(**NO_WALK)]), CATALOGUE)
    assert found["low_along"].tolist() == found["along"].tolist() == found["high_along"].tolist()
    found = score_crossings(pd.DataFrame([CROSS_1, CROSS_2]), CATALOGUE)
    assert found["low_cross"].tolist() == found["cross"].tolist() == found["high_cross"].tolist()


def test_classes_with_another_ones_defaults() -> None:
    away = {f"{name}_from": "default" for name in SEGMENT_SOURCED}
    for name, other in (("primary_link", "primary"), ("road", "unclassified"), ("busway", "secondary"), ("motorway", "trunk"),
                        ("raceway", "unclassified")):  # fmt: skip
        pair = score_segments(
            pd.DataFrame([street(road_class=name, **away), street(road_class=other, **away)]), CATALOGUE
        )
        assert pair["high_along"].nunique() == pair["low_along"].nunique() == 1


def test_rate_of_scoring() -> None:
    assert scored_per_second(pd.DataFrame([street()] * 100), CATALOGUE) > 0
