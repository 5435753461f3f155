"""Points along lines and the nearest other lines that run the same way: what `pairs` and `beside` both need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from xiqing_space.crs import GEOGRAPHIC, project
from xiqing_space.network.graph import spread

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Lines:
    """Lines cut into straight segments, all end to end, metric.

    Attributes
    ----------
    row : int64 (s,)
        Line of each segment.
    start : float64 (s, 2)
        Where it begins.
    way : float64 (s, 2)
        Its direction, of length 1.
    length_m : float64 (s,)
        Its length, never 0.
    """

    row: Ints
    start: Floats
    way: Floats
    length_m: Floats

    def of(self, chosen: NDArray[np.bool_]) -> Lines:
        """Only the lines chosen; `chosen` has a flag per line."""
        keep = chosen[self.row]
        return Lines(self.row[keep], self.start[keep], self.way[keep], self.length_m[keep])


@dataclass(frozen=True)
class Samples:
    """Points in the middle of equal pieces of lines: `row` of the line, place, direction there, metres that each stands for."""

    row: Ints
    xy: Floats
    way: Floats
    metres: Floats


@dataclass(frozen=True)
class Meetings:
    """A sample and a segment near it: rows of both, distance between them, and `left`, whether the sample lies left of the segment."""

    sample: Ints
    segment: Ints
    distance_m: Floats
    left: NDArray[np.bool_]

    def of(self, keep: NDArray[np.bool_] | Ints) -> Meetings:
        """Some of them."""
        return Meetings(self.sample[keep], self.segment[keep], self.distance_m[keep], self.left[keep])

    def and_(self, other: Meetings) -> Meetings:
        """Both."""
        mine, theirs = ((one.sample, one.segment, one.distance_m, one.left) for one in (self, other))
        return Meetings(*(np.concatenate(pair) for pair in zip(mine, theirs, strict=True)))


def cut_lines(geometry: NDArray[np.object_], metric_epsg: int) -> Lines:
    """Segments of lines given in degrees (EPSG:4326); those of no length are left out."""
    lonlat, row = shapely.get_coordinates(geometry, return_index=True)
    xy = project(lonlat, GEOGRAPHIC, metric_epsg)
    step = np.diff(xy, axis=0)
    length = np.hypot(step[:, 0], step[:, 1])
    at = np.flatnonzero((row[1:] == row[:-1]) & (length > 0)) if len(xy) else np.zeros(0, dtype=np.int64)
    return Lines(row[at].astype(np.int64), xy[at], step[at] / length[at, None], length[at])


def sample_lines(lines: Lines, spacing_m: float, least: int) -> Samples:
    """Points along each line, no farther apart than `spacing_m` and at least `least` of them."""
    if not len(lines.row):
        return Samples(lines.row, lines.start, lines.way, lines.length_m)
    rows, first = np.unique(lines.row, return_index=True)
    end = np.cumsum(lines.length_m)
    begin = end[first] - lines.length_m[first]
    total = np.add.reduceat(lines.length_m, first)
    count = np.maximum(np.ceil(total / spacing_m).astype(np.int64), least)
    piece = np.repeat(total / count, count)
    number = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    along = np.repeat(begin, count) + (number + 0.5) * piece
    last = np.repeat(np.append(first[1:], len(lines.row)) - 1, count)
    segment = np.minimum(np.searchsorted(end, along, side="right"), last)
    on = along - (end - lines.length_m)[segment]
    return Samples(
        np.repeat(rows, count), lines.start[segment] + on[:, None] * lines.way[segment], lines.way[segment], piece
    )


def meet(samples: Samples, lines: Lines, radius_m: Floats) -> Meetings:
    """Every segment within the radius of each sample, by sample and then segment.

    Samples lie sorted in strips from west to east, by northing within each, so that a segment finds those round it by binary search: many
    times faster than a geometry object for each point and segment.

    Parameters
    ----------
    radius_m : float64 (n,)
        How far to look from each sample; below 0 not at all.
    """
    farthest = float(radius_m.max(initial=0.0))
    if not farthest > 0 or not len(lines.row):
        none = np.zeros(0, dtype=np.int64)
        return Meetings(none, none, np.zeros(0), np.zeros(0, dtype=bool))
    ends = lines.start + lines.length_m[:, None] * lines.way
    low = np.minimum(lines.start, ends) - farthest
    high = np.maximum(lines.start, ends) + farthest
    origin, width = samples.xy.min(axis=0), farthest
    x, y = (samples.xy - origin).T
    span = 2.0 * float(y.max()) + 1.0
    key = np.floor(x / width) * span + y
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.maximum(np.floor((low[:, 0] - origin[0]) / width), 0.0).astype(np.int64)
    last = np.minimum(np.floor((high[:, 0] - origin[0]) / width), np.floor(x.max() / width)).astype(np.int64)
    strips = np.maximum(last - first + 1, 0)
    of = np.repeat(np.arange(len(strips)), strips)
    strip = (np.repeat(first - (np.cumsum(strips) - strips), strips) + np.arange(len(of))).astype(np.float64)
    south = np.clip(low[of, 1] - origin[1], -0.25 * span, 0.75 * span)
    north = np.clip(high[of, 1] - origin[1], -0.25 * span, 0.75 * span)
    begin = np.searchsorted(key, strip * span + south, side="left")
    size = np.maximum(np.searchsorted(key, strip * span + north, side="right") - begin, 0)
    sample, segment = order[spread(begin, size)], np.repeat(of, size)
    aside = samples.xy[sample] - lines.start[segment]
    way = lines.way[segment]
    ahead = aside[:, 0] * way[:, 0] + aside[:, 1] * way[:, 1]
    across = way[:, 0] * aside[:, 1] - way[:, 1] * aside[:, 0]
    beyond = ahead - np.clip(ahead, 0.0, lines.length_m[segment])
    distance = np.sqrt(across * across + beyond * beyond)
    near = np.flatnonzero(distance <= radius_m[sample])
    near = near[np.lexsort((segment[near], sample[near]))]
    return Meetings(sample[near], segment[near], distance[near], across[near] > 0)


def heading(samples: Samples, lines: Lines, found: Meetings) -> Floats:
    """Cosine of the angle between the directions of sample and segment: 1 the same way, -1 the opposite way."""
    cosine: Floats = (samples.way[found.sample] * lines.way[found.segment]).sum(axis=1)
    return cosine


def first_of(sample: Ints, *keys: NDArray[np.generic]) -> Ints:
    """Of each sample the row that comes first by the keys, the most important one first."""
    order = np.lexsort((*keys[::-1], sample))
    ordered = sample[order]
    first: Ints = order[np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))] if len(order) else order
    return first
