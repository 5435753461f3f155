"""Vector files as offices hold them: every format, encoding and system gives the same places and names."""

from __future__ import annotations

import json
import sqlite3
import struct
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import pytest
import shapely

from tests.helpers import files_of
from xiqing_space.errors import XiqingError
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.vectors import areal, points_of_layer, polygons_of, read_vector, rows_text, text_of

NAMES = ["中北镇汪庄子", "杨柳青十六街", "〇号院"]
SQUARES = [shapely.box(117 + 0.1 * i, 39, 117.1 + 0.1 * i, 39.1) for i in range(3)]
FRAME = gpd.GeoDataFrame({"名称": NAMES, "户数": np.array([120, 0, 7], dtype=np.int32)}, geometry=SQUARES, crs=4326)


def shapefile(folder: Path, encoding: str, *, stated: str | None = None, name: str = "小区") -> Path:
    """A Shapefile in an encoding; `stated` is what its .cpg says, empty for none."""
    pyogrio.write_dataframe(FRAME, folder / f"{name}.shp", encoding=encoding)
    cpg = folder / f"{name}.cpg"
    if stated == "":
        cpg.unlink()
    elif stated is not None:
        cpg.write_text(stated)
    return folder / f"{name}.shp"


@pytest.mark.parametrize(
    ("encoding", "stated", "guessed"),
    [
        ("GBK", None, False), ("GBK", "936", False), ("GBK", "ANSI 936", False), ("GB18030", "GB18030", False),
        ("UTF-8", None, False), ("UTF-8", "65001", False), ("GBK", "", True), ("UTF-8", "", True),
        ("GBK", "UTF-8", True), ("UTF-8", "GBK?", True), ("GBK", "nonsense", True),
    ],
)  # fmt: skip
def test_chinese_in_a_shapefile(tmp_path: Path, encoding: str, stated: str | None, guessed: bool) -> None:
    quality = Quality()
    path = shapefile(tmp_path, encoding, stated=stated)
    before = files_of(tmp_path)
    layer = read_vector(path, quality=quality)
    assert layer.frame["名称"].tolist() == NAMES
    assert layer.frame["户数"].tolist() == [120, 0, 7]
    assert layer.rows.tolist() == [1, 2, 3]
    assert ("encoding_guessed" in quality.frame()["check"].tolist()) is guessed
    assert files_of(tmp_path) == before, "nothing is written beside an input"


def test_encoding_that_is_stated(tmp_path: Path) -> None:
    layer = read_vector(shapefile(tmp_path, "GBK", stated=""), encoding="gbk")
    assert layer.frame["名称"].tolist() == NAMES


def test_a_name_cut_off_in_the_middle_of_a_letter(tmp_path: Path) -> None:
    """A .dbf column of 5 bytes holds two letters of GBK and the first byte of a third."""
    path = shapefile(tmp_path, "GBK", stated="")
    dbf = tmp_path / "小区.dbf"
    raw = bytearray(dbf.read_bytes())
    start, width = struct.unpack_from("<HH", raw, 8)
    for row in range(3):
        at = start + row * width + 1
        raw[at + 5 : at + raw[48]] = b" " * (raw[48] - 5)
    dbf.write_bytes(bytes(raw))
    assert read_vector(path).frame["名称"].tolist() == [one[:2] for one in NAMES[:2]] + ["〇号"]


def test_suffixes_in_capitals(tmp_path: Path) -> None:
    path = shapefile(tmp_path, "GBK")
    for suffix in (".dbf", ".shx", ".prj", ".cpg"):
        path.with_suffix(suffix).rename(path.with_suffix(suffix.upper()))
    assert read_vector(path).frame["名称"].tolist() == NAMES


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_geojson_text(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "小区.geojson"
    path.write_bytes(FRAME.to_json(ensure_ascii=False).encode(encoding))
    quality = Quality()
    assert read_vector(path, quality=quality).frame["名称"].tolist() == NAMES
    assert quality.frame()["check"].tolist() == (["encoding_guessed"] if encoding == "gbk" else [])
    assert read_vector(path, encoding="gbk" if encoding == "gbk" else "utf-8").frame["名称"].tolist() == NAMES


@pytest.mark.parametrize(("name", "driver"), [("a.gpkg", "GPKG"), ("a.gdb", "OpenFileGDB"), ("a.kml", "KML")])
def test_other_formats(tmp_path: Path, name: str, driver: str) -> None:
    pyogrio.write_dataframe(FRAME, tmp_path / name, driver=driver)
    layer = read_vector(tmp_path / name)
    assert layer.frame["名称"].tolist() == NAMES
    assert (layer.source, layer.layer) == (name, "a")
    assert [one.equals_exact(two, 1e-6) for one, two in zip(polygons_of(layer).geometry.normalize(), gpd.GeoSeries(
        [shapely.MultiPolygon([one]) for one in SQUARES]).normalize(), strict=True)] == [True] * 3  # fmt: skip


def test_a_layer_of_several(tmp_path: Path) -> None:
    for layer in ("甲", "乙"):
        pyogrio.write_dataframe(FRAME.assign(层=layer), tmp_path / "a.gpkg", layer=layer, append=layer == "乙")
    assert read_vector(tmp_path / "a.gpkg", layer="乙").frame["层"].tolist() == ["乙"] * 3


def test_zipped_shapefile(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    shapefile(tmp_path / "raw", "GBK", name="地块")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for one in sorted((tmp_path / "raw").iterdir()):
            archive.write(one, f"数据/{one.name}")
        archive.writestr("../地块.dbf", b"x")
        archive.writestr("说明.txt", "x")
    assert read_vector(tmp_path / "a.zip").frame["名称"].tolist() == NAMES
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.zip", "raw"]


def test_zipped_file_geodatabase(tmp_path: Path) -> None:
    pyogrio.write_dataframe(FRAME, tmp_path / "a.gdb", driver="OpenFileGDB")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for one in sorted((tmp_path / "a.gdb").iterdir()):
            archive.write(one, f"x/a.gdb/{one.name}")
    assert read_vector(tmp_path / "a.zip").frame["名称"].tolist() == NAMES


@pytest.mark.parametrize("name", ["a!b.shp", "a;b.shp", "a?b.shp", "a#b c.shp", "100%.shp"])
def test_file_names_that_look_like_addresses(tmp_path: Path, name: str) -> None:
    path = shapefile(tmp_path, "GBK", name="plain")
    for one in list(tmp_path.iterdir()):
        one.rename(tmp_path / f"{Path(name).stem}{one.suffix}")
    layer = read_vector(tmp_path / name)
    assert layer.frame["名称"].tolist() == NAMES
    assert layer.source == name
    assert not path.exists()


# ---- coordinate systems. The point 500 000 m east lies on the central meridian, 117 degrees, whatever the latitude


@pytest.mark.parametrize(
    ("east", "system"), [(500_000, 4548), (39_500_000, 4527), (20_500_000, 4498), (500_000, 32650)]
)
def test_projected_systems(tmp_path: Path, east: float, system: int) -> None:
    point = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(east, 4_320_000)], crs=system)
    point.to_file(tmp_path / "a.shp")
    found = points_of_layer(read_vector(tmp_path / "a.shp")).geometry.iloc[0]
    assert found.x == pytest.approx(117.0, abs=1e-7)
    # metres from the equator over metres of a degree near 39 N: 4 320 000 / 1.0, over about 110.7 km
    assert 38.99 < found.y < 39.03
    (tmp_path / "a.prj").unlink()
    again = points_of_layer(read_vector(tmp_path / "a.shp", crs=f"EPSG:{system}")).geometry.iloc[0]
    assert again.equals(found)


def test_esri_wording_of_a_system(tmp_path: Path) -> None:
    point = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(500_000, 4_320_000)], crs=4548)
    point.to_file(tmp_path / "a.shp")
    (tmp_path / "a.prj").write_text(pyproj.CRS.from_epsg(4548).to_wkt("WKT1_ESRI"))
    assert points_of_layer(read_vector(tmp_path / "a.shp")).geometry.iloc[0].x == pytest.approx(117.0, abs=1e-7)


def test_cgcs2000_degrees_stay(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(117.123456, 39.1)], crs=4490).to_file(tmp_path / "a.gpkg")
    assert points_of_layer(read_vector(tmp_path / "a.gpkg")).geometry.iloc[0].coords[0] == (117.123456, 39.1)


def test_stated_system_against_the_files(tmp_path: Path) -> None:
    """A file that says 4548 and holds eastings of 4547 (114 E): the configuration is right, and there is a doubt."""
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(500_000, 4_320_000)], crs=4548).to_file(tmp_path / "a.gpkg")
    quality = Quality()
    layer = read_vector(tmp_path / "a.gpkg", crs=4547, quality=quality)
    assert points_of_layer(layer).geometry.iloc[0].x == pytest.approx(114.0, abs=1e-7)
    assert quality.frame()["check"].tolist() == ["crs_overridden"]
    same = Quality()
    read_vector(tmp_path / "a.gpkg", crs=4548, quality=same)
    assert same.frame().empty


def test_geojson_in_metres_with_the_system_stated(tmp_path: Path) -> None:
    raw = {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [500000, 4320000]}}]}  # fmt: skip
    (tmp_path / "a.geojson").write_text(json.dumps(raw))
    quality = Quality()
    layer = read_vector(tmp_path / "a.geojson", crs=4548, quality=quality)
    assert points_of_layer(layer).geometry.iloc[0].x == pytest.approx(117.0, abs=1e-7)
    assert quality.frame().empty


# ---- drawings

_HEAD = "0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1015\n{page}0\nENDSEC\n"
_BLOCK = "0\nSECTION\n2\nBLOCKS\n0\nBLOCK\n8\n0\n2\nGATE\n70\n0\n10\n0\n20\n0\n0\nLINE\n8\n0\n10\n0\n20\n0\n11\n1\n21\n1\n0\nENDBLK\n0\nENDSEC\n"  # fmt: skip
_ENTITIES = (
    "0\nSECTION\n2\nENTITIES\n0\nINSERT\n8\n大门\n2\nGATE\n10\n500000\n20\n4320010\n0\nLWPOLYLINE\n8\n小区\n90\n4\n70\n1\n"
    "10\n500000\n20\n4320000\n10\n500100\n20\n4320000\n10\n500100\n20\n4320100\n10\n500000\n20\n4320100\n0\nPOINT\n8\n大门\n"
    "67\n1\n10\n1\n20\n1\n0\nENDSEC\n0\nEOF\n"
)


_936, _1252 = "9\n$DWGCODEPAGE\n3\nANSI_936\n", "9\n$DWGCODEPAGE\n3\nANSI_1252\n"


@pytest.mark.parametrize(
    ("encoding", "page"), [("gbk", _936), ("gbk", _1252), ("gbk", ""), ("utf-8", _1252), ("utf-8", "")]
)
def test_drawing(tmp_path: Path, encoding: str, page: str) -> None:
    (tmp_path / "a.dxf").write_bytes((_HEAD.format(page=page) + _BLOCK + _ENTITIES).encode(encoding))
    quality = Quality()
    gates = read_vector(tmp_path / "a.dxf", crs=4548, layer="大门", quality=quality)
    assert gates.frame["BlockName"].tolist() == ["GATE"]
    assert points_of_layer(gates).geometry.iloc[0].x == pytest.approx(117.0, abs=1e-7)
    assert "paper_space" in quality.frame()["check"].tolist()
    land = polygons_of(read_vector(tmp_path / "a.dxf", crs=4548, layer="小区"))
    metric = land.to_crs(4548).geometry.iloc[0]
    assert metric.area == pytest.approx(10_000, rel=1e-3)


# ---- geometry


def test_heights_and_measures_are_dropped(tmp_path: Path) -> None:
    solid = [
        shapely.Polygon([(117, 39, 5), (117.1, 39, 5), (117.1, 39.1, 5)]),
        shapely.Polygon([(117, 39, 1), (117.1, 39, 1), (117, 39.1, 1)]),
    ]
    gpd.GeoDataFrame({"a": [1, 2]}, geometry=solid, crs=4326).to_file(tmp_path / "a.gpkg")
    quality = Quality()
    layer = read_vector(tmp_path / "a.gpkg", quality=quality)
    assert not shapely.has_z(layer.frame.geometry.to_numpy()).any()
    assert quality.frame().empty


def test_curves_become_lines(tmp_path: Path) -> None:
    """A curve polygon: a circle of radius 100 m, area π·10 000 m²."""
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.box(500000, 4320000, 500100, 4320100)], crs=4548).to_file(
        tmp_path / "c.gpkg", SPATIAL_INDEX="NO"
    )
    ring = [(500000, 4320000), (500100, 4320100), (500200, 4320000), (500100, 4319900), (500000, 4320000)]
    wkb = struct.pack("<BIIBII", 1, 10, 1, 1, 8, 5) + b"".join(struct.pack("<dd", *one) for one in ring)
    with sqlite3.connect(tmp_path / "c.gpkg") as base:
        base.execute("update c set geom = ?", (b"GP\x00\x01" + struct.pack("<i", 4548) + wkb,))
    base.close()
    metric = polygons_of(read_vector(tmp_path / "c.gpkg")).to_crs(4548)
    assert metric.area.iloc[0] == pytest.approx(np.pi * 10_000, rel=2e-3)


def test_collections_give_their_polygons(tmp_path: Path) -> None:
    both = shapely.GeometryCollection([SQUARES[0], shapely.Point(117, 39)])
    (tmp_path / "a.geojson").write_text(
        gpd.GeoDataFrame({"a": [1, 2]}, geometry=[both, SQUARES[1]], crs=4326).to_json()
    )
    quality = Quality()
    found = polygons_of(read_vector(tmp_path / "a.geojson", quality=quality), quality)
    assert found.geom_type.tolist() == ["MultiPolygon"] * 2
    assert shapely.area(found.geometry.to_numpy()).tolist() == pytest.approx([0.01, 0.01])
    assert quality.frame()["check"].tolist() == ["geometry_parts_dropped"]
    assert "1" in quality.frame()["row"].iloc[0]


def test_mixed_types_are_listed(tmp_path: Path) -> None:
    shapes = [SQUARES[0], shapely.Point(117, 39), shapely.LineString([(117, 39), (118, 39)])]
    (tmp_path / "a.geojson").write_text(gpd.GeoDataFrame({"a": [1, 2, 3]}, geometry=shapes, crs=4326).to_json())
    layer = read_vector(tmp_path / "a.geojson")
    with pytest.raises(XiqingError, match="polygons are needed") as caught:
        polygons_of(layer)
    assert [one.split(": ")[1] for one in caught.value.first] == ["Point", "LineString"]
    with pytest.raises(XiqingError, match="points are needed") as caught:
        points_of_layer(layer)
    assert [one.split(" / ")[1] for one in caught.value.first] == ["row 1: Polygon", "row 3: LineString"]


def test_a_multipoint_of_one_is_a_point(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.MultiPoint([(117, 39)])], crs=4326).to_file(tmp_path / "a.gpkg")
    assert points_of_layer(read_vector(tmp_path / "a.gpkg")).geometry.iloc[0].equals(shapely.Point(117, 39))


def test_rows_keep_their_numbers_through_a_filter(tmp_path: Path) -> None:
    FRAME.to_file(tmp_path / "a.gpkg")
    assert read_vector(tmp_path / "a.gpkg", where_filter={"名称": NAMES[1:]}).rows.tolist() == [2, 3]
    assert read_vector(tmp_path / "a.gpkg", where_filter={"名称": NAMES[1:], "户数": "7"}).rows.tolist() == [3]


def test_features_without_geometry_can_be_left_out(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"a": [1, 2, 3]}, geometry=[None, SQUARES[0], None], crs=4326).to_file(tmp_path / "a.gpkg")
    quality = Quality()
    layer = read_vector(tmp_path / "a.gpkg", allow_missing=True, quality=quality)
    assert layer.frame["a"].tolist() == [2]
    assert layer.rows.tolist() == [2]
    assert quality.frame()[["check", "row"]].to_numpy().tolist() == [
        ["features_without_geometry", "第 1、3 行 / rows 1, 3"]
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, ""), (float("nan"), ""), (3.0, "3"), (3.5, "3.5"), (" a ", "a"), (7, "7"), (True, "True")],
)
def test_attributes_as_text(value: Any, said: str) -> None:
    assert text_of(value) == said


def test_many_rows_are_named_in_short() -> None:
    assert rows_text([4]) == "第 4 行 / row 4"
    assert rows_text(range(1, 26)).endswith("19, 20 … (25 in all)")


def test_areal_of_nothing() -> None:
    assert areal(None).is_empty
    assert areal(shapely.Point(1, 2)).is_empty
