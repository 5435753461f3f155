"""What each stage does: tables in, tables out. The pipeline decides when."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.load import PROFILES
from xiqing_space.config import Config
from xiqing_space.coverage.access import AccessInputs, ProfileLinks, measure_access, measure_walk
from xiqing_space.crs import points_of
from xiqing_space.errors import InputDataError
from xiqing_space.indicators import Tables, build_indicators
from xiqing_space.ingest.area import Area, read_area, read_zones
from xiqing_space.ingest.barriers import barrier_pairs, read_barriers, read_crossings
from xiqing_space.ingest.compounds import gate_nodes, read_compounds
from xiqing_space.ingest.facilities import facility_pairs, read_facilities
from xiqing_space.ingest.osm import Features, Header, UnsortedError, read_features, read_header, sort_extract
from xiqing_space.ingest.population import building_keys, home_pairs, read_homes
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.streets import osmnx_frame, read_osm_ways, read_osmnx_edges, streets_frame
from xiqing_space.memory import collection_paused
from xiqing_space.network.gates import find_gates
from xiqing_space.network.graph import build_graph
from xiqing_space.network.links import link_to_graph, read_barrier_lines, starting_points
from xiqing_space.network.over_barriers import find_barrier_crossings
from xiqing_space.store import Store


@dataclass(frozen=True)
class Context:
    """What every stage may look at."""

    config: Config
    catalogue: Catalogue
    store: Store
    quality: Quality
    synthetic: bool
    run_key: str
    maps: Path
    inputs: list[dict[str, Any]]
    doubts: list[dict[str, str]]


_EDGE = 1e-4  # of a degree, about 10 m: what lies on the outermost street lies inside
_MUCH_LARGER = 4.0  # a header's box with so many times the streets' extent says nothing of the data


def _extent(header: Header, streets: Any, features: Features) -> tuple[float, float, float, float]:
    """Extent of the data: the box that the header states where it fits the streets, else that of streets and buildings."""
    if header.box is not None:
        stated, found = shapely.box(*header.box), shapely.box(*streets)
        if stated.intersects(found) and stated.area <= _MUCH_LARGER * max(found.area, 1e-6):
            return header.box
    homes = shapely.from_wkb(np.asarray([wkb for *_, wkb in features.buildings], dtype=object))
    bounds = np.vstack([np.asarray(streets, dtype=float)[None], shapely.bounds(homes).reshape(-1, 4)])
    west, south = bounds[:, :2].min(axis=0).tolist()
    east, north = bounds[:, 2:].max(axis=0).tolist()
    return west - _EDGE, south - _EDGE, east + _EDGE, north + _EDGE


def _clip_streets(streets: pd.DataFrame, area: Area, source: str) -> pd.DataFrame:
    """Streets that touch the buffered area's bounding box: reach near its edge needs the streets round it."""
    west, south, east, north = _degrees(area)
    near = shapely.intersects(streets["geometry"].to_numpy(), shapely.box(west, south, east, north))
    if not near.any():
        raise InputDataError(
            "评估范围内没有街道 / there is no street in the study area",
            where=source,
            todo="检查评估范围与数据 / check the study area and the data",
        )
    return streets[near]


def _degrees(area: Area) -> Any:
    from xiqing_space.crs import GEOGRAPHIC, project_geometry

    box = shapely.segmentize(shapely.box(*area.buffered.bounds), 1000.0)
    return project_geometry(box, area.metric_epsg, GEOGRAPHIC).bounds


def ingest(context: Context) -> dict[str, Any]:
    """Raw files to checked layers: area, zones, streets, crossings, facilities, grounds, compounds, barriers, demand."""
    try:
        return _ingest(context)
    except UnsortedError:
        # editors save extracts in any order; a sorted copy is read instead
        sources = context.config.sources
        assert sources.osm is not None
        with tempfile.TemporaryDirectory() as folder:
            copy = sources.model_copy(update={"osm": sort_extract(sources.osm, Path(folder))})
            return _ingest(replace(context, config=context.config.model_copy(update={"sources": copy})))


def _ingest(context: Context) -> dict[str, Any]:
    config, catalogue, store, quality = context.config, context.catalogue, context.store, context.quality
    main = config.sources.osm or config.sources.streets
    assert main is not None
    header = read_header(config.sources.osm) if config.sources.osm else Header(None, "")
    features = Features()
    if config.sources.osm is not None:
        pairs = {*facility_pairs(catalogue), *barrier_pairs(catalogue), *home_pairs(catalogue)}
        features = read_features(config.sources.osm, pairs, building_keys(catalogue))
    else:
        quality.add("no_barriers_read", source=main.name)
    if features.clipped_areas:
        quality.add("clipped_area", source=main.name, n=features.clipped_areas)
    area, streets = _area_and_streets(context, header, features, main)
    date = config.sources.data_date or header.date
    if not date:
        quality.add("date_unknown", source=main.name)
    store.put(
        "area",
        pd.DataFrame(
            {
                "name": [area.name], "source": ["; ".join(item["file"] for item in context.inputs)],
                "licence": [config.sources.licence or None], "data_date": [date or None], "synthetic": [context.synthetic],
                "metric_epsg": [area.metric_epsg], "geometry": [area.polygon],
            }
        ),
    )  # fmt: skip
    zones = store.put("zones", read_zones(config.area, area, quality))
    streets = store.put("streets", streets)
    store.put("crossings", read_crossings(features, streets, area))
    facilities, grounds = read_facilities(features, catalogue, area, main.name, quality)
    store.put("facilities", facilities)
    store.put("grounds", grounds)
    store.put("barriers", read_barriers(features, catalogue, area))
    gates = gate_nodes(features, catalogue)
    store.put("mapped_points", _mapped_points(features, gates))
    compounds = store.put("compounds", read_compounds(features, gates, streets, area))
    demand = store.put("demand", read_homes(features, compounds, zones, catalogue, area, main.name, quality))
    return {
        "data_date": date,
        "rows": {"streets": len(streets), "facilities": len(facilities), "homes": len(demand), "zones": len(zones)},
    }


def _area_and_streets(context: Context, header: Header, features: Features, main: Path) -> tuple[Area, pd.DataFrame]:
    """The area needs the streets' extent, and the streets' lengths need the area's metric system."""
    sources, catalogue, quality = context.config.sources, context.catalogue, context.quality
    if sources.streets is not None:
        edges = read_osmnx_edges(sources.streets)
        extent = _extent(header, edges.total_bounds, features)
        area = read_area(context.config.area, extent, main.name, quality)
        streets = osmnx_frame(edges, catalogue, area.metric_epsg, quality, sources.streets.name)
    else:
        assert sources.osm is not None
        ways = read_osm_ways(sources.osm, catalogue, quality)
        extent = _extent(header, [*ways.lonlat.min(axis=0), *ways.lonlat.max(axis=0)], features)
        area = read_area(context.config.area, extent, main.name, quality)
        with collection_paused():
            streets = streets_frame(ways, catalogue, area.metric_epsg)
    return area, _clip_streets(streets, area, main.name)


def _mapped_points(features: Features, gates: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for identity, lon, lat, tags in features.nodes:
        if tags.get("railway") in ("level_crossing", "crossing"):
            rows.append((f"osm:n{identity}", "level", False, False, shapely.Point(lon, lat)))
        if tags.get("ford") == "yes":
            rows.append((f"osm:n{identity}", "ford", False, False, shapely.Point(lon, lat)))
    points = points_of(gates)
    rows += list(zip(gates["gate_id"], ["gate"] * len(gates), gates["shut"], gates["private"], points, strict=True))
    return pd.DataFrame(rows, columns=["point_id", "what", "shut", "private", "geometry"])


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
    gates = store.put("gates", find_gates(facilities, store.get("grounds"), compounds, mapped, streets, epsg))
    places = points[points["what"] != "gate"].rename(columns={"what": "way_over"})
    crossings = store.put("barrier_crossings", find_barrier_crossings(streets, barriers, places, epsg))
    starts = starting_points(demand, facilities, gates, epsg)
    lines = read_barrier_lines(barriers, compounds, epsg)
    parts = []
    for profile in PROFILES:
        graph = build_graph(streets, profile, epsg)
        if profile == "walk":
            store.put("nodes", _nodes(streets, graph))
        _note_islands(context, graph, profile)
        parts.append(
            link_to_graph(starts, streets, graph, profile, lines, max_leg_m=walking.max_leg_m,
                          island_min_m=walking.island_min_m, metric_epsg=epsg)
        )  # fmt: skip
    links = store.put("access_links", pd.concat(parts, ignore_index=True))
    _note_network(context, links, gates, crossings, mapped, streets)
    return {"rows": {"links": int(links["linked"].sum()), "barrier_crossings": len(crossings)}}


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
        quality.add("unverified_crossing", id=str(barrier), n=len(group), barrier=catalogue.word(f"barriers_{barrier}"))
    nodes = set(streets["u"]) | set(streets["v"])
    if locked := int((mapped["private"] & mapped["gate_id"].isin(nodes)).sum()):
        quality.add("locked_gate", n=locked)
    guessed = gates[(gates["owner_type"] == "site") & gates["resolved_by"].isin(["perimeter", "boundary"])]
    if len(guessed):
        per = guessed.drop_duplicates("owner_id")["resolved_by"].value_counts()
        quality.add("park_gates_guessed", n=int(per.sum()), perimeter=int(per.get("perimeter", 0)),
                    boundary=int(per.get("boundary", 0)))  # fmt: skip
    known = set(gates.loc[(gates["owner_type"] == "compound") & (gates["resolved_by"] == "mapped"), "owner_id"])
    for identity, name in context.store.get("compounds")[["compound_id", "name"]].itertuples(index=False):
        if identity not in known:
            quality.add("compound_gates_unknown", id=identity, name=name if isinstance(name, str) else identity)
    names = context.store.get("facilities").drop_duplicates("site_id").set_index("site_id")["name"]
    for profile, mine in links.groupby("profile"):
        limit = f"{context.config.walking.max_leg_m:g}"
        homes = mine[mine["owner_type"] == "demand"]
        if lost := len(set(homes["owner_id"]) - set(homes.loc[homes["linked"], "owner_id"])):
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
                part = measure_walk(inputs, low, kind, limit, worst_gate=guessed)
                parts.append(pd.DataFrame({"demand_id": demand["demand_id"].array, "kind": kind, "profile": profile,
                                           "distance_m": part["distance_m"].array}))  # fmt: skip
    store.put("access_low", _differing(parts, access) if parts else pd.DataFrame())
    return {"rows": {"access": len(access)}}


def _differing(parts: list[pd.DataFrame], access: pd.DataFrame) -> pd.DataFrame:
    low = pd.concat(parts, ignore_index=True)
    key = ["demand_id", "kind", "profile"]
    both = low.merge(access[[*key, "distance_m"]], on=key, suffixes=("", "_main"))
    same = (both["distance_m"] == both["distance_m_main"]) | (
        both["distance_m"].isna() & both["distance_m_main"].isna()
    )
    return both.loc[~same, [*key, "distance_m"]]


def indicators(context: Context) -> dict[str, Any]:
    """The table of figures, as Parquet and as CSV that Excel opens."""
    store = context.store
    access, low = store.get("access"), store.get("access_low")
    key = ["demand_id", "kind", "profile"]
    changed = low.rename(columns={"distance_m": "low_m"}).assign(changed=True)
    merged = access[[*key, "distance_m"]].merge(changed, on=key, how="left")
    merged["distance_m"] = merged["distance_m"].where(merged["changed"].isna(), merged["low_m"])
    tables = Tables(
        store.get("demand"), store.get("zones"), store.get("facilities"), access, merged[[*key, "distance_m"]]
    )
    frame = store.put("indicators", build_indicators(tables, context.catalogue, context.run_key, context.synthetic))
    write_csv(frame, store.folder / "indicators.csv")
    return {"rows": {"indicators": len(frame)}}


def _defuse(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets an apostrophe; lone carriage returns would break the row."""
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "＝", "＋", "－", "＠")) else text


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """CSV in UTF-8 with a byte-order mark, so that Excel reads Chinese; text that would run as a formula is defused."""
    safe = frame.copy()
    for column in safe.columns:
        if safe[column].dtype == "str" or safe[column].dtype == object:
            safe[column] = safe[column].map(_defuse)
    safe.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")


def maps(context: Context) -> dict[str, Any]:
    """The pages."""
    from xiqing_space.maps import draw_action02, draw_index

    doubts = Quality(list(context.doubts)).frame()
    draw_action02(context.store, context.catalogue, context.config.output, context.maps, doubts)
    draw_index(context.store, context.catalogue, context.config.output, context.maps, doubts)
    return {"rows": {}}
