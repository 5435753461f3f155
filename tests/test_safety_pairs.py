"""Opposite carriageways are one road, and a footway drawn along a road is its sidewalk: by hand, and by plain loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from helpers import degrees
from hypothesis import given, settings
from hypothesis import strategies as st
from street_drawing import CATALOGUE, EPSG, Streets, edge

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.safety.attributes import resolve_attributes
from xiqing_space.safety.beside import Kerbs, find_beside
from xiqing_space.safety.lines import cut_lines, meet, sample_lines
from xiqing_space.safety.pairs import OneWays, find_pairs

RULES = CATALOGUE.safety["roads"]
EAST, WEST = [(0.0, 0.0), (200.0, 0.0)], [(200.0, 20.0), (0.0, 20.0)]


def two(
    first: dict[str, str],
    second: dict[str, str],
    *,
    gap: float = 20.0,
    turn_deg: float = 0.0,
    highway: str = "secondary",
) -> Streets:
    """An eastbound carriageway at y = 0 and a westbound one `gap` north of it, turned round its middle."""
    lean = math.radians(turn_deg)
    ends = [(100 + side * 100 * math.cos(lean), gap + side * 100 * math.sin(lean)) for side in (1, -1)]
    tags = {"oneway": "yes", "lanes": "2"}
    return Streets().way(1, EAST, highway, **{**tags, **first}).way(2, ends, highway, **{**tags, **second})


def test_opposite_carriageways_of_one_name_are_one_road() -> None:
    rows = two({"name": "津淄公路"}, {"name": "津淄公路"}).resolve()
    assert rows["pair_id"].tolist() == ["osm:w1+osm:w2"] * 2
    # 20 m between the lines, less half of 2 × 3.5 m on either side
    assert rows["pair_gap_m"].tolist() == pytest.approx([13.0, 13.0], abs=0.1)
    assert rows["median"].tolist() == ["physical"] * 2
    assert rows["median_from"].tolist() == ["tag"] * 2


@pytest.mark.parametrize(
    ("first", "second", "change", "paired"),
    [
        ({}, {}, {}, True),  # a larger class without names
        ({"name": "甲"}, {}, {}, True),  # one of them named
        ({"name": "甲"}, {"name": "乙"}, {}, False),
        ({}, {}, {"highway": "residential", "gap": 15.0}, False),  # a small class without names
        ({"name": "甲"}, {"name": "甲"}, {"highway": "residential", "gap": 15.0}, True),  # 8 m apart
        ({"name": "甲"}, {"name": "甲"}, {"highway": "residential", "gap": 30.0}, False),  # 23 m apart: houses between
        ({"name": "甲"}, {"name": "甲", "oneway": "-1"}, {}, False),  # the same way
        ({"name": "甲", "oneway": "-1"}, {"name": "甲", "oneway": "-1"}, {}, True),
        ({"name": "甲", "oneway": "-1;yes"}, {"name": "甲"}, {}, True),  # direction unknown
        ({"name": "甲"}, {"name": "甲", "oneway": "no"}, {}, False),
        ({"name": "甲"}, {"name": "甲", "junction": "roundabout"}, {}, False),
        ({"name": "甲"}, {"name": "甲"}, {"gap": 46.0}, True),  # 39 m from edge to edge
        ({"name": "甲"}, {"name": "甲"}, {"gap": 48.0}, False),  # 41 m
        ({"name": "甲"}, {"name": "甲"}, {"turn_deg": 5.0}, True),
        ({"name": "甲"}, {"name": "甲"}, {"turn_deg": 25.0, "gap": 46.0}, False),
    ],
)
def test_what_is_a_pair(first: dict[str, str], second: dict[str, str], change: dict[str, Any], paired: bool) -> None:
    rows = two(first, second, **change).resolve()
    assert rows["pair_id"].notna().tolist() == [paired] * 2
    assert rows["pair_gap_m"].notna().tolist() == [paired] * 2


def test_only_the_outer_side_has_a_sidewalk_that_counts() -> None:
    """Eastbound, the other carriageway lies to the left (north); it has a sidewalk on its right only, as both have outside."""
    rows = two({"sidewalk": "right"}, {"sidewalk": "no"}).resolve()
    assert rows.loc[1, ["sidewalk_left", "sidewalk_right"]].tolist() == ["separated_0_1m"] * 2
    assert rows.loc[2, ["sidewalk_left", "sidewalk_right"]].tolist() == ["none"] * 2
    # drawn against the traffic the same side is called left
    rows = (
        Streets().way(1, EAST[::-1], "secondary", oneway="-1", sidewalk="left")
        .way(2, WEST, "secondary", oneway="yes", sidewalk="left").resolve()
    )  # fmt: skip
    assert rows.loc[1, ["sidewalk_left", "sidewalk_right"]].tolist() == ["separated_0_1m"] * 2
    # its left is the inner side, so what counts is that there is none outside
    assert rows.loc[2, ["sidewalk_left", "sidewalk_right"]].tolist() == ["none"] * 2
    assert rows.loc[2, "sidewalk_left_from"] == "tag"


def test_pieces_cut_by_side_streets_are_paired_with_the_whole_beside_them() -> None:
    s = Streets().way(9, WEST, "primary", oneway="yes", lanes="3")
    for number, (west, east) in enumerate(((0.0, 40.0), (40.0, 150.0), (150.0, 200.0)), start=1):
        s.way(number, [(west, 0.0), (east, 0.0)], "primary", oneway="yes", lanes="3")
    rows = s.resolve()
    # the longest piece and the whole face each other most
    assert set(rows["pair_id"]) == {"osm:w2+osm:w9"}


def test_a_way_far_longer_than_the_opposite_one_is_no_pair() -> None:
    rows = (
        Streets()
        .way(1, [(0.0, 0.0), (1000.0, 0.0)], "primary", oneway="yes")
        .way(2, WEST, "primary", oneway="yes")
        .resolve()
    )
    assert rows["pair_id"].isna().all()


def _plain_pairs(ways: OneWays, lines: list[Any]) -> dict[int, tuple[float, int]]:
    """Of each carriageway that has an opposite one: mean gap, and the one beside the most of it. Points and distances by shapely."""
    found: dict[int, tuple[float, int]] = {}
    facing: dict[tuple[int, int], float] = {}
    gaps: dict[tuple[int, int], float] = {}
    shares = {}

    def heading(line: Any, at: float) -> np.ndarray[Any, Any]:
        a, b = (np.asarray(line.interpolate(at + step).coords[0]) for step in (-0.01, 0.01))
        return (b - a) / np.hypot(*(b - a))  # type: ignore[no-any-return]

    for here, line in enumerate(lines):
        count = max(math.ceil(line.length / 20.0), 2)
        for number in range(count):
            at = (number + 0.5) / count * line.length
            place = line.interpolate(at)
            best = None
            for there, other in enumerate(lines):
                gap = place.distance(other) - ways.half_width_m[here] - ways.half_width_m[there]
                on = other.project(place)
                cosine = heading(line, at) @ heading(other, min(max(on, 0.02), other.length - 0.02))
                if (
                    here == there
                    or gap > 40
                    or -cosine * ways.direction[here] * ways.direction[there] < math.cos(math.radians(20))
                ):
                    continue
                if best is None or gap < best[0]:
                    best = (gap, there)
            if best is not None:
                facing[here, best[1]] = facing.get((here, best[1]), 0.0) + line.length / count
                gaps[here, best[1]] = gaps.get((here, best[1]), 0.0) + best[0] * line.length / count
        shares[here] = sum(metres for (one, _), metres in facing.items() if one == here) / line.length
    kept = {one for one, share in shares.items() if share >= 0.6 - 1e-9}
    both: dict[tuple[int, int], float] = {}
    between: dict[tuple[int, int], float] = {}
    for (one, other), metres in facing.items():
        if {one, other} <= kept:
            key = (min(one, other), max(one, other))
            both[key] = both.get(key, 0.0) + metres
            between[key] = between.get(key, 0.0) + gaps[one, other]
    for one in {row for key in both for row in key}:
        mine = {key: metres for key, metres in both.items() if one in key}
        key = min(mine, key=lambda key: (-round(mine[key], 6), key))
        found[one] = (between[key] / both[key], sum(key) - one)
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(-6, 6), st.integers(8, 15), st.integers(-8, 8), st.booleans(), st.sampled_from([-1, 1])),
        min_size=3, max_size=6,
    )
)  # fmt: skip
def test_pairs_are_those_of_plain_loops(drawn: list[tuple[int, int, int, int, bool, int]]) -> None:
    lines = []
    for number, (x, y, length, lean, back, _) in enumerate(drawn):
        # odd places, so that no two gaps are equal
        start, end = (10.0 * x, 5.0 * y + 0.137 * number), (10.0 * x + 10.0 * length, 5.0 * y + lean + 0.219 * number)
        lines.append(shapely.LineString([degrees(*place) for place in ((end, start) if back else (start, end))]))
    geometry = np.asarray(lines, dtype=object)
    count = len(lines)
    ways = OneWays(
        np.ones(count, dtype=bool), np.asarray([one[-1] for one in drawn], dtype=np.int8), np.full(count, "甲", dtype=object),
        np.full(count, "primary", dtype=object), np.asarray([f"w{row}" for row in range(count)], dtype=object), np.linspace(3, 5, count),
    )  # fmt: skip
    pairs = find_pairs(cut_lines(geometry, EPSG), ways, RULES)
    metric = list(project_geometry(geometry, GEOGRAPHIC, EPSG))
    hand = _plain_pairs(ways, metric)
    assert {row: int(other) for row, other in enumerate(pairs.partner) if other >= 0} == {
        row: other for row, (_, other) in hand.items()
    }
    for row, (gap, other) in hand.items():
        assert pairs.gap_m[row] == pytest.approx(max(gap, 0.0), abs=1e-3)
        middle = metric[row].interpolate(0.5, normalized=True)
        beside = metric[other].interpolate(metric[other].project(middle))
        a, b = metric[row].coords
        cross = (b[0] - a[0]) * (beside.y - a[1]) - (b[1] - a[1]) * (beside.x - a[0])
        if abs(cross) > 1e-6 and pairs.gap_m[row] > 5:
            assert pairs.inner[row] == (1 if cross > 0 else 2)
        # both carriageways of a stretch bear one id
        assert pairs.pair_id[row] is not None
        assert pairs.pair_id[row] == pairs.pair_id[pairs.partner[row]]
    assert all(pairs.pair_id[row] is None and np.isnan(pairs.gap_m[row]) for row in set(range(count)) - set(hand))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1, 80))
def test_meetings_are_those_of_shapely(seed: int, radius: float) -> None:
    random = np.random.default_rng(seed)
    places = random.uniform(-300, 300, size=(8, 3, 2))
    lines = np.asarray([shapely.LineString([degrees(*place) for place in line]) for line in places], dtype=object)
    cut = cut_lines(lines, EPSG)
    samples = sample_lines(cut, 30.0, 3)
    reach = random.uniform(0, radius, size=len(samples.row))
    found = meet(samples, cut, reach)
    ends = cut.start + cut.length_m[:, None] * cut.way
    for sample, (place, near) in enumerate(zip(samples.xy, reach, strict=True)):
        for segment in range(len(cut.row)):
            line = shapely.LineString([cut.start[segment], ends[segment]])
            distance = line.distance(shapely.Point(place))
            hit = (found.sample == sample) & (found.segment == segment)
            assert hit.sum() == (distance <= near) or abs(distance - near) < 1e-6
            if hit.any():
                assert found.distance_m[hit][0] == pytest.approx(distance, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_samples_lie_on_their_line_at_equal_distances(seed: int) -> None:
    random = np.random.default_rng(seed)
    places = random.uniform(-200, 200, size=(5, 4, 2))
    lines = np.asarray([shapely.LineString([degrees(*place) for place in line]) for line in places], dtype=object)
    samples = sample_lines(cut_lines(lines, EPSG), 12.0, 3)
    for row, line in enumerate(project_geometry(lines, GEOGRAPHIC, EPSG)):
        mine = samples.row == row
        count = max(math.ceil(line.length / 12.0), 3)
        assert mine.sum() == count
        assert samples.metres[mine].sum() == pytest.approx(line.length, rel=1e-9)
        for number, place in enumerate(samples.xy[mine]):
            hand = line.interpolate((number + 0.5) / count, normalized=True)
            assert place.tolist() == pytest.approx([hand.x, hand.y], abs=1e-6)


# --- footways beside roads


def beside(
    points: list[tuple[float, float]], *, road: dict[str, str] | None = None, foot: str = "footway", **tags: str
) -> Any:
    """The row of a way for walkers near a road along the x axis that is 7 m wide, 200 m long."""
    s = Streets().way(1, EAST, "tertiary", **{"lanes": "2", **(road or {})}).way(2, points, foot, **tags)
    return s.resolve().loc[2]


@pytest.mark.parametrize(
    ("y", "tags", "group"),
    [
        # less 3.5 m to the carriageway's edge and 1 m to the walk's own edge
        (5.0, {}, "separated_0_1m"), (4.0, {}, "separated_0_1m"), (5.7, {}, "separated_1_3m"), (7.4, {}, "separated_1_3m"),
        (7.6, {}, "separated_3m"), (14.9, {}, "separated_3m"), (-7.0, {}, "separated_1_3m"),
        (7.0, {"width": "4"}, "separated_1_3m"), (7.0, {"width": "5.2"}, "separated_0_1m"), (7.0, {"separation": "fence"}, "barrier"),
    ],
)  # fmt: skip
def test_a_footway_along_a_road_is_its_sidewalk_by_its_separation(y: float, tags: dict[str, str], group: str) -> None:
    row = beside([(10.0, y), (190.0, y)], **tags)
    assert row["beside_edge_id"] == edge(1)
    assert (row["sidewalk_left"], row["sidewalk_right"]) == (group, group)
    assert (row["sidewalk_left_from"], row["road_class"], row["speed_kmh"], row["lanes_per_dir"]) == (
        "tag",
        "tertiary",
        50,
        1,
    )


@pytest.mark.parametrize(
    ("points", "tags"),
    [
        ([(10.0, 15.2), (190.0, 15.2)], {}),  # too far
        ([(10.0, 5.0), (40.0, 19.0)], {}),  # 25 degrees
        ([(100.0, 5.0), (100.0, 80.0)], {}),  # across
        ([(150.0, 6.0), (250.0, 6.0), (290.0, 60.0)], {}),  # a third of its length only
        ([(95.0, 3.0), (105.0, 3.0)], {"footway": "crossing"}),
        ([(10.0, 6.0), (190.0, 6.0)], {"bridge": "yes"}),
        ([(10.0, 6.0), (190.0, 6.0)], {"tunnel": "yes"}),
        ([(10.0, 6.0), (190.0, 6.0)], {"foot": "track"}),
    ],
)
def test_what_does_not_run_along_a_road_is_a_way_of_its_own(
    points: list[tuple[float, float]], tags: dict[str, str]
) -> None:
    kind = tags.pop("foot", "footway")
    row = beside(points, foot=kind, **tags)
    assert row["beside_edge_id"] is None or row["beside_edge_id"] != row["beside_edge_id"]
    assert (row["road_class"], row["speed_kmh"], row["lanes_total"], row["flow_per_lane"]) == ("foot", 0, 0, 0)


def test_most_of_its_length_is_enough() -> None:
    row = beside([(0.0, 6.0), (140.0, 6.0), (190.0, 80.0)])  # 140 of 229 m
    assert row["beside_edge_id"] == edge(1)


def test_a_tagged_sidewalk_is_looked_for_from_the_carriageways_edge_on() -> None:
    wide, far = {"lanes": "6"}, [(10.0, 20.0), (190.0, 20.0)]  # 10.5 m to the edge, 9.5 m more
    assert beside(far, road=wide, footway="sidewalk")["sidewalk_left"] == "separated_3m"
    assert beside(far, road=wide)["road_class"] == "foot"
    # and round a corner it has a road too
    assert beside([(195.0, 6.0), (206.0, 2.0)], footway="sidewalk")["beside_edge_id"] == edge(1)
    assert beside([(197.0, 6.0), (199.0, 16.0)], footway="sidewalk")["beside_edge_id"] == edge(1)
    assert beside([(150.0, 60.0), (190.0, 60.0)], footway="sidewalk")["road_class"] == "foot"


def test_of_two_roads_the_nearer_and_driveways_last() -> None:
    s = Streets().way(1, EAST, "secondary").way(3, [(0.0, 14.0), (200.0, 14.0)], "residential")
    assert s.way(2, [(0.0, 8.0), (200.0, 8.0)], "footway").resolve().loc[2, "beside_edge_id"] == edge(3)
    s = Streets().way(1, EAST, "secondary").way(3, [(0.0, 14.0), (200.0, 14.0)], "service")
    assert s.way(2, [(0.0, 12.0), (200.0, 12.0)], "footway").resolve().loc[2, "beside_edge_id"] == edge(1)


def test_a_drawn_footway_is_the_roads_sidewalk_on_its_side_only() -> None:
    s = Streets().way(1, EAST, "residential").way(2, [(0.0, 5.0), (200.0, 5.0)], "footway")
    row = s.resolve().loc[1]
    assert (row["sidewalk_left"], row["sidewalk_left_from"]) == ("separated_0_1m", "tag")
    assert (row["sidewalk_right"], row["sidewalk_right_from"]) == ("none", "default")
    # along less than three fifths of the road it is not
    s = Streets().way(1, EAST, "residential").way(2, [(0.0, 5.0), (100.0, 5.0)], "footway")
    assert s.resolve().loc[1, "sidewalk_left_from"] == "default"


def test_sidewalk_separate_takes_the_drawn_footways_separation() -> None:
    s = Streets().way(1, EAST, "residential", sidewalk="separate").way(2, [(0.0, -6.0), (120.0, -6.0)], "footway")
    row = s.way(3, [(120.0, -6.0), (200.0, -6.0)], "footway").resolve().loc[1]
    assert row[["sidewalk_left", "sidewalk_right"]].tolist() == ["separated_0_1m", "separated_1_3m"]
    assert row[["sidewalk_left_from", "sidewalk_right_from"]].tolist() == ["tag", "tag"]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_beside_is_that_of_plain_loops(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = 9
    start = random.uniform(0, 60, size=(count, 2))
    angle = np.where(random.random(count) < 0.7, 0.0, random.uniform(-0.6, 0.6, count)) + np.where(
        random.random(count) < 0.3, np.pi, 0
    )
    length = random.uniform(15, 120, size=count)
    places = np.stack([start, start + length[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])], axis=1)
    geometry = np.asarray([shapely.LineString([degrees(*place) for place in line]) for line in places], dtype=object)
    road = np.arange(count) < 4
    minor = road & (random.random(count) < 0.3)
    half = np.where(road, random.uniform(2, 8, count), 1.0)
    level = np.where(random.random(count) < 0.15, 1, 0).astype(np.int8)
    kerbs = Kerbs(~road, np.zeros(count, dtype=bool), road, minor, level, half)
    found = find_beside(cut_lines(geometry, EPSG), kerbs, RULES)
    metric = list(project_geometry(geometry, GEOGRAPHIC, EPSG))
    covered = np.zeros((count, 2))
    for foot in np.flatnonzero(~road):
        line = metric[foot]
        pieces = max(math.ceil(line.length / 12.0), 3)
        shared: dict[int, list[tuple[float, bool]]] = {}
        for number in range(pieces):
            place = line.interpolate((number + 0.5) / pieces, normalized=True)
            near = []
            for one in np.flatnonzero(road):
                (ax, ay), (bx, by) = metric[one].coords
                (cx, cy), (dx, dy) = line.coords
                cosine = abs((bx - ax) * (dx - cx) + (by - ay) * (dy - cy)) / metric[one].length / line.length
                distance = metric[one].distance(place)
                if distance <= 15 and cosine >= math.cos(math.radians(20)) and level[one] == level[foot]:
                    left = (bx - ax) * (place.y - ay) - (by - ay) * (place.x - ax) > 0
                    near.append((bool(minor[one]), round(distance, 3), int(one), distance, left))
            if near:
                *_, one, distance, left = min(near)
                shared.setdefault(one, []).append((distance, left))
        if sum(map(len, shared.values())) < 0.6 * pieces - 1e-9:
            assert found.road[foot] == -1
            continue
        mine = min(shared, key=lambda one: (-len(shared[one]), one))
        assert found.road[foot] == mine
        hand = np.mean([max(distance - half[mine] - 1.0, 0.0) for distance, _ in shared[mine]])
        assert found.separation_m[foot] == pytest.approx(hand, abs=1e-6)
        for one, places_ in shared.items():
            for _, left in places_:
                covered[one, 0 if left else 1] += line.length / pieces
    for one in np.flatnonzero(road):
        for side in (0, 1):
            if abs(covered[one, side] - 0.6 * metric[one].length) > 1e-6:
                assert np.isfinite(found.side_m[one, side]) == (covered[one, side] >= 0.6 * metric[one].length)


@settings(max_examples=6, deadline=None)
@given(st.permutations(range(6)))
def test_the_order_of_rows_changes_nothing(order: list[int]) -> None:
    s = Streets().way(1, EAST, "primary", oneway="yes").way(2, WEST, "primary", oneway="yes", lanes="3")
    s.way(3, [(0.0, -8.0), (200.0, -8.0)], "footway").way(4, [(0.0, -12.0), (200.0, -12.0)], "path").way(
        5, [(0.0, 30.0), (200.0, 31.0)], "service"
    )
    s.way(6, [(0.0, 26.0), (190.0, 26.0)], "footway", lit="no").bump(50.0, 30.25)
    tables = s.tables()
    whole, _ = resolve_attributes(*tables, CATALOGUE, EPSG)
    other, _ = resolve_attributes(tables[0].iloc[order], tables[1].iloc[order[::-1]], *tables[2:], CATALOGUE, EPSG)
    assert whole.equals(other)
