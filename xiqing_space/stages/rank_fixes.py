"""Stage fixes: what to mend first on the ways to school."""

from __future__ import annotations

from typing import Any

import pandas as pd

from xiqing_space.network.graph import build_graph
from xiqing_space.network.links import link_to_graph, read_barrier_lines, starting_points
from xiqing_space.safety.fixes import FixTables, find_fixes
from xiqing_space.safety.school_routes import RouteTables, route_pupils
from xiqing_space.stages.context import Context
from xiqing_space.stages.route_pupils import route_tables, sided_values


def fixes(context: Context) -> dict[str, Any]:
    """Each treatment on each bad crossing, stretch and gate; the list of those to look at first."""
    store, catalogue = context.store, context.catalogue
    tables = route_tables(store)
    found = context.held.pop("routes", None)
    if found is None:
        found = route_pupils(tables, *sided_values(store, tables, catalogue), catalogue)
    openings = store.get("gate_openings")
    openings = openings[openings["kind"].isin(found.kinds)].drop_duplicates(["gate_id", "owner_id"])
    links = _links_over(context, tables, openings)
    made = store.put(
        "fixes",
        find_fixes(found, FixTables(tables, store.get("area"), store.get("gates"), store.get("compounds"), openings, links), catalogue),
    )  # fmt: skip
    return {"rows": {"fixes": len(made)}}


def _links_over(context: Context, tables: RouteTables, openings: pd.DataFrame) -> pd.DataFrame:
    """Ways into the walking network over closed gates, as stage network makes them for open ones."""
    barriers, compounds = (context.store.get(name) for name in ("barriers", "compounds"))
    if openings.empty:
        return tables.links.iloc[:0]
    owners = set(openings["owner_id"])
    demand, facilities = tables.assignment.demand, tables.assignment.facilities
    homes, sites = demand[demand["compound_id"].isin(owners)], facilities[facilities["site_id"].isin(owners)]
    epsg, walking = tables.metric_epsg, context.config.walking
    starts = starting_points(homes, sites, openings.assign(resolved_by="survey", through=None), epsg)
    links = link_to_graph(
        starts, tables.streets, build_graph(tables.streets, "walk", epsg), "walk", read_barrier_lines(barriers, compounds, epsg),
        max_leg_m=walking.max_leg_m, island_min_m=walking.island_min_m, metric_epsg=epsg,
    )  # fmt: skip
    return links[links["linked"].to_numpy(dtype=bool)]
