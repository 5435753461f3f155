"""Tables -> what lies over the Action 2 map: land within reach, blind spots, gates to open, the bridge, minutes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from xiqing_space.maps.offline import encode_polygons

CIRCLE = "circle"
_LOOKED_AT = 8e-5  # of a degree, about 8 m: polygons to look at, never to measure
_SPOTS = 60  # of a kind; more than anybody reads, the table has all
_OPENINGS = 20


def reach_key(kind: str, limit_m: float, profile: str) -> str:
    """Name of a catchment in the page's data."""
    return f"{kind}|{limit_m:g}|{profile}"


def reach_shapes(catchments: gpd.GeoDataFrame, wanted: set[str]) -> dict[str, Any]:
    """Land within reach, by `reach_key`, for those that a view shows."""
    keys = [reach_key(row.kind, row.limit_m, row.profile) for row in catchments.itertuples(index=False)]
    shown = np.flatnonzero(
        np.asarray([key in wanted for key in keys], dtype=bool) & ~shapely.is_empty(catchments.geometry.to_numpy())
    )
    geometry = catchments.geometry.to_numpy()[shown]
    with ThreadPoolExecutor(min(4, cpu_count() or 1)) as pool:  # GEOS lets other threads run meanwhile
        looked_at = pool.map(lambda one: shapely.simplify(one, _LOOKED_AT), geometry)
        return {keys[row]: encode_polygons(np.array([one])) for row, one in zip(shown, looked_at, strict=True)}


def spot_marks(spots: gpd.GeoDataFrame, zones: pd.DataFrame) -> list[dict[str, Any]]:
    """Blind spots, those with most children first within a kind."""
    names = dict(zip(zones["zone_id"], zones["name"], strict=True))
    ordered = spots.sort_values(["kind", "children", "spot_id"], ascending=[True, False, True], kind="stable")
    marks = []
    for _, mine in ordered.groupby("kind", sort=True):
        for number, row in enumerate(mine.head(_SPOTS).itertuples(index=False), 1):
            middle = row.geometry.representative_point()
            marks.append(
                {
                    "kind": row.kind, "number": number, "id": row.spot_id, "zone": names.get(row.zone_id, ""),
                    "persons": _number(row.children, 6) if row.weight_kind == "persons" else None,
                    "homes": None if pd.isna(row.homes) else int(row.homes),
                    "nearest": _number(row.nearest_m, 0), "name": _text(row.near_name), "cause": _text(row.cause),
                    "missing": _text(row.missing_kinds).split("|") if _text(row.missing_kinds) else [],
                    "held": bool(row.held), "at": [round(middle.y, 6), round(middle.x, 6)],
                    "shape": encode_polygons(shapely.simplify(np.asarray([row.geometry], dtype=object), _LOOKED_AT)),
                }
            )  # fmt: skip
    return marks


def opening_marks(openings: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Closed gates in the order in which to open them, with what each would change for each kind."""
    marks = []
    ordered = openings.sort_values(["rank", "gate_id", "owner_id", "kind"], kind="stable")
    for rank, mine in ordered[ordered["rank"] <= _OPENINGS].groupby("rank", sort=True):
        first = mine.iloc[0]
        marks.append(
            {
                "rank": int(rank), "owner": _text(first["owner_name"]), "type": first["owner_type"], "id": first["gate_id"],
                "at": [round(first.geometry.y, 6), round(first.geometry.x, 6)],
                "kinds": [
                    [row.kind, _number(row.children_helped, 6) if row.weight_kind == "persons" else None, row.metres_saved_mean]
                    for row in mine.itertuples(index=False)
                ],
            }
        )  # fmt: skip
    return marks


def bridge_of(indicators: pd.DataFrame) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By kind and standard: the district's children lost between radius and walk, in all and by cause."""
    rows = indicators[(indicators["indicator_id"] == "A02-bridge") & (indicators["zone_id"] == "*")]
    result: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows.sort_values("numerator", ascending=False, kind="stable").itertuples(index=False):
        if np.isnan(row.value):
            continue
        result.setdefault((row.kind, row.standard_id), []).append(
            {"cause": row.variant, "value": round(row.value, 6), "evidence": row.evidence_id,
             "persons": row.numerator if row.weight_kind == "persons" else None}
        )  # fmt: skip
    return result


def minutes_of(minutes: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """By kind: minutes of the district's children at each band's own pace, and an adult's on the same way."""
    result: dict[str, list[dict[str, Any]]] = {}
    for row in minutes[minutes["zone_id"] == "*"].itertuples(index=False):
        if not np.isnan(row.median_min):
            result.setdefault(row.kind, []).append(
                {"band": row.age_band, "median": round(row.median_min, 1), "most": _number(row.p90_min, 1),
                 "adult": _number(row.adult_median_min, 1)}
            )  # fmt: skip
    return result


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: float, digits: int) -> float | None:
    return None if np.isnan(value) else round(float(value), digits)
