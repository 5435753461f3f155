"""Small builders that many tests use: drawn extracts, configurations, the command line called in this process."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import osmium
import pandas as pd
import shapely
from pyproj import Transformer

PLACE = (117.0, 39.08)
Node = int | tuple[float, float]
Once = Callable[
    [str, Callable[[Path], None]], Path
]  # name and what fills a folder -> the folder, filled by one of the processes


@cache
def _transformers() -> tuple[Transformer, Transformer]:
    there = Transformer.from_crs(4326, 4548, always_xy=True)
    back = Transformer.from_crs(4548, 4326, always_xy=True)
    return there, back


def degrees(x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude of a place given in metres east and north of `PLACE`, in EPSG:4548."""
    there, back = _transformers()
    east, north = there.transform(*PLACE)
    lon, lat = back.transform(east + x, north + y)
    return round(lon, 7), round(lat, 7)


def box(west: float, south: float, east: float, north: float) -> list[tuple[float, float]]:
    """Corners of a rectangle in metres, closed."""
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


@dataclass
class Drawing:
    """An OSM extract drawn in metres round `PLACE`, or in degrees; written as .osm, .osm.pbf or .opl.

    Nodes and ways are numbered as they come (nodes from 1, ways from 1001, relations from 5001) unless an id is given.
    """

    nodes: dict[int, tuple[float, float, dict[str, str]]] = field(default_factory=dict)
    ways: dict[int, tuple[list[int], dict[str, str]]] = field(default_factory=dict)
    relations: dict[int, tuple[list[tuple[str, int, str]], dict[str, str]]] = field(default_factory=dict)
    places: dict[tuple[float, float], int] = field(default_factory=dict)

    def node(
        self,
        x: float,
        y: float,
        tags: Mapping[str, str] | None = None,
        *,
        id: int | None = None,  # noqa: A002
        lonlat: bool = False,
    ) -> int:
        """A new node, in metres or in degrees."""
        identity = id if id is not None else max(self.nodes, default=0) + 1
        lon, lat = (x, y) if lonlat else degrees(x, y)
        self.nodes[identity] = (lon, lat, dict(tags or {}))
        if not lonlat:
            self.places.setdefault((x, y), identity)
        return identity

    def at(self, x: float, y: float) -> int:
        """The first node at a place, made where there is none."""
        return self.places[(x, y)] if (x, y) in self.places else self.node(x, y)

    def way(self, points: Iterable[Node], tags: Mapping[str, str] | None = None, *, id: int | None = None) -> int:  # noqa: A002
        """A way along nodes: ids, or places in metres (the same place is the same node). Ids need not exist."""
        refs = [one if isinstance(one, int) else self.at(*one) for one in points]
        identity = id if id is not None else max(self.ways, default=1000) + 1
        self.ways[identity] = (refs, dict(tags or {}))
        return identity

    def street(self, points: Iterable[Node], highway: str = "residential", **tags: str) -> int:
        """A way with a highway tag."""
        return self.way(points, {"highway": highway, **tags})

    def block(self, west: float, south: float, east: float, north: float, tags: Mapping[str, str]) -> int:
        """A rectangle with corners of its own."""
        corners = [self.node(x, y) for x, y in box(west, south, east, north)[:-1]]
        return self.way([*corners, corners[0]], tags)

    def relation(self, members: Iterable[tuple[str, int, str]], tags: Mapping[str, str]) -> int:
        """A relation of (type, ref, role)."""
        identity = max(self.relations, default=5000) + 1
        self.relations[identity] = (list(members), dict(tags))
        return identity

    def copy(self) -> Drawing:
        """Another drawing with the same content."""
        return Drawing(dict(self.nodes), dict(self.ways), dict(self.relations), dict(self.places))

    def write(self, path: Path, *, backwards: bool = False) -> Path:
        """Write the extract in id order, as every extract comes; `backwards` turns ways and relations round."""
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6" generator="drawn">']
        for identity, (lon, lat, tags) in sorted(self.nodes.items()):
            lines += [
                f'<node id="{identity}" version="1" lat="{lat:.7f}" lon="{lon:.7f}">',
                *_tag_lines(tags),
                "</node>",
            ]
        for identity, (refs, tags) in sorted(self.ways.items(), reverse=backwards):
            lines += [
                f'<way id="{identity}" version="1">',
                *(f'<nd ref="{ref}"/>' for ref in refs),
                *_tag_lines(tags),
                "</way>",
            ]
        for identity, (members, tags) in sorted(self.relations.items(), reverse=backwards):
            lines += [f'<relation id="{identity}" version="1">']
            lines += [f'<member type="{kind}" ref="{ref}" role="{role}"/>' for kind, ref, role in members]
            lines += [*_tag_lines(tags), "</relation>"]
        text = "\n".join([*lines, "</osm>\n"])
        if path.suffix == ".osm":
            path.write_text(text, encoding="utf-8")
            return path
        source = path.with_name(path.name + ".xml")
        source.write_text(text, encoding="utf-8")
        convert(source, path)
        source.unlink()
        return path


def _tag_lines(tags: Mapping[str, str]) -> list[str]:
    return [f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items()]


def convert(source: Path, target: Path) -> Path:
    """An OSM file in another format, object by object."""
    with osmium.SimpleWriter(str(target), overwrite=True) as writer:
        for item in osmium.FileProcessor(str(source)):
            writer.add(item)
    return target


def draw_hamlet() -> Drawing:
    """A hamlet on both sides of a canal: one bridge, one crossing that nobody mapped, every kind of layer once.

    A grid of streets each 200 m from (0, 0) to (800, 800); the canal runs north at x = 500.
    """
    d = Drawing()
    for row in range(5):
        y = 200.0 * row
        d.street([(0.0, y), (200.0, y), (400.0, y)], name=f"西{row}路")
        east = [(600.0, y), (700.0, y), (800.0, y)] if row == 2 else [(600.0, y), (800.0, y)]
        d.street(east, name=f"东{row}路")
    for column in range(5):
        x = 200.0 * column
        stops = [(x, 0.0), (x, 200.0), (x, 400.0), (x, 600.0), (x, 800.0)]
        if column == 1:
            d.node(200.0, 100.0, {"highway": "crossing", "crossing": "zebra"})
            stops.insert(1, (200.0, 100.0))
        d.street(stops, "tertiary" if column == 1 else "residential", name=f"纵{column}路")
    d.street([(400.0, 400.0), (600.0, 400.0)], "secondary", bridge="yes", layer="1")
    d.street([(400.0, 800.0), (600.0, 800.0)])
    d.street([(200.0, 200.0), (300.0, 300.0), (400.0, 400.0)], "steps")
    d.way([(500.0, -300.0), (500.0, 1100.0)], {"waterway": "canal", "name": "示例河"})
    d.way([(-50.0, 1000.0), (900.0, 1000.0)], {"railway": "rail"})
    d.way([(-50.0, 1200.0), (900.0, 1200.0)], {"highway": "motorway", "name": "高速"})
    # an island of the network with a home of its own
    d.street([(1500.0, 1500.0), (1500.0, 1700.0)])
    d.block(1505, 1590, 1525, 1610, {"building": "apartments"})
    for column in range(4):
        for row in range(4):
            west, south = 200.0 * column + 60, 200.0 * row + 30
            d.block(west, south, west + 18, south + 20, {"building": "apartments", "building:levels": str(3 + column)})
    d.block(950, 300, 970, 320, {"building": "house"})  # 150 m from its street
    # walled compound with one gate
    gate = d.node(700.0, 420.0, {"barrier": "gate"})
    corners = [d.node(x, y) for x, y in ((620.0, 420.0), (780.0, 420.0), (780.0, 580.0), (620.0, 580.0))]
    d.way([corners[0], gate, *corners[1:], corners[0]], {"landuse": "residential", "barrier": "wall", "name": "甲小区"})
    d.street([(700.0, 400.0), gate], "service")
    d.block(690, 500, 710, 520, {"building": "apartments", "building:levels": "12"})
    # facilities
    d.node(20, 220, {"amenity": "kindergarten", "name": "第一幼儿园", "capacity": "180"})
    d.node(30, 10, {"amenity": "childcare", "name": "托育园"})
    d.block(220, 420, 320, 480, {"amenity": "school", "name": "示例小学"})
    d.node(390, 590, {"amenity": "school", "name": "初级中学"})
    d.node(620, 210, {"amenity": "clinic", "name": "社区卫生服务中心"})
    d.node(210, 610, {"amenity": "clinic", "name": "村卫生室"})
    d.node(790, 20, {"amenity": "hospital", "name": "医院"})
    d.node(10, 610, {"amenity": "library", "name": "图书馆"})
    d.block(210, 10, 240, 30, {"leisure": "pitch"})
    d.node(630, 630, {"leisure": "playground"})
    d.node(640, 20, {"leisure": "park", "name": "高尔夫公园"})
    outer = [d.node(x, y) for x, y in ((610.0, 640.0), (780.0, 640.0), (780.0, 780.0), (610.0, 780.0))]
    inner = [d.node(x, y) for x, y in ((680.0, 690.0), (710.0, 690.0), (710.0, 720.0), (680.0, 720.0))]
    rings = [d.way([*ring, ring[0]]) for ring in (outer, inner)]
    d.relation([("way", rings[0], "outer"), ("way", rings[1], "inner")],
               {"type": "multipolygon", "leisure": "park", "name": "示例公园"})  # fmt: skip
    pond = [d.node(x, y) for x, y in ((900.0, 700.0), (960.0, 700.0), (960.0, 760.0), (900.0, 760.0))]
    d.relation([("way", d.way([*pond, pond[0]]), "outer")], {"type": "multipolygon", "natural": "water"})
    return d


def polygon_feature(
    corners: Sequence[tuple[float, float]], properties: Mapping[str, Any] | None = None, *, lonlat: bool = False
) -> dict[str, Any]:
    """A GeoJSON feature from corners in metres (or, as they stand, degrees)."""
    ring = [list(one if lonlat else degrees(*one)) for one in corners]
    return {
        "type": "Feature",
        "properties": dict(properties or {}),
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def write_geojson(path: Path, features: Sequence[Mapping[str, Any]]) -> Path:
    """A GeoJSON file, EPSG:4326 as the format has it."""
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}, ensure_ascii=False), "utf-8")
    return path


def hamlet_zones(path: Path) -> Path:
    """Two zones, west and east of the canal, with columns enough to choose from."""
    rows = [
        (box(-100, -100, 500, 900), {"zone_id": "w", "name": "西片", "settlement": "urban", "code": "1", "label": "West",
                                     "kind": "rural"}),
        (box(500, -100, 1000, 900), {"zone_id": "e", "name": "东片", "settlement": "urban", "code": "2", "label": "East",
                                     "kind": "mixed"}),
    ]  # fmt: skip
    return write_geojson(path, [polygon_feature(corners, properties) for corners, properties in rows])


def write_osmnx(path: Path, rows: Sequence[Mapping[str, Any]], *, layer: str = "edges") -> Path:
    """A GeoPackage as osmnx saves it; each row has u, v, highway, `line` (places in metres) and any other column."""
    frame = pd.DataFrame([{key: value for key, value in row.items() if key != "line"} for row in rows])
    lines = [shapely.LineString([degrees(*place) for place in row["line"]]) for row in rows]
    gpd.GeoDataFrame(frame, geometry=lines, crs=4326).to_file(path, layer=layer, driver="GPKG")
    return path


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml_value(one) for one in value) + "]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml_value(one)}" for key, one in value.items()) + " }"
    return repr(value) if isinstance(value, (int, float)) else json.dumps(str(value), ensure_ascii=False)


def write_config(path: Path, settings: Mapping[str, Any]) -> Path:
    """A configuration file from nested mappings; plain values at the top come first."""
    plain = [f"{key} = {_toml_value(value)}" for key, value in settings.items() if not isinstance(value, Mapping)]
    sections = []
    for name, section in settings.items():
        if isinstance(section, Mapping):
            sections += [f"[{name}]", *(f"{json.dumps(key)} = {_toml_value(value)}" for key, value in section.items())]
    path.write_text("\n".join([*plain, *sections]) + "\n", encoding="utf-8")
    return path


@dataclass(frozen=True)
class Result:
    """What a call of the command line left behind."""

    code: int
    out: str
    err: str


def call(*args: object) -> Result:
    """Run the command line in this process (warnings are errors here too)."""
    from xiqing_space.cli import main

    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(one) for one in args])
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
    return Result(code, out.getvalue(), err.getvalue())


def files_of(folder: Path) -> dict[str, str]:
    """Every file under a folder, hidden ones too, with the hash of its bytes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip


def table(out: Path, name: str) -> pd.DataFrame:
    """A table of a run, geometry as WKB."""
    return pd.read_parquet(out / "data" / "processed" / f"{name}.parquet")
