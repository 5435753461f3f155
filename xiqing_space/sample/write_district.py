"""Writes the sample district as the files that an office would have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xiqing_space.crs import COORDINATE_DIGITS, GEOGRAPHIC, TIANJIN_GK, project
from xiqing_space.sample import district_lists as lists
from xiqing_space.sample.district import CELLS, NAME, ZONES, District
from xiqing_space.sample.district_layout import draw_district, outline_sheet
from xiqing_space.sample.district_names import HOSTILE, area_names, name_sites, osm_tags
from xiqing_space.sample.district_people import BASE_YEAR, CHILDREN, COUNTED, PEOPLE, people_table, write_raster
from xiqing_space.sample.district_streets import ACROSS, ALONG, HEIGHT_M, WIDTH_M, Line, bend, meet
from xiqing_space.sample.district_ways import street_ways, water_rings
from xiqing_space.sample.write import GENERATOR

ORIGIN = (500_000.0, 4_324_000.0)  # EPSG:4548 of the sheet's middle
DATA_DATE = "2026-01-01"
BUFFER_M = 500
DRAWN_M = 1100.0  # how far beyond the district streets are drawn
LICENCE = "示例数据，CC0 / synthetic sample, CC0"

_LAND = {  # what an area is tagged with, and its code and name in the land survey
    ("landuse", "residential"): ("0701", "城镇住宅用地"), ("landuse", "industrial"): ("0601", "工业用地"),
    ("landuse", "commercial"): ("05H1", "商业服务业设施用地"), ("landuse", "farmland"): ("0103", "旱地"),
    ("landuse", "brownfield"): ("1201", "空闲地"), ("amenity", "university"): ("08H2A", "高教用地"),
    ("leisure", "park"): ("0810", "公园与绿地"),
}  # fmt: skip

_CONFIG = f"""\
# 示例区：虚构数据，不代表任何真实地方 / the sample district: synthetic, no real place
[area]
name = "{NAME}"
boundary = "boundary.geojson"
zones = "zones.geojson"
buffer_m = {BUFFER_M}

[sources]
osm = "district.osm.pbf"
data_date = "{DATA_DATE}"
licence = "{LICENCE}"

[[facilities]]                              # 教育名册：没有坐标，按名称和地址匹配 / no coordinates: matched by name and address
file = "教育名册.xlsx"
sheet = "幼儿园"
kind = "kindergarten"
date = "2025-12-31"
licence = "{LICENCE}"
trust = 2

[[facilities]]
file = "教育名册.xlsx"
sheet = "中小学"
date = "2025-12-31"
licence = "{LICENCE}"
trust = 2

[[facilities]]                              # POI：火星坐标 / a POI export in GCJ-02
file = "poi.csv"
datum = "GCJ-02"
date = "{DATA_DATE}"
licence = "{LICENCE}"
trust = 4

[[facilities]]
file = "clinics.csv"
datum = "WGS-84"
date = "2025-12-31"
licence = "{LICENCE}"
trust = 2

[[stated]]                                  # 规划所列总数 / totals that the plan states
label = "幼儿园"
kinds = ["kindergarten"]
total = 115

[[stated]]
label = "公办幼儿园"
kinds = ["kindergarten"]
operators = ["public"]
total = 31

[[stated]]
label = "小学"
kinds = ["primary_school"]
total = 37

[landuse]                                   # 国土变更调查地类 / land use by survey codes
file = "landuse.geojson"
preset = "dlbm"
date = "{DATA_DATE}"
licence = "{LICENCE}"

[compounds]                                 # 小区边界 / compounds
file = "compounds.geojson"
date = "{DATA_DATE}"
licence = "{LICENCE}"

[gates]                                     # 实测出入口 / surveyed gates
file = "gates.geojson"
date = "{DATA_DATE}"
licence = "{LICENCE}"

[population]                                # 人口 / people
counted = "{COUNTED}"                       # 常住 / residents
base_year = {BASE_YEAR}

[population.zones]
file = "zones_population.csv"
date = "{DATA_DATE}"
licence = "{LICENCE}"

[population.membership]                     # 街镇–社区–小区 / communities and villages
file = "membership.csv"
date = "{DATA_DATE}"
licence = "{LICENCE}"
"""

_README = f"""\
示例数据 / SYNTHETIC SAMPLE

本文件夹中的一切均为虚构：街镇、道路、学校、人口都不存在，不可用于任何结论。
Everything in this folder is invented: no zone, street, school or person of it exists, and nothing can be concluded from it.

district.osm.pbf      街道、建筑、设施（设施不全，学段有缺有错）/ streets, buildings, facilities (incomplete, some levels missing or wrong)
boundary.geojson      范围，约 565 km² / the area
zones.geojson         12 个街镇，含城乡属性 / 12 zones with settlement type
教育名册.xlsx         115 所幼儿园（公办 31）、37 所小学、20 所中学、1 所特教，无坐标 / education roster without coordinates
poi.csv               POI（GB18030，GCJ-02），与地图有重复，含口腔、宠物诊所 / POI export with duplicates and decoys
clinics.csv           社区卫生服务中心、站及医生数（WGS-84）/ clinics with doctors
zones_population.csv  各街镇常住人口与 0–17 岁各岁人数，{BASE_YEAR} 年末 / residents and children by age
population.tif        200 m 人口栅格（EPSG:4548）/ persons per cell
compounds.geojson     小区：户数、封闭或开放 / compounds: households, walled or open
gates.geojson         部分小区的实测出入口 / surveyed gates of some compounds
landuse.geojson       地类图斑（国土变更调查编码 DLBM）/ land use by codes of the land survey
membership.csv        街镇–社区–小区 / which compound belongs to which community
config.toml           设置 / configuration

合计 / Totals: 常住 {PEOPLE:,} 人，其中 0–17 岁 {CHILDREN:,} 人。规划写作 0–18 岁；本表按不满 18 周岁计。
The plan says 0–18; this table counts those who are not yet 18. 数值之和与此完全相等 / The files add up to this exactly.
学校按校区计数：九年一贯制 3 所计入中学 20 所。分园单独计数。
Schools are counted by campus: the 3 nine-year schools are among the 20 secondary ones. Branch kindergartens count one each.
"""


def _metres(sheet: NDArray[np.float64]) -> Any:
    return bend(sheet) + np.asarray(ORIGIN)


def _degrees(metres: NDArray[np.float64]) -> Any:
    return np.round(project(metres, TIANJIN_GK, GEOGRAPHIC), COORDINATE_DIGITS)


def _tag_sites(drawing: District, names: dict[Any, str], estates: list[str]) -> None:
    for site, name in names.items():
        tags = osm_tags(site, name) if site.mapped else {}
        if site.area >= 0:
            drawing.areas[site.area][0].update(tags)
        elif site.node >= 0:
            drawing.net.node_tags[site.node] = tags
    for compound, name in zip(drawing.compounds, estates, strict=True):
        drawing.areas[compound.area][0]["name"] = name


def _write_osm(path: Path, drawing: District, ways: list[tuple[dict[str, str], list[int]]], lonlat: Any) -> None:
    import osmium
    from osmium.osm.mutable import Node, Way

    # the same on every object and every call, so that the file's bytes never differ
    stamp: dict[str, Any] = {"version": 1, "visible": True, "changeset": 1, "uid": 1, "user": "xiqing_space",
                             "timestamp": f"{DATA_DATE}T00:00:00Z"}  # fmt: skip
    used = np.zeros(len(lonlat), dtype=bool)
    used[[node for _, nodes in ways for node in nodes]] = True
    used[list(drawing.net.node_tags)] = True
    header = osmium.io.Header()
    header.set("generator", GENERATOR)
    header.add_box(osmium.osm.Box(*lonlat[used].min(axis=0).tolist(), *lonlat[used].max(axis=0).tolist()))
    places = lonlat.tolist()
    with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
        for node in np.flatnonzero(used).tolist():
            writer.add_node(Node(id=node + 1, location=places[node], tags=drawing.net.node_tags.get(node, {}), **stamp))
        for number, (tags, nodes) in enumerate(ways):
            writer.add_way(Way(id=number + 1, nodes=[node + 1 for node in nodes], tags=tags, **stamp))


def _features(path: Path, rows: list[tuple[dict[str, Any], Any]]) -> None:
    """A GeoJSON file, a feature a line."""
    import shapely

    lines = []
    for properties, shape in rows:
        geometry = json.loads(shapely.to_geojson(shape))
        lines.append(json.dumps({"type": "Feature", "properties": properties | {"note": lists.NOTE}, "geometry": geometry},
                                ensure_ascii=False))  # fmt: skip
    text = '{"type": "FeatureCollection", "features": [\n' + ",\n".join(lines) + "\n]}\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def zone_shapes() -> dict[str, Any]:
    """The zones, degrees: cut from one set of lines, so that neighbours share every vertex."""
    import shapely

    across = [Line((0.0, a), (WIDTH_M, b), {}) for _, a, b, _ in ACROSS]
    along = [Line((a, 0.0), (b, HEIGHT_M), {}) for _, a, b, _ in ALONG]
    corner = [[meet(one, other) for other in along] for one in across]
    letters = {letter: zone for letter, zone, *_ in ZONES}
    cells = {
        (row, column): shapely.Polygon([corner[row][column], corner[row][column + 1], corner[row + 1][column + 1],
                                        corner[row + 1][column]])
        for row in range(len(CELLS)) for column in range(len(CELLS[row]))
    }  # fmt: skip
    outline = shapely.Polygon(outline_sheet())

    def bent(shape: Any) -> Any:
        return shapely.transform(shapely.segmentize(shape, 150.0), lambda sheet: _degrees(_metres(sheet)))

    lines = shapely.union_all([one.exterior for one in (*cells.values(), outline)])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all(bent(lines)))))
    within = faces[shapely.contains_properly(bent(outline), shapely.point_on_surface(faces))]
    owner = shapely.STRtree([bent(cell) for cell in cells.values()]).query_nearest(
        shapely.point_on_surface(within), all_matches=False
    )[1]
    keys = list(cells)
    found: dict[str, list[Any]] = {}
    for face, cell in zip(within, owner, strict=True):
        row, column = keys[int(cell)]
        found.setdefault(letters[CELLS[row][column]], []).append(face)
    return {zone: shapely.union_all(found[zone]) for _, zone, *_ in ZONES}


def write_district(folder: Path) -> Path:
    """Write the sample district as the files that an office would have.

    The district is invented: its figures say nothing about any real place.

    Parameters
    ----------
    folder : Path
        Made where it is not there. Gets the files that README.txt lists; files of these names are written over. The same
        bytes on every call.

    Returns
    -------
    Path
        `config.toml`, a configuration to run the district with.
    """
    import shapely

    folder.mkdir(parents=True, exist_ok=True)
    drawing = draw_district()
    names, estates = name_sites(drawing), area_names(drawing)
    _tag_sites(drawing, names, estates)
    drawing.net.node(drawing.compounds[0].middle, {"leisure": "playground", "name": "=1+2示例游戏场"})
    near = shapely.Polygon(outline_sheet()).buffer(DRAWN_M)
    rings = [({"natural": "water"}, ring) for ring in water_rings(drawing.net, near)]
    ways = [*street_ways(drawing.net, near), *(one for one in (*drawing.areas, *rings) if one[0])]
    metres = _metres(np.asarray(drawing.net.places))
    lonlat = _degrees(metres)
    _write_osm(folder / "district.osm.pbf", drawing, ways, lonlat)
    zones = zone_shapes()
    area = shapely.union_all(list(zones.values()))
    _features(folder / "boundary.geojson", [({"name": NAME}, area)])
    _features(folder / "zones.geojson", [({"zone_id": zone, "name": name, "settlement": kind}, zones[zone])
                                         for _, zone, name, kind in ZONES])  # fmt: skip
    scale = _write_people(folder, drawing, metres, lonlat, area)
    places = _degrees(_metres(np.asarray([site.place for site in names])))
    spot = {site: (float(lon), float(lat)) for site, (lon, lat) in zip(names, places, strict=True)}
    lists.write_roster(folder / "教育名册.xlsx", names)
    lists.write_pois(folder / "poi.csv", names, spot)
    lists.write_clinics(folder / "clinics.csv", names, spot)
    _write_compounds(folder, drawing, estates, lonlat, scale)
    _write_landuse(folder / "landuse.geojson", drawing, lonlat)
    (folder / "README.txt").write_text(_README, encoding="utf-8-sig", newline="\r\n")
    config = folder / "config.toml"
    config.write_text(_CONFIG, encoding="utf-8", newline="\n")
    return config


def _write_people(folder: Path, drawing: District, metres: Any, lonlat: Any, area: Any) -> float:
    """The people's files; returns the persons that stand for one of the drawing's weights."""
    import shapely

    corners = np.asarray([drawing.areas[row][1][:4] for row, *_ in drawing.homes])
    inside = shapely.contains_xy(area, *lonlat[corners].mean(axis=1).T)
    homes = [home for home, within in zip(drawing.homes, inside, strict=True) if within]
    table = people_table(homes, [zone for _, zone, *_ in ZONES])
    lists.write_people(folder / "zones_population.csv", table)
    write_raster(folder / "population.tif", metres[corners].mean(axis=1)[inside], homes, table)
    return PEOPLE / sum(weight for *_, weight in homes)


def _write_compounds(folder: Path, drawing: District, estates: list[str], lonlat: Any, scale: float) -> None:
    import shapely

    persons = {row: weight for row, _, weight in drawing.homes}
    zone_names = {zone: name for _, zone, name, _ in ZONES}
    rows, gates, members = [], [], []
    for number, (compound, name) in enumerate(zip(drawing.compounds, estates, strict=True)):
        members.append((compound.zone, name, compound.village))
        if compound.village:
            continue
        households = round(sum(persons[row] for row in compound.homes) * scale / 2.7)
        state = "封闭" if compound.walled else "开放"
        rows.append(({"name": name, "zone": zone_names[compound.zone], "households": households, "enclosed": state},
                     shapely.Polygon(lonlat[drawing.areas[compound.area][1]])))  # fmt: skip
        if number % 6 == 0 and compound.walled:
            for node, status in compound.gates:
                word = {"open": "开放", "residents": "仅居民", "shut": "关闭"}[status]
                gates.append(({"compound": name, "status": word}, shapely.Point(lonlat[node])))
    _features(folder / "compounds.geojson", rows)
    _features(folder / "gates.geojson", gates)
    lists.write_membership(folder / "membership.csv", members)


def _write_landuse(path: Path, drawing: District, lonlat: Any) -> None:
    """Land that the drawing knows the use of; like a survey's sheet it leaves roads and odd corners out."""
    import shapely

    villages = {compound.area for compound in drawing.compounds if compound.village}
    rows = []
    for row, (tags, ring) in enumerate(drawing.areas):
        found = next((_LAND[one] for one in tags.items() if one in _LAND), None)
        if found is not None:
            code, name = ("0702", "农村宅基地") if row in villages else found
            rows.append(({"DLBM": code, "DLMC": name}, shapely.Polygon(lonlat[ring])))
    _features(path, rows)


__all__ = ["BUFFER_M", "HOSTILE", "ORIGIN", "write_district", "zone_shapes"]
