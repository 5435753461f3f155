"""Where the child waits and the car comes from: one-way streets, carriageways, roundabouts, junctions, loops; what leaves a child room.

Roads are drawn in metres; a road has 7 m unless it says otherwise, so a child stands 4.5 m from its middle and a driver sits at 1.75 m.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.ops
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sightlines import no_survey

from xiqing_space.catalog import load_catalogue
from xiqing_space.child_view.approaches import Approaches, Waits, approaches_to, set_back
from xiqing_space.child_view.roads import Roads, roads_of
from xiqing_space.child_view.solids import known_things, parked_cars, stand_clear
from xiqing_space.child_view.waiting import choose_places, look
from xiqing_space.crs import to_degrees

RULES = load_catalogue().child_view
APPROACH = RULES["approach"]
EPSG, X, Y = 4548, 500_000.0, 4_327_000.0


def roads(
    *given: tuple[str, str, Any],
    half: Any = 3.5,
    oneway: dict[int, int] | None = None,
    no_kerb: dict[int, int] | None = None,
) -> Roads:
    """Roads as (u, v, coordinates)."""
    names = sorted({node for u, v, _ in given for node in (u, v)})
    row, count = {name: at for at, name in enumerate(names)}, len(given)
    flags = [np.array([(one or {}).get(at, 0) for at in range(count)], dtype=np.int8) for one in (oneway, no_kerb)]
    lines = np.array([shapely.LineString(coords) for *_, coords in given] or [], dtype=object)
    return Roads(np.array([f"e{at}" for at in range(count)], dtype=object), np.array([row[u] for u, _, _ in given], dtype=np.int64),
                 np.array([row[v] for _, v, _ in given], dtype=np.int64), lines, np.full(count, float(half)) if np.isscalar(half) else np.array(half, dtype=float),
                 *flags)  # fmt: skip


def approach(net: Roads, edge: int, along: float, needed: float) -> Approaches:
    return approaches_to(net, Waits(np.array([edge]), np.array([along])), np.array([needed]), APPROACH)


def cars(found: Approaches, right: bool) -> list[list[float]]:
    (row,) = np.flatnonzero(found.right == right)
    return [[round(x, 3) + 0.0, round(y, 3) + 0.0] for x, y in found.car[found.owner == row].tolist()]


def test_traffic_that_runs_against_the_line_comes_from_its_end() -> None:
    net = roads(("a", "b", [(0, 0), (200, 0)]), oneway={0: -1})
    found = approach(net, 0, 100, 4)
    # driving west; the near lane of either side is the one beside it
    assert cars(found, right=True) == [[102, -1.75], [104, -1.75]]
    assert cars(found, right=False) == [[102, 1.75], [104, 1.75]]


def test_a_road_is_never_followed_against_its_traffic() -> None:
    # at b the road from the west parts into a carriageway that leaves (straight on) and one that arrives (a little to the north)
    net = roads(
        ("a", "b", [(0, 0), (100, 0)]),
        ("b", "c", [(100, 0), (200, 0)]),
        ("d", "b", [(200, 30), (100, 0)]),
        oneway={1: 1, 2: 1},
    )
    found = approach(net, 0, 90, 30)
    last = cars(found, right=False)[-1]
    # 10 m to the node and 20 m up the carriageway that arrives, 1.75 m to its right as one drives down
    way = np.array([100, 30]) / np.hypot(100, 30)
    assert last == pytest.approx(
        (np.array([100, 0]) + 20 * way + 1.75 * np.array([-way[1], way[0]])).tolist(), abs=0.01
    )
    # only a street that leaves goes on: nothing can come from there
    alone = roads(("a", "b", [(0, 0), (100, 0)]), ("b", "c", [(100, 0), (200, 0)]), oneway={1: 1})
    assert cars(approach(alone, 0, 90, 30), right=False)[-1] == [100, 1.75]


def test_a_wide_road_has_its_near_lane_at_the_kerb() -> None:
    net = roads(("a", "b", [(0, 0), (200, 0)]), half=10.5)
    found = approach(net, 0, 100, 2)
    assert found.child.tolist() == [[100, -11.5], [100, 11.5]]
    assert (cars(found, right=True), cars(found, right=False)) == ([[98, -8.75]], [[102, 8.75]])


def tables(**columns: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One street e1 along y = 0 and its attributes."""
    street = to_degrees(np.array([shapely.LineString([(X, Y), (X + 200, Y)])], dtype=object), EPSG)
    row: dict[str, Any] = {"edge_id": ["e1"], "road_class": ["primary"], "beside_edge_id": [None], "carriageway_width_m": [7.0], "oneway": [True],
                           "pair_id": [None], "pair_gap_m": [np.nan]}  # fmt: skip
    return (
        pd.DataFrame({"edge_id": ["e1"], "osm_id": ["w1"], "u": ["a"], "v": ["b"], "geometry": street}),
        pd.DataFrame(row | {name: [value] for name, value in columns.items()}),
    )


@pytest.mark.parametrize(
    ("tags", "columns", "oneway", "no_kerb"),
    [
        ("{}", {}, 1, 0),
        ('{"oneway": "-1"}', {}, -1, 0),
        ('{"oneway": "-1"}', {"oneway": False}, 0, 0),
        ("{}", {"oneway": False}, 0, 0),
        # the island of a roundabout lies on the driver's left
        ('{"junction": "roundabout"}', {}, 1, 1),
        ('{"junction": "roundabout", "oneway": "-1"}', {}, -1, 2),
        # a gap of 2 m holds a child 1 m from both carriageways
        ("{}", {"pair_id": "p", "pair_gap_m": 1.9}, 1, 1),
        ("{}", {"pair_id": "p", "pair_gap_m": 2.0}, 1, 0),
        ('{"name": "roundabout"}', {}, 1, 0),
    ],
)
def test_ways_of_traffic_and_sides_without_a_kerb(
    tags: str, columns: dict[str, Any], oneway: int, no_kerb: int
) -> None:
    streets, attributes = tables(**columns)
    told = pd.DataFrame({"osm_id": ["w1"], "tags": [tags]})
    net = roads_of(streets, attributes, told, APPROACH, EPSG)
    assert (net.oneway.tolist(), net.no_kerb.tolist()) == ([oneway], [no_kerb])
    assert net.half_m.tolist() == [3.5]


def test_nobody_waits_where_there_is_no_kerb() -> None:
    net = roads(("a", "b", [(0, 0), (200, 0)]), oneway={0: 1}, no_kerb={0: 1})
    assert approach(net, 0, 100, 10).right.tolist() == [True]


def test_at_a_junction_the_child_waits_at_the_corner() -> None:
    # a main road of 12 m from west to east through b, a side street of 7 m to the south
    net = roads(
        ("a", "b", [(0, 0), (100, 0)]),
        ("b", "c", [(100, 0), (200, 0)]),
        ("b", "d", [(100, 0), (100, -80)]),
        half=[6.0, 6.0, 3.5],
    )
    waits = Waits(np.array([0, 1, 2, 0, 2]), np.array([100.0, 0.0, 0.0, 40.0, 75.0]))
    # 3.5 + 1 m from the middle of the side street, 6 + 1 m from the main road's; what lies between junctions stays
    assert set_back(net, waits, 1.0).along_m.tolist() == [95.5, 4.5, 7.0, 40.0, 75.0]
    found = approach(net, 2, 7.0, 2)
    assert found.child.tolist() == [[95.5, -7.0], [104.5, -7.0]]
    # a bend where two stretches of one road meet is no junction, and a stretch shorter than its junctions keeps to its middle
    bend = roads(("a", "b", [(0, 0), (100, 0)]), ("b", "c", [(100, 0), (100, 100)]))
    assert set_back(bend, Waits(np.array([0]), np.array([100.0])), 1.0).along_m.tolist() == [100.0]
    tiny = roads(("a", "b", [(0, 0), (0, -50)]), ("a", "c", [(0, 0), (0, 50)]), ("a", "d", [(0, 0), (6, 0)]), ("d", "e", [(6, 0), (6, 50)]),
                 ("d", "f", [(6, 0), (6, -50)]))  # fmt: skip
    assert set_back(tiny, Waits(np.array([2, 2]), np.array([0.0, 6.0])), 1.0).along_m.tolist() == [3.0, 3.0]


def test_loops_end_where_they_began() -> None:
    # a ring of four sides of 20 m that begins and ends at a, and a road that leads to it
    ring = ("a", "a", [(0, 0), (20, 0), (20, 20), (0, 20), (0, 0)])
    net = roads(ring, ("a", "b", [(0, 0), (-60, 0)]))
    found = approach(net, 0, 10, 200)
    assert len(cars(found, right=True)) == 30 + 5, "back 10 m to a and 60 m along the road: 70 m"
    # seen from the road the ring is followed once round, by its straight end
    onto = approach(net, 1, 10, 200)
    path = cars(onto, right=True)
    assert len(path) == (10 + 80) // 2
    # looking west the child stands to the north, and the car comes from the east in the northern lane
    assert path[9] == [10, 1.75]


def test_nothing_and_points() -> None:
    none = roads()
    empty = approaches_to(none, Waits(np.zeros(0, dtype=np.int64), np.zeros(0)), np.zeros(0), APPROACH)
    assert len(empty.wait) == len(empty.car) == 0
    assert set_back(none, Waits(np.zeros(0, dtype=np.int64), np.zeros(0)), 1.0).along_m.tolist() == []
    # doubled vertices and a stretch without length break nothing
    net = roads(
        ("a", "b", [(0, 0), (0, 0), (50, 0), (50, 0)]),
        ("b", "b", [(50, 0), (50, 0)]),
        ("b", "c", [(50, 0), (50, 0), (90, 0)]),
    )
    assert cars(approach(net, 0, 20, 60), right=False)[-1] == [80, 1.75]
    streets, attributes = tables()
    point = to_degrees(np.array([shapely.LineString([(X, Y), (X, Y)])], dtype=object), EPSG)
    told = pd.DataFrame({"osm_id": pd.Series(dtype=object), "tags": pd.Series(dtype=object)})
    assert len(roads_of(streets.assign(geometry=point), attributes, told, APPROACH, EPSG).edge_id) == 0
    assert len(roads_of(streets[:0], attributes[:0], told, APPROACH, EPSG).edge_id) == 0


def walked(net: Roads, edge: int, along: float, from_u: bool, needed: float) -> Any:
    """The path by plain loops, as one line."""
    line, used = net.line[edge], {edge}
    path = list(shapely.ops.substring(line, along, 0 if from_u else line.length).coords)
    node = int(net.u[edge] if from_u else net.v[edge])
    while shapely.LineString(path).length < needed:
        ahead = np.subtract(path[-1], path[-2])
        best, least = None, np.cos(np.radians(APPROACH["turn_max_deg"]))
        for other in range(len(net.edge_id)):
            for leaves_u in (True, False):
                if other == edge or int(net.u[other] if leaves_u else net.v[other]) != node:
                    continue
                if net.oneway[other] == (1 if leaves_u else -1):
                    continue
                points = list(net.line[other].coords)[:: 1 if leaves_u else -1]
                way = np.subtract(points[1], points[0])
                cosine = ahead @ way / np.hypot(*ahead) / np.hypot(*way)
                if cosine > least + 1e-12:
                    best, least = (other, leaves_u, points), cosine
        if best is None or best[0] in used:
            break
        edge, leaves_u, points = best
        used.add(edge)
        path += points[1:]
        node = int(net.v[edge] if leaves_u else net.u[edge])
    return shapely.LineString(path)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(-1, 1)), min_size=1, max_size=14),
    st.floats(0.05, 0.95),
    st.integers(0, 10**6),
)
def test_paths_agree_with_plain_loops(pairs: list[tuple[int, int, int]], part: float, seed: int) -> None:
    jitter = np.random.default_rng(seed).uniform(-9, 9, (9, 2))
    spots = [(30 * (at % 3) + jitter[at, 0], 30 * (at // 3) + jitter[at, 1]) for at in range(9)]
    pairs = [one for one in {(u, v): (u, v, way) for u, v, way in pairs}.values() if one[0] != one[1]]
    if not pairs:
        return
    net = roads(
        *((str(u), str(v), [spots[u], spots[v]]) for u, v, _ in pairs),
        oneway={at: way for at, (*_, way) in enumerate(pairs)},
    )
    edges = np.arange(len(pairs))
    found = approaches_to(net, Waits(edges, part * net.length_m), np.full(len(pairs), 70.0), APPROACH)
    for row in range(len(found.wait)):
        edge, right = int(found.edge[row]), bool(found.right[row])
        from_u = right if net.oneway[edge] == 0 else bool(net.oneway[edge] > 0)
        path = walked(net, edge, part * float(net.length_m[edge]), from_u, 70.0)
        distance = found.distance_m[found.owner == row]
        assert len(distance) == int((min(path.length, 70.0) + 1e-9) // 2)
        middle = shapely.get_coordinates(shapely.line_interpolate_point(path, distance))
        assert np.hypot(*(found.car[found.owner == row] - middle).T) == pytest.approx(1.75, abs=0.01)


@pytest.mark.parametrize(("side_street", "edges"), [(False, ["e1", "e1"]), (True, ["e1", "e1", "e2", "e2"])])
def test_a_crossing_where_two_stretches_meet_is_looked_at_once(side_street: bool, edges: list[str]) -> None:
    ways = [[(0, 0), (100, 0)], [(100, 0), (200, 0)], [(100, 0), (100, 80)]][: 3 if side_street else 2]
    count = len(ways)
    streets = pd.DataFrame({"edge_id": ["e1", "e2", "e3"][:count], "osm_id": "w1", "u": ["a", "b", "b"][:count], "v": ["b", "c", "d"][:count],
                            "geometry": to_degrees(np.array([shapely.LineString(np.add(way, [X, Y])) for way in ways], dtype=object), EPSG)})  # fmt: skip
    attributes = pd.concat(
        [tables(oneway=False, speed_kmh=50.0, speed_kmh_from="tag", parking="none", parking_from="default")[1]] * count
    )
    attributes = attributes.assign(edge_id=streets["edge_id"].array)
    told = pd.DataFrame({"osm_id": pd.Series(dtype=object), "tags": pd.Series(dtype=object)})
    place = pd.DataFrame({"place_id": ["c"] * 2, "crossing_id": ["c"] * 2, "gate_id": [None] * 2, "edge_id": ["e1", "e2"], "near": ["school_route"] * 2,
                          "children": [3.0] * 2, "point": [shapely.Point(X + 100, Y)] * 2})  # fmt: skip
    obstacles = pd.DataFrame(
        {name: pd.Series(dtype=object) for name in ("obstacle_id", "what", "height_m", "height_from", "geometry")}
    )
    found = look(
        roads_of(streets, attributes, told, APPROACH, EPSG), place, attributes, obstacles, no_survey(), RULES, EPSG
    )
    assert found["edge_id"].tolist() == edges, "at a junction each leg is a crossing of its own"


# what stands there


def things(*given: tuple[str, str, Any]) -> pd.DataFrame:
    """Known things as (id, what, metric shape)."""
    return pd.DataFrame({"obstacle_id": [one for one, _, _ in given], "what": [what for _, what, _ in given], "height_m": 2.0, "height_from": "default",
                         "shape": [shape for *_, shape in given]})  # fmt: skip


def test_a_child_stands_before_the_house_and_not_in_it() -> None:
    found = approach(roads(("a", "b", [(0, 0), (200, 0)])), 0, 100, 4)
    body, least = APPROACH["body_m"], 1.75 + 0.9

    def south(*given: tuple[str, str, Any]) -> float:
        return float(-stand_clear(found, things(*given), body).child[0, 1])

    assert south() == 4.5
    assert south(("h", "building", shapely.box(90, -12, 110, -4.1))) == pytest.approx(3.8)
    # a fence on the verge: the child waits on its road side
    assert south(
        ("h", "building", shapely.box(90, -12, 110, -4.1)), ("w", "wall", shapely.box(0, -3.9, 200, -3.7))
    ) == pytest.approx(3.4)
    # never in the way of the car, and parked cars leave the place
    assert south(("h", "building", shapely.box(90, -12, 110, -2.0))) == pytest.approx(least)
    assert south(("p", "parked_cars", shapely.box(90, -3.5, 110, -1.7))) == 4.5
    assert south(("h", "building", shapely.box(90, -12, 99, -4.1))) == 4.5, "beside the child"


def test_a_house_over_the_road_and_a_wall_across_it_leave_the_carriageway_free() -> None:
    streets, _ = tables()
    obstacles = pd.DataFrame({"obstacle_id": ["b", "w", "k"], "what": ["building", "wall", "kiosk"], "height_m": [9.0, 2.0, 1.8], "height_from": ["default"] * 3,
                              "geometry": to_degrees(np.array([shapely.MultiPolygon([shapely.box(X + a, Y + b, X + c, Y + d)]) for a, b, c, d in
                                                               ((50, -20, 60, 20), (80, -15, 80.3, 15), (90, -3, 91, -2))], dtype=object), EPSG)})  # fmt: skip
    net = roads_of(streets, tables()[1], pd.DataFrame({"osm_id": [], "tags": []}, dtype=object), APPROACH, EPSG)
    none = things()
    known = known_things(obstacles, none, no_survey(), net, EPSG).set_index("obstacle_id")
    assert known.loc["b", "shape"].area == pytest.approx(10 * 40 - 10 * 7, abs=0.5)
    assert known.loc["w", "shape"].area == pytest.approx(0.3 * (30 - 7), abs=0.4)
    assert known.loc["k", "shape"].area == pytest.approx(1.0, abs=0.05), "beside the middle: it is left as drawn"
    assert known_things(obstacles[:0], none, no_survey(), net, EPSG).empty
    survey = pd.DataFrame(
        {
            "sightline_id": ["s", "s"],
            "obstacle_id": ["b", "k"],
            "height_m": [np.nan, 0.7],
            "gone": [True, False],
            "seen_child_m": np.nan,
        }
    )
    told = known_things(obstacles, things(("a", "parked_cars", shapely.box(0, 0, 1, 1))), survey, net, EPSG)
    assert told[["obstacle_id", "height_m", "height_from"]].values.tolist() == [
        ["a", 2.0, "default"],
        ["k", 0.7, "survey"],
        ["w", 2.0, "default"],
    ]


def test_cars_are_parked_clear_of_junctions_and_on_loops() -> None:
    net = roads(
        ("a", "b", [(0, 0), (100, 0)]),
        ("b", "c", [(100, 0), (200, 0)]),
        ("b", "d", [(100, 0), (100, -80)]),
        half=[6.0, 6.0, 3.5],
    )
    said = pd.DataFrame({"edge_id": ["e0", "e2"], "parking": ["one", "one"], "parking_from": ["tag", "tag"]})
    nobody = Waits(np.zeros(0, dtype=np.int64), np.zeros(0))
    found = parked_cars(net, said, nobody, RULES["obstacles"]["parked_cars"]).set_index("obstacle_id")["shape"]
    # 5 m from the carriageway that crosses: 100 - 3.5 - 5, and 6 + 5 down the side street
    assert found["parking/e0/right/0"].bounds == pytest.approx((0, -6, 91.5, -4.2), abs=0.01)
    assert found["parking/e2/right/11"].bounds == pytest.approx((96.5, -80, 98.3, -11), abs=0.01)
    ring = roads(("a", "a", [(0, 0), (40, 0), (40, 40), (0, 40), (0, 0)]))
    said = pd.DataFrame({"edge_id": ["e0"], "parking": ["both"], "parking_from": ["survey"]})
    assert len(parked_cars(ring, said, Waits(np.array([0]), np.array([60.0])), RULES["obstacles"]["parked_cars"])) == 4
    assert parked_cars(roads(), said[:0], nobody, RULES["obstacles"]["parked_cars"]).empty


def test_empty_inputs_give_an_empty_table() -> None:
    streets, attributes = tables(speed_kmh=50.0, speed_kmh_from="tag", parking="none", parking_from="default")
    told = pd.DataFrame({"osm_id": pd.Series(dtype=object), "tags": pd.Series(dtype=object)})
    crossings = pd.DataFrame(
        {name: pd.Series(dtype=object) for name in ("crossing_id", "road_edge_ids", "control", "geometry")}
    )
    flows = pd.DataFrame(
        {"item_id": pd.Series(dtype=object), "item_type": pd.Series(dtype=object), "children": pd.Series(dtype=float)}
    )
    gates = pd.DataFrame({name: pd.Series(dtype=object) for name in ("gate_id", "edge_id", "near", "geometry")})
    obstacles = pd.DataFrame(
        {name: pd.Series(dtype=object) for name in ("obstacle_id", "what", "height_m", "height_from", "geometry")}
    )
    for rows in (0, 1):
        net = roads_of(streets[:rows], attributes[:rows], told, APPROACH, EPSG)
        places = choose_places(crossings, flows, gates, gates, APPROACH, EPSG)
        assert look(net, places, attributes[:rows], obstacles, no_survey(), RULES, EPSG).empty
    at = to_degrees(np.array([shapely.Point(X + 100, Y)], dtype=object), EPSG)
    gates = pd.DataFrame({"gate_id": ["g"], "edge_id": ["e1"], "near": ["school_route"], "geometry": at})
    places = choose_places(crossings, flows, gates, gates[:0], APPROACH, EPSG)
    found = look(
        roads_of(streets, attributes, told, APPROACH, EPSG), places, attributes, obstacles, no_survey(), RULES, EPSG
    )
    assert found["verdict"].tolist() == ["enough"] * 2, "nothing stands anywhere"
    assert found["children"].isna().all()
