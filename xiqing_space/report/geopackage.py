"""reports/xiqing_space.gpkg: every layer of a run with its QGIS styles, the same bytes for the same tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from xiqing_space.crs import GEOGRAPHIC
from xiqing_space.errors import OutputError
from xiqing_space.report.joined import Alias, cells_with_shares, homes_with_walks, people_unit, zones_with_figures
from xiqing_space.report.planner_tables import LEFT_OUT, RunTables
from xiqing_space.report.scored import JOINED, crossings_with_scores, streets_with_scores
from xiqing_space.report.styles import Style, styles_of, to_qml
from xiqing_space.schemas import TABLES

FILE = "xiqing_space.gpkg"
WHEN = "2020-01-01T00:00:00.000Z"
_OPTIONS = {"OGR_CURRENT_DATE": WHEN, "OGR_SQLITE_SYNCHRONOUS": "OFF"}
_STYLES = """CREATE TABLE layer_styles (
 id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
 f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
 owner TEXT(30), ui TEXT(30), update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))"""
# drawn from below: what covers much comes first
ORDER = ("landuse", "grounds", "zones", "area", "compounds", "catchments", "land_cells", "barriers", "streets", "nodes", "access_links",
         "cells", "demand", "blind_spots", "mapped_points", "mapped_crossings", "barrier_crossings", "crossings", "surveyed_gates", "gates",
         "gate_rules", "gate_openings", "facilities", "schools", "sightlines", "fixes")  # fmt: skip


def layers_of(run: RunTables) -> dict[str, tuple[pd.DataFrame, dict[str, Alias]]]:
    """The layers with what is joined to them, and headings of the columns that no schema holds.

    Attribute tables that a planner reads follow; `access`, `supply` and the like stay in data/processed, where they are read
    faster.
    """
    spatial = [name for name in run.frames if TABLES[name].spatial]
    order = sorted(spatial, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    layers: dict[str, tuple[pd.DataFrame, dict[str, Alias]]] = {name: (run.frames[name], {}) for name in order}
    if run.has_figures:
        layers["zones"] = zones_with_figures(
            run.frames["zones"], run.homes, run.frames["indicators"], run.catalogue, run.words
        )
    if "cells" in run.frames:
        layers["cells"] = cells_with_shares(run.frames["cells"], run.frames["cell_shares"], run.catalogue)
    if {"demand", "access"} <= set(run.frames):
        layers["demand"] = homes_with_walks(run.frames["demand"], run.frames["access"], run.catalogue)
    if "streets" in run.frames and "segment_scores" in run.frames:
        layers["streets"] = (
            streets_with_scores(run.frames),
            _aliases_from(run, ("street_attributes", "segment_scores")),
        )
    if "crossings" in run.frames:
        layers["crossings"] = (crossings_with_scores(run.frames), _aliases_from(run, ("crossing_scores",)))
    if "gate_rules" in run.frames:
        rules = run.catalogue.gate_rules
        mine = run.frames["gate_rules"]
        layers["gate_rules"] = (mine[mine["rule_id"].isin([key for key, rule in rules.items() if rule.public])], {})
    attributes = [
        name
        for name in run.frames
        if name not in spatial and name not in JOINED and name not in LEFT_OUT and name != "bridge"
    ]
    return layers | {name: (run.frames[name], {}) for name in attributes}


def _aliases_from(run: RunTables, tables: tuple[str, ...]) -> dict[str, Alias]:
    """Headings of columns that were joined on from other tables."""
    found = {
        column.name: (run.words.heading(table, column.name)[0], column.unit)
        for table in tables
        for column in TABLES[table].columns
    }
    return found | {"children": ("经过的学生（按全部步行上学计）", people_unit(run.relative))}


def aliases_of(table: str, frame: pd.DataFrame, extra: Mapping[str, Alias], run: RunTables) -> list[tuple[str, str]]:
    """Chinese names of a layer's columns with their units, in the layer's order (its own id first)."""
    units = {column.name: column.unit for column in TABLES[table].columns}
    named = [("fid", "序号")]
    for column in frame.columns:
        if column == "geometry":
            continue
        zh, unit = extra.get(column) or (run.words.heading(table, column)[0], units.get(column, ""))
        shown = people_unit(run.relative) if unit == "persons or weight" else run.words.unit(unit)
        plain = not shown or unit in (
            "share",
            "see unit",
            "m or min",
            "persons, weight or ha",
            "persons, weight, ha or sites",
        )
        named.append((column, zh if plain else f"{zh}（{shown}）"))
    return named


def write_geopackage(run: RunTables, path: Path, *, area: str, synthetic: bool) -> list[str]:
    """Write the GeoPackage in EPSG:4326; layers keep the tables' names, QGIS shows Chinese ones.

    A home's point in it is for internal use; nothing of this file is to be published.

    Returns
    -------
    list of str
        Layers and attribute tables written.

    Raises
    ------
    OutputError
        The folder cannot be written, or the file is open in another program.
    """
    import pyogrio

    layers = layers_of(run)
    fresh = path.with_name(path.stem + ".new.gpkg")  # GDAL wants the ending
    for rest in (fresh, fresh.with_name(fresh.name + "-journal")):
        rest.unlink(missing_ok=True)
    before = {key: pyogrio.get_gdal_config_option(key) for key in _OPTIONS}
    pyogrio.set_gdal_config_options(_OPTIONS)
    try:
        for name, (frame, _) in layers.items():
            _write_layer(pyogrio, name, frame, fresh)
        with closing(sqlite3.connect(fresh)) as book:
            _describe(book, run, layers, area, synthetic)
        fresh.replace(path)
    except (OSError, sqlite3.Error, pyogrio.errors.DataSourceError) as error:
        raise OutputError(
            "无法写入 GeoPackage / the GeoPackage cannot be written", where=path.name,
            todo="如已在 QGIS 中打开，请先关闭 / close it in QGIS if it is open there",
        ) from error  # fmt: skip
    finally:
        pyogrio.set_gdal_config_options(before)
        fresh.unlink(missing_ok=True)
    return list(layers)


def _write_layer(pyogrio: Any, name: str, frame: pd.DataFrame, path: Path) -> None:
    """One layer or attribute table, through Arrow: half the time of row by row."""
    kinds = [column.geometry for column in TABLES[name].columns if column.dtype == "geometry"]
    shaped: dict[str, Any] = {} if path.exists() else {"dataset_options": {"VERSION": "1.2"}}  # older QGIS read it too
    shaped |= {"geometry_type": kinds[0], "layer_options": {"GEOMETRY_NAME": "geom"}} if kinds else {}
    plain = gpd.GeoDataFrame(frame, geometry="geometry", crs=GEOGRAPHIC) if kinds else frame
    pyogrio.write_dataframe(plain, path, driver="GPKG", layer=name, use_arrow=True, **shaped)


def _describe(
    book: sqlite3.Connection,
    run: RunTables,
    layers: Mapping[str, tuple[pd.DataFrame, dict[str, Alias]]],
    area: str,
    synthetic: bool,
) -> None:
    """Chinese identifiers and descriptions, and the styles."""
    label = "【示例数据 / synthetic sample】" if synthetic else ""
    with book:
        book.execute(_STYLES)
        book.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change) VALUES (?, ?, ?, ?, ?)",
            ("layer_styles", "attributes", "layer_styles", "QGIS 样式 / styles", WHEN),
        )
        for name, (frame, extra) in layers.items():
            zh, note = run.words.table(name)
            book.execute(
                "UPDATE gpkg_contents SET identifier = ?, description = ?, last_change = ? WHERE table_name = ?",
                (f"{label}{zh}（{name}）", f"{label}{area}：{note or zh}。{run.note}", WHEN, name),
            )
            if not TABLES[name].spatial:
                continue
            aliases = aliases_of(name, frame, extra, run)
            for number, style in enumerate(styles_of(name, frame, run.catalogue, run.words)):
                _add_style(book, name, style, to_qml(style, aliases), number == 0)


def _add_style(book: sqlite3.Connection, layer: str, style: Style, qml: str, default: bool) -> None:
    book.execute(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML, styleSLD,"
        " useAsDefault, description, owner, ui, update_time) VALUES ('', '', ?, 'geom', ?, ?, '', ?, ?, '', NULL, ?)",
        (layer, style.name[:30], qml, default, style.name, WHEN),
    )
