"""How completely the streets of each zone are mapped: lengths against area, built-up area and homes, and homes without a street."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog.checkup import Completeness
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.ingest.quality import Quality

COMPLETENESS_COLUMNS = (
    "zone_id", "name", "area_km2", "street_km", "walk_km", "street_km_per_km2", "walk_km_per_km2", "builtup_km2",
    "walk_km_per_builtup_km2", "walk_m_per_home", "homes", "homes_far", "homes_unlinked", "homes_without", "share_without",
    "ratio_to_median", "state",
)  # fmt: skip
_DIGITS = 6


def street_completeness(
    streets: pd.DataFrame,
    zones: pd.DataFrame,
    demand: pd.DataFrame,
    links: pd.DataFrame | None,
    metric_epsg: int,
    rules: Completeness,
) -> pd.DataFrame:
    """Mapped streets of each zone, and whether they are plainly unfinished.

    A zone that is not `unfinished` may still lack streets: sparse mapping that is even over the district is not seen, and a street
    of the wrong class is not either. A planner may not read the columns as the density of real streets.

    Parameters
    ----------
    streets : DataFrame
        `edge_id, walk, geometry` (EPSG:4326).
    zones : DataFrame
        `zone_id, name, geometry` (EPSG:4326).
    demand : DataFrame
        `demand_id, zone_id, inside, geometry`: homes, or compounds where homes are not known. Only those inside count.
    links : DataFrame or None
        `access_links` of the run, where it exists: a home without any link of profile `walk` counts as unlinked.
    metric_epsg : int
        System in metres in which lengths, areas and distances are measured.
    rules : Completeness
        Numbers of the catalogue.

    Returns
    -------
    DataFrame
        `COMPLETENESS_COLUMNS`, by zone_id. Lengths in km, areas in km², `walk_m_per_home` in metres per home, shares 0–1.
        `homes_without`: no walkable street within `far_m`, or unlinked. `ratio_to_median`: walk_km_per_builtup_km2 over the
        median of the zones that have homes. `state`: `ok`, `unfinished`, `few_homes`, `no_homes`. What cannot be measured is NaN.
        A street that runs along the border of two zones counts for both.
    """
    zones = zones.sort_values("zone_id", ignore_index=True)
    streets = streets.sort_values("edge_id", ignore_index=True)
    homes = demand[demand["inside"].to_numpy(dtype=bool)].sort_values("demand_id", ignore_index=True)
    shapes = project_geometry(zones["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    lines = project_geometry(streets["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    points = project_geometry(homes["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    walk = lines[streets["walk"].to_numpy(dtype=bool)]
    owner = pd.Index(zones["zone_id"]).get_indexer(pd.Index(homes["zone_id"].astype(object)))
    built = _built_up(points, owner, shapes, rules.cell_m.value)
    far = _far(points, walk, rules.far_m.value)
    unlinked = _unlinked(homes["demand_id"], links)
    area = shapely.area(shapes) / 1e6
    built_area = shapely.area(built) / 1e6
    walk_km, built_km = _length_km(walk, shapes), _length_km(walk, built)
    count = np.bincount(owner[owner >= 0], minlength=len(zones))
    without = far if unlinked is None else far | unlinked
    n_without = _count(without, owner, len(zones))
    table = pd.DataFrame({"zone_id": zones["zone_id"], "name": zones["name"], "area_km2": area})
    table["street_km"], table["walk_km"] = _length_km(lines, shapes), walk_km
    table["street_km_per_km2"] = table["street_km"] / area
    table["walk_km_per_km2"] = walk_km / area
    table["builtup_km2"] = np.where(count > 0, built_area, np.nan)
    table["walk_km_per_builtup_km2"] = _per(built_km, built_area)
    table["walk_m_per_home"] = _per(walk_km * 1000.0, count)
    table["homes"], table["homes_far"] = count, _count(far, owner, len(zones))
    table["homes_unlinked"] = np.nan if unlinked is None else _count(unlinked, owner, len(zones))
    table["homes_without"], table["share_without"] = n_without, _per(n_without, count)
    table["ratio_to_median"] = _to_median(table["walk_km_per_builtup_km2"].to_numpy(dtype=float), rules.min_zones.value)
    table["state"] = [
        _state(int(homes_), share, ratio, rules)
        for homes_, share, ratio in zip(count, table["share_without"], table["ratio_to_median"], strict=True)
    ]
    numbers = table.select_dtypes("float").columns
    table[numbers] = table[numbers].round(_DIGITS)
    return table[list(COMPLETENESS_COLUMNS)]


def _state(homes: int, share: float, ratio: float, rules: Completeness) -> str:
    if homes == 0:
        return "no_homes"
    if homes < rules.min_homes.value:
        return "few_homes"
    sparse = ratio < rules.least_of_median.value  # NaN where there is nothing to compare with: not sparse
    if (sparse and share > rules.share_without.value) or share > rules.share_without_alone.value:
        return "unfinished"
    return "ok"


def _per(value: Any, by: Any) -> NDArray[np.float64]:
    top, bottom = np.asarray(value, dtype=float), np.asarray(by, dtype=float)
    found: NDArray[np.float64] = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
    return found


def _count(flag: NDArray[np.bool_], owner: NDArray[np.intp], zones: int) -> NDArray[np.intp]:
    return np.bincount(owner[flag & (owner >= 0)], minlength=zones)


def _to_median(density: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    known = density[~np.isnan(density)]
    if len(known) < least or np.median(known) <= 0:
        return np.full(len(density), np.nan)
    ratio: NDArray[np.float64] = density / np.median(known)
    return ratio


def _built_up(points: Any, owner: NDArray[np.intp], shapes: Any, cell_m: float) -> NDArray[np.object_]:
    """Of each zone, the cells of a fixed grid that hold its homes, cut at its border."""
    placed = owner >= 0
    corner = np.floor(shapely.get_coordinates(points[placed]) / cell_m).astype(np.int64)
    cells = np.unique(np.column_stack([owner[placed], corner]), axis=0)
    boxes = shapely.box(*(cells[:, 1:] * cell_m).T, *((cells[:, 1:] + 1) * cell_m).T)
    found = np.full(len(shapes), shapely.Polygon(), dtype=object)
    for zone in np.unique(cells[:, 0]):
        found[zone] = shapely.intersection(shapely.union_all(boxes[cells[:, 0] == zone]), shapes[zone])
    return found


def _far(points: Any, walk: Any, far_m: float) -> NDArray[np.bool_]:
    """Points with no line within a distance, decided to the centimetre."""
    far = np.ones(len(points), dtype=bool)
    if len(points) and len(walk):
        (at, _), distance = shapely.STRtree(walk).query_nearest(
            points, max_distance=far_m + 1.0, return_distance=True, all_matches=False
        )
        far[at[np.round(distance, 2) <= far_m]] = False
    return far


def _unlinked(homes: pd.Series, links: pd.DataFrame | None) -> NDArray[np.bool_] | None:
    if links is None:
        return None
    mine = links[(links["owner_type"] == "demand") & (links["profile"] == "walk") & links["linked"].astype(bool)]
    without: NDArray[np.bool_] = ~homes.isin(set(mine["owner_id"])).to_numpy(dtype=bool)
    return without


def _length_km(lines: Any, polygons: Any) -> NDArray[np.float64]:
    """Length of lines inside each polygon. Lines wholly inside are added as they are, the others are cut."""
    total = np.zeros(len(polygons))
    if not len(lines):
        return total
    tree = shapely.STRtree(lines)
    length = shapely.length(lines)
    for number, polygon in enumerate(polygons):
        if polygon.is_empty:
            continue
        touched = np.sort(tree.query(polygon, predicate="intersects"))
        inside = np.sort(tree.query(polygon, predicate="covers"))
        cut = np.setdiff1d(touched, inside, assume_unique=True)
        total[number] = length[inside].sum() + shapely.length(shapely.intersection(lines[cut], polygon)).sum()
    return total / 1000.0


def note_unfinished(table: pd.DataFrame, quality: Quality) -> None:
    """Add a doubt for each zone whose streets are plainly unfinished."""
    for one in table[table["state"] == "unfinished"].to_dict("records"):
        why_zh, why_en = [], []
        if not np.isnan(one["ratio_to_median"]):
            density, ratio = f"{one['walk_km_per_builtup_km2']:.2f} km/km²", f"{one['ratio_to_median']:.0%}"
            why_zh.append(f"建成区可步行路网 {density}，为各分区中位数的 {ratio}")
            why_en.append(f"{density} of walkable street where built up, {ratio} of the zones' median")
        why_zh.append(f"{one['share_without']:.0%} 的住宅附近没有街道")
        why_en.append(f"{one['share_without']:.0%} of the homes without a street")
        quality.add(
            "streets_unfinished", id=str(one["zone_id"]), name=one["name"], why=("；".join(why_zh), "; ".join(why_en))
        )
