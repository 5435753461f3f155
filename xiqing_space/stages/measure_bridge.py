"""Stage bridge: what stands between the radius and the walk, and which closed gate to open first."""

from __future__ import annotations

from typing import Any

import pandas as pd

from xiqing_space.catalog.load import PROFILES
from xiqing_space.coverage.access import AccessInputs
from xiqing_space.coverage.bridge import bridge_limits, measure_bridge, street_lines
from xiqing_space.coverage.gate_openings import GateWalks, find_closed_gates, measure_gate_openings
from xiqing_space.network.graph import build_graph
from xiqing_space.network.lifted import read_barrier_classes
from xiqing_space.network.links import link_to_graph, read_barrier_lines, starting_points
from xiqing_space.stages.context import Context


def bridge(context: Context) -> dict[str, Any]:
    """Causes of lost coverage, and closed gates."""
    store = context.store
    streets, barriers, compounds = store.get("streets"), store.get("barriers"), store.get("compounds")
    epsg = int(store.get("area")["metric_epsg"].iloc[0])
    inputs = AccessInputs(
        store.get("demand"), store.get("facilities"), store.get("gates"), store.get("access_links"), epsg
    )
    graph = build_graph(streets, "walk", epsg)
    lines = street_lines(streets, graph.edge_id, epsg, PROFILES)
    made = store.put(
        "bridge",
        measure_bridge(inputs, store.get("access"), bridge_limits(context.catalogue), graph, lines,
                       read_barrier_classes(barriers, compounds, epsg), context.config.walking.island_min_m),
    )  # fmt: skip
    opened = store.put("gate_openings", _openings(context, inputs))
    return {"rows": {"bridge": len(made), "gate_openings": len(opened)}}


def _openings(context: Context, inputs: AccessInputs) -> pd.DataFrame:
    """The `gate_openings` table, empty where no closed gate is known."""
    store, config, epsg = context.store, context.config.walking, inputs.metric_epsg
    points, compounds = store.get("mapped_points"), store.get("compounds")
    mapped = points[points["what"] == "gate"].rename(columns={"point_id": "gate_id"})
    found = find_closed_gates(store.get("surveyed_gates"), mapped, inputs.gates, compounds, store.get("grounds"), epsg)
    if untold := int((~found["known"]).sum()):
        context.quality.add("gate_opening_unknown", n=untold)
    closed = found[found["known"]].reset_index(drop=True)
    zones, access, streets, barriers = (store.get(name) for name in ("zones", "access", "streets", "barriers"))
    if closed.empty or inputs.demand.empty:
        return pd.DataFrame()
    limit = max(config.search_limit_m, context.catalogue.farthest_limit_m)
    owners = set(closed["owner_id"])
    homes = inputs.demand[inputs.demand["compound_id"].isin(owners)]
    sites = inputs.facilities[inputs.facilities["site_id"].isin(owners)]
    starts = starting_points(homes, sites, closed.assign(resolved_by="survey", through=None), epsg)
    stops = read_barrier_lines(barriers, compounds, epsg)
    walks: dict[str, GateWalks] = {}
    for profile in PROFILES:
        graph = build_graph(streets, profile, epsg)
        links = link_to_graph(starts, streets, graph, profile, stops, max_leg_m=config.max_leg_m,
                              island_min_m=config.island_min_m, metric_epsg=epsg)  # fmt: skip
        walks[profile] = GateWalks(inputs, inputs.of_profile(graph, profile), closed, links, limit)
    names = {
        **dict(zip(inputs.facilities["site_id"], inputs.facilities["name"], strict=True)),
        **dict(zip(compounds["compound_id"], compounds["name"], strict=True)),
    }
    return measure_gate_openings(inputs, access, closed, walks, context.catalogue, names, zones, limit)
