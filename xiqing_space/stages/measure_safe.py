"""Stage safe_access: coverage by the third measure, and whom it loses."""

from __future__ import annotations

from typing import Any

from xiqing_space.catalog.load import PROFILES
from xiqing_space.coverage.access import AccessInputs
from xiqing_space.safety.safe_access import SidedLinks, find_unsafe, measure_safe_access, safe_kinds, sided_links
from xiqing_space.safety.safe_bridge import measure_safe_bridge, safe_limits
from xiqing_space.safety.sides import build_sided_graph
from xiqing_space.stages.context import Context


def safe_access(context: Context) -> dict[str, Any]:
    """The walk without unsignalised crossings of arterials, rail and unverified crossings of barriers."""
    store, catalogue = context.store, context.catalogue
    limit = max(context.config.walking.search_limit_m, catalogue.farthest_limit_m)
    epsg = int(store.get("area")["metric_epsg"].iloc[0])
    streets, crossings = store.get("streets"), store.get("crossings")
    inputs = AccessInputs(
        store.get("demand"), store.get("facilities"), store.get("gates"), store.get("access_links"), epsg
    )
    graph = build_sided_graph(streets, crossings, store.get("street_attributes"), "walk", catalogue, epsg)
    unsafe = find_unsafe(graph, crossings, store.get("barrier_crossings"))
    sided: dict[str, SidedLinks] = {
        profile: sided_links(streets, inputs.links, graph, unsafe, profile) for profile in PROFILES
    }
    safe = store.put("safe_access", measure_safe_access(inputs, sided, safe_kinds(catalogue), limit))
    limits = safe_limits(catalogue)
    lost = store.put("safe_bridge", measure_safe_bridge(inputs, store.get("access"), safe, sided, limits))
    return {"rows": {"safe_access": len(safe), "safe_bridge": len(lost)}}
