"""Stage sightlines: how far a child sees at the kerb of crossings and gates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.child_view.roads import roads_of
from xiqing_space.child_view.waiting import choose_places, look
from xiqing_space.stages.context import Context

YOUNG = ("kindergarten", "childcare")


def sightlines(context: Context) -> dict[str, Any]:
    """Lines of sight at crossings and gates on ways to school and near places for young children."""
    store, rules = context.store, context.catalogue.child_view
    epsg = int(store.get("area")["metric_epsg"].iloc[0])
    streets, attributes = store.get("streets"), store.get("street_attributes")
    approach, survey = rules["approach"], store.get("obstacle_survey")
    roads = roads_of(streets, attributes, store.get("street_tags"), approach, epsg)
    gates = _gates(context)
    young = store.get("facilities")
    young = young[young["kind"].isin(YOUNG) & (young["status"] == "operating")]
    places = choose_places(store.get("crossings"), store.get("pupil_flows"), gates, young, approach, epsg)
    found = look(roads, places, attributes, store.get("obstacles"), survey, rules, epsg)
    found["zone_id"] = _zones_of(found, store.get("zones")) if len(found) else []
    table = store.put("sightlines", found)
    told = survey[survey["seen_child_m"].notna().to_numpy(dtype=bool)]
    for one in told[~told["sightline_id"].isin(table["sightline_id"]).to_numpy(dtype=bool)].itertuples(index=False):
        file = str(one.source).partition("[")[0].partition("!")[0]
        context.quality.add("field_item_unknown", source=file, row=one.source, id=one.sightline_id, item=one.sightline_id[:80], n=1)  # fmt: skip
    return {"rows": {"sightlines": len(table)}}


def _gates(context: Context) -> pd.DataFrame:
    """Gates of schools that have routes and of places for young children, each with the edge that it opens on."""
    store = context.store
    facilities, schools = store.get("facilities"), store.get("schools")
    operating = facilities[facilities["status"] == "operating"]
    young = set(operating.loc[operating["kind"].isin(YOUNG), "site_id"])
    routed = set(schools["school_id"])
    links = store.get("access_links")
    mine = links[
        (links["owner_type"] == "site")
        & links["linked"]
        & (links["profile"] == "walk")
        & links["owner_id"].isin(young | routed)
    ]
    mine = mine.sort_values(["owner_id", "gate_id", "edge_id"]).drop_duplicates(["gate_id", "edge_id"])
    near = np.where(mine["owner_id"].isin(routed), "school_route", "young_children")
    return pd.DataFrame(
        {
            "gate_id": mine["gate_id"].array,
            "edge_id": mine["edge_id"].array,
            "near": near,
            "geometry": mine["geometry"].array,
        }
    )


def _zones_of(found: pd.DataFrame, zones: pd.DataFrame) -> Any:
    """Zone in which each child stands."""
    at = shapely.get_point(np.asarray(found["geometry"], dtype=object), 0)
    zone = np.full(len(found), None, dtype=object)
    row, inside = shapely.STRtree(np.asarray(zones["geometry"], dtype=object)).query(at, predicate="intersects")
    zone[row[::-1]] = zones["zone_id"].to_numpy(dtype=object)[inside[::-1]]
    return zone
