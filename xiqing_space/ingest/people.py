"""How many children live where: every source of people, in a stated order, onto homes. Sums are kept to a relative 1e-9."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.ages import AGES_FROM, CHILD_YEARS, band_ages
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.people_figures import Known, resolve_people
from xiqing_space.ingest.people_sources import SLACK, CompoundPeople, PeopleSources, require_one_basis
from xiqing_space.ingest.people_steps import (
    DISTRICT,
    Work,
    columns,
    spread_buffer,
    spread_compounds,
    spread_district,
    spread_raster,
    spread_zones,
)
from xiqing_space.ingest.population import owner_of
from xiqing_space.ingest.quality import Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

OUT = (
    "demand_id", "zone_id", "compound_id", "inside", *columns(), "weight_kind", "from", "ages_from", "placed", "reason",
    "geometry",
)  # fmt: skip
TOUCH_M2 = 100.0  # a neighbour that shares only its border is none of the area's zones
HOMES = ("demand_id", "zone_id", "compound_id", "inside", "weight", "geometry")


def as_homes(demand: pd.DataFrame) -> pd.DataFrame:
    """Homes of `read_homes` as `spread_people` takes them: their floor-area share is the weight."""
    return pd.DataFrame(demand).rename(columns={"pop_total": "weight"})[list(HOMES)]


def spread_people(
    homes: pd.DataFrame, sources: PeopleSources, zones: pd.DataFrame, area: Area, quality: Quality, *,
    masked_land: Any = None,
) -> pd.DataFrame:  # fmt: skip
    """The `demand` table (unsorted), with `placed`, `reason` and `ages_from` beside its columns.

    Order of precedence: a compound's own figures (reduced in proportion where they exceed their zone's); zone totals, the
    rest of which goes to the zone's other homes by floor area; raster cells; the district's total; the mean per floor area
    for homes of the buffer that nothing reaches. Without any source: relative weights.

    Parameters
    ----------
    homes : DataFrame
        demand_id, zone_id (of the buffer's homes too, where known), compound_id, inside, weight (floor area, not negative),
        geometry (points, EPSG:4326); optional `masked`: dormitories, campuses, industry, which take a share only as part of
        a compound that states people.
    sources : PeopleSources
    zones : DataFrame
        zone_id, name, parent_id, geometry (EPSG:4326); those beyond the area too, where the table has them.
    area : Area
    quality : Quality
    masked_land : geometry, optional
        Land without homes, metric system: people of raster cells on it stay without a place.

    Returns
    -------
    DataFrame
        Columns `OUT`. `from`: compound, zone, raster, district, density or weights. `ages_from`: stated, split (a group across
        bands was divided per year), parent (shares of the zone above) or missing (relative weights). A row with `placed` false
        (`unplaced:<zone_id>`, `unplaced:*`) holds people whose home nobody knows: it belongs in every denominator as unknown,
        and its point is not where they live. People are not rounded.

    Raises
    ------
    InputDataError
        Sources that contradict each other or leave a zone of the area without people; each problem is listed.

    Notes
    -----
    Within a zone, people are spread by floor area: a planner may not read a single home's children off this table.
    """
    basis = require_one_basis(sources)
    homes, hidden = _checked(homes, sources, quality)
    if basis is None:
        return _relative(_rows_of(homes, None))
    known = resolve_people(sources, homes, zones, quality)
    rows = _with_lone_compounds(homes, sources.compounds, known, zones, area)
    rows = rows.assign(share_zone=rows["zone_id"].replace(known.share_zone) if known.share_zone else rows["zone_id"])
    work = Work(rows, area, zones, quality)
    spread_compounds(work, known.compounds)
    spread_zones(work, known.zones)
    stated = set(known.zones.key.tolist()) | set(known.share_zone)
    for zone, value, reason, ages in known.loose:
        work.leave(zone, value, reason, "zone", ages)
    if sources.raster is not None:
        spread_raster(work, sources.raster.cells, known.cells.value, known.cells.ages, stated, hidden, masked_land)
    elif sources.district is None and sources.zones is not None:
        _require_every_zone(sources.zones.source, zones, area, stated)
    if sources.district is not None:
        spread_district(work, known.district.value[0], _told(work, known), stated, str(known.district.ages[0]))
    if sources.raster is None:
        spread_buffer(work)
    table = _assemble(work)
    return _relative(table) if known.without_ages else table


def _checked(homes: pd.DataFrame, sources: PeopleSources, quality: Quality) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Homes in id order; and apart, those on masked land of whose people no compound tells."""
    frame = pd.DataFrame(homes).sort_values("demand_id", kind="stable", ignore_index=True)
    weight = frame["weight"].to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~((weight >= 0) & np.isfinite(weight)))
    wrong = [f"{frame['demand_id'].iloc[one]}: weight = {weight[one]:g}" for one in bad.tolist()]
    if not frame["demand_id"].is_unique:
        twice = sorted(set(frame["demand_id"][frame["demand_id"].duplicated()]))
        wrong += [f"{one}: 编号重复 / id given twice" for one in twice]
    if wrong:
        raise InputDataError("住宅的建筑面积或编号有误 / floor areas or ids of homes are at fault", first=wrong,
                             todo="检查建筑数据 / check the buildings")  # fmt: skip
    frame["weight"] = weight
    hidden = frame.iloc[:0]
    if "masked" in frame.columns:
        listed = set() if sources.compounds is None else set(sources.compounds.frame["compound_id"])
        masked = frame["masked"].astype(bool) & ~frame["compound_id"].isin(listed)
        if masked.any():
            quality.add("people_masked", n=int(masked.sum()))
        hidden, frame = frame[masked], frame[~masked].reset_index(drop=True)
    return frame[list(HOMES)], hidden[list(HOMES)]


def _with_lone_compounds(
    homes: pd.DataFrame, source: CompoundPeople | None, known: Known, zones: pd.DataFrame, area: Area
) -> pd.DataFrame:
    """Homes, and a point for each listed compound in which no home is mapped."""
    if source is None:
        return homes
    lone = set(known.compounds.key) - set(homes["compound_id"].dropna())
    frame = source.frame[source.frame["compound_id"].isin(lone)].sort_values("compound_id", ignore_index=True)
    if not len(frame):
        return homes
    shapes = frame["geometry"] if "geometry" in frame.columns else pd.Series([None] * len(frame), dtype=object)
    if nowhere := [one for one, shape in zip(frame["compound_id"], shapes, strict=True) if shape is None]:
        raise InputDataError(
            "以下小区既无住宅建筑也无位置 / these compounds have neither homes nor a place", where=source.source,
            first=nowhere, todo="补充小区边界，或核对小区编号 / add their outlines, or check their ids",
        )  # fmt: skip
    points = shapely.point_on_surface(project_geometry(shapes.to_numpy(dtype=object), GEOGRAPHIC, area.metric_epsg))
    inside = shapely.intersects(points, area.metric)
    extra = pd.DataFrame(
        {
            "demand_id": [f"compound:{one}" for one in frame["compound_id"]], "zone_id": owner_of(points, zones, "zone_id", area),
            "compound_id": frame["compound_id"].to_numpy(dtype=object), "inside": inside, "weight": 0.0,
            "geometry": to_degrees(points, area.metric_epsg),
        }
    )  # fmt: skip
    return pd.concat([homes, extra], ignore_index=True).sort_values("demand_id", kind="stable", ignore_index=True)


def _require_every_zone(source: str, zones: pd.DataFrame, area: Area, stated: set[str]) -> None:
    shapes = project_geometry(zones["geometry"].to_numpy(dtype=object), GEOGRAPHIC, area.metric_epsg)
    part = shapely.area(shapely.intersection(shapes, area.metric))
    mine = (part > TOUCH_M2) & ~zones["zone_id"].isin(stated).to_numpy()
    if mine.any():
        raise InputDataError(
            "人口表缺少以下分区 / the people table lacks these zones", where=source,
            first=[f"{one} {name}" for one, name in zip(zones["zone_id"][mine], zones["name"][mine], strict=True)],
            todo="补充这些分区，或给出全区总数或人口栅格 / add them, or give the district's total or a raster",
        )  # fmt: skip


def _told(work: Work, known: Known) -> NDArray[np.float64]:
    """What the area's stated zones, cells without homes, and people without a place already hold."""
    shapes = project_geometry(work.zones["geometry"].to_numpy(dtype=object), GEOGRAPHIC, work.area.metric_epsg)
    beyond = set(work.zones["zone_id"][shapely.area(shapely.intersection(shapes, work.area.metric)) <= TOUCH_M2])
    parts = [value for key, value in zip(known.zones.key, known.zones.value, strict=True) if key not in beyond]
    parts += [value for _, value, *_ in known.loose]
    parts += [value for zone, value, _, came, _ in work.unplaced if came == "raster" and not zone.endswith(":buffer")]
    for frame in work.points_found:
        parts += list(frame.loc[frame["inside"], list(columns())].to_numpy(dtype=float))
    return np.asarray([math.fsum(np.nan_to_num(one[column]) for one in parts) for column in range(len(columns()))])


# ---- the table


def _rows_of(rows: pd.DataFrame, work: Work | None) -> pd.DataFrame:
    """Homes as rows of the table; without any source, their weights."""
    years = np.asarray([(high - low + 1) / CHILD_YEARS for low, high in band_ages().values()])
    weight = rows["weight"].to_numpy(dtype=np.float64)
    value = np.column_stack([weight, weight[:, None] * years]) if work is None else work.value
    return pd.DataFrame(
        {
            **{name: rows[name].to_numpy() for name in ("demand_id", "zone_id", "compound_id", "inside")},
            **{name: value[:, column] for column, name in enumerate(columns())},
            "weight_kind": "persons", "from": "weights" if work is None else work.came,
            "ages_from": "missing" if work is None else work.ages, "placed": True, "reason": None,
            "geometry": rows["geometry"].to_numpy(dtype=object),
        },
        columns=list(OUT),
    )  # fmt: skip


def _relative(table: pd.DataFrame) -> pd.DataFrame:
    """Figures as shares of the area's: never persons."""
    total = math.fsum(table.loc[table["inside"], "pop_total"])
    scaled = {name: table[name] / total if total > 0 else table[name] for name in columns()}
    return table.assign(**scaled, weight_kind="relative", ages_from="missing")


def _assemble(work: Work) -> pd.DataFrame:
    table = _rows_of(work.rows, work)
    lost = table[list(band_ages())].isna().any(axis=1)
    if lost.any():
        work.quality.add("homes_without_people", n=int(lost.sum()))
    parts = [table[~lost]]
    for points in work.points_found:
        parts.append(points.assign(weight_kind="persons", placed=True, reason=None)[list(OUT)])
    if work.unplaced:
        parts.append(_unplaced(work))
    whole = pd.concat([one for one in parts if len(one)] or parts[:1], ignore_index=True)
    more = whole[list(band_ages())].sum(axis=1) > whole["pop_total"] * (1 + 1e-9) + SLACK
    if more.any():
        work.quality.add("people_children_exceed", n=int(more.sum()))
    return whole


def _unplaced(work: Work) -> pd.DataFrame:
    """One row per zone for the people whose home nobody knows."""
    epsg = work.area.metric_epsg
    shapes = project_geometry(work.zones["geometry"].to_numpy(dtype=object), GEOGRAPHIC, epsg)
    place = dict(zip(work.zones["zone_id"], shapes, strict=True))
    names = dict(zip(work.zones["zone_id"], work.zones["name"], strict=True)) if "name" in work.zones.columns else {}
    groups: dict[str, list[tuple[str, NDArray[np.float64], str, str, str]]] = {}
    for one in work.unplaced:
        groups.setdefault(one[0], []).append(one)
    rows = []
    for key, mine in sorted(groups.items()):
        zone = key.removesuffix(":buffer")
        land = shapely.intersection(place.get(zone, work.area.metric), work.area.metric)
        inside = key == zone and land.area > TOUCH_M2  # a neighbour only touches the area
        beyond = work.area.buffered.difference(work.area.metric) if key != zone else place.get(zone, work.area.metric)
        point = shapely.point_on_surface(land if inside else beyond)
        value = [math.fsum(column) for column in np.stack([one[1] for one in mine]).T.tolist()]
        reason = ";".join(sorted({one[2] for one in mine}))
        rows.append(
            (f"unplaced:{key}", zone if zone in place else None, None, inside, *value, "persons",
             min(one[3] for one in mine), max((one[4] for one in mine), key=AGES_FROM.index), False, reason,
             to_degrees(point, epsg))
        )  # fmt: skip
        people = value[0] if not math.isnan(value[0]) else math.fsum(value[1:])
        where = ("全区", "the district") if zone == DISTRICT else str(names.get(zone, zone))
        work.quality.add("people_unplaced", id=key, zone=where, n=f"{people:.0f}", reason=reason)
    return pd.DataFrame(rows, columns=list(OUT))
