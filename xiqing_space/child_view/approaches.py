"""Where a child waits, and the way that a car comes: points at the kerb and paths of the near lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xiqing_space.child_view.roads import Roads

GRAVITY = 9.81
_REACH_M = 0.5  # before and after a place, for the direction of the way there


def stopping_distance_m(speed_kmh: NDArray[np.float64], reaction_s: float, friction: float) -> NDArray[np.float64]:
    """Way that a car takes to stop: v·t + v²/(2·g·f), with v in m/s.

    Parameters
    ----------
    speed_kmh : float64 (n,)
    reaction_s, friction : float
        Time before the brake acts, and grip of the tyres.
    """
    speed = speed_kmh / 3.6
    needed: NDArray[np.float64] = speed * reaction_s + speed**2 / (2 * GRAVITY * friction)
    return needed


@dataclass(frozen=True)
class Waits:
    """Places on roads at which children wait, one row per place and road edge.

    Attributes
    ----------
    edge : int64 (k,)
        Row of the road.
    along_m : float64 (k,)
        Place on its line, from u.
    """

    edge: NDArray[np.int64]
    along_m: NDArray[np.float64]


@dataclass(frozen=True)
class Approaches:
    """One row per place, side and near lane.

    Attributes
    ----------
    wait : int64 (a,)
        Row of the place.
    right : bool (a,)
        Whether the child stands on the right side of the edge, looking from u to v.
    edge : int64 (a,)
        Edge along which the car comes.
    middle : float64 (a, 2)
        Place on the centre line, metres.
    child : float64 (a, 2)
        Where the child stands, metres.
    lane_m : float64 (a,)
        From the centre line to the middle of the near lane.
    car : float64 (p, 2)
        Places of the car, all approaches end to end, nearest to the child first.
    distance_m : float64 (p,)
        How far each place is along the approach.
    owner : int64 (p,)
        Approach of each place.
    """

    wait: NDArray[np.int64]
    right: NDArray[np.bool_]
    edge: NDArray[np.int64]
    middle: NDArray[np.float64]
    child: NDArray[np.float64]
    lane_m: NDArray[np.float64]
    car: NDArray[np.float64]
    distance_m: NDArray[np.float64]
    owner: NDArray[np.int64]


def set_back(roads: Roads, waits: Waits, kerb_m: float) -> Waits:
    """Places moved out of the junctions on whose node they are drawn: the child waits at the corner, not in the road that crosses.

    Parameters
    ----------
    kerb_m : float
        From the edge of the carriageway that crosses to the child.
    """
    corner = roads.meetings.corner_m()
    corner = np.where(corner > 0, corner + kerb_m, 0.0)
    length = roads.length_m[waits.edge]
    near, far = corner[2 * waits.edge], corner[2 * waits.edge + 1]
    short = near + far > length  # a stretch as short as the junctions at its ends: its middle
    inside = np.clip(waits.along_m, near, np.maximum(length - far, near))
    return Waits(waits.edge, np.where(short, np.where(near + far > 0, length * near / np.maximum(near + far, 1e-9), 0), inside))  # fmt: skip


def approaches_to(roads: Roads, waits: Waits, needed_m: NDArray[np.float64], rules: dict[str, Any]) -> Approaches:
    """Child and near-lane car places for both sides of every place.

    Traffic drives on the right: the near lane of a child on the right side (looking from u to v) goes from u to v, so the car
    comes from u; on the left side it comes from v. On a one-way street it comes from where traffic comes on either side. The path
    goes on into the straightest next road from which traffic can come, while that bends less than `turn_max_deg`.

    Parameters
    ----------
    needed_m : float64 (k,)
        How far each place's approach is followed.
    rules : dict
        Section `approach` of catalog/child_view.toml.
    """
    count = len(waits.edge)
    wait, right = np.repeat(np.arange(count), 2), np.tile([True, False], count)
    here = ~np.where(right, roads.no_kerb[waits.edge[wait]] == 2, roads.no_kerb[waits.edge[wait]] == 1)
    wait, right = wait[here], right[here]
    edge, along, needed = waits.edge[wait], waits.along_m[wait], needed_m[wait]
    oneway = roads.oneway[edge]
    from_u = np.where(oneway == 0, right == (rules["drives_on"] == "right"), oneway > 0)
    pieces = _paths(roads, edge, along, from_u, needed, rules["turn_max_deg"])
    step = rules["step_m"]
    steps = np.floor((np.minimum(needed, pieces.total_m) + 1e-9) / step).astype(np.int64)
    kept = np.flatnonzero(steps > 0)
    owner = np.repeat(np.arange(len(kept)), steps[kept])
    first = np.cumsum(steps[kept]) - steps[kept]
    distance = (np.arange(len(owner)) - first[owner] + 1) * float(step)
    half, middle = roads.half_m[edge], roads.chain.place(edge, along)
    way = _unit(roads.chain.place(edge, along + _REACH_M) - roads.chain.place(edge, along - _REACH_M))
    outward = _turned(way) * np.where(right, 1.0, -1.0)[:, None]
    lane = np.maximum(half - rules["lane_width_m"] / 2, 0.0)
    # the path runs from the child to the car: where the car comes from u it is the edge turned round, and sides change
    shift = np.where(right != from_u, lane, -lane)
    car = _beside(roads, pieces, kept[owner], distance, shift[kept[owner]])
    stand = middle + outward * (half + rules["kerb_m"])[:, None]
    return Approaches(wait[kept], right[kept], edge[kept], middle[kept], stand[kept], lane[kept], car, distance, owner)


@dataclass(frozen=True)
class _Pieces:
    """Paths as pieces of edges, sorted by owner and distance.

    A place `s` metres along the path of a piece's owner lies `base + sign·s` from the u of its edge.
    """

    owner: NDArray[np.int64]
    begin: NDArray[np.float64]
    edge: NDArray[np.int64]
    base: NDArray[np.float64]
    sign: NDArray[np.float64]
    total_m: NDArray[np.float64]  # by owner


def _paths(
    roads: Roads,
    edge: NDArray[np.int64],
    along: NDArray[np.float64],
    from_u: NDArray[np.bool_],
    needed: NDArray[np.float64],
    turn_max_deg: float,
) -> _Pieces:
    """Centre lines from the places against the traffic, as far as needed or as the road goes; never twice along one edge."""
    follows, length = roads.meetings.follows(turn_max_deg), roads.length_m
    owner = np.arange(len(edge))
    total = np.where(from_u, along, length[edge] - along)
    found = [(owner, np.zeros(len(edge)), edge, along, np.where(from_u, -1.0, 1.0))]
    going, used = 2 * edge + from_u, edge[:, None]
    on = owner
    while len(on):
        on_ = (total[on] < needed[on]) & (follows[going] >= 0)
        on, going, used = on[on_], follows[going[on_]], used[on_]
        fresh = ~(used == (going // 2)[:, None]).any(axis=1)
        on, going, used = on[fresh], going[fresh], used[fresh]
        nxt, back = going // 2, going % 2 == 1
        found.append(
            (on, total[on], nxt, np.where(back, length[nxt] + total[on], -total[on]), np.where(back, -1.0, 1.0))
        )
        total[on] += length[nxt]
        used = np.column_stack([used, nxt])
    whose, begin, edges, base, sign = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((begin, whose))
    return _Pieces(whose[order], begin[order], edges[order], base[order], sign[order], total)


def _on(roads: Roads, pieces: _Pieces, owner: NDArray[np.int64], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places on paths."""
    span = float(pieces.total_m.max(initial=0.0)) + 1.0
    row = np.searchsorted(pieces.owner * span + pieces.begin, owner * span + distance, side="right") - 1
    return roads.chain.place(pieces.edge[row], pieces.base[row] + pieces.sign[row] * distance)


def _beside(
    roads: Roads, pieces: _Pieces, owner: NDArray[np.int64], distance: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Places along paths, moved to their right by `shift` metres (to their left where negative)."""
    before = _on(roads, pieces, owner, np.maximum(distance - _REACH_M, 0.0))
    after = _on(roads, pieces, owner, np.minimum(distance + _REACH_M, pieces.total_m[owner]))
    moved: NDArray[np.float64] = _on(roads, pieces, owner, distance) + _turned(_unit(after - before)) * shift[:, None]
    return moved


def _unit(way: NDArray[np.float64]) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = way / np.maximum(np.hypot(*way.T), 1e-9)[:, None]
    return unit


def _turned(way: NDArray[np.float64]) -> NDArray[np.float64]:
    """To the right of directions."""
    return np.column_stack([way[:, 1], -way[:, 0]])
