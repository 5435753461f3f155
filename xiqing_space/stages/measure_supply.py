"""Stage supply: who has each facility within reach, places per child, and minutes at each age band's own pace."""

from __future__ import annotations

from typing import Any

import pandas as pd

from xiqing_space.catalog.load import PROFILES
from xiqing_space.coverage.access import AccessInputs, open_to_everyone
from xiqing_space.coverage.by_home import AccessByHome
from xiqing_space.coverage.facility_reach import KindReach, measure_facility_reach, reach_of_kind, search_of
from xiqing_space.coverage.home_rows import rows_by_home
from xiqing_space.coverage.minutes import measure_minutes
from xiqing_space.coverage.supply import known_places, supply_parts
from xiqing_space.network.graph import build_graph
from xiqing_space.stages.context import Context


def supply(context: Context) -> dict[str, Any]:
    """Facility reach, supply and minutes."""
    store, catalogue = context.store, context.catalogue
    streets, demand, facilities = store.get("streets"), store.get("demand"), store.get("facilities")
    epsg = int(store.get("area")["metric_epsg"].iloc[0])
    inputs = AccessInputs(demand, facilities, store.get("gates"), store.get("access_links"), epsg)
    places = known_places(facilities, catalogue.capacity).set_axis(pd.Index(facilities["facility_id"]))
    reaches, parts = [], []
    for profile in PROFILES:
        links = inputs.of_profile(build_graph(streets, profile, epsg), profile)
        search = search_of(inputs, links)
        for kind in catalogue.measured_kinds:
            limits = catalogue.limits_m(kind, profile)
            if not limits:
                continue
            reach = reach_of_kind(inputs, links, search, kind, profile, limits)
            mine = places.reindex(reach.facilities["facility_id"])
            bands = catalogue.target_bands(kind) or tuple(catalogue.bands.values())
            here = [band for band in bands if band.profile == profile]
            reaches.append(measure_facility_reach(reach, demand, here, mine["places"].to_numpy(dtype=float)))
            if kind in catalogue.capacity.kinds:
                limit = catalogue.supply_limit_m(kind)
                parts += supply_parts(reach, demand, here[0].column, mine, limit, catalogue.capacity)
                _note_places(context, reach, mine)
    made = store.put("facility_reach", pd.concat(reaches, ignore_index=True))
    supplied = store.put("supply", rows_by_home(demand["demand_id"], parts))
    mapped = set(facilities.loc[open_to_everyone(facilities), "kind"])
    access = AccessByHome(store.get("access"), demand["demand_id"])
    store.put("walk_minutes", measure_minutes(demand, store.get("zones"), access, mapped, catalogue))
    return {"rows": {"facility_reach": len(made), "supply": len(supplied)}}


def _note_places(context: Context, reach: KindReach, places: pd.DataFrame) -> None:
    """Doubts about the places of one kind: unknown ones leave its supply, and some are inferred."""
    count, kind = len(reach.facilities), context.catalogue.kinds[reach.kind]
    words = (kind.zh, kind.en)
    stated = reach.facilities["capacity_places"].to_numpy(dtype=float)
    if lost := int(places["places"].isna().sum()):
        context.quality.add("places_unknown", id=reach.kind, kind=words, n=lost, total=count)
    if guessed := int((places["inferred"] & ~places["shared"]).sum()):
        context.quality.add("places_inferred", id=reach.kind, kind=words, n=guessed, total=count)
    if shared := int(places["shared"].sum()):
        context.quality.add("places_shared", id=reach.kind, kind=words, n=shared)
    for row in (stated <= 0).nonzero()[0]:
        one = reach.facilities.iloc[row]
        context.quality.add("places_nought", source=str(one["source"]), row=str(one["source_row"]), id=str(one["facility_id"]),
                            kind=words)  # fmt: skip
