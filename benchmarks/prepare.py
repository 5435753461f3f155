"""Inputs made before any clock runs, by our interpreter: XML for those who read no .pbf, tiled Porto, graphs as arrays.

`python -m benchmarks.prepare TASK …` prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import LIMIT_M, N_FACILITIES, N_KINDS, N_SOURCES

TILES = 4  # per side
_BANDS = 32  # joins per seam of the tiled graph
_GAP_DEGREES = 0.002
_GAP_M = 200.0


def convert(source: Path, streets: Path, everything: Path) -> dict[str, Any]:
    """An extract as two .osm files: highway ways with their nodes, and everything.

    osmnx makes a graph of every way in its file, so buildings stay out of the first. References to nodes that
    a clipped extract does not hold are taken out, for osmnx stops at them.
    """
    import osmium

    here: set[int] = set()
    on_streets: set[int] = set()
    clipped = 0
    for item in osmium.FileProcessor(str(source)):
        if item.is_node():
            here.add(item.id)
        elif item.is_way() and "highway" in item.tags:
            on_streets.update(node.ref for node in item.nodes)
    with (
        osmium.SimpleWriter(str(streets), overwrite=True) as first,
        osmium.SimpleWriter(str(everything), overwrite=True) as second,
    ):
        for item in osmium.FileProcessor(str(source)):
            if item.is_node():
                second.add(item)
                if item.id in on_streets:
                    first.add(item)
                continue
            if item.is_way():
                refs = [node.ref for node in item.nodes]
                kept = [ref for ref in refs if ref in here]
                clipped += len(kept) < len(refs)
                if len(kept) > 1:
                    whole = item if len(kept) == len(refs) else item.replace(nodes=kept)
                    second.add(whole)
                    if "highway" in item.tags:
                        first.add(whole)
                continue
            second.add(item)
    return {"clipped_ways": clipped}


def tile_pbf(source: Path, target: Path) -> dict[str, Any]:
    """The streets of an extract 4 × 4 times, side by side, neighbours joined by ways across each seam."""
    import osmium

    nodes: dict[int, tuple[float, float, dict[str, str]]] = {}
    ways: list[tuple[int, list[int], dict[str, str]]] = []
    for item in osmium.FileProcessor(str(source)):
        if item.is_node():
            nodes[item.id] = (item.location.lon, item.location.lat, {tag.k: tag.v for tag in item.tags})
        elif item.is_way():
            ways.append((item.id, [node.ref for node in item.nodes], {tag.k: tag.v for tag in item.tags}))
    ids = np.asarray(sorted(nodes), dtype=np.int64)
    place = np.asarray([nodes[one][:2] for one in ids.tolist()])
    step = place.max(axis=0) - place.min(axis=0) + _GAP_DEGREES
    node_step, way_step = (_round_up(max(values)) for values in (nodes, (way[0] for way in ways)))
    with osmium.SimpleWriter(str(target), overwrite=True) as writer:
        for tile in range(TILES * TILES):
            east, north = (step * divmod(tile, TILES)).tolist()
            for one in ids.tolist():
                lon, lat, tags = nodes[one]
                writer.add_node(
                    osmium.osm.mutable.Node(id=one + tile * node_step, location=(lon + east, lat + north), tags=tags)
                )
        for tile in range(TILES * TILES):
            for one, refs, tags in ways:
                moved = [ref + tile * node_step for ref in refs]
                writer.add_way(osmium.osm.mutable.Way(id=one + tile * way_step, nodes=moved, tags=tags))
        seams = _seams(place)
        for number, (tile, row, other, other_row) in enumerate(seams):
            refs = [int(ids[row]) + tile * node_step, int(ids[other_row]) + other * node_step]
            tags = {"highway": "residential"}
            writer.add_way(osmium.osm.mutable.Way(id=TILES * TILES * way_step + number, nodes=refs, tags=tags))
    return {"nodes": len(ids) * TILES**2, "ways": len(ways) * TILES**2 + len(seams), "seams": len(seams)}


def _round_up(value: int) -> int:
    return (value // 1_000_000 + 1) * 1_000_000


def _border(place: Any, axis: int, sign: int) -> Any:
    """Along one side of a tile: in each band across the other axis, the node that lies farthest out."""
    other = place[:, 1 - axis]
    edges = np.quantile(other, np.linspace(0.05, 0.95, _BANDS + 1))
    band = np.searchsorted(edges, other) - 1
    order = np.lexsort((sign * place[:, axis], band))
    last = np.flatnonzero(np.append(band[order][1:] != band[order][:-1], True))
    rows = order[last]
    return rows[(band[rows] >= 0) & (band[rows] < _BANDS)]


def _seams(place: Any) -> list[tuple[int, int, int, int]]:
    """(tile, row, neighbouring tile, row there) of every join; tile = column × TILES + row."""
    found = []
    for axis in (0, 1):
        here, there = _border(place, axis, 1), _border(place, axis, -1)
        for tile in range(TILES * TILES):
            column, row = divmod(tile, TILES)
            if (column, row)[axis] == TILES - 1:
                continue
            other = tile + (TILES if axis == 0 else 1)
            found += [(tile, a, other, b) for a, b in zip(here.tolist(), there.tolist(), strict=True)]
    return found


def export_graph(source: Path, epsg: int, target: Path, tiled: Path | None) -> dict[str, Any]:
    """The walking graph of an extract as arrays for everyone, and (where named) the same tiled 4 × 4."""
    from xiqing_space.catalog import load_catalogue
    from xiqing_space.ingest.quality import Quality
    from xiqing_space.ingest.streets import read_osm_streets
    from xiqing_space.network.graph import build_graph

    graph = build_graph(read_osm_streets(source, load_catalogue(), metric_epsg=epsg, quality=Quality()), "walk", epsg)
    _save(target, graph.xy, graph.u, graph.v, graph.length_m)
    if tiled is not None:
        _save(tiled, *_tile_arrays(graph))
    return {"nodes": graph.n_nodes, "edges": len(graph.u)}


def _tile_arrays(graph: Any) -> tuple[Any, Any, Any, Any]:
    n = graph.n_nodes
    step = graph.xy.max(axis=0) - graph.xy.min(axis=0) + _GAP_M
    copies = np.arange(TILES * TILES)
    shift = np.column_stack([copies // TILES, copies % TILES]) * step
    xy = (graph.xy[None, :, :] + shift[:, None, :]).reshape(-1, 2)
    u, v = ((ends[None, :] + copies[:, None] * n).ravel() for ends in (graph.u, graph.v))
    seams = np.asarray(_seams(graph.xy), dtype=np.int64)
    a, b = seams[:, 0] * n + seams[:, 1], seams[:, 2] * n + seams[:, 3]
    across = np.round(np.hypot(*(xy[a] - xy[b]).T) + 0.001, 3)
    length = np.concatenate([np.tile(graph.length_m, TILES * TILES), across])
    return xy, np.concatenate([u, a]).astype(np.int32), np.concatenate([v, b]).astype(np.int32), length


def _save(target: Path, xy: Any, u: Any, v: Any, length: Any) -> None:
    """Edge list, the simple graph of it (the shortest of parallel edges, no loops), and the seeded places of search."""
    n = len(xy)
    low, high = np.minimum(u, v).astype(np.int64), np.maximum(u, v).astype(np.int64)
    order = np.lexsort((length, high, low))
    key = (low * n + high)[order]
    first = np.append(True, key[1:] != key[:-1]) & (low != high)[order]
    simple = order[first]
    rng = np.random.default_rng(20240501)
    on_edge = np.unique(np.concatenate([u, v]))
    facilities = rng.choice(on_edge, size=min(N_FACILITIES, len(on_edge) // 2), replace=False)
    kind = np.arange(len(facilities)) % N_KINDS
    sources = rng.choice(on_edge, size=min(N_SOURCES, len(on_edge)), replace=False)
    np.savez(
        target, xy=xy, u=u, v=v, length_m=length, simple_u=low[simple], simple_v=high[simple],
        simple_length_m=length[simple], facility=facilities, kind=kind, source=sources,
    )  # fmt: skip


def compare(task: str, ours: Path, other: Path) -> dict[str, Any]:
    """Worst difference of two results, metres, over everything that both computed."""
    a, b = np.load(ours), np.load(other)
    if task == "nearest":
        return _worst(a["distance"].ravel(), b["distance"].ravel())
    keys = [one["search"].astype(np.int64) * 10_000_000 + one["node"] for one in (a, b)]
    if "searches" in b:  # a sample of the searches only
        kept = np.isin(a["search"], b["searches"])
        keys[0], mine = keys[0][kept], a["distance"][kept]
    else:
        mine = a["distance"]
    every = np.unique(np.concatenate(keys))
    laid = []
    for key, distance in zip(keys, (mine, b["distance"]), strict=True):
        one = np.full(len(every), np.inf)
        one[np.searchsorted(every, key)] = distance
        laid.append(one)
    return _worst(*laid)


def _worst(a: Any, b: Any) -> dict[str, Any]:
    """One may be infinite where the other lies within a centimetre or two of the limit: rounding, not disagreement."""
    a, b = (np.where(np.isfinite(one), one, LIMIT_M) for one in (a, b))
    return {
        "worst_m": float(np.abs(a - b).max(initial=0.0)),
        "compared": len(a),
        "below_limit": int((a < LIMIT_M).sum()),
    }


def main(task: str, *args: str) -> None:
    if task == "convert":
        found = convert(*map(Path, args))
    elif task == "tile_pbf":
        found = tile_pbf(*map(Path, args))
    elif task == "graph":
        source, epsg, target, *tiled = args
        found = export_graph(Path(source), int(epsg), Path(target), Path(tiled[0]) if tiled else None)
    else:
        found = compare(args[0], Path(args[1]), Path(args[2]))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
