"""Completeness of the street map: worked out by hand, and against a plain method."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from checkup_frames import EPSG, RULES, homes_frame, line, place, square, streets_frame, two_zones, zones_frame
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.crs import project_geometry
from xiqing_space.ingest.quality import Quality
from xiqing_space.network.completeness import COMPLETENESS_COLUMNS, note_unfinished, street_completeness


def test_completeness_by_hand() -> None:
    table = street_completeness(*two_zones(), None, EPSG, RULES.completeness).set_index("zone_id")
    assert tuple(table.reset_index().columns) == COMPLETENESS_COLUMNS
    a, b = table.loc["A"], table.loc["B"]
    assert a["area_km2"] == pytest.approx(1.0, rel=1e-5)
    assert (a["street_km"], a["walk_km"]) == (pytest.approx(2.6, rel=1e-5), pytest.approx(1.6, rel=1e-5))
    assert (b["street_km"], b["walk_km"]) == (pytest.approx(2.0, rel=1e-5), pytest.approx(1.0, rel=1e-5))
    # cells of A with homes: [0, 200]², [200, 400] × [400, 600], [400, 600] × [200, 400]: 0.12 km²; in them 200 m of y = 100 and
    # 200 m of x = 300: 0.4 km
    assert a["builtup_km2"] == pytest.approx(0.12, rel=1e-5)
    assert a["walk_km_per_builtup_km2"] == pytest.approx(0.4 / 0.12, rel=1e-5)
    assert a["walk_m_per_home"] == pytest.approx(1600 / 3, rel=1e-5)
    assert (a["homes"], a["homes_far"], a["homes_without"]) == (3, 1, 1)
    assert a["share_without"] == pytest.approx(1 / 3, abs=1e-6)
    assert (b["builtup_km2"], b["walk_km_per_builtup_km2"]) == (pytest.approx(0.04, rel=1e-5), 0.0)
    assert (b["homes"], b["homes_without"], b["share_without"]) == (1, 1, 1.0)
    assert table["homes_unlinked"].isna().all()
    assert table["ratio_to_median"].isna().all(), "two zones have no median to speak of"
    assert table["state"].tolist() == ["few_homes", "few_homes"]


def test_links_count_where_there_are_any() -> None:
    links = pd.DataFrame(
        [("demand", "h1", "walk", False), ("demand", "h1", "pram", True), ("demand", "h2", "walk", True),
         ("demand", "h3", "walk", True), ("demand", "h4", "walk", True), ("site", "h1", "walk", True)],
        columns=["owner_type", "owner_id", "profile", "linked"],
    )  # fmt: skip
    table = street_completeness(*two_zones(), links, EPSG, RULES.completeness).set_index("zone_id")
    # A: h1 lies at a street but has no link of its own, h3 is far; B: h4 is linked and far all the same
    assert table["homes_unlinked"].tolist() == [1, 0]
    assert table["homes_without"].tolist() == [2, 1]


def rows_of_homes(zone: str, west: float, near: int, far: int) -> list[tuple[str, str | None, float, float]]:
    """Homes of one zone: `near` of them 20 m from y = 0, `far` of them 300 m from it; all in cells of the grid."""
    near_ones: list[tuple[str, str | None, float, float]] = [
        (f"{zone}n{k}", zone, west + 30 + 4 * k, 20) for k in range(near)
    ]
    return near_ones + [(f"{zone}f{k}", zone, west + 30 + 4 * k, 300) for k in range(far)]


def four_zones(street_m: float, near: int, far: int) -> pd.DataFrame:
    """Three zones with 800 m of street at y = 0 and 12 homes along it, and D with so much street and so many homes."""
    shapes = [(name, square(1000 * k, -200, 1000 * k + 1000, 800)) for k, name in enumerate("ABCD")]
    lines = [(line((1000 * k, 0), (1000 * k + 800, 0)), True) for k in range(3)]
    lines.append((line((3000, 0), (3000 + street_m, 0)), True))
    homes = [home for k, name in enumerate("ABC") for home in rows_of_homes(name, 1000 * k, 12, 0)]
    homes += rows_of_homes("D", 3000, near, far)
    table = street_completeness(
        streets_frame(*lines), zones_frame(*shapes), homes_frame(*homes), None, EPSG, RULES.completeness
    )
    return table.set_index("zone_id")


def test_a_zone_with_few_streets_and_homes_away_from_them_is_unfinished() -> None:
    # A to C: one cell of 0.04 km² with 200 m: 5 km/km². D: 8 near and 4 far homes in two cells, 0.08 km²; 80 m of street: 1 km/km²,
    # a fifth of the median 5, and 4 of 12 homes without a street
    table = four_zones(80.0, 8, 4)
    assert table.loc["A", "walk_km_per_builtup_km2"] == pytest.approx(5.0, rel=1e-4)
    assert table.loc["D", "walk_km_per_builtup_km2"] == pytest.approx(1.0, rel=1e-4)
    assert table.loc["D", "ratio_to_median"] == pytest.approx(0.2, rel=1e-4)
    assert table["state"].tolist() == ["ok", "ok", "ok", "unfinished"]
    quality = Quality()
    note_unfinished(table.reset_index(), quality)
    assert [(row["check"], row["id"]) for row in quality.rows] == [("streets_unfinished", "D")]
    assert "20%" in quality.rows[0]["what_zh"]
    assert "33%" in quality.rows[0]["what_en"]
    assert RULES.department("streets_unfinished").id == "towns"


@pytest.mark.parametrize(
    ("street_m", "near", "far", "state"),
    [
        (80.0, 10, 3, "ok"),  # sparse, but 3 of 13 homes are no more than a quarter
        (200.0, 8, 4, "ok"),  # a third without a street, but half as dense as the median: 2.5 of 5
        (200.0, 6, 7, "unfinished"),  # more than half without: whatever the density
        (200.0, 6, 6, "ok"),  # just half is not more than half
        (0.1, 0, 9, "few_homes"),  # nine homes are too few to judge
        (80.0, 0, 0, "no_homes"),
    ],
)
def test_what_makes_a_zone_unfinished(street_m: float, near: int, far: int, state: str) -> None:
    assert four_zones(street_m, near, far).loc["D", "state"] == state


def test_no_street_and_no_home_at_all() -> None:
    zones = zones_frame(("A", square(0, 0, 1000, 1000)))
    empty = homes_frame().assign(inside=pd.Series(dtype=bool))
    table = street_completeness(streets_frame(), zones, empty, None, EPSG, RULES.completeness)
    assert table["walk_km"].tolist() == [0.0]
    assert np.isnan(table["share_without"].iloc[0])
    homes = homes_frame(*[(f"h{k}", "A", 10.0 * k, 5.0) for k in range(12)])
    table = street_completeness(streets_frame(), zones, homes, None, EPSG, RULES.completeness)
    assert (table["state"].iloc[0], table["share_without"].iloc[0]) == ("unfinished", 1.0)


COORDINATE = st.integers(0, 40).map(lambda k: 25.0 * k + 3.0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE).filter(lambda c: c[:2] != c[2:]), min_size=1, max_size=6),
    st.lists(st.tuples(COORDINATE, COORDINATE), min_size=1, max_size=6, unique=True),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_completeness_against_a_plain_method_and_in_any_order(segments: Any, spots: Any, random: Any) -> None:
    streets = streets_frame(*[(line((a, b), (c, d)), k % 3 != 2) for k, (a, b, c, d) in enumerate(segments)])
    zones = zones_frame(("A", square(0, 0, 500, 1100)), ("B", square(500, 0, 1100, 1100)))
    homes = homes_frame(*[(f"h{k}", "A" if x < 500 else "B", x, y) for k, (x, y) in enumerate(spots)])
    table = street_completeness(streets, zones, homes, None, EPSG, RULES.completeness)
    shuffled = []
    for frame in (streets, zones, homes):
        order = list(range(len(frame)))
        random.shuffle(order)
        shuffled.append(frame.iloc[order])
    pd.testing.assert_frame_equal(table, street_completeness(*shuffled, None, EPSG, RULES.completeness))
    metric = [project_geometry(np.asarray([one]), 4326, EPSG)[0] for one in streets["geometry"]]
    walk = [one for one, open_ in zip(metric, streets["walk"], strict=True) if open_]
    for row, shape in zip(table.to_dict("records"), zones.geometry, strict=True):
        zone = project_geometry(np.asarray([shape]), 4326, EPSG)[0]
        assert row["street_km"] == pytest.approx(sum(one.intersection(zone).length for one in metric) / 1000, abs=2e-6)
        assert row["walk_km"] == pytest.approx(sum(one.intersection(zone).length for one in walk) / 1000, abs=2e-6)
        mine = [place(x, y) for x, y in spots if ("A" if x < 500 else "B") == row["zone_id"]]
        points = project_geometry(np.asarray([shapely.Point(one) for one in mine], dtype=object), 4326, EPSG)
        far = [point for point in points if round(min((point.distance(one) for one in walk), default=1e9), 2) > 100]
        assert (row["homes"], row["homes_without"]) == (len(mine), len(far))
