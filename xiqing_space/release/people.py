"""Children by zone and age band for a public release: which figures may stand, and a demand table that holds nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.release.suppress import Sum, hide_crossed, is_small

DISTRICT = "*"
PARTS = {"urban": "*urban", "rural": "*rural"}
Columns = tuple[str, ...]


@dataclass(frozen=True)
class People:
    """Children by zone: sums of bands, and which of them may not be shown.

    Attributes
    ----------
    sums : DataFrame
        Zones (`*` the district, `*urban`, `*rural`) × columns of bands, and homes.
    hidden : set
        (zone, age group) of children that may not be shown.
    members : dict
        `*`, `*urban`, `*rural` -> their zones.
    """

    sums: pd.DataFrame
    hidden: set[tuple[str, str]]
    members: dict[str, list[str]]
    relative: bool

    def is_hidden(self, zone: str, columns: Columns) -> bool:
        """Whether the children of a zone may not be shown; a zone without homes hides nothing."""
        return any((zone, one) in self.hidden for one in columns)


def band_columns(catalogue: Catalogue) -> Columns:
    """Columns of the five age groups; children are all of them together."""
    return tuple(
        dict.fromkeys(
            [
                *(band.column for band in catalogue.bands.values()),
                "pop_0_2",
                "pop_3_5",
                "pop_6_11",
                "pop_12_14",
                "pop_15_17",
            ]
        )
    )


def columns_of(catalogue: Catalogue, kind: str, band: str) -> Columns:
    """The age groups that a figure counts: of one band, or of all target bands of a kind."""
    if band in catalogue.bands:
        return (catalogue.bands[band].column,)
    bands = catalogue.target_bands(kind) or tuple(catalogue.bands.values())
    return tuple(dict.fromkeys(one.column for one in bands))


def count_people(
    demand: pd.DataFrame, zones: pd.DataFrame, catalogue: Catalogue, floor: float, least_homes: int
) -> People:
    """Sums of the homes inside the area, and what of them may not be shown.

    Relative weights are no children: there a zone with fewer homes than `least_homes` is left out instead.
    """
    inside = demand[demand["inside"].to_numpy(dtype=bool)]
    relative = bool((inside["weight_kind"] == "relative").any())
    columns = band_columns(catalogue)
    named = zones["zone_id"].tolist()
    sums = inside.assign(homes=1.0).groupby("zone_id")[[*columns, "homes"]].sum().reindex(named).fillna(0.0)
    members = {DISTRICT: named} | {
        key: zones.loc[zones["settlement"] == name, "zone_id"].tolist() for name, key in PARTS.items()
    }
    members = {key: some for key, some in members.items() if some or key == DISTRICT}
    for key, some in members.items():
        sums.loc[key] = inside.assign(homes=1.0)[[*columns, "homes"]].sum() if key == DISTRICT else sums.loc[some].sum()
    values, least = sums[list(columns)].to_numpy(dtype=float), float(floor)
    if relative:
        values, least = np.repeat(sums[["homes"]].to_numpy(dtype=float), len(columns), axis=1), float(least_homes)
    return People(sums, _hidden(values, sums.index.tolist(), columns, members, least), members, relative)


def _hidden(
    values: NDArray[np.float64], zones: list[str], columns: Columns, members: dict[str, list[str]], floor: float
) -> set[tuple[str, str]]:
    """Age groups of zones that may not be shown, each age group by itself: sums over ages are left out wherever one of them is."""
    place = {zone: row for row, zone in enumerate(zones)}
    sums = [Sum(place[key], tuple(place[zone] for zone in some)) for key, some in members.items() if some]
    found = set()
    for number, column in enumerate(columns):
        mine = values[:, [number]]
        out = hide_crossed(mine, is_small(mine[:, 0], floor), sums, floor)
        found |= {(zone, column) for zone in zones if out[place[zone]]}
    return found


def zone_demand(
    demand: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, people: People, catalogue: Catalogue
) -> gpd.GeoDataFrame:
    """A demand table of one row per zone: its children, no home. Figures that may not be shown are missing.

    A last row without a zone keeps the district's sum whole; where the district's own figure may not be shown all are missing.
    """
    columns = band_columns(catalogue)
    inside = demand[demand["inside"].to_numpy(dtype=bool)]
    rows = people.sums.loc[zones["zone_id"].tolist(), list(columns)]
    adults = inside.groupby("zone_id")["pop_total"].sum(min_count=1).reindex(rows.index)
    hidden = pd.DataFrame(
        {one: [people.is_hidden(zone, (one,)) for zone in rows.index] for one in columns}, index=rows.index
    )
    shown = rows.mask(hidden)
    shown["pop_total"] = adults.mask(hidden.any(axis=1))
    whole = people.sums.loc[DISTRICT, list(columns)]
    rest = (whole - shown[list(columns)].sum()).clip(lower=0.0)
    rest["pop_total"] = max(inside["pop_total"].sum(min_count=1) - shown["pop_total"].sum(), 0.0)
    for one in columns:
        if people.is_hidden(DISTRICT, (one,)):
            shown[one], rest[one] = np.nan, np.nan
    points = shapely.point_on_surface(zones.geometry.to_numpy())
    frame = pd.concat([shown, rest.to_frame().T], ignore_index=True)
    frame = frame.assign(
        demand_id=[*(f"zone/{zone}" for zone in rows.index), "zone/"], zone_id=[*rows.index, None], compound_id=None, inside=True,
        weight_kind="relative" if people.relative else "persons", placed=False, reason=None, ages_from="stated",
    )  # fmt: skip
    frame["from"] = "zone"
    shapes = np.append(
        points, shapely.Point(shapely.get_coordinates(points).mean(axis=0)) if len(points) else shapely.Point(0, 0)
    )
    return gpd.GeoDataFrame(frame, geometry=gpd.array.from_shapely(shapes, crs=4326))[list(demand.columns)]
