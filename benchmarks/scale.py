"""Part f, each task in a process of its own: `python -m benchmarks.scale TASK …` prints one line of JSON.

Tasks of our side: `points` (made before any clock runs), `alone`, `nearest`, `supply`. Of the peers, run by their interpreter:
`networkx`, `pysal`. `compare` says how far two results lie apart.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.common import LIMIT_M, N_KINDS

BANDS = (1.0, 0.68, 0.22)  # the weights of catalog/capacity.toml


def points(graph: str, target: str, homes: str, facilities: str) -> dict[str, Any]:
    """Homes and facilities spread evenly along all streets, with legs, children and places; a fixed seed."""
    data = np.load(graph)
    rng, length = np.random.default_rng(20240502), data["length_m"]
    share = np.cumsum(length) / length.sum()
    made: dict[str, Any] = {}
    for name, count, leg in (("home", int(homes), 30.0), ("facility", int(facilities), 20.0)):
        edge = np.minimum(np.searchsorted(share, rng.random(count)), len(length) - 1)
        made |= {f"{name}_edge": edge, f"{name}_offset": np.round(rng.random(count) * length[edge], 3),
                 f"{name}_leg": np.round(rng.random(count) * leg, 3)}  # fmt: skip
    made["kind"] = np.arange(int(facilities)) % N_KINDS
    made["places"] = rng.integers(60, 360, int(facilities)).astype(float)
    made["children"] = rng.integers(1, 6, int(homes)).astype(float)
    np.savez(target, **made)
    return {"homes": int(homes), "facilities": int(facilities)}


def _world(graph: str, made: str) -> tuple[Any, Any, dict[str, Any], float]:
    """Graph, homes and everything that was drawn."""
    from benchmarks.ours import _load
    from xiqing_space.network.pairs import Owned
    from xiqing_space.network.reach import Seeds

    net, _, building = _load(graph)
    drawn = dict(np.load(made))
    count = len(drawn["home_edge"])
    homes = Owned(Seeds(drawn["home_edge"], drawn["home_offset"], drawn["home_leg"]), np.arange(count), count)
    return net, homes, drawn, building


def _facilities(drawn: dict[str, Any], rows: Any) -> Any:
    from xiqing_space.network.reach import Seeds

    return Seeds(drawn["facility_edge"][rows], drawn["facility_offset"][rows], drawn["facility_leg"][rows])


def alone(graph: str, made: str) -> dict[str, Any]:
    """The graph and the points held, nothing searched: what the memory of the others is set against."""
    net, _, drawn, building = _world(graph, made)
    return {
        "seconds": building,
        "homes": len(drawn["home_edge"]),
        "facilities": len(drawn["kind"]),
        "nodes": net.n_nodes,
    }


def nearest(graph: str, made: str, out: str) -> dict[str, Any]:
    """For every home the nearest facility of each kind within 1,200 m, legs included."""
    from xiqing_space.network.reach import nearest_along

    net, homes, drawn, building = _world(graph, made)
    began = time.perf_counter()
    found = [
        nearest_along(net, _facilities(drawn, np.flatnonzero(drawn["kind"] == kind)), homes.seeds, LIMIT_M)[0]
        for kind in range(N_KINDS)
    ]
    seconds = time.perf_counter() - began
    np.savez(out, distance=np.stack(found))
    return {"seconds": seconds, "building": building}


def supply(graph: str, made: str, limit: str, out: str) -> dict[str, Any]:
    """All pairs of facility and home within the limit, kind by kind and all of them kept, and E2SFCA on them."""
    from xiqing_space.coverage.supply import in_bands, share_places
    from xiqing_space.network.pairs import Owned, PairSearch

    net, homes, drawn, building = _world(graph, made)
    weigh = in_bands(float(limit), BANDS)
    began = time.perf_counter()
    pairs, at_home, search = [], [], PairSearch(net, homes)
    sharing = 0.0
    for kind in range(N_KINDS):
        rows = np.flatnonzero(drawn["kind"] == kind)
        sites = Owned(_facilities(drawn, rows), np.arange(len(rows)), len(rows))
        found = search.pairs(sites, float(limit))
        pairs.append(found)
        part = time.perf_counter()
        known = np.zeros(len(rows), dtype=bool)
        weight = weigh(found.distance_m)
        at_home.append(
            share_places(found.site, found.home, weight, drawn["children"], drawn["places"][rows], known).at_home
        )
        sharing += time.perf_counter() - part
    seconds = time.perf_counter() - began
    count = sum(len(one.site) for one in pairs)
    if out != "-":
        rows_of = [np.flatnonzero(drawn["kind"] == kind) for kind in range(N_KINDS)]
        np.savez(
            out, at_home=np.stack(at_home), home=np.concatenate([one.home for one in pairs]),
            facility=np.concatenate([rows[one.site] for rows, one in zip(rows_of, pairs, strict=True)]),
            distance=np.concatenate([one.distance_m for one in pairs]), sharing=sharing,
        )  # fmt: skip
    return {"seconds": seconds, "building": building, "pairs": count, "sharing": sharing}


def networkx(graph: str, made: str, limit: str, out: str) -> dict[str, Any]:
    """The same pairs with one networkx search a facility, and a loop over the homes at each node reached."""
    from benchmarks.rivals import _networkx

    net, data, building = _networkx(graph)
    drawn, most = dict(np.load(made)), float(limit)
    u, v, length = data["u"].tolist(), data["v"].tolist(), data["length_m"].tolist()
    import networkx

    began = time.perf_counter()
    at_node: dict[int, list[tuple[int, float]]] = {}
    on_edge: dict[int, list[tuple[int, float, float]]] = {}
    places = zip(drawn["home_edge"].tolist(), drawn["home_offset"].tolist(), drawn["home_leg"].tolist(), strict=True)
    for home, (edge, offset, leg) in enumerate(places):
        at_node.setdefault(u[edge], []).append((home, offset + leg))
        at_node.setdefault(v[edge], []).append((home, length[edge] - offset + leg))
        on_edge.setdefault(edge, []).append((home, offset, leg))
    found: list[tuple[int, int, float]] = []
    ways = zip(
        drawn["facility_edge"].tolist(), drawn["facility_offset"].tolist(), drawn["facility_leg"].tolist(), strict=True
    )
    for facility, (edge, offset, leg) in enumerate(ways):
        best = {home: abs(offset - other) + leg + other_leg for home, other, other_leg in on_edge.get(edge, ())}
        for node, cost in ((u[edge], offset + leg), (v[edge], length[edge] - offset + leg)):
            far = networkx.single_source_dijkstra_path_length(net, node, cutoff=max(most - cost, 0.0), weight="weight")
            for place, metres in far.items():
                for home, more in at_node.get(place, ()):
                    whole = cost + metres + more
                    if whole <= most + 0.005 and whole < best.get(home, np.inf):
                        best[home] = whole
        found += [(facility, home, metres) for home, metres in best.items() if round(metres, 2) <= most]
    seconds = time.perf_counter() - began
    facility, home, distance = (np.asarray(column) for column in zip(*found, strict=True))
    np.savez(out, facility=facility, home=home, distance=distance)
    return {"seconds": seconds, "building": building, "pairs": len(found)}


def pysal(made: str, pairs: str, limit: str, out: str) -> dict[str, Any]:
    """E2SFCA of every kind with PySAL's access, on our pairs as its table of costs."""
    import pandas as pd
    from access import fca, weights

    drawn, given = dict(np.load(made)), np.load(pairs)
    most = float(limit)
    step = weights.step_fn({most / 3: BANDS[0], most * 2 / 3: BANDS[1], most: BANDS[2]})
    people = pd.DataFrame({"people": drawn["children"]}).rename_axis("geoid")
    kind_of = drawn["kind"][given["facility"]]
    at_home = np.zeros((N_KINDS, len(people)))
    began = time.perf_counter()
    for kind in range(N_KINDS):
        mine = kind_of == kind
        rows = np.flatnonzero(drawn["kind"] == kind)
        costs = pd.DataFrame(
            {"origin": given["home"][mine], "dest": given["facility"][mine], "cost": given["distance"][mine]}
        )
        places = pd.DataFrame({"places": drawn["places"][rows]}, index=pd.Index(rows, name="geoid"))
        found = fca.two_stage_fca(people, places, costs, demand_index=True, demand_name="people", supply_index=True,
                                  supply_name="places", weight_fn=step)  # fmt: skip
        at_home[kind, found.index.to_numpy()] = found.to_numpy()
    seconds = time.perf_counter() - began
    np.savez(out, at_home=at_home)
    return {"seconds": seconds, "pairs": len(given["home"])}


def compare(what: str, ours: str, other: str, limit: str) -> dict[str, Any]:
    """Worst difference over everything that both computed: metres of pairs, or places per child."""
    a, b = np.load(ours), np.load(other)
    if what == "at_home":
        return {"worst": float(np.abs(a["at_home"] - b["at_home"]).max()), "compared": int(a["at_home"].size)}
    if what == "nearest":  # the least of the pairs of a home, kind by kind, against the search for the nearest
        least = np.full(b["distance"].shape, np.inf)
        np.minimum.at(least, (a["facility"] % N_KINDS, a["home"]), a["distance"])
        near = b["distance"] <= float(limit)
        return {"worst": float(np.abs(least[near] - b["distance"][near]).max()), "compared": int(near.sum())}
    keys = [one["facility"].astype(np.int64) * 10_000_000 + one["home"] for one in (a, b)]
    every = np.unique(np.concatenate(keys))
    laid = []
    for key, one in zip(keys, (a, b), strict=True):
        metres = np.full(len(every), float(limit))  # within a centimetre of the limit one may have it and the other not
        metres[np.searchsorted(every, key)] = one["distance"]
        laid.append(metres)
    return {"worst": float(np.abs(laid[0] - laid[1]).max(initial=0.0)), "compared": len(every)}


if __name__ == "__main__":
    tasks: dict[str, Callable[..., dict[str, Any]]] = {
        "points": points, "alone": alone, "nearest": nearest, "supply": supply, "networkx": networkx, "pysal": pysal,
        "compare": compare,
    }  # fmt: skip
    print(json.dumps(tasks[sys.argv[1]](*sys.argv[2:])))
