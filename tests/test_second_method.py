"""Every distance again, from the tables alone, with networkx and plain loops; nothing of the network room is used."""

from __future__ import annotations

import math
from pathlib import Path

import networkx as nx
import pandas as pd

from xiqing_space.catalog import load_catalogue
from xiqing_space.pipeline import run

TOLERANCE_M = 0.01


def recompute(folder: Path) -> tuple[int, float, list[str]]:
    """Rows compared, worst difference in metres, and rows on whose reach the two methods disagree."""
    tables = {
        name: pd.read_parquet(folder / f"{name}.parquet")
        for name in ("streets", "access_links", "facilities", "access")
    }
    streets, links, facilities, access = tables.values()
    ends = {row.edge_id: (row.u, row.v, row.length_m) for row in streets.itertuples()}
    counted = facilities[(facilities["status"] == "operating") & (facilities["serves"] == "everyone")]
    limit = 3000.0
    compared, worst, disagree = 0, 0.0, []
    for profile in ("walk", "pram"):
        graph = nx.Graph()
        for row in streets[streets[profile]].itertuples():
            if row.u != row.v and row.length_m < graph.get_edge_data(row.u, row.v, {"weight": math.inf})["weight"]:
                graph.add_edge(row.u, row.v, weight=row.length_m)
        mine = links[(links["profile"] == profile) & links["linked"]]
        homes: dict[str, list[tuple[str, float, float]]] = {}
        for row in mine[mine["owner_type"] == "demand"].itertuples():
            homes.setdefault(row.owner_id, []).append((row.edge_id, row.offset_m, row.leg_m))
        for kind, rows in access[access["profile"] == profile].groupby("kind"):
            sites = set(counted.loc[counted["kind"] == kind, "site_id"])
            ways_in = mine[(mine["owner_type"] == "site") & mine["owner_id"].isin(sites)]
            graph.add_node("goal")
            on_edge: dict[str, list[tuple[float, float]]] = {}
            for way in ways_in.itertuples():
                u, v, length = ends[way.edge_id]
                on_edge.setdefault(way.edge_id, []).append((way.offset_m, way.leg_m))
                for node, cost in ((u, way.offset_m + way.leg_m), (v, length - way.offset_m + way.leg_m)):
                    if cost < graph.get_edge_data("goal", node, {"weight": math.inf})["weight"]:
                        graph.add_edge("goal", node, weight=cost)
            far = nx.single_source_dijkstra_path_length(graph, "goal", cutoff=limit, weight="weight")
            graph.remove_node("goal")
            for home, got in zip(rows["demand_id"], rows["distance_m"], strict=True):
                best = math.inf
                for edge, offset, leg in homes.get(home, ()):
                    u, v, length = ends[edge]
                    best = min(best, far.get(u, math.inf) + offset + leg, far.get(v, math.inf) + length - offset + leg)
                    for other, other_leg in on_edge.get(edge, ()):
                        best = min(best, abs(offset - other) + leg + other_leg)
                compared += 1
                if math.isnan(got) != (best > limit + 0.005) and abs(best - limit) > 0.01:
                    disagree.append(f"{home} {kind} {profile}: {got} and {best}")
                elif not math.isnan(got):
                    worst = max(worst, abs(got - best))
    return compared, worst, disagree


def check(folder: Path, homes: int) -> None:
    compared, worst, disagree = recompute(folder)
    assert compared == homes * len(load_catalogue().access_kinds) * 2
    assert not disagree, disagree[:5]
    assert worst <= TOLERANCE_M


def test_helsinki_distances_agree_with_networkx(helsinki_run: Path) -> None:
    folder = helsinki_run / "data/processed"
    check(folder, len(pd.read_parquet(folder / "demand.parquet")))


def test_las_palmas_distances_agree_with_networkx(shared_data: Path, tmp_path: Path) -> None:
    source = (shared_data / "las_palmas_20230221.osm.pbf").as_posix()
    (tmp_path / "c.toml").write_text(f'[area]\nname = "Las Palmas"\n[sources]\nosm = "{source}"\n', encoding="utf-8")
    run(tmp_path / "c.toml", tmp_path / "out")
    folder = tmp_path / "out/data/processed"
    check(folder, len(pd.read_parquet(folder / "demand.parquet")))
