"""Links and compounds, case by case, each with its answer worked out beforehand."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from helpers import Drawing, box, call, write_config
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.network.links import Segments

places = st.tuples(st.integers(-50, 50), st.integers(-50, 50))


@settings(max_examples=300, deadline=None)
@given(st.lists(places, min_size=2, max_size=6), places, places)
def test_crossing_is_what_shapely_calls_crossing(
    wall: list[tuple[int, int]], a: tuple[int, int], b: tuple[int, int]
) -> None:
    line, leg = shapely.LineString(wall), shapely.LineString([a, b])
    if a == b or line.length == 0:
        return
    crossed = Segments(np.asarray([line], dtype=object)).crossed_by(np.asarray([leg], dtype=object))[0]
    # where they touch or run along each other the two may differ; those cases are worked out below
    meet = shapely.intersection(line, leg)
    ends = shapely.MultiPoint([a, b])
    plain = meet.is_empty or (
        meet.geom_type == "Point" and meet.distance(ends) > 0.01 and meet.distance(shapely.MultiPoint(wall)) > 0.01
    )
    if plain:
        assert crossed == shapely.crosses(leg, line)


@pytest.mark.parametrize(
    ("leg", "crossed"),
    [
        ([(0, -5), (0, 5)], True),  # straight through
        ([(0, -5), (0, 0)], False),  # ends on the wall: a street drawn along it can be joined
        ([(-30, 0), (-20, 0)], False),  # in line with it
        ([(10, -5), (10, 5)], True),  # through its corner
        ([(-15, -5), (-15, 5)], False),  # past its end
        ([(-10, -5), (-10, 5)], True),  # through its end
    ],
)
def test_touching_is_not_crossing(leg: list[tuple[float, float]], crossed: bool) -> None:
    wall = np.asarray([shapely.LineString([(-10, 0), (10, 0), (10, 20)])], dtype=object)
    assert Segments(wall).crossed_by(np.asarray([shapely.LineString(leg)], dtype=object)).tolist() == [crossed]


def tables_of(drawing: Drawing, folder: Path, **walking: float) -> dict[str, pd.DataFrame]:
    drawing.write(folder / "a.osm")
    config = {
        "area": {"name": "a"},
        "sources": {"osm": str(folder / "a.osm")},
        "walking": {"island_min_m": 0.0, **walking},
    }
    result = call(
        "run", "--config", write_config(folder / "c.toml", config), "--out", folder / "out", "--only", "coverage"
    )
    assert result.code == 0, result.err[-500:]
    processed = folder / "out/data/processed"
    names = ("access_links", "compounds", "demand", "gates", "streets", "facilities", "barrier_crossings")
    return {name: gpd.read_parquet(processed / f"{name}.parquet") for name in names}


def link_of(tables: dict[str, pd.DataFrame], owner: str) -> pd.Series:
    links = tables["access_links"]
    found = links[(links["owner_id"] == owner) & (links["profile"] == "walk")]
    assert len(found) == 1
    return found.iloc[0]


def home(drawing: Drawing, x: float, y: float) -> str:
    return f"osm:w{drawing.block(x - 5, y - 5, x + 5, y + 5, {'building': 'house'})}"


def test_a_canal_between_home_and_the_nearest_street(tmp_path: Path) -> None:
    d = Drawing()
    d.street([(0, 0), (400, 0)])
    far = d.street([(0, 90), (400, 90)])
    d.way([(0, 20), (400, 20)], {"waterway": "canal"})
    here = home(d, 200, 40)  # 40 m from the street behind the canal, 50 m from the other
    link = link_of(tables_of(d, tmp_path), here)
    assert link["edge_id"].startswith(f"osm:w{far}:")
    assert link["leg_m"] == pytest.approx(50, abs=0.02)
    assert link["side"] == "right"  # the street runs east, the home lies south of it
    assert pd.isna(link["reason"])


def test_a_home_walled_in_on_all_sides_is_linked_across_its_wall_and_flagged(tmp_path: Path) -> None:
    d = Drawing()
    near = d.street([(0, 0), (400, 0)])
    d.block(180, 20, 220, 60, {"barrier": "wall"})
    here = home(d, 200, 40)
    link = link_of(tables_of(d, tmp_path), here)
    assert link["edge_id"].startswith(f"osm:w{near}:")
    assert (link["reason"], link["linked"]) == ("leg_crosses_wall", True)


def test_a_home_ringed_by_water_has_no_link(tmp_path: Path) -> None:
    d = Drawing()
    d.street([(0, 0), (400, 0)])
    d.way([*box(180, 20, 220, 60)], {"waterway": "canal"})
    here = home(d, 200, 40)
    link = link_of(tables_of(d, tmp_path), here)
    assert (link["linked"], link["reason"]) == (False, "blocked_by_barrier")


def test_nobody_joins_a_bridge_and_long_legs_are_flagged(tmp_path: Path) -> None:
    d = Drawing()
    d.street([(0, 0), (150, 0)])
    d.street([(150, 0), (250, 0)], bridge="yes")
    d.street([(250, 0), (400, 0)])
    here = home(d, 200, 30)  # 30 m from the bridge; 58.3 m from the streets at its ends
    links = tables_of(d, tmp_path, max_leg_m=50.0)
    link = link_of(links, here)
    assert link["leg_m"] == pytest.approx(np.hypot(50, 30), abs=0.02)
    assert (link["linked"], link["reason"]) == (True, "long_leg")


@pytest.mark.parametrize(("distance", "linked"), [(249.0, True), (251.0, False)])
def test_past_250_m_there_is_no_link(tmp_path: Path, distance: float, linked: bool) -> None:
    d = Drawing()
    d.street([(0, 0), (400, 0)])
    here = home(d, 200, distance)
    link = link_of(tables_of(d, tmp_path), here)
    assert link["linked"] == linked
    assert link["reason"] == ("long_leg" if linked else "no_street_within_250m")


def quarter(d: Drawing, **tags: str) -> str:
    """A residential block 100 × 100 m with one gate in its south side, on the path that leads in."""
    gate = d.node(200, 100, {"barrier": "gate"})
    corners = [d.at(150, 100), gate, d.at(250, 100), d.at(250, 200), d.at(150, 200)]
    way = d.way([*corners, corners[0]], {"landuse": "residential", "name": "示例小区", **tags})
    d.street([(0, 0), (200, 0)])
    d.street([(200, 0), (400, 0)])
    d.street([(200, 0), gate])
    return f"osm:w{way}"


def test_land_with_a_gate_and_no_other_way_in_is_a_compound(tmp_path: Path) -> None:
    d = Drawing()
    compound = quarter(d)
    here = home(d, 200, 150)
    tables = tables_of(d, tmp_path)
    assert tables["compounds"]["compound_id"].tolist() == [compound]
    link = link_of(tables, here)
    assert link["gate_id"] == f"osm:n{d.places[(200, 100)]}"
    assert link["leg_m"] == pytest.approx(50, abs=0.02)


def test_a_quarter_that_a_street_runs_through_is_no_compound_whatever_gates_it_touches(tmp_path: Path) -> None:
    d = Drawing()
    quarter(d)
    through = d.street([(0, 160), (400, 160)])
    here = home(d, 200, 150)
    tables = tables_of(d, tmp_path)
    assert tables["compounds"].empty
    assert link_of(tables, here)["edge_id"].startswith(f"osm:w{through}:")


def test_a_walled_one_stays_a_compound_and_its_homes_use_the_gate_only(tmp_path: Path) -> None:
    d = Drawing()
    compound = quarter(d, barrier="wall")
    d.street([(0, 160), (400, 160)])
    here = home(d, 200, 150)
    tables = tables_of(d, tmp_path)
    assert tables["compounds"]["compound_id"].tolist() == [compound]
    assert link_of(tables, here)["resolved_by"] == "mapped"


def test_walls_drawn_apart_make_a_compound(tmp_path: Path) -> None:
    d = Drawing()
    compound = f"osm:w{d.block(150, 100, 250, 200, {'landuse': 'residential'})}"
    d.way(box(151, 101, 249, 199), {"barrier": "wall"})
    d.street([(0, 0), (400, 0)])
    home(d, 200, 150)
    assert tables_of(d, tmp_path)["compounds"]["compound_id"].tolist() == [compound]


def test_parks_are_entered_where_streets_meet_them(tmp_path: Path) -> None:
    d = Drawing()
    park = f"osm:w{d.block(100, 50, 300, 150, {'leisure': 'park'})}"
    d.street([(0, 0), (400, 0)])  # 50 m off: does not meet
    d.street([(200, 0), (200, 80)])  # crosses the southern edge at (200, 50)
    d.street([(0, 100), (92, 100)])  # ends 8 m before the western edge
    d.street([(0, 120), (85, 120)])  # ends 15 m before it
    home(d, 50, 20)
    gates = tables_of(d, tmp_path)["gates"]
    gates = gates[gates["owner_id"] == park].to_crs(4548)
    east, north = gates.geometry.x.to_numpy(), gates.geometry.y.to_numpy()
    origin = gpd.GeoSeries(gpd.points_from_xy([117.0], [39.08]), crs=4326).to_crs(4548)
    found = sorted(zip((east - origin.x[0]).round(), (north - origin.y[0]).round(), strict=True))
    assert found == [(100.0, 100.0), (200.0, 50.0)]
    assert set(gates["resolved_by"]) == {"perimeter"}


def test_a_park_that_nothing_meets_is_entered_each_100_m_of_its_edge(tmp_path: Path) -> None:
    d = Drawing()
    park = f"osm:w{d.block(100, 50, 300, 150, {'leisure': 'park'})}"
    d.street([(0, 0), (400, 0)])
    home(d, 50, 20)
    gates = tables_of(d, tmp_path)["gates"]
    gates = gates[gates["owner_id"] == park]
    assert len(gates) == 6  # 600 m of edge
    assert set(gates["resolved_by"]) == {"boundary"}
