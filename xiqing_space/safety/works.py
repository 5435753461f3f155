"""Works that may be done on the ways to school: which crossings and streets each of them changes, and what those score afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.treatments import Treatment
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.safety.score import risk_class
from xiqing_space.safety.way_values import WayValues
from xiqing_space.safety.work_scores import crossing_after, crossing_fits, street_after, street_fits
from xiqing_space.safety.work_ways import Ways, stretches, with_junction, with_other_half

_HANDED_ON = ("speed_kmh", "lit", "calming")  # by a street to its crossings and to sidewalks drawn beside it


@dataclass(frozen=True)
class Works:
    """Works, and what each of them changes. Items are edges of the graph (their row) and crossings (their row + edges).

    Attributes
    ----------
    frame : DataFrame
        `target_id, target_type, treatment, risk_before, risk_after` (score of the target, of the most dangerous item where it has several),
        `suffices`: whether the target's class gets better and is none of the bad ones any more.
    work, item : int64 (k,)
        Row of `frame` and item, sorted by both.
    after : float64 (k,)
        Score of the item with the work done.
    before : float64 (edges + crossings,)
        Scores of all items as they are.
    edges : int
        Number of edges.
    """

    frame: pd.DataFrame
    work: NDArray[np.int64]
    item: NDArray[np.int64]
    after: NDArray[np.float64]
    before: NDArray[np.float64]
    edges: int

    def of(self, work: int) -> slice:
        """Entries of a work."""
        low, high = np.searchsorted(self.work, (work, work + 1))
        return slice(int(low), int(high))

    def done(self, work: int, values: WayValues) -> WayValues:
        """What the graph's edges and crossings count for with one work done."""
        along, cross = values.along.copy(), values.cross.copy()
        entries = self.of(work)
        item, after = self.item[entries], self.after[entries]
        street = item < self.edges
        along[item[street]], cross[item[~street] - self.edges] = after[street], after[~street]
        return replace(values, along=along, cross=cross)


def find_works(
    ways: Ways, targets: NDArray[np.bool_], gates: pd.DataFrame, catalogue: Catalogue, metric_epsg: int
) -> Works:
    """Every treatment of the catalogue on every target on which it makes sense and which it improves.

    That a work is listed does not say that there is room for it, or that it is allowed there.

    Parameters
    ----------
    ways : Ways
    targets : bool (edges + crossings,)
        Items that somebody should look at.
    gates : DataFrame
        Gates that pupils use: `gate_id, edge_id` (edge that they join), `geometry` (EPSG:4326). A gate is looked at where any crossing
        that a guard there would help is among the targets.
    catalogue : Catalogue
    metric_epsg : int
    """
    parts = []
    for work in catalogue.treatments.values():
        if work.target == "crossing":
            parts.append(_on_crossings(ways, targets, work, catalogue))
        elif work.target == "edge":
            parts.append(_on_streets(ways, targets, work, catalogue))
        elif work.reach == "gate":
            parts.append(_at_gates(ways, targets, work, gates, catalogue, metric_epsg))
    return _joined(ways, [part for part in parts if len(part)], catalogue)


def _joined(ways: Ways, parts: list[pd.DataFrame], catalogue: Catalogue) -> Works:
    """Works from rows of (target_id, target_type, treatment, own, item, after); those that change nobody's way are left out."""
    columns = ["target_id", "target_type", "treatment"]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*columns, "own", "item", "after"])
    item = rows["item"].to_numpy(dtype=np.int64)
    rows["before"] = ways.scores[item]
    rows = rows[rows["after"].to_numpy(dtype=float) < rows["before"]].sort_values([*columns, "item"])
    own = rows[rows["own"].to_numpy(dtype=bool)].groupby(columns, sort=True)[["before", "after"]].max()
    frame = own.rename(columns={"before": "risk_before", "after": "risk_after"}).reset_index()
    work = pd.MultiIndex.from_frame(frame[columns]).get_indexer(pd.MultiIndex.from_frame(rows[columns]))
    rows = rows[work >= 0]
    frame["suffices"] = _suffices(frame, catalogue)
    return Works(frame, work[work >= 0].astype(np.int64), rows["item"].to_numpy(dtype=np.int64),
                 rows["after"].to_numpy(dtype=float), ways.scores, ways.edges)  # fmt: skip


def _suffices(frame: pd.DataFrame, catalogue: Catalogue) -> NDArray[np.bool_]:
    """Whether the target's class gets better and is none of the bad ones any more."""
    found = np.zeros(len(frame), dtype=bool)
    for what, rows in (("along", frame["target_type"] == "edge"), ("cross", frame["target_type"] != "edge")):
        mine = rows.to_numpy(dtype=bool)
        before, after = (risk_class(frame.loc[mine, name], what, catalogue) for name in ("risk_before", "risk_after"))
        found[mine] = (before != after) & ~np.isin(after.astype(str), catalogue.fix_list.bad)
    return found


def _rows(work: Treatment, target: Any, own: Any, item: Any, after: Any) -> pd.DataFrame:
    same = {"target_type": work.target, "treatment": work.id}
    return pd.DataFrame({"target_id": target, **same, "own": own, "item": item, "after": after})


# --- crossings


def _on_crossings(ways: Ways, targets: NDArray[np.bool_], work: Treatment, catalogue: Catalogue) -> pd.DataFrame:
    """A work on every crossing among the targets: it changes both halves, or the whole junction."""
    at = np.flatnonzero(targets[ways.edges :])
    at = at[crossing_fits(ways.crossings.iloc[at], work.only)]
    target, item = with_other_half(ways, at, catalogue)
    if work.reach == "junction":
        target, item = with_junction(ways, target, item)
    used, place = np.unique(item, return_inverse=True)
    after = crossing_after(ways.crossings.iloc[used], work.sets, catalogue)[place]
    return _rows(work, ways.graph.crossing_id[target], item == target, item + ways.edges, after)


# --- streets


def _on_streets(ways: Ways, targets: NDArray[np.bool_], work: Treatment, catalogue: Catalogue) -> pd.DataFrame:
    """A work on every stretch of street among the targets, named by the road where it does most; sidewalks drawn apart are their road's."""
    road = ways.streets["road"].to_numpy(dtype=object)
    wanted = ways.roads[ways.roads["edge_id"].isin(set(road[targets[: ways.edges]]))]
    wanted = wanted[street_fits(wanted, work.only, catalogue)]
    stretch = stretches(wanted, catalogue.fix_list.stretch_m)
    length = np.bincount(stretch, weights=wanted["length_m"].to_numpy(dtype=float))
    long = length[stretch] >= catalogue.fix_list.least_stretch_m
    wanted, stretch = wanted[long], pd.factorize(stretch[long])[0]
    ids = pd.Index(wanted["edge_id"])
    of_edge = ids.get_indexer(pd.Index(road))
    handed_on = any(name in _HANDED_ON for name in work.sets.stated)
    own = (ways.streets["road"] == ways.streets["edge_id"]).to_numpy(dtype=bool)
    edge = np.flatnonzero((of_edge >= 0) & (own | handed_on))
    after = street_after(ways.streets.iloc[edge], work.sets, catalogue)
    removed = (ways.values.along[edge] - after) * ways.exposure[edge]
    gain = np.bincount(of_edge[edge], weights=removed, minlength=len(wanted))
    order = np.lexsort((np.arange(len(wanted)), -gain, stretch))
    first = order[np.searchsorted(stretch[order], np.arange(int(stretch.max(initial=-1)) + 1))]
    name = wanted["edge_id"].to_numpy(dtype=object)[first]  # by stretch
    parts = [_rows(work, name[stretch[of_edge[edge]]], True, edge, after)]
    if handed_on:
        of_crossing = ids.get_indexer(pd.Index(ways.crossings["road_edge_ids"]))
        over = np.flatnonzero(of_crossing >= 0)
        score = crossing_after(ways.crossings.iloc[over], work.sets, catalogue)
        parts.append(_rows(work, name[stretch[of_crossing[over]]], False, over + ways.edges, score))
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


# --- gates


def _at_gates(
    ways: Ways, targets: NDArray[np.bool_], work: Treatment, gates: pd.DataFrame, catalogue: Catalogue, metric_epsg: int
) -> pd.DataFrame:
    """A guard at every gate near which one of the targets lies: every crossing on the level within its distance, and the road before it."""
    points = project_geometry(gates["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    gate, item = shapely.STRtree(ways.places).query(points, predicate="dwithin", distance=catalogue.fix_list.guard_m)
    door = pd.Index(ways.graph.crossing_id).get_indexer(pd.Index("block/" + gates["edge_id"].astype(str)))
    size = max(len(ways.places), 1)
    before = np.flatnonzero(door >= 0)
    key = np.unique(np.concatenate([gate * size + item, before * size + door[before]]).astype(np.int64))
    gate, item = key // size, key % size
    kept = crossing_fits(ways.crossings.iloc[item], work.only)
    gate, item = gate[kept], item[kept]
    useful = np.zeros(len(gates), dtype=bool)
    useful[gate[targets[ways.edges + item]]] = True
    gate, item = gate[useful[gate]], item[useful[gate]]
    after = crossing_after(ways.crossings.iloc[item], work.sets, catalogue)
    return _rows(work, gates["gate_id"].to_numpy(dtype=object)[gate], True, item + ways.edges, after)
