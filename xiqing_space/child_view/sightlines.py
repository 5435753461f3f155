"""How far along the road a child at the kerb sees, and is seen, past solids that stand between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from xiqing_space.child_view.approaches import Approaches

_CHUNK = 60_000  # lines of sight looked at together
_TOUCH_M = 0.01  # a line that only grazes a solid is not blocked


@dataclass(frozen=True)
class Solids:
    """Obstacles: plan in metres, height over the ground, in id order."""

    obstacle_id: NDArray[np.object_]
    shape: NDArray[np.object_]
    height_m: NDArray[np.float64]


@dataclass(frozen=True)
class Blocks:
    """One row per line of sight and solid in its way.

    Attributes
    ----------
    place : int64 (b,)
        Row of the car's place.
    solid : int64 (b,)
        Row of the solid.
    near, far : float64 (b,)
        Where the line enters and leaves the solid, as parts of the way from the child (0) to the driver (1).
    """

    place: NDArray[np.int64]
    solid: NDArray[np.int64]
    near: NDArray[np.float64]
    far: NDArray[np.float64]


def find_blocks(approaches: Approaches, solids: Solids) -> Blocks:
    """Every solid on every line of sight, whatever its height.

    Only approaches whose whole fan (child and all places of the car) meets a solid are looked at line by line.
    """
    if not len(solids.shape) or not len(approaches.owner):
        empty = np.zeros(0, dtype=np.int64)
        return Blocks(empty, empty, np.zeros(0), np.zeros(0))
    tree = shapely.STRtree(solids.shape)
    coords = np.concatenate([approaches.child, approaches.car])
    owner = np.concatenate([np.arange(len(approaches.wait)), approaches.owner])
    order = np.argsort(owner, kind="stable")
    fans = shapely.convex_hull(shapely.linestrings(coords[order], indices=owner[order]))
    met = np.zeros(len(fans), dtype=bool)
    met[np.unique(tree.query(fans, predicate="intersects")[0])] = True
    places = np.flatnonzero(met[approaches.owner])
    found = []
    for begin in range(0, len(places), _CHUNK):
        mine = places[begin : begin + _CHUNK]
        start, end = approaches.child[approaches.owner[mine]], approaches.car[mine]
        sight = shapely.linestrings(np.stack([start, end], axis=1))
        line, solid = tree.query(sight, predicate="intersects")
        if len(line):
            found.append((mine[line], solid, *_crossed(start[line], end[line], sight[line], solids.shape[solid])))
    if not found:
        empty = np.zeros(0, dtype=np.int64)
        return Blocks(empty, empty, np.zeros(0), np.zeros(0))
    place, solid, near, far = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((solid, place))
    return Blocks(place[order].astype(np.int64), solid[order].astype(np.int64), near[order], far[order])


def _crossed(
    start: NDArray[np.float64], end: NDArray[np.float64], sight: Any, shape: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where each line enters its solid first and leaves it last, as parts of its length."""
    inside = shapely.intersection(sight, shape)
    coords, row = shapely.get_coordinates(inside, return_index=True)
    way = end - start
    length = np.maximum(np.hypot(*way.T), 1e-9)
    part = ((coords - start[row]) * way[row]).sum(axis=1) / length[row] ** 2
    near, far = np.full(len(sight), np.inf), np.full(len(sight), -np.inf)
    np.minimum.at(near, row, part)
    np.maximum.at(far, row, part)
    grazed = (far - near) * length < _TOUCH_M
    return np.where(grazed, np.inf, near), np.where(grazed, -np.inf, far)


def seen_m(
    approaches: Approaches, solids: Solids, blocks: Blocks, eye_m: float, driver_m: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distance along each approach up to the first place of the car that is hidden, and the solid that hides it first.

    The line of sight runs straight from eye to driver; a solid from the ground up hides the car where it is as high as the line
    anywhere within it: the lower of the line's heights where it enters and leaves.

    Returns
    -------
    seen_m : float64 (a,)
        The last place searched where nothing is hidden.
    solid : int64 (a,)
        Row of the solid; -1 where nothing is hidden. Of several at one place the one nearest to the child.
    """
    count = len(approaches.wait)
    seen = np.zeros(count)
    np.maximum.at(seen, approaches.owner, approaches.distance_m)
    by = np.full(count, -1, dtype=np.int64)
    open_ = np.isfinite(blocks.near)
    low = eye_m + (driver_m - eye_m) * np.where(driver_m >= eye_m, blocks.near, blocks.far)[open_]
    hidden = solids.height_m[blocks.solid[open_]] >= low
    place, solid, near = blocks.place[open_][hidden], blocks.solid[open_][hidden], blocks.near[open_][hidden]
    if not len(place):
        return seen, by
    owner, distance = approaches.owner[place], approaches.distance_m[place]
    order = np.lexsort((solid, near, distance, owner))
    owner, distance, solid = owner[order], distance[order], solid[order]
    first = np.concatenate([[True], owner[1:] != owner[:-1]])
    mine = owner[first]
    # seen is the way before the first hidden place
    at = place[order][first]
    follows = (at > 0) & (approaches.owner[at - 1] == mine)
    seen[mine] = np.where(follows, approaches.distance_m[at - 1], 0.0)
    by[mine] = solid[first]
    return seen, by


@dataclass(frozen=True)
class Seen:
    """What is seen from each eye height along each approach; `by` is the solid that hides the car from the child first."""

    child_m: NDArray[np.float64]
    low_m: NDArray[np.float64]
    high_m: NDArray[np.float64]
    adult_m: NDArray[np.float64]
    by: NDArray[np.int64]


def measure_sightlines(approaches: Approaches, solids: Solids, eyes: dict[str, float]) -> Seen:
    """Seen distances for the child's eye, its range, and an adult's.

    A planner may not conclude that a place is safe because the line of sight is free: moving cars, parked cars that nobody
    mapped, crowns of trees, rain and darkness are not in it. With default heights the result is a list of places to look at.

    Parameters
    ----------
    approaches : Approaches
    solids : Solids
        From the ground up to their height.
    eyes : dict
        Section `eyes` of catalog/child_view.toml, m.
    """
    blocks = find_blocks(approaches, solids)
    driver = eyes["driver_m"]
    child, by = seen_m(approaches, solids, blocks, eyes["child_m"], driver)
    low, high, adult = (
        seen_m(approaches, solids, blocks, eyes[name], driver)[0] for name in ("low_m", "high_m", "adult_m")
    )
    return Seen(child, low, high, adult, by)
