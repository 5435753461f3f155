"""Which rows of several sources are one facility: near each other, and with names in which no telling part differs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from xiqing_space.ingest.name_score import compare_names
from xiqing_space.ingest.names import NameParts

EARTH_M = 6_371_008.8
RADIUS_M: Mapping[str, float] = {
    "kindergarten": 150.0, "childcare": 100.0, "park": 300.0, "hospital": 200.0, "primary_school": 200.0,
    "junior_school": 200.0, "senior_school": 200.0, "special_school": 200.0, "school_unknown_level": 200.0,
}  # fmt: skip
OTHER_RADIUS_M = 100.0
NAME_SCORE = 0.85


@dataclass(frozen=True)
class Pair:
    """Two rows (by position) that agree, and how far they lie apart."""

    one: int
    other: int
    distance_m: float
    name_score: float


def near_pairs(lon: NDArray[np.float64], lat: NDArray[np.float64], radius_m: float) -> list[tuple[int, int, float]]:
    """Pairs of points within a radius: positions (the first is the smaller) and metres on the sphere. NaN is near nothing.

    A k-d tree of scipy rather than the BallTree of scikit-learn, whose import alone takes longer than a city's search.
    """
    known = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    if len(known) < 2:
        return []
    east, north = np.radians(lon[known]), np.radians(lat[known])
    places = EARTH_M * np.column_stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])
    # a hair more than asked for: whether a pair is within is decided below, on rounded metres
    pairs = cKDTree(places).query_pairs(radius_m + 0.01, output_type="ndarray")
    chord = np.linalg.norm(places[pairs[:, 0]] - places[pairs[:, 1]], axis=1)
    metres = np.round(2 * EARTH_M * np.arcsin(chord / (2 * EARTH_M)), 2)
    near = metres <= radius_m
    ends = np.sort(known[pairs[near]], axis=1)
    return sorted(zip(ends[:, 0].tolist(), ends[:, 1].tolist(), metres[near].tolist(), strict=True))


def components(n: int, links: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Groups of 0 … n−1 that links join, singles included; each sorted, in the order of their first."""
    parent = list(range(n))

    def top(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for one, other in links:
        low, high = sorted((top(one), top(other)))
        parent[high] = low
    groups: dict[int, list[int]] = defaultdict(list)
    for one in range(n):
        groups[top(one)].append(one)
    return [groups[key] for key in sorted(groups)]


def find_duplicates(
    names: Sequence[NameParts],
    kinds: Sequence[str],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    radius_m: Mapping[str, float] = RADIUS_M,
) -> tuple[list[list[int]], list[list[int]], dict[tuple[int, int], Pair]]:
    """Groups of rows of one kind that are one facility.

    Returns
    -------
    list of list of int
        Groups of two or more in which every two agree in name and lie within twice the radius: to be merged.
    list of list of int
        Groups to be looked at, not merged: those that only a chain holds together (A like B, B like C, A not like C), and pairs
        of one name that lie farther apart than the radius, yet within twice of it: one facility entered at two places, or two.
    dict
        What is known of each pair that was compared.
    """
    pairs: dict[tuple[int, int], Pair] = {}
    widest = 2 * max([*radius_m.values(), OTHER_RADIUS_M])
    links = []
    named = np.asarray([not one.empty for one in names], dtype=bool)  # what has no name is never merged
    for one, other, metres in near_pairs(np.where(named, lon, np.nan), lat, widest):
        radius = radius_m.get(kinds[one], OTHER_RADIUS_M)
        if kinds[one] != kinds[other] or metres > 2 * radius:
            continue
        agreement = compare_names(names[one], names[other])
        if agreement.clear and agreement.score >= NAME_SCORE:
            pairs[one, other] = Pair(one, other, metres, round(agreement.score, 4))
            if metres <= radius:
                links.append((one, other))
    whole: list[list[int]] = []
    chained: list[list[int]] = []
    found = components(len(names), links)
    group_of = {one: number for number, group in enumerate(found) for one in group}
    for group in found:
        if len(group) > 1:
            agreed = all((a, b) in pairs for at, a in enumerate(group) for b in group[at + 1 :])
            (whole if agreed else chained).append(group)
    chained += [[one, other] for one, other in sorted(pairs) if group_of[one] != group_of[other]]
    return whole, chained, pairs
