"""Homes -> cells for a public release: children of a cell, shares of its children by what they reach, and classes for the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.release import ReleaseRules
from xiqing_space.coverage.by_home import AccessByHome
from xiqing_space.indicators.home_classes import COVERED, NOT_COVERED, PARTLY, UNKNOWN, circle_classes, home_classes
from xiqing_space.release.grid import cell_corners, cell_names, clipped_squares
from xiqing_space.release.people import People, band_columns, columns_of
from xiqing_space.release.suppress import hide_parts, is_small

CIRCLE, CELL_WITHHELD = "circle", 4
View = tuple[str, str, str]  # kind, standard, measure


@dataclass(frozen=True)
class Cells:
    """Cells, their shares on the default standards, and the class of every cell for every view (4: not shown)."""

    cells: gpd.GeoDataFrame
    shares: pd.DataFrame
    classes: dict[View, NDArray[np.uint8]]


def build_cells(
    demand: gpd.GeoDataFrame,
    access: pd.DataFrame,
    zones: gpd.GeoDataFrame,
    catalogue: Catalogue,
    rules: ReleaseRules,
    people: People,
    floor: float,
    epsg: int,
) -> Cells:
    """Cells of the area in which children live; homes at places that nobody knows are in none.

    A cell says nothing of a single child: fewer than the floor are never shown, nor what would give them away by subtraction
    from the zone. Relative weights are no children: such cells have shares alone, and need `least_homes` homes.

    Parameters
    ----------
    demand, access, zones : DataFrame
        Tables of the run.
    floor : float
        Least number of children of a cell that is shown.
    epsg : int
        The metric system.
    """
    homes = demand[demand["inside"].to_numpy(dtype=bool) & demand["placed"].to_numpy(dtype=bool)].reset_index(drop=True)
    corners = cell_corners(homes.geometry.to_numpy(), epsg, rules.cell_m)
    home_cell, names = pd.factorize(pd.Series(cell_names(corners, homes["zone_id"])), sort=True)
    _, first = np.unique(home_cell, return_index=True)
    zone_of = homes["zone_id"].iloc[first].reset_index(drop=True)
    columns = list(band_columns(catalogue))
    each = homes[columns].to_numpy(dtype=float).sum(axis=1)
    children = np.bincount(home_cell, each, minlength=len(names)).astype(np.float64)
    count = np.bincount(home_cell, minlength=len(names)).astype(np.float64)
    hidden = _hidden(children, count, zone_of, people, rules, floor, tuple(columns))
    cells = gpd.GeoDataFrame(
        {
            "cell_id": list(names), "zone_id": zone_of, "weight_kind": "relative" if people.relative else "persons",
            "children": np.where(hidden | people.relative, np.nan, np.round(children)), "withheld": hidden,
        },
        geometry=gpd.array.from_shapely(clipped_squares(corners[first], rules.cell_m, zone_of, zones, epsg), crs=4326),
    )  # fmt: skip
    drawn = _Drawn(homes, home_cell, len(names), hidden, catalogue, rules, floor, people.relative)
    classes, shares = drawn.all_views(AccessByHome(access, homes["demand_id"]))
    return Cells(
        cells,
        shares.assign(cell_id=np.asarray(names, dtype=object)[shares["cell"].to_numpy(dtype=np.intp)]).drop(
            columns="cell"
        ),
        classes,
    )


def _hidden(
    children: NDArray[np.float64],
    homes: NDArray[np.float64],
    zone_of: pd.Series,
    people: People,
    rules: ReleaseRules,
    floor: float,
    columns: tuple[str, ...],
) -> NDArray[np.bool_]:
    """Cells that are not shown; all of a zone whose own number is not."""
    shut = np.asarray([isinstance(zone, str) and people.is_hidden(zone, columns) for zone in zone_of], dtype=bool)
    group = pd.factorize(zone_of.fillna("").astype(str))[0].astype(np.intp)
    values, least = (homes, float(rules.least_homes)) if people.relative else (children, floor)
    hidden: NDArray[np.bool_] = hide_parts(values, is_small(values, least), group, least) | shut
    return hidden


class _Drawn:
    """Shares of every cell's children by class, for one view after the other."""

    def __init__(
        self, homes: pd.DataFrame, home_cell: NDArray[np.intp], cells: int, hidden: NDArray[np.bool_], catalogue: Catalogue, rules: ReleaseRules,
        floor: float, relative: bool,
    ) -> None:  # fmt: skip
        self.homes, self.home_cell, self.cells, self.hidden = homes, home_cell, cells, hidden
        self.catalogue, self.rules, self.floor, self.relative = catalogue, rules, floor, relative

    def all_views(self, distances: AccessByHome) -> tuple[dict[View, NDArray[np.uint8]], pd.DataFrame]:
        """Classes of every view, and shares of the default ones on foot."""
        catalogue, classes = self.catalogue, {}
        parts: list[pd.DataFrame] = [
            pd.DataFrame({"cell": [], "kind": [], "covered": [], "partly": [], "not_covered": [], "unknown": []})
        ]
        for kind in catalogue.measured_kinds:
            if not distances.has_any(kind):
                continue
            bands = catalogue.target_bands(kind) or tuple(catalogue.bands.values())
            for number, standard in enumerate(catalogue.standards_of(kind)):
                for measure in ("walk", "radius") if standard.unit == "m" else ("walk",):
                    shares = self._shares(home_classes(distances, kind, standard, measure, bands), kind)
                    classes[kind, standard.id, measure] = self._classes(shares)
                    if not number and measure == "walk":
                        parts.append(self._rows(kind, shares))
        mapped = {kind for kind in catalogue.circle if distances.has_any(kind)}
        if mapped:
            shares = self._shares(
                circle_classes(distances, catalogue, mapped, (COVERED, PARTLY, NOT_COVERED, UNKNOWN)), CIRCLE
            )
            classes[CIRCLE, CIRCLE, "walk"] = self._classes(shares)
            parts.append(self._rows(CIRCLE, shares))
        return classes, pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)

    def _shares(self, classes: NDArray[np.uint8], kind: str) -> NDArray[np.float64]:
        """Shares by class in steps (cells, 4); missing where the children of the kind's ages are fewer than the floor."""
        weight = self.homes[list(columns_of(self.catalogue, kind, "*"))].to_numpy(dtype=float).sum(axis=1)
        sums = np.bincount(self.home_cell * 4 + classes, weight, minlength=self.cells * 4).reshape(self.cells, 4)
        total = sums.sum(axis=1)
        shut = self.hidden | (total <= 0) | (~np.full(self.cells, self.relative) & is_small(total, self.floor))
        step = self.rules.share_step
        shares = np.round(sums / np.where(total > 0, total, 1.0)[:, None] / step) * step
        return np.where(shut[:, None], np.nan, np.round(shares, 6))

    def _classes(self, shares: NDArray[np.float64]) -> NDArray[np.uint8]:
        whole, half = self.rules.whole - 1e-9, self.rules.half - 1e-9
        with np.errstate(invalid="ignore"):
            named = np.select([np.isnan(shares[:, 0]), shares[:, UNKNOWN] >= half, shares[:, COVERED] >= whole, shares[:, NOT_COVERED] >= whole],
                              [CELL_WITHHELD, UNKNOWN, COVERED, NOT_COVERED], PARTLY)  # fmt: skip
        return named.astype(np.uint8)

    def _rows(self, kind: str, shares: NDArray[np.float64]) -> Any:
        at = np.flatnonzero(~np.isnan(shares[:, 0]))
        values = {
            name: shares[at, one]
            for name, one in (
                ("covered", COVERED),
                ("partly", PARTLY),
                ("not_covered", NOT_COVERED),
                ("unknown", UNKNOWN),
            )
        }
        return pd.DataFrame({"cell": at, "kind": kind, **values})
