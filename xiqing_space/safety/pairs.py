"""Opposite one-way carriageways that make up one road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.safety.lines import Floats, Ints, Lines, first_of, heading, meet, sample_lines

_SPACING_M, _LEAST = 20.0, 2
_TINY_M = 1e-6  # three pieces of five are three fifths, whatever their sum comes to


@dataclass(frozen=True)
class OneWays:
    """One-way carriageways that may be half of a road; arrays by row of the streets, in id order.

    Attributes
    ----------
    may : bool (n,)
        One-way for motor traffic, and no roundabout.
    direction : int8 (n,)
        1 driven along the line, -1 against it, 0 unknown.
    name, road_class, osm_id : object (n,)
        Name (or None), class as mapped, way.
    half_width_m : float64 (n,)
        Half of the carriageway's width.
    """

    may: NDArray[np.bool_]
    direction: NDArray[np.int8]
    name: NDArray[np.object_]
    road_class: NDArray[np.object_]
    osm_id: NDArray[np.object_]
    half_width_m: Floats


@dataclass(frozen=True)
class Pairs:
    """What was found; arrays by row of the streets.

    Attributes
    ----------
    partner : int64 (n,)
        Row of the opposite edge that runs along the most of it; -1 where there is none.
    pair_id : object (n,)
        The ways of the two edges that face each other most, the smaller id first; None where there is no pair. Both carriageways of a
        stretch have the same one.
    gap_m : float64 (n,)
        Mean gap to the partner, edge to edge; NaN where there is no pair.
    inner : int8 (n,)
        Side on which the other carriageway lies, looking from u to v: 1 left, 2 right, 0 none.
    """

    partner: Ints
    pair_id: NDArray[np.object_]
    gap_m: Floats
    inner: NDArray[np.int8]


def find_pairs(lines: Lines, ways: OneWays, rules: dict[str, Any]) -> Pairs:
    """Pairs of opposite one-way carriageways: same name, or same larger class where one of them has no name; parallel and near.

    Streets of the small classes are paired by name only, and only where no house stands between: opposite one-way streets a block apart
    are two streets. A planner may not read off a pair that the gap is a refuge.

    Parameters
    ----------
    lines : Lines
        Segments of all streets.
    rules : dict
        The catalogue's `safety["roads"]`: `pair_gap_max_m`, `pair_gap_minor_m`, `pair_heading_deg`, `pair_share`, `pair_by_class`.
    """
    count = len(ways.may)
    by_class = np.isin(ways.road_class, rules["pair_by_class"])
    named: NDArray[np.bool_] = np.asarray(pd.notna(ways.name), dtype=bool)
    may = ways.may & (named | by_class)
    mine = lines.of(may)
    samples = sample_lines(mine, _SPACING_M, _LEAST)
    widest = float(ways.half_width_m[may].max(initial=0.0))
    found = meet(samples, mine, rules["pair_gap_max_m"] + ways.half_width_m[samples.row] + widest)
    here, there = samples.row[found.sample], mine.row[found.segment]
    gap = found.distance_m - ways.half_width_m[here] - ways.half_width_m[there]
    cosine = heading(samples, mine, found)
    name, kind = pd.factorize(ways.name)[0], pd.factorize(ways.road_class)[0]
    alike = (name[here] == name[there]) & (name[here] >= 0)
    alike |= ((name[here] < 0) | (name[there] < 0)) & (kind[here] == kind[there]) & by_class[here]
    turn = ways.direction[here] * ways.direction[there]
    opposite = np.where(turn == 0, np.abs(cosine), -cosine * turn) >= np.cos(np.radians(rules["pair_heading_deg"]))
    most = np.where(by_class[here] & by_class[there], rules["pair_gap_max_m"], rules["pair_gap_minor_m"])
    keep = np.flatnonzero(alike & opposite & (here != there) & (gap <= most))
    keep = keep[first_of(found.sample[keep], gap[keep], there[keep])]
    here, there, metres = here[keep], there[keep], samples.metres[found.sample[keep]]
    facing = np.bincount(here, metres, minlength=count)
    total = np.bincount(samples.row, samples.metres, minlength=count)
    paired = may & (facing >= rules["pair_share"] * total - _TINY_M) & (total > 0)
    return _joined(_Facing(here, there, metres, gap[keep], found.left[keep], mine.way[found.segment[keep]],
                           samples.way[found.sample[keep]]), paired, ways.osm_id)  # fmt: skip


@dataclass(frozen=True)
class _Facing:
    """Pieces of edges (`here`) and the opposite edge nearest to each (`there`)."""

    here: Ints
    there: Ints
    metres: Floats
    gap_m: Floats
    left: NDArray[np.bool_]  # of the other edge's own direction
    way_there: Floats
    way_here: Floats

    def of(self, keep: NDArray[np.bool_]) -> _Facing:
        return _Facing(*(getattr(self, one)[keep] for one in self.__dataclass_fields__))


def _joined(facing: _Facing, paired: NDArray[np.bool_], osm_id: NDArray[np.object_]) -> Pairs:
    """Each edge's partner, and one id for edges that face each other."""
    count = len(paired)
    partner, inner = np.full(count, -1, dtype=np.int64), np.zeros(count, dtype=np.int8)
    gap, pair_id = np.full(count, np.nan), np.full(count, None, dtype=object)
    facing = facing.of(paired[facing.here] & paired[facing.there])
    if not len(facing.here):
        return Pairs(partner, pair_id, gap, inner)
    low, high = np.minimum(facing.here, facing.there), np.maximum(facing.here, facing.there)
    both, of_both = np.unique(low * count + high, return_inverse=True)
    metres = np.bincount(of_both, facing.metres)
    low, high = both // count, both % count
    # each edge takes the one it shares most with; of equals the first pair, so that going on from partner to partner ends at two
    rows, others = np.concatenate([low, high]), np.concatenate([high, low])
    best = first_of(rows, -np.round(np.concatenate([metres, metres]), 6), np.concatenate([both, both]))
    partner[rows[best]] = others[best]
    at = rows[best]
    end = partner.copy()
    for _ in range(count.bit_length()):
        end[at] = end[end[at]]
    first, second = osm_id[end[at]], osm_id[partner[end[at]]]
    pair_id[at] = np.where(first <= second, first + "+" + second, second + "+" + first)
    # left of the other edge, where that runs the opposite way, is left of one's own too; seen from the other edge it is left as it is
    along = (facing.way_here * facing.way_there).sum(axis=1) > 0
    rows, others = np.concatenate([facing.here, facing.there]), np.concatenate([facing.there, facing.here])
    own = partner[rows] == others
    rows, metres = rows[own], np.tile(facing.metres, 2)[own]
    right = np.concatenate([facing.left == along, ~facing.left])[own]
    weight = np.bincount(rows, metres, minlength=count)[at]
    between = np.bincount(rows, metres * np.tile(facing.gap_m, 2)[own], minlength=count)[at]
    gap[at] = np.maximum(between / weight, 0.0)
    inner[at] = np.where(np.bincount(rows, np.where(right, metres, -metres), minlength=count)[at] > 0, 2, 1)
    return Pairs(partner, pair_id, gap, inner)
