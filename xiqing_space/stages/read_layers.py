"""Stage ingest: raw files to checked layers."""

from __future__ import annotations

import tempfile
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.crs import points_of
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.area import Area, read_area, read_zones
from xiqing_space.ingest.barriers import barrier_pairs, read_barriers, read_crossings
from xiqing_space.ingest.compounds import gate_nodes, read_compounds
from xiqing_space.ingest.facilities import facility_pairs, note_doubles, note_facilities, read_facilities
from xiqing_space.ingest.obstacles import BUILDING_KEYS, obstacle_pairs, read_obstacles
from xiqing_space.ingest.osm import Features, Header, UnsortedError, read_features, read_header, sort_extract
from xiqing_space.ingest.population import building_keys, home_pairs, read_homes
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.reconcile import Stated, reconcile
from xiqing_space.ingest.roadside import read_mapped_surroundings, read_road_points, roadside_pairs
from xiqing_space.ingest.street_tags import READ_KEYS, osmnx_tags, way_tags
from xiqing_space.ingest.streets import osmnx_frame, read_osm_ways, read_osmnx_edges, streets_frame
from xiqing_space.memory import collection_paused
from xiqing_space.network.gates import compounds_without_gates
from xiqing_space.stages.context import Context
from xiqing_space.stages.read_communities import read_communities
from xiqing_space.stages.read_land import cut_land, read_gates, read_land, settle, settle_compounds
from xiqing_space.stages.read_lists import Lists, read_lists, reference_of
from xiqing_space.stages.read_people import settle_people
from xiqing_space.stages.read_returned import all_facilities, drop_closed, take_returned
from xiqing_space.stages.read_routes import SchoolLayers, read_listed_premises, read_school_inputs
from xiqing_space.texts import among

_EDGE = 1e-4  # of a degree, about 10 m: what lies on the outermost street lies inside
_MUCH_LARGER = 4.0  # a header's box with so many times the streets' extent says nothing of the data


def _extent(header: Header, streets: Any, features: Features) -> tuple[float, float, float, float]:
    """Extent of the data: the box that the header states where it fits the streets, else that of streets and buildings."""
    if header.box is not None:
        stated, found = shapely.box(*header.box), shapely.box(*streets)
        if stated.intersects(found) and stated.area <= _MUCH_LARGER * max(found.area, 1e-6):
            return header.box
    bounds = np.vstack(
        [np.asarray(streets, dtype=float)[None], shapely.bounds(features.building_shapes).reshape(-1, 4)]
    )
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
        pairs = {
            *facility_pairs(catalogue),
            *barrier_pairs(catalogue),
            *home_pairs(catalogue),
            *roadside_pairs(catalogue),
            *obstacle_pairs(catalogue),
        }
        features = read_features(config.sources.osm, pairs, (*building_keys(catalogue), *BUILDING_KEYS))
    else:
        quality.add("no_barriers_read", source=main.name)
    if features.clipped_areas:
        quality.add("clipped_area", source=main.name, n=features.clipped_areas)
    area, streets, tags = _area_and_streets(context, header, features, main)
    date = config.sources.data_date or header.date
    if not date:
        quality.add("date_unknown", source=main.name)
    store.put(
        "area",
        pd.DataFrame(
            {
                "name": [area.name], "source": ["; ".join(dict.fromkeys(item["file"] for item in context.inputs))],
                "licence": [config.sources.licence or None], "data_date": [date or None], "synthetic": [context.synthetic],
                "metric_epsg": [area.metric_epsg], "geometry": [area.polygon],
            }
        ),
    )  # fmt: skip
    landuse = read_land(context, area)
    if landuse is not None:
        context.rows_read["landuse"] = len(landuse)
    zones = store.put("zones", settle(read_zones(config.area, area, quality), landuse, area))
    streets = store.put("streets", streets)
    store.put("street_tags", tags[among(tags["osm_id"], streets["osm_id"])])
    store.put("mapped_crossings", read_crossings(features, streets, area))
    store.put("road_points", read_road_points(features, catalogue, area))
    mapped_premises = read_mapped_surroundings(features, catalogue, area, main.name)
    store.put("barriers", read_barriers(features, catalogue, area))
    # with an area of its own: a shape that one thread prepares is not to be looked at by another
    store.put_later("obstacles", read_obstacles, features, streets, catalogue, deepcopy(area))
    gates = gate_nodes(features, catalogue)
    store.put("mapped_points", _mapped_points(features, gates))
    compounds, every_compound = settle_compounds(context, read_compounds(features, gates, streets, area), area)
    compounds = store.put("compounds", compounds)
    cut_land(context, landuse, zones, compounds, area)
    mapped, grounds = read_facilities(features, catalogue, area, main.name, quality)
    listed = read_listed_premises(context, area, lambda: reference_of(streets, features, mapped, area))
    store.put(
        "surroundings", mapped_premises if listed is None else pd.concat([mapped_premises, listed], ignore_index=True)
    )
    lists = read_lists(context, area, zones, streets, features, mapped, grounds, every_compound)
    surveyed = read_gates(context, every_compound, set(compounds["compound_id"]), lists.facilities, lists.grounds, area)
    store.put("communities", read_communities(context))
    homes = read_homes(features, compounds, zones, catalogue, area, main.name, quality)
    demand = store.put("demand", settle_people(context, homes, zones, every_compound, landuse, area))
    about = _about_facilities(context, lists, compounds, gates, surveyed, area, main)
    if config.survey.sheets:
        done = take_returned(context, lists, [*quality.rows, *about], surveyed, compounds, zones, area)
        lists, surveyed = done.lists, done.gates
        quality.rows += _about_facilities(context, lists, compounds, gates, surveyed, area, main)
        drop_closed(quality, done.closed)
    else:
        quality.rows += about
    facilities = store.put("facilities", lists.facilities)
    store.put("grounds", lists.grounds)
    store.put("unlocated", lists.unlocated)
    store.put("merges", lists.merges)
    surveyed = store.put("surveyed_gates", surveyed)
    read_school_inputs(
        context,
        SchoolLayers(area, zones, every_compound, facilities, lists.grounds, surveyed, gates, streets, store.get("street_tags"),
                     store.get("mapped_crossings")),
    )  # fmt: skip
    return {
        "data_date": date,
        "read": dict(context.rows_read),
        "rows": {"streets": len(streets), "facilities": len(facilities), "homes": len(demand), "zones": len(zones)},
    }


def _about_facilities(
    context: Context, lists: Lists, compounds: pd.DataFrame, gates: pd.DataFrame, surveyed: pd.DataFrame, area: Area, main: Path
) -> list[dict[str, str]]:  # fmt: skip
    """Doubts about all facilities and gates together, which returned sheets may settle."""
    quality = Quality()
    note_doubles(lists.facilities, lists.grounds, main.name, quality)
    note_facilities(lists.facilities, lists.unlocated, context.catalogue, main.name, quality)
    if stated := [Stated(one.label, one.kinds, one.total, one.operators) for one in context.config.stated]:
        reconcile(all_facilities(lists), stated, quality)
    own = context.config.compounds.file.name if context.config.compounds else main.name
    names = dict(zip(compounds["compound_id"], compounds["name"], strict=True))
    for one in compounds_without_gates(compounds, gates, surveyed, area.metric_epsg):
        name = f"{names[one]}（{one}）" if isinstance(names[one], str) else one
        quality.add("compound_gates_unknown", source=main.name if one.startswith("osm:") else own, id=one, name=name)
    return quality.rows


def _area_and_streets(
    context: Context, header: Header, features: Features, main: Path
) -> tuple[Area, pd.DataFrame, pd.DataFrame]:
    """The area needs the streets' extent, and the streets' lengths need the area's metric system; and the ways' tags."""
    sources, catalogue, quality = context.config.sources, context.catalogue, context.quality
    if sources.streets is not None:
        edges = read_osmnx_edges(sources.streets)
        extent = _extent(header, edges.total_bounds, features)
        area = read_area(context.config.area, extent, main.name, quality)
        streets = osmnx_frame(edges, catalogue, area.metric_epsg, quality, sources.streets.name)
        tags = osmnx_tags(edges)
    else:
        assert sources.osm is not None
        ways = read_osm_ways(sources.osm, catalogue, quality, READ_KEYS)
        extent = _extent(header, [*ways.lonlat.min(axis=0), *ways.lonlat.max(axis=0)], features)
        area = read_area(context.config.area, extent, main.name, quality)
        with collection_paused():
            streets, tags = streets_frame(ways, catalogue, area.metric_epsg), way_tags(ways)
    return area, _clip_streets(streets, area, main.name), tags


def _mapped_points(features: Features, gates: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for identity, lon, lat, tags in features.nodes:
        if tags.get("railway") in ("level_crossing", "crossing"):
            rows.append((f"osm:n{identity}", "level", False, False, False, shapely.Point(lon, lat)))
        if tags.get("ford") == "yes":
            rows.append((f"osm:n{identity}", "ford", False, False, False, shapely.Point(lon, lat)))
    points = points_of(gates)
    flags = [gates[name] for name in ("shut", "private", "vehicle")]
    rows += list(zip(gates["gate_id"], ["gate"] * len(gates), *flags, points, strict=True))
    return pd.DataFrame(rows, columns=["point_id", "what", "shut", "private", "vehicle", "geometry"])
