"""Stage routes: which way every child walks to school, and how safe it is."""

from __future__ import annotations

from typing import Any

from xiqing_space.catalog import Catalogue
from xiqing_space.safety.assignment import AssignmentTables
from xiqing_space.safety.beside_water import shares_beside_water
from xiqing_space.safety.school_routes import (
    RouteTables,
    SchoolRoutes,
    flows_of,
    flows_table,
    forest_table,
    route_pupils,
    routes_table,
    weight_kind_of,
)
from xiqing_space.safety.schools import schools_table
from xiqing_space.safety.sides import SidedGraph, build_sided_graph
from xiqing_space.safety.way_values import WayValues, read_values
from xiqing_space.stages.context import Context
from xiqing_space.store import Store


def route_tables(store: Store) -> RouteTables:
    """The tables that routes are made from."""
    links = store.get("access_links")
    assignment = AssignmentTables(
        *(store.get(one) for one in ("demand", "facilities", "zones", "access", "school_areas", "school_assignments"))
    )
    walked = links[links["profile"] == "walk"].reset_index(drop=True)
    epsg = int(store.get("area")["metric_epsg"].iloc[0])
    return RouteTables(
        assignment, walked, store.get("gates"), store.get("school_shares"), store.get("crossings"), store.get("streets"),
        store.get("street_attributes"), epsg,
    )  # fmt: skip


def sided_values(store: Store, tables: RouteTables, catalogue: Catalogue) -> tuple[SidedGraph, WayValues]:
    """The walking network with its sides, and what its streets and crossings score."""
    graph = build_sided_graph(
        tables.streets, tables.crossings, tables.street_attributes, "walk", catalogue, tables.metric_epsg
    )
    within = catalogue.safety["roads"]["water_beside_m"]
    water = shares_beside_water(tables.streets, store.get("barriers"), within, tables.metric_epsg)
    return graph, read_values(graph, store.get("segment_scores"), store.get("crossing_scores"), water)


def routes(context: Context) -> dict[str, Any]:
    """Routes, the forest of each school, pupils on every edge and crossing, and the schools."""
    store, catalogue = context.store, context.catalogue
    tables = route_tables(store)
    graph, values = sided_values(store, tables, catalogue)
    found = context.held["routes"] = route_pupils(tables, graph, values, catalogue)
    weights = weight_kind_of(tables.assignment.demand)
    made = store.put("school_routes", routes_table(found, tables, catalogue))
    forest = store.put("school_forest", forest_table(found, weights))
    edges, crossings = flows_of(found, "edge"), flows_of(found, "crossing")
    store.put("pupil_flows", flows_table(found, edges, crossings, weights))
    schools = store.put("schools", schools_table(found, crossings, tables, catalogue))
    _note_doubts(context, found)
    return {"rows": {"school_routes": len(made), "school_forest": len(forest), "schools": len(schools)}}


def _note_doubts(context: Context, found: SchoolRoutes) -> None:
    """What the office's files leave open, and what the nearest school rests on."""
    quality, kinds = context.quality, context.catalogue.kinds
    for kind, schools, homes, first in found.assigned.overlaps.itertuples(index=False, name=None):
        words = (kinds[kind].zh, kinds[kind].en)
        quality.add("homes_of_several_schools", id=schools, kind=words, n=homes, homes=first)
    for school in found.assigned.closed:
        quality.add("assigned_school_closed", id=school)
    rows, facilities = found.rows, context.store.get("facilities")
    unknown = set(facilities.loc[facilities["kind"] == "school_unknown_level", "site_id"])
    near = rows[(rows["assigned_by"] == "nearest") & (rows["pair"] >= 0)]
    unsure = near[[site in unknown for site in found.assigned.site_id[near["school"].to_numpy(dtype=int)]]]
    if len(unsure):
        share = unsure["children"].sum() / max(rows["children"].sum(), 1e-300)
        quality.add("school_levels_pooled", n=int(unsure["school"].nunique()), share=f"{share:.0%}")
