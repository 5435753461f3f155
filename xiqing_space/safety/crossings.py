"""The `crossings` table: every place where a walker gets over motor traffic, mapped or not.

Mapped crossings on roads; legs of junctions, crossed at their mouths; nodes where a footway meets a road; roads before the doors
of homes and sites; and footbridges and underpasses. What nobody mapped has the catalogue's defaults, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import COORDINATE_DIGITS
from xiqing_space.memory import collection_paused
from xiqing_space.safety.carriageways import Carriageways, attributes_of, find_opposite
from xiqing_space.safety.crossing_tags import along_legs, points_on_roads, tagged
from xiqing_space.safety.legs import Legs, Passages, follow_legs, joined, read_legs
from xiqing_space.safety.lines import first_of
from xiqing_space.safety.mouths import facility_factors, find_mouths, largest_leg, size_rank
from xiqing_space.safety.over_roads import find_over
from xiqing_space.safety.surveyed import with_survey

_MAIN = 1  # of [low, main, high] in the catalogue's defaults


@dataclass(frozen=True)
class _Roads:
    """What the rows are made from."""

    legs: Legs
    passages: Passages
    highway: NDArray[np.object_]  # by edge
    rank: NDArray[np.int64]  # by edge
    signals: NDArray[np.bool_]  # by end: signals at the junction or on that leg
    refuge: NDArray[np.bool_]
    signal_at: NDArray[np.bool_]  # by node
    refuge_at: NDArray[np.bool_]
    attributes: pd.DataFrame  # by edge
    pairs: Carriageways
    catalogue: Catalogue

    @cached_property
    def median(self) -> NDArray[np.bool_]:
        """Edges of carriageways so far apart that walkers can wait between them."""
        gap = self.attributes["pair_gap_m"].to_numpy(dtype=float)
        wide: NDArray[np.bool_] = gap >= self.catalogue.safety["roads"]["pair_island_min_m"]
        return (self.pairs.opposite >= 0) & wide

    def default(self, name: str) -> object:
        """The value that counts where nothing tells."""
        return self.catalogue.safety["defaults_all"][name][_MAIN]


def find_crossings(
    streets: pd.DataFrame, mapped_crossings: pd.DataFrame, road_points: pd.DataFrame, access_links: pd.DataFrame,
    street_attributes: pd.DataFrame, survey: pd.DataFrame, catalogue: Catalogue, metric_epsg: int,
) -> pd.DataFrame:  # fmt: skip
    """The `crossings` table (unsorted).

    A crossing that is not here may still be there: that nobody mapped one is no proof that there is none. Junction legs have
    the control of a mapped crossing or signal at the junction or within the catalogue's distance along the leg.

    Parameters
    ----------
    streets, mapped_crossings, road_points, access_links, street_attributes : DataFrame
        Tables, EPSG:4326; any row order.
    survey : DataFrame
        Table `street_survey`: what it says of crossings counts before tags and defaults.
    catalogue : Catalogue
    metric_epsg : int

    Returns
    -------
    DataFrame
        A row per crossing: mapped ones by their own id; `node/edge` at the mouth of a junction's leg, or where a footway meets
        a road between junctions; `block/edge` on roads that homes or sites join; `over/edge` for footbridges and underpasses.
    """
    with collection_paused():
        legs = read_legs(streets, catalogue)
        attributes = attributes_of(legs, street_attributes)
        mapped = _on_roads(legs, mapped_crossings)
        roads = _read_roads(legs, streets, attributes, mapped, road_points, catalogue, metric_epsg)
        on_nodes = with_survey(_mapped_rows(roads, mapped), survey)
        parts = [on_nodes, _mouth_rows(roads, on_nodes), _block_rows(roads, access_links), _over_rows(roads, streets)]
        rows = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
        return with_survey(_with_road(rows, roads, streets), survey)


def _on_roads(legs: Legs, mapped: pd.DataFrame) -> pd.DataFrame:
    """Mapped crossings at nodes where a road ends or passes, in id order, with the row of their node."""
    node = pd.Index(legs.node_id).get_indexer(pd.Index(mapped["node_id"].to_numpy(dtype=object)))
    kept = np.flatnonzero((node >= 0) & (legs.count[node] > 0))
    kept = kept[np.argsort(mapped["crossing_id"].to_numpy(dtype=object)[kept], kind="stable")]
    return mapped.iloc[kept].assign(node=node[kept])


def _read_roads(
    legs: Legs, streets: pd.DataFrame, attributes: pd.DataFrame, mapped: pd.DataFrame, points: pd.DataFrame,
    catalogue: Catalogue, metric_epsg: int,
) -> _Roads:  # fmt: skip
    reach = catalogue.safety["roads"]["junction_crossing_m"]
    passages = follow_legs(legs, reach)
    highway = streets["highway"].to_numpy(dtype=object)[legs.row]
    signals, refuges = (
        points_on_roads(legs, points[(points["what"] == what).to_numpy(dtype=bool)], directed)
        for what, directed in (("signal", True), ("refuge", False))
    )
    # a signalised crossing drawn on a junction's own node says that the junction has signals
    signals[1][mapped.loc[(mapped["control"] == "signals").to_numpy(dtype=bool), "node"]] = True
    return _Roads(
        legs, passages, highway, size_rank(highway, attributes, catalogue), along_legs(legs, passages, signals, reach),
        along_legs(legs, passages, refuges, reach), signals[1], refuges[1], attributes,
        find_opposite(legs, attributes, catalogue, metric_epsg), catalogue,
    )  # fmt: skip


def _mapped_rows(roads: _Roads, mapped: pd.DataFrame) -> pd.DataFrame:
    """Mapped crossings; those on a leg near a junction are the junction's."""
    legs, node = roads.legs, mapped["node"].to_numpy()
    told = tagged(mapped["tags"], mapped["control"])
    passages = roads.passages
    nearest = np.full(len(legs.node_id), -1, dtype=np.int64)
    first = first_of(passages.node, np.round(passages.node_m, 3), passages.node_leg)
    nearest[passages.node[first]] = passages.node_leg[first]
    of_leg = {
        name: _reached(passages, of, len(legs.node_id)) for name, of in (("s", roads.signals), ("r", roads.refuge))
    }
    of_junction = nearest[node] >= 0
    count = np.where(of_junction, legs.count[legs.node[nearest[node]]], legs.count[node])
    signals = roads.signal_at[node] | of_leg["s"][node]
    control = told["control"].to_numpy(dtype=object)
    stops = signals & (control != "grade_separated")
    island = told["island"].to_numpy(dtype=object)
    edge = largest_leg(legs, node, roads.rank) >> 1
    refuge = roads.refuge_at[node] | of_leg["r"][node] | roads.median[edge]
    return pd.DataFrame({
        "crossing_id": mapped["crossing_id"].to_numpy(dtype=object),
        "node": node,
        "edge": edge,
        "place": np.where(of_junction | (legs.count[node] >= 3), "junction", "block").astype(object),
        "mapped": True,
        "road_edge_ids": _edge_lists(legs, node),
        "legs": count,
        **_sourced("control", np.where(stops, "signals", control), roads.default("control")),
        **_sourced("island", np.where(refuge, True, island), roads.default("island")),
        **_sourced("raised", told["raised"].to_numpy(dtype=object), roads.default("raised")),
        **_sourced("step_free", told["step_free"].to_numpy(dtype=object), roads.catalogue.safety["defaults_all"]["step_free"]),
        "lon": legs.lonlat[node, 0], "lat": legs.lonlat[node, 1], "both": False,
    })  # fmt: skip


def _reached(passages: Passages, of_leg: NDArray[np.bool_], nodes: int) -> NDArray[np.bool_]:
    """Nodes along a leg for which something holds."""
    found = np.zeros(nodes, dtype=bool)
    found[passages.node[of_leg[passages.node_leg]]] = True
    return found


def _sourced(name: str, told: NDArray[np.object_], default: object) -> dict[str, NDArray[np.object_]]:
    """A column and where it comes from: what was told, else the default."""
    known = pd.notna(told)
    value, source = np.full(len(told), default, dtype=object), np.full(len(told), "default", dtype=object)
    value[known], source[known] = told[known], "tag"
    return {name: value, f"{name}_from": source}


def _edge_lists(legs: Legs, nodes: NDArray[np.integer]) -> NDArray[np.object_]:
    """Ids of the road edges at each node, sorted, joined by |."""
    ends, of = legs.ends_at(nodes)
    both = np.unique(np.stack([of, ends >> 1], axis=1), axis=0)
    begin = np.searchsorted(both[:, 0], np.arange(len(nodes) + 1)).astype(np.int32)
    ids = pa.array(legs.edge_id[both[:, 1]], type=pa.string())
    texts: NDArray[np.object_] = pc.binary_join(pa.ListArray.from_arrays(begin, ids), "|").to_numpy(
        zero_copy_only=False
    )
    return texts


def _mouth_rows(roads: _Roads, mapped: pd.DataFrame) -> pd.DataFrame:
    """Legs crossed at their mouths, and roads crossed by footways between junctions, with nothing mapped on the leg."""
    legs, defaults = roads.legs, roads.catalogue.safety["defaults_all"]
    mapped_node = mapped["node"].to_numpy()
    mouths = find_mouths(legs, roads.passages, mapped_node, facility_factors(mapped, roads.catalogue), roads.rank)
    end = mouths.own
    node = legs.node[end]
    junction = legs.count[node] >= 3
    told = _at_junction(roads, mapped, end)
    stops = roads.signals[end] | (roads.signal_at[node] & ~junction)
    control = _sourced("control", np.where(stops, "signals", told["control"]), None)
    unknown = control["control_from"] == "default"
    control["control"][unknown & junction] = roads.default("control_junction")
    control["control"][unknown & ~junction] = roads.default("control")
    refuge = roads.refuge[end] | roads.refuge_at[node] | roads.median[end >> 1]
    edges = legs.edge_id[end >> 1].copy()
    edges[~junction] = _edge_lists(legs, node[~junction])
    return pd.DataFrame({
        "crossing_id": legs.named(end),
        "node": node,
        "edge": end >> 1,
        "place": np.where(junction, "junction", "block").astype(object),
        "mapped": False,
        "road_edge_ids": edges,
        "legs": legs.count[node],
        **control,
        **_sourced("island", np.where(refuge, True, told["island"]), roads.default("island")),
        **_sourced("raised", told["raised"], roads.default("raised")),
        **_sourced("step_free", told["step_free"], defaults["step_free"]),
        "lon": legs.lonlat[node, 0], "lat": legs.lonlat[node, 1], "both": False,
    }).drop_duplicates("crossing_id")  # fmt: skip


def _at_junction(roads: _Roads, mapped: pd.DataFrame, ends: NDArray[np.integer]) -> dict[str, NDArray[np.object_]]:
    """What a crossing mapped on the junction's own node says of its legs: of the largest road's legs.

    Where a zebra is drawn on the junction itself, it is the larger road's that somebody wanted to show.
    """
    legs, names = roads.legs, ("control", "island", "raised", "step_free")
    at = np.full(len(legs.node_id), -1, dtype=np.int64)
    at[mapped["node"].to_numpy()] = np.arange(len(mapped))
    row = at[legs.node[ends]]
    here = np.flatnonzero(row >= 0)
    result = {name: np.full(len(ends), None, dtype=object) for name in names}
    row = row[here]
    largest = mapped["edge"].to_numpy()[row]
    same = roads.highway[ends[here] >> 1] == roads.highway[largest]
    for name in names:
        seen = same & (mapped[f"{name}_from"] != "default").to_numpy()[row]
        result[name][here[seen]] = mapped[name].to_numpy(dtype=object)[row[seen]]
    return result


def _block_rows(roads: _Roads, links: pd.DataFrame) -> pd.DataFrame:
    """Roads crossed before the door of a home or site; never into the median of two carriageways."""
    legs = roads.legs
    used = pd.unique(links.loc[links["linked"].to_numpy(dtype=bool), "edge_id"])
    edge = np.sort(pd.Index(legs.edge_id).get_indexer(pd.Index(used)))
    edge = edge[edge >= 0]
    edge = edge[legs.road[edge] & legs.walk[edge] & (roads.pairs.inner[edge] == 0)]
    place = np.round(legs.middle(edge), COORDINATE_DIGITS)
    return _plain(roads, joined("block", legs.edge_id[edge]), edge, "block", place).assign(
        road_edge_ids=legs.edge_id[edge], control=roads.default("control"), control_from="default",
        step_free=roads.catalogue.safety["defaults_all"]["step_free"], step_free_from="default",
    )  # fmt: skip


def _over_rows(roads: _Roads, streets: pd.DataFrame) -> pd.DataFrame:
    """Footbridges and underpasses: that they keep walkers off the road is seen on the map."""
    legs = roads.legs
    over = find_over(legs, streets, roads.rank)
    return _plain(roads, joined("over", legs.edge_id[over.edge]), over.road, "over", over.lonlat).assign(
        road_edge_ids=over.road_edge_ids, control="grade_separated", control_from="tag", step_free=over.step_free,
        step_free_from="tag", both=over.both,
    )  # fmt: skip


def _plain(
    roads: _Roads, ids: NDArray[np.object_], edge: NDArray[np.integer], place: str, lonlat: NDArray[np.float64]
) -> pd.DataFrame:
    """Columns of crossings away from nodes."""
    return pd.DataFrame({
        "crossing_id": ids, "node": -1, "edge": edge, "place": place, "mapped": False, "legs": 2, "both": False,
        "island": roads.default("island"), "island_from": "default", "raised": roads.default("raised"),
        "raised_from": "default", "lon": lonlat[:, 0], "lat": lonlat[:, 1],
    })  # fmt: skip


def _with_road(rows: pd.DataFrame, roads: _Roads, streets: pd.DataFrame) -> pd.DataFrame:
    """Each crossing with the attributes of the road that it crosses; of two carriageways the whole, and its part of it."""
    legs, edge = roads.legs, rows["edge"].to_numpy()
    other = roads.pairs.opposite[edge]
    half = other >= 0
    mine, theirs = roads.attributes.iloc[edge], roads.attributes.iloc[np.where(half, other, edge)]
    street = streets.iloc[legs.row[edge]]
    lanes, more = (one["lanes_total"].to_numpy(dtype=float) for one in (mine, theirs))
    share = np.where(half, lanes / np.maximum(lanes + more, 1.0), 1.0)
    share[rows["both"].to_numpy(dtype=bool)] = 1.0
    node = rows["node"].to_numpy()
    ids = np.full(len(rows), None, dtype=object)
    ids[node >= 0] = legs.node_id[node[node >= 0]]
    highway = roads.highway[edge]
    columns = {name: mine[name].to_numpy() for name in
               ("speed_kmh", "speed_kmh_from", "flow_per_lane", "lit", "lit_from", "surface", "parking", "calming")}  # fmt: skip
    for name, source in (("lanes_crossed", "lanes_total"), ("width_m", "carriageway_width_m")):
        whole = mine[source].to_numpy(dtype=float) + np.where(half, theirs[source].to_numpy(dtype=float), 0.0)
        guessed = mine[f"{source}_from"].ne("default").to_numpy() & theirs[f"{source}_from"].eq("default").to_numpy()
        columns[name] = whole
        columns[f"{name}_from"] = np.where(guessed, "default", mine[f"{source}_from"].to_numpy(dtype=object))
    return rows.drop(columns=["node", "edge", "lon", "lat", "both"]).assign(
        node_id=ids, road_highway=highway, road_name=street["name"].to_numpy(dtype=object),
        road_ref=street["ref"].to_numpy(dtype=object),
        arterial=np.isin(highway.astype(str), roads.catalogue.safety["roads"]["arterial"]),
        pair_id=np.where(half, mine["pair_id"].to_numpy(dtype=object), None), share=share, **columns,
        island=rows["island"].to_numpy(dtype=bool), raised=rows["raised"].to_numpy(dtype=bool), step_free=rows["step_free"].to_numpy(dtype=bool),
        guard=False, guard_from="default",
        geometry=shapely.points(rows["lon"].to_numpy(dtype=float), rows["lat"].to_numpy(dtype=float)),
    )  # fmt: skip
