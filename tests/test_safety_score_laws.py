"""Scores of streets and crossings drawn at random: orderings, ranges, and a loop beside the arrays."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored_rows import CATALOGUE, CROSSING_SOURCED, FACTORS, SAFETY, SEGMENT_SOURCED, cross_of, crossing

from xiqing_space.safety.score import along_score, cross_score, score_crossings, score_segments

SIDEWALKS = ("barrier", "separated_3m", "separated_1_3m", "separated_0_1m", "informal_wide", "informal_narrow", "none")
CONTROLS = ("none", "marked", "signals", "grade_separated")
CLASSES = ("living_street", "service", "residential", "unclassified", "tertiary", "secondary", "primary", "trunk")


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
