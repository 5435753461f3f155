"""Footways drawn beside a road: they are its sidewalks, however the mapper drew them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xiqing_space.safety.lines import Floats, Ints, Lines, Meetings, Samples, first_of, heading, meet, sample_lines

_SPACING_M, _LEAST = 12.0, 3
_TINY_M = 1e-6  # three pieces of five are three fifths, whatever their sum comes to


@dataclass(frozen=True)
class Kerbs:
    """What may lie beside what; arrays by row of the streets, in id order.

    Attributes
    ----------
    foot : bool (n,)
        Ways that may be sidewalks: no crossings.
    told : bool (n,)
        Of these, those tagged as sidewalks.
    road : bool (n,)
        Motor roads.
    minor : bool (n,)
        Motor roads that count only where no other one is near: driveways between a street and its sidewalk.
    level : int8 (n,)
        1 on a bridge, -1 in a tunnel: a way on a bridge is not beside the road below.
    half_width_m : float64 (n,)
        Half of a road's carriageway, of a footway half of its own width.
    """

    foot: NDArray[np.bool_]
    told: NDArray[np.bool_]
    road: NDArray[np.bool_]
    minor: NDArray[np.bool_]
    level: NDArray[np.int8]
    half_width_m: Floats


@dataclass(frozen=True)
class Beside:
    """What was found; arrays by row of the streets.

    Attributes
    ----------
    road : int64 (n,)
        Row of the road that a footway lies beside; -1 where it lies beside none.
    separation_m : float64 (n,)
        Of such a footway: mean way from the carriageway's edge to its own edge, never below 0; else NaN.
    side_m : float64 (n, 2)
        Of a road: the same mean over the footways drawn along its left and its right side; NaN where they cover too little of it.
    """

    road: Ints
    separation_m: Floats
    side_m: Floats


def find_beside(lines: Lines, kerbs: Kerbs, rules: dict[str, Any]) -> Beside:
    """Footways along a motor road, near it and parallel for most of their length, or tagged as its sidewalk.

    The separation is measured on the map, whose lines are often a metre off: a planner may not read a width off it.

    Parameters
    ----------
    lines : Lines
        Segments of all streets.
    rules : dict
        The catalogue's `safety["roads"]`: `beside_max_m` (from the road's line; for tagged sidewalks from the carriageway's edge),
        `beside_heading_deg`, `beside_share`.
    """
    count, limit = len(kerbs.foot), float(rules["beside_max_m"])
    samples, roads = sample_lines(lines.of(kerbs.foot), _SPACING_M, _LEAST), lines.of(kerbs.road)
    told = kerbs.told[samples.row]
    widest = float(kerbs.half_width_m[kerbs.road].max(initial=0.0))
    # two searches, for the few tagged ones look farther
    found = meet(samples, roads, np.where(told, -1.0, limit)).and_(
        meet(samples, roads, np.where(told, limit + widest, -1.0))
    )
    here, there = samples.row[found.sample], roads.row[found.segment]
    reach = np.where(kerbs.told[here], limit + kerbs.half_width_m[there], limit)
    near = found.of((found.distance_m <= reach) & (kerbs.level[here] == kerbs.level[there]))
    parallel = np.abs(heading(samples, roads, near)) >= np.cos(np.radians(rules["beside_heading_deg"]))
    best = _nearest(near.of(parallel), roads, kerbs)
    length = np.bincount(samples.row, samples.metres, minlength=count)
    along = np.bincount(samples.row[best.sample], samples.metres[best.sample], minlength=count)
    beside = (
        kerbs.foot & (length > 0) & ((along >= rules["beside_share"] * length - _TINY_M) | (kerbs.told & (along > 0)))
    )
    # a tagged sidewalk round a corner runs along nothing: the nearest road is its road
    corner = kerbs.told & kerbs.foot & ~beside
    round_it = _nearest(near.of(corner[samples.row[near.sample]]), roads, kerbs)
    of_road, separation = _roads_of(samples, roads, kerbs, best.of(beside[samples.row[best.sample]]), round_it, count)
    sides = _sides(samples, roads, kerbs, best.of(beside[samples.row[best.sample]]), rules["beside_share"], lines)
    return Beside(of_road, separation, sides)


def _nearest(found: Meetings, roads: Lines, kerbs: Kerbs) -> Meetings:
    """The nearest road of each sample; minor ones only where there is no other."""
    there = roads.row[found.segment]
    return found.of(first_of(found.sample, kerbs.minor[there], np.round(found.distance_m, 3), there))


def _between(samples: Samples, roads: Lines, kerbs: Kerbs, found: Meetings) -> Floats:
    """Metres from the carriageway's edge to the footway's."""
    half = kerbs.half_width_m[roads.row[found.segment]] + kerbs.half_width_m[samples.row[found.sample]]
    between: Floats = np.maximum(found.distance_m - half, 0.0)
    return between


def _roads_of(
    samples: Samples, roads: Lines, kerbs: Kerbs, along: Meetings, corner: Meetings, count: int
) -> tuple[Ints, Floats]:
    """The road that each footway shares most of its length with, and how far it is from it."""
    road, separation = np.full(count, -1, dtype=np.int64), np.full(count, np.nan)
    for found in (corner, along):
        foot, there = samples.row[found.sample], roads.row[found.segment]
        pair, of_pair = np.unique(foot * count + there, return_inverse=True)
        metres = np.bincount(of_pair, samples.metres[found.sample], minlength=len(pair))
        apart = np.bincount(
            of_pair, samples.metres[found.sample] * _between(samples, roads, kerbs, found), minlength=len(pair)
        )
        chosen = first_of(pair // count, -np.round(metres, 6), pair % count)
        road[pair[chosen] // count] = pair[chosen] % count
        separation[pair[chosen] // count] = apart[chosen] / metres[chosen]
    return road, separation


def _sides(samples: Samples, roads: Lines, kerbs: Kerbs, along: Meetings, share: float, lines: Lines) -> Floats:
    """Mean separation of the footways on each side of each road, where they run along enough of it."""
    count = len(kerbs.foot)
    place = roads.row[along.segment] * 2 + ~along.left
    metres = samples.metres[along.sample]
    covered = np.bincount(place, metres, minlength=2 * count).reshape(count, 2)
    apart = np.bincount(place, metres * _between(samples, roads, kerbs, along), minlength=2 * count).reshape(count, 2)
    length = np.bincount(lines.row, lines.length_m, minlength=count)[:, None]
    enough = (covered > 0) & (covered >= share * length - _TINY_M)
    return np.where(enough, apart / np.where(covered > 0, covered, 1.0), np.nan)
