"""Scores of streets and crossings: the worked examples to their printed digits, orderings, ranges, and a loop beside the arrays."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.catalog import load_catalogue
from xiqing_space.safety.score import (
    along_score,
    cross_score,
    decimal_star,
    facility_factor,
    risk_class,
    score_crossings,
    score_segments,
    scored_per_second,
    speed_factor,
)

CATALOGUE = load_catalogue()
SAFETY = CATALOGUE.safety
FACTORS = SAFETY["factors"]
SIDEWALKS = ("barrier", "separated_3m", "separated_1_3m", "separated_0_1m", "informal_wide", "informal_narrow", "none")
CONTROLS = ("none", "marked", "signals", "grade_separated")
CLASSES = ("living_street", "service", "residential", "unclassified", "tertiary", "secondary", "primary", "trunk")
SEGMENT_SOURCED = ("speed_kmh", "lanes_per_dir", "sidewalk_left", "sidewalk_right", "lit", "surface", "calming")
CROSSING_SOURCED = ("speed_kmh", "lit", "lanes_crossed", "control", "island", "raised", "guard")


def street(**changes: Any) -> dict[str, Any]:
    """An edge with a sidewalk at the kerb, everything seen."""
    row: dict[str, Any] = {
        "edge_id": "e", "road_class": "residential", "road_status": "urban", "speed_kmh": 30.0, "lanes_per_dir": 1,
        "sidewalk_left": "separated_0_1m", "sidewalk_right": "separated_0_1m", "lit": True, "surface": "good",
        "calming": False, "median": "none", "flow_per_lane": 500.0, **{f"{name}_from": "tag" for name in SEGMENT_SOURCED},
    }  # fmt: skip
    return {**row, **changes}


def crossing(**changes: Any) -> dict[str, Any]:
    """A crossing of two lanes with nothing, between junctions, everything seen."""
    row: dict[str, Any] = {
        "crossing_id": "c", "place": "block", "legs": 2, "road_highway": "residential", "road_ref": None, "arterial": False,
        "speed_kmh": 30.0, "lanes_crossed": 2, "control": "none", "island": False, "raised": False, "guard": False, "lit": True,
        "surface": "good", "parking": "none", "calming": False, "flow_per_lane": 500.0,
        **{f"{name}_from": "tag" for name in CROSSING_SOURCED},
    }  # fmt: skip
    return {**row, **changes}


def junction(legs: int, **changes: Any) -> dict[str, Any]:
    """A leg of a junction."""
    return crossing(place="junction", legs=legs, **changes)


def along_of(**changes: Any) -> float:
    return float(along_score(pd.DataFrame([street(**changes)]), FACTORS)[0])


def cross_of(row: dict[str, Any], *, speed_rule: bool = True) -> float:
    return float(cross_score(pd.DataFrame([row]), FACTORS, speed_rule=speed_rule)[0])


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


# --- orderings over random attributes


def _drawn(seed: int, pools: dict[str, Any], n: int = 150) -> pd.DataFrame:
    """Rows whose attributes are drawn independently of one another."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: pd.Series([pool[at] for at in rng.integers(0, len(pool), n)], dtype=object).infer_objects()
                         for name, pool in pools.items()})  # fmt: skip


FROMS, FLAGS = ("tag", "survey", "default", None), (False, True)
SEGMENT_POOLS: dict[str, Any] = {
    "edge_id": ["e"], "road_class": [*CLASSES, "primary_link", "busway", "foot"], "road_status": ["urban", "highway"],
    "speed_kmh": [float(v) for v in range(5, 131)], "lanes_per_dir": range(1, 7), "sidewalk_left": SIDEWALKS,
    "sidewalk_right": SIDEWALKS, "lit": FLAGS, "surface": sorted(FACTORS["surface"]), "calming": FLAGS,
    "median": sorted(FACTORS["median"]), "flow_per_lane": [float(q) for q in range(0, 25000, 333)],
    **{f"{name}_from": FROMS for name in SEGMENT_SOURCED},
}  # fmt: skip
CROSSING_POOLS: dict[str, Any] = {
    "crossing_id": ["c"], "place": ["junction", "block", "over"], "legs": range(8), "road_highway": [*CLASSES, "tertiary_link"],
    "road_ref": [None, "G104", "GC-3"], "arterial": FLAGS, "speed_kmh": [float(v) for v in range(5, 131)],
    "lanes_crossed": range(1, 13), "control": CONTROLS, "island": FLAGS, "raised": FLAGS, "guard": FLAGS, "lit": FLAGS,
    "surface": sorted(FACTORS["surface"]), "parking": sorted(FACTORS["parking"]), "calming": FLAGS,
    "flow_per_lane": [float(q) for q in range(0, 25000, 333)], **{f"{name}_from": FROMS for name in CROSSING_SOURCED},
}  # fmt: skip
seeds = st.integers(0, 2**32 - 1)
some_segments = seeds.map(lambda seed: _drawn(seed, SEGMENT_POOLS))
some_overs = seeds.map(lambda seed: _drawn(seed, CROSSING_POOLS))
often = settings(max_examples=6, deadline=None)


def never_better(before: pd.DataFrame, after: pd.DataFrame, score: str) -> None:
    """The score, and both ends of its range, do not fall; class and star follow."""
    for column in (score, f"low_{score}", f"high_{score}"):
        assert (after[column] >= before[column] - 1e-9).all(), column
    assert (after["decimal_star"] <= before["decimal_star"]).all()
    rank = {"low": 0, "medium": 1, "high": 2, "very_high": 3}
    assert (after["risk"].map(rank) >= before["risk"].map(rank)).all()


@given(some_segments, st.sampled_from(["sidewalk_left", "sidewalk_right"]))
@often
def test_removing_a_sidewalk_adding_a_lane_raising_the_speed_never_improve(rows: pd.DataFrame, side: str) -> None:
    before = score_segments(rows, CATALOGUE)
    worse = rows[side].map(dict(itertools.pairwise((*SIDEWALKS, "none"))))
    for change in (
        {side: "none"}, {side: worse}, {"lanes_per_dir": rows["lanes_per_dir"] + 1}, {"speed_kmh": rows["speed_kmh"] + 5},
        {"lit": False}, {"calming": False}, {"flow_per_lane": rows["flow_per_lane"] + 1000},
    ):  # fmt: skip
        never_better(before, score_segments(rows.assign(**change), CATALOGUE), "along")


@given(some_overs)
@often
def test_a_lane_more_or_more_speed_never_improve_a_crossing(rows: pd.DataFrame) -> None:
    before = score_crossings(rows, CATALOGUE)
    for change in (
        {"lanes_crossed": rows["lanes_crossed"] + 1},
        {"speed_kmh": rows["speed_kmh"] + 5},
        {"lit": False},
        {"parking": "both"},
    ):
        never_better(before, score_crossings(rows.assign(**change), CATALOGUE), "cross")


@given(some_overs)
@often
def test_a_signal_an_island_a_table_a_guard_never_worsen_it(rows: pd.DataFrame) -> None:
    before = score_crossings(rows, CATALOGUE)
    kept = rows["control"] == "grade_separated"
    signal = rows["control"].where(kept, "signals")
    zebra = rows["control"].where(rows["control"] != "none", "marked")
    for change in (
        {"control": signal, "control_from": "survey"}, {"control": signal}, {"control": zebra}, {"island": True}, {"raised": True},
        {"guard": True}, {"calming": True}, {"control": "grade_separated", "control_from": "survey"},
        {"control": signal, "island": True, "raised": True, "guard": True},
    ):  # fmt: skip
        after = score_crossings(rows.assign(**change), CATALOGUE)
        never_better(after, before, "cross")
        assert (after["cross_no_speed_rule"] <= before["cross_no_speed_rule"] + 1e-9).all()


def test_every_pair_of_facilities_on_both_sides_of_the_speed_rule() -> None:
    order = {name: rank for rank, name in enumerate(CONTROLS)}
    cells = list(itertools.product(CONTROLS, (False, True), (False, True)))
    for speed, faster in ((30.0, 30.0), (50.0, 60.0), (60.0, 60.0)):
        scores = {
            (cell, speed_kmh): cross_of(crossing(control=cell[0], island=cell[1], raised=cell[2], speed_kmh=speed_kmh))
            for cell in cells
            for speed_kmh in {speed, faster}
        }
        for less, more in itertools.product(cells, cells):
            if order[less[0]] <= order[more[0]] and less[1] <= more[1] and less[2] <= more[2]:
                assert scores[more, speed] <= scores[less, faster], (less, more, speed)


@given(some_segments)
@often
def test_the_range_holds_the_score(rows: pd.DataFrame) -> None:
    found = score_segments(rows, CATALOGUE)
    assert (found["low_along"] <= found["along"]).all()
    assert (found["along"] <= found["high_along"]).all()


@given(some_overs)
@often
def test_the_range_of_a_crossing_holds_the_score(rows: pd.DataFrame) -> None:
    found = score_crossings(rows, CATALOGUE)
    assert (found["low_cross"] <= found["cross"]).all()
    assert (found["cross"] <= found["high_cross"]).all()
    assert (found["cross_no_speed_rule"] <= found["cross"]).all()


def plausible(row: pd.Series, attribute: str, at: float) -> Any:
    """A value between the ends of what the catalogue calls plausible."""
    own = SAFETY["defaults"][SAFETY["same_defaults"].get(row["road_class"], row["road_class"])][row["road_status"]]
    key = {"lanes_per_dir": "lanes", "sidewalk_left": "sidewalk", "sidewalk_right": "sidewalk"}.get(
        attribute, attribute
    )
    lit = "lit_highway" if row["road_status"] == "highway" and key == "lit" else key
    ends = own[key] if key in own else SAFETY["defaults_all"][lit]
    if key == "sidewalk":
        first, last = SIDEWALKS.index(ends[0]), SIDEWALKS.index(ends[2])
        return SIDEWALKS[first + round(at * (last - first))]
    if key in ("lit", "calming", "surface"):
        return ends[0] if at < 0.5 else ends[2]
    value = ends[0] + at * (ends[2] - ends[0])
    return round(value) if key == "lanes" else value


def narrows(old: pd.DataFrame, new: pd.DataFrame, score: str) -> None:
    """The new range lies in the old one and holds the new score; no more of it rests on defaults."""
    assert (new[f"low_{score}"] >= old[f"low_{score}"] - 1e-4).all()
    assert (new[score] >= new[f"low_{score}"]).all()
    assert (new[score] <= new[f"high_{score}"]).all()
    assert (new[f"high_{score}"] <= old[f"high_{score}"] + 1e-4).all()
    assert (new["share_defaulted"] <= old["share_defaulted"]).all()


@given(some_segments, seeds)
@settings(max_examples=4, deadline=None)
def test_a_plausible_survey_narrows_the_range(rows: pd.DataFrame, seed: int) -> None:
    rows = rows[rows["road_class"] != "foot"].head(60)
    for attribute in SEGMENT_SOURCED:
        before = rows.assign(**{f"{attribute}_from": "default"})
        places = np.random.default_rng(seed).random(len(rows))
        seen = [plausible(row, attribute, at) for (_, row), at in zip(before.iterrows(), places, strict=True)]
        after = before.assign(**{attribute: seen, f"{attribute}_from": "survey"})
        narrows(score_segments(before, CATALOGUE), score_segments(after, CATALOGUE), "along")


@given(some_overs)
@often
def test_a_plausible_survey_narrows_the_range_of_a_crossing(rows: pd.DataFrame) -> None:
    rows = rows.assign(control=rows["control"].replace("grade_separated", "none"))
    for attribute, seen in itertools.chain(
        itertools.product(("island", "raised"), FLAGS), (("control", "marked"), ("control", "none"))
    ):
        before = rows.assign(**{f"{attribute}_from": "default"})
        after = before.assign(**{attribute: seen, f"{attribute}_from": "survey"})
        narrows(score_crossings(before, CATALOGUE), score_crossings(after, CATALOGUE), "cross")


# --- a second method: one row at a time, with the factors typed from the reference

_SW = dict(zip(SIDEWALKS, (0.03, 0.26, 0.6, 1.0, 2.2, 3.1, 12.6), strict=True))
_FLOW = (
    1,
    1.58,
    2.05,
    2.53,
    2.88,
    3.22,
    3.58,
    3.92,
    4.28,
    4.56,
    4.83,
    5.11,
    5.39,
    5.67,
    5.94,
    6.22,
    6.45,
    6.64,
    6.83,
    6.92,
)
_SKID = {"good": 1.0, "medium": 1.4, "poor": 2.0, "unsealed_good": 3.0, "unsealed_poor": 5.5}


def by_hand(row: dict[str, Any]) -> float:
    speed = 4.868 / (1 + math.exp(-0.1035 * (row["speed_kmh"] - 58.2)))
    return (
        speed * _FLOW[min(int(row["flow_per_lane"] // 1000), 19)] * (1.0 if row["lit"] else 1.25) * (0.8 if row["calming"] else 1.0)
        * _SKID[row["surface"]]
    )  # fmt: skip


@given(some_segments)
@often
def test_along_agrees_with_a_loop(rows: pd.DataFrame) -> None:
    for row, score in zip(rows.to_dict("records"), along_score(rows, FACTORS), strict=True):
        walk = (_SW[row["sidewalk_left"]] + _SW[row["sidewalk_right"]]) / 2
        lanes = (1.0, 1.4, 1.8, 2.25)[min(row["lanes_per_dir"], 4) - 1]
        if row["road_class"] == "foot":
            continue
        hand = 1.76 * walk * lanes * (1.2 if row["median"] == "painted" else 1.0) * by_hand(row)
        assert score == pytest.approx(hand, rel=1e-12)


@given(some_overs)
@often
def test_cross_agrees_with_a_loop(rows: pd.DataFrame) -> None:
    for row, score in zip(rows.to_dict("records"), cross_score(rows, FACTORS), strict=True):
        if row["control"] == "grade_separated":
            facility = 0.0045
        elif row["control"] == "signals":
            facility = 0.05 if row["island"] else 0.12
        elif row["raised"]:  # the table's own numbers; they are not quite products of one another
            facility = (
                (0.2 if row["island"] else 0.4) if row["control"] == "marked" else (0.3 if row["island"] else 0.6)
            )
        else:
            facility = (
                (0.333 if row["island"] else 0.667) if row["control"] == "marked" else (0.5 if row["island"] else 1.0)
            )
        legs = {3: 1.1}.get(row["legs"], 1.2 if row["legs"] > 3 else 1.0) if row["place"] == "junction" else 1.0
        guard = 1.0
        if row["guard"]:
            guard = 0.6 if row["arterial"] or row["road_highway"].startswith("tertiary") else 0.9
        fast = 2.06 if row["speed_kmh"] >= 55 and row["control"] in ("none", "marked") else 1.0
        parking = {"none": 1.0, "one": 1.2, "both": 1.33}[row["parking"]]
        hand = 2.374 * facility * row["lanes_crossed"] * legs * guard * parking * fast * by_hand(row)
        assert score == pytest.approx(hand, rel=1e-12)
