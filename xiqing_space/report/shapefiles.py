"""reports/shapefile/: zones, facilities and blind spots for offices that work with Shapefiles, in CGCS2000, with Chinese aliases."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from xiqing_space.crs import GEOGRAPHIC, TIANJIN_GK, choose_metric_epsg, project_geometry
from xiqing_space.errors import OutputError
from xiqing_space.ingest.cells import defuse_cell
from xiqing_space.report.joined import Alias, people_unit, zones_with_figures
from xiqing_space.report.planner_tables import RunTables
from xiqing_space.schemas import TABLES

FOLDER = "shapefile"
SIDECAR = "fields.csv"
LAYERS = ("zones", "cells", "facilities", "blind_spots", "schools", "fixes")
TEXT_BYTES = 254
_WHEN = "2020-01-01"
_DIGITS = 2  # of a metre on write
_CODED = ("kind", "operator", "status", "serves", "settlement", "cause", "near_what", "capacity_from", "located_by", "weight_kind",
          "missing_kinds", "treatment", "target_type", "cost_class", "term", "grade", "assigned_by", "reason")  # fmt: skip
_SHORT = {"pop_total": "POP_ALL", "capacity_places": "PLACES", "capacity_from": "PLACES_BY", "legal_person": "LEGAL_PERS",
          "gp_doctors": "GP_DOCTORS", "child_health_doctors": "CH_DOCTORS", "weight_kind": "WEIGHT", "settlement": "SETTLEMENT",
          "missing_kinds": "MISS_KINDS", "facility_id": "FACIL_ID", "located_by": "LOCATED_BY", "source_row": "SOURCE_ROW"}  # fmt: skip


@dataclass(frozen=True)
class ShapeNotes:
    """What was written: layers, the coordinate system's code, and texts that were cut, by layer and field."""

    layers: tuple[str, ...]
    epsg: int
    cut: dict[tuple[str, str], int]


def shapefile_epsg(area: gpd.GeoDataFrame) -> int:
    """CGCS2000 / 3-degree Gauss-Krueger 117E in and round Tianjin, elsewhere the run's own metric system."""
    west, south, east, north = (float(value) for value in area.total_bounds)
    near = choose_metric_epsg((west + east) / 2, (south + north) / 2)
    return near if near == TIANJIN_GK else int(area["metric_epsg"].iloc[0])


def field_names(columns: list[str]) -> dict[str, str]:
    """Names of fields: ASCII capitals, at most ten, no two the same."""
    taken: set[str] = set()
    names = {}
    for column in columns:
        plain = _SHORT.get(column) or re.sub(r"^SHARE_(W|R)[A-Z]*_", r"\1_", re.sub(r"[^A-Z0-9_]", "_", column.upper()))
        name, number = plain[:10], 1
        while name in taken:
            number += 1
            name = f"{plain[: 10 - len(str(number))]}{number}"
        taken.add(name)
        names[column] = name
    return names


def cut_bytes(text: str, most: int = TEXT_BYTES) -> str:
    """Text cut to a number of bytes in UTF-8, never in the middle of a character."""
    raw = text.encode("utf-8")
    return text if len(raw) <= most else raw[:most].decode("utf-8", errors="ignore")


def write_shapefiles(run: RunTables, folder: Path, *, synthetic: bool) -> ShapeNotes:
    """Write the layers that the run holds and `fields.csv`, the same bytes for the same tables.

    A Shapefile knows no missing number but a blank, no text beyond 254 bytes and no name beyond ten letters; the GeoPackage holds
    all of it.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    epsg = shapefile_epsg(run.frames["area"])
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = [_about(epsg, synthetic, run.note)]
    cut: dict[tuple[str, str], int] = {}
    done = []
    try:
        for name in LAYERS:
            if name not in run.frames:
                continue
            frame, extra = _layer(name, run)
            plain, about = _plain(name, frame, extra, run, cut, synthetic)
            _write(plain, folder / f"{name}.shp", TABLES[name].columns[-1].geometry, epsg)
            rows += about
            done.append(name)
        sidecar = pd.DataFrame(rows, columns=["layer", "field", "中文", "unit", "table", "column", "说明"]).map(
            defuse_cell
        )
        sidecar.to_csv(folder / SIDECAR, index=False, encoding="utf-8-sig", lineterminator="\n")
    except OSError as error:
        raise OutputError(
            "无法写入 Shapefile / the Shapefile cannot be written", where=str(folder.name),
            todo="如已在 ArcGIS 或 QGIS 中打开，请先关闭 / close it in ArcGIS or QGIS if it is open there",
        ) from error  # fmt: skip
    return ShapeNotes(tuple(done), epsg, cut)


def _about(epsg: int, synthetic: bool, note: str) -> dict[str, Any]:
    from pyproj import CRS

    text = (
        ""
        if epsg == TIANJIN_GK
        else "本区不在天津附近，采用本次运行的量算坐标系，不是 CGCS2000 117°E / not Tianjin: the run's own metric system. "
    )
    text += "示例数据 / synthetic sample. " if synthetic else ""
    return {"layer": "*", "field": "(CRS)", "中文": f"坐标系 EPSG:{epsg}", "unit": "m", "table": "", "column": "",
            "说明": f"{CRS.from_epsg(epsg).name}。{text}{note}；编码 UTF-8"}  # fmt: skip


def _layer(name: str, run: RunTables) -> tuple[pd.DataFrame, dict[str, Alias]]:
    """The table with what a planner wants beside it: shares on zones, zones' names, codes in Chinese."""
    frame = run.frames[name].copy()
    extra: dict[str, Alias] = {}
    if name == "zones" and run.has_figures:
        frame, extra = zones_with_figures(frame, run.homes, run.frames["indicators"], run.catalogue, run.words)
    elif "zone_id" in frame and name != "zones":
        zones = dict(zip(run.frames["zones"]["zone_id"], run.frames["zones"]["name"], strict=True))
        frame.insert(0, "zone_name", frame["zone_id"].map(zones))
    order: list[str] = []
    for column in frame.columns:
        order.append(column)
        if column in _CODED:
            frame[f"{column}_zh"] = [
                run.words.value(column, one, run.catalogue) for one in frame[column].to_numpy(dtype=object)
            ]
            extra[f"{column}_zh"] = (run.words.heading(name, column)[0] + "（中文）", "")
            order.append(f"{column}_zh")
    return frame[order], extra


def _plain(
    name: str,
    frame: pd.DataFrame,
    extra: Mapping[str, Alias],
    run: RunTables,
    cut: dict[tuple[str, str], int],
    synthetic: bool,
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Fields as a .dbf holds them, and what the sidecar says of each."""
    known = {column.name: column for column in TABLES[name].columns}
    columns = [column for column in frame.columns if column != "geometry"]
    fields = field_names(columns)
    out: dict[str, Any] = {}
    about = []
    for column in columns:
        values, note = frame[column], ""
        if values.dtype == bool:
            out[fields[column]], note = values.to_numpy(dtype=np.int32), "1 是，0 否"
        elif pd.api.types.is_numeric_dtype(values):
            out[fields[column]] = values.to_numpy(dtype=float, na_value=np.nan)
        else:
            texts = [one if isinstance(one, str) else None for one in values.to_numpy(dtype=object)]
            short = [None if one is None else cut_bytes(one) for one in texts]
            if lost := sum(one != other for one, other in zip(texts, short, strict=True)):
                cut[name, fields[column]] = lost
                note = f"{lost} 处超过 {TEXT_BYTES} 字节，已截断，全文见 GeoPackage / {lost} texts were cut"
            out[fields[column]] = pd.Series(short, dtype="str")
        zh, unit = extra.get(column) or (
            run.words.heading(name, column)[0],
            known[column].unit if column in known else "",
        )
        shown = people_unit(run.relative) if unit == "persons or weight" else run.words.unit(unit)
        if column in known and not note:
            note = run.words.heading(name, column)[1]
        table = "indicators" if column.startswith("share_") else "demand" if column.startswith("pop_") else name
        source = {"indicators": "value"}.get(table, column.removesuffix("_zh"))
        about.append(
            {
                "layer": name,
                "field": fields[column],
                "中文": zh,
                "unit": shown,
                "table": table,
                "column": source,
                "说明": note,
            }
        )
    if synthetic:
        out["SAMPLE"] = pd.Series(["示例数据"] * len(frame), dtype="str")
        about.append(
            {
                "layer": name,
                "field": "SAMPLE",
                "中文": "示例数据",
                "unit": "",
                "table": "",
                "column": "",
                "说明": "虚构数据",
            }
        )
    out["geometry"] = frame["geometry"].to_numpy()
    return pd.DataFrame(out), about


def _write(frame: pd.DataFrame, path: Path, kind: str, epsg: int) -> None:
    import pyogrio

    moved = shapely.set_precision(
        project_geometry(frame["geometry"].to_numpy(), GEOGRAPHIC, epsg), 10.0**-_DIGITS, mode="pointwise"
    )
    layer = gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=gpd.array.from_shapely(moved, crs=epsg))
    for old in path.parent.glob(f"{path.stem}.*"):
        old.unlink()
    # a Shapefile's polygons may have many parts: it knows no multi-polygon of its own
    shape = {"MultiPolygon": "Polygon", "MultiLineString": "LineString"}.get(kind, kind)
    options = {"ENCODING": "UTF-8", "DBF_DATE_LAST_UPDATE": _WHEN, "RESIZE": "YES"}
    pyogrio.write_dataframe(layer, path, driver="ESRI Shapefile", geometry_type=shape, layer_options=options)
