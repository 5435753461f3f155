"""Obstacles beside roads: heights as people write them, plans as people draw them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from helpers import Drawing

from xiqing_space.catalog import load_catalogue
from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.ingest.obstacles import BUILDING_KEYS, height_of, obstacle_pairs, read_obstacles
from xiqing_space.ingest.osm import Features, read_features, shapes_of
from xiqing_space.ingest.population import building_keys
from xiqing_space.tables import finish

CATALOGUE = load_catalogue()
EPSG, X, Y = 4548, 500_000.0, 4_327_000.0
AREA: Any = SimpleNamespace(metric_epsg=EPSG, buffered=shapely.box(X - 300, Y - 300, X + 300, Y + 300))


@pytest.mark.parametrize(
    ("text", "metres"),
    [("2", 2.0), ("1.8 m", 1.8), ("1,2", 1.2), ("120cm", 1.2), ("120 厘米", 1.2), ("0.9米", 0.9), ("6 ft", 1.8288), ("4'", 1.2192), ("10 feet", 3.048),
     ("高", None), ("about 2", None), ("-1", None), ("0", None), ("5'6\"", None), ("1.2-1.5", None), ("", None), ("900", None)],
)  # fmt: skip
def test_heights_in_any_unit(text: str, metres: float | None) -> None:
    assert height_of({"height": text}) == (pytest.approx(metres) if metres else None)


def test_levels_count_where_there_is_no_height() -> None:
    assert height_of({"building:levels": "3"}, 3.0) == 9.0
    assert height_of({"building:levels": "2.5"}, 3.0) == 7.5
    assert height_of({"building:levels": "3"}) is None, "a wall has none"
    assert height_of({"height": "7 m", "building:levels": "3"}, 3.0) == 7.0
    assert height_of({"height": "hoch", "building:levels": "3"}, 3.0) == 9.0
    assert height_of({"building:levels": "3 m"}, 3.0) is None
    assert height_of({"building:levels": "many"}, 3.0) is None


def wkb(shape: Any) -> str:
    moved = shapely.affinity.translate(shape, X, Y)
    return str(shapely.to_wkb(to_degrees(np.array([moved], dtype=object), EPSG)[0], hex=True))


def node(number: int, x: float, y: float, **tags: str) -> tuple[int, float, float, dict[str, str]]:
    at = shapely.from_wkb(wkb(shapely.Point(x, y)))
    return number, at.x, at.y, tags


def read(features: Features, streets: list[Any] | None = None) -> pd.DataFrame:
    """The table with metric shapes, round (0, 0), by id; a street runs along y = 0."""
    lines = [shapely.LineString([(-200, 0), (200, 0)])] if streets is None else streets
    frame = pd.DataFrame({"geometry": [shapely.from_wkb(wkb(line)) for line in lines]})
    table = finish("obstacles", read_obstacles(features, frame, CATALOGUE, AREA))
    shape = project_geometry(table["geometry"].to_numpy(dtype=object), GEOGRAPHIC, EPSG)
    return (
        pd.DataFrame(table.drop(columns="geometry"))
        .assign(shape=shapely.transform(shape, lambda xy: xy - [X, Y]))
        .set_index("obstacle_id")
    )


def box(x: float, y: float, wide: float = 10, high: float = 10) -> str:
    return wkb(shapely.MultiPolygon([shapely.box(x, y, x + wide, y + high)]))


def test_lines_and_points_get_the_width_of_their_kind() -> None:
    found = read(Features(
        nodes=[node(7, 30, 6, barrier="planter"), node(8, 40, 6, barrier="bollard")],
        lines=[("osm:w1", {"barrier": "hedge"}, wkb(shapely.LineString([(0, 5), (20, 5)]))),
               ("osm:w2", {"barrier": "wall", "height": "180 cm"}, wkb(shapely.LineString([(0, 8), (20, 8)])))],
    ))  # fmt: skip
    assert sorted(found.index) == ["osm:n7", "osm:w1", "osm:w2"], "one sees past a bollard"
    hedge = found.loc["osm:w1"]
    assert hedge["shape"].bounds == pytest.approx((0, 4.6, 20, 5.4), abs=0.02), "0.8 m wide, no longer than drawn"
    assert hedge[["what", "height_m", "height_from", "width_m", "cost_class"]].tolist() == [
        "hedge",
        1.2,
        "default",
        0.8,
        "low",
    ]
    assert found.loc["osm:w2", ["what", "height_m", "height_from"]].tolist() == ["wall", 1.8, "tag"]
    planter = found.loc["osm:n7", "shape"]
    assert planter.bounds == pytest.approx((29.6, 5.6, 30.4, 6.4), abs=0.02)
    assert set(found["shape"].map(lambda one: one.geom_type)) == {"MultiPolygon"}


def test_a_building_counts_near_a_road_only() -> None:
    # 11 m and 13 m from the middle of the street
    found = read(
        Features(
            buildings=[
                ("osm:w1", {"building": "yes", "building:levels": "2"}, box(0, 11)),
                ("osm:w2", {"building": "yes"}, box(20, 13)),
            ]
        )
    )
    assert found.index.tolist() == ["osm:w1"]
    assert found.loc["osm:w1", ["height_m", "height_from"]].tolist() == [
        2 * CATALOGUE.barriers["homes"]["metres_per_level"],
        "tag",
    ]
    assert pd.isna(found.loc["osm:w1", "cost_class"])
    assert pd.isna(found.loc["osm:w1", "width_m"]), "it is drawn as wide as it is"


@pytest.mark.parametrize(
    "tags", [{"building": "roof"}, {"building": "carport"}, {"building": "yes", "min_height": "4 m"}, {"building": "yes", "building:min_level": "1"},
             {"building": "yes", "location": "underground"}],
)  # fmt: skip
def test_what_one_sees_through_below_is_no_obstacle(tags: dict[str, str]) -> None:
    assert read(
        Features(
            buildings=[("osm:w1", tags, box(0, 6)), ("osm:w2", {"building": "yes", "min_height": "0"}, box(20, 6))]
        )
    ).index.tolist() == ["osm:w2"]


def test_a_wall_round_a_yard_is_a_line_and_a_planted_area_an_area() -> None:
    ring = shapely.box(0, 20, 40, 60)
    closed = wkb(ring.exterior)
    found = read(Features(
        areas=[("osm:w1", {"barrier": "wall"}, wkb(shapely.MultiPolygon([ring]))), ("osm:w2", {"barrier": "hedge", "area": "yes"}, box(60, 5, 6, 2)),
               ("osm:w3", {"natural": "shrubbery"}, box(80, 5, 6, 2))],
        lines=[("osm:w1", {"barrier": "wall"}, closed), ("osm:w2", {"barrier": "hedge", "area": "yes"}, wkb(shapely.box(60, 5, 66, 7).exterior))],
    ))  # fmt: skip
    # 160 m of wall 0.3 m thick, and not 1,600 m² of it; the inner corners count twice
    assert found.loc["osm:w1", "shape"].area == pytest.approx(48.0, abs=0.5)
    assert found.loc[["osm:w2", "osm:w3"], "shape"].map(lambda one: round(one.area)).tolist() == [12, 12]


def test_what_is_clipped_beyond_the_area_or_invalid() -> None:
    bow = shapely.MultiPolygon([shapely.Polygon([(0, 5), (10, 9), (10, 5), (0, 9)])])
    found = read(Features(
        areas=[("osm:w1", {"amenity": "recycling"}, wkb(bow))],
        lines=[("osm:w2", {"barrier": "wall"}, wkb(shapely.LineString([(290, 5), (310, 5)]))), ("osm:w2:2", {"barrier": "wall"}, wkb(shapely.LineString([(200, 5), (210, 5)]))),
               ("osm:w3", {"barrier": "wall"}, wkb(shapely.LineString([(400, 5), (420, 5)]))), ("osm:w4", {"barrier": "wall"}, wkb(shapely.LineString([(5, 5), (5, 5)])))],
    ))  # fmt: skip
    assert {"osm:w1", "osm:w2", "osm:w2:2"} <= set(found.index)
    assert "osm:w3" not in found.index, "beyond the buffer"
    assert found["shape"].map(lambda one: one.is_valid).all()
    # the bow's two triangles of 5 by 4 m
    assert found.loc["osm:w1", "shape"].area == pytest.approx(20.0, abs=0.2)


def test_the_order_of_rows_changes_nothing() -> None:
    features = Features(
        nodes=[node(number, 10 * number, 6, barrier="planter") for number in range(5)],
        areas=[("osm:w1", {"amenity": "shelter"}, box(0, 20)), ("osm:w9", {"amenity": "recycling"}, box(30, 20))],
        lines=[
            (f"osm:w{number}", {"barrier": "hedge"}, wkb(shapely.LineString([(0, number), (9, number)])))
            for number in range(11, 15)
        ],
        buildings=[(f"osm:w{number}", {"building": "yes"}, box(number, 6, 0.5)) for number in range(21, 25)],
    )
    turned = Features(
        nodes=features.nodes[::-1],
        areas=features.areas[::-1],
        lines=features.lines[::-1],
        buildings=features.buildings[::-1],
    )
    one, other = read(features), read(turned)
    assert one.drop(columns="shape").equals(other.drop(columns="shape"))
    assert [shapely.to_wkb(shape) for shape in one["shape"]] == [shapely.to_wkb(shape) for shape in other["shape"]]


def test_nothing_to_read() -> None:
    assert read(Features()).empty
    assert read(Features(buildings=[("osm:w1", {"building": "yes"}, box(0, 6))]), streets=[]).empty
    hedge = Features(lines=[("osm:w1", {"barrier": "hedge"}, wkb(shapely.LineString([(0, 5), (20, 5)])))])
    assert read(hedge, streets=[]).index.tolist() == ["osm:w1"]


def test_a_file_brings_them_all(tmp_path: Any) -> None:
    drawing = Drawing()
    drawing.way([(0, 5), (20, 5)], {"barrier": "hedge"}, id=1001)
    drawing.way([(0, 20), (40, 20), (40, 60), (0, 60), (0, 20)], {"barrier": "wall", "height": "2 m"}, id=1002)
    drawing.way([(50, 5), (60, 5), (60, 15), (50, 15), (50, 5)], {"building": "yes", "min_height": "5"}, id=1003)
    drawing.node(70, 5, {"man_made": "planter"}, id=99)
    drawing.write(tmp_path / "x.osm.pbf")
    pairs = {("building", "yes"), *obstacle_pairs(CATALOGUE)}
    features = read_features(tmp_path / "x.osm.pbf", pairs, (*building_keys(CATALOGUE), *BUILDING_KEYS))
    streets = pd.DataFrame({"geometry": [shapely.from_wkb(wkb(shapely.LineString([(0, 0), (9, 0)])))]})
    at = shapely.Point(drawing.nodes[99][:2])
    here: Any = SimpleNamespace(
        metric_epsg=EPSG, buffered=project_geometry(np.array([at], dtype=object), GEOGRAPHIC, EPSG)[0].buffer(500)
    )
    found = read_obstacles(features, streets, CATALOGUE, here).set_index("obstacle_id")
    assert found["what"].to_dict() == {"osm:n99": "planter", "osm:w1001": "hedge", "osm:w1002": "wall"}
    assert found["height_from"].to_dict() == {"osm:n99": "default", "osm:w1001": "default", "osm:w1002": "tag"}


def test_shapes_are_read_from_hex_or_stay_as_they_are() -> None:
    point, line = shapely.Point(1, 2), shapely.LineString([(0, 0), (1, 1)])
    found = shapes_of(iter([shapely.to_wkb(line, hex=True), point]))
    assert found.tolist() == [line, point]
    assert shapes_of([]).tolist() == []
    features = Features(buildings=[("osm:w1", {"building": "yes"}, box(0, 6))])
    assert features.metric_buildings(EPSG) is features.metric_buildings(EPSG), "projected once"
    assert features.metric_buildings(EPSG)[0].area == pytest.approx(100, rel=1e-3)
