"""Part of stage ingest: land use, walled compounds and surveyed gates from the office's own files."""

from __future__ import annotations

import pandas as pd
import shapely

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.compound_files import merge_compounds, read_compound_file, walled
from xiqing_space.ingest.gate_files import read_gate_file
from xiqing_space.ingest.landuse import read_landuse, residential_points, settlement_of_zones
from xiqing_space.ingest.population import owner_of
from xiqing_space.stages.context import Context

CELL_M = 50.0  # side of the cells in which residential land is measured
ROUNDING_HA = 1e-9  # less is what rounding leaves between zones
COMPOUND_COLUMNS = ("compound_id", "name", "households", "geometry")
LANDUSE_COLUMNS = ("landuse_id", "class", "code", "area_ha", "geometry")
CELL_COLUMNS = ("cell_id", "landuse_id", "class", "zone_id", "compound_id", "area_ha", "geometry")
SURVEYED = ("gate_id", "owner_id", "owner_type", "status", "geometry")


def read_land(context: Context, area: Area) -> pd.DataFrame | None:
    """Land use of the study area and its buffer, where the configuration names a file."""
    given = context.config.landuse
    if given is None:
        return None
    return read_landuse(
        given.file, given.preset, metric_epsg=area.metric_epsg, quality=context.quality, column=given.code_column,
        codes=given.own_codes or None, layer=given.layer, crs=given.crs, encoding=given.encoding,
    )  # fmt: skip


def settle(zones: pd.DataFrame, landuse: pd.DataFrame | None, area: Area) -> pd.DataFrame:
    """Zones with the settlement that their residential land tells, where the zones file does not state it."""
    if landuse is None or zones["settlement"].notna().all():
        return zones
    told = settlement_of_zones(zones, landuse, area.metric_epsg).set_index("zone_id")["settlement"]
    found = zones["settlement"].astype(object).where(zones["settlement"].notna(), zones["zone_id"].map(told))
    return zones.assign(settlement=found.where(found.notna(), None))


def cut_land(
    context: Context, landuse: pd.DataFrame | None, zones: pd.DataFrame, compounds: pd.DataFrame, area: Area
) -> None:
    """The `landuse` and `land_cells` tables, both empty where no land use is configured.

    A cell that a compound's wall runs through lies where its point lies.
    """
    if landuse is None:
        context.store.put("landuse", pd.DataFrame())
        context.store.put("land_cells", pd.DataFrame())
        return
    shapes = project_geometry(landuse["geometry"].to_numpy(dtype=object), GEOGRAPHIC, area.metric_epsg)
    near = shapely.intersects(shapes, area.buffered)
    kept = context.store.put("landuse", landuse.loc[near, list(LANDUSE_COLUMNS)])
    cells = residential_points(kept, zones, area.metric_epsg, CELL_M, area.metric)
    cells = cells[cells["area_ha"] > ROUNDING_HA]
    if cells.empty:
        assert context.config.landuse is not None
        context.quality.add("landuse_not_residential", source=context.config.landuse.file.name)
        context.store.put("land_cells", pd.DataFrame())
        return
    points = project_geometry(cells["geometry"].to_numpy(dtype=object), GEOGRAPHIC, area.metric_epsg)
    cells = cells.rename(columns={"point_id": "cell_id"}).assign(
        compound_id=owner_of(points, compounds, "compound_id", area)
    )
    context.store.put("land_cells", cells[list(CELL_COLUMNS)])


def settle_compounds(context: Context, mapped: pd.DataFrame, area: Area) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Walled compounds of the map and of the office's file, and all compounds of either, open ones too."""
    given = context.config.compounds
    if given is None:
        return mapped, mapped
    own = read_compound_file(given.file, quality=context.quality, columns=given.columns, layer=given.layer, crs=given.crs,
                             encoding=given.encoding)  # fmt: skip
    context.rows_read["compounds"] = len(own)
    shapes = project_geometry(own["geometry"].to_numpy(dtype=object), GEOGRAPHIC, area.metric_epsg)
    near = shapely.intersects(shapes, area.buffered)
    if not near.all():
        names = sorted(own.loc[~near, "name"].fillna(own["compound_id"]))
        context.quality.add(
            "compound_far", source=given.file.name, n=len(names), names="、".join(one[:30] for one in names[:5])
        )
        own = own[near].reset_index(drop=True)
    every, _ = merge_compounds(own, mapped, area.metric_epsg, context.quality, given.file.name)
    every = every.reset_index(drop=True)
    return walled(every)[list(COMPOUND_COLUMNS)], every[list(COMPOUND_COLUMNS)]


def read_gates(
    context: Context, compounds: pd.DataFrame, walled_ids: set[str], facilities: pd.DataFrame, grounds: pd.DataFrame, area: Area
) -> pd.DataFrame:  # fmt: skip
    """Surveyed gates of walled compounds and sites; closed ones too, for they say that there is no way in."""
    given = context.config.gates
    if given is None:
        return pd.DataFrame({name: [] for name in SURVEYED})
    sites = facilities.drop_duplicates("site_id")[["site_id", "name", "geometry"]]
    shape = dict(zip(grounds["site_id"], grounds["geometry"], strict=True))
    sites = sites.assign(geometry=[shape.get(one) for one in sites["site_id"]])
    gates = read_gate_file(given.file, compounds, metric_epsg=area.metric_epsg, quality=context.quality, sites=sites,
                           columns=given.columns, layer=given.layer, crs=given.crs, encoding=given.encoding)  # fmt: skip
    context.rows_read["gates"] = len(gates)
    useless = ((gates["owner_type"] == "compound") & ~gates["owner_id"].isin(walled_ids)).to_numpy(dtype=bool)
    if useless.any():
        context.quality.add("gate_of_open_compound", source=given.file.name, n=int(useless.sum()))
        gates = gates[~useless]
    assert not shapely.is_missing(gates["geometry"].to_numpy(dtype=object)).any()
    return gates[list(SURVEYED)]
