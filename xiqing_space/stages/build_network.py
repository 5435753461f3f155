"""Stage network: graphs, gates, links and barrier crossings."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.catalog.load import PROFILES
from xiqing_space.coverage.land import cells_as_homes
from xiqing_space.network.gates import find_gates
from xiqing_space.network.graph import build_graph
from xiqing_space.network.links import link_to_graph, read_barrier_lines, starting_points
from xiqing_space.network.over_barriers import find_barrier_crossings
from xiqing_space.stages.context import Context
from xiqing_space.texts import among


def _lonlat(points: pd.DataFrame) -> pd.DataFrame:
    return points.assign(
        lon=shapely.get_x(points["geometry"].to_numpy()), lat=shapely.get_y(points["geometry"].to_numpy())
    )


def network(context: Context) -> dict[str, Any]:
    """Graphs, gates, links and barrier crossings."""
    store, walking = context.store, context.config.walking
    streets, demand, facilities = store.get("streets"), store.get("demand"), store.get("facilities")
    compounds, barriers = store.get("compounds"), store.get("barriers")
    epsg = int(store.get("area")["metric_epsg"].iloc[0])
    points = _lonlat(store.get("mapped_points"))
    mapped = points[points["what"] == "gate"].rename(columns={"point_id": "gate_id"})
    gates = store.put(
        "gates",
        find_gates(facilities, store.get("grounds"), compounds, mapped, streets, epsg, store.get("surveyed_gates")),
    )
    places = points[points["what"] != "gate"].rename(columns={"what": "way_over"})
    crossings = store.put("barrier_crossings", find_barrier_crossings(streets, barriers, places, epsg))
    shut = _all_closed(context, compounds)
    starts = starting_points(demand, facilities, gates, epsg, shut)
    cells = cells_as_homes(store.get("land_cells"))
    cell_starts = starting_points(cells, facilities.iloc[:0], gates, epsg, shut) if len(cells) else None
    lines = read_barrier_lines(barriers, compounds, epsg)
    parts: list[pd.DataFrame] = []
    cell_parts: list[pd.DataFrame] = []
    for profile in PROFILES:
        graph = build_graph(streets, profile, epsg)
        if profile == "walk":
            store.put("nodes", _nodes(streets, graph))
        _note_islands(context, graph, profile)
        link = partial(link_to_graph, streets=streets, graph=graph, profile=profile, barriers=lines,
                       max_leg_m=walking.max_leg_m, island_min_m=walking.island_min_m, metric_epsg=epsg)  # fmt: skip
        wider = bool(parts) and not (streets[profile] & ~streets[PROFILES[len(parts) - 1]]).any()
        parts.append(link(starts, wider=parts[-1] if wider else None))
        if cell_starts is not None:
            cell_parts.append(link(cell_starts, wider=cell_parts[-1] if wider else None))
    links = store.put("access_links", pd.concat(parts, ignore_index=True))
    store.put("land_links", _of_cells(cell_parts))
    _note_network(context, links, gates, crossings, mapped, streets)
    return {"rows": {"links": int(links["linked"].sum()), "barrier_crossings": len(crossings)}}


def _all_closed(context: Context, compounds: pd.DataFrame) -> frozenset[str]:
    """Compounds all of whose surveyed gates are closed: to join their homes to the street across the wall would invent a way."""
    surveyed = context.store.get("surveyed_gates")
    mine = surveyed[surveyed["owner_type"] == "compound"]
    shut = set(mine["owner_id"]) - set(mine.loc[mine["status"] != "closed", "owner_id"])
    names = dict(zip(compounds["compound_id"], compounds["name"], strict=True))
    for one in sorted(shut):
        name = names.get(one)
        context.quality.add("compound_all_closed", id=one, name=name if isinstance(name, str) else one)
    return frozenset(shut)


def _of_cells(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Links of cells as their table has them: owners are cells, and places on edges are told by edge and offset."""
    if not parts:
        return pd.DataFrame()
    links = pd.concat(parts, ignore_index=True).rename(columns={"owner_id": "cell_id"})
    return links.drop(columns=["owner_type", "side", "geometry"])


def _nodes(streets: pd.DataFrame, graph: Any) -> pd.DataFrame:
    geometry = streets["geometry"].to_numpy()
    ends = np.concatenate([streets["u"].to_numpy(dtype=object), streets["v"].to_numpy(dtype=object)])
    places = np.concatenate([shapely.get_point(geometry, 0), shapely.get_point(geometry, -1)])
    codes, names = pd.factorize(ends, sort=True)
    first = np.full(len(names), len(codes))
    np.minimum.at(first, codes, np.arange(len(codes)))
    component = pd.Series(graph.component, index=graph.node_id).reindex(names).astype("Int64")
    return pd.DataFrame(
        {
            "node_id": names, "degree": np.bincount(codes, minlength=len(names)), "component": component.array,
            "geometry": places[first],
        }
    )  # fmt: skip


def _note_islands(context: Context, graph: Any, profile: str) -> None:
    limit = context.config.walking.island_min_m
    short = graph.component_length_m[graph.component_length_m < limit]
    if len(short):
        context.quality.add(
            "island", id=profile, n=len(short), length_m=f"{short.sum():.0f}", limit_m=f"{limit:g}", profile=profile
        )


def _note_network(
    context: Context, links: pd.DataFrame, gates: pd.DataFrame, crossings: pd.DataFrame, mapped: pd.DataFrame,
    streets: pd.DataFrame,
) -> None:  # fmt: skip
    quality, catalogue = context.quality, context.catalogue
    for barrier, group in crossings[~crossings["verified"]].groupby("barrier"):
        zh, en = catalogue.word(f"barriers_{barrier}")
        quality.add(
            "unverified_crossing",
            id=str(barrier),
            n=len(group),
            barrier=(zh, f"a {en.lower()}" if barrier == "motorway" else en.lower()),
        )
    private = mapped.loc[mapped["private"].to_numpy(dtype=bool), "gate_id"]
    if locked := int((among(private, streets["u"]) | among(private, streets["v"])).sum()):
        quality.add("locked_gate", n=locked)
    guessed = gates[(gates["owner_type"] == "site") & gates["resolved_by"].isin(["perimeter", "boundary"])]
    if len(guessed):
        per = guessed.drop_duplicates("owner_id")["resolved_by"].value_counts()
        quality.add("park_gates_guessed", n=int(per.sum()), perimeter=int(per.get("perimeter", 0)),
                    boundary=int(per.get("boundary", 0)))  # fmt: skip
    names = context.store.get("facilities").drop_duplicates("site_id").set_index("site_id")["name"]
    for profile, mine in links.groupby("profile"):
        limit = f"{context.config.walking.max_leg_m:g}"
        homes = mine[mine["owner_type"] == "demand"]
        if lost := homes["owner_id"].nunique() - homes.loc[homes["linked"], "owner_id"].nunique():
            quality.add("unlinked_home", id=str(profile), n=lost, limit_m="250", profile=profile)
        for flag in ("long_leg", "leg_crosses_wall"):
            if many := int((mine["reason"] == flag).sum()):
                quality.add(flag, id=str(profile), n=many, limit_m=limit, profile=profile)
        sites = mine[mine["owner_type"] == "site"]
        linked = set(sites.loc[sites["linked"], "owner_id"])
        for owner, reason in sites[~sites["owner_id"].isin(linked)][["owner_id", "reason"]].itertuples(index=False):
            name = names.get(owner)
            quality.add("unlinked_site", id=owner, profile=profile, reason=reason,
                        name=name if isinstance(name, str) else owner)  # fmt: skip
