"""Vector files to checked features in EPSG:4326: GeoJSON, GeoPackage, Shapefile, FileGDB, DXF, KML.

`to_wgs84` is the one place where coordinates change their system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.crs import COORDINATE_DIGITS, GEOGRAPHIC
from xiqing_space.errors import CrsError, InputDataError
from xiqing_space.ingest.cells import clean_text
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.vector_checks import misplaced, no_places, rows_text, whole
from xiqing_space.ingest.vector_files import Opened, open_vector

ROUND_EARTH_M = 6_378_137.0  # equatorial radius of WGS 84, GRS 80 and CGCS2000, which agree to the decimetre
ROUGHEST_M = 5.0  # systems that can be carried over only worse than this need a parameter file

__all__ = [
    "VectorLayer",
    "areal",
    "parse_system",
    "points_of_layer",
    "polygons_of",
    "read_vector",
    "rows_text",
    "text_of",
    "to_wgs84",
]

Where = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class VectorLayer:
    """Features of a file.

    Attributes
    ----------
    frame : GeoDataFrame
        EPSG:4326, attributes as they stand in the file, a fresh index; coordinates have two dimensions.
    rows : array of int, (n,)
        Number of each feature in the file, from 1: as a GIS counts them, before any filter.
    source, layer, crs_in : str
        Name of the file, its layer (of a drawing: the drawing's layer), and the system its coordinates were in.
    """

    frame: gpd.GeoDataFrame
    rows: NDArray[np.int64]
    source: str
    layer: str
    crs_in: str


def read_vector(
    path: Path,
    *,
    layer: str | None = None,
    crs: int | str | None = None,
    encoding: str | None = None,
    quality: Quality | None = None,
    where_filter: Where | None = None,
    allow_missing: bool = False,
) -> VectorLayer:
    """Read one layer of a vector file, checked and in EPSG:4326.

    That a file passes says that its coordinates are places on the earth, not that they are the right ones: a list in
    GCJ-02 that states WGS 84 passes too.

    Parameters
    ----------
    path : Path
        .geojson, .json, .gpkg, .shp, .gdb (a folder), .dxf, .kml, or a .zip that holds one of them.
    layer : str, optional
        Needed where a file has several; of a DXF the drawing layer.
    crs : int or str, optional
        EPSG code or "EPSG:4548". Compulsory for DXF; where the file states another one this one is taken, with a doubt.
    encoding : str, optional
        Of Shapefile, DXF or GeoJSON text. Without it a Shapefile's .cpg is believed where its bytes can be read so.
    quality : Quality, optional
        Takes the doubts: mended geometry, guessed encodings, remarks of the reader.
    where_filter : mapping of column to value or values, optional
        Only features whose attribute is one of the values, compared as text.
    allow_missing : bool
        Features without geometry are left out with a doubt, instead of being a problem.

    Returns
    -------
    VectorLayer
        Self-crossing and unclosed polygons are mended (a ring drawn outside its shell becomes a part of its own); curves
        come as lines of short pieces; heights and measures are dropped.

    Raises
    ------
    InputFileError, InputDataError, CrsError
        The file cannot be used; every problem is listed with its feature numbers.
    """
    quality = Quality() if quality is None else quality
    stated = None if crs is None else parse_system(crs)
    opened = open_vector(path, layer, encoding)
    frame = opened.frame.reset_index(drop=True)
    rows = np.asarray(opened.frame.index, dtype=np.int64) + 1
    for check, fields in opened.notes:
        quality.add(check, source=path.name, **fields)
    if where_filter:
        kept = _filtered(frame, where_filter, path.name)
        frame, rows = frame[kept].reset_index(drop=True), rows[kept]
    system, problems = _system(opened, stated, path.name, quality)
    geometry = shapely.force_2d(frame.geometry.to_numpy())
    with np.errstate(all="ignore"):  # broken bytes make numbers near infinity, which the checks below then name
        geometry, kept, more = whole(geometry, rows, opened.closed_rings, allow_missing, path.name, quality)
    problems += more
    if system is not None:
        problems += misplaced(geometry, rows, system)
    if problems:
        raise _fault(path.name, problems)
    assert system is not None
    frame, rows = frame[kept].reset_index(drop=True), rows[kept]
    degrees = to_wgs84(geometry[kept], system)
    if problems := no_places(degrees, rows):
        raise _fault(path.name, problems)
    frame = gpd.GeoDataFrame(pd.DataFrame(frame.drop(columns=frame.geometry.name)), geometry=degrees, crs=GEOGRAPHIC)
    return VectorLayer(frame, rows, path.name, opened.layer, str(system.name))


def _fault(source: str, problems: list[str]) -> InputDataError:
    return InputDataError(
        "矢量文件有误 / the vector file is at fault",
        where=source,
        first=problems,
        todo="在 GIS 中改正后重新导出；坐标系可用 crs 写明（如 crs = 4548）/ "
        "mend it in a GIS and export it again; a coordinate system can be stated by crs (for instance crs = 4548)",
    )


def _filtered(frame: gpd.GeoDataFrame, where: Where, source: str) -> NDArray[np.bool_]:
    kept = np.ones(len(frame), dtype=bool)
    for column, wanted in where.items():
        if column not in frame.columns or column == "geometry":
            raise InputDataError(
                f"没有列 {column!r} / there is no column {column!r}",
                where=source,
                todo=f"现有列 / columns found: {', '.join(str(one)[:40] for one in frame.columns[:40])}",
            )
        values = {wanted} if isinstance(wanted, str) else set(wanted)
        found = frame[column].map(text_of)
        kept &= found.isin(values).to_numpy()
        if not kept.any():
            raise InputDataError(
                f"没有要素满足筛选 {column} = {sorted(values)} / no feature passes the filter",
                where=source,
                first=[str(one)[:60] for one in sorted(set(found))],
                todo="检查筛选条件；上面是该列现有的值 / check the filter; above are the values found",
            )
    return kept


def text_of(value: Any) -> str:
    """An attribute as text without unseen characters: missing is empty, whole numbers that a gap turned into floats stay whole."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return clean_text(str(value))


# ---- coordinate systems


def parse_system(crs: int | str) -> Any:
    """A pyproj CRS from an EPSG code: 4548 or "EPSG:4548".

    Raises
    ------
    CrsError
        There is no such code, or it has no two axes on the earth's surface.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    text = str(crs).strip()
    code = text.upper().removeprefix("EPSG:")
    try:
        if not code.isdigit():
            raise CRSError(text)
        found = CRS.from_epsg(int(code)).to_2d()
    except CRSError as error:
        raise CrsError(
            f"未知的坐标系 {text[:60]!r} / unknown coordinate system",
            todo="写 EPSG 代码，如 4490、4548 / state an EPSG code, for instance 4490 or 4548",
        ) from error
    if not (found.is_geographic or found.is_projected):
        raise CrsError(
            f"{text[:60]} 不是地理或投影坐标系 / is neither a geographic nor a projected system",
            todo="写 EPSG 代码，如 4490、4548 / state an EPSG code, for instance 4490 or 4548",
        )
    return found


def _system(opened: Opened, stated: Any, source: str, quality: Quality) -> tuple[Any, list[str]]:
    """The system to read coordinates in, and what is wrong with it."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    found = None
    try:
        found = None if opened.crs is None else CRS.from_user_input(opened.crs).to_2d()
    except CRSError:
        quality.add("reader_remark", source=source, text="无法识别坐标系说明 / its coordinate system cannot be read")
    if stated is not None:
        by_format = opened.driver in ("GeoJSON", "KML", "LIBKML")  # these state degrees whatever they hold
        if found is not None and not by_format and not found.equals(stated, ignore_axis_order=True):
            quality.add("crs_overridden", source=source, found=str(found.name)[:80], stated=str(stated.name))
        return stated, []
    if found is None:
        return None, [
            "没有坐标系说明（缺 .prj 或图纸无坐标系）/ no coordinate system is stated (no .prj, or a drawing)"
        ]
    if not (found.is_geographic or found.is_projected):
        return None, [f"坐标系不可用：{str(found.name)[:80]} / its coordinate system is no place on the earth"]
    return found, []


def to_wgs84(geometry: Any, system: Any) -> Any:
    """Geometries (an array, missing ones kept) from a pyproj CRS to degrees of WGS 84, x before y.

    Raises
    ------
    CrsError
        The system can be carried over only roughly (Xian 1980 without parameters is off by up to a hundred metres).
    """
    from pyproj import Transformer
    from pyproj.transformer import AreaOfInterest, TransformerGroup

    base = system.geodetic_crs
    if base is not None and abs(base.ellipsoid.semi_major_metre - ROUND_EARTH_M) > 1.0:
        near = Transformer.from_crs(system, base, always_xy=True)
        bounds = shapely.total_bounds(geometry)
        west, south, east, north = near.transform_bounds(*bounds) if np.isfinite(bounds).all() else (0, 0, 0, 0)
        group = TransformerGroup(system, GEOGRAPHIC, always_xy=True,
                                 area_of_interest=AreaOfInterest(west, south, east, north))  # fmt: skip
        best = group.transformers[0].accuracy if group.transformers else -1.0
        if not 0 <= best <= ROUGHEST_M:
            raise CrsError(
                f"{system.name} 无法精确换算到 WGS 84 / {system.name} cannot be carried over to WGS 84 precisely",
                todo="在 GIS 中转换为 CGCS2000，或给出本地参数文件 / convert it to CGCS2000, or give a parameter file",
            )
    change = Transformer.from_crs(system, GEOGRAPHIC, always_xy=True)

    def move(coords: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(change.transform(coords[:, 0], coords[:, 1]))

    return shapely.transform(geometry, move)


# ---- what a layer is used as


def areal(geometry: Any) -> Any:
    """The polygons of a geometry as one MultiPolygon on the grid that every file of a run has."""
    if geometry is None:
        return shapely.MultiPolygon()
    parts = [one for one in shapely.get_parts(shapely.get_parts([geometry])) if one.geom_type == "Polygon"]
    merged = shapely.set_precision(shapely.union_all(parts), 10.0**-COORDINATE_DIGITS)
    kept = [one for one in shapely.get_parts([merged]) if one.geom_type == "Polygon" and not one.is_empty]
    return shapely.MultiPolygon(kept)


def polygons_of(layer: VectorLayer, quality: Quality | None = None) -> gpd.GeoDataFrame:
    """The frame with each geometry as a MultiPolygon; points and lines beside polygons in one feature are a doubt.

    Raises
    ------
    InputDataError
        Some feature holds no polygon; all their numbers are listed.
    """
    shapes = layer.frame.geometry.to_numpy()
    parts, index = shapely.get_parts(shapes, return_index=True)
    inner, within = shapely.get_parts(parts, return_index=True)
    other = np.unique(index[within[shapely.get_dimensions(inner) < 2]])
    result = np.empty(len(shapes), dtype=object)
    result[:] = [areal(one) for one in shapes]
    empty = np.flatnonzero(shapely.is_empty(result))
    if empty.size:
        kinds = ", ".join(sorted({str(shapes[one].geom_type) for one in empty}))
        raise InputDataError(
            "应为面要素 / polygons are needed",
            where=layer.source,
            first=[
                f"{rows_text([row])}: {shapes[at].geom_type}" for at, row in zip(empty, layer.rows[empty], strict=True)
            ],
            todo=f"检查几何类型（现为 {kinds}）/ check the geometry type (found: {kinds})",
        )
    if other.size and quality is not None:
        quality.add("geometry_parts_dropped", source=layer.source, row=rows_text(layer.rows[other]), n=len(other))
    return layer.frame.set_geometry(gpd.GeoSeries(result, index=layer.frame.index, crs=GEOGRAPHIC))


def points_of_layer(layer: VectorLayer) -> gpd.GeoDataFrame:
    """The frame with each geometry as a Point, rounded as every file of a run holds them.

    Raises
    ------
    InputDataError
        Some feature is no single point; all their numbers are listed.
    """
    shapes = layer.frame.geometry.to_numpy()
    parts = shapely.get_num_geometries(shapes)
    points = np.where((shapely.get_dimensions(shapes) == 0) & (parts == 1), shapely.get_geometry(shapes, 0), None)
    wrong = np.flatnonzero(shapely.get_type_id(points) != 0)
    if wrong.size:
        raise InputDataError(
            "应为点要素 / points are needed",
            where=layer.source,
            first=[
                f"{rows_text([row])}: {shapes[at].geom_type}" for at, row in zip(wrong, layer.rows[wrong], strict=True)
            ],
            todo="检查几何类型 / check the geometry type",
        )
    rounded = shapely.transform(points, lambda coords: np.round(coords, COORDINATE_DIGITS))
    return layer.frame.set_geometry(gpd.GeoSeries(rounded, index=layer.frame.index, crs=GEOGRAPHIC))
