"""Tables -> what a page draws: classes of homes, grouped lines, facilities, and the rows beside the map."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Band, Catalogue, Standard
from xiqing_space.maps.offline import encode_lines, encode_polygons
from xiqing_space.maps.overlays import CIRCLE, bridge_of, reach_key
from xiqing_space.maps.places import Places
from xiqing_space.release import Reader

_FIRST = {"*": "0", "*urban": "1", "*rural": "2"}  # the district and its parts stand above the zones
_MAIN = ("trunk", "primary", "secondary", "tertiary", "trunk_link", "primary_link", "secondary_link", "tertiary_link")
_PATHS = ("footway", "path", "steps", "cycleway", "pedestrian", "track", "bridleway", "corridor", "platform")


def street_class(streets: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Group of every street: main, street, path, closed or motorway."""
    walk, highway = streets["walk"].to_numpy(bool), streets["highway"].to_numpy(dtype=object)
    kind = np.where(np.isin(highway, _MAIN), "main", np.where(np.isin(highway, _PATHS), "path", "street"))
    motorway = np.isin(highway, ["motorway", "motorway_link"])
    return np.where(motorway, "motorway", np.where(walk, kind, "closed")).astype(object)


def street_groups(streets: gpd.GeoDataFrame) -> dict[str, Any]:
    """Streets in five groups, each to be drawn as one shape."""
    group, geometry = street_class(streets), streets.geometry.to_numpy()
    return {name: encode_lines(geometry[group == name]) for name in ("main", "street", "path", "closed", "motorway")}


def land_groups(store: Reader) -> dict[str, Any]:
    """Water, rail, parks and other grounds."""
    barriers = store.get("barriers")
    geometry = barriers.geometry.to_numpy()
    areal, kind = barriers["is_area"].to_numpy(bool), barriers["barrier"].to_numpy(dtype=object)
    grounds, facilities = store.get("grounds"), store.get("facilities")
    parks = set(facilities.loc[facilities["kind"] == "park", "site_id"])
    is_park = grounds["site_id"].isin(parks).to_numpy()
    water = np.asarray([shapely.build_area(shape) for shape in geometry[areal & (kind == "water")]], dtype=object)
    return {
        "water": encode_polygons(water),
        "stream": encode_lines(geometry[~areal & (kind == "water")]),
        "rail": encode_lines(geometry[kind == "rail"]),
        "park": encode_polygons(grounds.geometry.to_numpy()[is_park]),
        "ground": encode_polygons(grounds.geometry.to_numpy()[~is_park]),
    }


def views(store: Reader, catalogue: Catalogue, places: Places) -> list[dict[str, Any]]:
    """Every kind × standard × measure that can be looked at, with its homes' classes and its rows of figures."""
    every = store.get("indicators")
    figures = every[every["indicator_id"] == "A02-coverage"]
    beside = every[(every["zone_id"] == "*") & every["indicator_id"].isin(["A02-land", "A02-gates"])]
    beside = beside.set_index(["indicator_id", "kind", "standard_id", "measure"])
    names = dict(zip(store.get("zones")["zone_id"], store.get("zones")["name"], strict=True))
    names |= {"*": "", "*urban": catalogue.word("zones_urban")[0], "*rural": catalogue.word("zones_rural")[0]}
    bridge = bridge_of(every)
    place = {band: number for number, band in enumerate(("*", *catalogue.bands))}

    def order(row: dict[str, Any]) -> tuple[str, int]:
        return _FIRST.get(row["zone_id"], "3") + str(row["zone_id"]), place[row["age_band"]]

    result = []
    for kind in catalogue.measured_kinds:
        bands = catalogue.target_bands(kind) or tuple(catalogue.bands.values())
        for standard in catalogue.standards_of(kind):
            for measure in ("walk", "radius") if standard.unit == "m" else ("walk",):
                rows = figures[(figures["kind"] == kind) & (figures["standard_id"] == standard.id)
                               & (figures["measure"] == measure)]  # fmt: skip
                mapped = not rows["reason"].eq("no_facility_mapped").all()
                classes = places.classes(kind, standard, measure) if mapped else None
                result.append(
                    {
                        "kind": kind, "standard": standard.id, "measure": measure, "limit": standard.value,
                        "unit": standard.unit, "role": standard.role, "document": standard.document,
                        "clause": standard.clause, "wording": standard.wording, "status": standard.status,
                        "seen": standard.seen, "reason": standard.reason,
                        "homes": places.encoded(classes),
                        "rows": [_row(row, names) for row in sorted(rows.to_dict("records"), key=order)],
                        "land": _beside(beside, "A02-land", kind, standard, measure),
                        "gates": _beside(beside, "A02-gates", kind, standard, measure),
                        "reach": _reach(kind, standard, bands) if measure == "walk" else None,
                        "bridge": bridge.get((kind, standard.id), []),
                    }
                )  # fmt: skip
    rows = every[every["indicator_id"] == "A02-circle"].to_dict("records")
    if rows:
        result.append(_circle(rows, places, names, order))
    return result


def _reach(kind: str, standard: Standard, bands: tuple[Band, ...]) -> str | None:
    """The catchment to show: walkers' where any band walks. In minutes each band has its own, so none stands for all."""
    profiles = {band.profile for band in bands}
    return reach_key(kind, standard.value, "walk" if "walk" in profiles else "pram") if standard.unit == "m" else None


def _circle(rows: list[dict[str, Any]], places: Places, names: dict[str, str], order: Any) -> dict[str, Any]:
    """The complete circle as a view of its own: every kind at its default limit, on foot."""
    empty = dict.fromkeys(("document", "clause", "wording", "status", "seen", "reason"), "")
    return {
        "kind": CIRCLE, "standard": CIRCLE, "measure": "walk", "limit": None, "unit": "", "role": "default", **empty,
        "homes": places.encoded(places.circle()),
        "rows": [_row(row, names) for row in sorted(rows, key=order)],
        "land": None, "gates": None, "reach": None, "bridge": [],
    }  # fmt: skip


def _row(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    known = row["denominator"]
    return {
        "zone": row["zone_id"], "name": names.get(row["zone_id"], row["zone_id"]), "band": row["age_band"],
        "value": None if np.isnan(row["value"]) else round(row["value"], 6),
        "low": None if np.isnan(row["value_low"]) else round(row["value_low"], 6),
        "high": None if np.isnan(row["value_high"]) else round(row["value_high"], 6),
        "unknown": _share(row["n_unknown"], known),
        "persons": row["numerator"] if row["weight_kind"] == "persons" and not np.isnan(row["numerator"]) else None,
        "of": known if row["weight_kind"] == "persons" and not np.isnan(known) else None,
        "verdict": row["verdict"] if isinstance(row["verdict"], str) else None,
        "why": row["reason"] if isinstance(row["reason"], str) else None,
        "evidence": row["evidence_id"],
    }  # fmt: skip


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 6) if whole > 0 and not np.isnan(part) else None


def _beside(rows: pd.DataFrame, indicator: str, kind: str, standard: Standard, measure: str) -> dict[str, Any] | None:
    """The district's figure that stands on a line of its own below the share, None where there is none."""
    if (indicator, kind, standard.id, measure) not in rows.index:
        return None
    row = rows.loc[(indicator, kind, standard.id, measure)]
    if np.isnan(row["value"]) or (indicator == "A02-gates" and round(row["value_low"], 3) == round(row["value"], 3)):
        return None
    return {
        "value": round(row["value"], 6), "low": round(row["value_low"], 6), "met": round(row["numerator"], 1),
        "of": round(row["denominator"], 1), "unknown": _share(row["n_unknown"], row["denominator"]),
    }  # fmt: skip


def facility_marks(facilities: gpd.GeoDataFrame) -> list[list[Any]]:
    """Facilities: lon, lat, kind, name, status, whom they serve, id, whether inside the area."""
    lon, lat = shapely.get_x(facilities.geometry.to_numpy()), shapely.get_y(facilities.geometry.to_numpy())
    return [
        [round(x, 6), round(y, 6), row.kind, row.name_ if isinstance(row.name_, str) else "", row.status, row.serves,
         row.facility_id, bool(row.inside)]
        for x, y, row in zip(lon, lat, facilities.rename(columns={"name": "name_"}).itertuples(index=False), strict=True)
    ]  # fmt: skip
