"""Lines of sight from one metre: drawn cases by hand, a brute-force ray, and what must hold of any case.

A road of 7 m runs east from (0, 0) to (200, 0). The child waits at x = 100, 1 m outside the carriageway: on the south side at
(100, -4.5). Traffic drives on the right, so the near lane runs east, the car comes from the west, and the driver sits at
y = -(3.5 - 1.75) = -1.75. A line of sight to the car d metres away is (100 - d t, -4.5 + 2.75 t), t from 0 to 1. At 50 km/h a car
needs 13.89 * 2.5 + 13.89² / (2 * 9.81 * 0.4) = 34.72 + 24.58 = 59.3 m, so places 2, 4 … 58 m are looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.catalog import load_catalogue
from xiqing_space.child_view.approaches import Waits, approaches_to, stopping_distance_m
from xiqing_space.child_view.roads import Roads
from xiqing_space.child_view.sightlines import Seen, Solids, find_blocks, measure_sightlines, seen_m
from xiqing_space.child_view.solids import parked_cars
from xiqing_space.child_view.waiting import choose_places, look

RULES = load_catalogue().child_view
EYES = RULES["eyes"]
SOUTH, NORTH = 0, 1  # approaches of a wait: the right side first


def road(*coords: tuple[float, float], half: float = 3.5, oneway: bool = False) -> Roads:
    return Roads(np.array(["e1"], dtype=object), np.array([0]), np.array([1]), np.array([shapely.LineString(coords)], dtype=object),
                 np.array([half]), np.array([int(oneway)], dtype=np.int8), np.zeros(1, dtype=np.int8))  # fmt: skip


STRAIGHT = road((0, 0), (200, 0))
WAIT = Waits(np.array([0]), np.array([100.0]))


def look_at(solids: list[tuple[Any, float]], roads: Roads = STRAIGHT, wait: Waits = WAIT, kmh: float = 50.0) -> Seen:
    needed = stopping_distance_m(np.array([kmh]), 2.5, 0.4)
    found = approaches_to(roads, wait, needed, RULES["approach"])
    things = Solids(np.array([str(i) for i in range(len(solids))], dtype=object), np.array([shape for shape, _ in solids], dtype=object),
                    np.array([height for _, height in solids], dtype=float))  # fmt: skip
    return measure_sightlines(found, things, EYES)


def test_stopping_distance_by_hand() -> None:
    # 30 km/h = 8.333 m/s: 20.83 + 69.44 / 7.848 = 20.83 + 8.85
    assert stopping_distance_m(np.array([30.0, 50.0]), 2.5, 0.4) == pytest.approx([29.68, 59.31], abs=0.02)


def test_where_the_child_and_the_car_are() -> None:
    found = approaches_to(STRAIGHT, WAIT, np.array([10.0]), RULES["approach"])
    assert found.right.tolist() == [True, False]
    assert found.child.tolist() == [[100.0, -4.5], [100.0, 4.5]]
    assert found.car[found.owner == SOUTH].tolist() == [[98, -1.75], [96, -1.75], [94, -1.75], [92, -1.75], [90, -1.75]]
    assert found.car[found.owner == NORTH].tolist() == [[102, 1.75], [104, 1.75], [106, 1.75], [108, 1.75], [110, 1.75]]


def test_on_a_one_way_street_the_car_comes_from_its_start_on_both_sides() -> None:
    found = approaches_to(road((0, 0), (200, 0), oneway=True), WAIT, np.array([4.0]), RULES["approach"])
    assert found.car[found.owner == NORTH].tolist() == [[98, 1.75], [96, 1.75]]


def test_nothing_in_the_way() -> None:
    seen = look_at([])
    assert seen.child_m.tolist() == [58.0, 58.0]
    assert seen.by.tolist() == [-1, -1]


# x 90 to 91 between y -4.4 and -3.6: met where 9 <= d t <= 10 and t <= 0.9 / 2.75 = 0.327, so from d = 9 / 0.327 = 27.5 on: the
# first hidden place is 28 m, and 26 m are seen. Nearer places pass it on its road side.
VERGE = shapely.box(90, -4.4, 91, -3.6)


def test_a_wall_of_two_metres_hides_the_car_from_child_and_adult() -> None:
    seen = look_at([(VERGE, 2.0)])
    assert (seen.child_m[SOUTH], seen.adult_m[SOUTH]) == (26.0, 26.0)
    assert (seen.child_m[NORTH], seen.by[NORTH]) == (58.0, -1)


def test_a_hedge_hides_it_from_the_child_alone() -> None:
    # at the hedge the child's line is 1.00 + 0.2 * 0.32 = 1.06 m high, the adult's 1.5 - 0.3 * 0.33 = 1.40 m
    seen = look_at([(VERGE, 1.2)])
    assert (seen.child_m[SOUTH], seen.adult_m[SOUTH], seen.by[SOUTH]) == (26.0, 58.0, 0)
    # 1.02 m: seen over from 1.00 m, whose line is at least 1 + 0.2 * 9 / 58 = 1.03 m there; not from 0.88 m (at most 0.98 m)
    low = look_at([(VERGE, 1.02)])
    assert (low.low_m[SOUTH], low.child_m[SOUTH]) == (26.0, 58.0)


def test_a_parked_car_at_the_kerb() -> None:
    # a car of 1.8 m along the kerb, y -3.5 to -1.7, x 90 to 94.5. The line passes y = -3.5 at t = 0.364 and reaches -1.75 at t = 1,
    # so it is in the car's band from t = 0.364 on: hidden where 5.5 <= d t <= 10 for some t >= 0.364: from d = 5.5 on, first 6 m
    seen = look_at([(shapely.box(90, -3.5, 94.5, -1.7), 1.45)])
    assert seen.child_m[SOUTH] == 4.0
    # the adult's line is 1.2 m high at the driver, 1.5 - 0.3 * 0.92 = 1.22 m where it enters the car: hidden too
    assert seen.adult_m[SOUTH] == 4.0


def test_a_corner_of_a_building() -> None:
    # a house from x = 60 to 95, its front 0.5 m behind the child's line of feet: never in the way on the straight
    assert look_at([(shapely.box(60, -20, 95, -5.0), 9.0)]).child_m[SOUTH] == 58.0
    # on a bend to the south at (70, 0) the car beyond it hides behind the house: the path turns by 45°
    bent = road((40, -30), (70, 0), (200, 0))
    wait = Waits(np.array([0]), np.array([float(np.hypot(30, 30)) + 30.0]))
    seen = look_at([(shapely.box(60, -30, 95, -5.0), 9.0)], bent, wait)
    assert 28.0 <= seen.child_m[SOUTH] < 40.0
    assert seen.by[SOUTH] == 0


def test_a_road_that_goes_on_is_followed() -> None:
    two = Roads(np.array(["a", "b"], dtype=object), np.array([0, 1]), np.array([1, 2]),
                np.array([shapely.LineString([(0, 0), (90, 0)]), shapely.LineString([(90, 0), (200, 0)])], dtype=object),
                np.array([3.5, 3.5]), np.zeros(2, dtype=np.int8), np.zeros(2, dtype=np.int8))  # fmt: skip
    found = approaches_to(two, Waits(np.array([1]), np.array([10.0])), np.array([58.0]), RULES["approach"])
    assert found.car[found.owner == SOUTH][-1].tolist() == [42.0, -1.75]


boxes = st.lists(
    st.tuples(st.floats(45, 155), st.floats(-8, 8), st.floats(0.2, 6), st.floats(0.2, 3), st.floats(0.3, 3.0)),
    min_size=1,
    max_size=6,
)


def solid(x: float, y: float, wide: float, high: float, height: float) -> tuple[Any, float]:
    return shapely.box(x, y, x + wide, y + high), height


@settings(max_examples=60, deadline=None)
@given(boxes)
def test_eye_up_never_shortens_and_an_obstacle_added_never_lengthens(drawn: list[tuple[float, ...]]) -> None:
    solids = [solid(*one) for one in drawn]
    seen, fewer = look_at(solids), look_at(solids[:-1])
    assert (seen.low_m <= seen.child_m).all()
    assert (seen.child_m <= seen.high_m).all()
    assert (seen.high_m <= seen.adult_m).all()
    assert (seen.child_m <= fewer.child_m).all()


@settings(max_examples=40, deadline=None)
@given(boxes)
def test_the_mirror_image_sees_as_far(drawn: list[tuple[float, ...]]) -> None:
    # mirrored at x = 100 the road runs the other way and traffic drives on the left: south and north keep their places
    solids = [solid(*one) for one in drawn]
    mirrored = [(shapely.affinity.scale(shape, xfact=-1, origin=(100, 0)), height) for shape, height in solids]
    seen = look_at(solids)
    needed = stopping_distance_m(np.array([50.0]), 2.5, 0.4)
    found = approaches_to(STRAIGHT, WAIT, needed, RULES["approach"] | {"drives_on": "left"})
    things = Solids(
        np.arange(len(mirrored)).astype(str).astype(object),
        np.array([s for s, _ in mirrored], dtype=object),
        np.array([h for _, h in mirrored]),
    )
    other = measure_sightlines(found, things, EYES)
    assert seen.child_m.tolist() == other.child_m.tolist()
    assert seen.adult_m.tolist() == other.adult_m.tolist()


@settings(max_examples=25, deadline=None)
@given(boxes)
def test_a_ray_walked_step_by_step_agrees(drawn: list[tuple[float, ...]]) -> None:
    solids = [solid(*one) for one in drawn]
    needed = stopping_distance_m(np.array([50.0]), 2.5, 0.4)
    found = approaches_to(STRAIGHT, WAIT, needed, RULES["approach"])
    things = Solids(
        np.arange(len(solids)).astype(str).astype(object),
        np.array([s for s, _ in solids], dtype=object),
        np.array([h for _, h in solids]),
    )
    blocks = find_blocks(found, things)
    part = np.linspace(0, 1, 1501)
    for eye in (EYES["child_m"], EYES["adult_m"]):
        seen, _ = seen_m(found, things, blocks, eye, EYES["driver_m"])
        for approach in (SOUTH, NORTH):
            far = 0.0
            for place, distance in zip(
                found.car[found.owner == approach], found.distance_m[found.owner == approach], strict=True
            ):
                ray = found.child[approach] + part[:, None] * (place - found.child[approach])
                height = eye + part * (EYES["driver_m"] - eye)
                hit = any(
                    (shapely.contains_xy(shape, ray[:, 0], ray[:, 1]) & (height <= top)).any() for shape, top in solids
                )
                if hit:
                    break
                far = float(distance)
            # a graze thinner than the ray's steps, or than a centimetre, may be met by one of the two only
            if seen[approach] != far:
                beyond = found.distance_m[found.owner == approach] > min(seen[approach], far)
                line = shapely.LineString([found.child[approach], found.car[found.owner == approach][beyond][0]])
                assert min(line.intersection(shape).length for shape, _ in solids if line.intersects(shape)) < 0.2


# the table: which places, what kind of evidence


def attributes(parking: str = "none", parking_from: str = "default") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "edge_id": ["e1"],
            "speed_kmh": [50.0],
            "speed_kmh_from": ["tag"],
            "parking": [parking],
            "parking_from": [parking_from],
        }
    )


def place() -> pd.DataFrame:
    return pd.DataFrame({"place_id": ["c1"], "crossing_id": ["c1"], "gate_id": [None], "edge_id": ["e1"], "near": ["school_route"], "children": [12.0],
                         "point": [shapely.Point(100, 0)]})  # fmt: skip


def obstacles(height_from: str) -> pd.DataFrame:
    from xiqing_space.crs import to_degrees

    shape = to_degrees(np.array([shapely.MultiPolygon([VERGE])], dtype=object), 4548)
    return pd.DataFrame(
        {
            "obstacle_id": ["osm:w9"],
            "what": ["hedge"],
            "height_m": [1.2],
            "height_from": [height_from],
            "geometry": shape,
        }
    )


@pytest.mark.parametrize(
    ("height_from", "evidence", "verdict"), [("tag", "measured", "too_short"), ("default", "screening", "to_verify")]
)
def test_default_heights_are_a_list_to_look_at_and_no_finding(height_from: str, evidence: str, verdict: str) -> None:
    east = road((0, 0), (200, 0))
    # metric coordinates near the axis of the zone, so that degrees and back keep the places
    found = look(moved(east), moved_place(), attributes(), moved_obstacles(height_from), no_survey(), RULES, 4548)
    south = found[found["side"] == "right"].iloc[0]
    assert (south["evidence"], south["verdict"], south["blocked_by"], south["blocked_what"]) == (
        evidence,
        verdict,
        "osm:w9",
        "hedge",
    )
    assert (south["seen_child_m"], south["seen_adult_m"], south["child_gap_m"]) == (26.0, 58.0, 32.0)
    assert south["needed_m"] == pytest.approx(59.31, abs=0.02)
    north = found[found["side"] == "left"].iloc[0]
    assert (north["verdict"], north["evidence"]) == ("enough", "screening")
    assert pd.isna(north["blocked_by"])


def no_survey() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sightline_id": pd.Series(dtype=object),
            "obstacle_id": pd.Series(dtype=object),
            "height_m": pd.Series(dtype=float),
            "gone": pd.Series(dtype=bool),
            "seen_child_m": pd.Series(dtype=float),
        }
    )


ORIGIN = (500_000.0, 4_327_000.0)


def moved(roads: Roads) -> Roads:
    line = shapely.affinity.translate(roads.line[0], *ORIGIN)
    return Roads(
        roads.edge_id, roads.u, roads.v, np.array([line], dtype=object), roads.half_m, roads.oneway, roads.no_kerb
    )


def moved_place() -> pd.DataFrame:
    return place().assign(point=[shapely.affinity.translate(shapely.Point(100, 0), *ORIGIN)])


def moved_obstacles(height_from: str) -> pd.DataFrame:
    from xiqing_space.crs import to_degrees

    shape = shapely.affinity.translate(shapely.MultiPolygon([VERGE]), *ORIGIN)
    return obstacles(height_from).assign(geometry=to_degrees(np.array([shape], dtype=object), 4548))


def test_parked_cars_stand_only_where_parking_is_known() -> None:
    rules = RULES["obstacles"]["parked_cars"]
    assert parked_cars(STRAIGHT, attributes("both", "default"), WAIT, rules).empty
    one = parked_cars(STRAIGHT, attributes("one", "tag"), WAIT, rules)
    # the right kerb of the road, 5 m free to each side of the crossing: x 0 to 95 and 105 to 200, y -3.5 to -1.7
    assert sorted(shape.bounds for shape in one["shape"]) == [
        pytest.approx((0, -3.5, 95, -1.7), abs=0.01), pytest.approx((105, -3.5, 200, -1.7), abs=0.01),
    ]  # fmt: skip
    assert len(parked_cars(STRAIGHT, attributes("both", "survey"), WAIT, rules)) == 4


def test_places_on_school_routes_and_near_young_children() -> None:
    from xiqing_space.crs import to_degrees

    at = to_degrees(
        np.array([shapely.Point(ORIGIN[0] + x, ORIGIN[1]) for x in (0, 1000, 2000, 3000)], dtype=object), 4548
    )
    crossings = pd.DataFrame({"crossing_id": ["c0", "c1", "c2", "c3"], "road_edge_ids": ["e0|e9", "e1", "e2", "e3"],
                              "control": ["marked", "none", "grade_separated", "none"], "geometry": at})  # fmt: skip
    flows = pd.DataFrame({"item_id": ["c0", "c2"], "item_type": ["crossing"] * 2, "children": [5.0, 9.0]})
    young = pd.DataFrame({"geometry": [at[1]]})
    gates = pd.DataFrame({"gate_id": ["g"], "edge_id": ["e5"], "near": ["school_route"], "geometry": [at[3]]})
    found = choose_places(crossings, flows, gates, young, RULES["approach"], 4548)
    # c0 on a route with both its roads, c1 beside a nursery, the gate; a footbridge needs no sight, c3 is on no route
    assert found[["place_id", "edge_id", "near"]].values.tolist() == [
        ["c0", "e0", "school_route"], ["c0", "e9", "school_route"], ["c1", "e1", "young_children"], ["g", "e5", "school_route"],
    ]  # fmt: skip
