"""The script that an analyst would write: how far do children walk to what they need? Not ours to improve, and not slowed down.

python -m benchmarks.plain_script EVERYTHING.osm OUT_FOLDER                the short way: one extract, osmnx for all of it
python -m benchmarks.plain_script STREETS.osm OUT_FOLDER EXTRACT.osm.pbf    streets picked out beforehand, pyosmium for the rest

Distances and catchments through networkx, the page through folium.
Straightforward and without tricks; it does one profile, takes a facility to be its middle point and knows no gates.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import folium
import networkx as nx
import osmium
import osmnx as ox
import pandas as pd
import shapely

LIMIT_M, CATCHMENT_M = 3000, 500
KINDS = {
    ("amenity", "kindergarten"): "kindergarten", ("amenity", "childcare"): "childcare", ("amenity", "school"): "school",
    ("amenity", "clinic"): "clinic", ("amenity", "hospital"): "hospital", ("amenity", "library"): "library",
    ("leisure", "park"): "park", ("leisure", "playground"): "playground",
}  # fmt: skip
HOMES = ("yes", "apartments", "residential", "house", "detached", "semidetached_house", "terrace", "bungalow")
COLOURS = {True: "#1a9850", False: "#d73027"}


def read_places(extract: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Facilities (kind, lon, lat) and homes (lon, lat)."""
    wkb = osmium.geom.WKBFactory()
    wanted = osmium.filter.TagFilter(*KINDS, *(("building", value) for value in HOMES))
    facilities, homes = [], []
    for item in osmium.FileProcessor(extract).with_areas(wanted).with_filter(wanted):
        if item.is_node():
            point = (item.location.lon, item.location.lat)
        elif item.is_area():
            middle = shapely.from_wkb(wkb.create_multipolygon(item)).centroid
            point = (middle.x, middle.y)
        else:
            continue
        kinds = [kind for (key, value), kind in KINDS.items() if item.tags.get(key) == value]
        facilities += [(kind, *point) for kind in kinds]
        if item.is_area() and item.tags.get("building") in HOMES and not kinds:
            homes.append(point)
    return pd.DataFrame(facilities, columns=["kind", "lon", "lat"]), pd.DataFrame(homes, columns=["lon", "lat"])


def draw(edges: pd.DataFrame, homes: pd.DataFrame, facilities: pd.DataFrame, path: Path) -> None:
    page = folium.Map([homes["lat"].mean(), homes["lon"].mean()], zoom_start=13, prefer_canvas=True)
    folium.GeoJson(
        edges[["highway", "length", "geometry"]], style_function=lambda _: {"color": "#888888", "weight": 1}
    ).add_to(page)
    for home in homes.itertuples():
        near = home.kindergarten <= CATCHMENT_M
        folium.CircleMarker([home.lat, home.lon], radius=2, color=COLOURS[near], stroke=False, fill=True).add_to(page)
    for one in facilities.itertuples():
        folium.CircleMarker([one.lat, one.lon], radius=5, color="#2166ac", fill=True, popup=one.kind).add_to(page)
    page.save(str(path))


def osmnx_places(extract: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same through osmnx alone."""
    tags = {
        "building": list(HOMES),
        "amenity": [v for k, v in KINDS if k == "amenity"],
        "leisure": ["park", "playground"],
    }
    found = ox.features_from_xml(extract, tags=tags)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        middle = found.geometry.centroid
    found = found.assign(lon=middle.x, lat=middle.y)
    facilities = [
        found.loc[found[key] == value, ["lon", "lat"]].assign(kind=kind)
        for (key, value), kind in KINDS.items()
        if key in found.columns
    ]
    homes = found[found["building"].isin(HOMES) & found["amenity"].isna()]
    return pd.concat(facilities, ignore_index=True), homes[["lon", "lat"]].reset_index(drop=True)


def main(streets: str, folder: str, extract: str = "") -> None:
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    spent: dict[str, float] = {}
    clock = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal clock
        now = time.perf_counter()
        spent[name], clock = round(now - clock, 1), now

    graph = ox.graph_from_xml(streets, bidirectional=True, simplify=True, retain_all=True)
    if not extract:  # osmnx makes edges of building outlines too
        drawn = [(u, v, key) for u, v, key, highway in graph.edges(keys=True, data="highway") if highway is None]
        graph.remove_edges_from(drawn)
        graph.remove_nodes_from(list(nx.isolates(graph)))
    lap("graph")
    facilities, homes = read_places(extract) if extract else osmnx_places(streets)
    lap("places")
    facilities["node"] = ox.distance.nearest_nodes(graph, facilities["lon"], facilities["lat"])
    homes["node"] = ox.distance.nearest_nodes(graph, homes["lon"], homes["lat"])
    lap("nearest nodes")
    for kind in KINDS.values():
        sources = set(facilities.loc[facilities["kind"] == kind, "node"])
        reach = nx.multi_source_dijkstra_path_length(graph, sources, cutoff=LIMIT_M, weight="length") if sources else {}
        homes[kind] = homes["node"].map(reach)
    homes.to_csv(out / "access.csv", index=False)
    lap("access")
    facilities["catchment_nodes"] = [
        len(nx.ego_graph(graph, node, radius=CATCHMENT_M, distance="length")) for node in facilities["node"]
    ]
    facilities.to_csv(out / "facilities.csv", index=False)
    lap("catchments")
    edges = ox.graph_to_gdfs(graph, nodes=False).reset_index().drop_duplicates("geometry")
    draw(edges, homes, facilities, out / "map.html")
    lap("page")
    size = (out / "map.html").stat().st_size / 1e6
    print(json.dumps({"laps": spent, "homes": len(homes), "facilities": len(facilities), "page_mb": round(size, 1)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
