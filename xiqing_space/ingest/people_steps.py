"""The steps by which known people reach homes: compounds, zones, raster, district, and the buffer's mean density."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.ingest.ages import AGES_FROM, band_ages
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.people_sources import SLACK
from xiqing_space.ingest.population import owner_of
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.raster import RasterCells
from xiqing_space.ingest.sharing import group_sums, share_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEGLIGIBLE = 1e-12  # of a total: what float arithmetic leaves over
DISTRICT = "*"
CHUNK = 100_000


def columns() -> tuple[str, ...]:
    """The figures that are shared out, all people first."""
    return ("pop_total", *band_ages())


@dataclass(frozen=True)
class Figures:
    """Resolved figures of a source: its keys, `value` (rows, columns()), how ages are known."""

    key: NDArray[np.object_]
    value: NDArray[np.float64]
    ages: NDArray[np.object_]


@dataclass
class Work:
    """Homes while people are shared out to them. `value` is NaN where nothing has reached a home yet."""

    rows: pd.DataFrame
    area: Area
    zones: pd.DataFrame
    quality: Quality
    value: NDArray[np.float64] = field(init=False)
    came: NDArray[np.object_] = field(init=False)
    ages: NDArray[np.object_] = field(init=False)
    unplaced: list[tuple[str, NDArray[np.float64], str, str, str]] = field(default_factory=list)
    points_found: list[pd.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start with nothing known."""
        many = len(self.rows)
        self.value = np.full((many, len(columns())), np.nan)
        self.came = np.full(many, "", dtype=object)
        self.ages = np.full(many, "stated", dtype=object)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Rows inside the area."""
        return np.asarray(self.rows["inside"], dtype=bool)

    @property
    def weight(self) -> NDArray[np.float64]:
        """Floor area of the rows."""
        return np.asarray(self.rows["weight"], dtype=np.float64)

    def code(self, column: str, keys: NDArray[np.object_]) -> NDArray[np.intp]:
        """Place of each row's id among keys, -1 for none."""
        return np.asarray(pd.Index(keys, dtype=object).get_indexer(self.rows[column].astype(object)), dtype=np.intp)

    def give(self, mine: NDArray[np.bool_], column: int, shares: NDArray[np.float64], came: str, ages: Any) -> None:
        """Write shares where `mine`; origin and ages told are those of the bands, where bands are known."""
        self.value[mine, column] = shares[mine]
        self.came[mine & ((self.came == "") | (column > 0))] = came
        if column > 0:  # the total of people says nothing of ages
            self.ages[mine] = ages[mine] if isinstance(ages, np.ndarray) else ages

    def leave(self, zone: str, value: NDArray[np.float64], reason: str, came: str, ages: str) -> None:
        """People without a place."""
        self.unplaced.append((zone, value, reason, came, ages))


def _of_rows(ages: NDArray[np.object_], code: NDArray[np.intp]) -> NDArray[np.object_]:
    return np.append(ages, "stated")[code]  # -1, a row of no group, takes the last


def spread_compounds(work: Work, known: Figures) -> None:
    """Each compound's own figures over its homes by floor area."""
    code = work.code("compound_id", known.key)
    for column in range(len(columns())):
        shares, _ = share_out(known.value[:, column], code, work.weight)
        work.give(~np.isnan(shares), column, shares, "compound", _of_rows(known.ages, code))


def spread_zones(work: Work, known: Figures) -> None:
    """The rest of each zone's people over its other homes; zones that compounds overfill keep their total.

    Rule: where compounds hold more than their zone, the zone's total stands and they are reduced in proportion.
    """
    code = work.code("share_zone", known.key)
    many = len(known.key)
    left = np.zeros_like(known.value)
    for column, name in enumerate(columns()):
        total = known.value[:, column]
        fixed = (code >= 0) & ~np.isnan(work.value[:, column])
        held = group_sums(np.where(fixed, code, -1), np.where(fixed, work.value[:, column], 0.0), many)
        over = held > total
        for zone in np.flatnonzero(held > total + SLACK).tolist():
            work.quality.add("people_compounds_exceed", id=str(known.key[zone]), zone=str(known.key[zone]), column=name,
                             compounds=f"{held[zone]:.0f}", total=f"{total[zone]:.0f}")  # fmt: skip
        scale = np.divide(total, held, out=np.ones_like(held), where=over)
        work.value[fixed, column] *= scale[code[fixed]]
        rest = np.where(over, 0.0, total - held)
        free = (code >= 0) & np.isnan(work.value[:, column])
        shares, placed = share_out(rest, np.where(free, code, -1), work.weight)
        work.give(free & ~np.isnan(shares), column, shares, "zone", _of_rows(known.ages, code))
        left[:, column] = np.where(placed | ~(rest > NEGLIGIBLE * np.maximum(total, 1.0)), 0.0, rest)
        left[np.isnan(total), column] = np.nan
    lived_in = set(work.rows["share_zone"].dropna())
    for zone in np.flatnonzero((left > 0).any(axis=1)).tolist():
        reason = "no_home_left_in_zone" if known.key[zone] in lived_in else "no_home_in_zone"
        work.leave(str(known.key[zone]), left[zone], reason, "zone", str(known.ages[zone]))


def _shares_of_region(polygons: Any, region: Any) -> NDArray[np.float64]:
    """The part of each cell's own area that lies in a region."""
    shapely.prepare(region)
    part = np.asarray(shapely.contains_properly(region, polygons), dtype=np.float64)
    edge = (part == 0) & shapely.intersects(region, polygons)
    part[edge] = shapely.area(shapely.intersection(polygons[edge], region)) / shapely.area(polygons[edge])
    return part


def spread_raster(
    work: Work,
    cells: RasterCells,
    values: NDArray[np.float64],
    ages: NDArray[np.object_],
    stated: set[str],
    hidden: pd.DataFrame,
    masked: Any,
) -> None:
    """Cells over the homes that lie in them, where no zone's total holds.

    A cell that an edge of the area, or of a zone with a total, cuts is apportioned by exact area. Its people go to the homes
    in that part by floor area; where none is mapped, the part becomes a place of its own, or stays without a place where only
    masked homes (`hidden`) lie in it or its land is masked (`masked`: one geometry of the metric system, or None).
    """
    rows, cols = cells.frame["row"].to_numpy(dtype=np.intp), cells.frame["col"].to_numpy(dtype=np.intp)
    shapes = project_geometry(work.zones["geometry"].to_numpy(dtype=object), GEOGRAPHIC, work.area.metric_epsg)
    told = shapely.union_all(shapes[work.zones["zone_id"].isin(stated).to_numpy()])
    homes = project_geometry(work.rows["geometry"].to_numpy(dtype=object), GEOGRAPHIC, work.area.metric_epsg)
    home_row, home_col = cells.locate(homes, work.area.metric_epsg)
    wide = int(max(cols.max(initial=0), home_col.max(initial=0))) + 2
    index = pd.Index(rows * wide + cols)
    at = np.asarray(index.get_indexer(home_row * wide + home_col), dtype=np.intp)
    at[(home_row < 0) | (home_col < 0)] = -1
    only_masked = np.unique(index.get_indexer(_cell_keys(cells, hidden, wide, work.area.metric_epsg)))
    untold = ~work.rows["zone_id"].isin(stated).to_numpy()
    with_data = cells.holds_data(home_row, home_col)
    for inside in (True, False):
        land = work.area.metric if inside else work.area.buffered.difference(work.area.metric)
        region = land.difference(told)
        part = np.zeros(len(rows))
        for start in range(0, len(rows), CHUNK):
            some = slice(start, start + CHUNK)
            part[some] = _shares_of_region(cells.polygons(rows[some], cols[some], work.area.metric_epsg), region)
        here = untold & (work.inside == inside) & with_data
        code = np.where(here, at, -1)
        mass = values * part[:, None]
        taken = _give_cells(work, code, here, mass, ages)
        lonely = np.flatnonzero((part > 0) & ~taken)
        _cells_without_homes(work, cells, lonely, mass, ages, region, np.isin(lonely, only_masked), masked, inside)


def _cell_keys(cells: RasterCells, homes: pd.DataFrame, wide: int, epsg: int) -> NDArray[np.intp]:
    """One number for the cell of each home; -1 beyond the raster."""
    row, col = cells.locate(project_geometry(homes["geometry"].to_numpy(dtype=object), GEOGRAPHIC, epsg), epsg)
    return np.where((row < 0) | (col < 0) | (col >= wide), -1, row * wide + col)


def _give_cells(
    work: Work, code: NDArray[np.intp], here: NDArray[np.bool_], mass: NDArray[np.float64], ages: NDArray[np.object_]
) -> NDArray[np.bool_]:
    homes = np.zeros(len(mass), dtype=bool)
    for column, name in enumerate(columns()):
        shares, homes = share_out(mass[:, column], code, work.weight)
        shares = np.where(here & (code < 0), 0.0, shares)  # a cell with data and nobody in it: an observed nought
        free = here & np.isnan(work.value[:, column])
        fixed = (code >= 0) & ~free
        if name == "pop_total" and fixed.any() and not np.isnan(shares[fixed]).any():
            by = {"raster": math.fsum(shares[fixed]), "compounds": math.fsum(work.value[fixed, column])}
            work.quality.add("people_raster_replaced", column=name, **{key: f"{one:.0f}" for key, one in by.items()})
        work.give(free, column, shares, "raster", np.where(code >= 0, _of_rows(ages, code), "stated"))
    return homes


def _cells_without_homes(
    work: Work, cells: RasterCells, lonely: NDArray[np.intp], mass: NDArray[np.float64], ages: NDArray[np.object_],
    region: Any, hidden: NDArray[np.bool_], masked: Any, inside: bool,
) -> None:  # fmt: skip
    if not len(lonely):
        return
    epsg = work.area.metric_epsg
    rows, cols = cells.frame["row"].to_numpy()[lonely], cells.frame["col"].to_numpy()[lonely]
    polygons = cells.polygons(rows, cols, epsg)
    points = shapely.centroid(polygons)
    outside = ~shapely.contains_properly(region, polygons)
    points[outside] = shapely.point_on_surface(shapely.intersection(polygons[outside], region))
    if masked is not None:
        hidden = hidden | shapely.intersects(points, masked)
    zone = np.asarray(owner_of(points, work.zones, "zone_id", work.area), dtype=object)
    for one in sorted({"" if key is None else key for key in zone[hidden].tolist()}):
        mine = lonely[hidden & (zone == (one or None))]
        value = np.asarray([math.fsum(mass[mine, column]) for column in range(mass.shape[1])])
        where = one or DISTRICT if inside else f"{one or DISTRICT}:buffer"
        work.leave(where, value, "masked_land", "raster", max(ages[mine].tolist(), key=AGES_FROM.index))
    shown = lonely[~hidden]
    tail = "" if inside else ":buffer"
    work.points_found.append(
        pd.DataFrame(
            {
                "demand_id": [f"raster:r{row}c{col}{tail}" for row, col in zip(rows[~hidden], cols[~hidden], strict=True)],
                "zone_id": zone[~hidden] if inside else None, "compound_id": None, "inside": inside,
                **{name: mass[shown, column] for column, name in enumerate(columns())},
                "from": "raster", "ages_from": ages[shown], "geometry": to_degrees(points[~hidden], epsg),
            }
        )
    )  # fmt: skip


def spread_district(
    work: Work, total: NDArray[np.float64], told: NDArray[np.float64], stated: set[str], ages: str
) -> None:
    """What the district has beyond its stated zones, over the homes inside that no other source reaches.

    Where parts exceed the district they are kept, and the contradiction is noted; where no home is left to take the rest it
    stays without a place.
    """
    rows = work.inside & ~work.rows["zone_id"].isin(stated).to_numpy()
    open_zones = bool(set(work.zones["zone_id"]) - stated)
    left = np.zeros(len(total))
    for column, name in enumerate(columns()):
        mine = work.value[:, column]
        fixed = rows & ~np.isnan(mine)
        parts = math.fsum([told[column], *mine[fixed].tolist()])
        free = rows & np.isnan(mine)
        rest = total[column] - parts
        if rest < -SLACK or (rest > SLACK and not free.any() and not open_zones):
            work.quality.add("people_totals_differ", column=name, parts=f"{parts:.0f}", total=f"{total[column]:.0f}")
        rest = np.maximum(rest, 0.0)  # keeps NaN
        shares, placed = share_out(np.asarray([rest]), np.where(free, 0, -1), work.weight)
        work.give(free, column, shares, "district", ages)
        left[column] = 0.0 if placed[0] or not open_zones else rest
    if (left > NEGLIGIBLE * np.nan_to_num(total, nan=1.0)).any():
        work.leave(DISTRICT, left, "no_home_in_zone", "district", ages)


def spread_buffer(work: Work) -> None:
    """Homes of the buffer that no source reaches get the mean people per floor area of the homes inside."""
    weight, inside = work.weight, work.inside
    reached = np.zeros(len(weight), dtype=bool)
    for column in range(len(columns())):
        mine = work.value[:, column]
        known = inside & ~np.isnan(mine)
        floor = math.fsum(weight[known])
        free = ~inside & np.isnan(mine)
        if floor > 0 and free.any():
            work.give(free, column, weight * (math.fsum(mine[known]) / floor), "density", "parent")
            reached |= free
    if reached.any():
        work.quality.add("people_buffer_density", n=int(reached.sum()))
