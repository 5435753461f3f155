"""Part of stage ingest: who lives where, from the tables and rasters that the configuration names."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.errors import ConfigError, InputDataError
from xiqing_space.ingest.ages import read_age_group
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.columns import find_columns
from xiqing_space.ingest.counts import MOST, UNITS, read_count
from xiqing_space.ingest.headers import header_scale
from xiqing_space.ingest.landuse import of_use, within_use
from xiqing_space.ingest.membership import PREFIXES
from xiqing_space.ingest.people import as_homes, spread_people
from xiqing_space.ingest.people_sources import (
    COUNTED_ZH,
    Basis,
    DistrictPeople,
    PeopleSources,
    RasterPeople,
    ZonePeople,
    read_basis,
)
from xiqing_space.ingest.raster import read_people_raster
from xiqing_space.ingest.sheets import Sheet, read_sheet
from xiqing_space.ingest.zone_tables import read_compound_people, read_zone_people
from xiqing_space.sections import TableConfig
from xiqing_space.stages.context import Context

_ZONE_FIELDS = {"zone": "town", "community": "community", "households": "households", "pop_total": "pop_total",
                "year": "base_year"}  # fmt: skip
_COMPOUND_FIELDS = {"compound": "compound", "households": "households", "children": "children", "pop_total": "pop_total",
                    "year": "base_year"}  # fmt: skip
_ALIAS_FIELDS = {"old_name": "old", "new_name": "new", "change": "kind", "date": "date"}


def _table(
    given: TableConfig, role: str, fields: dict[str, str], required: tuple[str, ...], context: Context
) -> pd.DataFrame:
    """A table as text under the fields' names, other columns under their own headings, with the file's row numbers."""
    sheet = read_sheet(given.file, sheet=given.sheet, header_row=given.header_row, encoding=given.encoding,
                       keep_total=role == "zones")  # fmt: skip
    sheet.note_doubts(context.quality)
    found = find_columns(sheet, tuple(fields), given.columns, required=required)
    context.rows_read[f"population.{role}"] = len(sheet.rows) - (sheet.total is not None)
    frame = _in_persons(sheet).rename(columns={header: fields[field] for field, header in found.items()})
    if sheet.total is not None:  # its word may stand in any column
        at = sheet.rows.index(sheet.total)
        names = [one for one in ("town", "community") if one in frame.columns]
        frame.loc[frame.index[at], names] = None
        frame.loc[frame.index[at], names[:1]] = "合计"
    return frame.assign(row=[str(one) for one in sheet.rows])


def _in_persons(sheet: Sheet) -> pd.DataFrame:
    """The sheet's cells with the unit that their header states (万人, 千人) behind each figure, and ages without it in the header."""
    if re.search(r"(?:计量)?单位\s*[:：]?\s*[万千]", sheet.above):
        raise InputDataError(
            "表头以上写明单位为万人（或千人），读取时无法确定适用于哪些列 / a unit of thousands is stated above the header: to which columns?",
            where=sheet.source, todo="把单位写进各列表头，如 常住人口（万人），并删去该说明 / state the unit in each header and remove that line",
        )  # fmt: skip
    frame, renamed = sheet.frame.copy(), {}
    units = {float(scale): unit for unit, scale in UNITS.items()}
    for header in map(str, sheet.frame.columns):
        unit = units.get(header_scale(header))
        if unit is None:
            continue
        frame[header] = [
            one if one is None or (read_count(one)[1] == "" and math.isnan(read_count(one)[0])) else f"{one}{unit}"
            for one in frame[header].tolist()
        ]
        bare = re.sub(r"[(（\[【][^)）\]】]*[万千][^)）\]】]*[)）\]】]", "", header)
        if read_age_group(bare) and bare not in frame.columns:
            renamed[header] = bare
    return frame.rename(columns=renamed)


def _with_towns(rows: pd.DataFrame, given: TableConfig, context: Context) -> pd.DataFrame:
    """Towns of communities that a table names alone, from the membership table."""
    if "town" in rows.columns or "community" not in rows.columns:
        return rows
    belongs = _table(given, "membership", {"zone": "town", "community": "community"}, ("zone", "community"), context)
    pairs = belongs.dropna(subset=["community", "town"]).drop_duplicates(["community", "town"])
    twice = sorted(set(pairs.loc[pairs["community"].duplicated(keep=False), "community"]))
    if twice := [one for one in twice if one in set(rows["community"])]:
        raise InputDataError(
            "隶属表中同一社区属于几个街镇 / a community belongs to several towns in the membership table",
            where=given.file.name, first=twice, todo="在人口表中加上街镇列 / add a column of towns to the people table",
        )  # fmt: skip
    return rows.assign(town=rows["community"].map(dict(zip(pairs["community"], pairs["town"], strict=True))))


def people_sources(context: Context, zones: pd.DataFrame, compounds: pd.DataFrame, area: Area) -> PeopleSources:
    """Every source of people that the configuration names."""
    given, quality = context.config.population, context.quality
    if not (given.zones or given.compounds or given.raster or given.totals):
        return PeopleSources()
    basis = read_basis(given.counted, given.base_year, "[population]")
    quality.add("people_basis", how=(COUNTED_ZH[basis.counted], basis.counted), year=basis.base_year)
    aliases = (
        _table(given.aliases, "aliases", _ALIAS_FIELDS, ("old_name", "new_name"), context) if given.aliases else None
    )
    of_zones, of_district, of_compounds, of_raster = None, None, None, None
    if given.zones is not None:
        rows = _table(given.zones, "zones", _ZONE_FIELDS, (), context)
        if given.membership is not None:
            rows = _with_towns(rows, given.membership, context)
        of_zones, of_district = read_zone_people(rows, given.zones.file.name, basis, zones, quality, aliases=aliases,
                                                 district_names={*PREFIXES, context.config.area.name})  # fmt: skip
        if of_district is not None and _tells_all(of_zones, zones):
            of_district = None  # the row of totals was a check: it leaves nobody for homes that lie in no zone
        if given.target_year is not None and given.target_year != given.base_year:
            from xiqing_space.ingest.cohort import age_zone_people

            of_zones, of_district = age_zone_people(of_zones, given.target_year, given.scenario, quality), None
    if given.compounds is not None:
        rows = _table(given.compounds, "compounds", _COMPOUND_FIELDS, ("compound",), context)
        of_compounds = read_compound_people(rows, given.compounds.file.name, basis, compounds, quality)
    if given.totals:
        _check_totals(given.totals)
        of_district = DistrictPeople(dict(given.totals), basis, "[population] totals")
    if given.raster is not None:
        of_raster = _raster(given.raster.file, given.raster.unit, given.raster.bands, basis, area, context)
    return PeopleSources(of_compounds, of_zones, of_raster, of_district)


def _tells_all(people: ZonePeople, zones: pd.DataFrame) -> bool:
    """Whether a table has every figure of every zone."""
    figures = people.frame.drop(columns=["zone_id", "row", "unplaced", "reason"])
    return set(zones["zone_id"]) <= set(people.frame["zone_id"]) and not bool(figures.isna().to_numpy().any())


def _check_totals(totals: Mapping[str, float]) -> None:
    """A total that nothing reads would look as if it counted."""
    known = ("pop_total", "households")
    if large := [f"{name[:60]} = {value:g}" for name, value in totals.items() if not 0 <= value <= MOST]:
        raise ConfigError(
            "totals 中的数不是人数 / totals hold numbers that are no counts of people", where="[population] totals", first=large,
            todo=f"应为 0 到 {MOST:,.0f} / use numbers from 0 to {MOST:,.0f}",
        )  # fmt: skip
    if strange := [one for one in totals if one not in known and read_age_group(one) is None]:
        raise ConfigError(
            "totals 中有不认识的项 / unknown totals of people", where="[population] totals", first=[one[:60] for one in strange],
            todo="可用：pop_total、households、年龄组如 0-2岁 / use pop_total, households or age groups such as 0-2岁",
        )  # fmt: skip


def _raster(path: Path, unit: Any, bands: Any, basis: Basis, area: Area, context: Context) -> RasterPeople:
    cells = read_people_raster(path, area, context.quality, unit=unit, bands=bands or None)
    return RasterPeople(cells, basis, path.name)


def settle_people(
    context: Context, homes: pd.DataFrame, zones: pd.DataFrame, compounds: pd.DataFrame, landuse: pd.DataFrame | None, area: Area
) -> pd.DataFrame:  # fmt: skip
    """The `demand` table: people where a source tells of them, else relative weights."""
    sources = people_sources(context, zones, compounds, area)
    masked_land = None
    if landuse is not None and len(homes):
        homes = homes.assign(masked=within_use(landuse, "no_homes", homes["geometry"].to_numpy(dtype=object)))
        land = of_use(landuse, "no_homes")["geometry"].to_numpy(dtype=object)
        masked_land = shapely.union_all(project_geometry(land, GEOGRAPHIC, area.metric_epsg)) if len(land) else None
    if not any(sources.present()):
        return _without_masked(context, homes)
    kept = as_homes(homes)
    if "masked" in homes.columns:
        kept = kept.assign(masked=homes["masked"].to_numpy(dtype=bool))
    demand = spread_people(kept, sources, zones, area, context.quality, masked_land=masked_land)
    _require_whole(kept, demand, sources)
    if len(demand) and demand["weight_kind"].eq("persons").all():
        # said when homes were read, before anybody knew of people
        context.quality.rows[:] = [one for one in context.quality.rows if one["check"] != "homes_relative"]
    return demand


def _require_whole(homes: pd.DataFrame, demand: pd.DataFrame, sources: PeopleSources) -> None:
    """A table of some compounds alone says nothing of the other homes' children: figures would be theirs and called the district's."""
    if sources.compounds is None or sources.zones or sources.raster or sources.district:
        return
    mine = homes["inside"] & ~homes.get("masked", pd.Series(False, index=homes.index)).astype(bool)
    if lost := int((mine & ~homes["demand_id"].isin(demand["demand_id"])).sum()):
        raise InputDataError(
            f"小区人口表之外还有 {lost} 栋住宅没有任何人口来源 / {lost} homes are in no compound of the table and no source tells of them",
            where=sources.compounds.source,
            todo="补充街镇人口表（zones）、人口栅格（raster）或全区总数（totals） / add a table of zones, a raster, or totals",
        )  # fmt: skip


def _without_masked(context: Context, homes: pd.DataFrame) -> pd.DataFrame:
    """Relative weights without homes on masked land, made to sum to 1 again."""
    if "masked" not in homes.columns:
        return homes
    masked = homes["masked"].to_numpy(dtype=bool)
    if masked.any():
        context.quality.add("people_masked", n=int(masked.sum()))
    kept = homes[~masked].drop(columns="masked")
    total = kept.loc[kept["inside"], "pop_total"].sum()
    figures = [name for name in kept.columns if name.startswith("pop_")]
    return kept.assign(**{name: kept[name] / total for name in figures}) if total > 0 and np.isfinite(total) else kept
