"""Figures and labels that would mislead a planner, each drawn small enough to be worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from helpers import Drawing, box, call, degrees, write_config

from xiqing_space.catalog import load_catalogue
from xiqing_space.ingest.facilities import classify


def street_of_homes() -> Drawing:
    """A street of 1,000 m with a house 20 m off it each 200 m."""
    d = Drawing()
    d.street([(0, 0), (1000, 0)])
    for x in range(100, 1000, 200):
        d.block(x - 5, 15, x + 5, 25, {"building": "house"})
    return d


def run(drawing: Drawing, folder: Path, **sections: dict[str, Any]) -> Path:
    drawing.write(folder / "a.osm")
    config = {"area": {"name": "a", **sections.pop("area", {})}, "sources": {"osm": str(folder / "a.osm")}, **sections}
    result = call(
        "run", "--config", write_config(folder / "c.toml", config), "--out", folder / "out", "--only", "indicators"
    )
    assert result.code == 0, result.err[-500:]
    return folder / "out/data/processed"


def figure(processed: Path, kind: str, standard: str, measure: str, zone: str = "*") -> pd.Series:
    rows = pd.read_parquet(processed / "indicators.parquet").query(
        "indicator_id == 'A02-coverage' and kind == @kind and standard_id == @standard and measure == @measure and zone_id == @zone and age_band == '*'"
    )
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_school_whose_level_nobody_states_widens_the_range(tmp_path: Path) -> None:
    d = street_of_homes()
    d.node(100, -10, {"amenity": "school", "name": "示例小学"})
    d.node(900, -10, {"amenity": "school", "name": "示例学校"})
    row = figure(run(d, tmp_path), "primary_school", "primary_school_500m", "walk")
    # within 500 m of the first: homes at 100 (30), 300 (230), 500 (430); of the other: 500, 700 and 900
    assert (row["value"], row["value_low"], row["value_high"]) == pytest.approx((0.6, 0.6, 1.0), abs=1e-3)
    assert row["reason"] == "school_levels_unknown"


def test_facilities_that_no_street_reaches_leave_the_walk_unknown(tmp_path: Path) -> None:
    d = street_of_homes()
    d.node(500, 700, {"amenity": "library"})
    row = figure(run(d, tmp_path), "library", "library_15min", "walk")
    assert pd.isna(row["value"])
    assert row["reason"] == "facility_not_linked"


def test_a_limit_beyond_the_search_limit_is_still_searched(tmp_path: Path) -> None:
    d = Drawing()
    d.street([(0, 0), (4400, 0)])
    d.block(0, 15, 10, 25, {"building": "house"})
    d.node(4400, 10, {"leisure": "playground"})
    far = {"override": [{"standard": "playground_300m", "value": 5500.0, "reason": "远处试算"}]}
    assert figure(run(d, tmp_path, standards=far), "playground", "playground_300m", "walk")["value"] == 1.0


def test_nodes_at_one_place_joined_by_a_way_of_no_length_still_join(tmp_path: Path) -> None:
    d = Drawing()
    first, second = d.node(500, 0), d.node(500, 0)
    d.street([(0, 0), first])
    d.street([first, second])
    d.street([second, (1000, 0)])
    d.block(0, 15, 10, 25, {"building": "house"})
    d.node(300, 10, {"leisure": "playground"})
    d.node(700, 10, {"amenity": "library"})
    row = figure(run(d, tmp_path), "library", "library_15min", "walk")
    assert row["value"] == 1.0  # 745 m; the least limit, 900 m, is that of 6 to 11


def test_a_school_ground_closed_to_passers_by_still_serves_everyone(tmp_path: Path) -> None:
    d = street_of_homes()
    d.node(500, -10, {"amenity": "school", "name": "示例小学", "access": "private"})
    d.node(500, -20, {"leisure": "playground", "access": "private"})
    processed = run(d, tmp_path)
    serves = gpd.read_parquet(processed / "facilities.parquet").set_index("kind")["serves"]
    assert serves.to_dict() == {"primary_school": "everyone", "playground": "residents"}


def test_a_level_crossing_says_nothing_of_a_canal_on_the_same_street(tmp_path: Path) -> None:
    d = street_of_homes()
    crossing = d.node(200, 0, {"railway": "level_crossing"})
    d.ways[1001] = ([d.at(0, 0), crossing, d.at(1000, 0)], {"highway": "residential"})
    rail = d.way([(200, -500), crossing, (200, 500)], {"railway": "rail"})
    canal = d.way([(600, -500), (600, 500)], {"waterway": "canal"})
    found = gpd.read_parquet(run(d, tmp_path) / "barrier_crossings.parquet").set_index("barrier_id")
    assert found.loc[f"osm:w{rail}", ["way_over", "verified"]].tolist() == ["level", True]
    assert not found.loc[f"osm:w{canal}", "verified"]


def zones_file(path: Path, zones: dict[str, tuple[list[tuple[float, float]], str]]) -> str:
    features = [
        {
            "type": "Feature",
            "properties": {"zone_id": name, "name": name, "settlement": settlement},
            "geometry": {"type": "Polygon", "coordinates": [[list(degrees(*corner)) for corner in ring]]},
        }
        for name, (ring, settlement) in zones.items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path.name


def test_a_neighbour_that_shares_only_its_border_is_no_zone(tmp_path: Path) -> None:
    d = street_of_homes()
    d.node(500, -10, {"amenity": "kindergarten", "name": "示例幼儿园"})
    here, beside = box(-50, -100, 1050, 100), box(1050, -100, 2000, 100)
    zones_file(tmp_path / "b.geojson", {"A": (here, "urban")})
    zones_file(tmp_path / "z.geojson", {"A": (here, "urban"), "B": (beside, "rural")})
    processed = run(d, tmp_path, area={"boundary": "b.geojson", "zones": "z.geojson"})
    assert gpd.read_parquet(processed / "zones.parquet")["zone_id"].tolist() == ["A"]
    row = figure(processed, "kindergarten", "kindergarten_300m", "radius")
    # 400 m to the homes at 100 and 900, 200 m and less to the other three
    assert row["value"] == pytest.approx(0.6, abs=1e-3)
    assert row["verdict"] == "below_recommended"
    assert row["zone_name"] == "全区"


def test_several_boxes_in_a_header_are_not_the_extent(tmp_path: Path) -> None:
    d = street_of_homes()
    d.node(500, -10, {"leisure": "playground"})
    path = d.write(tmp_path / "a.osm")
    west, south = degrees(-50, -50)
    east, north = degrees(450, 50)
    boxes = f'<bounds minlat="{south}" minlon="{west}" maxlat="{north}" maxlon="{east}"/>'
    text = path.read_text(encoding="utf-8").replace('generator="drawn">', f'generator="drawn">{boxes}{boxes}')
    path.write_text(text, encoding="utf-8")
    config = write_config(tmp_path / "c.toml", {"area": {"name": "a"}, "sources": {"osm": "a.osm"}})
    assert call("run", "--config", config, "--out", tmp_path / "out", "--only", "ingest").code == 0
    demand = gpd.read_parquet(tmp_path / "out/data/processed/demand.parquet")
    assert demand["inside"].sum() == 5


def test_a_system_that_stretches_lengths_is_refused(tmp_path: Path) -> None:
    street_of_homes().write(tmp_path / "a.osm")
    config = {"area": {"name": "a", "metric_crs": 3857}, "sources": {"osm": "a.osm"}}
    result = call("run", "--config", write_config(tmp_path / "c.toml", config), "--out", tmp_path / "out")
    assert result.code == 1
    assert "3857" in result.err
    assert "28" in result.err  # per cent, at 39 degrees north


def test_one_facility_drawn_as_point_and_ground_is_merged_and_listed(tmp_path: Path) -> None:
    d = street_of_homes()
    ground = d.block(400, -100, 600, -20, {"amenity": "school", "name": "示例小学"})
    point = d.node(420, -30, {"amenity": "school", "name": "示例小学"})
    tables = run(d, tmp_path).parent.parent / "data/processed"
    facilities, merges = (pd.read_parquet(tables / f"{name}.parquet") for name in ("facilities", "merges"))
    assert (facilities["kind"] == "primary_school").sum() == 1
    assert set(merges.iloc[0][["merged_row_id", "kept_row_id"]]) == {f"osm:n{point}", f"osm:w{ground}"}
    grounds = pd.read_parquet(tables / "grounds.parquet", columns=["site_id"])
    assert set(grounds["site_id"]) <= set(facilities["site_id"])


def test_a_point_without_a_name_in_the_ground_of_its_kind_is_noted_and_counts(tmp_path: Path) -> None:
    d = street_of_homes()
    ground = d.block(400, -100, 600, -20, {"amenity": "school", "name": "示例学校"})
    d.node(500, -50, {"amenity": "school"})
    quality = pd.read_csv(run(d, tmp_path).parent.parent / "data/processed/quality.csv")
    noted = quality[quality["check"] == "possible_double"]
    assert len(noted) == 1
    assert f"osm:w{ground}" in noted["what_zh"].iloc[0]


def test_homes_tagged_as_homes_count_on_commercial_land_but_not_in_works(tmp_path: Path) -> None:
    d = street_of_homes()
    d.block(80, 200, 400, 400, {"landuse": "commercial"})
    d.block(480, 200, 800, 400, {"landuse": "industrial"})
    flats = d.block(100, 220, 120, 240, {"building": "apartments"})
    shop = d.block(200, 220, 220, 240, {"building": "yes"})
    dormitory = d.block(500, 220, 520, 240, {"building": "apartments"})
    found = set(gpd.read_parquet(run(d, tmp_path) / "demand.parquet")["demand_id"])
    assert f"osm:w{flats}" in found
    assert not {f"osm:w{shop}", f"osm:w{dormitory}"} & found


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("月牙河街社区卫生服务中心", "clinic"), ("示例月牙湾卫生院", "clinic"), ("Student Health Clinic", "clinic"),
        ("Centro de Salud Presidente", "clinic"), ("Gesundheitszentrum Standort Süd", "clinic"), ("示例口腔诊所", None),
        ("Clínica Dental Sol", None), ("Zahnarztpraxis", None), ("示例宠物医院", None),
    ],
)  # fmt: skip
def test_names_that_only_look_like_something_else(name: str, kind: str | None) -> None:
    kinds, denied = classify({"amenity": "clinic", "name": name}, load_catalogue())
    assert kinds == ([(kind, "operating")] if kind else [])
    assert denied == ("" if kind else "clinic")


def test_a_terminal_is_not_told_what_to_do_by_a_name_in_a_file(tmp_path: Path) -> None:
    street_of_homes().write(tmp_path / "a.osm")
    ring = box(-50, -100, 1050, 100)
    zones_file(tmp_path / "z.geojson", {"\x1b]0;x\x07\x1b[2J\u202e": (ring, "urban"), "B": (ring, "nowhere\x1b[31m")})
    config = {"area": {"name": "a", "zones": "z.geojson"}, "sources": {"osm": "a.osm"}}
    result = call("run", "--config", write_config(tmp_path / "c.toml", config), "--out", tmp_path / "out")
    assert result.code == 1
    assert not {"\x1b", "\x07", "\u202e"} & set(result.err + result.out)
