"""Clusters of homes: DBSCAN with children as weight, and the splitting of long ones."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_CHUNK = 4_000  # homes whose neighbours are looked for at once
_KEPT = 2_000_000  # pairs of neighbours kept for the second time that they are needed, 16 MB
DIGITS = 9  # sums of children are compared with the floor after rounding, as they are written


def cluster(xy: NDArray[np.float64], weight: NDArray[np.float64], near_m: float, core: float) -> NDArray[np.int64]:
    """DBSCAN: homes round which enough children live, joined where they lie near each other.

    Why not scikit-learn: loading it costs more than all clusters of a run, it holds the neighbours of all homes at once,
    and there a home at the edge of two clusters goes to the one that was found first.

    Parameters
    ----------
    xy : float64 (n, 2)
        Places, metric; in id order.
    weight : float64 (n,)
        Children.
    near_m : float
        Homes this near are neighbours; each is its own neighbour.
    core : float
        A home whose neighbours have that many children together, its own among them, is a core of a cluster. Other homes
        belong to the nearest core within `near_m`, or to none.

    Returns
    -------
    int64 (n,)
        Number of the cluster in the order of first homes; -1 for homes in none.

    Notes
    -----
    M. Ester et al., A density-based algorithm for discovering clusters in large spatial databases with noise, 1996.
    """
    from scipy.spatial import cKDTree

    count = len(xy)
    if not count:
        return np.zeros(0, dtype=np.int64)
    tree = cKDTree(xy)
    chunks = np.array_split(np.argsort(xy[:, 0], kind="stable"), -(-count // _CHUNK))
    near = [(rows, cKDTree(xy[rows])) for rows in chunks]
    around = np.zeros(count)
    kept: list[tuple[NDArray[np.int32], NDArray[np.int32]] | None] = []
    room = _KEPT
    for rows, mine in near:
        pairs = mine.sparse_distance_matrix(tree, near_m, output_type="ndarray")
        around[rows] = np.bincount(pairs["i"], weights=weight[pairs["j"]], minlength=len(rows))
        room -= len(pairs)
        kept.append((pairs["i"].astype(np.int32), pairs["j"].astype(np.int32)) if room >= 0 else None)
    is_core = np.round(around, DIGITS) >= round(core, DIGITS)
    label = np.arange(count)
    for (rows, mine), known in zip(near, kept, strict=True):
        if known is None:
            pairs = mine.sparse_distance_matrix(tree, near_m, output_type="ndarray")
            known = pairs["i"], pairs["j"]
        one, other = rows[known[0]], known[1]
        both = (one < other) & is_core[one] & is_core[other]  # each pair comes twice
        ends = label[one[both]], label[other[both]]
        joined = coo_array((np.ones(len(ends[0]), dtype=bool), ends), shape=(count, count))
        label = connected_components(joined, directed=False)[1][label]
    cores = np.flatnonzero(is_core)
    if not len(cores):
        return np.full(count, -1, dtype=np.int64)
    edge = np.flatnonzero(~is_core)
    distance, nearest = cKDTree(xy[cores]).query(xy[edge])
    label[edge] = np.where(distance <= near_m, label[cores[np.minimum(nearest, len(cores) - 1)]], -1)
    return _in_order(label)


def _in_order(label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers in the order in which they come, -1 kept."""
    names, first, code = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(names), dtype=np.int64)
    rank[np.argsort(np.where(names < 0, -1, first), kind="stable")] = np.arange(len(names))
    return rank[code] - int(names[0] < 0)


def split_long(xy: NDArray[np.float64], weight: NDArray[np.float64], longest_m: float) -> list[NDArray[np.int64]]:
    """Parts no longer than a limit: halved across the longest line between two homes, alike many children to each side.

    Parameters
    ----------
    xy : float64 (n, 2)
        Places of one cluster, metric; in id order.
    weight : float64 (n,)
        Children.
    longest_m : float
        Distance between the two homes of a part that lie farthest from each other, at most.

    Returns
    -------
    list of int64 arrays
        Rows of each part; every row is in one.
    """
    done, todo = [], [np.arange(len(xy))]
    while todo:
        rows = todo.pop()
        if float(np.hypot(*np.ptp(xy[rows], axis=0))) <= longest_m:  # its box is not longer either
            done.append(rows)
            continue
        begin, end = _longest(xy[rows])
        length = float(np.hypot(*(end - begin)))
        if length <= longest_m:
            done.append(rows)
            continue
        along = (xy[rows] - begin) @ (end - begin)
        order = np.argsort(along, kind="stable")
        before = np.cumsum(weight[rows][order])[:-1]
        cut = 1 + int(np.argmin(np.abs(before - 0.5 * weight[rows].sum())))
        todo += [np.sort(rows[order[:cut]]), np.sort(rows[order[cut:]])]
    return sorted(done, key=lambda rows: int(rows[0]))


def _longest(xy: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two places that lie farthest from each other, the western (southern) one first."""
    corners = np.unique(shapely.get_coordinates(shapely.convex_hull(shapely.multipoints(xy))), axis=0)
    apart = np.hypot(*(corners[:, None] - corners[None]).transpose(2, 0, 1))
    one, other = np.unravel_index(int(np.argmax(apart)), apart.shape)
    return corners[min(one, other)], corners[max(one, other)]
