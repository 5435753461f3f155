"""The study area and its zones: from a boundary file, a bbox or the data's own extent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from xiqing_space.crs import (
    COORDINATE_DIGITS,
    GEOGRAPHIC,
    check_scale,
    choose_metric_epsg,
    project_geometry,
    require_metric,
)
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.cells import clean_text
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.vectors import areal, polygons_of, read_vector
from xiqing_space.sections import AreaConfig

SETTLEMENTS = {
    "urban": "urban", "城镇": "urban", "城市": "urban", "街道": "urban", "城": "urban",
    "rural": "rural", "乡村": "rural", "农村": "rural", "村": "rural", "乡": "rural",
    "mixed": "mixed", "城乡结合": "mixed", "混合": "mixed",
}  # fmt: skip


@dataclass(frozen=True)
class Area:
    """The study area in degrees and in the metric system, with its buffer."""

    name: str
    polygon: Any
    metric_epsg: int
    metric: Any
    buffered: Any


def read_area(config: AreaConfig, extent: tuple[float, float, float, float], source: str, quality: Quality) -> Area:
    """The study area.

    Parameters
    ----------
    config : AreaConfig
        `boundary`, else `bbox`, else the extent.
    extent : (west, south, east, north)
        Extent of the data, degrees.
    source : str
        Name of the data file, for messages.

    Raises
    ------
    InputDataError
        The boundary cannot be read or misses the data.
    CrsError
        The metric system is none.
    """
    data_box = shapely.box(*extent)
    if config.boundary is not None:
        frame = polygons_of(read_vector(config.boundary, quality=quality), quality)
        polygon = areal(shapely.union_all(frame.geometry.to_numpy()))
    elif config.bbox is not None:
        polygon = shapely.MultiPolygon([shapely.box(*config.bbox)])
    else:
        polygon = shapely.MultiPolygon([shapely.box(*np.round(extent, COORDINATE_DIGITS))])
        quality.add("area_from_extent", source=source)
    centre = polygon.centroid
    if not polygon.intersects(data_box) or polygon.is_empty:
        west, south, east, north = (f"{value:.4f}" for value in polygon.bounds)
        raise InputDataError(
            f"评估范围（{west}–{east}, {south}–{north}）与数据范围（{extent[0]:.4f}–{extent[2]:.4f}, "
            f"{extent[1]:.4f}–{extent[3]:.4f}）不相交 / the study area does not touch the data",
            where=source,
            todo="检查边界文件的坐标系，或换用对应地区的数据 / check the boundary's coordinate system or the data's place",
        )
    epsg = choose_metric_epsg(centre.x, centre.y) if config.metric_crs is None else require_metric(config.metric_crs)
    check_scale(epsg, centre.x, centre.y)
    metric = project_geometry(polygon, GEOGRAPHIC, epsg)
    if not shapely.is_valid(metric) or not np.isfinite(metric.bounds).all():
        raise InputDataError(
            f"评估范围无法投影到 EPSG:{epsg} / the study area cannot be projected to EPSG:{epsg}",
            todo="检查 metric_crs / check metric_crs",
        )
    buffered = metric.buffer(config.buffer_m) if config.buffer_m > 0 else metric
    given = config.boundary is not None or config.bbox is not None
    if given and not project_geometry(data_box, GEOGRAPHIC, epsg).covers(metric.buffer(config.buffer_m * 0.9)):
        quality.add("area_edge", source=source, buffer_m=f"{config.buffer_m:g}")
    return Area(config.name, polygon, epsg, metric, buffered)


def read_zones(config: AreaConfig, area: Area, quality: Quality) -> pd.DataFrame:
    """The `zones` table: the zones file, else the area itself as one zone.

    Raises
    ------
    InputDataError
        The file cannot be read, lacks a column, repeats an id, or no zone touches the area; every problem is listed.
    """
    if config.zones is None:
        quality.add("settlement_unknown")
        return pd.DataFrame(
            {
                "zone_id": ["area"], "name": [area.name], "level": [None], "parent_id": [None], "settlement": [None],
                "geometry": [area.polygon],
            }
        )  # fmt: skip
    frame = polygons_of(read_vector(config.zones, quality=quality), quality)
    named = {"zone_id": config.zone_id_column, "name": config.zone_name_column}
    if absent := [column for column in named.values() if column not in frame.columns]:
        raise InputDataError(
            "分区文件缺少列 / the zones file lacks columns",
            where=config.zones.name,
            first=absent,
            todo=f"现有列 / columns found: {', '.join(map(str, frame.columns))}",
        )
    ids = frame[named["zone_id"]].map(lambda value: "" if pd.isna(value) else clean_text(str(value)))
    problems = [f"第 {row + 1} 行：编号为空 / row {row + 1}: no id" for row in np.flatnonzero(ids == "")]
    names = frame[named["name"]].map(lambda value: "" if pd.isna(value) else clean_text(str(value)))
    problems += [f"第 {row + 1} 行：名称为空 / row {row + 1}: no name" for row in np.flatnonzero(names == "")]
    problems += [f"编号重复 / id given twice: {one}" for one in sorted(set(ids[ids.duplicated() & (ids != "")]))]
    problems += [f"编号不可用 / id not allowed: {one}" for one in ids[ids == "*"]]
    settlement = _settlement(frame, config.zone_settlement_column, problems)
    if problems:
        raise InputDataError("分区文件有误 / the zones file is at fault", where=config.zones.name, first=problems)
    shapes = project_geometry(frame.geometry.to_numpy(), GEOGRAPHIC, area.metric_epsg)
    # a neighbour that shares only its border is none of the area's zones
    touching = shapely.area(shapely.intersection(shapes, area.metric)) > np.maximum(100.0, 1e-3 * shapely.area(shapes))
    if not touching.any():
        raise InputDataError(
            "没有一个分区与评估范围相交 / no zone touches the study area",
            where=config.zones.name,
            todo="检查坐标系 / check the coordinate system",
        )
    if any(value is None for value in settlement):
        quality.add("settlement_unknown", source=config.zones.name)
    zones = pd.DataFrame(
        {
            "zone_id": ids.to_numpy(),
            "name": names.to_numpy(),
            "level": _texts(frame, "level"),
            "parent_id": _texts(frame, "parent_id"),
            "settlement": settlement,
            "geometry": frame.geometry.to_numpy(),
        }
    )
    return zones[touching]


def _texts(frame: gpd.GeoDataFrame, column: str) -> list[str | None]:
    """A column as text; whole numbers that a gap turned into floats stay whole."""
    if column not in frame.columns:
        return [None] * len(frame)
    values = [None if pd.isna(value) else value for value in frame[column]]
    return [
        None
        if value is None
        else str(int(value))
        if isinstance(value, float) and value.is_integer()
        else clean_text(str(value))
        for value in values
    ]


def _settlement(frame: gpd.GeoDataFrame, column: str, problems: list[str]) -> list[str | None]:
    if column not in frame.columns:
        return [None] * len(frame)
    found: list[str | None] = []
    for row, value in enumerate(frame[column]):
        text = "" if pd.isna(value) else str(value).strip().lower()
        if text and text not in SETTLEMENTS:
            problems.append(f"第 {row + 1} 行 / row {row + 1}: {column} = {text!r} (urban, rural, mixed)")
        found.append(SETTLEMENTS.get(text))
    return found
