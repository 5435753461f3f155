"""Stage coverage: access of every home."""

from __future__ import annotations

from typing import Any

import pandas as pd

from xiqing_space.catalog.load import PROFILES, UNKNOWN_LEVEL
from xiqing_space.coverage.access import AccessInputs, ProfileLinks, measure_access, walk_distance
from xiqing_space.coverage.access_other import differing, measure_no_legs, measure_without, observed
from xiqing_space.coverage.gate_range import measure_gate_range
from xiqing_space.coverage.land import land_inputs, measure_land, profiles_needed
from xiqing_space.network.graph import WalkGraph, build_graph
from xiqing_space.stages.context import Context


def coverage(context: Context) -> dict[str, Any]:
    """Access of every home, and the low case: unverified barrier crossings closed, the least favourable guessed gate."""
    store = context.store
    limit = max(context.config.walking.search_limit_m, context.catalogue.farthest_limit_m)
    streets, demand = store.get("streets"), store.get("demand")
    epsg = int(store.get("area")["metric_epsg"].iloc[0])
    inputs = AccessInputs(demand, store.get("facilities"), store.get("gates"), store.get("access_links"), epsg)
    kinds = context.catalogue.access_kinds
    links: dict[str, ProfileLinks] = {
        profile: inputs.of_profile(build_graph(streets, profile, epsg), profile) for profile in PROFILES
    }
    access = store.put("access", measure_access(inputs, links, kinds, limit))
    crossings = store.get("barrier_crossings")
    closed = set(crossings.loc[~crossings["verified"], "edge_id"])
    guessed = bool((inputs.links["resolved_by"] == "perimeter")[inputs.links["owner_type"] == "demand"].any())
    parts = []
    if closed or guessed:
        for profile, mine in links.items():
            low = mine.on(mine.graph.without_edges(closed))
            for kind in kinds:
                distance = walk_distance(inputs, low, kind, limit, worst_gate=guessed)
                parts.append(pd.DataFrame({"demand_id": demand["demand_id"].array, "kind": kind, "profile": profile,
                                           "distance_m": distance}))  # fmt: skip
    parts = [differing(pd.concat(parts, ignore_index=True), access, ("distance_m",))] if parts else []
    store.put("access_low", parts[0] if parts else pd.DataFrame())
    _other_cases(context, inputs, links, access, limit)
    store.put("gate_range", measure_gate_range(inputs, links, kinds, limit) if guessed else pd.DataFrame())
    store.put("land_access", _of_land(context, inputs, {name: one.graph for name, one in links.items()}, closed, limit))
    return {"rows": {"access": len(access)}}


def _other_cases(
    context: Context, inputs: AccessInputs, links: dict[str, ProfileLinks], access: pd.DataFrame, limit_m: float
) -> None:
    """Access with one assumption changed each time: facilities of the area alone, places that were seen alone, no legs."""
    store, kinds, facilities = context.store, context.catalogue.access_kinds, inputs.facilities
    inside = facilities["inside"].to_numpy(dtype=bool)
    store.put("access_inside", measure_without(inputs, links, kinds, limit_m, access, inside))
    seen = observed(facilities, store.get("merges"))
    store.put("access_no_inferred", measure_without(inputs, links, kinds, limit_m, access, seen))
    needed = {kind: profiles for kind, profiles in profiles_needed(context.catalogue).items() if kind != UNKNOWN_LEVEL}
    store.put("access_no_legs", measure_no_legs(inputs, links, needed, limit_m))


def _of_land(
    context: Context, homes: AccessInputs, graphs: dict[str, WalkGraph], closed: set[str], limit_m: float
) -> pd.DataFrame:
    """The `land_access` table, empty where no land use is known."""
    cells = context.store.get("land_cells")
    if cells.empty:
        return pd.DataFrame()
    inputs = land_inputs(cells, context.store.get("land_links"), homes.facilities, homes.gates, homes.links,
                         homes.metric_epsg)  # fmt: skip
    links = {profile: inputs.of_profile(graph, profile) for profile, graph in graphs.items()}
    differs = bool(closed) or any(one.guessed.any() for one in links.values())
    low = {profile: one.on(one.graph.without_edges(closed)) for profile, one in links.items()} if differs else None
    return measure_land(inputs, links, low, profiles_needed(context.catalogue), limit_m)
