"""Motor roads with the way that traffic runs, how they go on at junctions, and where their corners are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.safety.units import read_oneway

_CORNER_SINE = 0.5  # roads that meet at 30° or less are one road: they make no corner


@dataclass(frozen=True)
class Roads:
    """Motor edges in metres, in id order.

    Attributes
    ----------
    edge_id : object (m,)
    u, v : int64 (m,)
        Rows of the end nodes.
    line : object (m,)
        Lines from u to v.
    half_m : float64 (m,)
        Half the carriageway.
    oneway : int8 (m,)
        1 where traffic goes from u to v only, -1 from v to u only, 0 both ways.
    no_kerb : int8 (m,)
        Side on which nobody can wait, looking from u to v: 1 left, 2 right, 0 neither. The island of a roundabout, and the gap
        between two carriageways that is too narrow for a child.
    """

    edge_id: NDArray[np.object_]
    u: NDArray[np.int64]
    v: NDArray[np.int64]
    line: NDArray[np.object_]
    half_m: NDArray[np.float64]
    oneway: NDArray[np.int8]
    no_kerb: NDArray[np.int8]

    @cached_property
    def length_m(self) -> NDArray[np.float64]:
        """Length of each line."""
        length: NDArray[np.float64] = shapely.length(self.line)
        return length

    @cached_property
    def chain(self) -> Chain:
        """All vertices end to end."""
        return Chain(self.line)

    @cached_property
    def meetings(self) -> Meetings:
        """Which roads meet where, and under which angles."""
        return Meetings(self)


class Chain:
    """Vertices of many lines end to end, so that places on all of them are found at once."""

    def __init__(self, lines: NDArray[np.object_]) -> None:
        xy, owner = shapely.get_coordinates(lines, return_index=True)
        step = np.hypot(*np.diff(xy, axis=0).T) if len(xy) > 1 else np.zeros(0)
        step[owner[1:] != owner[:-1]] = 0.0
        self._xy = xy
        self._at = np.concatenate([[0.0], np.cumsum(step)])
        self._first = np.searchsorted(owner, np.arange(len(lines)))
        self._last = np.searchsorted(owner, np.arange(len(lines)), side="right") - 1

    def place(self, line: NDArray[np.int64], metres: NDArray[np.float64]) -> NDArray[np.float64]:
        """Places `metres` from the beginnings of lines; ends where it would be beyond."""
        if not len(line):
            return np.zeros((0, 2))
        first, last = self._first[line], self._last[line]
        goal = np.clip(self._at[first] + metres, self._at[first], self._at[last])
        before = np.clip(np.searchsorted(self._at, goal, side="right") - 1, first, np.maximum(last - 1, first))
        after = np.minimum(before + 1, last)
        wide = self._at[after] - self._at[before]
        along = np.clip(goal - self._at[before], 0.0, wide)
        way = self._xy[after] - self._xy[before]
        found: NDArray[np.float64] = self._xy[before] + along[:, None] * way / np.where(wide > 0, wide, 1.0)[:, None]
        return found


class Meetings:
    """Directed edges at the nodes: 2·edge goes to v, 2·edge + 1 goes to u.

    `degree` is how many ends meet at the node of each end: 2·edge lies at u, 2·edge + 1 at v.
    """

    def __init__(self, roads: Roads) -> None:
        count = len(roads.edge_id)
        ends = shapely.get_coordinates(shapely.remove_repeated_points(roads.line), return_index=True)
        first = np.searchsorted(ends[1], np.arange(count))
        last = np.searchsorted(ends[1], np.arange(count), side="right") - 1
        out = np.zeros((2 * count, 2))
        out[0::2] = ends[0][first + 1] - ends[0][first] if count else 0.0  # leaving u
        out[1::2] = ends[0][last - 1] - ends[0][last] if count else 0.0  # leaving v
        size = np.hypot(*out.T)
        out /= np.where(size > 0, size, 1.0)[:, None]
        node = np.stack([roads.u, roads.v], axis=1).reshape(-1)
        order = np.argsort(node, kind="stable")
        per = np.bincount(node, minlength=int(node.max(initial=-1)) + 1)
        begin = np.concatenate([[0], np.cumsum(per)])[:-1]
        degree = per[node]
        one = np.repeat(np.arange(2 * count), degree)
        turn = np.arange(len(one)) - np.repeat(np.cumsum(degree) - degree, degree)
        other = order[begin[node[one]] + turn] if len(one) else np.zeros(0, dtype=np.int64)
        kept = one != other
        self._one, self._other = one[kept], other[kept]
        self._cosine = -(out[self._one] * out[self._other]).sum(axis=1)
        self.degree = degree
        self._roads = roads

    def follows(self, turn_max_deg: float) -> NDArray[np.int64]:
        """The directed edge that goes on most straightly after each, against the traffic; -1 where none does.

        A road that traffic only leaves the node by is no way to come from.
        """
        oneway = self._roads.oneway
        # leaving its u the path goes to v, and cars would come from v to u
        into = self._other // 2
        closed = np.where(self._other % 2 == 0, oneway[into] > 0, oneway[into] < 0)
        good = ~closed & (into != self._one // 2) & (self._cosine > np.cos(np.radians(turn_max_deg)))
        one, other, cosine = self._one[good], self._other[good], self._cosine[good]
        order = np.lexsort((other, -np.round(cosine, 9), one))
        one, other = one[order], other[order]
        best = np.concatenate([[True], one[1:] != one[:-1]]) if len(one) else np.zeros(0, dtype=bool)
        found = np.full(2 * len(oneway), -1, dtype=np.int64)
        # an end at u (even) is reached by the edge that goes to u (odd), and what leaves by it goes to v (even)
        found[one[best] ^ 1] = other[best]
        return found

    def corner_m(self) -> NDArray[np.float64]:
        """How far from each end (2·edge at u, 2·edge + 1 at v) the carriageways that cross there reach along the edge; 0 between junctions."""
        crossing = (self.degree[self._one] >= 3) & (np.sqrt(np.maximum(1 - self._cosine**2, 0.0)) > _CORNER_SINE)
        crossing &= self._one // 2 != self._other // 2
        found = np.zeros(2 * len(self._roads.edge_id))
        np.maximum.at(found, self._one[crossing], self._roads.half_m[self._other[crossing] // 2])
        return found


def roads_of(
    streets: pd.DataFrame, attributes: pd.DataFrame, street_tags: pd.DataFrame, rules: dict[str, Any], metric_epsg: int
) -> Roads:
    """Motor roads among the streets: those that have attributes of a road of their own, and a length.

    Parameters
    ----------
    streets : DataFrame
        `edge_id, osm_id, u, v, geometry`.
    attributes : DataFrame
        `street_attributes`; ways beside a road and away from roads are left out.
    street_tags : DataFrame
        `street_tags`: which way a one-way street runs, and what is a roundabout.
    rules : dict
        Section `approach` of catalog/child_view.toml: a gap between two carriageways must hold `kerb_m` on both sides.
    """
    own = attributes[(attributes["road_class"] != "foot") & attributes["beside_edge_id"].isna()]
    columns = ["edge_id", "carriageway_width_m", "oneway", "pair_id", "pair_gap_m"]
    mine = pd.DataFrame(streets[["edge_id", "osm_id", "u", "v", "geometry"]]).merge(own[columns], on="edge_id")
    mine = mine.sort_values("edge_id", ignore_index=True)
    line = project_geometry(mine["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    there = shapely.length(line) > 0
    mine, line = mine[there], line[there]
    code, _ = pd.factorize(pd.concat([mine["u"], mine["v"]], ignore_index=True), sort=True)
    count = len(mine)
    back, round_ = _tagged(street_tags)
    against = mine["osm_id"].isin(back).to_numpy(dtype=bool)
    oneway = np.where(mine["oneway"].to_numpy(dtype=bool), np.where(against, -1, 1), 0).astype(np.int8)
    narrow = mine["pair_id"].notna().to_numpy(dtype=bool) & ~(
        mine["pair_gap_m"].to_numpy(dtype=float) >= 2 * rules["kerb_m"]
    )
    closed = (narrow | mine["osm_id"].isin(round_).to_numpy(dtype=bool)) & (oneway != 0)
    # the other carriageway and the island lie on the driver's inner side
    inner = np.where((oneway > 0) == (rules["drives_on"] == "right"), 1, 2)
    return Roads(
        mine["edge_id"].to_numpy(dtype=object), code[:count].astype(np.int64), code[count:].astype(np.int64),
        line, mine["carriageway_width_m"].to_numpy(dtype=float) / 2, oneway,
        np.where(closed, inner, 0).astype(np.int8),
    )  # fmt: skip


def _tagged(street_tags: pd.DataFrame) -> tuple[set[str], set[str]]:
    """OSM ways whose traffic runs against the line, and roundabouts."""
    back, round_ = set(), set()
    text = street_tags["tags"].astype(object)
    some = street_tags[text.str.contains("-1|reverse|roundabout|circular", na=False).to_numpy(dtype=bool)]
    for osm_id, tags in zip(some["osm_id"], some["tags"], strict=True):
        said = json.loads(tags)
        if said.get("junction") in ("roundabout", "circular"):
            round_.add(osm_id)
        told = read_oneway(said["oneway"]) if "oneway" in said else None
        if told is not None and told[1] < 0:
            back.add(osm_id)
    return back, round_
