"""Bad extracts, areas, zones, streets: exit code 1, one message with place and remedy, the earlier run untouched."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from helpers import Drawing, box, call, degrees, polygon_feature, table, write_config, write_geojson, write_osmnx
from refusals import area_config, earlier, refused

from xiqing_space.catalog import load_catalogue
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.facilities import read_facilities
from xiqing_space.ingest.osm import Features
from xiqing_space.ingest.quality import Quality

__all__ = ["earlier"]


def with_osm(folder: Path, name: str, content: bytes | None = None) -> Path:
    """A configuration whose OSM file has this name, and this content if any."""
    if content is not None:
        (folder / name).write_bytes(content)
    return write_config(folder / "c.toml", {"area": {"name": "x"}, "sources": {"osm": name}})


# ---- the extract


def test_absent_file(earlier: Path, tmp_path: Path) -> None:
    refused(earlier, with_osm(tmp_path, "gone.osm.pbf"), "c.toml", "gone.osm.pbf", "osm")


def test_absent_configuration(earlier: Path, tmp_path: Path) -> None:
    refused(earlier, tmp_path / "none.toml", "none.toml", "--config")


def test_a_folder_in_place_of_a_file(earlier: Path, tmp_path: Path) -> None:
    (tmp_path / "a.osm").mkdir()
    refused(earlier, with_osm(tmp_path, "a.osm"), "a.osm")


@pytest.mark.parametrize("name", ["a.osm.pbf", "a.osm"])
def test_empty_file(earlier: Path, tmp_path: Path, name: str) -> None:
    refused(earlier, with_osm(tmp_path, name, b""), name, "empty")


@pytest.mark.parametrize("share", [0.5, 0.02, 0.98])
def test_truncated_extract(earlier: Path, tmp_path: Path, helsinki: Path, share: float) -> None:
    content = helsinki.read_bytes()
    refused(
        earlier, with_osm(tmp_path, "half.osm.pbf", content[: int(len(content) * share)]), "half.osm.pbf", "truncated"
    )


def test_truncated_xml(earlier: Path, tmp_path: Path, hamlet: Drawing) -> None:
    whole = hamlet.write(tmp_path / "whole.osm").read_bytes()
    refused(earlier, with_osm(tmp_path, "half.osm", whole[: len(whole) // 2]), "half.osm", "truncated")


def _zip(folder: Path) -> bytes:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("a.txt", "hello" * 100)
    return (folder / "a.zip").read_bytes()


def _shapefile(folder: Path) -> bytes:
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(117, 39)], crs=4326).to_file(folder / "b.shp")
    return (folder / "b.shp").read_bytes()


@pytest.mark.parametrize("name", ["a.osm.pbf", "a.osm"])
@pytest.mark.parametrize("content", [_zip, _shapefile, lambda _: b"hello\n" * 50, lambda _: b"\x00" * 5000,
                                     lambda _: b"<html><body>404</body></html>"],
                         ids=["zip", "shp", "text", "zeros", "html"])  # fmt: skip
def test_another_format_under_an_osm_name(
    earlier: Path, tmp_path: Path, name: str, content: Callable[[Path], bytes]
) -> None:
    refused(earlier, with_osm(tmp_path, name, content(tmp_path)), name)


def test_a_shapefile_named_as_osm_source(earlier: Path, tmp_path: Path) -> None:
    _shapefile(tmp_path)
    refused(earlier, with_osm(tmp_path, "b.shp"), "b.shp", "not an OSM file", ".osm.pbf")


def test_coordinates_that_are_no_degrees(earlier: Path, tmp_path: Path) -> None:
    d = Drawing()
    d.street([d.node(117.0, 999.0, lonlat=True), d.node(118.0, 999.5, lonlat=True)])
    d.write(tmp_path / "a.osm")
    refused(earlier, with_osm(tmp_path, "a.osm"), "a.osm")


def test_coordinates_in_metres(earlier: Path, tmp_path: Path) -> None:
    d = Drawing()
    d.street([d.node(500000.0, 4326000.0, lonlat=True), d.node(500100.0, 4326000.0, lonlat=True)])
    d.write(tmp_path / "a.osm")
    refused(earlier, with_osm(tmp_path, "a.osm"), "a.osm")


def test_streets_whose_nodes_are_all_absent(earlier: Path, tmp_path: Path) -> None:
    d = Drawing()
    d.node(0, 0)
    d.street([901, 902, 903])
    d.write(tmp_path / "a.osm")
    refused(earlier, with_osm(tmp_path, "a.osm"), "a.osm")


def test_streets_at_the_pole(earlier: Path, tmp_path: Path) -> None:
    d = Drawing()
    d.street([d.node(10.0, 88.0, lonlat=True), d.node(10.1, 88.0, lonlat=True)])
    d.write(tmp_path / "a.osm")
    refused(earlier, with_osm(tmp_path, "a.osm"))


def test_extract_without_streets(earlier: Path, tmp_path: Path) -> None:
    d = Drawing()
    d.block(0, 0, 20, 20, {"building": "apartments"})
    d.write(tmp_path / "a.osm.pbf")
    refused(earlier, with_osm(tmp_path, "a.osm.pbf"), "a.osm.pbf", "no street")


def test_extract_without_anything(earlier: Path, tmp_path: Path) -> None:
    content = b'<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6" generator="x">\n</osm>\n'
    refused(earlier, with_osm(tmp_path, "a.osm", content), "a.osm", "no street")


def test_extract_with_streets_only_runs(tmp_path: Path) -> None:
    d = Drawing()
    d.street([(0, 0), (300, 0), (900, 0)])
    d.write(tmp_path / "a.osm")
    result = call("run", "--config", with_osm(tmp_path, "a.osm"), "--out", tmp_path / "out")
    assert result.code == 0, result.err[-300:]
    doubts = set(pd.read_csv(tmp_path / "out/data/processed/quality.csv")["check"])
    assert {"no_homes", "kind_unmapped"} <= doubts
    rows = table(tmp_path / "out", "indicators")
    assert rows["value"].isna().all(), "nobody mapped anything: no data, never 0 %"
    assert set(rows.loc[rows["kind"].isin(load_catalogue().kinds), "reason"]) == {"no_facility_mapped"}
    assert rows["reason"].notna().all()


# ---- the area


def corner(x: float, y: float, side: float = 0.002) -> list[float]:
    lon, lat = degrees(x, y)
    return [lon - side, lat - side, lon + side, lat + side]


def test_no_street_in_the_area(earlier: Path, tmp_path: Path, hamlet_osm: Path) -> None:
    config = area_config(tmp_path, hamlet_osm, {"bbox": corner(1200, 500), "buffer_m": 0})
    refused(earlier, config, hamlet_osm.name, "no street in the study area")


def test_area_elsewhere(earlier: Path, tmp_path: Path, hamlet_osm: Path) -> None:
    config = area_config(tmp_path, hamlet_osm, {"bbox": [2.0, 48.0, 3.0, 49.0]})
    refused(earlier, config, hamlet_osm.name, "does not touch the data")


def test_boundary_that_misses_the_data(earlier: Path, tmp_path: Path, hamlet_osm: Path) -> None:
    write_geojson(tmp_path / "b.geojson", [polygon_feature([(2, 48), (3, 48), (3, 49), (2, 48)], lonlat=True)])
    refused(
        earlier, area_config(tmp_path, hamlet_osm, {"boundary": "b.geojson"}), "does not touch the data", "boundary"
    )


def test_boundary_in_metres_declared_as_degrees(earlier: Path, tmp_path: Path, hamlet_osm: Path) -> None:
    corners = [(500000.0, 4326000.0), (501000.0, 4326000.0), (501000.0, 4327000.0), (500000.0, 4326000.0)]
    write_geojson(tmp_path / "b.geojson", [polygon_feature(corners, lonlat=True)])
    refused(earlier, area_config(tmp_path, hamlet_osm, {"boundary": "b.geojson"}), "b.geojson", "no degrees")


def test_boundary_without_a_coordinate_system(earlier: Path, tmp_path: Path, hamlet_osm: Path) -> None:
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.box(117, 39, 118, 40)], crs=4326).to_file(tmp_path / "b.shp")
    (tmp_path / "b.prj").unlink()
    refused(earlier, area_config(tmp_path, hamlet_osm, {"boundary": "b.shp"}), "b.shp", "coordinate system", ".prj")


def test_boundary_in_another_system_is_taken_over(tmp_path: Path, hamlet_osm: Path) -> None:
    square = gpd.GeoSeries([shapely.Polygon([degrees(*one) for one in box(-50, -50, 850, 850)])], crs=4326)
    square.to_crs(4548).to_file(tmp_path / "b.gpkg")
    config = area_config(tmp_path, hamlet_osm, {"boundary": "b.gpkg"})
    result = call("run", "--config", config, "--out", tmp_path / "out", "--only", "ingest")
    assert result.code == 0, result.err[-300:]
    found = shapely.from_wkb(table(tmp_path / "out", "area")["geometry"].iloc[0])
    assert found.bounds == pytest.approx(square.total_bounds, abs=3e-7)


def test_boundary_that_crosses_itself_is_mended_and_noted(tmp_path: Path, hamlet_osm: Path) -> None:
    bow = [(0, 0), (800, 800), (800, 0), (0, 800), (0, 0)]
    write_geojson(tmp_path / "b.geojson", [polygon_feature(bow)])
    config = area_config(tmp_path, hamlet_osm, {"boundary": "b.geojson"})
    result = call("run", "--config", config, "--out", tmp_path / "out", "--only", "ingest")
    assert result.code == 0, result.err[-300:]
    found = shapely.from_wkb(table(tmp_path / "out", "area")["geometry"].iloc[0])
    assert found.is_valid
    assert len(found.geoms) == 2, "a bow tie has two halves"
    quality = pd.read_csv(tmp_path / "out/data/processed/quality.csv")
    assert quality.loc[quality["check"] == "bad_geometry", "source"].tolist() == ["b.geojson"]


def test_boundary_of_points(earlier: Path, tmp_path: Path, hamlet_osm: Path) -> None:
    point = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": list(degrees(0, 0))}}
    write_geojson(tmp_path / "b.geojson", [point])
    refused(
        earlier,
        area_config(tmp_path, hamlet_osm, {"boundary": "b.geojson"}),
        "b.geojson",
        "polygons are needed",
        "row 1",
    )


def test_boundary_without_features(earlier: Path, tmp_path: Path, hamlet_osm: Path) -> None:
    write_geojson(tmp_path / "b.geojson", [])
    refused(earlier, area_config(tmp_path, hamlet_osm, {"boundary": "b.geojson"}), "b.geojson")


def test_boundary_with_a_row_that_has_no_geometry(earlier: Path, tmp_path: Path, hamlet_osm: Path) -> None:
    nothing = {"type": "Feature", "properties": {}, "geometry": None}
    write_geojson(tmp_path / "b.geojson", [polygon_feature(box(0, 0, 800, 800)), nothing])
    refused(earlier, area_config(tmp_path, hamlet_osm, {"boundary": "b.geojson"}), "b.geojson", "row 2")


@pytest.mark.parametrize("name", ["b.geojson", "b.gpkg", "b.shp"])
@pytest.mark.parametrize("content", [b"", b"hello", b'{"type": "FeatureCollection", "features": [{"ty'])
def test_boundary_that_cannot_be_read(
    earlier: Path, tmp_path: Path, hamlet_osm: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    refused(earlier, area_config(tmp_path, hamlet_osm, {"boundary": name}), name)


@pytest.mark.parametrize("epsg", [4326, 99999, 2263, -1, 0])
def test_metric_system_that_is_none(earlier: Path, tmp_path: Path, hamlet_osm: Path, epsg: int) -> None:
    refused(earlier, area_config(tmp_path, hamlet_osm, {"metric_crs": epsg}), str(epsg))


# ---- zones


def zone(number: int, **properties: Any) -> dict[str, Any]:
    given = {"zone_id": f"z{number}", "name": f"片{number}", "settlement": "urban", **properties}
    kept = {key: value for key, value in given.items() if value != "drop"}
    return polygon_feature(box(300 * number, 0, 300 * number + 300, 800), kept)


ZONES: list[tuple[str, list[dict[str, Any]], tuple[str, ...]]] = [
    ("lacks the id", [zone(0, zone_id="drop")], ("zone_id", "name")),
    ("lacks the name", [zone(0, name="drop")], ("name", "zone_id")),
    ("lacks both", [zone(0, zone_id="drop", name="drop")], ("zone_id", "name", "settlement")),
    ("id twice", [zone(0), zone(1, zone_id="z0")], ("z0", "twice")),
    ("id empty", [zone(0), zone(1, zone_id="")], ("row 2", "no id")),
    ("id null", [zone(0), zone(1, zone_id=None)], ("row 2", "no id")),
    ("id blank", [zone(0), zone(1, zone_id="  ")], ("row 2", "no id")),
    ("id of the district", [zone(0), zone(1, zone_id="*")], ("not allowed",)),
    ("unknown settlement", [zone(0), zone(1, settlement="suburb")], ("row 2", "suburb", "urban, rural, mixed")),
    ("all at once", [zone(0, settlement="suburb"), zone(0), zone(1, zone_id="")], ("suburb", "twice", "no id")),
]


@pytest.mark.parametrize(("features", "names"), [one[1:] for one in ZONES], ids=[one[0] for one in ZONES])
def test_zones(
    earlier: Path, tmp_path: Path, hamlet_osm: Path, features: list[dict[str, Any]], names: tuple[str, ...]
) -> None:
    write_geojson(tmp_path / "zones.geojson", features)
    refused(
        earlier, area_config(tmp_path, hamlet_osm, {"zones": "zones.geojson"}), "zones.geojson", *names, remedy=" / "
    )


def test_zones_elsewhere(earlier: Path, tmp_path: Path, hamlet_osm: Path) -> None:
    far = polygon_feature([(2, 48), (3, 48), (3, 49), (2, 48)], {"zone_id": "a", "name": "a"}, lonlat=True)
    write_geojson(tmp_path / "zones.geojson", [far])
    refused(earlier, area_config(tmp_path, hamlet_osm, {"zones": "zones.geojson"}), "zones.geojson", "no zone touches")


def test_a_zone_without_a_name_is_no_fault_of_the_program(tmp_path: Path, hamlet_osm: Path) -> None:
    write_geojson(tmp_path / "zones.geojson", [zone(0), zone(1, name=None)])
    config = area_config(tmp_path, hamlet_osm, {"zones": "zones.geojson"})
    result = call("run", "--config", config, "--out", tmp_path / "out", "--only", "ingest")
    assert result.code in (0, 1), result.err[-300:]
    if result.code == 0:
        assert not set(table(tmp_path / "out", "zones")["name"].str.lower()) & {"nan", "none", "<na>"}


def test_words_of_settlement(tmp_path: Path, hamlet_osm: Path) -> None:
    words = {"街道": "urban", "Urban ": "urban", "村": "rural", "混合": "mixed", None: "", "": ""}
    write_geojson(tmp_path / "zones.geojson", [
        polygon_feature(box(0, 0, 800, 800), {"zone_id": f"z{row}", "name": "片", "settlement": word})
        for row, word in enumerate(words)
    ])  # fmt: skip
    config = area_config(tmp_path, hamlet_osm, {"zones": "zones.geojson"})
    result = call("run", "--config", config, "--out", tmp_path / "out", "--only", "ingest")
    assert result.code == 0, result.err[-300:]
    assert table(tmp_path / "out", "zones")["settlement"].fillna("").tolist() == list(words.values())


def test_a_zone_id_that_would_run_as_a_formula_is_defused(tmp_path: Path, hamlet_osm: Path) -> None:
    write_geojson(tmp_path / "zones.geojson", [zone(0, zone_id='=HYPERLINK("x")')])
    config = area_config(tmp_path, hamlet_osm, {"zones": "zones.geojson"})
    result = call("run", "--config", config, "--out", tmp_path / "out", "--only", "indicators")
    assert result.code == 0, result.err[-300:]
    cells = pd.read_csv(tmp_path / "out/data/processed/indicators.csv", dtype=str)["zone_id"]
    assert set(cells) == {"*", '\'=HYPERLINK("x")'}


# ---- streets from osmnx


def streets_config(folder: Path, name: str = "s.gpkg") -> Path:
    return write_config(folder / "c.toml", {"area": {"name": "x"}, "sources": {"streets": name}})


def edge(**changes: Any) -> dict[str, Any]:
    return {"u": 1, "v": 2, "osmid": "7", "highway": "residential", "line": [(0.0, 0.0), (600.0, 0.0)], **changes}


def test_osmnx_file_without_a_layer_of_edges(earlier: Path, tmp_path: Path) -> None:
    write_osmnx(tmp_path / "s.gpkg", [edge()], layer="roads")
    refused(earlier, streets_config(tmp_path), "s.gpkg", "no layer named edges", "roads", "save_graph_geopackage")


@pytest.mark.filterwarnings("ignore:GPKG:RuntimeWarning")
@pytest.mark.parametrize("content", [b"", b"hello" * 100, b"SQLite format 3\x00" + b"\x00" * 200])
def test_geopackage_that_is_none(earlier: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.gpkg").write_bytes(content)
    refused(earlier, streets_config(tmp_path), "s.gpkg", "GeoPackage")


@pytest.mark.parametrize("column", ["u", "v", "highway"])
def test_osmnx_file_that_lacks_a_column(earlier: Path, tmp_path: Path, column: str) -> None:
    row = edge()
    del row[column]
    write_osmnx(tmp_path / "s.gpkg", [row])
    refused(earlier, streets_config(tmp_path), "s.gpkg", column)


@pytest.mark.parametrize("nodes", [("a", "b"), (None, 2.0), ("1", None)])
def test_osmnx_file_whose_nodes_are_no_numbers(earlier: Path, tmp_path: Path, nodes: tuple[Any, Any]) -> None:
    write_osmnx(tmp_path / "s.gpkg", [edge(), edge(u=nodes[0], v=nodes[1], osmid="8")])
    refused(earlier, streets_config(tmp_path), "s.gpkg")


def test_osmnx_file_that_a_gis_saved_again(earlier: Path, tmp_path: Path) -> None:
    """A GIS turns lines into multi-lines: read them or refuse them, but it is no fault of the program."""
    lines = [shapely.MultiLineString([[degrees(0, 0), degrees(600, 0)]])]
    gpd.GeoDataFrame(
        {"u": [1], "v": [2], "osmid": ["7"], "highway": ["residential"]}, geometry=lines, crs=4326
    ).to_file(tmp_path / "s.gpkg", layer="edges", driver="GPKG")
    result = call("run", "--config", streets_config(tmp_path), "--out", tmp_path / "out", "--only", "ingest")
    assert result.code in (0, 1), result.err[-300:]


def test_osmnx_streets_alone_run(tmp_path: Path) -> None:
    write_osmnx(tmp_path / "s.gpkg", [edge(), edge(u=2, v=3, osmid="8", line=[(600.0, 0.0), (600.0, 500.0)])])
    result = call("run", "--config", streets_config(tmp_path), "--out", tmp_path / "out")
    assert result.code == 0, result.err[-300:]
    assert table(tmp_path / "out", "streets")["edge_id"].tolist() == ["osm:w7:n1-n2", "osm:w8:n2-n3"]
    assert table(tmp_path / "out", "area")["metric_epsg"].tolist() == [4548]


# ---- odd tags


ODD: list[dict[str, str]] = [
    {"capacity": "many"}, {"capacity": "-3"}, {"capacity": "٣"}, {"capacity": "²"}, {"capacity": "9" * 30},
    {"name": "\u202e=1+1"}, {"grades": "9-1"}, {"isced:level": ";;x"}, {"name": ""},
]  # fmt: skip


@pytest.mark.parametrize("tags", ODD, ids=str)
def test_odd_tags_are_no_reason_to_stop(tags: dict[str, str]) -> None:
    features = Features(nodes=[(1, *degrees(40, 40), {"amenity": "school", **tags})])
    place = shapely.Point(500000, 4326000).buffer(50_000)
    area = Area("x", shapely.MultiPolygon([shapely.Point(117, 39).buffer(1)]), 4548, place, place)
    facilities, _ = read_facilities(features, load_catalogue(), area, "a.osm", Quality())
    assert facilities["site_id"].tolist() == ["osm:n1"]
