"""Vector files as they should not be: each with the message it gets; none ends in a traceback, none is silently dropped."""

from __future__ import annotations

import json
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.errors import XiqingError
from xiqing_space.ingest import vector_files
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.vectors import polygons_of, read_vector

SQUARE = [[117.0, 39.0], [117.1, 39.0], [117.1, 39.1], [117.0, 39.1], [117.0, 39.0]]
METRES = [[500000, 4320000], [501000, 4320000], [501000, 4321000], [500000, 4320000]]
DXF = "0\nSECTION\n2\nENTITIES\n0\nPOINT\n8\nA\n10\n500020\n20\n4320020\n{more}0\nENDSEC\n0\nEOF\n"


def collection(*rings: Any, **members: Any) -> str:
    shapes = [None if ring is None else ring if isinstance(ring, dict) else {"type": "Polygon", "coordinates": ring}
              for ring in rings]  # fmt: skip
    features = [{"type": "Feature", "properties": {"n": i}, "geometry": shape} for i, shape in enumerate(shapes)]
    return json.dumps({"type": "FeatureCollection", "features": features, **members})


def moved(ring: list[list[float]], change: Callable[[float, float], tuple[float, float]]) -> list[list[float]]:
    return [list(change(*one)) for one in ring]


def squares(*layers: str, path: Path, crs: int | None = 4326) -> Path:
    frame = gpd.GeoDataFrame({"名称": ["甲"]}, geometry=[shapely.Polygon(SQUARE)], crs=crs)
    for layer in layers or (path.stem,):
        pyogrio.write_dataframe(frame, path, layer=layer, append=path.exists())
    return path


def text(name: str, content: str | bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        raw = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(raw)
        return folder / name

    return write


def without(*suffixes: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        squares(path=folder / "s.shp")
        for suffix in suffixes:
            (folder / f"s{suffix}").unlink()
        return folder / "s.shp"

    return write


def zipped(*members: tuple[str, bytes]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "s.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members:
                archive.writestr(name, content)
        return folder / "s.zip"

    return write


def projected(shape: Any, crs: int | None) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        gpd.GeoDataFrame({"a": [1]}, geometry=[shape], crs=crs).to_file(folder / "p.shp")
        return folder / "p.shp"

    return write


def bad_geopackage_geometry(folder: Path) -> Path:
    squares(path=folder / "g.gpkg")
    with sqlite3.connect(folder / "g.gpkg") as base:
        base.create_function("ST_IsEmpty", 1, lambda _: 0)
        for name in ("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            base.create_function(name, 1, lambda _: 1.0)
        base.execute("update g set geom = ?", (b"GP\x00\x01" + struct.pack("<i", 4326) + b"\x01\x63\x00\x00\x00",))
    base.close()
    return folder / "g.gpkg"


def lying_zip(folder: Path) -> Path:
    """A member that unpacks to more than its header says."""
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = body.compress(b"{" + b" " * 5_000_000) + body.flush()
    name, crc = b"a.geojson", zlib.crc32(b"{")
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 0, crc, len(packed), 1, len(name), 0) + name + packed
    central = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 8, 0, 0, crc, len(packed), 1, len(name),
                          0, 0, 0, 0, 0, 0) + name  # fmt: skip
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(central), len(local), 0)
    (folder / "lie.zip").write_bytes(local + central + end)
    return folder / "lie.zip"


TM39 = shapely.Polygon([(39_500_000, 4_320_000), (39_501_000, 4_320_000), (39_501_000, 4_321_000)])
TM = shapely.Polygon([(500_000, 4_320_000), (501_000, 4_320_000), (501_000, 4_321_000)])
NORTH_FIRST = shapely.Polygon([(4_320_000, 500_000), (4_320_000, 501_000), (4_321_000, 501_000)])
VRT = (
    '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/etc/a.shp</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
)
GDALG = json.dumps({"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read a.gpkg"})
KML_BOMB = '<?xml version="1.0"?><!DOCTYPE k [<!ENTITY a "aaaa">]><kml><Placemark><name>&a;</name></Placemark></kml>'

BROKEN: list[tuple[str, Callable[[Path], Path], str, dict[str, Any]]] = [
    ("absent", lambda folder: folder / "no.geojson", "no such file", {}),
    ("unknown format", text("a.tab", "x"), "no known format", {}),
    ("a folder called .shp", lambda folder: (folder / "a.shp").mkdir() or folder / "a.shp", "no known format", {}),
    ("a file called .gdb", text("a.gdb", "x"), "no known format", {}),
    ("empty folder .gdb", lambda folder: (folder / "a.gdb").mkdir() or folder / "a.gdb", "content is no .gdb", {}),
    ("empty file", text("a.geojson", ""), "content is no .geojson", {}),
    ("cut off", text("a.geojson", collection([SQUARE])[:-30]), "cannot read the vector file", {}),
    ("no features", text("a.geojson", collection()), "no features", {}),
    ("no geometry at all", text("a.geojson", collection(None)), "row 1：没有几何", {}),
    ("a row without geometry", text("a.geojson", collection([SQUARE], None)), "row 2：没有几何 / no geometry", {}),
    ("NaN coordinates", text("a.geojson", collection([SQUARE], [[[117, 39], [float("nan"), 39], [117, 40], [117, 39]]])),
     "row 2：坐标为 NaN 或无穷大 / coordinates are NaN", {}),
    ("infinite coordinates", text("a.geojson", collection([[[117, 39], [float("inf"), 39], [117, 40], [117, 39]]])),
     "row 1", {}),
    ("a number too large", text("a.geojson", collection([SQUARE]).replace("117.1", "1e999")), "cannot read", {}),
    ("coordinates as text", text("a.geojson", collection({"type": "Point", "coordinates": ["117", "39"]})), "geometry", {}),
    ("no coordinate system", without(".prj"), "no coordinate system is stated", {}),
    ("no .shx", without(".shx"), "incomplete: .shx missing", {}),
    ("no .dbf and no .shx", without(".dbf", ".shx"), "incomplete: .shx, .dbf missing", {}),
    ("metres as degrees", text("a.geojson", collection([METRES])), "no degrees but metres", {}),
    ("metres with a zone number", text("a.geojson", collection([moved(METRES, lambda x, y: (x + 39e6, y))])),
     "39 → EPSG:4527", {}),
    ("swapped", text("a.geojson", collection([moved(SQUARE, lambda x, y: (y, x))])), "swapped (x holds the latitude)", {}),
    ("beyond the globe", text("a.geojson", collection([moved(SQUARE, lambda x, y: (x + 100, y))])), "no degrees", {}),
    ("0, 0", text("a.geojson", collection([SQUARE], {"type": "Point", "coordinates": [0, 0]})), "row 2：坐标为 0, 0", {}),
    ("antimeridian", text("a.geojson", collection([[[-179, 39], [179, 39], [179, 40], [-179, 39]]])), "half the globe", {}),
    ("degrees as metres", projected(shapely.Polygon(SQUARE), 4548), "coordinates are degrees", {}),
    ("zone number under 4548", projected(TM39, 4548), "eastings carry a zone number: 39 → EPSG:4527", {}),
    ("no zone number under 4527", projected(TM, 4527), "lack the zone number", {}),
    ("north first", projected(NORTH_FIRST, 4548), "x holds the northing", {}),
    ("Xian 1980", projected(TM, 2384), "cannot be carried over", {}),
    ("collapsed", text("a.geojson", collection([[[117, 39], [117.1, 39], [117, 39], [117, 39]]])), "without area", {}),
    ("several layers", lambda folder: squares("a", "b", path=folder / "m.gpkg"), "several layers", {}),
    ("no such layer", lambda folder: squares("a", "b", path=folder / "m.gpkg"), "there is no layer 'c'", {"layer": "c"}),
    ("not SQLite", text("a.gpkg", "hello"), "content is no .gpkg", {}),
    ("SQLite, no GeoPackage", text("a.gpkg", b"SQLite format 3\x00" + b"\x00" * 4000), "cannot read", {}),
    ("broken geometry in a GeoPackage", bad_geopackage_geometry, "row 1：没有几何", {}),
    ("header only", text("a.shp", b"\x00\x00\x27\x0a"), "incomplete", {}),
    ("unknown EPSG", text("a.geojson", collection([SQUARE])), "unknown coordinate system", {"crs": 999999}),
    ("system that is none", text("a.geojson", collection([SQUARE])), "unknown coordinate system", {"crs": "西安"}),
    ("geocentric", text("a.geojson", collection([SQUARE])), "neither a geographic nor", {"crs": "EPSG:4479"}),
    ("unknown encoding", without(), "unknown encoding", {"encoding": "no-such"}),
    ("no text", text("a.geojson", b'{"a": "\xff\xfe\xff"}'), "neither UTF-8 nor GB18030", {}),
    ("encoding of a GeoPackage", lambda folder: squares(path=folder / "e.gpkg"), "remove encoding", {"encoding": "gbk"}),
    ("drawing without system", text("a.dxf", DXF.format(more="")), "no coordinate system is stated", {}),
    ("drawing with layers", text("a.dxf", DXF.format(more="0\nPOINT\n8\nB\n10\n5\n20\n4\n")), "several layers",
     {"crs": 4548}),
    # the reader itself would look for the end of such a drawing for ever
    ("drawing cut off", text("a.dxf", DXF.format(more="")[:-20]), "content is no .dxf", {"crs": 4548}),
    ("drawing whose end is one letter short", text("a.dxf", DXF.format(more="")[:-2]), "content is no .dxf", {"crs": 4548}),
    ("drawing of noise", text("a.dxf", b"0\nSECTION\n2\nENTITIES\n0\n\xc4\x95\xd9\x9b\x02\r"), "content is no .dxf", {}),
    ("no such drawing layer", text("a.dxf", DXF.format(more="")), "there is no layer 'B'", {"crs": 4548, "layer": "B"}),
    ("a file that opens others", text("a.geojson", VRT), "content is no .geojson", {}),
    ("a file that runs commands", text("a.geojson", GDALG), "content is no .geojson", {}),
    ("KML that is VRT", text("a.kml", VRT), "content is no .kml", {}),
    ("KML with entities", text("a.kml", KML_BOMB), "content is no .kml", {}),
    ("topology", text("a.json", '{"type": "Topology", "objects": {}, "arcs": []}'), "cannot read", {}),
    ("no zip", text("a.zip", "hello"), "zip is broken", {}),
    ("empty zip", zipped(), "no readable data", {}),
    ("zip of something else", zipped(("a.txt", b"x")), "no readable data", {}),
    ("zip of two", zipped(("a.geojson", b"{}"), ("b.geojson", b"{}")), "several data sets", {}),
    ("names that leave the folder", zipped(("../../a.geojson", collection([SQUARE]).encode())), "no readable data", {}),
    ("absolute names", zipped(("/srv/a.geojson", collection([SQUARE]).encode())), "no readable data", {}),
    ("too many members", zipped(*((f"{n}.txt", b"") for n in range(1001))), "too large", {}),
    ("lying header", lying_zip, "lie.zip", {}),
    ("no such column", text("a.geojson", collection([SQUARE])), "no column 'x'", {"where_filter": {"x": "1"}}),
    ("nothing passes", text("a.geojson", collection([SQUARE])), "no feature passes", {"where_filter": {"n": "7"}}),
]  # fmt: skip


@pytest.mark.parametrize(("write", "said", "options"), [one[1:] for one in BROKEN], ids=[one[0] for one in BROKEN])
def test_broken(tmp_path: Path, write: Callable[[Path], Path], said: str, options: dict[str, Any]) -> None:
    path = write(tmp_path)
    with pytest.raises(XiqingError) as caught:
        read_vector(path, **options)
    message = str(caught.value)
    assert said in message
    assert " / " in message
    assert "→" in message, "each says what to do"
    assert str(tmp_path) not in message, "no folder of this computer in a message"


def test_all_problems_come_in_one_message(tmp_path: Path) -> None:
    rings = [
        [SQUARE],
        None,
        [moved(SQUARE, lambda x, y: (y, x))],
        [METRES],
        [[[117, 39], [117.1, 39], [117, 39], [117, 39]]],
    ]
    path = text("a.geojson", collection(*rings))(tmp_path)
    with pytest.raises(XiqingError) as caught:
        read_vector(path)
    assert [one.split("：")[0].split(" / ")[1] for one in caught.value.first] == ["row 5", "row 2", "row 3", "row 4"]


def test_bomb_is_told_by_its_sizes_before_anything_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(("a.geojson", b" " * 30_000_000))(tmp_path)
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(vector_files, "MAX_BYTES", 20_000_000)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(XiqingError, match=r"too large.*30 MB unpacked"):
        read_vector(path)


def test_too_many_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_files, "MAX_FEATURES", 2)
    with pytest.raises(XiqingError, match="3 > 2"):
        read_vector(text("a.geojson", collection([SQUARE], [SQUARE], [SQUARE]))(tmp_path))


def test_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_files, "MAX_BYTES", 10)
    with pytest.raises(XiqingError, match="too large"):
        read_vector(text("a.geojson", collection([SQUARE]))(tmp_path))


# ---- mended, with a doubt

BOW = [[117.0, 39.0], [117.2, 39.2], [117.2, 39.0], [117.0, 39.2], [117.0, 39.0]]
MENDED: list[tuple[str, Any, float]] = [
    # areas in square degrees, by hand
    ("bow tie: two triangles of 0.2 by 0.1 over two", [BOW], 0.02),
    ("open ring: closed", [SQUARE[:-1]], 0.01),
    ("hole over the shell's edge: what lies inside is cut out",
     [SQUARE, [[117.05, 39.05], [117.15, 39.05], [117.15, 39.08], [117.05, 39.08], [117.05, 39.05]]], 0.01 - 0.05 * 0.03),
    ("ring beside the shell: a part of its own", [SQUARE, moved(SQUARE, lambda x, y: (x + 0.5, y))], 0.02),
    ("spike: gone", [[*SQUARE[:2], [117.3, 39.0], [117.1, 39.0], *SQUARE[2:]]], 0.01),
]  # fmt: skip


@pytest.mark.parametrize(("rings", "area"), [one[1:] for one in MENDED], ids=[one[0] for one in MENDED])
def test_mended(tmp_path: Path, rings: Any, area: float) -> None:
    quality = Quality()
    layer = read_vector(text("a.geojson", collection([SQUARE], rings))(tmp_path), quality=quality)
    shape = polygons_of(layer).geometry.iloc[1]
    assert shape.is_valid
    assert shape.area == pytest.approx(area, rel=1e-6)
    assert quality.frame()["check"].tolist() == ["bad_geometry"]
    assert quality.frame()["what_en"].iloc[0].startswith("1 ")


# ---- any bytes

SUFFIXES = (".geojson", ".json", ".gpkg", ".shp", ".dxf", ".kml", ".zip")
HEADS = {".geojson": b'{"type": "FeatureCollection", "features": [', ".gpkg": b"SQLite format 3\x00", ".json": b"{",
         ".shp": b"\x00\x00\x27\x0a", ".dxf": b"0\nSECTION\n2\nENTITIES\n0\n", ".kml": b"<kml>", ".zip": b"PK\x03\x04"}  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SUFFIXES), st.booleans(), st.binary(max_size=300))
def test_any_bytes_give_a_message(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, head: bool, body: bytes
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / f"a{suffix}"
    content = (HEADS[suffix] if head else b"") + body
    path.write_bytes(content)
    for beside in (".shx", ".dbf", ".prj", ".cpg"):
        path.with_suffix(beside).write_bytes(content[::-1])
    with pytest.raises(XiqingError):
        read_vector(path, crs=4548)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([".shp", ".shx", ".dbf", ".prj", ".cpg"]), st.integers(0, 400), st.binary(min_size=1, max_size=8)
)
def test_a_shapefile_with_some_bytes_changed(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, at: int, change: bytes
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    path = squares(path=folder / "s.shp")
    raw = bytearray((folder / f"s{suffix}").read_bytes())
    raw[at : at + len(change)] = change
    (folder / f"s{suffix}").write_bytes(bytes(raw))
    try:
        layer = read_vector(path)
    except XiqingError:
        return
    assert len(layer.frame) == len(layer.rows) > 0
