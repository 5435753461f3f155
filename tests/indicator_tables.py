"""Small tables from which figures can be added up on paper: homes in two urban and one rural zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from xiqing_space.catalog import Catalogue, load_catalogue
from xiqing_space.catalog.load import PROFILES
from xiqing_space.indicators import Tables, build_indicators, build_sensitivity

CATALOGUE = load_catalogue()
BANDS = ("0_2", "3_5", "6_11", "12_14", "15_17")
FACILITY = {
    "name": None, "operator": "public", "status": "operating", "serves": "everyone", "capacity_places": float("nan"),
    "gp_doctors": float("nan"), "child_health_doctors": float("nan"), "community": None, "legal_person": None, "inside": True,
    "located_by": "node",
}  # fmt: skip


def homes(rows: Sequence[Mapping[str, Any]], *, persons: bool = True) -> pd.DataFrame:
    """Homes; each row has demand_id and zone_id, and may have any figure (10 children of each band, 100 people by default)."""
    plain = {f"pop_{band}": 10.0 for band in BANDS} | {
        "pop_total": 100.0, "inside": True, "placed": True, "weight_kind": "persons" if persons else "relative",
    }  # fmt: skip
    return pd.DataFrame([plain | dict(row) for row in rows])


def zones(*rows: tuple[str, str, str | None]) -> gpd.GeoDataFrame:
    """Zones in a row from west to east, each a degree wide: id, name, settlement."""
    shapes = [shapely.box(at, 0, at + 1, 1) for at in range(len(rows))]
    frame = pd.DataFrame(rows, columns=["zone_id", "name", "settlement"])
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=4326)


def facilities(rows: Sequence[Mapping[str, Any]]) -> gpd.GeoDataFrame:
    """Facilities; each row has kind and zone (number of the zone it lies in), and may have any column."""
    filled = [FACILITY | {"facility_id": f"f{at}", "site_id": f"f{at}"} | dict(row) for at, row in enumerate(rows)]
    points = [shapely.Point(one.pop("zone") + 0.5, 0.5) for one in filled]
    columns = ["facility_id", "site_id", "kind", *FACILITY]
    return gpd.GeoDataFrame(pd.DataFrame(filled, columns=columns), geometry=points, crs=4326)


def unlocated(rows: Sequence[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """Facilities at places to be verified."""
    plain = FACILITY | {"asked": False, "zone": None, "address": None}
    filled = [plain | {"facility_id": f"u{at}"} | dict(row) for at, row in enumerate(rows)]
    return pd.DataFrame(filled, columns=["facility_id", "kind", *plain])


def access(
    demand: pd.DataFrame, walks: Mapping[str, Mapping[str, float | str]], catalogue: Catalogue = CATALOGUE
) -> pd.DataFrame:
    """Access of every kind: `walks` gives metres by kind and home (straight lines half as long), or a reason for none."""
    rows = []
    for kind in catalogue.access_kinds:
        for home in demand["demand_id"]:
            given = walks.get(kind, {}).get(home, "beyond_search_limit" if kind in walks else "no_facility_mapped")
            metres = given if isinstance(given, float | int) else float("nan")
            why = given if isinstance(given, str) else None
            straight = float("nan") if kind not in walks else metres / 2 if metres == metres else 5000.0
            rows += [(home, kind, profile, metres, straight, why) for profile in PROFILES]
    return pd.DataFrame(rows, columns=["demand_id", "kind", "profile", "distance_m", "straight_m", "reason"])


def tables(demand: pd.DataFrame, places: gpd.GeoDataFrame, walks: Mapping[str, Mapping[str, float | str]],
           of: gpd.GeoDataFrame | None = None, waiting: pd.DataFrame | None = None, **more: Any) -> Tables:  # fmt: skip
    """Tables of figures; `of`: facilities, by default one in the first zone of each kind that is walked to."""
    found = facilities([{"kind": kind, "zone": 0} for kind in walks]) if of is None else of
    nothing = pd.DataFrame({"demand_id": [], "kind": [], "profile": [], "gates": [], "best_m": [], "worst_m": []})
    low = pd.DataFrame()
    return Tables(
        demand, places, found, access(demand, walks), low, unlocated() if waiting is None else waiting, nothing, **more
    )


def figures(data: Tables, **more: Any) -> pd.DataFrame:
    """The table of figures."""
    return build_indicators(data, CATALOGUE, "key", True, **more)


def sensitivity(data: Tables) -> pd.DataFrame:
    """The table of sensitivity."""
    return build_sensitivity(data, CATALOGUE, True)


def one(rows: pd.DataFrame, **wanted: Any) -> pd.Series:
    """The single row that has some values; all bands, and no variant, by default."""
    defaults = {"age_band": "*", "variant": ""} if "variant" in rows else {}
    for column, value in ({"zone_id": "*"} | defaults | wanted).items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1, rows
    return rows.iloc[0]
